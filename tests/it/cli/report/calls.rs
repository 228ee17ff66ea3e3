//! Calls of two months, and what plain loops say of them.

use std::path::Path;

use aig_logs::{
    database::sqlite::SqliteDatabase,
    log::metadata::MetadataKeys,
    rollup,
    sink::sqlite::Sqlite,
    time::{self, Timestamp},
};
use chrono::TimeDelta;
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A log, with what a report can see of it.
#[derive(Debug, Clone)]
pub struct Call {
    pub at: Timestamp,
    pub model: Option<String>,
    pub team: Option<Value>,
    pub org: &'static str,
    pub cost: Option<f64>,
    pub success: Option<bool>,
    pub tokens_in: Option<i64>,
    pub tokens_out: Option<i64>,
    pub tokens_cached: Option<i64>,
    pub cached: Option<bool>,
}

impl Call {
    /// A call that costs something.
    pub fn new(at: &str, model: &str, team: &str, cost: f64) -> Self {
        Self {
            at: time::parse(at).unwrap(),
            model: Some(model.into()),
            team: Some(team.into()),
            org: "acme",
            cost: Some(cost),
            success: Some(true),
            tokens_in: Some(1_000),
            tokens_out: Some(100),
            tokens_cached: Some(400),
            cached: Some(false),
        }
    }

    /// Whether somebody must have been paid for it, and it has no cost.
    pub fn is_unpriced(&self) -> bool {
        let has_tokens = [self.tokens_in, self.tokens_out].into_iter().flatten().any(|tokens| tokens > 0);
        let lacks_cost = match self.cost {
            None => has_tokens || self.success != Some(false),
            Some(cost) => has_tokens && cost == 0.0,
        };
        lacks_cost && self.cached != Some(true)
    }
}

/// Calls of January and February 2020, most of them with everything. Their costs have sums that floats hold.
pub fn random(seed: u64, count: usize) -> Vec<Call> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let (start, minutes) = (time::parse("2019-12-30").unwrap(), 64 * 1_440);
    let calls = (0..count).map(|_| {
        let chance = &mut chance;
        let model = ["small", "large", "free", "éτ漢"].choose(chance).map(|name| (*name).to_owned());
        let teams = json!(["search", "a \"b\"", 5, true, "=1+1", null, ["x"], "<script>alert(1)</script>"]);
        let tokens = |chance: &mut ChaCha8Rng| chance.gen_bool(0.9).then(|| chance.gen_range(0..3) * 500);
        Call {
            at: start + TimeDelta::minutes(chance.gen_range(0..minutes)),
            cost: (chance.gen_bool(0.9) && model.as_deref() != Some("free"))
                .then(|| chance.gen_range(0..64_u32).into())
                .map(|n: f64| n / 64.0),
            model: model.filter(|_| chance.gen_bool(0.9)),
            team: chance.gen_bool(0.8).then(|| teams.as_array().unwrap().choose(chance).unwrap().clone()),
            org: if chance.gen_bool(0.7) { "acme" } else { "other" },
            success: [Some(true), Some(false), None].choose(chance).copied().unwrap(),
            tokens_in: tokens(chance),
            tokens_out: tokens(chance),
            tokens_cached: tokens(chance),
            cached: [Some(true), Some(false), None].choose(chance).copied().unwrap(),
        }
    });
    calls.collect()
}

/// A folder with `aig-logs.sqlite`, which has these calls.
pub fn folder(calls: &[Call]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut file = open(folder.path());
    Sqlite::new(&file, &MetadataKeys::default()).unwrap();
    let file = file.transaction().unwrap();
    let text = "INSERT INTO aig_logs_raw (gateway, created_at, id, model, success, cost, tokens_in, tokens_out, \
                input_cached_tokens, cached, ingested_at, metadata) VALUES ('g', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?1, ?10)";
    for (id, call) in calls.iter().enumerate() {
        let mut metadata = json!({ "org": call.org });
        if let Some(team) = &call.team {
            metadata["team"] = team.clone();
        }
        let (at, id, metadata) = (time::text(call.at), format!("id{id}"), metadata.to_string());
        let Call { model, success, cost, tokens_in, tokens_out, tokens_cached, cached, .. } = call;
        let values = params![at, id, model, success, cost, tokens_in, tokens_out, tokens_cached, cached, metadata];
        file.prepare_cached(text).unwrap().execute(values).unwrap();
    }
    file.commit().unwrap();
    folder
}

/// The file of a folder.
pub fn open(folder: &Path) -> Connection {
    Connection::open(folder.join("aig-logs.sqlite")).unwrap()
}

/// Counts every hour and day of a folder's file.
pub fn count(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let database = SqliteDatabase::existing(&folder.join("aig-logs.sqlite")).unwrap();
    let now = time::parse("2020-03-02").unwrap();
    let pass = rollup::pass(&database, "org", TimeDelta::days(760), now, usize::MAX);
    assert!(runtime.block_on(pass).unwrap().spans > 300);
    database.close().unwrap();
}

/// The numbers of a group: the cost, what is known of it, and the measures. `unpriced`: whether one of them may have no price,
/// where this is not counted for the group itself.
pub fn numbers(calls: &[&Call], unpriced: Option<bool>) -> Vec<Value> {
    let count = |is: &dyn Fn(&Call) -> bool| calls.iter().filter(|call| is(call)).count();
    let tokens = |of: &dyn Fn(&Call) -> Option<i64>| calls.iter().filter_map(|call| of(call)).sum::<i64>();
    let sum = calls.iter().filter_map(|call| call.cost).fold(0.0, |sum, cost| sum + cost);
    let may_lack = unpriced.unwrap_or_else(|| calls.iter().any(|call| call.is_unpriced()));
    let cost = match may_lack {
        false => json!([sum, "exact"]),
        true if sum > 0.0 => json!([sum, "at least"]),
        true => json!([null, "unknown"]),
    };
    let mut told = cost.as_array().unwrap().clone();
    told.extend([calls.len(), count(&|call| call.success == Some(false))].map(Value::from));
    told.extend([tokens(&|call| call.tokens_in), tokens(&|call| call.tokens_out)].map(Value::from));
    if unpriced.is_some() {
        told.extend([Value::Null, Value::Null, Value::Null]);
    } else {
        told.push(tokens(&|call| call.tokens_cached).into());
        told.extend([count(&|call| call.cached == Some(true)), count(&Call::is_unpriced)].map(Value::from));
    }
    // Floats, so that 1 and 1.0 are the same.
    told.into_iter().map(|value| value.as_f64().map_or(value, Value::from)).collect()
}

/// Each whole number as a float.
pub fn floats(values: impl Iterator<Item = Value>) -> Vec<Value> {
    values.map(|value| value.as_f64().map_or(value, Value::from)).collect()
}
