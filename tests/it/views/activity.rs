//! What the view `activity` must show of logs and events, worked out in plain loops, and the key of a log's org.

use std::collections::{BTreeMap, BTreeSet};

use aig_logs::{
    event::EVENTS,
    log::{entry::Entry, metadata::MetadataKeys, privacy::Privacy},
    record::{Cell, Kind, Record},
    sink::{Sink as _, sqlite::Sqlite},
    time::Timestamp,
};
use chrono::{DurationRound as _, TimeDelta};
use futures_util::FutureExt as _;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::computed::{Lines, View, word};
use crate::world::table::select;

const WORDS: [&str; 16] = [
    "source",
    "created_at",
    "org",
    "name",
    "user_id",
    "session_id",
    "subject",
    "unit",
    "sku",
    "provider",
    "model",
    "gateway",
    "error",
    "id",
    "ingested_at",
    "metadata",
];

const NUMBERS: [&str; 7] = ["success", "status_code", "duration", "quantity", "cost", "tokens_in", "tokens_out"];

/// Some events, of which each column is null in some.
pub fn events(now: Timestamp) -> Vec<Record> {
    let event = |n: i64| {
        let at = (now - TimeDelta::minutes(n)).duration_trunc(TimeDelta::milliseconds(1)).unwrap();
        let cell = |(place, name, kind): (i64, &str, Kind)| match (name, kind) {
            ("org", _) => Cell::Text(["acme", "default"][usize::try_from(n % 2).unwrap()].into()),
            ("id" | "name", _) => Cell::Text(format!("{name}-{n}")),
            (_, Kind::Instant) => Cell::Instant(at),
            ("source", _) => Cell::Text("http".into()),
            _ if (n + place) % 3 == 0 => Cell::Null,
            (_, Kind::Text) => Cell::Text(format!("{name} {n}")),
            (_, Kind::Json) => Cell::Text(format!("{{\"n\":{n}}}")),
            (_, Kind::Integer) => Cell::Integer(200 + n),
            (_, Kind::Float) => Cell::Float(0.5 + f64::from(i32::try_from(n * place).unwrap())),
            (_, Kind::Bool) => Cell::Bool(n % 4 == 0),
        };
        let columns = (0..).zip(EVENTS.columns).map(|(place, column)| (place, column.name, column.kind));
        Record { table: &EVENTS, cells: columns.map(cell).collect() }
    };
    (0..30).map(event).collect()
}

/// The view over logs and events, where `org` is the metadata key of an org.
pub fn activity(logs: &[Record], events: &[Record], org: &str) -> View {
    let mut lines = Lines::new();
    let mut add = |line: &BTreeMap<&str, Value>| {
        let name = WORDS.iter().map(|column| word(line.get(column).and_then(Value::as_str))).collect();
        let number = |value: &Value| value.as_f64().or_else(|| value.as_bool().map(|truth| f64::from(u8::from(truth))));
        let numbers = NUMBERS.iter().map(|column| line.get(column).and_then(number)).collect();
        assert!(lines.insert(name, numbers).is_none(), "twice: {line:?}");
    };
    for event in events {
        let event = serde_json::to_value(event).unwrap();
        let mut line = own(&event, &["provider", "model", "gateway", "tokens_in", "tokens_out"]);
        line.insert("source", json!("events"));
        add(&line);
    }
    for log in logs {
        let log = serde_json::to_value(log).unwrap();
        let metadata: Value = log["metadata"].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
        let texts = |key: &str| match &metadata[key] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(metadata[key].to_string()),
        };
        let mut line = own(&log, &["session_id", "quantity", "unit", "sku", "error"]);
        line.insert("source", json!("logs"));
        line.insert("name", json!("ai.request"));
        line.insert("org", json!(texts(org).unwrap_or("default".into())));
        line.insert("user_id", json!(texts("user_id").or_else(|| texts("user"))));
        line.insert("subject", log["model"].clone());
        add(&line);
    }
    View { name: "activity", words: WORDS.into(), numbers: &NUMBERS, lines }
}

/// The columns that a line takes from its record as they are, without those that records of its source do not have.
fn own<'a>(record: &Value, without: &[&str]) -> BTreeMap<&'a str, Value> {
    let columns = WORDS.into_iter().chain(NUMBERS).filter(|column| !without.contains(column));
    columns.map(|column| (column, record[column].clone())).collect()
}

/// Logs are of several orgs, and of the one of logs that name none.
pub fn assert_telling_of_orgs(activity: &View) {
    let of_logs = activity.lines.keys().filter(|name| name[0] == "logs");
    let orgs: BTreeSet<_> = of_logs.map(|name| name[2].as_str()).collect();
    assert!(["search", "support", "default"].iter().all(|org| orgs.contains(org)), "{orgs:?}");
}

/// Whatever its letters are: in SQL, in a path, or in JSON they may mean something.
#[test]
fn any_key_of_the_metadata_can_hold_the_org_of_a_log() {
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    let keys =
        ["org", "it's", "a \"quoted\" key", "a.b", "$.org", "back\\slash", "[0]", "#-1", "ünï🦀", "tab\tkey", "'; --"];
    for key in keys {
        let file = Connection::open_in_memory().unwrap();
        let sink = Sqlite::new(&file, &MetadataKeys { org: key.into(), ..MetadataKeys::default() }).unwrap();
        let log = |id: &str, metadata: &Value| {
            let entry = json!({ "id": id, "created_at": "2026-11-21T09:00:00Z", "metadata": metadata });
            Entry::from_json(entry).unwrap().into_row("main", now, &Privacy::default())
        };
        let others: serde_json::Map<_, _> =
            keys.iter().filter(|other| **other != key).map(|other| ((*other).to_owned(), json!("other"))).collect();
        let mut with = others.clone();
        with.insert(key.to_owned(), json!("acme"));
        let logs = [log("a", &with.into()), log("b", &others.into()), log("c", &json!([key])), log("d", &Value::Null)];
        sink.write(&logs).now_or_never().unwrap().unwrap();
        let shown: Vec<_> = select(&file, "activity").iter().map(|line| line["org"].clone()).collect();
        assert_eq!(shown, ["acme", "default", "default", "default"], "{key}");
    }
}
