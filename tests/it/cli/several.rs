//! Several sinks at once: each gets every row, and each is proven.

use std::fs;

use aig_logs::{host::native::now, time};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{World, by_id, records, table, words};

#[test]
fn several_sinks_get_each_row_and_are_one_target() {
    let world = World::start(&["--entries", "100", "--rate", "0"]);
    let both = ["--sink", "sqlite:a.sqlite", "--sink", "ndjson:a.ndjson"];
    let with = |arguments: &[&'static str]| [arguments, &both[..]].concat();
    world.run(&with(&["forward"]));
    world.run(&with(&["backfill"]));
    let rows = table(&world.path("a.sqlite"));
    assert_eq!(rows.len(), 100);
    let lines = by_id(records(&fs::read_to_string(world.path("a.ndjson")).unwrap()));
    assert!(lines.keys().eq(by_id(rows).keys()));

    let id = lines.keys().next().unwrap();
    let told = world.command(&with(&["explain"])).arg(id).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("a.sqlite"), "{told}");
    let swapped = ["forward", "--sink", "ndjson:a.ndjson", "--sink", "sqlite:a.sqlite"];
    world.run(&swapped);
    let one = world.command(&["forward", "--sink", "sqlite:a.sqlite"]).output().unwrap();
    assert_eq!(one.status.code(), Some(2), "{}", words(&one));
    assert!(words(&one).contains("a.ndjson") && words(&one).contains("--state"), "{}", words(&one));
    let twice = world.command(&["forward", "--sink", "sqlite", "--sink", "sqlite"]).output().unwrap();
    assert_eq!(twice.status.code(), Some(2), "{}", words(&twice));
}

#[test]
fn each_of_several_tables_is_proven_and_asked() {
    let world = World::start(&["--entries", "60", "--rate", "0", "--days", "0.003"]);
    let both = ["--sink", "sqlite:b.sqlite", "--sink", "sqlite:a.sqlite"];
    let with = |arguments: &[&'static str]| [arguments, &both[..]].concat();
    world.run(&with(&["forward"]));
    world.run(&with(&["verify"]));
    let swapped = ["forward", "--sink", "sqlite:a.sqlite", "--sink", "sqlite:b.sqlite", "--json"];
    let report: Value = serde_json::from_str(&world.run(&swapped)).unwrap();
    assert_eq!(report["rows"], 0, "the order of the sinks means nothing, not even for the state");

    let second = Connection::open(world.path("b.sqlite")).unwrap();
    let id: String = second.query_row("SELECT id FROM aig_logs_raw", [], |row| row.get(0)).unwrap();
    second.execute("DELETE FROM aig_logs_raw WHERE id = ?", [&id]).unwrap();
    let short = world.command(&with(&["verify"])).output().unwrap();
    assert_eq!(short.status.code(), Some(2), "{}", words(&short));
    let told = world.command(&with(&["explain"])).arg(&id).output().unwrap();
    let told = (told.status.code(), String::from_utf8(told.stdout).unwrap());
    assert!(told.0 == Some(2) && told.1.contains("b.sqlite: not there"), "{told:?}");
    world.run(&with(&["verify", "--repair"]));
    world.run(&with(&["verify"]));
}

#[test]
fn a_row_that_one_of_several_sinks_refuses_stands_for_no_other() {
    let world = World::start(&["--entries", "60", "--rate", "0", "--days", "0.003"]);
    // BigQuery takes no row of more than 10 MB.
    let created_at = time::text(now() - chrono::TimeDelta::minutes(2));
    let huge = json!({ "id": "huge", "created_at": created_at, "path": "x".repeat(10_500_000) });
    world.tell("POST", "/simulator/entries?gateway=main", &huge.to_string());
    let both = ["--sink", "bigquery", "--sink", "sqlite:a.sqlite"];
    let with = |arguments: &[&'static str]| [arguments, &both[..]].concat();
    world.run(&with(&["forward"]));
    let proven = world.command(&with(&["verify"])).output().unwrap();
    assert!(words(&proven).contains("asked, but not bigquery:"), "{}", words(&proven));
    let proven = String::from_utf8(proven.stdout).unwrap();
    assert!(proven.contains("proven") && !proven.contains("over"), "{proven}");
    let refused = world.command(&with(&["explain", "huge"])).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "BigQuery has not got it");

    let file = Connection::open(world.path("a.sqlite")).unwrap();
    let other = "(SELECT min(id) FROM aig_logs_raw WHERE id <> 'huge')";
    assert_eq!(file.execute(&format!("DELETE FROM aig_logs_raw WHERE id = {other}"), []), Ok(1));
    let short = world.command(&with(&["verify"])).output().unwrap();
    assert_eq!(short.status.code(), Some(2), "{}", String::from_utf8_lossy(&short.stdout));
}

#[test]
fn a_stretch_alone_makes_a_state_its_targets() {
    let world = World::start(&["--entries", "60", "--rate", "0", "--days", "0.003"]);
    world.run(&["backfill", "--from", "2020-01-01", "--to", "now", "--sink", "ndjson:a", "--state", "s"]);
    let other = world.command(&["forward", "--sink", "ndjson:b", "--state", "s"]).output().unwrap();
    assert_eq!(other.status.code(), Some(2), "{}", words(&other));
}

#[test]
fn a_sink_that_fails_makes_no_line_come_twice() {
    let world = World::start(&["--entries", "60", "--rate", "0", "--days", "0.003"]);
    let sinks = ["--sink", "ndjson:a.ndjson", "--sink", "bigquery"];
    let with = |command: &'static str| [&[command], &sinks[..]].concat();
    let permit = |permissions: &[&str]| {
        let change = json!({ "table": { "permissions": permissions } });
        world.tell("POST", "/simulator/change", &change.to_string());
    };
    permit(&[]);
    let refused = world.command(&with("forward")).output().unwrap();
    let refused = (refused.status.code(), words(&refused));
    permit(&["bigquery.tables.get", "bigquery.tables.updateData"]);
    world.run(&with("forward"));
    let lines = fs::read_to_string(world.path("a.ndjson")).unwrap();
    assert_eq!(by_id(records(&lines)).len(), 60);
    assert!(refused.0 == Some(2) && refused.1.contains("BigQuery"), "{refused:?}");
}
