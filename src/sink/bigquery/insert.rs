//! The requests and answers of `tabledata.insertAll` (also named Storage Write API, REST) as values.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::refusal::{BUSY, TROUBLE, has_any, of_google, refusal, told};
use crate::{
    config::BigQuery,
    error::CallError,
    record::Record,
    sink::Rejected,
    wire::{Request, Response, json, or_default, post, retry_after, snippet},
};

/// The longest `insertId`, in characters. cloud.google.com/bigquery/quotas, streaming inserts
const LONGEST_INSERT_ID: usize = 128;

/// If a row does not fit the schema, no row is kept. A wrong schema stops the pass, so it must not leave rows behind
/// that each later pass would write again.
const HEAD: &str = r#"{"skipInvalidRows":false,"ignoreUnknownValues":false,"rows":["#;
const TAIL: &str = "]}";

/// Few rows have more bytes than this.
const TYPICAL: usize = 1_024;

/// The answer of `insertAll`.
#[derive(Debug, PartialEq)]
pub enum Reply {
    /// Every row is written.
    Taken,
    /// No row is written, not even rows that the answer does not name. These rows never will be; all others are good.
    Refused(Vec<RowFault>),
    /// No row is written: the request is too large, or it is not understood because of one of its rows.
    TooMuch {
        /// The answer's words.
        words: String,
        /// Whether the words name a limit. Other words may come from any server, even one that knows nothing of
        /// BigQuery.
        is_of_size: bool,
    },
}

/// The fault of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// Its place in the request, from 0.
    pub index: usize,
    /// Google's reason, such as `invalid`.
    pub reason: String,
    /// The column, if a column is to blame.
    pub location: String,
    /// Google's message.
    pub message: String,
}

impl RowFault {
    /// Whether the row itself is good: it was held back because of another row, or BigQuery had trouble of its own.
    fn is_passing(&self) -> bool {
        let reason = self.reason.as_str();
        self.is_held_back() || BUSY.contains(&reason) || TROUBLE.contains(&reason)
    }

    fn is_held_back(&self) -> bool {
        self.reason == "stopped"
    }

    /// Whether the table lacks a column: no row that has this column can be written.
    pub fn is_of_the_schema(&self) -> bool {
        self.message.starts_with("no such field")
    }

    /// Whether the row is too old or too new for the table's partitions, or too large; other rows may be good. The
    /// numbers in these texts have changed over the years, but these words have not.
    fn is_of_the_row(&self) -> bool {
        ["outside the allowed bounds", "row size exceeded"].iter().any(|words| self.message.contains(words))
    }

    pub fn rejected(&self, index: usize) -> Rejected {
        Rejected { index, reason: format!("{}: {}", self.place(), self.message) }
    }

    /// The fault, without words that may quote a row's values.
    pub fn outline(&self) -> String {
        let names_columns_only = self.is_of_the_schema() || self.message.starts_with("Missing required field");
        if names_columns_only { self.rejected(0).reason } else { self.place() }
    }

    fn place(&self) -> String {
        let column = if self.location.is_empty() { String::new() } else { format!(" in {}", self.location) };
        format!("{}{column}", self.reason)
    }
}

/// The fault that all `rows` rows share. The table is then to blame, because bad rows of one gateway do not come in
/// pairs. So `of_one`, the most rows of one gateway among them, must be more than one.
pub fn common(faults: &[RowFault], rows: usize, of_one: usize) -> Option<&RowFault> {
    let (first, others) = faults.split_first()?;
    let alike = |fault: &RowFault| (&fault.reason, &fault.location) == (&first.reason, &first.location);
    let all =
        of_one > 1 && faults.len() == rows && others.iter().all(alike) && !faults.iter().any(RowFault::is_of_the_row);
    faults.iter().find(|fault| fault.is_of_the_schema()).or(all.then_some(first))
}

/// A record as a request contains it, under its id.
///
/// # Errors
/// Never in practice: every record has a JSON form.
pub fn encode(record: &Record) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Line<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        insert_id: Option<&'a str>,
        json: &'a Record,
    }
    let id = record.id();
    let insert_id = (id.chars().count() <= LONGEST_INSERT_ID).then_some(id);
    let mut line = Vec::with_capacity(TYPICAL);
    serde_json::to_writer(&mut line, &Line { insert_id, json: record })?;
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
    post(&address, body)
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

/// Reads the answer to an [`insert`] of so many rows. HTTP 200 alone is not success. None: the token is not, or no
/// longer, valid.
///
/// # Errors
/// If no row is written, or if that is not known.
pub fn read(response: &Response, rows: usize, table: &BigQuery) -> Result<Option<Reply>, CallError> {
    let status = response.status();
    if status.is_success() {
        let answer: Answer = json(response).ok_or_else(|| {
            CallError::Broken(format!("BigQuery's answer cannot be read: {}", snippet(response.body())))
        })?;
        return judge(answer.insert_errors.into_iter().flat_map(faults).collect(), rows, response).map(Some);
    }
    if status == StatusCode::UNAUTHORIZED {
        return Ok(None);
    }
    let too_much = |is_of_size| Ok(Some(Reply::TooMuch { words: told(response), is_of_size }));
    let body = || String::from_utf8_lossy(response.body()).into_owned();
    match (status, of_google(response)) {
        // The front end may refuse a size with a page of HTML.
        (StatusCode::PAYLOAD_TOO_LARGE, _) => too_much(true),
        (StatusCode::BAD_REQUEST, Some((_, words))) if is_size(&words) => too_much(true),
        // A request that the front end does not understand has not reached BigQuery, whose own refusals can be read.
        (StatusCode::BAD_REQUEST, None) => too_much(is_size(&body())),
        (StatusCode::UNAUTHORIZED, _) => Ok(None),
        _ => Err(refusal(response, table)),
    }
}

/// The meaning of an answer's faults. Because `skipInvalidRows` is false, one fault keeps every row out, whatever the
/// answer says of the other rows, and even if it does not name them.
fn judge(faults: Vec<RowFault>, rows: usize, response: &Response) -> Result<Reply, CallError> {
    if faults.iter().any(|fault| fault.index >= rows) {
        return Err(CallError::Broken("BigQuery names a row that was not sent".into()));
    }
    let (passing, mut refused): (Vec<_>, Vec<_>) = faults.into_iter().partition(RowFault::is_passing);
    if !refused.is_empty() {
        // One fault for each row, even if the answer names a row twice.
        refused.sort_by_key(|fault| fault.index);
        refused.dedup_by_key(|fault| fault.index);
        return Ok(Reply::Refused(refused));
    }
    let told = passing.iter().find(|fault| !fault.is_held_back()).or(passing.first());
    let Some(RowFault { reason, .. }) = told else { return Ok(Reply::Taken) };
    let message = format!("BigQuery took none of {rows} good rows: {reason}");
    if BUSY.contains(&reason.as_str()) {
        return Err(CallError::Throttled { message, wait: retry_after(response) });
    }
    Err(CallError::Broken(message))
}

/// The faults of one row in an answer. The answer may name a row without a fault.
fn faults(row: RowErrors) -> Vec<RowFault> {
    let RowErrors { index, mut errors } = row;
    if errors.is_empty() {
        errors.push(RowError::default());
    }
    let fault = |RowError { reason, location, message }| RowFault { index, reason, location, message };
    errors.into_iter().map(fault).collect()
}

fn is_size(words: &str) -> bool {
    has_any(words, &["payload size exceeds", "too many rows", "too large", "malformed or illegal request"])
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::{
        log::{
            entry::{Entry, Fields},
            privacy::Privacy,
        },
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

    fn row(id: &str) -> Record {
        let created_at = time::parse("2026-10-06T09:15:22.417Z").unwrap();
        let entry = Entry { id: id.into(), created_at, fields: Fields::default(), unread: None };
        entry.into_row("main", created_at, &Privacy::default())
    }

    /// The answer to an insert of four rows.
    fn verdict(status: u16, body: &str) -> Result<Option<Reply>, CallError> {
        read(&http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap(), 4, &table())
    }

    #[test]
    fn an_insert_carries_each_id_twice_and_lets_good_rows_in() {
        let rows: Vec<_> = ["a", "b"].iter().map(|id| encode(&row(id)).unwrap()).collect();
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
        assert!(!String::from_utf8(encode(&row(&long)).unwrap()).unwrap().contains("insertId"));
    }

    #[test]
    fn a_good_answer_still_names_the_rows_that_are_refused() {
        for body in ["{}", r#"{"insertErrors":[]}"#, r#"{"insertErrors":null}"#] {
            assert_eq!(verdict(200, body).unwrap(), Some(Reply::Taken));
        }
        let refused = |body: &str| match verdict(200, body).unwrap() {
            Some(Reply::Refused(faults)) => faults,
            other @ (Some(Reply::Taken | Reply::TooMuch { .. }) | None) => panic!("{other:?}"),
        };
        let faults = refused(include_str!("../../../tests/fixtures/insert_errors.json"));
        assert_eq!(faults.iter().map(|fault| fault.index).collect::<Vec<_>>(), [1]);
        assert!(faults[0].rejected(7).reason.starts_with("invalid in created_at: Value 1999-01-01"));
        for twice in [
            r#"{"insertErrors":[{"index":0,"errors":[{"reason":"invalid","location":null}]},{"index":0}]}"#,
            r#"{"insertErrors":[{"index":0,"errors":[{"reason":"stopped"},{"reason":"invalid"}]}]}"#,
            r#"{"insertErrors":[{"errors":[{"reason":"timeout"}]},{"index":0,"errors":[{"reason":"invalid"}]}]}"#,
        ] {
            let faults = refused(twice);
            assert_eq!((faults.len(), faults[0].reason.as_str()), (1, "invalid"), "{twice}");
        }
    }

    #[test]
    fn rows_that_are_only_held_back_are_no_verdict() {
        let check = |reason: &str, is_busy: bool| {
            let body = format!(
                r#"{{"insertErrors":[{{"index":0,"errors":[{{"reason":"stopped"}}]}},{{"index":3,"errors":[{{"reason":"{reason}"}}]}}]}}"#
            );
            let error = verdict(200, &body).unwrap_err();
            assert_eq!(matches!(error, CallError::Throttled { .. }), is_busy, "{error}");
            assert!(error.is_transient() && error.to_string().ends_with(reason), "{error}");
        };
        for reason in ["stopped", "timeout", "backendError", "internalError"] {
            check(reason, false);
        }
        for reason in ["quotaExceeded", "rateLimitExceeded"] {
            check(reason, true);
        }
        let unsent = r#"{"insertErrors":[{"index":4,"errors":[{"reason":"invalid"}]}]}"#;
        assert!(verdict(200, unsent).unwrap_err().to_string().contains("was not sent"));
    }

    #[test]
    fn every_failure_has_its_consequence() {
        let too_large = include_str!("../../../tests/fixtures/payload_too_large.json");
        let html = include_str!("../../../tests/fixtures/front_end.html");
        let malformed = r#"{"error":{"message":"Your client has issued a malformed or illegal request."}}"#;
        for (status, body, of_size) in [
            (400, too_large, true),
            (400, html, true),
            (400, malformed, true),
            (413, html, true),
            (413, "", true),
            (413, "{}", true),
            (400, "", false),
            (400, "<html>Bad Request: nginx</html>", false),
        ] {
            let Some(Reply::TooMuch { is_of_size, .. }) = verdict(status, body).unwrap() else {
                panic!("{status} {body}")
            };
            assert_eq!(is_of_size, of_size, "{status} {body}");
        }
        assert_eq!(verdict(401, "").unwrap(), None);
        let check = |status, body: &str, transient, words: &str| {
            let error = verdict(status, body).unwrap_err();
            assert_eq!(error.is_transient(), transient, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        };
        check(404, include_str!("../../../tests/fixtures/table_not_found.json"), false, "aig-logs sql --apply");
        check(403, include_str!("../../../tests/fixtures/access_denied.json"), false, "BigQuery Data Editor");
        check(403, include_str!("../../../tests/fixtures/quota_exceeded.json"), true, "slow down");
        check(403, "", false, "BigQuery Data Editor");
        check(429, "", true, "slow down");
        check(400, r#"{"error":{"message":"Invalid"}}"#, false, "GCP_BQ_TABLE");
        check(400, r#"{"error":{"message":"m","errors":[{"reason":"backendError"}]}}"#, true, "400");
        check(408, "", true, "408");
        check(500, "", true, "500");
        check(503, "<html>", true, "503");
        check(200, "<html>", true, "cannot be read");
    }

    #[test]
    fn a_fault_that_all_rows_share_is_the_tables() {
        let fault = |location: &str, message: &str| RowFault {
            index: 0,
            reason: "invalid".into(),
            location: location.into(),
            message: message.into(),
        };
        let check =
            |faults: &[RowFault], rows, of_the_table| assert_eq!(common(faults, rows, rows).is_some(), of_the_table);
        let bad_cost = fault("cost", "Cannot convert value to floating point (bad value): x");
        let too_old = fault("created_at", "Value 1 for field created_at is outside the allowed bounds. You can only …");
        check(&[], 0, false);
        check(std::slice::from_ref(&bad_cost), 1, false);
        check(std::slice::from_ref(&bad_cost), 2, false);
        check(&[bad_cost.clone(), bad_cost.clone()], 2, true);
        assert_eq!(common(&[bad_cost.clone(), bad_cost.clone()], 2, 1), None, "one of each gateway");
        check(&[bad_cost.clone(), fault("step", "")], 2, false);
        check(&[too_old.clone(), too_old], 2, false);
        let too_large = fault("", "Maximum allowed row size exceeded. Allowed: 10485760");
        check(&[fault("", "Something else"), too_large.clone()], 2, false);
        check(&[too_large.clone(), too_large], 2, false);
        check(&[fault("gateway", "no such field: gateway.")], 9, true);
        let required = fault("model", "Missing required field: model.");
        check(std::slice::from_ref(&required), 9, false);
        check(&[required.clone(), required], 2, true);
    }

    #[test]
    fn an_outline_quotes_no_value_of_a_row() {
        let check = |message: &str, expected: &str| {
            let fault =
                RowFault { index: 0, reason: "invalid".into(), location: "cost".into(), message: message.into() };
            assert_eq!(fault.outline(), expected);
        };
        check("no such field: byok.", "invalid in cost: no such field: byok.");
        check("Missing required field: id.", "invalid in cost: Missing required field: id.");
        check("Cannot convert value to floating point (bad value): jane@example.com", "invalid in cost");
    }
}
