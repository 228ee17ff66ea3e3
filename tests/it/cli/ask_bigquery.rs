//! `aig-logs ask` and `aig-logs query` with `--sink bigquery`, against the BigQuery peer: what a file answers, BigQuery
//! answers.

use std::{path::Path, process::Output};

use aig_logs::{log::metadata::MetadataKeys, sink::sqlite::Sqlite};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use super::{ask::recent, command, words};
use crate::{
    peer::{BigQuery as _, DATASET, Peer},
    templates::rows::{Row, random, write},
};

const RANGE: [&str; 4] = ["--since", "2026-11-01", "--until", "2026-11-29"];

/// A folder with `aig-logs.sqlite`, and a peer with the same rows.
pub fn places(rows: &[Row]) -> Option<(TempDir, Peer)> {
    let peer = Peer::start()?;
    let folder = tempfile::tempdir().unwrap();
    let file = Connection::open(folder.path().join("aig-logs.sqlite")).unwrap();
    Sqlite::new(&file, &MetadataKeys::default()).unwrap();
    write(&file, rows);
    peer.copy_of(&file);
    Some((folder, peer))
}

fn in_bigquery(folder: &Path, peer: &Peer, arguments: &[&str]) -> Output {
    let mut command = command(folder);
    command.env("BIGQUERY_EMULATOR_HOST", peer.origin()).envs(Peer::SETTINGS);
    command.args(arguments).args(["--sink", "bigquery"]).output().unwrap()
}

fn text(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(0), "{}", words(output));
    std::str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn bigquery_answers_what_the_file_answers() {
    let Some((folder, peer)) = places(&random(4, 300)) else { return };
    let folder = folder.path();
    let check = |arguments: &[&str]| {
        let arguments = [arguments, &["--json"]].concat();
        let own = command(folder).args(&arguments).output().unwrap();
        let theirs = in_bigquery(folder, &peer, &arguments);
        let [own, theirs]: [Value; 2] = [&own, &theirs].map(|output| serde_json::from_str(text(output)).unwrap());
        assert_eq!(theirs["rows"], own["rows"], "{arguments:?}");
        assert!(own["rows"].as_array().unwrap().len() > 2, "{arguments:?}: {own}");
        let same = ["exact", "start", "timeZone", "units", "truncated"];
        assert!(same.iter().all(|name| theirs["meta"][name] == own["meta"][name]), "{theirs} {own}");
        assert_eq!((&theirs["meta"]["from"], theirs["meta"]["bytesRead"].is_u64()), (&"raw".into(), true));
    };
    check(&[&["ask", "--by", "model", "cost", "count", "p95"], &RANGE[..]].concat());
    check(&[&["ask", "--by", "team,user", "--where", "success=false", "--where", "team!=5"], &RANGE[..]].concat());
    check(&[&["ask", "--step", "week", "--tz", "Europe/Berlin", "--org", "acme"], &RANGE[..]].concat());
    let range = ["start=2026-11-01T00:00:00Z", "end=2026-11-29T00:00:00Z"];
    check(&[&["query", "top-users"], &range[..]].concat());
    check(&[&["query", "spend-by-metadata", "key=team", "--org", "acme"], &range[..]].concat());
}

#[test]
fn a_person_is_told_how_many_bytes_were_read_and_may_ask_in_bigquerys_dialect() {
    let Some((folder, peer)) = places(&random(4, 300)) else { return };
    let told = in_bigquery(folder.path(), &peer, &[&["ask", "--by", "model", "cost"], &RANGE[..]].concat());
    assert!(text(&told).contains("2026-11-01T00:00Z to 2026-11-29T00:00Z; 0 B read; exact"), "{}", text(&told));
    let own = "-- Users of teams.\n-- data: all\n-- team text = null: the team\n-- answer: user, count\n\
               SELECT user_id AS user, COUNTIF(success = 1) AS count FROM activity\n\
               WHERE JSON_VALUE(metadata, '$.team') = COALESCE(:team, 'search') GROUP BY 1 ORDER BY 1";
    std::fs::write(folder.path().join("own.sql"), own).unwrap();
    let start = "start=2026-11-01T00:00:00Z";
    let told = in_bigquery(folder.path(), &peer, &["query", "own.sql", start, "--csv"]);
    assert!(text(&told).starts_with("user,count\n") || text(&told).starts_with("user,count\r\n"), "{}", text(&told));
    assert!(text(&told).contains("u1,"), "{}", text(&told));
}

#[test]
fn every_example_about_bigquery_of_the_page_on_questions_is_answered() {
    let Some((folder, peer)) = places(&recent(random(1, 400))) else { return };
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/query.md")).unwrap();
    let examples: Vec<_> =
        page.lines().filter(|line| line.starts_with("aig-logs ") && line.contains("bigquery")).collect();
    assert_eq!(examples.len(), 4);
    for example in examples {
        let arguments: Vec<_> =
            example.split(' ').skip(1).filter(|word| !["--sink", "bigquery"].contains(word)).collect();
        let told = in_bigquery(folder.path(), &peer, &arguments);
        assert!(text(&told).lines().count() > 2 && !text(&told).contains("no rows"), "{example}: {}", text(&told));
    }
}

#[test]
fn who_asks_is_told_what_is_missing() {
    let Some((folder, peer)) = places(&random(4, 300)) else { return };
    let refused = |output: &Output, hint: &str| {
        assert_eq!(output.status.code(), Some(2), "{}", words(output));
        assert!(words(output).contains(hint), "{}", words(output));
    };
    let lonely = command(folder.path()).args(["ask", "count", "--reader", "adc"]).output().unwrap();
    refused(&lonely, "Give --sink bigquery too");
    peer.query(&format!("DROP VIEW `test-project.{DATASET}.events`"));
    refused(
        &in_bigquery(folder.path(), &peer, &["ask", "count", "--dataset", "events"]),
        "aig-logs sql --events --apply",
    );
    assert_eq!(in_bigquery(folder.path(), &peer, &["ask", "count", "--dataset", "logs"]).status.code(), Some(0));
}
