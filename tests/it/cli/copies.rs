//! Everything arrives, however often the command is killed or stopped.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Command},
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::{World, assert_same, records, table};
use crate::process::Running;

#[test]
fn sqlite_holds_the_source_row_by_row() {
    let world = World::start(&["--entries", "2000", "--rate", "0"]);
    world.run(&["forward"]);
    world.run(&["backfill"]);
    assert_same(&world.entries(), table(&world.path("aig-logs.sqlite")));
}

#[test]
fn closed_hours_of_a_file_are_counted_after_each_pass() {
    let world = World::start(&["--entries", "200", "--rate", "0", "--days", "2"]);
    world.run(&["forward"]);
    world.run(&["backfill"]);
    let told = world.run(&["ask", "--dataset", "logs", "--since", "3d", "count", "--json"]);
    let answer: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(answer["rows"], serde_json::json!([{ "count": 200 }]));
    assert_eq!(answer["meta"]["from"], "rollup");
    // A line of each day, and rows of the last hour or two, in place of 200 rows.
    let read = answer["meta"]["rowsRead"].as_u64().unwrap();
    assert!(read < 50, "{answer}");
}

#[test]
fn bigquery_holds_the_source_row_by_row() {
    let world = World::start(&["--entries", "2000", "--rate", "0"]);
    world.run(&["forward", "--sink", "bigquery"]);
    world.run(&["backfill", "--sink", "bigquery"]);
    assert_same(&world.entries(), world.landed());
}

#[test]
fn ndjson_holds_every_id_once() {
    let world = World::start(&["--entries", "300", "--rate", "0"]);
    let printed = world.run(&["forward", "--sink", "ndjson"]) + &world.run(&["backfill", "--sink", "ndjson"]);
    assert_same(&world.entries(), records(&printed));

    fs::write(world.path("rows.ndjson"), "{\"id\":\"cut sho").unwrap();
    let into_file = ["--sink", "ndjson:rows.ndjson", "--state", "other.sqlite"];
    world.run(&[&["forward"][..], &into_file].concat());
    world.run(&[&["backfill"][..], &into_file].concat());
    let file = fs::read_to_string(world.path("rows.ndjson")).unwrap();
    let (_, whole) = file.split_once('\n').unwrap();
    assert_same(&world.entries(), records(whole));
}

/// Starts passes and kills them after a few calls, or lets them end, then runs both to their end.
fn kill_and_restart(world: &World, options: &[&str], kills: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..kills {
        let job = if rng.r#gen() { "forward" } else { "backfill" };
        let until = world.list_calls() + rng.gen_range(0..12);
        let mut pass = Running(world.command(&[&[job, "--pages", "10"], options].concat()).spawn().unwrap());
        while pass.0.try_wait().unwrap().is_none() && world.list_calls() < until {}
        // Dropped here: SIGKILL, wherever the pass is.
    }
    world.ask("POST", "/simulator/stop");
    world.run(&[&["forward"], options].concat());
    world.run(&[&["backfill"], options].concat());
}

#[test]
fn killed_twenty_times_sqlite_misses_nothing() {
    let world = World::start(&["--entries", "5000", "--rate", "6000", "--latency", "2", "--unlimited"]);
    kill_and_restart(&world, &[], 20);
    assert_same(&world.entries(), table(&world.path("aig-logs.sqlite")));
}

#[test]
fn killed_twenty_times_bigquery_misses_nothing() {
    let world = World::start(&["--entries", "5000", "--rate", "6000", "--latency", "2", "--unlimited"]);
    kill_and_restart(&world, &["--sink", "bigquery"], 20);
    let landed: BTreeMap<_, _> =
        world.landed().into_iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row)).collect();
    assert_same(&world.entries(), landed.into_values().collect());
}

#[test]
fn run_copies_both_ways_until_it_is_stopped_and_goes_on_where_it_was() {
    let world = World::start(&["--entries", "1000", "--rate", "1200"]);
    for round in 0..2 {
        let mut run = Running(world.command(&["run", "--every", "1"]).spawn().unwrap());
        let mut lines = BufReader::new(run.0.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("Z backfill")), "round {round}");
        assert!(lines.any(|line| line.contains("Z forward main")), "round {round}");
        terminate(&run.0);
        assert_eq!(run.0.wait().unwrap().code(), Some(0), "round {round}");
        let mut words = String::new();
        run.0.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        assert!(words.contains("Stopping"), "{words}");
    }
    world.ask("POST", "/simulator/stop");
    let report = world.run(&["forward", "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["known"], 0, "stopping cost no repetition");
    assert_same(&world.entries(), table(&world.path("aig-logs.sqlite")));
}

fn terminate(process: &Child) {
    let kill = Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
    assert!(kill.success());
}
