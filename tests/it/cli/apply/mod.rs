//! `aig-logs sql --apply` and `--check` against the BigQuery peer.

use std::{fs, process::Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{command, words};
use crate::peer::{BigQuery as _, DATASET, PROJECT, Peer, TABLE};

/// What `aig-logs sql` says with these options of this dataset.
fn sql(peer: &Peer, dataset: &str, options: &[&str]) -> Output {
    sql_with(peer, dataset, "", options)
}

/// The same with these columns from the metadata.
fn sql_with(peer: &Peer, dataset: &str, columns: &str, options: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let mut command = command(folder.path());
    command.envs(Peer::SETTINGS).env("GCP_BQ_DATASET", dataset).env("BIGQUERY_EMULATOR_HOST", peer.origin());
    command.env("METADATA_COLUMNS", columns);
    command.arg("sql").args(options).output().unwrap()
}

/// The findings of a check, which must end with this code.
fn checked(peer: &Peer, code: i32) -> Vec<(String, String)> {
    let output = sql(peer, DATASET, &["--check", "--json"]);
    assert_eq!(output.status.code(), Some(code), "{}", words(&output));
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    findings.iter().map(|finding| (text(finding, "what"), text(finding, "problem"))).collect()
}

#[test]
fn from_nothing_it_makes_dataset_table_and_views_and_again_changes_nothing() {
    let Some(peer) = Peer::bare() else { return };
    let first = sql(&peer, "fresh", &["--apply", "--location", "EU"]);
    assert_eq!(first.status.code(), Some(0), "{}", words(&first));
    assert!(words(&first).contains("dataset test-project.fresh in EU"), "{}", words(&first));
    let again = sql(&peer, "fresh", &["--apply"]);
    assert_eq!(again.status.code(), Some(0), "{}", words(&again));
    assert!(!words(&again).contains("dataset test-project.fresh in"), "made twice: {}", words(&again));
    assert_eq!(String::from_utf8(again.stdout).unwrap(), "Table and views are as they must be\n");

    // Events are made where somebody asks for them.
    let events = sql(&peer, "fresh", &["--check", "--events"]);
    assert_eq!(events.status.code(), Some(2), "{}", words(&events));
    let told = String::from_utf8(events.stdout).unwrap();
    assert!(told.contains("events_raw") && told.contains("tool_performance"), "{told}");
    let events = sql(&peer, "fresh", &["--apply", "--events"]);
    assert_eq!(events.status.code(), Some(0), "{}", words(&events));
    assert_eq!(sql(&peer, "fresh", &["--check", "--events"]).status.code(), Some(0));

    let moved = sql(&peer, "fresh", &["--apply", "--location", "US"]);
    assert_eq!(moved.status.code(), Some(2));
    assert!(words(&moved).contains("it lies in EU, and a dataset cannot be moved"), "{}", words(&moved));
}

#[test]
fn the_table_of_the_typescript_program_lacks_columns_until_it_is_applied() {
    let Some(peer) = Peer::bare() else { return };
    let old = include_str!("../../views/typescript_table.sql");
    let table = format!("`{PROJECT}.{DATASET}.{TABLE}`");
    peer.query(&old.replace("`your_project.your_dataset.aig_logs_raw`", &table));
    let row = json!({ "id": "01JD", "created_at": "2026-09-01T10:00:00Z", "ingested_at": "2026-09-01T10:01:00Z" });
    peer.insert(&[row]);

    let session = sql(&peer, DATASET, &["--check"]);
    let shown = format!("{}{}", String::from_utf8(session.stdout.clone()).unwrap(), words(&session));
    assert_eq!((shown.as_str(), session.status.code()), (include_str!("typescript.txt"), Some(2)));
    let first = ("aig_logs_raw.gateway".to_owned(), "is missing: STRING".to_owned());
    assert_eq!(checked(&peer, 2)[0], first);

    let applied = sql(&peer, DATASET, &["--apply"]);
    assert_eq!(applied.status.code(), Some(0), "{}", words(&applied));
    assert_eq!(checked(&peer, 0), []);
    let kept = peer.query(&format!("SELECT id FROM `{PROJECT}.{DATASET}.aig_logs`"));
    assert_eq!(Value::from_iter(kept), json!([{ "id": "01JD" }]));
}

#[test]
fn columns_of_the_metadata_are_missed_until_they_are_applied() {
    let Some(peer) = Peer::start() else { return };
    let run = |option| sql_with(&peer, DATASET, "team,cost_center:int64", &[option]);
    let missed = run("--check");
    let found = String::from_utf8(missed.stdout).unwrap();
    assert!(found.contains("aig_logs.team ") && found.contains("aig_logs.cost_center "), "{found}");
    let applied = run("--apply");
    assert_eq!((missed.status.code(), applied.status.code()), (Some(2), Some(0)), "{}", words(&applied));
    peer.query(&format!("SELECT team, cost_center FROM `{PROJECT}.{DATASET}.aig_logs`"));
}

#[test]
fn what_cannot_be_mended_in_place_is_named() {
    let Some(peer) = Peer::bare() else { return };
    peer.query(&format!("CREATE TABLE `{PROJECT}.{DATASET}.{TABLE}` (id STRING, created_at TIMESTAMP, cost STRING)"));
    let output = sql(&peer, DATASET, &["--check"]);
    assert_eq!(output.status.code(), Some(2));
    let said = words(&output);
    for expected in ["is STRING, not FLOAT64", "is not partitioned by the day of created_at", "aig-logs sql --apply"] {
        assert!(String::from_utf8_lossy(&output.stdout).contains(expected) || said.contains(expected), "{said}");
    }
    // A view that lacks a column of the table.
    let Some(peer) = Peer::start() else { return };
    assert_eq!(checked(&peer, 0), []);
    peer.query(&format!("CREATE OR REPLACE VIEW `{PROJECT}.{DATASET}.aig_unpriced` AS SELECT 1 AS day"));
    let missing: Vec<_> = checked(&peer, 2).into_iter().map(|(what, _)| what).collect();
    assert!(missing.contains(&"aig_unpriced.unpriced_share".to_owned()), "{missing:?}");
    assert!(!missing.contains(&"aig_unpriced.day".to_owned()), "{missing:?}");
}

#[test]
fn without_anybody_signed_in_it_says_how() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(".dev.vars"), "GCP_BQ_PROJECT=p\nGCP_BQ_DATASET=d\n").unwrap();
    let run = |path: &str| {
        let mut command = command(folder.path());
        command.args(["sql", "--check"]).env("PATH", path).output().unwrap()
    };
    let output = run("");
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("Log in with `gcloud auth login`"), "{}", words(&output));
    // A gcloud with nobody logged in.
    let gcloud = folder.path().join("gcloud");
    fs::write(&gcloud, "#!/bin/sh\nexit 1\n").unwrap();
    make_executable(&gcloud);
    let output = run(folder.path().to_str().unwrap());
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("gcloud gives no token"), "{}", words(&output));
}

fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
