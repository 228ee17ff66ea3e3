//! Questions and templates of the program, asked of a peer.

use aig_logs::{
    query::{Asker, Known, Sql, What, bigquery, read, shapes, template::find},
    record::Cell,
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use super::{BigQuery, DATASET, PROJECT};

const KNOWN: Known<'_> = Known { org_metadata: "org", logs: None, events: None };

/// The rows of the answer to a question at a path of the API, of all orgs. The period of cohorts is their step.
pub fn answer(peer: &impl BigQuery, path: &str, question: &Value, now: Timestamp) -> Value {
    let shape = match path {
        "/query" => &shapes::QUERY,
        "/metrics/users" => &shapes::USERS,
        "/metrics/cohorts" => &shapes::COHORTS,
        "/metrics/errors" => &shapes::ERRORS,
        "/metrics/performance" => &shapes::PERFORMANCE,
        "/billing/usage" => &shapes::USAGE,
        path => panic!("{path}"),
    };
    let mut members = members(question);
    if let Some(period) = members.remove("period") {
        members.insert("groupBy".into(), period);
    }
    let question = read(members, shape, Asker { org: None, now }).unwrap();
    let what = if path == "/metrics/cohorts" { What::Cohorts(&question) } else { What::Question(&question) };
    let lines = lines(peer, &bigquery::statement(what, KNOWN.org_metadata).unwrap());
    rows(&bigquery::answer(what, lines, KNOWN, 0).unwrap())
}

/// The rows of the answer to a template of the program.
pub fn answer_of_template(peer: &impl BigQuery, name: &str, parameters: &Value, now: Timestamp) -> Value {
    let template = find(name).unwrap();
    let question = json!({ "parameters": parameters, "limit": 10_000 });
    let filled = template.fill(members(&question), Asker { org: None, now }).unwrap();
    let lines = lines(peer, &bigquery::statement(What::Template(&filled), KNOWN.org_metadata).unwrap());
    rows(&bigquery::answer(What::Template(&filled), lines, KNOWN, 0).unwrap())
}

fn lines(peer: &impl BigQuery, sql: &Sql) -> Vec<Map<String, Value>> {
    let parameters: Vec<_> = (1..).zip(&sql.values).map(|(place, value)| parameter(place, value)).collect();
    peer.lines(&json!({
        "query": sql.text, "useLegacySql": false, "parameterMode": "NAMED", "queryParameters": parameters,
        "defaultDataset": { "projectId": PROJECT, "datasetId": DATASET }, "maxResults": 20_000,
    }))
}

fn parameter(place: usize, value: &Cell) -> Value {
    let (kind, value) = match value {
        Cell::Null => ("STRING", None),
        Cell::Text(text) => ("STRING", Some(text.clone())),
        Cell::Integer(integer) => ("INT64", Some(integer.to_string())),
        Cell::Float(float) => ("FLOAT64", Some(float.to_string())),
        Cell::Instant(instant) => ("TIMESTAMP", Some(instant.format("%F %T%.6f+00:00").to_string())),
        Cell::Bool(_) => panic!("{value:?}"),
    };
    json!({ "name": format!("v{place}"), "parameterType": { "type": kind }, "parameterValue": { "value": value } })
}

fn rows(table: &impl serde::Serialize) -> Value {
    serde_json::to_value(table).unwrap()["rows"].clone()
}

fn members(question: &Value) -> Map<String, Value> {
    question.as_object().unwrap().clone()
}
