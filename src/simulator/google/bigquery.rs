//! BigQuery's `tabledata.insertAll`: it takes rows, and answers with verdicts. And the tables that hold the rows.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use http::{Method, Response};
use serde_json::{Value, json};

use crate::simulator::{faults::plan::Faults, google::schema::SimulatedSchema, time::Timestamp, wire};

/// Limits of a request. cloud.google.com/bigquery/quotas
const MOST_BYTES: usize = 10 * 1_048_576;
const MOST_ROWS: usize = 50_000;
const LONGEST_INSERT_ID: usize = 128;
/// How long an `insertId` is remembered, seconds.
const DEDUP_SECONDS: i64 = 60;

/// The permissions to describe a table and to insert rows. The predefined role BigQuery Data Editor has both, among
/// others.
pub const PERMISSIONS: [&str; 2] = ["bigquery.tables.get", "bigquery.tables.updateData"];

/// A call to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableCall {
    /// `tables.get`
    Get,
    /// `tables.testIamPermissions`
    TestPermissions,
    /// `tabledata.insertAll`
    Insert,
}

impl TableCall {
    /// The table and the call that a method and the last parts of a path stand for.
    #[must_use]
    pub fn of<'a>(method: &Method, path: &[&'a str]) -> Option<(&'a str, Self)> {
        match (method, path) {
            (&Method::POST, [table, "insertAll"]) => Some((table, Self::Insert)),
            (&Method::GET, [table]) if !table.contains(':') => Some((table, Self::Get)),
            (&Method::POST, [segment]) => Some((segment.strip_suffix(":testIamPermissions")?, Self::TestPermissions)),
            _ => None,
        }
    }

    /// Scopes that allow the call. A token must have any one of them.
    #[must_use]
    pub fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Get | Self::TestPermissions => &[
                "https://www.googleapis.com/auth/bigquery",
                "https://www.googleapis.com/auth/cloud-platform",
                "https://www.googleapis.com/auth/cloud-platform.read-only",
            ],
            Self::Insert => &[
                "https://www.googleapis.com/auth/bigquery.insertdata",
                "https://www.googleapis.com/auth/bigquery",
                "https://www.googleapis.com/auth/cloud-platform",
            ],
        }
    }

    /// Permissions that the account must have.
    #[must_use]
    pub fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Get => &PERMISSIONS[..1],
            Self::TestPermissions => &[],
            Self::Insert => &PERMISSIONS[1..],
        }
    }
}

/// Whether a scope is known here: a scope that allows some of these calls, or `bigquery.readonly`, which allows none.
pub(in crate::simulator) fn is_scope(scope: &str) -> bool {
    let calls = [TableCall::Get, TableCall::TestPermissions, TableCall::Insert];
    calls.iter().any(|call| call.scopes().contains(&scope)) || scope.ends_with("/auth/bigquery.readonly")
}

/// Answers which of the permissions asked for are allowed. For a missing table none is, and the call does not fail.
pub(in crate::simulator) fn test_permissions(body: &[u8], allowed: &[String]) -> Response<Vec<u8>> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let asked = body["permissions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let there = asked.iter().filter(|name| allowed.iter().any(|allowed| *name == allowed));
    let there: Vec<_> = there.cloned().collect();
    wire::json_response(200, &if there.is_empty() { json!({}) } else { json!({ "permissions": there }) })
}

/// A row as it was sent, and when it landed.
#[derive(Clone, Debug)]
pub struct Landed {
    /// When the row landed, UTC.
    pub at: Timestamp,
    /// The row, without unknown fields that the request allowed to be ignored.
    pub row: Value,
}

/// A table and everything that landed in it.
#[derive(Default)]
pub struct SimulatedTable {
    schema: SimulatedSchema,
    rows: Vec<Landed>,
    recent: BTreeMap<String, Timestamp>,
}

/// The part of a request that all its rows share.
pub(in crate::simulator) struct Insertion<'a> {
    pub now: Timestamp,
    pub body: &'a [u8],
    /// The plan, which says which rows are never taken.
    pub faults: &'a Faults,
    pub dedup: bool,
}

impl SimulatedTable {
    /// An empty table.
    #[must_use]
    pub fn new(schema: SimulatedSchema) -> Self {
        Self { schema, ..Self::default() }
    }

    /// Rows as they landed, in order, copies included.
    #[must_use]
    pub fn rows(&self) -> &[Landed] {
        &self.rows
    }

    /// The table's columns.
    #[must_use]
    pub fn schema(&self) -> &SimulatedSchema {
        &self.schema
    }

    /// Answers `tables.get`.
    pub(in crate::simulator) fn shown(&self, [project, dataset, name]: [&str; 3]) -> Response<Vec<u8>> {
        let mut table = json!({
            "kind": "bigquery#table",
            "id": format!("{project}:{dataset}.{name}"),
            "tableReference": { "projectId": project, "datasetId": dataset, "tableId": name },
            "type": "TABLE",
            "numRows": self.rows.len().to_string(),
        });
        for (member, value) in self.schema.shown() {
            table[member] = value;
        }
        wire::json_response(200, &table)
    }

    /// Answers a request to insert rows. The caller has been let in.
    pub(in crate::simulator) fn answer(&mut self, request: &Insertion) -> Response<Vec<u8>> {
        if request.body.len() > MOST_BYTES {
            let message = format!("Request payload size exceeds the limit: {MOST_BYTES} bytes.");
            return failure(400, "badRequest", &message);
        }
        let Ok(body) = serde_json::from_slice::<Value>(request.body) else {
            return failure(400, "parseError", "Invalid JSON payload received.");
        };
        let Some(rows) = body["rows"].as_array().filter(|rows| !rows.is_empty()) else {
            return failure(400, "invalid", "No rows present in the request.");
        };
        if rows.len() > MOST_ROWS {
            let message =
                format!("too many rows present in the request, limit: {MOST_ROWS} row count: {}.", rows.len());
            return failure(400, "invalid", &message);
        }
        let ignore_unknown = body["ignoreUnknownValues"] == true;
        let mut verdicts: Vec<Vec<Value>> = rows.iter().map(|row| self.judge(row, ignore_unknown, request)).collect();
        if body["skipInvalidRows"] != true && verdicts.iter().any(|errors| !errors.is_empty()) {
            verdicts.iter_mut().filter(|errors| errors.is_empty()).for_each(|errors| errors.push(stopped()));
        }
        self.recent.retain(|_, at| request.now - *at < TimeDelta::seconds(DEDUP_SECONDS));
        for (row, _) in rows.iter().zip(&verdicts).filter(|(_, errors)| errors.is_empty()) {
            self.land(row, request);
        }
        let listed = verdicts.iter().enumerate().filter(|(_, errors)| !errors.is_empty());
        let errors: Vec<Value> = listed.map(|(index, errors)| json!({ "index": index, "errors": errors })).collect();
        let mut reply = json!({ "kind": "bigquery#tableDataInsertAllResponse" });
        if !errors.is_empty() {
            reply["insertErrors"] = errors.into();
        }
        wire::json_response(200, &reply)
    }

    fn judge(&self, row: &Value, ignore_unknown: bool, request: &Insertion) -> Vec<Value> {
        let invalid =
            |message| vec![json!({ "reason": "invalid", "location": "", "debugInfo": "", "message": message })];
        let insert_id = row["insertId"].as_str().unwrap_or_default();
        if insert_id.len() > LONGEST_INSERT_ID {
            return invalid("The insertId is longer than 128 characters.");
        }
        if row["json"]["id"].as_str().is_some_and(|id| request.faults.is_poison(id)) {
            return invalid("The row cannot be stored.");
        }
        self.schema.check(&row["json"], ignore_unknown, request.now)
    }

    fn land(&mut self, row: &Value, request: &Insertion) {
        if let Some(insert_id) = row["insertId"].as_str()
            && self.recent.insert(insert_id.to_owned(), request.now).is_some()
            && request.dedup
        {
            return;
        }
        let mut row = row["json"].clone();
        if let Value::Object(fields) = &mut row {
            fields.retain(|name, _| self.schema.columns().any(|column| column == name));
        }
        self.rows.push(Landed { at: request.now, row });
    }
}

/// An error in the form of Google's APIs.
pub(in crate::simulator) fn failure(status: u16, reason: &str, message: &str) -> Response<Vec<u8>> {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    let errors = json!([{ "message": message, "domain": "global", "reason": reason }]);
    let error = json!({ "code": status, "message": message, "errors": errors, "status": name });
    wire::json_response(status, &json!({ "error": error }))
}

/// An internal failure of BigQuery that names one row. `insertAll` may leave the other rows unnamed, and yet keep none.
pub(in crate::simulator) fn first_row(reason: &str) -> Response<Vec<u8>> {
    let error = json!({ "reason": reason, "location": "", "debugInfo": "", "message": "" });
    let errors = json!([{ "index": 0, "errors": [error] }]);
    wire::json_response(200, &json!({ "kind": "bigquery#tableDataInsertAllResponse", "insertErrors": errors }))
}

/// A good row of a request that failed as a whole.
fn stopped() -> Value {
    json!({ "reason": "stopped", "location": "", "debugInfo": "", "message": "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> SimulatedTable {
        SimulatedTable::new(SimulatedSchema::parse("id STRING\ncount INT64"))
    }

    fn insert(table: &mut SimulatedTable, seconds: i64, body: &Value) -> (u16, Value) {
        let now = Timestamp::from_timestamp(seconds, 0).unwrap();
        let mut faults = Faults::new(1, None);
        faults.poison("poison");
        let body = body.to_string();
        let request = Insertion { now, body: body.as_bytes(), faults: &faults, dedup: true };
        let response = table.answer(&request);
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    fn row(id: &str, count: &Value) -> Value {
        json!({ "insertId": id, "json": { "id": id, "count": count } })
    }

    fn ids(table: &SimulatedTable) -> Vec<&str> {
        table.rows().iter().map(|landed| landed.row["id"].as_str().unwrap()).collect()
    }

    #[test]
    fn one_bad_row_stops_the_others_unless_skipped() {
        let mut table = table();
        let rows = json!([row("a", &json!(1)), row("b", &json!("x")), row("poison", &json!(1))]);
        let (status, reply) = insert(&mut table, 0, &json!({ "rows": rows }));
        let reasons: Vec<&Value> = (0..3).map(|i| &reply["insertErrors"][i]["errors"][0]["reason"]).collect();
        assert_eq!((status, reasons), (200, vec![&json!("stopped"), &json!("invalid"), &json!("invalid")]));
        assert_eq!(ids(&table), [""; 0]);
        let (_, reply) = insert(&mut table, 0, &json!({ "rows": rows, "skipInvalidRows": true }));
        assert_eq!(reply["insertErrors"][0]["index"], 1);
        assert_eq!(ids(&table), ["a"]);
    }

    #[test]
    fn success_names_no_errors() {
        let (_, reply) = insert(&mut table(), 0, &json!({ "rows": [row("a", &json!(1))] }));
        assert_eq!(reply, json!({ "kind": "bigquery#tableDataInsertAllResponse" }));
    }

    #[test]
    fn an_insert_id_is_remembered_for_a_minute() {
        let mut table = table();
        let body = json!({ "rows": [row("a", &json!(1))] });
        for seconds in [0, 59] {
            insert(&mut table, seconds, &body);
        }
        assert_eq!(ids(&table), ["a"]);
        insert(&mut table, 119, &body);
        assert_eq!(ids(&table), ["a", "a"]);
    }

    #[test]
    fn ignored_fields_do_not_land() {
        let mut table = table();
        let rows = json!([{ "json": { "id": "a", "colour": "red" } }]);
        let (_, reply) = insert(&mut table, 0, &json!({ "rows": rows }));
        assert_eq!(reply["insertErrors"][0]["errors"][0]["message"], "no such field: colour.");
        insert(&mut table, 0, &json!({ "rows": rows, "ignoreUnknownValues": true }));
        assert_eq!(table.rows()[0].row, json!({ "id": "a" }));
    }

    #[test]
    fn sizes_are_limited() {
        let long = "x".repeat(129);
        let (_, reply) = insert(&mut table(), 0, &json!({ "rows": [row(&long, &json!(1))] }));
        assert_eq!(reply["insertErrors"][0]["errors"][0]["reason"], "invalid");
        let big = "x".repeat(MOST_BYTES);
        let (status, reply) = insert(&mut table(), 0, &json!({ "rows": [row(&big, &json!(1))] }));
        assert_eq!(status, 400);
        assert_eq!(reply["error"]["message"], "Request payload size exceeds the limit: 10485760 bytes.");
        let many: Vec<Value> = (0..=MOST_ROWS).map(|_| json!({ "json": {} })).collect();
        assert_eq!(insert(&mut table(), 0, &json!({ "rows": many })).0, 400);
        assert_eq!(insert(&mut table(), 0, &json!({ "rows": [] })).0, 400);
    }
}
