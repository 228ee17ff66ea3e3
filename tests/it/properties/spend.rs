//! What is summed up for alerts, against a plain loop over the table; and what the webhook was told.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use aig_logs::{
    config::{Alerts, Budget, Digest, Period, Scope},
    secret::Secret,
    state::{Forward, Oldest, Spend},
    time,
    wire::Response,
};
use chrono::{NaiveTime, TimeDelta, Weekday};
use serde_json::Value;

use super::life::Life;
use crate::world::World;

/// Where the webhook is.
const HOOK: &str = "https://hooks.test/services/T0123456789/B0123456789/abcdefghijklmnop";

/// The news that the webhook was told, as it got them.
pub type Received = Rc<RefCell<Vec<Value>>>;

/// Budgets that histories use up, and one that they never do.
fn alerts() -> Alerts {
    let scope = |value: Option<&str>| Some(Scope { key: "team".to_owned(), value: value.map(str::to_owned) });
    Alerts {
        webhook: Secret::new(HOOK),
        budgets: vec![
            Budget { scope: None, nanos: 10_000_000, period: Period::Day },
            Budget { scope: None, nanos: 5_000_000_000, period: Period::Month },
            Budget { scope: scope(Some("search")), nanos: 100_000_000, period: Period::Month },
            Budget { scope: scope(None), nanos: 1_000_000_000_000, period: Period::Day },
        ],
        digest: Some(Digest {
            day: Weekday::Mon,
            time: NaiveTime::MIN,
            zone: "Europe/Berlin".to_owned(),
            key: "team".to_owned(),
        }),
    }
}

/// Gives a world a webhook that takes everything.
pub fn listen(world: &mut World) -> Received {
    let received = Received::default();
    world.config.alerts = Some(alerts());
    let heard = Rc::clone(&received);
    world.instead = Some(Box::new(move |request| {
        (request.uri().host() == Some("hooks.test")).then(|| {
            heard.borrow_mut().push(serde_json::from_slice(request.body()).unwrap());
            Response::new(b"ok".to_vec())
        })
    }));
    received
}

impl Life<'_> {
    /// Each delivered log is summed up once: the sums of both jobs are what a loop over the table finds.
    pub fn assert_sums(&self) {
        if self.received.is_none() {
            return;
        }
        let newest = self.world.now().date_naive() - TimeDelta::days(9);
        let mut expected: BTreeMap<String, i64> = BTreeMap::new();
        for rows in self.rows_once() {
            let created_at = time::parse(rows["created_at"].as_str().unwrap()).unwrap();
            let Some(cost) = rows["cost"].as_f64().filter(|_| created_at.date_naive() >= newest) else { continue };
            #[expect(clippy::cast_possible_truncation, reason = "billionths of a few USD")]
            let nanos = (cost * 1e9).round() as i64;
            *expected.entry(created_at.date_naive().to_string()).or_default() += nanos;
            let metadata: Value = serde_json::from_str(rows["metadata"].as_str().unwrap_or("{}")).unwrap();
            if metadata["team"] == "search" {
                *expected.entry(created_at.format("%Y-%m team=search").to_string()).or_default() += nanos;
            }
        }
        expected.retain(|_, nanos| *nanos != 0);
        let sums = self.sums();
        let found: BTreeMap<String, i64> =
            expected.keys().map(|name| (name.clone(), sums.iter().map(|spend| spend.sum(name)).sum())).collect();
        if self.history.deletes() {
            // A log that was written, and is gone before its cursor is saved, is in the table alone.
            assert!(found.iter().all(|(name, nanos)| *nanos <= expected[name]), "{found:?}, but at most {expected:?}");
        } else {
            assert_eq!(found, expected, "the sums of the state, and of the table");
        }
    }

    /// The rows of the table, each once.
    fn rows_once(&self) -> Vec<Value> {
        let rows = self.world.table.rows(&self.world).into_iter();
        let key = |row: &Value| (row["gateway"].to_string(), row["id"].to_string());
        rows.map(|row| (key(&row), row)).collect::<BTreeMap<_, _>>().into_values().collect()
    }

    fn sums(&self) -> Vec<Spend> {
        let value = |key: &str| self.world.state.value(key);
        let forward = value("forward").map(|text| Forward::from_json("forward", &text, &[]).unwrap());
        let oldest = value("oldest").map(|text| Oldest::read(&text, &[]).unwrap());
        let forward = forward.into_iter().flat_map(|it| it.by_id.into_values().map(|position| position.spend));
        forward.chain(oldest.into_iter().flat_map(|it| it.by_id.into_values().map(|backfill| backfill.spend))).collect()
    }

    /// Each alert was told once, and once when it was over. Where something went wrong, it may have been told again.
    pub fn assert_told_once(&self) {
        let Some(received) = &self.received else { return };
        let may_repeat = self.history.may_repeat_rows() || self.history.setting.slow_stores;
        let mut on: BTreeMap<String, u64> = BTreeMap::new();
        for alert in received.borrow().iter().flat_map(|message| message["alerts"].as_array().unwrap()) {
            let (id, level) = (alert["id"].as_str().unwrap().to_owned(), alert["level"].as_u64().unwrap());
            let known = on.get(&id).copied();
            let is_news = match alert["state"].as_str().unwrap() {
                "on" => known.is_none_or(|known| known < level),
                _ => known.is_some(),
            };
            assert!(is_news || may_repeat, "told again: {alert}, after {on:?}");
            if alert["state"] == "on" {
                on.insert(id, level)
            } else {
                on.remove(&id)
            };
        }
    }
}
