//! Questions and templates of the program, asked of a peer.

use aig_logs::{
    query::{
        Asker, Known, Sql, bigquery, read, shapes,
        template::{body_in_bigquery, find},
    },
    record::Cell,
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use super::{BigQuery, DATASET, PROJECT};

const KNOWN: Known<'_> = Known { org_metadata: "org", logs: None, events: None };

/// The rows of the answer to a question of all orgs.
pub fn answer(peer: &impl BigQuery, question: &Value, now: Timestamp) -> Value {
    let question = read(members(question), &shapes::QUERY, Asker { org: None, now }).unwrap();
    let lines = lines(peer, &bigquery::statement(&question, KNOWN.org_metadata));
    rows(&bigquery::answer(&question, lines, KNOWN, 0))
}

/// The rows of the answer to a template of the program.
pub fn answer_of_template(peer: &impl BigQuery, name: &str, parameters: &Value, now: Timestamp) -> Value {
    let template = find(name).unwrap();
    let template = body_in_bigquery(name).map_or(template.clone(), |body| template.with_body(body));
    let question = json!({ "parameters": parameters, "limit": 10_000 });
    let filled = template.fill(members(&question), Asker { org: None, now }).unwrap();
    let lines = lines(peer, &bigquery::statement_of_template(&filled, KNOWN.org_metadata));
    rows(&bigquery::answer_of_template(&filled, lines, KNOWN, 0).unwrap())
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
