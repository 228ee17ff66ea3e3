//! Templates: each tells what plain loops compute from the same rows, and of the asker's org alone.

mod dialects;
mod errors;
pub mod loops;
mod people;
mod requests;
pub mod rows;
mod usage;

use std::{collections::BTreeSet, fs, path::Path};

use aig_logs::{host::Server, query::template, rollup};
use chrono::TimeDelta;
use futures_util::FutureExt;
use serde_json::{Value, json};

use self::{
    loops::Check,
    rows::{Row, random, world},
};
use crate::events::world::{ADMIN, World};

fn checks() -> Vec<Check> {
    [requests::checks(), errors::checks(), people::checks(), usage::checks()].into_iter().flatten().collect()
}

/// The status and the answer to a template.
fn ask(world: &World, key: &str, name: &str, parameters: &Value) -> (u16, Value) {
    let question = json!({ "template": name, "parameters": parameters, "limit": 10_000 });
    world.ask("POST", "/query", key, &question.to_string())
}

#[test]
fn templates_agree_with_plain_loops() {
    let checks = checks();
    let mut told = BTreeSet::new();
    for seed in 0..4 {
        let rows = random(seed, 2_000);
        let world = world(&rows);
        for check in &checks {
            let expected = check.rows(&rows);
            let (status, answer) = ask(&world, ADMIN, check.template, &check.parameters);
            assert_eq!(status, 200, "{}: {answer}", check.template);
            assert_eq!(answer["rows"], expected, "{} {}, seed {seed}", check.template, check.parameters);
            if expected != json!([]) {
                told.insert((check.template, check.parameters.to_string()));
            }
        }
    }
    // No template has agreed by telling nothing.
    for check in &checks {
        assert!(
            told.contains(&(check.template, check.parameters.to_string())),
            "{} {}",
            check.template,
            check.parameters
        );
    }
    let names: BTreeSet<_> = checks.iter().map(|check| check.template).collect();
    assert_eq!(names, template::all().map(|template| template.name).collect());
}

#[test]
fn templates_that_read_user_days_are_answered_from_counts() {
    let checks: Vec<_> = checks().into_iter().filter(|check| by_user_day().contains(&check.template)).collect();
    assert!(checks.len() > 3);
    let mut told = BTreeSet::new();
    for seed in 0..4 {
        let rows = random(seed, 2_000);
        let [world, plain] = [world(&rows), world(&rows)];
        let (memory, now) = (&world.host.memory, world.host.now());
        let pass = rollup::pass(memory, "org", TimeDelta::days(760), now, 10_000);
        pass.now_or_never().unwrap().unwrap();
        for check in &checks {
            let expected = check.rows(&rows);
            for (world, is_counted) in [(&world, true), (&plain, false)] {
                let (status, answer) = ask(world, ADMIN, check.template, &check.parameters);
                assert_eq!(status, 200, "{}: {answer}", check.template);
                assert_eq!(answer["rows"], expected, "{} {}, seed {seed}", check.template, check.parameters);
                assert_eq!(answer["meta"]["from"], if is_counted { "rollup" } else { "raw" }, "{}", check.template);
                assert_eq!(answer["meta"]["exact"], true, "{}", check.template);
            }
            if expected != json!([]) {
                told.insert(check.template);
            }
        }
    }
    assert_eq!(told, by_user_day());
}

#[test]
fn a_text_that_reads_user_days_reads_no_other_rows() {
    let read = |from: &str| {
        let text = format!("-- X.\n-- rows: user_days\n-- answer: n\nSELECT count(*) AS n FROM {from}");
        template::Template::read("x", &text).map(|_| ())
    };
    assert_eq!(read("user_days"), Ok(()));
    assert!(read("user_days, activity").is_err_and(|error| error.contains("user_days")));
    assert!(template::Template::read("x", "-- X.\n-- rows: days\n-- answer: n\nSELECT 1 AS n").is_err());
}

/// The templates whose text reads `user_days`.
fn by_user_day() -> BTreeSet<&'static str> {
    let reads = |(_, text): &&(&str, &str)| text.contains("\n-- rows: user_days\n");
    template::NAMED.iter().filter(reads).map(|(name, _)| *name).collect()
}

#[test]
fn every_file_of_queries_is_a_template_and_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/queries");
    let mut files: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|name| name != "bigquery");
    files.sort();
    let names: Vec<_> = template::NAMED.iter().map(|(name, _)| format!("{name}.sql")).collect();
    assert_eq!(names, files, "sql/queries/ and the list in src/query/template/named.rs differ.");
    assert!(names.len() >= 23);
    let mut others: Vec<_> = fs::read_dir(folder.join("bigquery"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    others.sort();
    let of_bigquery: Vec<_> = template::IN_BIGQUERY.iter().map(|(name, _)| format!("{name}.sql")).collect();
    assert_eq!(of_bigquery, others, "sql/queries/bigquery/ and the list in src/query/template/bigquery.rs differ.");
    assert!(of_bigquery.iter().all(|name| names.contains(name)), "A second text has a first one.");
    for (name, text) in template::NAMED {
        let template = template::Template::read(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(template.description.ends_with('.') && template.description.len() < 120, "{name}");
        let body: Vec<_> = text.lines().filter(|line| !line.starts_with("--")).collect();
        for word in ["_raw", "api_keys", "sqlite_", "pragma", "steps", "FROM raw", "spaces_of"] {
            assert!(!body.join("\n").contains(word), "{name} names {word}: a template reads activity alone.");
        }
    }
    let world = world(&[]);
    let (status, listed) = world.ask("GET", "/templates", ADMIN, "");
    assert_eq!(status, 200, "{listed}");
    let listed = listed["rows"].as_array().unwrap();
    assert!(listed.iter().map(|row| row["name"].as_str().unwrap()).eq(template::NAMED.iter().map(|(name, _)| *name)));
    let brute_force = listed.iter().find(|row| row["name"] == "brute-force").unwrap();
    assert_eq!(
        brute_force["parameters"],
        json!([
            { "name": "start", "type": "instant", "required": false, "default": "-1h", "description": "the first instant" },
            { "name": "end", "type": "instant", "required": false, "default": "now", "description": "the instant after the last" },
            { "name": "more", "type": "integer", "required": false, "default": 3, "description": "failed sign-ins that are exceeded" }
        ])
    );
}

#[test]
fn a_template_runs_with_its_defaults_and_has_the_columns_that_it_declares() {
    let rows = random(7, 300);
    let world = world(&rows);
    for template in template::all() {
        let parameters = if template.name == "spend-by-metadata" { json!({ "key": "team" }) } else { json!({}) };
        let (status, answer) = ask(&world, ADMIN, template.name, &parameters);
        assert_eq!(status, 200, "{}: {answer}", template.name);
        assert!(answer["meta"]["rowsRead"].as_u64().is_some_and(|rows| rows <= 300), "{answer}");
        let question = json!({ "template": template.name, "parameters": parameters });
        let headers = [("authorization", format!("Bearer {ADMIN}")), ("accept", "text/csv".into())];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let csv = world.send(crate::events::world::request("POST", "/query", &headers, question.to_string()));
        let csv = String::from_utf8(csv.into_body()).unwrap();
        let names: Vec<_> = template.columns.iter().map(|(name, _)| *name).collect();
        assert_eq!(csv.lines().next(), Some(names.join(",").as_str()));
    }
    let (_, answer) = ask(&world, ADMIN, "cost-by-model", &json!({}));
    assert_eq!(
        answer["meta"]["units"],
        json!({ "tokensIn": "tokens", "tokensOut": "tokens", "cost": "USD", "costPerRequest": "USD" })
    );
    let limited = world.ask("POST", "/query", ADMIN, r#"{"template":"auth-failures","limit":1}"#).1;
    assert_eq!((limited["rows"].as_array().unwrap().len(), &limited["meta"]["truncated"]), (1, &json!(true)));
}

#[test]
fn no_template_tells_an_org_of_another() {
    let both = random(3, 900);
    let mine: Vec<Row> = both.iter().filter(|row| row.org == "acme").cloned().collect();
    let (mine, both) = (world(&mine), world(&both));
    let keys = [&mine, &both].map(|world| world.key("acme", &["query"]));
    for check in checks() {
        let answers = [(&mine, &keys[0]), (&both, &keys[1])]
            .map(|(world, key)| ask(world, key, check.template, &check.parameters));
        assert_eq!(answers[0].0, 200, "{}", answers[0].1);
        assert_eq!(answers[0], answers[1], "{}", check.template);
        let named = json!({ "template": check.template, "parameters": check.parameters, "organizationId": "acme" });
        let (_, named) = both.ask("POST", "/query", ADMIN, &named.to_string());
        assert_eq!(named["meta"]["rowsRead"], answers[0].1["meta"]["rowsRead"]);
        let other = json!({ "template": check.template, "parameters": check.parameters, "organizationId": "other" });
        assert_eq!(both.ask("POST", "/query", &keys[1], &other.to_string()).0, 403, "{}", check.template);
    }
    let sender = both.key("acme", &["ingest"]);
    assert_eq!(both.ask("GET", "/templates", &sender, "").0, 403);
}

#[test]
fn a_month_that_is_over_is_told_whole() {
    let world = world(&random(2, 2_000));
    let rows = |name: &str, start: &str, end: &str| {
        let (status, answer) = ask(&world, ADMIN, name, &json!({ "start": start, "end": end }));
        assert_eq!(status, 200, "{answer}");
        answer["rows"].as_array().unwrap().clone()
    };
    let october = rows("usage-by-sku", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z");
    assert!(october.len() > 4);
    assert_eq!(rows("month-to-date", "2026-09-01T00:00:00Z", "2026-11-01T00:00:00Z"), october);
    let told = rows("usage-against-last-month", "2026-09-01T00:00:00Z", "2026-11-01T00:00:00Z");
    for row in &october {
        let same = |other: &&Value| ["organization", "sku", "unit"].iter().all(|column| row[*column] == other[*column]);
        assert_eq!(told.iter().find(same).map(|other| &other["quantity"]), Some(&row["quantity"]), "{row}");
    }
    let last = rows("cost-anomalies", "2026-10-20T00:00:00Z", "2026-11-28T23:59:59.999Z");
    assert_eq!(rows("cost-anomalies", "2026-10-20T00:00:00Z", "2026-11-29T00:00:00Z"), last);
}

#[test]
fn a_wrong_template_or_parameter_is_named() {
    let world = world(&[]);
    let check = |question: Value, field: &str, words: &str| {
        let (status, problem) = world.ask("POST", "/query", ADMIN, &question.to_string());
        assert_eq!((status, problem["field"].as_str().unwrap_or_default()), (400, field), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem} {words}");
    };
    check(json!({ "template": "no-such" }), "template", "no-such");
    check(json!({ "template": 5 }), "template", "name of a template");
    check(json!({ "template": "apdex", "start": "-7d" }), "", "no start");
    check(json!({ "template": "apdex", "parameters": [] }), "parameters", "object");
    check(json!({ "template": "apdex", "parameters": { "satisfies": 5 } }), "parameters", "satisfies");
    check(json!({ "template": "apdex", "parameters": { "satisfied": "5" } }), "parameters", "satisfied is a number");
    check(json!({ "template": "brute-force", "parameters": { "more": 1.5 } }), "parameters", "more is an integer");
    check(
        json!({ "template": "new-errors", "parameters": { "since": "yesterday" } }),
        "parameters",
        "since is an instant",
    );
    check(json!({ "template": "requests-by-day", "parameters": { "name": 5 } }), "parameters", "name is a text");
    check(json!({ "template": "spend-by-metadata" }), "parameters", "key");
    check(json!({ "template": "apdex", "parameters": { "start": "soon" } }), "start", "instant");
    check(json!({ "template": "apdex", "parameters": { "start": "now", "end": "-1d" } }), "end", "after start");
    check(json!({ "template": "apdex", "limit": 0 }), "limit", "1 to 10000");
}
