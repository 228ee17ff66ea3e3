//! No text of a question becomes SQL: the same question about other values is the same statement, and every statement
//! consists of listed words.

use std::{collections::BTreeSet, fs, path::Path};

use aig_logs::{
    query::{Asker, What, bigquery, read, shapes},
    time,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{answers, asked, counted};
use crate::events::world::{ADMIN, World};

/// Texts that would do harm, or end a text, where they stood in a statement.
const FOREIGN: [&str; 6] =
    ["'; DROP TABLE events_raw; --", "\" OR 1 = 1 --", "?9", "org07 UNION SELECT", "$.\"a\\\"b'", "\u{fffd}ü)"];

/// The words of all statements. A place of a value is `?`, and the numbers of groups and metrics are left out.
const LISTED: &str = "tests/fixtures/words_of_statements.txt";

/// The texts of the statements that answer a question, whatever the answer is.
pub fn texts(world: &World, path: &str, question: &Value) -> Vec<String> {
    world.host.memory.texts.borrow_mut().clear();
    world.ask("POST", path, ADMIN, &question.to_string());
    world.host.memory.texts.borrow().clone()
}

/// The words of a statement.
fn words(text: &str) -> BTreeSet<String> {
    let is_inner = |letter: char| letter.is_alphanumeric() || "_.$?'\"*@".contains(letter);
    let words = text.split(|letter: char| !is_inner(letter)).filter(|word| !word.is_empty());
    let numbered = |word: &str| {
        let bare = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
        if ["g", "m", "?"].contains(&bare) { bare.to_owned() } else { word.to_owned() }
    };
    words.map(numbered).collect()
}

/// The same question with other texts, metadata keys and instants wherever it may hold any.
fn other(question: &Value, foreign: &str) -> Value {
    let of_key = |name: &Value| match name.as_str() {
        Some(name) if name.starts_with("metadata.") => json!(format!("metadata.{foreign}")),
        _ => name.clone(),
    };
    let mut other = question.clone();
    if let Some(groups) = other["groupBy"].as_array_mut() {
        for group in groups {
            *group = of_key(group);
        }
    }
    for filter in other["filters"].as_array_mut().into_iter().flatten() {
        filter["field"] = of_key(&filter["field"]);
        for value in filter["values"].as_array_mut().unwrap() {
            if value.is_string() {
                *value = foreign.into();
            }
        }
    }
    if other["organizationId"].is_string() {
        other["organizationId"] = foreign.into();
    }
    other["limit"] = 7.into();
    other
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_question_about_other_values_is_the_same_statement(
        (question, _) in prop_oneof![answers::question(), asked::question(), asked::of_keys(), asked::by_user()],
        foreign in prop::sample::select(FOREIGN.to_vec()),
    ) {
        let world = World::new();
        let asked = texts(&world, "/query", &question);
        prop_assert_eq!(&asked, &texts(&world, "/query", &other(&question, foreign)));
        let listed: BTreeSet<_> = listed().into_iter().collect();
        for text in asked {
            let new: Vec<_> = words(&text).into_iter().filter(|word| !listed.contains(word)).collect();
            prop_assert!(new.is_empty(), "{new:?} of {text}");
        }
    }
}

/// The text of the statement for BigQuery, in which values are `@v1` and so on.
fn in_bigquery(question: &Value) -> Option<String> {
    let asker = Asker { org: None, now: time::parse("2026-11-29T12:00:00Z").unwrap() };
    let question = read(question.as_object().unwrap().clone(), &shapes::QUERY, asker).ok()?;
    Some(bigquery::statement(What::Question(&question), "org").ok()?.text)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_question_about_other_values_is_the_same_statement_for_bigquery(
        (question, _) in answers::question(),
        foreign in prop::sample::select(FOREIGN.to_vec()),
    ) {
        let text = in_bigquery(&question);
        prop_assert!(text.is_some());
        prop_assert_eq!(&text, &in_bigquery(&other(&question, foreign)));
    }
}

fn listed() -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(LISTED)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Each field, operation, metric, step and data set, over rows that are counted and rows that are not.
#[test]
fn the_words_of_all_statements_are_listed() {
    let worlds = [counted::some_history().world, World::new()];
    let mut found = BTreeSet::new();
    let mut ask = |path: &str, mut question: Value| {
        question["start"] = "2026-11-20T00:00:00Z".into();
        question["end"] = "2026-11-24T12:30:00Z".into();
        for world in &worlds {
            for text in texts(world, path, &question) {
                found.extend(words(&text));
            }
        }
    };
    let fields = [
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
    ];
    let operations = [("in", json!([1])), ("neq", json!(["a"])), ("contains", json!(["a"])), ("exists", json!([true]))];
    let metrics: Vec<_> = answers::METRICS.into_iter().chain(["tokensOut"]).collect();
    for dataset in ["events", "logs", "all"] {
        for metric in &metrics {
            ask("/query", json!({ "dataset": dataset, "metrics": [metric], "orderBy": format!("-{metric}") }));
        }
        for field in fields {
            ask("/query", json!({ "dataset": dataset, "groupBy": [field, "day"], "metrics": ["count", "cost"] }));
            ask(
                "/query",
                json!({ "dataset": dataset, "groupBy": field, "metrics": ["p95"], "organizationId": "acme" }),
            );
            for (operation, values) in &operations {
                for values in [values, &json!([true]), &json!([2])] {
                    let filter = json!({ "field": field, "op": operation, "values": values });
                    ask("/query", json!({ "dataset": dataset, "filters": [filter], "metrics": ["count"] }));
                }
            }
        }
        for path in ["/metrics/users", "/metrics/errors", "/metrics/performance", "/billing/usage"] {
            ask(path, json!({ "dataset": dataset, "groupBy": "day" }));
        }
        ask("/metrics/cohorts", json!({ "dataset": dataset, "period": "day" }));
    }
    let found: Vec<_> = found.into_iter().collect();
    if std::env::var_os("AIG_LOGS_LIST_WORDS").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(LISTED), found.join("\n") + "\n").unwrap();
    }
    assert_eq!(found, listed(), "AIG_LOGS_LIST_WORDS=1 writes {LISTED} anew: read what is new in it");
}
