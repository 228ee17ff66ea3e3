//! What BigQuery tells of a table, as values: `tables.get` and `tables.testIamPermissions`. Passes need none of it; whoever
//! checks a set-up does.

use http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Value, json};

use super::insert::refusal;
use crate::{
    config::BigQuery,
    error::CallError,
    host::{Request, Response},
    row::{COLUMNS, Kind},
    wire::{or_default, request},
};

/// The columns by which the table is clustered, as in `sql/bigquery/1_table.sql`.
pub const CLUSTERING: [&str; 4] = ["provider", "model", "success", "id"];

/// What the service account needs on the table to insert rows. cloud.google.com/bigquery/docs/write-api-rest
pub const PERMISSIONS: [&str; 2] = ["bigquery.tables.get", "bigquery.tables.updateData"];

/// A table as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Table {
    #[serde(deserialize_with = "or_default")]
    schema: Schema,
    time_partitioning: Option<Partitioning>,
    #[serde(deserialize_with = "or_default")]
    clustering: Clustering,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Schema {
    #[serde(deserialize_with = "or_default")]
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Field {
    name: String,
    r#type: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Partitioning {
    r#type: String,
    field: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Clustering {
    #[serde(deserialize_with = "or_default")]
    fields: Vec<String>,
}

impl Table {
    /// What is wrong with the columns, one text each: those that are missing, and those of another type. More columns than
    /// needed do no harm.
    #[must_use]
    pub fn wrong_columns(&self) -> Vec<String> {
        let wrong = COLUMNS.iter().filter_map(|column| {
            let found = self.schema.fields.iter().find(|field| field.name.eq_ignore_ascii_case(column.name));
            let [sql, api] = names(column.kind);
            match found {
                None => Some(format!("{} {sql} is missing", column.name)),
                Some(field) if field.r#type == sql || field.r#type == api => None,
                Some(field) => Some(format!("{} is {}, not {sql}", column.name, field.r#type)),
            }
        });
        wrong.collect()
    }

    /// Whether it is partitioned by the day of `created_at`.
    #[must_use]
    pub fn is_partitioned(&self) -> bool {
        let by_day = |parts: &Partitioning| parts.r#type == "DAY" && parts.field.as_deref() == Some("created_at");
        self.time_partitioning.as_ref().is_some_and(by_day)
    }

    /// Whether it is clustered as it should be.
    #[must_use]
    pub fn is_clustered(&self) -> bool {
        self.clustering.fields == CLUSTERING
    }
}

/// A type's name in SQL and in the API.
fn names(kind: Kind) -> [&'static str; 2] {
    match kind {
        Kind::Text => ["STRING", "STRING"],
        Kind::Integer => ["INT64", "INTEGER"],
        Kind::Float => ["FLOAT64", "FLOAT"],
        Kind::Bool => ["BOOL", "BOOLEAN"],
        Kind::Instant => ["TIMESTAMP", "TIMESTAMP"],
        Kind::Json => ["JSON", "JSON"],
    }
}

/// The request for a table.
#[must_use]
pub fn get(table: &BigQuery) -> Request {
    request(Method::GET, &address(table), Vec::new())
}

/// Reads the answer to [`get`].
///
/// # Errors
/// What BigQuery refuses or fails at.
pub fn read(response: &Response, table: &BigQuery) -> Result<Table, CallError> {
    if !response.status().is_success() {
        return Err(refusal(response, table));
    }
    let read = serde_json::from_slice(response.body());
    read.map_err(|_| CallError::Broken("BigQuery's description of the table cannot be read".into()))
}

/// The request that asks which of [`PERMISSIONS`] the account has.
#[must_use]
pub fn test_permissions(table: &BigQuery) -> Request {
    let body = json!({ "permissions": PERMISSIONS }).to_string();
    let mut request = request(Method::POST, &format!("{}:testIamPermissions", address(table)), body.into_bytes());
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request
}

/// Reads the answer to [`test_permissions`]: those that are missing; none where the question is not understood, as by some
/// emulators.
///
/// # Errors
/// What BigQuery refuses or fails at.
pub fn read_missing(response: &Response, table: &BigQuery) -> Result<Option<Vec<&'static str>>, CallError> {
    let unknown = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED];
    if unknown.contains(&response.status()) {
        return Ok(None);
    }
    if !response.status().is_success() {
        return Err(refusal(response, table));
    }
    let body: Value = serde_json::from_slice(response.body())
        .map_err(|_| CallError::Broken("BigQuery's list of permissions cannot be read".into()))?;
    let there = body["permissions"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(Some(PERMISSIONS.into_iter().filter(|name| !there.iter().any(|given| given == name)).collect()))
}

fn address(table: &BigQuery) -> String {
    let BigQuery { base, project, dataset, table, .. } = table;
    format!("{base}/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{table}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(fields: &[(&str, &str)]) -> Table {
        let fields: Vec<_> = fields.iter().map(|(name, kind)| json!({ "name": name, "type": kind })).collect();
        serde_json::from_value(json!({ "schema": { "fields": fields }, "clustering": null })).unwrap()
    }

    #[test]
    fn columns_are_compared_by_name_and_type_in_both_spellings() {
        for spelling in [0, 1] {
            let fields: Vec<_> = COLUMNS.iter().map(|column| (column.name, names(column.kind)[spelling])).collect();
            let more = [&fields[..], &[("mine", "BYTES")]].concat();
            assert_eq!(table(&more).wrong_columns(), [""; 0]);
        }
        let mut fields: Vec<_> = COLUMNS.iter().map(|column| (column.name, names(column.kind)[0])).collect();
        let cost = fields.iter().position(|(name, _)| *name == "cost").unwrap();
        fields[cost].1 = "STRING";
        fields.retain(|(name, _)| *name != "gateway");
        assert_eq!(table(&fields).wrong_columns(), ["cost is STRING, not FLOAT64", "gateway STRING is missing"]);
    }

    #[test]
    fn the_layout_is_that_of_the_statement_that_makes_the_table() {
        let sql = include_str!("../../sql/bigquery/1_table.sql");
        assert!(sql.contains("\nPARTITION BY DATE(created_at)\n"));
        assert!(sql.contains(&format!("\nCLUSTER BY {}\n", CLUSTERING.join(", "))));
        let read = |layout: Value| serde_json::from_value::<Table>(layout).unwrap();
        let by = |kind, field| read(json!({ "timePartitioning": { "type": kind, "field": field } })).is_partitioned();
        assert!(by("DAY", json!("created_at")));
        assert!(!by("MONTH", json!("created_at")) && !by("DAY", json!("ingested_at")) && !by("DAY", Value::Null));
        assert!(read(json!({ "clustering": { "fields": CLUSTERING } })).is_clustered());
        assert!(
            !read(json!({ "clustering": { "fields": ["id"] } })).is_clustered() && !Table::default().is_clustered()
        );
    }

    #[test]
    fn permissions_are_missing_there_or_not_told() {
        let answer = |status, body: &str| {
            let response = http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap();
            let table = BigQuery {
                base: "https://bigquery.googleapis.com".into(),
                project: "p".into(),
                dataset: "d".into(),
                table: "t".into(),
                account: None,
            };
            assert_eq!(
                test_permissions(&table).uri().path(),
                "/bigquery/v2/projects/p/datasets/d/tables/t:testIamPermissions"
            );
            read_missing(&response, &table)
        };
        assert_eq!(answer(200, "{}"), Ok(Some(PERMISSIONS.to_vec())));
        assert_eq!(
            answer(200, r#"{"permissions":["bigquery.tables.get"]}"#),
            Ok(Some(vec!["bigquery.tables.updateData"]))
        );
        assert_eq!(answer(200, &json!({ "permissions": PERMISSIONS }).to_string()), Ok(Some(Vec::new())));
        for unknown in [404, 405, 501] {
            assert_eq!(answer(unknown, ""), Ok(None));
        }
        assert!(answer(403, "{}").unwrap_err().to_string().contains("BigQuery Data Editor"));
        assert!(answer(401, "{}").unwrap_err().to_string().contains("GCP_TOKEN_URI"));
        assert!(answer(503, "").unwrap_err().is_transient());
    }
}
