//! What every sink promises, and several of them at once: one suite. A new sink is one more `Place`.

mod places;

use std::collections::BTreeSet;

use aig_logs::{
    log::columns::LOGS,
    pass::RUNS,
    record::{Cell, Kind, Record, Table},
    sink::{
        Outcome, Sink,
        any::{All, Any},
        sqlite::Sqlite,
    },
    time::Timestamp,
};
use serde_json::Value;

use self::places::{File, LARGE, Place, Several, Trouble, at, now, places};
use crate::world::World;

/// A record of a table whose cells are as `cell` says, and where it says nothing, what every record has.
fn record(table: &'static Table, id: &str, cell: impl Fn(&str, Kind) -> Option<Cell>) -> Record {
    let own = |name: &str, kind| match (name, kind) {
        ("gateway", _) => Cell::Text("main".to_owned()),
        ("job" | "verdict", _) => Cell::Text("complete".to_owned()),
        (_, Kind::Text) if name == table.id => Cell::Text(id.to_owned()),
        (_, Kind::Instant) => Cell::Instant(at("2026-10-06T09:15:22.417Z")),
        (_, _) => cell(name, kind).unwrap_or(Cell::Null),
    };
    Record { table, cells: table.columns.iter().map(|column| own(column.name, column.kind)).collect() }
}

fn logs(ids: &[&str]) -> Vec<Record> {
    ids.iter().map(|id| record(&LOGS, id, |_, _| None)).collect()
}

/// Rows of which each is a request of its own.
fn large(ids: &[&str]) -> Vec<Record> {
    let text = |name: &str| (name == "path").then(|| Cell::Text("x".repeat(LARGE)));
    ids.iter().map(|id| record(&LOGS, id, |name, _| text(name))).collect()
}

/// The ids of the logs, each as often as it was written.
fn ids(place: &dyn Place) -> Vec<String> {
    place.lines(&LOGS).iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}

/// The ids that readers see.
fn seen(place: &dyn Place) -> Vec<String> {
    ids(place).into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// The cell that a sink shows as `value`, whatever its dialect is: truths as 0 and 1, large numbers as texts.
fn shown(value: &Value, kind: Kind) -> Cell {
    let text = || value.as_str().unwrap().to_owned();
    match (value, kind) {
        (Value::Null, _) => Cell::Null,
        (Value::String(digits), Kind::Integer) => Cell::Integer(digits.parse().unwrap()),
        (_, Kind::Integer) => Cell::Integer(value.as_i64().unwrap()),
        (_, Kind::Float) => Cell::Float(value.as_f64().unwrap()),
        (_, Kind::Bool) => Cell::Bool(value.as_bool().unwrap_or_else(|| value.as_i64().unwrap() == 1)),
        (_, Kind::Instant) => Cell::Instant(at(&text())),
        (_, Kind::Text | Kind::Json) => Cell::Text(text()),
    }
}

#[test]
fn every_kind_of_value_is_read_back_as_it_was() {
    let texts = ["", "a \"quoted\"\n ünïcode 🦀 text", "'; DROP TABLE aig_logs_raw; --", "\u{1}"];
    let integers = [i64::MIN, i64::MAX, 9_007_199_254_740_993, 0];
    let floats = [0.0, 0.1 + 0.2, 1e300, 1e-320];
    for place in places() {
        for table in [&LOGS, &RUNS].into_iter().filter(|table| place.keeps(table)) {
            let records: Vec<_> = (0..4)
                .map(|n| {
                    record(table, &format!("id {n}"), |_, kind| {
                        Some(match kind {
                            Kind::Text => Cell::Text(texts[n].to_owned()),
                            Kind::Json => Cell::Text("{\"n\": 1.50}".to_owned()),
                            Kind::Integer => Cell::Integer(integers[n]),
                            Kind::Float => Cell::Float(floats[n]),
                            Kind::Bool => Cell::Bool(n % 2 == 0),
                            Kind::Instant => return None,
                        })
                    })
                })
                .chain([record(table, "nothing", |_, _| None)])
                .collect();
            assert_eq!(place.write(&records), Ok(Outcome::default()), "{}", place.name());
            let lines = place.lines(table);
            assert_eq!(lines.len(), records.len(), "{} {}", place.name(), table.name);
            for (line, record) in lines.iter().zip(&records) {
                let columns = table.columns.iter();
                let read: Vec<_> = columns.map(|column| shown(&line[column.name], column.kind)).collect();
                assert_eq!(read, record.cells, "{} {}", place.name(), table.name);
            }
        }
    }
}

#[test]
fn records_stand_in_the_order_in_which_they_were_written_or_in_that_of_their_key() {
    for place in places() {
        assert_eq!(place.write(&logs(&["b", "a"])), Ok(Outcome::default()));
        assert_eq!(place.write(&logs(&["d", "c"])), Ok(Outcome::default()));
        let expected = if place.is_in_order() { ["b", "a", "d", "c"] } else { ["a", "b", "c", "d"] };
        assert_eq!(ids(&*place), expected, "{}", place.name());
        assert_eq!(place.write(&[]), Ok(Outcome::default()), "{}: nothing is written", place.name());
    }
}

#[test]
fn what_is_written_again_is_seen_once_and_what_is_known_was_there() {
    for place in places() {
        place.write(&logs(&["a", "b"])).unwrap();
        let Outcome { known, rejected } = place.write(&logs(&["c", "b", "a"])).unwrap();
        assert!(known.is_empty() || known == [1, 2], "{}: {known:?}", place.name());
        assert_eq!((rejected, seen(&*place)), (Vec::new(), ["a", "b", "c"].map(str::to_owned).to_vec()));
        assert!(place.count().is_none_or(|counted| counted == 3), "{}", place.name());
    }
}

#[test]
fn an_answer_that_is_lost_loses_no_record() {
    for mut place in places() {
        place.trouble(Trouble::LostAnswer);
        place.write(&logs(&["a", "b", "c"])).unwrap_err();
        place.trouble(Trouble::None);
        let outcome = place.write(&logs(&["a", "b", "c"])).unwrap();
        assert_eq!(outcome.rejected, []);
        assert_eq!(seen(&*place), ["a", "b", "c"], "{}", place.name());
    }
}

#[test]
fn a_batch_that_breaks_off_is_an_error_and_whole_after_the_next_write() {
    for mut place in places() {
        place.trouble(Trouble::BreaksOff);
        place.write(&large(&["a", "c", "b"])).unwrap_err();
        assert!(!seen(&*place).contains(&"c".to_owned()), "{}", place.name());
        place.trouble(Trouble::None);
        assert_eq!(place.write(&large(&["a", "c", "b"])).unwrap().rejected, []);
        assert_eq!(seen(&*place), ["a", "b", "c"], "{}", place.name());
    }
}

#[test]
fn a_record_that_is_refused_is_named_and_keeps_no_other_out() {
    for mut place in places() {
        let refuses = place.poison("b");
        let outcome = place.write(&logs(&["a", "b", "c"])).unwrap();
        let rejected: Vec<_> = outcome.rejected.iter().map(|rejected| rejected.index).collect();
        assert_eq!(rejected, if refuses { vec![1] } else { Vec::new() }, "{}", place.name());
        assert!(outcome.rejected.iter().all(|rejected| !rejected.reason.is_empty()));
        let there = if refuses { vec!["a", "c"] } else { vec!["a", "b", "c"] };
        assert_eq!(seen(&*place), there, "{}", place.name());
    }
}

#[test]
fn of_several_sinks_the_one_that_failed_is_named() {
    let mut several = Several::new();
    let failing = |several: &Several| {
        let sinks = several.sinks();
        now(sinks.write(&logs(&["c"]))).unwrap_err();
        sinks.name()
    };
    several.bigquery.trouble(Trouble::LostAnswer);
    assert_eq!(failing(&several), "BigQuery");
    several.json.trouble(Trouble::LostAnswer);
    assert_eq!(failing(&several), "NDJSON");
    several.file.trouble(Trouble::BreaksOff);
    assert_eq!(failing(&several), "SQLite");
}

#[test]
fn of_several_sinks_the_one_with_the_fewest_counts() {
    let several = Several::new();
    several.write(&logs(&["a", "b"])).unwrap();
    assert_eq!(several.count(), Some(2));
    let second = File::new();
    second.write(&logs(&["b", "x", "y"])).unwrap();
    let sinks: All<Any<'_, World>> =
        All::new(vec![Any::Sqlite(Sqlite::of(&several.file.0)), Any::Sqlite(Sqlite::of(&second.0))]);
    let always = Timestamp::UNIX_EPOCH..at("2100-01-01");
    assert_eq!(now(sinks.count("main", &always)), Ok(Some(2)));
    let common = now(sinks.ids("main", &always)).unwrap().unwrap();
    assert_eq!(common.into_iter().collect::<Vec<_>>(), ["b"]);
    assert_eq!(now(sinks.write(&logs(&["b", "a"]))).unwrap().known, [0], "the second has no a");
}
