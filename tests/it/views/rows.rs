//! Rows for the views: the simulator's, some of them changed, so that each case that a view tells apart is there.

use std::time::SystemTime;

use aig_logs::{
    log::{entry::Entry, privacy::Privacy},
    record::Record,
    time::{self, Timestamp},
};
use chrono::{Days, NaiveDate, TimeDelta};
use serde_json::{Value, json};

use crate::cli::World;

const GATEWAYS: [&str; 2] = ["main", "batch"];

/// Days whose age a view asks for, and their neighbours. Rows of these would come and go with the clock, or at midnight.
const BORDERS: [u64; 6] = [29, 30, 31, 57, 58, 59];

/// What the raw table holds.
pub struct Rows {
    /// Each log in its newest version.
    pub newest: Vec<Record>,
    /// Older versions of some, which no reader may see.
    pub older: Vec<Record>,
    /// When they were made. No row of the simulator is younger.
    pub now: Timestamp,
}

/// Some hundred rows of the last two months.
pub fn rows() -> Rows {
    let world =
        World::start(&["--gateways", "main,batch", "--entries", "300", "--days", "64", "--rate", "0", "--seed", "4"]);
    let now = now();
    let mut rows = Rows { newest: Vec::new(), older: Vec::new(), now };
    for gateway in GATEWAYS {
        let lines = world.ask("GET", &format!("/simulator/entries?gateway={gateway}"));
        let entries: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for (i, entry) in entries.iter().enumerate() {
            rows.add(i, changed(i, entry.clone()), gateway);
        }
        if gateway == GATEWAYS[0] {
            let today = now.date_naive();
            for (i, entry) in users(&entries, today)
                .into_iter()
                .chain(busy(&entries, today))
                .chain(chains(&entries, today))
                .enumerate()
            {
                rows.add(i, entry, gateway);
            }
        }
    }
    rows
}

impl Rows {
    fn add(&mut self, i: usize, entry: Value, gateway: &str) {
        let now = self.now;
        let entry_of = |entry: &Value| Entry::from_json(entry.clone()).unwrap();
        let row = |entry: &Value, ingested_at| entry_of(entry).into_row(gateway, ingested_at, &Privacy::default());
        let newest = row(&entry, now);
        if BORDERS.contains(&age(newest.at().date_naive(), now.date_naive())) {
            return;
        }
        if i.is_multiple_of(5) {
            let mut older = entry;
            older["cost"] = json!(77.0);
            older["cached"] = json!(true);
            older["metadata"] = json!(r#"{"user_id":"nobody"}"#);
            self.older.push(row(&older, now - TimeDelta::seconds(1)));
            self.older.push(row(&older, now - TimeDelta::minutes(1)));
        }
        self.newest.push(newest);
    }
}

#[expect(clippy::disallowed_methods, reason = "the views ask the real clock which days are recent")]
fn now() -> Timestamp {
    SystemTime::now().into()
}

/// How many days a day lies before another one.
pub fn age(day: NaiveDate, today: NaiveDate) -> u64 {
    (today - day).num_days().try_into().unwrap()
}

/// An entry with fewer users than the simulator has, and with what it has seldom or never. No key of the metadata has a
/// dot in it: the peer's `JSON_KEYS` leaves such a key out, where `BigQuery` puts it in double quotes.
fn changed(i: usize, mut entry: Value) -> Value {
    let team = ["search", "support"][i % 2];
    match i % 10 {
        0 => {}
        1 => entry["metadata"] = json!({ "user": "ada", "cost center": "a b", "canary": false, "ratio": 0.5 }),
        2 => entry["metadata"] = json!({ "user": "ada", "user_id": null, "tags": ["a", { "b": 1 }], "team": null }),
        3 => entry["metadata"] = json!(["user_id"]),
        _ => entry["metadata"] = json!({ "user_id": i % 6, "user": "somebody", "team": team }),
    }
    match i % 17 {
        0 => entry["cost"] = json!(0.0),
        1..3 => entry["cost"] = Value::Null,
        3 => entry["success"] = Value::Null,
        4 => entry["cached"] = Value::Null,
        // A hit that is not free, and the only calls of a model.
        5 if entry["cached"] == true => entry["cost"] = json!(0.000_01),
        6 => entry["model"] = json!(["only-cached", "without-a-price"][i % 2]),
        7 => entry["model"] = Value::Null,
        // As AI Gateway writes it since September 2026.
        8 => entry["model"] = [&entry["provider"], &entry["model"]].map(|name| name.as_str().unwrap()).join("/").into(),
        9 => (entry["cost"], entry["custom_cost"]) = (json!(0.0), json!(true)),
        10 => (entry["cost"], entry["tokens_in"], entry["tokens_out"]) = (Value::Null, Value::Null, json!(0)),
        11 => (entry["cost"], entry["tokens_in"], entry["tokens_out"]) = (json!(0.0), json!(0), Value::Null),
        _ => {}
    }
    if entry["model"] == "only-cached" {
        (entry["cached"], entry["success"]) = (json!(true), json!(true));
    }
    if entry["model"] == "without-a-price" {
        entry["cost"] = Value::Null;
    }
    match i % 23 {
        0 => entry["tokens_out"] = Value::Null,
        1 => entry["tokens_in"] = json!(0),
        2 => entry["duration"] = Value::Null,
        3 => entry["timings"] = Value::Null,
        _ => {}
    }
    entry
}

/// An hour in which one model was called often: a hundred calls with each time, so that every percentile is one of them
/// and its neighbours are others, and some without.
fn busy(entries: &[Value], today: NaiveDate) -> impl Iterator<Item = Value> {
    let hour = (today - Days::new(10)).and_hms_opt(9, 0, 0).unwrap().and_utc();
    (0..103).zip(entries).map(move |(i, entry)| {
        let mut entry = entry.clone();
        entry["id"] = json!(format!("busy-{i}"));
        entry["created_at"] = json!(time::text(hour + TimeDelta::seconds(30 * i)));
        entry["provider"] = json!("openai");
        entry["model"] = json!("busy");
        (entry["success"], entry["cached"]) = (json!(true), json!(false));
        // No order of the calls, and none in common.
        entry["duration"] = if i < 100 { json!(37 * i % 101) } else { Value::Null };
        entry["timings"] = if i < 3 { Value::Null } else { json!({ "latency": 53 * i % 107 }) };
        entry
    })
}

/// Attempts of requests: the step, whether it succeeded, and the id that they share.
fn chains(entries: &[Value], today: NaiveDate) -> impl Iterator<Item = Value> {
    let midnight = (today - Days::new(12)).and_hms_opt(0, 0, 0).unwrap().and_utc();
    let rescued = [(1, 0, false, "a"), (2, 1, false, "a"), (3, 2, true, "a")];
    // In vain; the same place twice; good from the start, asked again; over midnight; and without an id.
    let others = [(5, 0, false, "b"), (6, 1, false, "b"), (7, 0, false, "c"), (8, 0, true, "c"), (9, 0, true, "d")];
    let others =
        others.into_iter().chain([(10, 0, true, "d"), (-1, 0, false, "e"), (11, 1, true, "e"), (12, 1, true, "")]);
    rescued.into_iter().chain(others).zip(entries).map(move |((minute, step, success, event), entry)| {
        let mut entry = entry.clone();
        entry["id"] = json!(format!("chain-{minute}"));
        entry["created_at"] = json!(time::text(midnight + TimeDelta::minutes(minute)));
        (entry["step"], entry["success"], entry["cached"]) = (json!(step), json!(success), json!(false));
        entry["event_id"] = if event.is_empty() { Value::Null } else { json!(event) };
        entry
    })
}

/// One entry a day of users who are there for the anomalies: age of the day, user and cost.
fn users(entries: &[Value], today: NaiveDate) -> Vec<Value> {
    // Far above what was; far above the user's own, but by next to nothing; far above the user's own, and by more than a
    // dollar; above the user's own, but not by twice; above everybody, but not above the user's own; and without a day before.
    let calm = (2..25).map(|age| (age, "spike", 0.01)).chain((2..25).map(|age| (age, "small", 0.000_001)));
    let calm = calm.chain((2..25).map(|age| (age, "modest", 0.05))).chain((2..25).map(|age| (age, "steady", 100.0)));
    let days = calm.chain([(1, "spike", 5_000.0), (1, "small", 0.000_05), (0, "new", 9_000.0)]);
    let days = days.chain([(24, "rich", 1_000.0), (22, "rich", 1_000.0), (3, "rich", 900.0)]);
    let days = days.chain([(1, "modest", 2.5), (1, "steady", 199.0)]);
    let entry = |(i, (age, user, cost)): (usize, (u64, &str, f64))| {
        let mut entry = entries[i].clone();
        entry["id"] = json!(format!("{user}-{age}"));
        entry["created_at"] = json!(time::text((today - Days::new(age)).and_hms_opt(12, 0, 0).unwrap().and_utc()));
        entry["metadata"] = json!({ "user_id": user });
        entry["cost"] = json!(cost);
        entry
    };
    days.enumerate().map(entry).collect()
}
