//! The same question in BigQuery's dialect has the same answer as in SQLite's.

use aig_logs::time;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::{
    answers::{self, METRICS},
    rows::{self, Row},
};
use crate::peer::{BigQuery, Peer, googlesql::GoogleSql, questions::answer};

const MIDDLE: &str = "2026-11-27T12:00:00Z";

/// How many questions are made up.
const QUESTIONS: usize = 25;

const FIELDS: [&str; 15] = [
    "name",
    "subject",
    "user",
    "session",
    "organization",
    "sku",
    "unit",
    "status",
    "source",
    "success",
    "provider",
    "model",
    "gateway",
    "metadata.team",
    "metadata.no \"such\" key",
];

/// The same every time.
fn drawn<T>(runner: &mut TestRunner, strategy: &impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).unwrap().current()
}

/// Rows, of which some have texts and numbers that dialects may tell differently.
fn fixture(runner: &mut TestRunner) -> Vec<Row> {
    let middle = time::parse(MIDDLE).unwrap();
    let mut rows: Vec<_> = (0..80).map(|_| drawn(runner, &answers::row(middle))).collect();
    let teams =
        [json!(5.0), json!(-0.5), json!(false), json!("5"), json!("true"), json!("null"), json!(""), json!([1, "a"])];
    let others =
        [json!({ "a": [1] }), json!("é\u{1}\\/"), json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64)];
    for (row, team) in rows.iter_mut().zip(teams.into_iter().chain(others)) {
        row.team = Some(team);
    }
    rows
}

/// Each field with every metric, each operation of a filter with every kind of field, and each data set with every step.
fn each() -> Vec<Value> {
    let metrics: Vec<_> = METRICS.into_iter().chain(["tokensOut"]).collect();
    let range = json!({ "start": "2026-11-25T12:00:00Z", "end": "2026-11-29T12:00:00Z", "limit": 10_000 });
    let question = |change: Value| {
        let mut question = range.clone();
        question.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        question
    };
    let filtered = |field: &str, op: &str, values: Value| {
        let filters = json!([{ "field": field, "op": op, "values": values }]);
        question(json!({ "dataset": "all", "filters": filters, "groupBy": ["day", field], "metrics": ["count"] }))
    };
    let fields = FIELDS.map(|field| question(json!({ "dataset": "all", "groupBy": [field], "metrics": metrics })));
    let orders = metrics.iter().flat_map(|metric| {
        let ordered = |order: String| {
            question(
                json!({ "dataset": "all", "groupBy": ["user"], "metrics": [metric], "orderBy": order, "limit": 3 }),
            )
        };
        [ordered((*metric).to_owned()), ordered(format!("-{metric}"))]
    });
    let fields_in_order = FIELDS.map(|field| {
        question(json!({ "dataset": "all", "groupBy": [field], "metrics": ["count"], "orderBy": format!("-{field}") }))
    });
    let steps = ["hour", "day", "week", "month"].into_iter().flat_map(|step| {
        ["events", "logs", "all"].map(|dataset| {
            question(json!({ "dataset": dataset, "groupBy": [step], "metrics": metrics, "timeZone": "Asia/Kolkata" }))
        })
    });
    let texts = json!(["u1", "acme", "x", "é", "5", "a", "logs", "none"]);
    let kinds = FIELDS.iter().flat_map(|field| {
        let values = match *field {
            "status" => json!([200, 99]),
            "success" => json!([false]),
            name if name.starts_with("metadata.") => {
                json!(["search", 5, 5.0, true, "null", "", 9_007_199_254_740_993_i64, "é\u{1}\\/"])
            }
            _ => texts.clone(),
        };
        let exists = [true, false].map(|there| filtered(field, "exists", json!([there])));
        let compared = ["in", "neq"].map(|op| filtered(field, op, values.clone()));
        let contained =
            (!["status", "success"].contains(field)).then(|| filtered(field, "contains", json!(["a", "é", ""])));
        exists.into_iter().chain(compared).chain(contained).collect::<Vec<_>>()
    });
    let orgs = [json!("acme"), json!("it's @v1 ?1 none")]
        .map(|org| question(json!({ "dataset": "all", "organizationId": org })));
    let minutes = question(
        json!({ "start": "2026-11-27T11:00:00.001Z", "end": "2026-11-27T13:00:00Z", "groupBy": ["minute", "user"] }),
    );
    fields
        .into_iter()
        .chain(orders)
        .chain(fields_in_order)
        .chain(steps)
        .chain(kinds)
        .chain(orgs)
        .chain([minutes])
        .collect()
}

/// Questions of each further kind, of events, logs and both.
fn of_kinds() -> impl Iterator<Item = (&'static str, Value)> {
    ["events", "logs", "all"].into_iter().flat_map(|dataset| {
        let asked = |path, more: Value| {
            let mut question =
                json!({ "start": "2026-11-20T00:00:00Z", "end": "2026-12-01T00:00:00Z", "dataset": dataset });
            question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            (path, question)
        };
        [
            asked("/metrics/users", json!({ "groupBy": "day" })),
            asked(
                "/metrics/users",
                json!({ "groupBy": "week", "timeZone": "Europe/Berlin", "organizationId": "acme" }),
            ),
            asked("/metrics/cohorts", json!({ "period": "day" })),
            asked("/metrics/cohorts", json!({ "period": "week", "timeZone": "Europe/Berlin" })),
            asked("/metrics/errors", json!({})),
            asked("/metrics/performance", json!({ "groupBy": "day" })),
            asked("/billing/usage", json!({ "groupBy": "day" })),
        ]
    })
}

/// A question that is made up, about the time of the rows.
fn made_up(runner: &mut TestRunner) -> Value {
    let (mut question, [start, middle, end]) = drawn(runner, &answers::question());
    let moved = time::parse(MIDDLE).unwrap() - middle;
    question["start"] = time::text(start + moved).into();
    question["end"] = time::text(end + moved).into();
    question
}

fn assert_answers_agree(peer: &impl BigQuery) {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRunner::deterministic().rng().clone());
    let world = rows::world(&fixture(&mut runner));
    peer.copy_of(&world.host.memory.connection);
    let questions = each().into_iter().chain((0..QUESTIONS).map(|_| made_up(&mut runner)));
    let questions = questions.map(|question| ("/query", question)).chain(of_kinds());
    let mut told = 0;
    for (path, question) in questions {
        let own = rows::ask(&world, path, &question);
        let theirs = answer(peer, path, &question, time::parse(MIDDLE).unwrap());
        assert_eq!(theirs, own, "{path} {question}");
        told += usize::from(own != json!([]));
    }
    assert!(told > 120, "{told}");
}

#[test]
fn questions_in_bigquery_have_the_answers_of_sqlite() {
    let Some(peer) = Peer::start() else { return };
    assert_answers_agree(&peer);
}

#[test]
fn questions_in_googlesql_have_the_answers_of_sqlite() {
    let Some(peer) = GoogleSql::start() else { return };
    assert_answers_agree(&peer);
}
