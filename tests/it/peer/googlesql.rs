//! `GoogleSQL` on this machine: the analyzer and the reference evaluator of BigQuery's dialect, the package `zetasql`, in
//! `tests/peer/googlesql.py`. It knows types and functions better than `local-bigquery`, and nothing of the wire format.

use std::{
    cell::RefCell,
    io::{BufRead as _, BufReader, Write as _},
    process::{ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use super::{BigQuery, DATASET, PROJECT, executable};
use crate::process::Running;

/// A running evaluator without tables; dropping it ends the process.
pub struct GoogleSql {
    _process: Running,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl GoogleSql {
    /// Without a table. None where the peers are left out on purpose.
    pub fn bare() -> Option<Self> {
        let executable = executable()?;
        let mut process = Command::new(executable.with_file_name("python"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer/googlesql.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pipes = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Some(Self { _process: Running(process), pipes: RefCell::new(pipes) })
    }

    /// With table and views.
    pub fn start() -> Option<Self> {
        let peer = Self::bare()?;
        peer.apply();
        Some(peer)
    }

    fn exchange(&self, line: &Value) -> Value {
        let (input, output) = &mut *self.pipes.borrow_mut();
        writeln!(input, "{line}").unwrap();
        let mut answer = String::new();
        output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer} to {line}"))
    }

    /// Why a statement is refused.
    fn refusal(&self, sql: &str) -> String {
        let answer = self.ask(&json!({ "query": sql }));
        answer["error"]["message"].as_str().unwrap_or_else(|| panic!("it takes {sql}")).to_owned()
    }
}

impl BigQuery for GoogleSql {
    fn ask(&self, body: &Value) -> Value {
        self.exchange(body)
    }

    fn insert_into(&self, table: &str, rows: &[Value]) {
        let answer = self.exchange(&json!({ "table": format!("{PROJECT}.{DATASET}.{table}"), "rows": rows }));
        assert_eq!(answer, Value::Null);
    }
}

/// An analyzer that takes anything would prove nothing.
#[test]
fn statements_that_bigquery_refuses_are_refused() {
    let Some(peer) = GoogleSql::start() else { return };
    let logs = format!("`{PROJECT}.{DATASET}.aig_logs`");
    let check = |sql: &str, words: &str| {
        let refusal = peer.refusal(&sql.replace("LOGS", &logs));
        assert!(refusal.contains(words), "{sql}: {refusal}");
    };
    check("SELECT nothing FROM LOGS", "Unrecognized name");
    check("SELECT id FROM `nowhere`", "Table not found");
    check("CREATE TABEL t (a INT64)", "not a supported object type");
    check("CREATE TABLE `p.d.t` (a TEXT)", "Type not found");
    check("CREATE TABLE `p.d.t` (a INT64) CLUSTER BY a PARTITION BY a", "Expected end of input");
    check("CREATE TABLE `p.d.t` (a INT64) PARTITION BY DATE(b)", "Unrecognized name");
    check("CREATE VIEW v (a, b) AS SELECT 1", "number of columns");
    check("SELECT total(cost) FROM LOGS", "Function not found");
    check("SELECT strftime('%Y', created_at) FROM LOGS", "Function not found");
    check("SELECT COUNT(*) FILTER (WHERE success) FROM LOGS", "Expected end of input");
    check("SELECT id FROM LOGS WHERE success = 0", "No matching signature");
    check("SELECT id FROM LOGS WHERE created_at >= id", "No matching signature");
    check("SELECT id FROM LOGS WHERE id GLOB 'a*'", "Expected end of input");
    check("SELECT COUNT(*) FROM LOGS GROUP BY metadata", "type JSON is not allowed");
    check("SELECT model, COUNT(*) FROM LOGS", "neither grouped nor aggregated");
    check("SELECT 1 AS rows", "Unexpected keyword ROWS");
    check("SELECT 1 AS a UNION ALL SELECT 'a'", "incompatible types");
    check("SELECT @nothing", "Query parameter 'nothing' not found");
    check("WITH r(a) AS (SELECT 1) SELECT a FROM r", "Expected keyword AS");
}
