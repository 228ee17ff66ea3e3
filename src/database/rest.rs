//! D1 over Cloudflare's REST API: an operator's machine reaches a database without a Worker.
//! developers.cloudflare.com/api/resources/d1

use std::borrow::Cow;

use http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Database, Done, Statement, lists, told, upsert_of_json};
use crate::{
    config::D1,
    envelope::{Hints, open, open_as},
    error::CallError,
    host::{Host, call},
    record::Cell,
    time,
    wire::{Request, Response, encoded, or_default, request},
};

/// The hints to a person if the API refuses.
const HINTS: Hints = Hints {
    missing: "Check CF_ACCOUNT_ID and CF_D1_DATABASE_ID: that account has no such database of D1",
    token: "Check CF_API_TOKEN: it must be valid, belong to the account CF_ACCOUNT_ID, and have the permission D1 Edit; \
            to look only, D1 Read",
    other: "The request does not suit the API: check CF_ACCOUNT_ID and CF_D1_DATABASE_ID",
};

/// The way out if the database lacks a table or a column.
const APPLY: &str = "Give the database its tables and views: `aig-logs sql --sink d1 --apply`";

/// The code of the API under which it passes on what the database itself says.
const OF_THE_DATABASE: &str = "(7500)";

/// A database, reached through a host.
#[derive(Debug)]
pub struct Rest<'a, H> {
    host: &'a H,
    settings: &'a D1,
}

impl<'a, H: Host> Rest<'a, H> {
    /// The database of the settings.
    #[must_use]
    pub fn new(host: &'a H, settings: &'a D1) -> Self {
        Self { host, settings }
    }

    /// Runs the statements of a script, which has no values, in one transaction.
    ///
    /// # Errors
    /// If this is not certain.
    pub async fn script(&self, text: &str) -> Result<(), CallError> {
        self.ask(&json!({ "sql": text })).await.map(|_| ())
    }

    async fn ask(&self, body: &Value) -> Result<Vec<Answer>, CallError> {
        call(self.host, &ask(self.settings, body), read).await
    }
}

impl<H: Host> Database for Rest<'_, H> {
    /// A batch of D1 is a transaction. Records take one statement, or several if one value cannot hold all of them.
    async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Done>, CallError> {
        let mut batch = Vec::new();
        // How many statements of the batch each statement takes.
        let mut counts = Vec::with_capacity(statements.len());
        for statement in statements {
            let before = batch.len();
            batch.extend(expanded(statement)?);
            counts.push(batch.len() - before);
        }
        if batch.is_empty() {
            return Ok(vec![Done::default(); counts.len()]);
        }
        let sent = batch.len();
        let answers = self.ask(&json!({ "batch": batch })).await?;
        if answers.len() != sent {
            return Err(CallError::Broken(format!("D1 answers {} of {sent} statements", answers.len())));
        }
        let mut answers = answers.into_iter();
        Ok(counts.into_iter().map(|count| sum(answers.by_ref().take(count))).collect())
    }

    async fn query(&self, text: &str, values: Vec<Cell>) -> Result<Vec<Map<String, Value>>, CallError> {
        let answers = self.ask(&query(text, &values)).await?;
        Ok(answers.into_iter().next().map(|answer| answer.results).unwrap_or_default())
    }
}

/// The request that asks the database.
fn ask(settings: &D1, body: &Value) -> Request {
    let D1 { base, account, token, database } = settings;
    let address = format!("{base}/accounts/{}/d1/database/{}/query", encoded(account), encoded(database));
    let mut request = request(Method::POST, &address, body.to_string().into_bytes());
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    token.authorize(&mut request);
    request
}

/// The statements that D1 takes for one statement.
fn expanded(statement: Statement) -> Result<Vec<Value>, CallError> {
    match statement {
        Statement::Sql(text, values) => Ok(vec![query(&text, &values)]),
        Statement::Write(records) => {
            let Some(table) = records.first().map(|record| record.table) else { return Ok(Vec::new()) };
            let text = Cow::from(upsert_of_json(table));
            Ok(lists(&records)?.into_iter().map(|list| query(&text, &[Cell::Text(list)])).collect())
        }
    }
}

fn query(text: &str, values: &[Cell]) -> Value {
    json!({ "sql": text, "params": values.iter().map(value).collect::<Value>() })
}

/// A value as D1 takes it: it has no truths and no instants.
fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) => json!(text),
        Cell::Integer(integer) => json!(integer),
        Cell::Float(float) => json!(float),
        Cell::Bool(truth) => json!(u8::from(*truth)),
        Cell::Instant(instant) => json!(time::text(*instant)),
    }
}

fn sum(answers: impl Iterator<Item = Answer>) -> Done {
    answers.fold(Done::default(), |mut done, Answer { results, meta, .. }| {
        done.changed += meta.changes;
        done.rows_written += meta.rows_written;
        done.rows.extend(results);
        done
    })
}

/// D1's answer to a statement.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    success: bool,
    #[serde(default, deserialize_with = "or_default")]
    results: Vec<Map<String, Value>>,
    #[serde(default, deserialize_with = "or_default")]
    meta: Meta,
}

/// The effect of a statement, as D1 tells it.
#[derive(Debug, Default, Deserialize)]
struct Meta {
    #[serde(default, deserialize_with = "or_default")]
    changes: u64,
    #[serde(default, deserialize_with = "or_default")]
    rows_written: u64,
}

fn read(response: &Response) -> Result<Vec<Answer>, CallError> {
    if let Some(envelope) = open_as::<Vec<Answer>>(response) {
        let answers = envelope.result;
        if !answers.iter().all(|answer| answer.success) {
            return Err(CallError::Broken("D1 says that a statement did not succeed, and not why".into()));
        }
        return Ok(answers);
    }
    Err(match open(response, &HINTS) {
        Ok(_) => CallError::Broken("D1's answer cannot be read".into()),
        Err(CallError::Denied { message, .. })
            if response.status() == StatusCode::BAD_REQUEST && message.contains(OF_THE_DATABASE) =>
        {
            of_the_database(&message)
        }
        Err(error) => error,
    })
}

/// The failure that the database itself tells. What is neither the fault of values nor of the schema may pass.
fn of_the_database(message: &str) -> CallError {
    match told(message) {
        CallError::Broken(_) => CallError::denied(message, APPLY),
        CallError::Silent(words) => CallError::Broken(words),
        error @ (CallError::Refused(_)
        | CallError::Throttled { .. }
        | CallError::TooLarge { .. }
        | CallError::Denied { .. }) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn the_request_names_account_and_database_and_carries_values_as_d1_has_them() {
        let lookup = |name: &str| match name {
            "CF_ACCOUNT_ID" => Some("acc".to_owned()),
            "CF_API_TOKEN" => Some("secret-token".to_owned()),
            "CF_D1_DATABASE_ID" => Some("db-1".to_owned()),
            _ => None,
        };
        let settings = D1::from_vars(lookup).unwrap();
        let at = time::parse("2026-10-06T09:15:22.417Z").unwrap();
        let values = [
            Cell::Text("it's".into()),
            Cell::Integer(7),
            Cell::Float(0.5),
            Cell::Bool(true),
            Cell::Null,
            Cell::Instant(at),
        ];
        let request = ask(&settings, &query("SELECT ?1", &values));
        assert_eq!(request.uri(), "https://api.cloudflare.com/client/v4/accounts/acc/d1/database/db-1/query");
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.headers()["authorization"], "Bearer secret-token");
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let params = json!(["it's", 7, 0.5, 1, null, "2026-10-06T09:15:22.417Z"]);
        assert_eq!(body, json!({ "sql": "SELECT ?1", "params": params }));
        assert!(D1::from_vars(|_| None).unwrap_err().to_string().contains("CF_D1_DATABASE_ID is not set"));
    }

    #[test]
    fn an_answer_tells_the_effect_of_each_statement() {
        let body = r#"{"success":true,"errors":[],"result":[
            {"success":true,"results":[{"id":"a"}],"meta":{"changes":2,"rows_written":3,"rows_read":9}},
            {"success":true,"results":[],"meta":{"changes":0}},{"success":true}]}"#;
        let done: Vec<_> =
            read(&answer(200, body)).unwrap().into_iter().map(|answer| sum([answer].into_iter())).collect();
        let rows = vec![Map::from_iter([("id".to_owned(), json!("a"))])];
        assert_eq!(done, [Done { changed: 2, rows_written: 3, rows }, Done::default(), Done::default()]);
        let unsuccessful = read(&answer(200, r#"{"success":true,"result":[{"success":false}]}"#));
        assert!(unsuccessful.unwrap_err().is_transient());
    }

    #[test]
    fn a_refusal_tells_who_acts() {
        let check = |status, code: u32, words: &str, is_transient: bool, part: &str| {
            let body = json!({ "success": false, "errors": [{ "code": code, "message": words }], "result": [] });
            let error = read(&answer(status, &body.to_string())).unwrap_err();
            assert_eq!(error.is_transient(), is_transient, "{words}: {error}");
            assert!(error.to_string().contains(part), "{error}");
        };
        check(400, 7_500, "no such table: aig_logs_raw: SQLITE_ERROR", false, "sql --sink d1 --apply");
        check(400, 7_500, "table aig_logs_raw has no column named extra: SQLITE_ERROR", false, "sql --sink d1 --apply");
        check(400, 7_500, "string or blob too big: SQLITE_TOOBIG", false, "never takes");
        check(400, 7_500, "D1 DB is overloaded. Requests queued for too long.", true, "overloaded");
        check(400, 7_400, "The request is malformed", false, "CF_D1_DATABASE_ID");
        check(404, 7_404, "The database db-1 could not be found", false, "CF_D1_DATABASE_ID");
        check(403, 10_000, "Authentication error", false, "D1 Edit");
        check(500, 7_500, "internal error", true, "internal error");
        assert!(read(&answer(502, "<html>")).unwrap_err().is_transient());
        assert!(read(&answer(200, r#"{"success":true,"result":[{"success":true,"#)).unwrap_err().is_transient());
        assert!(read(&answer(200, r#"{"success":true,"result":"x"}"#)).unwrap_err().is_transient());
    }
}
