//! Columns from the metadata, in both dialects, and what they must show, worked out in plain loops.

use aig_logs::{
    config::TableName,
    log::{
        entry::Entry,
        metadata::{MetadataColumn, MetadataKeys},
        privacy::Privacy,
    },
    record::Record,
    sink::{Sink as _, sql::BIGQUERY, sqlite::Sqlite},
    time,
};
use futures_util::FutureExt as _;
use rusqlite::Connection;
use serde_json::{Number, Value, json};

use crate::{
    peer::{BigQuery, DATASET, PROJECT, Peer, TABLE, googlesql::GoogleSql},
    world::table::select,
};

/// Called as things are in the views, or in SQL.
const NAMES: &str = "user_id,user,day:int64,hour,key,value,found,type,requests:int64,order,select,later,calls,saved";

pub fn columns(names: &str) -> Vec<MetadataColumn> {
    names.split(',').map(|name| MetadataColumn::parse(name).unwrap()).collect()
}

/// Columns that must not change what the other views show.
pub fn disturbing() -> Vec<MetadataColumn> {
    columns(NAMES)
}

/// Carries out all statements as the program gives them, with these columns.
pub fn apply_with(peer: &impl BigQuery, columns: &[MetadataColumn]) {
    let [project, dataset, table] = [PROJECT, DATASET, TABLE].map(str::to_owned);
    let name = TableName { project, dataset, table };
    for script in BIGQUERY {
        peer.query(&script.for_bigquery(&name, columns));
    }
}

/// A value under the key of each type.
fn values() -> Vec<Value> {
    let texts =
        ["ada", "", "42", "042", "+5", "-7", "-0", " 42", "42.0", "42.50", "1.5", "-2.5e-3", "1e3", "1e999", "."];
    let others = ["NaN", "0x1F", "true", "false", "TRUE", "yes", "1", "{}", "null", "a'b\"c"];
    let large = [json!(i64::MAX), json!(i64::MIN), json!("9223372036854775807"), json!("9223372036854775808")];
    let values =
        [json!(true), json!(false), json!(0), json!(-7), json!(1.5), json!(42.0), json!([1]), json!({ "a": 1 })];
    let texts = texts.into_iter().chain(others).map(Value::from);
    texts.chain(large).chain(values).chain([Value::Null]).collect()
}

fn rows() -> Vec<Record> {
    let metadata = values().into_iter().map(|value| json!({ "s": value, "i": value, "f": value, "b": value }));
    let without = [json!({}), Value::Null, json!([{ "s": "x" }]), json!("no JSON"), json!("7")];
    let now = time::parse("2026-11-21T10:00:00Z").unwrap();
    let entry = |(i, metadata): (usize, Value)| {
        let entry = json!({ "id": format!("{i:03}"), "created_at": "2026-11-21T09:00:00Z", "metadata": metadata });
        Entry::from_json(entry).unwrap().into_row("main", now, &Privacy::default())
    };
    metadata.chain(without).enumerate().map(entry).collect()
}

/// Text, integer, float and truth of a value.
fn expected(value: Option<&Value>) -> [Value; 4] {
    let text = match value {
        None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => return [const { Value::Null }; 4],
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(truth)) => truth.to_string(),
        Some(Value::Number(number)) => number.to_string(),
    };
    let whole = text.strip_suffix(".0").unwrap_or(&text);
    let integer = whole.parse::<i64>().ok().filter(|integer| integer.to_string() == whole);
    let float = serde_json::from_str::<Number>(&text).ok().filter(|_| text.trim() == text);
    let float = float.and_then(|number| number.as_f64()).filter(|float| float.is_finite());
    let truth = text.parse::<bool>().ok();
    [json!(text), json!(integer), json!(float), json!(truth)]
}

/// Compares what a view shows, given how it answers a value of each type.
fn assert_shown(shown: &[Value]) {
    let values = values();
    assert_eq!(shown.len(), values.len() + 5);
    for (i, line) in shown.iter().enumerate() {
        let value = values.get(i);
        let found = ["s", "i", "f", "b"].map(|column| line[column].clone());
        assert_eq!(found, expected(value), "{value:?}");
    }
}

const TYPED: &str = "s,i:int64,f:float64,b:bool";

#[test]
fn columns_of_the_metadata_show_what_can_be_read_as_their_type_in_sqlite() {
    let file = Connection::open_in_memory().unwrap();
    let keys = MetadataKeys { columns: columns(TYPED), ..MetadataKeys::default() };
    Sqlite::new(&file, &keys).unwrap().write(&rows()).now_or_never().unwrap().unwrap();
    let mut shown = select(&file, "aig_logs");
    shown.sort_by_key(|line| line["id"].to_string());
    for line in &mut shown {
        // SQLite has no truths.
        let truth = line["b"].as_i64().map(|bit| bit == 1);
        line["b"] = json!(truth);
    }
    assert_shown(&shown);
}

#[test]
fn columns_of_the_metadata_show_what_can_be_read_as_their_type_in_bigquery() {
    let Some(peer) = Peer::start() else { return };
    assert_shown_in(&peer);
    assert_shown_in(&GoogleSql::start().unwrap());
}

/// Rows with these metadata, and what the view shows of them as key, value and cost.
fn spend(peer: &impl BigQuery, metadata: &[Value]) -> [Vec<[String; 3]>; 2] {
    let row = |(i, metadata): (usize, &Value)| {
        let created_at = "2026-11-21T09:00:00Z";
        let entry = json!({ "id": format!("{i:03}"), "created_at": created_at, "cost": 0.5, "metadata": metadata });
        Entry::from_json(entry).unwrap().into_row("main", time::parse("2026-11-22").unwrap(), &Privacy::default())
    };
    let rows: Vec<_> = metadata.iter().enumerate().map(row).collect();
    apply_with(peer, &[]);
    peer.insert(&rows.iter().map(|row| serde_json::to_value(row).unwrap()).collect::<Vec<_>>());
    let of_peer = peer.query(&format!("SELECT key, value, cost FROM `{PROJECT}.{DATASET}.aig_spend_by_metadata`"));
    let file = Connection::open_in_memory().unwrap();
    Sqlite::new(&file, &MetadataKeys::default()).unwrap().write(&rows).now_or_never().unwrap().unwrap();
    [of_peer.into_iter().map(Value::Object).collect(), select(&file, "aig_spend_by_metadata")].map(|lines: Vec<_>| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut lines: Vec<_> =
            lines.iter().map(|line| ["key", "value", "cost"].map(|column| text(&line[column]))).collect();
        lines.sort();
        lines
    })
}

/// Not in the other peer, whose `JSON_KEYS` leaves out what BigQuery writes as a text of JSON.
#[test]
fn a_key_of_any_letters_has_its_spend_in_googlesql_and_in_sqlite() {
    let Some(peer) = GoogleSql::start() else { return };
    let keys = ["a.b", "say \"hi\"", "back\\slash", "line\nbreak", "tab\t", "it's", "é $[0]", "cost center"];
    let metadata: Vec<_> = keys.iter().map(|key| json!({ (*key): "v" })).collect();
    // The others have no value under it.
    let lines = |key: &&str| [("v", "0.5"), ("null", "3.5")].map(|(value, cost)| [key, value, cost].map(str::to_owned));
    let mut expected: Vec<_> = keys.iter().flat_map(lines).collect();
    expected.sort();
    assert_eq!(spend(&peer, &metadata), [expected.clone(), expected]);
}

#[test]
fn a_value_of_any_kind_is_shown_as_its_text_in_googlesql_and_in_sqlite() {
    let Some(peer) = GoogleSql::start() else { return };
    let values = [
        (json!(i64::MIN), "-9223372036854775808"),
        (json!(9_223_372_036_854_775_808_u64), "9223372036854775808"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!(0.123_456_789_012_345_68), "0.12345678901234568"),
        (json!(1.5), "1.5"),
        (json!("a\0b"), "a\0b"),
        (json!({ "b": [1, "x"], "a": null }), r#"{"a":null,"b":[1,"x"]}"#),
        (json!([9_223_372_036_854_775_808_u64, 0.1]), "[9223372036854775808,0.1]"),
        (json!(true), "true"),
        (json!(""), ""),
    ];
    let metadata: Vec<_> = values.iter().map(|(value, _)| json!({ "say \"it\"": value })).collect();
    let line = |(_, text): &(Value, &str)| ["say \"it\"", text, "0.5"].map(str::to_owned);
    let mut expected: Vec<_> = values.iter().map(line).collect();
    expected.sort();
    assert_eq!(spend(&peer, &metadata), [expected.clone(), expected]);
}

fn assert_shown_in(peer: &impl BigQuery) {
    apply_with(peer, &columns(TYPED));
    peer.insert(&rows().iter().map(|row| serde_json::to_value(row).unwrap()).collect::<Vec<_>>());
    let mut shown = peer.query(&format!("SELECT id, s, i, f, b FROM `{PROJECT}.{DATASET}.aig_logs` ORDER BY id"));
    for line in &mut shown {
        // The peer answers every type as text.
        for (column, read) in [("i", read_integer as fn(&str) -> Value), ("f", read_float), ("b", read_truth)] {
            let value = line[column].as_str().map_or(Value::Null, read);
            line[column] = value;
        }
    }
    assert_shown(&shown.into_iter().map(Value::Object).collect::<Vec<_>>());
}

fn read_integer(text: &str) -> Value {
    json!(text.parse::<i64>().unwrap())
}

fn read_float(text: &str) -> Value {
    json!(text.parse::<f64>().unwrap())
}

fn read_truth(text: &str) -> Value {
    json!(text.parse::<bool>().unwrap())
}
