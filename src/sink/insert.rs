//! `tabledata.insertAll` (also named Storage Write API, REST) as values: request out, verdict in.

use http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize};

use super::Rejected;
use crate::{
    config::BigQuery,
    error::CallError,
    host::{Request, Response},
    wire::{may_pass, or_default, request, retry_after, snippet},
};

/// Longest `insertId`, in characters. cloud.google.com/bigquery/quotas, streaming inserts
const LONGEST_INSERT_ID: usize = 128;

/// All or nothing where rows do not fit the schema: so a wrong schema, which stops the pass, leaves no rows behind that
/// each further pass would write again.
const HEAD: &str = r#"{"skipInvalidRows":false,"ignoreUnknownValues":false,"rows":["#;
const TAIL: &str = "]}";

/// Bytes that a row seldom exceeds.
const TYPICAL: usize = 1_024;

/// How `insertAll` answered.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Every row is in, except these.
    Taken(Vec<Fault>),
    /// The request is too large, or has too many rows.
    TooLarge,
    /// The token is not, or no longer, good.
    Unauthorized,
}

/// One row that is not in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its place in the request, from 0.
    pub index: usize,
    /// Google's reason, such as `invalid`.
    pub reason: String,
    /// The column, where one is to blame.
    pub location: String,
    /// Google's words.
    pub message: String,
}

impl Fault {
    /// The row itself is good: it was held back because of another one, and is sent again.
    pub fn is_held_back(&self) -> bool {
        self.reason == "stopped"
    }

    /// The table lacks a column: no row that has it will get in.
    pub fn is_of_the_schema(&self) -> bool {
        self.message.starts_with("no such field")
    }

    /// The row is too old or too new for the table's partitions; others may not be. The numbers in this text have changed
    /// over the years, its middle has not.
    fn is_of_the_instant(&self) -> bool {
        self.message.contains("outside the allowed bounds")
    }

    pub fn rejected(&self, index: usize) -> Rejected {
        Rejected { index, reason: format!("{}: {}", self.place(), self.message) }
    }

    /// What is wrong, without a word that may quote a row's values.
    pub fn outline(&self) -> String {
        let names_columns_only = self.is_of_the_schema() || self.message.starts_with("Missing required field");
        if names_columns_only { self.rejected(0).reason } else { self.place() }
    }

    fn place(&self) -> String {
        let column = if self.location.is_empty() { String::new() } else { format!(" in {}", self.location) };
        format!("{}{column}", self.reason)
    }
}

/// The fault that every one of `rows` rows has, which is then the table's: a poison row does not come in twos.
pub fn common(faults: &[Fault], rows: usize) -> Option<&Fault> {
    let (first, others) = faults.split_first()?;
    let alike = |fault: &Fault| (&fault.reason, &fault.location) == (&first.reason, &first.location);
    let all = rows > 1 && faults.len() == rows && others.iter().all(alike) && !first.is_of_the_instant();
    faults.iter().find(|fault| fault.is_of_the_schema()).or(all.then_some(first))
}

/// A row as it stands in a request, under its id.
///
/// # Errors
/// Never in practice: every row has a JSON form.
pub fn encode<T: Serialize>(id: &str, row: &T) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Line<'a, T> {
        #[serde(skip_serializing_if = "Option::is_none")]
        insert_id: Option<&'a str>,
        json: &'a T,
    }
    let insert_id = (id.chars().count() <= LONGEST_INSERT_ID).then_some(id);
    let mut line = Vec::with_capacity(TYPICAL);
    serde_json::to_writer(&mut line, &Line { insert_id, json: row })?;
    Ok(line)
}

/// The request that inserts encoded rows into a table of the dataset.
pub fn insert(settings: &BigQuery, table: &str, rows: &[&[u8]]) -> Request {
    let mut body = Vec::with_capacity(HEAD.len() + TAIL.len() + rows.iter().map(|row| row.len() + 1).sum::<usize>());
    body.extend_from_slice(HEAD.as_bytes());
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(row);
    }
    body.extend_from_slice(TAIL.as_bytes());
    let BigQuery { base, project, dataset, .. } = settings;
    let address = format!("{base}/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{table}/insertAll");
    let mut request = request(Method::POST, &address, body);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default, deserialize_with = "or_default")]
    insert_errors: Vec<RowErrors>,
}

#[derive(Deserialize)]
struct RowErrors {
    #[serde(default)]
    index: usize,
    #[serde(default, deserialize_with = "or_default")]
    errors: Vec<RowError>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RowError {
    #[serde(deserialize_with = "or_default")]
    reason: String,
    #[serde(deserialize_with = "or_default")]
    location: String,
    #[serde(deserialize_with = "or_default")]
    message: String,
}

#[derive(Deserialize)]
struct Refused {
    error: RefusedError,
}

#[derive(Deserialize)]
struct RefusedError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<RowError>,
}

/// Reads the answer to [`insert`]. HTTP 200 alone is not success.
///
/// # Errors
/// Where no row is in, or that is not known.
pub fn read(response: &Response, table: &BigQuery) -> Result<Verdict, CallError> {
    let status = response.status();
    if status.is_success() {
        let answer: Answer = serde_json::from_slice(response.body()).map_err(|_| {
            CallError::Broken(format!("BigQuery's answer cannot be read: {}", snippet(response.body())))
        })?;
        let mut faults: Vec<_> = answer.insert_errors.into_iter().map(fault).collect();
        // One a row, even if the answer names a row twice.
        faults.sort_unstable_by_key(|fault| fault.index);
        faults.dedup_by_key(|fault| fault.index);
        return Ok(Verdict::Taken(faults));
    }
    let (_, words) = complaint(response);
    match status {
        // The front end's refusal of a size may be a page of HTML.
        StatusCode::PAYLOAD_TOO_LARGE => Ok(Verdict::TooLarge),
        StatusCode::BAD_REQUEST if response.body().is_empty() || is_size(&words) => Ok(Verdict::TooLarge),
        StatusCode::UNAUTHORIZED => Ok(Verdict::Unauthorized),
        _ => Err(refusal(response, table)),
    }
}

/// What an answer means that is neither success nor about a request's rows.
pub fn refusal(response: &Response, table: &BigQuery) -> CallError {
    let (reason, words) = complaint(response);
    let status = response.status();
    let message = format!("BigQuery answered {status}: {words}");
    match status {
        StatusCode::TOO_MANY_REQUESTS => CallError::Throttled { message, wait: retry_after(response) },
        StatusCode::FORBIDDEN if matches!(reason.as_str(), "quotaExceeded" | "rateLimitExceeded") => {
            CallError::Throttled { message, wait: retry_after(response) }
        }
        status if (status.is_client_error() || status.is_redirection()) && !may_pass(status) => {
            CallError::denied(message, hint(status, &reason, table))
        }
        _ => CallError::Broken(message),
    }
}

/// Google's reason, where it gives one, and its words.
pub fn complaint(response: &Response) -> (String, String) {
    let refused = serde_json::from_slice::<Refused>(response.body()).ok().map(|refused| refused.error);
    let Some(RefusedError { message, errors }) = refused else { return (String::new(), snippet(response.body())) };
    (errors.into_iter().next().map(|error| error.reason).unwrap_or_default(), message)
}

fn is_size(words: &str) -> bool {
    words.contains("payload size exceeds") || words.contains("too many rows") || words.contains("too large")
}

fn fault(row: RowErrors) -> Fault {
    let RowError { reason, location, message } = row.errors.into_iter().next().unwrap_or_default();
    Fault { index: row.index, reason, location, message }
}

fn hint(status: StatusCode, reason: &str, table: &BigQuery) -> String {
    let BigQuery { project, dataset, table, .. } = table;
    match (status, reason) {
        (StatusCode::NOT_FOUND, _) => format!(
            "Check GCP_BQ_PROJECT ({project}), GCP_BQ_DATASET ({dataset}) and GCP_BQ_TABLE ({table}), or make the table \
             with `aig-logs sql --apply`; one made minutes ago may not be known yet"
        ),
        (StatusCode::FORBIDDEN, "billingNotEnabled") => {
            format!("Streaming needs billing: enable it for GCP_BQ_PROJECT ({project})")
        }
        (StatusCode::FORBIDDEN, _) => format!(
            "Give the service account of GCP_SA_KEY_JSON or GCP_SA_EMAIL the role BigQuery Data Editor on \
             the dataset {project}.{dataset}, or a smaller one that has bigquery.tables.get and bigquery.tables.updateData"
        ),
        (StatusCode::UNAUTHORIZED, _) => {
            "Check that GCP_TOKEN_URI is Google's own, and that BIGQUERY_EMULATOR_HOST is not set by \
             mistake"
                .to_owned()
        }
        (status, _) if status.is_redirection() => "Check BIGQUERY_EMULATOR_HOST: the address has moved".to_owned(),
        _ => {
            format!("Check GCP_BQ_TABLE ({table}) and its schema against sql/bigquery/1_table.sql")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        entry::{Entry, Fields},
        privacy::Privacy,
        row::Row,
        time,
    };

    fn table() -> BigQuery {
        BigQuery {
            base: "https://bigquery.googleapis.com".into(),
            project: "p".into(),
            dataset: "d".into(),
            table: "t".into(),
            account: None,
        }
    }

    fn row(id: &str) -> Row {
        let created_at = time::parse("2026-10-06T09:15:22.417Z").unwrap();
        let entry = Entry { id: id.into(), created_at, fields: Fields::default(), unread: None };
        Row::new(entry, "main", created_at, &Privacy::default())
    }

    fn verdict(status: u16, body: &str) -> Result<Verdict, CallError> {
        read(&http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap(), &table())
    }

    #[test]
    fn an_insert_carries_each_id_twice_and_lets_good_rows_in() {
        let rows: Vec<_> = ["a", "b"].iter().map(|id| encode(id, &row(id)).unwrap()).collect();
        let request = insert(&table(), "t", &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let address = "https://bigquery.googleapis.com/bigquery/v2/projects/p/datasets/d/tables/t/insertAll";
        assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::POST, address));
        let line = |id| {
            let row = format!(
                r#"{{"id":"{id}","created_at":"2026-10-06T09:15:22.417Z","ingested_at":"2026-10-06T09:15:22.417Z","gateway":"main"}}"#
            );
            format!(r#"{{"insertId":"{id}","json":{row}}}"#)
        };
        let body =
            format!(r#"{{"skipInvalidRows":false,"ignoreUnknownValues":false,"rows":[{},{}]}}"#, line("a"), line("b"));
        assert_eq!(String::from_utf8(request.into_body()).unwrap(), body);
        let long = "x".repeat(129);
        assert!(!String::from_utf8(encode(&long, &row(&long)).unwrap()).unwrap().contains("insertId"));
    }

    #[test]
    fn a_good_answer_still_names_the_rows_that_are_out() {
        for body in ["{}", r#"{"insertErrors":[]}"#, r#"{"insertErrors":null}"#] {
            assert_eq!(verdict(200, body).unwrap(), Verdict::Taken(Vec::new()));
        }
        let Verdict::Taken(faults) = verdict(200, include_str!("../../tests/fixtures/insert_errors.json")).unwrap()
        else {
            panic!("not taken")
        };
        assert_eq!(
            faults.iter().map(|fault| (fault.index, fault.is_held_back())).collect::<Vec<_>>(),
            [(1, false), (2, true)]
        );
        let twice = r#"{"insertErrors":[{"index":0,"errors":[{"reason":"invalid","location":null}]},{"index":0}]}"#;
        let taken = verdict(200, twice).unwrap();
        assert!(matches!(&taken, Verdict::Taken(faults) if faults.len() == 1), "{taken:?}");
        assert!(faults[0].rejected(7).reason.starts_with("invalid in created_at: Value 1999-01-01"));
    }

    #[test]
    fn every_failure_has_its_consequence() {
        let too_large = include_str!("../../tests/fixtures/payload_too_large.json");
        for (status, body) in [(400, too_large), (400, ""), (413, include_str!("../../tests/fixtures/front_end.html"))]
        {
            assert_eq!(verdict(status, body).unwrap(), Verdict::TooLarge, "{status} {body}");
        }
        assert_eq!(verdict(401, "").unwrap(), Verdict::Unauthorized);
        let check = |status, body: &str, transient, words: &str| {
            let error = verdict(status, body).unwrap_err();
            assert_eq!(error.is_transient(), transient, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        };
        check(404, include_str!("../../tests/fixtures/table_not_found.json"), false, "aig-logs sql --apply");
        check(403, include_str!("../../tests/fixtures/access_denied.json"), false, "BigQuery Data Editor");
        check(403, include_str!("../../tests/fixtures/quota_exceeded.json"), true, "slow down");
        check(403, "", false, "BigQuery Data Editor");
        check(429, "", true, "slow down");
        check(400, r#"{"error":{"message":"Invalid"}}"#, false, "GCP_BQ_TABLE");
        check(408, "", true, "408");
        check(500, "", true, "500");
        check(503, "<html>", true, "503");
        check(200, "<html>", true, "cannot be read");
    }

    #[test]
    fn a_fault_that_all_rows_share_is_the_tables() {
        let fault = |location: &str, message: &str| Fault {
            index: 0,
            reason: "invalid".into(),
            location: location.into(),
            message: message.into(),
        };
        let check = |faults: &[Fault], rows, of_the_table| assert_eq!(common(faults, rows).is_some(), of_the_table);
        let bad_cost = fault("cost", "Cannot convert value to floating point (bad value): x");
        let too_old = fault("created_at", "Value 1 for field created_at is outside the allowed bounds. You can only …");
        check(&[], 0, false);
        check(std::slice::from_ref(&bad_cost), 1, false);
        check(std::slice::from_ref(&bad_cost), 2, false);
        check(&[bad_cost.clone(), bad_cost.clone()], 2, true);
        check(&[bad_cost.clone(), fault("step", "")], 2, false);
        check(&[too_old.clone(), too_old], 2, false);
        check(&[fault("gateway", "no such field: gateway.")], 9, true);
        let required = fault("model", "Missing required field: model.");
        check(std::slice::from_ref(&required), 9, false);
        check(&[required.clone(), required], 2, true);
    }

    #[test]
    fn an_outline_quotes_no_value_of_a_row() {
        let check = |message: &str, expected: &str| {
            let fault = Fault { index: 0, reason: "invalid".into(), location: "cost".into(), message: message.into() };
            assert_eq!(fault.outline(), expected);
        };
        check("no such field: byok.", "invalid in cost: no such field: byok.");
        check("Missing required field: id.", "invalid in cost: Missing required field: id.");
        check("Cannot convert value to floating point (bad value): jane@example.com", "invalid in cost");
    }
}
