//! What BigQuery tells the service account of its table, as values: the table, and which permissions it has.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    cli::warehouse::{Ask, LiveTable},
    config::{BigQuery, TableName},
    error::CallError,
    sink::bigquery::refusal::refusal,
    wire::{Request, Response, post},
};

/// The columns by which the table is clustered, as in `sql/bigquery/1_table.sql`.
pub const CLUSTERING: [&str; 4] = ["provider", "model", "success", "id"];

/// What the service account needs on the table to insert rows. cloud.google.com/bigquery/docs/write-api-rest
pub const PERMISSIONS: [&str; 2] = ["bigquery.tables.get", "bigquery.tables.updateData"];

/// The request for a table of the dataset.
pub fn get(settings: &BigQuery, table: &str) -> Request {
    let BigQuery { base, project, dataset, .. } = settings;
    let name = TableName { project: project.clone(), dataset: dataset.clone(), table: table.to_owned() };
    Ask::Table(table).request(base, &name)
}

/// Reads the answer to [`get`].
///
/// # Errors
/// What BigQuery refuses or fails at.
pub fn read(response: &Response, table: &BigQuery) -> Result<LiveTable, CallError> {
    if !response.status().is_success() {
        return Err(refusal(response, table));
    }
    let read = serde_json::from_slice(response.body());
    read.map_err(|_| CallError::Broken("BigQuery's description of the table cannot be read".into()))
}

/// The request that asks which of [`PERMISSIONS`] the account has.
pub fn test_permissions(table: &BigQuery) -> Request {
    let body = json!({ "permissions": PERMISSIONS }).to_string();
    let BigQuery { base, project, dataset, table, .. } = table;
    let address = format!("{base}/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{table}:testIamPermissions");
    post(&address, body.into_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clustering_is_that_of_the_statement_that_makes_the_table() {
        let sql = include_str!("../../../../sql/bigquery/1_table.sql");
        assert!(sql.contains(&format!("\nCLUSTER BY {}\n", CLUSTERING.join(", "))));
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
