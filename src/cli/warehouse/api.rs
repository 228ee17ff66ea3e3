//! BigQuery's datasets, tables and queries as values: requests out, answers in.
//! cloud.google.com/bigquery/docs/reference/rest

use http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    config::TableName,
    error::CallError,
    sink::bigquery::refusal::{BUSY, complaint},
    wire::{Request, Response, encoded, may_pass, request, retry_after},
};

/// Milliseconds for which BigQuery keeps an answer waiting for a statement to end. Less than a call may take.
const PATIENCE: u32 = 20_000;

/// What is asked of BigQuery, with what it needs.
#[derive(Debug, Clone, Copy)]
pub enum Ask<'a> {
    /// Where a dataset lies.
    Dataset,
    /// A new dataset, in a location such as `EU`.
    NewDataset(&'a str),
    /// A table or view of the dataset.
    Table(&'a str),
    /// A statement, in the dataset's location.
    Statement { sql: &'a str, location: &'a str },
    /// A statement that was not done when it was last asked for.
    Job { id: &'a str, location: &'a str },
}

impl Ask<'_> {
    /// The request, to `base`.
    pub fn request(self, base: &str, name: &TableName) -> Request {
        let TableName { project, dataset, .. } = name;
        let project_address = format!("{base}/bigquery/v2/projects/{}", encoded(project));
        let address = |path: &str| format!("{project_address}{path}");
        let (method, address, body) = match self {
            Self::Dataset => (Method::GET, address(&format!("/datasets/{}", encoded(dataset))), None),
            Self::NewDataset(location) => {
                let reference = json!({ "projectId": project, "datasetId": dataset });
                let body = json!({ "datasetReference": reference, "location": location });
                (Method::POST, address("/datasets"), Some(body))
            }
            Self::Table(table) => {
                let path = format!("/datasets/{}/tables/{}", encoded(dataset), encoded(table));
                (Method::GET, address(&path), None)
            }
            Self::Statement { sql, location } => {
                let body = json!({ "query": sql, "location": location, "useLegacySql": false, "timeoutMs": PATIENCE });
                (Method::POST, address("/queries"), Some(body))
            }
            Self::Job { id, location } => {
                let query = format!("location={}&timeoutMs={PATIENCE}&maxResults=0", encoded(location));
                (Method::GET, address(&format!("/queries/{}?{query}", encoded(id))), None)
            }
        };
        let mut request = request(method, &address, body.as_ref().map(Value::to_string).unwrap_or_default().into());
        if body.is_some() {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        request
    }

    /// The permission that it needs, and a role that holds it.
    fn permission(self) -> &'static str {
        match self {
            Self::Dataset => "bigquery.datasets.get, which the role BigQuery Metadata Viewer has",
            Self::NewDataset(_) => "bigquery.datasets.create, which the role BigQuery User has",
            Self::Table(_) => "bigquery.tables.get, which the role BigQuery Metadata Viewer has",
            Self::Statement { .. } | Self::Job { .. } => {
                "bigquery.jobs.create on the project, which the role BigQuery Job User has, and bigquery.tables.create, get, \
                 getData and update on the dataset, which the role BigQuery Data Editor has"
            }
        }
    }
}

/// A dataset, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Dataset {
    /// Where its data lies, such as `EU`.
    pub location: String,
}

/// A table or view, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LiveTable {
    /// Its columns.
    pub schema: LiveSchema,
    /// How it is partitioned.
    pub time_partitioning: Option<Partitioning>,
    /// How it is clustered.
    pub clustering: Clustering,
}

/// Columns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct LiveSchema {
    /// In their order.
    pub fields: Vec<LiveField>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LiveField {
    /// Its name.
    pub name: String,
    /// Its type, in the names of the API or of SQL.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Partitions by time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Partitioning {
    /// `DAY`, for one.
    #[serde(rename = "type")]
    pub kind: String,
    /// The column; none where it is the instant of arrival.
    pub field: Option<String>,
}

/// The columns by which a table is clustered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Clustering {
    /// In their order.
    pub fields: Vec<String>,
}

/// A statement that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// Whether it is done.
    pub job_complete: bool,
    /// Under which name to ask again.
    #[serde(default)]
    pub job_reference: Option<JobReference>,
}

/// The name of a statement that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobReference {
    /// Its id.
    #[serde(default)]
    pub job_id: String,
}

/// Reads an answer to `ask`. None: there is no such thing, or a new one that was there before.
///
/// # Errors
/// Where the answer is another than a yes or a "not found".
pub fn read<T: for<'de> Deserialize<'de>>(ask: Ask<'_>, response: &Response) -> Result<Option<T>, CallError> {
    let status = response.status();
    if status.is_success() {
        let found = serde_json::from_slice(response.body());
        return found.map(Some).map_err(|_| CallError::Broken("BigQuery's answer cannot be read".into()));
    }
    let (reason, words) = complaint(response);
    let message = format!("BigQuery answered {status}: {words}");
    match (status, reason.as_str()) {
        (StatusCode::NOT_FOUND, _) if matches!(ask, Ask::Dataset | Ask::Table(_)) => Ok(None),
        // It was made by a try whose answer got lost.
        (StatusCode::CONFLICT, _) if matches!(ask, Ask::NewDataset(_)) => Ok(None),
        (status, reason) if status == StatusCode::TOO_MANY_REQUESTS || BUSY.contains(&reason) => {
            Err(CallError::Throttled { message, wait: retry_after(response) })
        }
        (StatusCode::UNAUTHORIZED, _) => {
            let hint =
                "The token is not, or no longer, good: `gcloud auth login`, or set GOOGLE_OAUTH_ACCESS_TOKEN again";
            Err(CallError::denied(message, hint))
        }
        (StatusCode::FORBIDDEN, _) => {
            Err(CallError::denied(message, format!("Whoever is signed in needs {}", ask.permission())))
        }
        (status, _) if may_pass(status) => Err(CallError::Broken(message)),
        _ => Err(CallError::denied(message, "Check GCP_BQ_PROJECT, GCP_BQ_DATASET and GCP_BQ_TABLE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_refusal_names_the_permission_that_is_missing() {
        let denied = include_str!("../../../tests/fixtures/access_denied.json");
        let check = |ask: Ask<'_>, permission: &str| {
            let error = read::<Dataset>(ask, &answer(403, denied)).unwrap_err();
            assert!(!error.is_transient() && error.to_string().contains(permission), "{error}");
        };
        check(Ask::Dataset, "bigquery.datasets.get");
        check(Ask::NewDataset("EU"), "bigquery.datasets.create");
        check(Ask::Table("t"), "bigquery.tables.get");
        check(Ask::Statement { sql: "SELECT 1", location: "EU" }, "bigquery.jobs.create");
        let expired = read::<Dataset>(Ask::Dataset, &answer(401, "{}")).unwrap_err();
        assert!(expired.to_string().contains("gcloud auth login"), "{expired}");
    }

    #[test]
    fn what_may_pass_is_told_from_what_is_not_there() {
        assert_eq!(read::<LiveTable>(Ask::Table("t"), &answer(404, "{}")), Ok(None));
        assert_eq!(read::<Dataset>(Ask::NewDataset("EU"), &answer(409, "{}")), Ok(None));
        assert!(!read::<Dataset>(Ask::Dataset, &answer(409, "{}")).unwrap_err().is_transient());
        let quota = include_str!("../../../tests/fixtures/quota_exceeded.json");
        assert!(read::<LiveTable>(Ask::Table("t"), &answer(403, quota)).unwrap_err().is_transient());
        assert!(read::<LiveTable>(Ask::Table("t"), &answer(502, "<html>")).unwrap_err().is_transient());
        let unknown = read::<Statement>(Ask::Job { id: "j", location: "EU" }, &answer(404, "{}"));
        assert!(!unknown.unwrap_err().is_transient());
    }

    #[test]
    fn a_statement_that_takes_long_is_asked_for_by_its_name() {
        let running = r#"{"jobComplete":false,"jobReference":{"projectId":"p","jobId":"job_1","location":"EU"}}"#;
        let Ok(Some(statement)) = read::<Statement>(Ask::Statement { sql: "", location: "EU" }, &answer(200, running))
        else {
            panic!("not read")
        };
        let id = statement.job_reference.unwrap().job_id;
        let name = TableName { project: "p".into(), dataset: "d".into(), table: "t".into() };
        let request = Ask::Job { id: &id, location: "EU" }.request("https://bigquery.googleapis.com", &name);
        assert!(!statement.job_complete);
        assert_eq!(request.uri().path(), "/bigquery/v2/projects/p/queries/job_1");
        assert!(request.uri().query().unwrap().starts_with("location=EU&"));
    }
}
