//! Questions to BigQuery, with a reader's credential: first what a question would read, which costs nothing, then its
//! answer.

use serde_json::{Map, Value};

use super::{
    api::{Ask, LiveField, MOST_BYTES, Parameter, QueryCell},
    reader::{TableReader, timestamp},
};
use crate::{
    error::CallError,
    host::Host,
    query::Sql,
    record::Cell,
    time::{self, Timestamp},
};

impl<H: Host> TableReader<'_, H> {
    /// Tries whether the views of logs and events can be read. It is a dry run, which costs nothing.
    pub async fn try_views(&self) -> Result<(), CallError> {
        let sql = "SELECT 1 FROM aig_logs UNION ALL SELECT 1 FROM events";
        self.ask(Ask::Question { sql, parameters: &[], dry_run: true }).await.map(|_| ())
    }

    /// The lines that a statement gives, and how many bytes it reads.
    pub async fn lines(&self, sql: &Sql) -> Result<(Vec<Map<String, Value>>, u64), CallError> {
        let names: Vec<_> = (1..=sql.values.len()).map(|place| format!("v{place}")).collect();
        let parameters: Vec<_> = names.iter().zip(&sql.values).map(|(name, value)| parameter(name, value)).collect();
        let question = |dry_run| Ask::Question { sql: &sql.text, parameters: &parameters, dry_run };
        let bytes = self.ask(question(true)).await?.total_bytes_processed;
        let bytes = bytes.and_then(|bytes| bytes.parse().ok());
        let bytes =
            bytes.ok_or_else(|| CallError::Broken("BigQuery does not say what the question would read".into()))?;
        if bytes > MOST_BYTES {
            let message = format!("the question would read {} GiB, and may read 10 GiB", bytes >> 30);
            let hint = "Ask for a shorter time, for fewer fields, or for the logs or the events alone (--dataset)";
            return Err(CallError::denied(message, hint));
        }
        let answer = self.ask(question(false)).await?;
        if !answer.job_complete {
            let hint = "Ask for a shorter time or for fewer fields";
            return Err(CallError::denied("BigQuery has not answered within 10 seconds", hint));
        }
        let fields = answer.schema.fields.clone();
        let rows = self.rows(answer).await?;
        let line = |cells: Vec<QueryCell>| fields.iter().zip(cells).map(|(field, cell)| named(field, cell)).collect();
        Ok((rows.into_iter().map(|row| line(row.cells)).collect(), bytes))
    }
}

/// A value of a statement.
fn parameter<'a>(name: &'a str, value: &Cell) -> Parameter<'a> {
    let (kind, value) = match value {
        Cell::Null => ("STRING", None),
        Cell::Text(text) => ("STRING", Some(text.clone())),
        Cell::Integer(integer) => ("INT64", Some(integer.to_string())),
        Cell::Float(float) => ("FLOAT64", Some(float.to_string())),
        Cell::Bool(truth) => ("BOOL", Some(truth.to_string())),
        Cell::Instant(instant) => ("TIMESTAMP", Some(timestamp(*instant))),
    };
    Parameter { name, kind, value }
}

/// A value with its name and type: BigQuery answers every simple type as text.
fn named(field: &LiveField, cell: QueryCell) -> (String, Value) {
    let value = cell.text.map_or(Value::Null, |text| match field.kind.as_str() {
        "INTEGER" | "INT64" => text.parse::<i64>().map_or(Value::Null, Value::from),
        "FLOAT" | "FLOAT64" => text.parse::<f64>().map_or(Value::Null, Value::from),
        "BOOLEAN" | "BOOL" => (text == "true").into(),
        "TIMESTAMP" => instant(&text).map_or(Value::Null, |at| time::text(at).into()),
        _ => text.into(),
    });
    (field.name.clone(), value)
}

/// An instant, from its seconds, such as 1.7959464005E9.
fn instant(text: &str) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
    let millis = (text.parse::<f64>().ok()? * 1_000.0).round() as i64;
    Timestamp::from_timestamp_millis(millis)
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, time::Duration};

    use futures_util::FutureExt;
    use serde_json::json;

    use super::*;
    use crate::{
        cli::{
            args::Credential,
            warehouse::{login::Login, reader::ReadAccess},
        },
        config::{TableName, WarehouseSettings},
        google::key::PrivateKey,
        wire::{Request, Response},
    };

    /// A service that gives these answers, and notes what was sent.
    struct Service(RefCell<Vec<Value>>, RefCell<Vec<Value>>);

    impl Host for Service {
        fn now(&self) -> Timestamp {
            time::parse("2026-11-29T12:00:00Z").unwrap()
        }

        fn random(&self) -> f64 {
            0.5
        }

        async fn sleep(&self, _duration: Duration) {}

        async fn send(&self, request: Request) -> Result<Response, CallError> {
            self.1.borrow_mut().push(serde_json::from_slice(request.body()).unwrap());
            let answer = self.0.borrow_mut().remove(0);
            Ok(http::Response::new(answer.to_string().into_bytes()))
        }

        async fn sign(&self, _key: &PrivateKey, _message: &[u8]) -> Result<Vec<u8>, CallError> {
            Ok(Vec::new())
        }
    }

    type Lines = Result<(Vec<Map<String, Value>>, u64), CallError>;

    /// What comes of these answers, and what was sent.
    fn lines(answers: Vec<Value>) -> (Lines, Vec<Value>) {
        let table = TableName { project: "p".into(), dataset: "d".into(), table: "t".into() };
        let settings = WarehouseSettings { base: "http://localhost".into(), emulated: true, table };
        let access = ReadAccess { login: Login::new(&Credential::Gcloud, true).unwrap(), settings };
        let service = Service(answers.into(), RefCell::default());
        let at = service.now();
        let values = vec![Cell::Text("it's".into()), Cell::Null, Cell::Integer(5), Cell::Float(0.5), Cell::Instant(at)];
        let sql = Sql { text: "SELECT @v1".into(), values, is_counted: false };
        let lines = TableReader::new(&service, &access).lines(&sql).now_or_never().unwrap();
        (lines, service.1.into_inner())
    }

    fn dry(bytes: u64) -> Value {
        json!({ "jobComplete": true, "totalBytesProcessed": bytes.to_string() })
    }

    #[test]
    fn a_question_is_a_dry_run_first_and_its_values_are_parameters() {
        let kinds = ["STRING", "INTEGER", "FLOAT", "BOOLEAN", "TIMESTAMP", "STRING"];
        let fields: Vec<_> =
            kinds.iter().zip('a'..).map(|(kind, name)| json!({ "name": name, "type": kind })).collect();
        let cells = [json!("x"), json!("5"), json!("0.5"), json!("true"), json!("1.7959464005E9"), Value::Null];
        let cells: Vec<_> = cells.iter().map(|cell| json!({ "v": cell })).collect();
        let answer = json!({
            "jobComplete": true, "totalRows": "1", "schema": { "fields": fields }, "rows": [{ "f": cells }],
        });
        let (found, sent) = lines(vec![dry(7), answer]);
        let line = json!({ "a": "x", "b": 5, "c": 0.5, "d": true, "e": "2026-11-29T10:00:00.500Z", "f": null });
        assert_eq!(found.map(|(lines, bytes)| (json!(lines), bytes)), Ok((json!([line]), 7)));
        assert_eq!(sent.iter().map(|body| body["dryRun"].clone()).collect::<Vec<_>>(), [true, false]);
        let body = &sent[1];
        assert_eq!(body["defaultDataset"], json!({ "projectId": "p", "datasetId": "d" }));
        assert_eq!((&body["timeoutMs"], &body["jobTimeoutMs"]), (&json!(10_000), &json!("10000")));
        assert_eq!(body["maximumBytesBilled"], "10737418240");
        let values = ["it's", "", "5", "0.5", "2026-11-29 12:00:00.000000+00:00"];
        for ((parameter, kind), (place, value)) in body["queryParameters"]
            .as_array()
            .unwrap()
            .iter()
            .zip(["STRING", "STRING", "INT64", "FLOAT64", "TIMESTAMP"])
            .zip((1..).zip(values))
        {
            assert_eq!(
                (&parameter["name"], &parameter["parameterType"]["type"]),
                (&json!(format!("v{place}")), &json!(kind))
            );
            assert_eq!(parameter["parameterValue"]["value"].as_str().unwrap_or_default(), value);
        }
    }

    #[test]
    fn a_question_that_reads_too_much_or_takes_too_long_is_refused() {
        let check = |answers: Vec<Value>, requests: usize, words: &str| {
            let (found, sent) = lines(answers);
            let error = found.unwrap_err();
            assert!(!error.is_transient() && error.to_string().contains(words), "{error}");
            assert_eq!(sent.len(), requests);
        };
        check(vec![dry((10 << 30) + 1)], 1, "would read 10 GiB");
        check(vec![dry(300 << 30)], 1, "Ask for a shorter time");
        check(vec![dry(10 << 30), json!({ "jobComplete": false })], 2, "within 10 seconds");
    }
}
