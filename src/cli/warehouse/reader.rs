//! BigQuery's table, asked by an operator whose credential may read it: how many logs it has, and which. Nothing is ever
//! written with that credential.

use std::{collections::BTreeSet, ops::Range};

use http::StatusCode;

use crate::{
    cli::warehouse::{
        api::{self, Ask, Parameter, QueryAnswer, QueryRow},
        login::Login,
        until_done,
    },
    config::{TableName, WarehouseSettings},
    error::CallError,
    host::{Host, call},
    record::{Record, Table},
    sink::{Outcome, Sink},
    time::Timestamp,
    wire::Response,
};

/// A table, and who reads it.
#[derive(Debug)]
pub struct ReadAccess {
    /// The table.
    pub settings: WarehouseSettings,
    /// Who signs in.
    pub login: Login,
}

/// A table that is asked for its rows, through a host. It keeps no records: another sink writes.
#[derive(Debug)]
pub struct TableReader<'a, H> {
    host: &'a H,
    access: &'a ReadAccess,
}

impl<'a, H: Host> TableReader<'a, H> {
    /// A reader that signs in when it first asks.
    pub fn new(host: &'a H, access: &'a ReadAccess) -> Self {
        Self { host, access }
    }

    /// One request. A token that is refused is replaced once: a long proof outlives it.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<QueryAnswer, CallError> {
        let ReadAccess { settings, login } = self.access;
        for _ in 0..2 {
            let mut request = ask.request(&settings.base, &settings.table);
            if let Some(token) = login.token(self.host).await? {
                token.authorize(&mut request);
            }
            let read = |response: &Response| match response.status() {
                StatusCode::UNAUTHORIZED => Ok(None),
                _ => api::read(ask, response),
            };
            if let Some(answer) = call(self.host, &request, read).await? {
                return Ok(answer);
            }
            login.forget();
        }
        let hint =
            "Log in again, or name another credential with --reader: gcloud, adc, or a service account's key file";
        Err(CallError::denied("BigQuery refuses the reader's token", hint))
    }

    /// A query that is done, with its first rows.
    async fn done(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<QueryAnswer, CallError> {
        let answer = self.ask(Ask::Query { sql, parameters }).await?;
        let done = until_done(answer, async |job| self.ask(Ask::Rows { job, page: None }).await).await?;
        done.ok_or_else(|| broken("BigQuery has not answered the query within two minutes"))
    }

    /// The first column of all rows of a query.
    async fn column(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<String>, CallError> {
        let rows = self.rows(self.done(sql, parameters).await?).await?;
        Ok(rows.into_iter().filter_map(|row| row.cells.into_iter().next()?.text).collect())
    }

    /// All rows of a query whose first ones are there.
    pub(super) async fn rows(&self, mut answer: QueryAnswer) -> Result<Vec<QueryRow>, CallError> {
        let total: usize = answer.total_rows.as_ref().and_then(|rows| rows.parse().ok()).ok_or_else(unreadable)?;
        let job = answer.job_reference.take();
        let mut all = Vec::new();
        loop {
            let rows = answer.rows.len();
            all.append(&mut answer.rows);
            if all.len() == total {
                return Ok(all);
            }
            // A proof must not rest on a part of the rows.
            let (Some(job), Some(page)) = (&job, &answer.page_token) else {
                return Err(incomplete(all.len(), total));
            };
            if rows == 0 || all.len() > total {
                return Err(incomplete(all.len(), total));
            }
            answer = self.ask(Ask::Rows { job, page: Some(page) }).await?;
        }
    }

    /// A statement over a time of the table. The table is partitioned by the day of `created_at`, so BigQuery reads no
    /// other day.
    fn statement(&self, selected: &str, which: &str) -> String {
        let TableName { project, dataset, table } = &self.access.settings.table;
        format!(
            "SELECT {selected} FROM `{project}.{dataset}.{table}` WHERE created_at >= @since AND created_at < @before AND \
             {which}"
        )
    }
}

/// An instant as the value of a parameter.
pub(super) fn timestamp(at: Timestamp) -> String {
    at.format("%F %T%.6f+00:00").to_string()
}

/// The values of a statement.
fn parameters(gateway: &str, time: &Range<Timestamp>) -> [Parameter<'static>; 3] {
    let instant = |name, at: Timestamp| Parameter { name, kind: "TIMESTAMP", value: Some(timestamp(at)) };
    let gateway = Parameter { name: "gateway", kind: "STRING", value: Some(gateway.to_owned()) };
    [instant("since", time.start), instant("before", time.end), gateway]
}

impl<H: Host> Sink for TableReader<'_, H> {
    fn name(&self) -> &'static str {
        "BigQuery"
    }

    fn batch(&self) -> usize {
        usize::MAX
    }

    fn keeps(&self, _table: &Table) -> bool {
        false
    }

    async fn write(&self, _records: &[Record]) -> Result<Outcome, CallError> {
        Err(CallError::denied(
            "the credential of --reader writes nothing",
            "Rows are written with the poller's own key",
        ))
    }

    async fn count(&self, gateway: &str, time: &Range<Timestamp>) -> Result<Option<u64>, CallError> {
        let sql = self.statement("COUNT(DISTINCT id)", "gateway = @gateway");
        let counted = self.column(&sql, &parameters(gateway, time)).await?;
        counted.first().and_then(|count| count.parse().ok()).map(Some).ok_or_else(unreadable)
    }

    /// A row of the TypeScript program names no gateway. Such a row is not counted, because the count would say nothing of
    /// one gateway; but its id is found.
    async fn ids(&self, gateway: &str, time: &Range<Timestamp>) -> Result<Option<BTreeSet<String>>, CallError> {
        let sql = self.statement("DISTINCT id", "(gateway = @gateway OR gateway IS NULL) AND id IS NOT NULL");
        let ids = self.column(&sql, &parameters(gateway, time)).await?;
        Ok(Some(ids.into_iter().collect()))
    }
}

fn broken(words: impl Into<String>) -> CallError {
    CallError::Broken(words.into())
}

fn unreadable() -> CallError {
    broken("BigQuery's answer to the query cannot be read")
}

fn incomplete(rows: usize, total: usize) -> CallError {
    broken(format!("BigQuery gave {rows} of the query's {total} rows"))
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, time::Duration};

    use futures_util::FutureExt;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        cli::args::Credential,
        google::key::PrivateKey,
        time,
        wire::{Request, Response},
    };

    /// A service that gives these answers, the first one first, and notes what was sent.
    struct Service {
        answers: RefCell<Vec<(u16, Value)>>,
        sent: RefCell<Vec<Request>>,
    }

    impl Host for Service {
        fn now(&self) -> Timestamp {
            at("2026-10-06T09:00:00Z")
        }

        fn random(&self) -> f64 {
            0.5
        }

        async fn sleep(&self, _duration: Duration) {}

        async fn send(&self, request: Request) -> Result<Response, CallError> {
            self.sent.borrow_mut().push(request);
            let (status, body) = self.answers.borrow_mut().remove(0);
            Ok(http::Response::builder().status(status).body(body.to_string().into_bytes()).unwrap())
        }

        async fn sign(&self, _key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, CallError> {
            Ok(message[..4].to_vec())
        }
    }

    fn at(text: &str) -> Timestamp {
        time::parse(text).unwrap()
    }

    /// Whoever signs in with a key file, or nobody in front of an emulator.
    fn access(emulated: bool) -> ReadAccess {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reader.json");
        let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0IGtleSBieXRlcyBpbiBiYXNlNjQ=\n-----END PRIVATE KEY-----\n";
        std::fs::write(&path, json!({ "client_email": "reader@p", "private_key": key }).to_string()).unwrap();
        let table = TableName { project: "p".into(), dataset: "d".into(), table: "t".into() };
        let base = "https://bigquery.googleapis.com".into();
        let login = Login::new(&Credential::KeyFile(path), emulated).unwrap();
        ReadAccess { settings: WarehouseSettings { base, emulated, table }, login }
    }

    fn rows(total: &str, ids: &[&str], more: &Value) -> (u16, Value) {
        let rows: Vec<_> = ids.iter().map(|id| json!({ "f": [{ "v": id }] })).collect();
        let mut answer = json!({ "jobComplete": true, "totalRows": total, "rows": rows });
        answer["jobReference"] = json!({ "projectId": "p", "jobId": "j", "location": "EU" });
        answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (200, answer)
    }

    /// What a table says that gives these answers, and the requests.
    fn ids(emulated: bool, answers: Vec<(u16, Value)>) -> (Result<Vec<String>, CallError>, Vec<Request>) {
        let (service, access) = (Service { answers: answers.into(), sent: RefCell::default() }, access(emulated));
        let reader = TableReader::new(&service, &access);
        let time = at("2026-10-06T09:00:00Z")..at("2026-10-06T10:00:00.5Z");
        let ids = reader.ids("main", &time).now_or_never().unwrap();
        (ids.map(|ids| ids.unwrap().into_iter().collect()), service.sent.into_inner())
    }

    #[test]
    fn a_query_reads_one_time_of_one_gateway_in_the_table() {
        let (found, sent) = ids(true, vec![rows("2", &["a", "b"], &json!({}))]);
        assert_eq!(found.unwrap(), ["a", "b"]);
        let body: Value = serde_json::from_slice(sent[0].body()).unwrap();
        let sql = "SELECT DISTINCT id FROM `p.d.t` WHERE created_at >= @since AND created_at < @before AND (gateway = \
                   @gateway OR gateway IS NULL) AND id IS NOT NULL";
        assert_eq!(body["query"], sql);
        let values = body["queryParameters"].as_array().unwrap().iter().map(|value| &value["parameterValue"]["value"]);
        let expected = ["2026-10-06 09:00:00.000000+00:00", "2026-10-06 10:00:00.500000+00:00", "main"];
        assert_eq!(values.collect::<Vec<_>>(), expected);
        assert!(sent[0].headers().get("authorization").is_none());
    }

    #[test]
    fn rows_are_asked_for_until_all_are_there() {
        let waiting = (200, json!({ "jobComplete": false, "jobReference": { "jobId": "j", "location": "EU" } }));
        let first = rows("3", &["a", "b"], &json!({ "pageToken": "next" }));
        let (found, sent) =
            ids(true, vec![waiting.clone(), waiting.clone(), first.clone(), rows("3", &["c"], &json!({}))]);
        assert_eq!(found.unwrap(), ["a", "b", "c"]);
        let queries: Vec<_> = sent.iter().map(|request| request.uri().query().unwrap_or_default()).collect();
        let again = "timeoutMs=20000&maxResults=50000&location=EU";
        assert_eq!(queries, ["", again, again, &format!("{again}&pageToken=next")]);

        let check = |answers: Vec<(u16, Value)>, words: &str| {
            let error = ids(true, answers).0.unwrap_err();
            assert!(error.is_transient() && error.to_string().contains(words), "{error}");
        };
        // Each answer that may pass is asked for three times.
        let thrice = |answer: (u16, Value)| vec![answer.clone(), answer.clone(), answer];
        check(vec![rows("3", &["a"], &json!({}))], "1 of the query's 3 rows");
        check(vec![first.clone(), rows("3", &[], &json!({ "pageToken": "next" }))], "2 of the query's 3 rows");
        check(vec![first, rows("3", &["c", "d"], &json!({}))], "4 of the query's 3 rows");
        check(vec![waiting; 8], "within two minutes");
        check(thrice((200, json!({ "jobComplete": "?" }))), "cannot be read");
        check(vec![(200, json!({ "jobComplete": true }))], "cannot be read");
        check(thrice((503, json!({}))), "503");
    }

    #[test]
    fn a_key_file_signs_in_to_read_and_again_when_its_token_is_refused() {
        let token = |text: &str| (200, json!({ "access_token": text, "expires_in": 3_600 }));
        let (first, second) = ("ya29.first-token-of-the-reader", "ya29.second-token-of-the-reader");
        let good = rows("1", &["a"], &json!({}));
        let (found, sent) = ids(false, vec![token(first), (401, json!({})), token(second), good]);
        assert_eq!(found.unwrap(), ["a"]);
        let authorized =
            |request: &Request| request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let bearers: Vec<_> = sent.iter().map(authorized).collect();
        assert_eq!(bearers, [None, Some(format!("Bearer {first}")), None, Some(format!("Bearer {second}"))]);
        assert!(!format!("{:?}", access(false)).contains("c2Vj"));

        let check = |answers: Vec<(u16, Value)>, words: &str| {
            let error = ids(false, answers).0.unwrap_err();
            assert!(!error.is_transient() && error.to_string().contains(words), "{error}");
            assert!(!error.to_string().contains("GCP_SA"), "{error}");
        };
        let refused = (401, json!({}));
        check(vec![token(first), refused.clone(), token(second), refused], "name another credential with --reader");
        check(vec![(400, json!({ "error": "invalid_grant" }))], "that the key was not revoked");
        let denied = json!({ "error": { "message": "No.", "errors": [{ "reason": "accessDenied" }] } });
        check(
            vec![token(first), (403, denied.clone())],
            "bigquery.jobs.create on the project, which the role BigQuery Job",
        );
        check(vec![token(first), (403, denied)], "bigquery.tables.getData on the table, which the role BigQuery Data");
        check(vec![token(first), (404, json!({}))], "GCP_BQ_TABLE");
    }

    #[test]
    fn a_reader_counts_and_writes_nothing() {
        let service = Service { answers: vec![rows("1", &["1204"], &json!({}))].into(), sent: RefCell::default() };
        let access = access(true);
        let reader = TableReader::new(&service, &access);
        let day = [at("2026-10-06"), at("2026-10-07")];
        assert_eq!(reader.count("main", &(day[0]..day[1])).now_or_never().unwrap(), Ok(Some(1_204)));
        let body: Value = serde_json::from_slice(service.sent.borrow()[0].body()).unwrap();
        let sql = body["query"].as_str().unwrap();
        assert!(sql.starts_with("SELECT COUNT(DISTINCT id) FROM `p.d.t` WHERE created_at >= "), "{sql}");
        assert!(sql.ends_with(" AND gateway = @gateway"), "{sql}");
        assert!(reader.write(&[]).now_or_never().unwrap().is_err());
        assert_eq!(service.sent.borrow().len(), 1);
    }
}
