//! What every sink promises, and several of them at once: one suite. A new sink is one more `Place`.

mod places;

use std::collections::BTreeSet;

use aig_logs::{
    log::columns::LOGS,
    pass::RUNS,
    record::{Cell, Kind, Record, Table},
    sink::{Outcome, Sink, all::All, any::Any, sqlite::Sqlite},
    time::Timestamp,
};
use serde_json::Value;

use self::places::{Database, File, Place, Several, Trouble, at, now, places};
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

/// Rows with a text of so many bytes.
fn large(ids: &[&str], bytes: usize) -> Vec<Record> {
    let text = |name: &str| (name == "path").then(|| Cell::Text("x".repeat(bytes)));
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
                            // Spaces between its parts are no part of it.
                            Kind::Json => Cell::Text("{\"n\":1.50,\"t\":\"a \\\"b\\\"\"}".to_owned()),
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
        let rows = large(&["a", "c", "b"], place.large());
        place.write(&rows).unwrap_err();
        assert!(!seen(&*place).contains(&"c".to_owned()), "{}", place.name());
        place.trouble(Trouble::None);
        assert_eq!(place.write(&rows).unwrap().rejected, []);
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

#[test]
fn a_log_in_d1_is_one_row_written_and_none_if_it_is_known() {
    let place = Database::new();
    let ids: Vec<_> = (0..500).map(|n| format!("{n:03}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    assert_eq!(place.write(&logs(&ids)), Ok(Outcome::default()));
    assert_eq!(place.rows_written(), 500);
    let again = place.write(&logs(&ids)).unwrap();
    assert_eq!((again.known, place.rows_written()), ((0..500).collect(), 500));
    let run = record(&RUNS, "r", |_, _| None);
    place.write(&[run]).unwrap();
    assert_eq!(place.rows_written(), 501);
}

#[test]
fn what_d1_knows_is_told_for_each_record_also_of_several_gateways_and_twice_in_a_batch() {
    let place = Database::new();
    let log = |gateway: &str, id: &str, minute: u32, cost: f64| {
        let mut log = record(&LOGS, id, |name, _| (name == "cost").then_some(Cell::Float(cost)));
        for (column, cell) in LOGS.columns.iter().zip(&mut log.cells) {
            match column.name {
                "gateway" => *cell = Cell::Text(gateway.to_owned()),
                "ingested_at" => *cell = Cell::Instant(at(&format!("2026-10-06T09:{minute:02}:00Z"))),
                _ => {}
            }
        }
        log
    };
    place.write(&[log("main", "a", 20, 0.5), log("batch", "b", 20, 0.5)]).unwrap();
    let rows = [
        log("batch", "a", 21, 0.5),
        log("main", "a", 21, 0.5),
        log("batch", "b", 21, 0.7),
        log("main", "c", 21, 0.5),
        log("main", "c", 21, 0.5),
        log("main", "c", 22, 0.6),
    ];
    let outcome = place.write(&rows).unwrap();
    // Of main c the first and the last changed something: one of the three is known, whichever is told.
    assert_eq!((outcome.known.len(), outcome.known[0], outcome.rejected), (2, 1, Vec::new()));
    assert!((3..6).contains(&outcome.known[1]));
    let costs: Vec<_> = place.lines(&LOGS).iter().map(|line| line["cost"].as_f64().unwrap()).collect();
    assert_eq!(costs, [0.5, 0.7, 0.5, 0.6], "batch a and b, main a and c");
}

#[test]
fn a_row_that_d1_cannot_hold_is_rejected_and_keeps_no_other_out() {
    let place = Database::new();
    let rows = [logs(&["a"]), large(&["b"], 2_000_001), logs(&["c"]), large(&["d"], 1_990_000)].concat();
    let outcome = place.write(&rows).unwrap();
    let rejected: Vec<_> = outcome.rejected.iter().map(|rejected| rejected.index).collect();
    assert_eq!((rejected, outcome.known), (vec![1], Vec::new()));
    assert!(outcome.rejected[0].reason.contains("D1 takes 2000000"), "{:?}", outcome.rejected);
    assert_eq!(seen(&place), ["a", "c", "d"]);
}

#[test]
fn if_d1_takes_no_row_its_table_is_to_blame_and_no_row_is_rejected() {
    let place = Database::new();
    place.look(|file| file.execute_batch("ALTER TABLE aig_logs_raw RENAME COLUMN extra TO other").unwrap());
    let missing = place.write(&logs(&["a", "b"])).unwrap_err();
    assert!(!missing.is_transient() && missing.to_string().contains("sql --sink d1 --apply"), "{missing}");
    let place = Database::new();
    let refuse = "CREATE TRIGGER all_rows BEFORE INSERT ON aig_logs_raw BEGIN SELECT RAISE(ABORT, 'no more'); END";
    place.look(|file| file.execute_batch(refuse).unwrap());
    assert!(!place.write(&logs(&["a", "b", "c"])).unwrap_err().is_transient());
}

#[test]
fn d1_shows_the_logs_of_a_gateway_and_a_time_page_by_page() {
    let place = Database::new();
    place.look(|file| {
        let rows = "INSERT INTO aig_logs_raw (id, created_at, gateway, ingested_at)
            SELECT printf('%05d', value), printf('2026-10-06T09:15:%02d.000Z', value % 60), 'main', '2026-10-07T00:00:00.000Z'
            FROM json_each('[' || (WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 44999)
              SELECT group_concat(i) FROM n) || ']')";
        file.execute_batch(rows).unwrap();
    });
    let time = at("2026-10-06T09:15:10Z")..at("2026-10-06T09:15:59Z");
    let ids = now(place.sink().ids("main", &time)).unwrap().unwrap();
    let expected = (0..45_000).filter(|n| (10..59).contains(&(n % 60))).map(|n| format!("{n:05}")).collect();
    assert_eq!(ids, expected);
    assert_eq!(now(place.sink().count("main", &time)), Ok(Some(expected.len() as u64)));
    assert_eq!(now(place.sink().count("other", &time)), Ok(Some(0)));
}
