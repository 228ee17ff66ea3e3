//! Rows that the Worker writes into the database that is bound to it: the runtime's own D1.

use chrono::TimeDelta;
use serde_json::json;

use super::{
    BACKFILL, FORWARD, add, assert_copied_once,
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
    // How D1 bills such a row: the key is the table.
    let two = "INSERT INTO aig_logs_raw (id, created_at, gateway, ingested_at) SELECT value, '2026-10-06T09:15:22.417Z', \
               'main', '2026-10-06T09:16:00.000Z' FROM json_each('[\"x\",\"y\"]')";
    assert_eq!(in_d1(&world, two)["meta"]["rows_written"], 2);
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
