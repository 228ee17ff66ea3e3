//! BigQuery's datasets, tables and queries as values: requests out, answers in.
//! cloud.google.com/bigquery/docs/reference/rest

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    config::TableName,
    error::CallError,
    sink::bigquery::refusal::{BUSY, complaint},
    wire::{Request, Response, encoded, may_pass, or_default, post, request, retry_after},
};

/// Milliseconds for which BigQuery keeps an answer waiting for a statement to end. Less than a call may take.
const PATIENCE: u32 = 20_000;

/// Bytes that one query may read at most: 6 cents' worth, and more than a day of 100 million logs needs. Of a table
/// without partitions each query would read every day. BigQuery refuses a query that exceeds it, and bills nothing.
/// cloud.google.com/bigquery/docs/best-practices-costs
pub(super) const MOST_BYTES: u64 = 10 << 30;

/// Milliseconds that a question may take. What takes longer is ended, so that nobody pays for it.
const LONGEST: u32 = 10_000;

/// Rows of one answer to a query. An id has some 30 letters, so these are 3 MB of the 32 MB that are read of an answer.
const PAGE: u32 = 50_000;

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
    /// The rows of a query, which changes nothing. BigQuery finds the location by the table.
    Query { sql: &'a str, parameters: &'a [Parameter<'a>] },
    /// A question, which names tables without their dataset: its answer, or what it would read.
    Question { sql: &'a str, parameters: &'a [Parameter<'a>], dry_run: bool },
    /// More rows of a query, or the first ones of a query that was not done when it was last asked for.
    Rows { job: &'a JobReference, page: Option<&'a str> },
}

/// A value that a query names: `@name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type in SQL.
    pub kind: &'a str,
    /// Its value as text, or null.
    pub value: Option<String>,
}

impl Parameter<'_> {
    fn to_json(&self) -> Value {
        let Self { name, kind, value } = self;
        json!({ "name": name, "parameterType": { "type": kind }, "parameterValue": { "value": value } })
    }
}

impl Ask<'_> {
    /// The request, to `base`.
    pub fn request(self, base: &str, name: &TableName) -> Request {
        let TableName { project, dataset, .. } = name;
        let project_address = format!("{base}/bigquery/v2/projects/{}", encoded(project));
        let address = |path: &str| format!("{project_address}{path}");
        let (address, body) = match self {
            Self::Dataset => (address(&format!("/datasets/{}", encoded(dataset))), None),
            Self::NewDataset(location) => {
                let reference = json!({ "projectId": project, "datasetId": dataset });
                let body = json!({ "datasetReference": reference, "location": location });
                (address("/datasets"), Some(body))
            }
            Self::Table(table) => {
                let path = format!("/datasets/{}/tables/{}", encoded(dataset), encoded(table));
                (address(&path), None)
            }
            Self::Statement { sql, location } => {
                let body = json!({ "query": sql, "location": location, "useLegacySql": false, "timeoutMs": PATIENCE });
                (address("/queries"), Some(body))
            }
            Self::Job { id, location } => {
                let query = format!("location={}&timeoutMs={PATIENCE}&maxResults=0", encoded(location));
                (address(&format!("/queries/{}?{query}", encoded(id))), None)
            }
            Self::Query { sql, parameters } => (address("/queries"), Some(query(sql, parameters))),
            Self::Question { sql, parameters, dry_run } => {
                let mut body = query(sql, parameters);
                body["defaultDataset"] = json!({ "projectId": project, "datasetId": dataset });
                body["dryRun"] = dry_run.into();
                body["timeoutMs"] = LONGEST.into();
                body["jobTimeoutMs"] = LONGEST.to_string().into();
                (address("/queries"), Some(body))
            }
            Self::Rows { job: JobReference { job_id, location }, page } => {
                let location = location.as_ref().map(|location| format!("&location={}", encoded(location)));
                let page = page.map(|page| format!("&pageToken={}", encoded(page)));
                let more = [location, page].into_iter().flatten().collect::<String>();
                let query = format!("timeoutMs={PATIENCE}&maxResults={PAGE}{more}");
                (address(&format!("/queries/{}?{query}", encoded(job_id))), None)
            }
        };
        match body {
            Some(body) => post(&address, body.to_string().into_bytes()),
            None => request(Method::GET, &address, Vec::new()),
        }
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
            Self::Query { .. } | Self::Question { .. } | Self::Rows { .. } => {
                "bigquery.jobs.create on the project, which the role BigQuery Job User has, and bigquery.tables.getData on \
                 the table, which the role BigQuery Data Viewer has"
            }
        }
    }
}

/// The body of a query. BigQuery keeps answers for a day: one of these would not show what was just written.
fn query(sql: &str, parameters: &[Parameter<'_>]) -> Value {
    json!({
        "query": sql,
        "useLegacySql": false,
        "useQueryCache": false,
        "parameterMode": "NAMED",
        "queryParameters": parameters.iter().map(Parameter::to_json).collect::<Value>(),
        "maximumBytesBilled": MOST_BYTES.to_string(),
        "maxResults": PAGE,
        "timeoutMs": PATIENCE,
    })
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

/// The name of a statement that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobReference {
    /// Its id.
    #[serde(default)]
    pub job_id: String,
    /// Where it runs.
    #[serde(default)]
    pub location: Option<String>,
}

/// What a statement or a query has given so far.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryAnswer {
    /// Whether it is done; otherwise there are no rows yet.
    pub job_complete: bool,
    /// Under which name to ask again, or for more.
    #[serde(default)]
    pub job_reference: Option<JobReference>,
    /// Where the next rows begin; none: these are the last ones.
    #[serde(default)]
    pub page_token: Option<String>,
    /// The columns of the rows.
    #[serde(default)]
    pub schema: LiveSchema,
    /// Bytes that the query reads, as text.
    #[serde(default)]
    pub total_bytes_processed: Option<String>,
    /// Rows of the whole query, as text.
    #[serde(default)]
    pub total_rows: Option<String>,
    /// The rows of this answer.
    #[serde(default, deserialize_with = "or_default")]
    pub rows: Vec<QueryRow>,
}

/// A row of a query.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QueryRow {
    /// Its cells.
    #[serde(rename = "f")]
    pub cells: Vec<QueryCell>,
}

/// A cell of a query. BigQuery answers every simple type as text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QueryCell {
    /// Its text; none where it is null.
    #[serde(rename = "v")]
    pub text: Option<String>,
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
        (_, "bytesBilledLimitExceeded") => {
            let hint = "The query would read more than 10 GiB. `aig-logs sql --check` says whether the table is \
                        partitioned by the day of created_at: then a query reads one day";
            Err(CallError::denied(message, hint))
        }
        (StatusCode::NOT_FOUND, _) if matches!(ask, Ask::Question { .. }) => {
            let hint = "`aig-logs sql --events --apply` makes all views; --dataset logs asks AI Gateway's logs alone";
            Err(CallError::denied(message, hint))
        }
        (StatusCode::FORBIDDEN, _) => {
            Err(CallError::denied(message, format!("Whoever is signed in needs {}", ask.permission())))
        }
        (status, _) if may_pass(status) => Err(CallError::Broken(message)),
        _ if matches!(ask, Ask::Question { .. }) => Err(CallError::denied(
            message,
            "A question ends after 10 seconds: ask for a shorter time or for fewer fields",
        )),
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
        check(Ask::Query { sql: "SELECT 1", parameters: &[] }, "bigquery.jobs.create");
        check(Ask::Query { sql: "SELECT 1", parameters: &[] }, "bigquery.tables.getData");
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
        let unknown = read::<QueryAnswer>(Ask::Job { id: "j", location: "EU" }, &answer(404, "{}"));
        assert!(!unknown.unwrap_err().is_transient());
    }

    #[test]
    fn a_statement_that_takes_long_is_asked_for_by_its_name() {
        let running = r#"{"jobComplete":false,"jobReference":{"projectId":"p","jobId":"job_1","location":"EU"}}"#;
        let Ok(Some(statement)) =
            read::<QueryAnswer>(Ask::Statement { sql: "", location: "EU" }, &answer(200, running))
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

    #[test]
    fn a_query_names_its_values_and_what_it_may_cost() {
        let name = TableName { project: "p".into(), dataset: "d".into(), table: "t".into() };
        let parameters = [Parameter { name: "gateway", kind: "STRING", value: Some("it's".into()) }];
        let ask = Ask::Query { sql: "SELECT @gateway", parameters: &parameters };
        let request = ask.request("https://bigquery.googleapis.com", &name);
        assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/bigquery/v2/projects/p/queries"));
        let expected = json!({
            "query": "SELECT @gateway", "useLegacySql": false, "useQueryCache": false, "parameterMode": "NAMED",
            "queryParameters": [
                { "name": "gateway", "parameterType": { "type": "STRING" }, "parameterValue": { "value": "it's" } },
            ],
            "maximumBytesBilled": "10737418240", "maxResults": 50_000, "timeoutMs": 20_000,
        });
        assert_eq!(serde_json::from_slice::<Value>(request.body()).unwrap(), expected);
    }

    #[test]
    fn more_rows_are_asked_for_by_the_name_of_the_query() {
        let name = TableName { project: "p".into(), dataset: "d".into(), table: "t".into() };
        let check = |location: Option<&str>, page, more: &str| {
            let job = JobReference { job_id: "job_1".into(), location: location.map(str::to_owned) };
            let request = Ask::Rows { job: &job, page }.request("https://bigquery.googleapis.com", &name);
            let path = format!("/bigquery/v2/projects/p/queries/job_1?timeoutMs=20000&maxResults=50000{more}");
            assert_eq!(request.uri().path_and_query().unwrap().as_str(), path);
        };
        check(None, None, "");
        check(Some("EU"), None, "&location=EU");
        check(Some("europe-west3"), Some("a=&b"), "&location=europe-west3&pageToken=a%3D%26b");
    }

    #[test]
    fn the_answer_to_a_query_is_read_with_and_without_rows() {
        let ask = Ask::Query { sql: "", parameters: &[] };
        let check = |body: &str, expected: Option<Vec<Option<&str>>>| {
            let answer = read::<QueryAnswer>(ask, &answer(200, body)).map(Option::unwrap);
            let cells = answer
                .ok()
                .map(|answer| answer.rows.into_iter().map(|mut row| row.cells.remove(0).text).collect::<Vec<_>>());
            let cells = cells.as_ref().map(|cells| cells.iter().map(Option::as_deref).collect());
            assert_eq!(cells, expected, "{body}");
        };
        let two = r#"{"jobComplete":true,"totalRows":"2","rows":[{"f":[{"v":"7"}]},{"f":[{"v":null}]}]}"#;
        check(two, Some(vec![Some("7"), None]));
        check(r#"{"jobComplete":true,"totalRows":"0"}"#, Some(vec![]));
        check(r#"{"jobComplete":true,"totalRows":"0","rows":null}"#, Some(vec![]));
        check(r#"{"jobComplete":false}"#, Some(vec![]));
        check(r#"{"rows":[]}"#, None);
        check("<html>", None);
        let billed = r#"{"error":{"message":"No.","errors":[{"reason":"bytesBilledLimitExceeded"}]}}"#;
        let error = read::<QueryAnswer>(ask, &answer(400, billed)).unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains("aig-logs sql --check"), "{error}");
    }
}
