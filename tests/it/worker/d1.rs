//! Rows that the Worker writes into the database that is bound to it: the runtime's own D1.

use aig_logs::{
    database::{lists, upsert_of_json},
    log::{columns::LOGS, entry::Entry, privacy::Privacy},
    time,
};
use chrono::TimeDelta;
use serde_json::json;

use super::{
    BACKFILL, FORWARD, add, assert_copied_once,
    events::runtime::Events,
    runtime::{Runtime, bind_d1, in_d1},
    world,
};

/// The Worker has no setting of BigQuery.
const D1_ALONE: [(&str, &str); 4] =
    [("SINKS", "d1"), ("GCP_BQ_PROJECT", ""), ("GCP_BQ_DATASET", ""), ("BIGQUERY_EMULATOR_HOST", "")];

#[test]
fn a_thousand_logs_are_copied_into_d1_alone_and_seen_in_the_activity() {
    let Some(world) = world(&["--entries", "0", "--rate", "0"]) else { return };
    bind_d1(&world);
    let worker = Runtime::start(&world, &D1_ALONE);
    let (good, first) = worker.tick(FORWARD);
    assert!(good, "{first:?}");
    add(&world, 1_000, TimeDelta::milliseconds(500));
    let (good, log) = worker.tick(FORWARD);
    assert!(good, "{log:?}");
    assert_eq!(log.number("rows"), 1_000, "{log:?}");
    drop(worker);
    let seen = "SELECT count(*) AS n, count(DISTINCT id) AS ids, sum(tokens_in) AS tokens, min(org) AS org FROM activity \
                WHERE source = 'logs' AND name = 'ai.request'";
    let expected = json!([{ "n": 1_000, "ids": 1_000, "tokens": 500_500, "org": "default" }]);
    assert_eq!(in_d1(&world, seen)["results"], expected);
    assert!(world.landed().is_empty(), "nothing goes to BigQuery");
}

/// The runtime counts rows as D1 bills them. Keys that are returned are two rows read each, and none written.
#[test]
fn a_log_is_one_row_written_and_none_if_it_is_known() {
    let Some(events) = Events::start() else { return };
    events.sql(include_str!("../../../sql/sqlite/1_table.sql"), &[]);
    let at = time::parse("2026-10-06T09:15:22.417Z").unwrap();
    let log = |n: u32| {
        let entry =
            json!({ "id": format!("{n:03}"), "created_at": time::text(at), "cost": 0.5, "metadata": { "n": n } });
        Entry::from_json(entry).unwrap().into_row("main", at, &Privacy::default())
    };
    let write = |logs: std::ops::Range<u32>, returning: &str| {
        let [list] = &lists(&logs.map(log).collect::<Vec<_>>()).unwrap()[..] else { panic!("one value holds them") };
        let done = events.sql(&format!("{}{returning}", upsert_of_json(&LOGS)), &[list.as_str().into()]);
        let number = |name: &str| done["meta"][name].as_u64().unwrap();
        [number("changes"), number("rows_written"), number("rows_read")]
    };
    let returning = format!(" RETURNING {}", LOGS.key.join(", "));
    assert_eq!(write(0..500, &returning), [500, 500, 1_500]);
    assert_eq!(write(500..1_000, ""), [500, 500, 500], "without RETURNING");
    assert_eq!(write(0..500, &returning)[..2], [0, 0], "they are known");
}

#[test]
fn with_both_sinks_each_has_every_row_and_a_second_pass_writes_none() {
    let Some(world) = world(&["--entries", "120", "--rate", "0"]) else { return };
    bind_d1(&world);
    let worker = Runtime::start(&world, &[("SINKS", "bigquery,d1")]);
    for cron in [FORWARD, BACKFILL, FORWARD] {
        let (good, log) = worker.tick(cron);
        assert!(good, "{log:?}");
    }
    drop(worker);
    assert_copied_once(&world);
    let count = in_d1(&world, "SELECT count(*) AS n FROM aig_logs_raw");
    assert_eq!(count["results"], json!([{ "n": 120 }]));
}

#[test]
fn a_worker_without_the_database_that_sinks_names_says_so() {
    let Some(world) = world(&["--entries", "1", "--rate", "0"]) else { return };
    let worker = Runtime::start(&world, &D1_ALONE);
    let (good, log) = worker.tick(FORWARD);
    assert!(!good);
    assert!(format!("{log:?}").contains("[[d1_databases]]"), "{log:?}");
}
