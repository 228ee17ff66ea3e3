//! What passes leave in `aig_runs`.

use aig_logs::{
    pass::RUNS,
    simulator::faults::{Endpoint, Fault, Refusal, When},
};
use serde_json::{Value, json};

use crate::world::{DAY, HOUR, MINUTE, SECOND, Table, World, table::select};

/// A world that records what its passes do.
fn world() -> World {
    let mut world = World::new();
    world.config.record_runs = true;
    world
}

/// The lines in `aig_runs`.
fn lines(world: &World) -> Vec<Value> {
    match &world.table {
        Table::BigQuery => {
            let simulator = world.simulator.borrow();
            simulator.table(RUNS.name).unwrap().rows().iter().map(|landed| landed.row.clone()).collect()
        }
        Table::Sqlite(file) => select(file, RUNS.name),
        Table::D1(_) | Table::Ndjson(_) => panic!("no table that these tests look at"),
    }
}

fn instant(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_pass_that_copies_leaves_what_its_report_says() {
    for sqlite in [false, true] {
        let mut world = world();
        if sqlite {
            world.table = Table::sqlite();
        }
        world.add_many(70, MINUTE * 8, MINUTE);
        let report = world.forward().to_json();
        let [line] = &lines(&world)[..] else { panic!("{:?}", lines(&world)) };
        for column in [
            "job", "verdict", "started", "finished", "entries", "known", "rejected", "late", "pages", "counts",
            "lag_ms",
        ] {
            assert_eq!(line[column], report[column], "{column}: {line}");
        }
        assert_eq!((&line["rows_written"], &line["error"]), (&report["rows"], &Value::Null));
        assert_eq!(line["lateness_p95_ms"], report["lateness_ms"]["p95"]);
        // The line itself is a call, where it takes one.
        let own = u64::from(!sqlite);
        assert_eq!(line["calls"].as_u64().unwrap() + own, report["calls"].as_u64().unwrap());
        assert!(instant(&line["run"]).starts_with("forward-"));

        world.pass_time(MINUTE);
        world.add(SECOND * 40);
        world.forward();
        world.backfill();
        let runs: Vec<_> = lines(&world).iter().map(|line| instant(&line["run"]).to_owned()).collect();
        assert_eq!(runs.len(), 2, "{runs:?}: a backfill without history has nothing to tell");
        assert_ne!(runs[0], runs[1]);
    }
}

#[test]
fn every_value_is_of_its_columns_kind() {
    let mut world = world();
    world.add_many(3, MINUTE * 8, MINUTE);
    world.forward();
    // The simulated table refuses what does not fit.
    assert_eq!(lines(&world).len(), 1);
    assert_eq!(lines(&world)[0].as_object().unwrap().len(), RUNS.columns.len() - 1, "all but the error");
    let names: Vec<_> = RUNS.columns.iter().map(|column| column.name).collect();
    assert!(lines(&world)[0].as_object().unwrap().keys().all(|name| names.contains(&name.as_str())));
}

#[test]
fn a_quiet_gateway_leaves_a_line_each_hour_and_no_more_than_it_counts() {
    let mut world = world();
    world.add(MINUTE * 5);
    let begin = world.now();
    for _ in 0..6 * 60 {
        world.forward();
        world.pass_time(MINUTE);
    }
    let hours: Vec<_> = lines(&world).iter().map(|line| instant(&line["started"])[..13].to_owned()).collect();
    let mut hour = begin;
    while hour < world.now() - HOUR {
        let name = hour.format("%Y-%m-%dT%H").to_string();
        let found = hours.iter().filter(|of_line| **of_line == name).count();
        assert!((1..=4).contains(&found), "{found} in {name}: {hours:?}");
        hour += HOUR;
    }
}

#[test]
fn where_it_is_switched_off_nothing_is_called_for_it() {
    let mut world = world();
    world.config.record_runs = false;
    world.add(MINUTE * 5);
    world.forward();
    assert_eq!((lines(&world).len(), world.counts().insert), (0, 1));
}

#[test]
fn a_missing_table_of_runs_fails_no_pass() {
    let mut world = world();
    world.simulator.get_mut().drop_table(RUNS.name);
    world.add_many(70, MINUTE * 8, MINUTE);
    assert!(world.forward().is_complete());
    world.assert_once();
}

#[test]
fn a_failure_of_the_source_is_recorded_with_its_words_and_one_of_the_sink_is_not_asked_about() {
    let mut world = world();
    world.add(MINUTE * 5);
    world.fault(Endpoint::List, When::Always, Fault::Refuse(Refusal::Status(500)));
    world.forward();
    let [line] = &lines(&world)[..] else { panic!("{:?}", lines(&world)) };
    assert_eq!(line["verdict"], json!("failed"));
    assert!(line["error"].as_str().unwrap().contains("reading the logs of gateway main"), "{line}");

    world.end_faults();
    world.fault(Endpoint::Insert, When::Always, Fault::Refuse(Refusal::Forbidden("accessDenied")));
    let before = world.counts().insert;
    world.pass_time(DAY);
    world.forward();
    assert_eq!(world.counts().insert - before, 0, "no insert was taken");
    assert_eq!(lines(&world).len(), 1);
}
