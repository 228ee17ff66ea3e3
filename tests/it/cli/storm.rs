//! Everything arrives, whatever fails meanwhile.

use std::collections::BTreeSet;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{World, command, table, words};

#[test]
fn the_demo_survives_a_storm_and_says_what_it_survived() {
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path()).args(["demo", "--entries", "600", "--faults", "7", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    let proof: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&proof["missing"], &proof["duplicated"], &proof["seed"]), (&json!(0), &json!(0), &json!(7)));
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{value} in {proof}"));
    assert!(number(&proof["source"]) > 500, "{proof}");
    assert!(number(&proof["passes"]["made"]) > number(&proof["passes"]["failed"]) + number(&proof["passes"]["killed"]));
    let struck = proof["faults"].as_object().unwrap().values().filter(|times| number(times) > 0);
    assert!(struck.count() >= 10, "{proof}");
    // A day by the storm's own clock, so that entries which are minutes late were brought in by counts.
    assert!(proof["until"].as_str().unwrap() >= "2026-11-03T13:00:00", "{proof}");
    let (late, brought_in) = (number(&proof["faults"]["late_entry"]), number(&proof["brought_in"]));
    assert!(late > 400 && brought_in > late / 3 && brought_in < late, "{proof}");
    assert!(words(&output).lines().all(|line| line.chars().count() <= 150), "{}", words(&output));

    let file = Connection::open(folder.path().join("aig-logs-demo.sqlite")).unwrap();
    let count = |sql| file.query_row(sql, [], |row| row.get::<_, u32>(0)).map(u64::from).unwrap();
    let readers = count("SELECT count(*) FROM aig_logs");
    assert_eq!((readers, number(&proof["rows"])), (count("SELECT count(DISTINCT id) FROM aig_logs_raw"), readers));
    assert_eq!(count("SELECT count(*) FROM aig_logs_raw") - readers, number(&proof["raw_duplicates"]));
}

#[test]
fn the_simulator_in_a_storm_is_copied_by_passes_that_try_again() {
    let world = World::start(&["--faults", "33", "--rate", "0", "--entries", "600"]);
    let ids = || world.entries().into_keys().collect::<BTreeSet<String>>();
    let before = ids();
    let pass = |job| world.command(&[job]).env("LOGS_PER_PAGE", "15").output().unwrap();
    let mut codes = Vec::new();
    for job in ["forward", "backfill"] {
        let ended = (0..20).any(|_| {
            let output = pass(job);
            codes.push(output.status.code().unwrap());
            assert!(codes.ends_with(&[0]) || codes.ends_with(&[1]), "nobody can mend a storm: {}", words(&output));
            codes.ends_with(&[0])
        });
        assert!(ended, "{job} never came to its end");
    }
    let rows: BTreeSet<_> =
        table(&world.path("aig-logs.sqlite")).iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    let missing: Vec<_> = ids().intersection(&before).filter(|id| !rows.contains(*id)).cloned().collect();
    assert_eq!(missing, [""; 0]);
    let faults = world.calls()["faults"].clone();
    assert!(faults.as_object().unwrap().len() >= 5, "{faults}");
}

#[test]
fn the_simulator_hides_late_entries_until_they_appear() {
    let late = ["--late", "1", "--late-from", "3600", "--late-to", "3600"];
    let world = World::start(&[&["--entries", "10", "--rate", "600000"], &late[..]].concat());
    assert!((0..1_000).any(|_| world.calls()["late"].as_u64().unwrap() >= 10));
    assert_eq!(world.entries().len(), 10, "the history alone");
}
