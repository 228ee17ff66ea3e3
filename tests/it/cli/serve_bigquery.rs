//! `aig-logs serve --from bigquery`, against the BigQuery peer: the page's questions have the answers of a server over a file
//! with the same rows.

use std::{path::Path, process::Stdio};

use serde_json::{Value, json};

use super::{ask_bigquery::places, command, words};
use crate::{
    events::native::served::{Served, event, exchange_delete},
    peer::{BigQuery as _, DATASET, Peer},
    templates::rows::random,
};

fn serve(folder: &Path, peer: &Peer, arguments: &[&str]) -> Served {
    let mut command = command(folder);
    command.env("BIGQUERY_EMULATOR_HOST", peer.origin()).envs(Peer::SETTINGS).stderr(Stdio::piped());
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
    Served::start(&mut command)
}

/// A key for the file of the folder.
fn key_of_file(folder: &Path) -> String {
    let made = command(folder).args(["keys", "create", "--org", "acme", "--scopes", "query"]).output().unwrap();
    assert_eq!(made.status.code(), Some(0), "{}", words(&made));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// The key in the address of the page.
fn told_key(served: &mut Served) -> String {
    let mut line = String::new();
    std::io::BufRead::read_line(&mut served.words, &mut line).unwrap();
    line.trim().split_once("/#key=").unwrap_or_else(|| panic!("{line}")).1.to_owned()
}

fn range(more: &Value) -> Value {
    let mut question =
        json!({ "start": "2026-11-01T00:00:00Z", "end": "2026-11-29T00:00:00Z", "organizationId": "acme" });
    question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    question
}

#[test]
fn the_page_over_bigquery_has_the_answers_of_the_page_over_a_file() {
    let Some((folder, peer)) = places(&random(4, 300)) else { return };
    let folder = folder.path();
    let key_of_file = key_of_file(folder);
    let own = serve(folder, &peer, &[]);
    let mut theirs = serve(folder, &peer, &["--from", "bigquery", "--no-open"]);
    let key = told_key(&mut theirs);
    let template = json!({ "start": "2026-11-01T00:00:00Z", "end": "2026-11-29T00:00:00Z" });
    let by_team = json!({ "key": "team", "start": template["start"], "end": template["end"] });
    let questions = [
        (
            "/query",
            range(&json!({ "dataset": "logs", "groupBy": ["day", "model"], "metrics": ["cost", "count", "p95"] })),
        ),
        ("/query", range(&json!({ "dataset": "all", "groupBy": "user", "metrics": ["cost"], "orderBy": "-cost" }))),
        ("/query", json!({ "template": "top-users", "parameters": template, "organizationId": "acme" })),
        ("/query", json!({ "template": "spend-by-metadata", "parameters": by_team, "organizationId": "acme" })),
        ("/metrics/errors", range(&json!({}))),
        ("/metrics/users", range(&json!({ "groupBy": "week" }))),
        ("/metrics/cohorts", range(&json!({ "period": "week", "start": "2026-09-01T00:00:00Z" }))),
        ("/billing/usage", range(&json!({ "groupBy": "week" }))),
    ];
    for (path, question) in questions {
        let (status, answer) = own.post(path, &key_of_file, &question);
        assert_eq!(status, 200, "{path} {question} {answer}");
        let (status, other) = theirs.post(path, &key, &question);
        assert_eq!((status, &other["rows"]), (200, &answer["rows"]), "{path} {question} {other}");
        assert!(!answer["rows"].as_array().unwrap().is_empty(), "{path} {question}");
        let meta = &other["meta"];
        assert_eq!((&meta["from"], meta["bytesRead"].is_u64()), (&"raw".into(), true), "{meta}");
        assert_eq!(meta["completeThrough"], json!({ "logs": null, "events": null }));
        let warned = meta["warnings"].to_string().contains("BigQuery has no prices");
        assert_eq!(warned, path == "/billing/usage", "{meta}");
    }
}

#[test]
fn an_answer_is_given_again_for_a_minute_without_asking() {
    let Some((folder, peer)) = places(&random(4, 300)) else { return };
    let mut served = serve(folder.path(), &peer, &["--from", "bigquery", "--no-open"]);
    let key = told_key(&mut served);
    let question = range(&json!({ "dataset": "events", "metrics": ["count"] }));
    let (_, first) = served.post("/query", &key, &question);
    assert!(first["rows"][0]["count"].as_u64().unwrap() > 0, "{first}");
    peer.query(&format!("DROP VIEW `test-project.{DATASET}.events`"));
    assert_eq!(served.post("/query", &key, &question).1["rows"], first["rows"]);
    // Another question finds what is missing, and is told what makes it.
    let (status, problem) = served.post("/query", &key, &range(&json!({ "metrics": ["count", "users"] })));
    assert_eq!(status, 422, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("aig-logs sql --events --apply"), "{problem}");
}

#[test]
fn a_server_over_bigquery_takes_and_changes_nothing() {
    let Some((folder, peer)) = places(&random(4, 3)) else { return };
    let mut served = serve(folder.path(), &peer, &["--from", "bigquery", "--no-open"]);
    let key = told_key(&mut served);
    let refused = |(status, problem): (u16, Value)| {
        assert_eq!((status, problem["detail"].to_string().contains("changes nothing")), (403, true), "{problem}");
    };
    for path in ["/events", "/events/batch", "/", "/keys"] {
        refused(served.post(path, &key, &event("a")));
    }
    refused(exchange_delete(served.address, "/users/u1", &key));
    let question = range(&json!({ "metrics": ["count"] }));
    assert_eq!(served.post("/query", "aig_other", &question).0, 401);
    assert_eq!(served.post("/query", &key, &question).0, 200);
    let names = range(&json!({ "groupBy": "organizationName" }));
    let (status, problem) = served.post("/billing/usage", &key, &names);
    assert_eq!((status, problem["detail"].to_string().contains("no names and plans")), (400, true), "{problem}");
    served.signal("-TERM");
    assert_eq!(served.end().0, Some(0));
}

#[test]
fn now_is_a_whole_minute() {
    let Some((folder, peer)) = places(&random(4, 3)) else { return };
    let mut served = serve(folder.path(), &peer, &["--from", "bigquery", "--no-open"]);
    let key = told_key(&mut served);
    let question = json!({ "start": "-7d", "end": "now", "metrics": ["count"] });
    let (_, answer) = served.post("/query", &key, &question);
    assert!(answer["meta"]["end"].as_str().unwrap().ends_with(":00.000Z"), "{answer}");
}

#[test]
fn a_server_over_bigquery_begins_only_where_it_can_read() {
    let Some((folder, peer)) = places(&random(4, 3)) else { return };
    let begin = |vars: &[(&str, &str)]| {
        let mut command = command(folder.path());
        command.env("BIGQUERY_EMULATOR_HOST", peer.origin()).envs(Peer::SETTINGS).envs(vars.iter().copied());
        let refused = command.args(["serve", "--from", "bigquery", "--no-open"]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
        words(&refused)
    };
    assert!(begin(&[("EVENTS_ACCESS_LOG", "true")]).contains("EVENTS_ACCESS_LOG is set"));
    peer.query(&format!("DROP VIEW `test-project.{DATASET}.events`"));
    assert!(begin(&[]).contains("aig-logs sql --events --apply"));
}

#[test]
fn what_does_not_go_with_bigquery_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for other in
        [&["--db", "a.sqlite"][..], &["--poll"], &["--demo"], &["--archive", "a"], &["--metrics", "127.0.0.1:0"]]
    {
        let refused = command(folder.path()).args(["serve", "--from", "bigquery"]).args(other).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
        assert!(words(&refused).contains("cannot be used with"), "{}", words(&refused));
    }
    let unset = command(folder.path()).args(["serve", "--from", "bigquery", "--no-open"]).output().unwrap();
    assert_eq!(unset.status.code(), Some(2), "{}", words(&unset));
    assert!(words(&unset).contains("GCP_BQ_PROJECT"), "{}", words(&unset));
}
