//! The command as people run it: processes, files, and the simulator over real HTTP.

mod alerts;
mod apply;
mod ask;
mod ask_bigquery;
mod copies;
mod d1;
mod dead_letters;
mod demo;
mod doctor;
mod estimate;
mod explain;
mod fail_if;
mod files;
mod health;
mod hold;
mod looker;
mod reader;
mod refusals;
mod report;
mod run;
mod secrets;
mod serve_bigquery;
mod settings;
mod setup;
mod several;
mod snapshots;
mod sql;
mod status;
mod storm;
mod trust;
mod verify;
mod width;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{ChildStderr, Command, Output, Stdio},
};

use rusqlite::{Connection, types::ValueRef};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::process::{Running, exchange};

const BINARY: &str = env!("CARGO_BIN_EXE_aig-logs");

/// A row, or an entry, by column.
pub type Record = Map<String, Value>;

/// Columns that a row takes from its entry as they are.
const SAME: [&str; 11] = [
    "id",
    "created_at",
    "provider",
    "model",
    "success",
    "status_code",
    "cached",
    "duration",
    "tokens_in",
    "cost",
    "path",
];

/// A running `aig-logs simulate`, and a folder in which to run the command against it.
pub struct World {
    folder: TempDir,
    _server: Running,
    address: SocketAddr,
    /// Open for as long as the server may say something.
    _words: BufReader<ChildStderr>,
}

impl World {
    pub fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = command(folder.path())
            .args(["simulate", "--port", "0", "--vars", ".dev.vars"])
            .args(arguments)
            .spawn()
            .unwrap();
        let mut server = Running(server);
        let mut words = BufReader::new(server.0.stderr.take().unwrap());
        let mut line = String::new();
        words.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap_or_else(|| panic!("{line}"));
        let address = address.split(' ').next().unwrap().parse().unwrap();
        Self { folder, _server: server, address, _words: words }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The command in the world's folder. The addresses stand in the environment too, where tests set secrets.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(self.folder.path());
        let base = format!("http://{}", self.address);
        command.args(arguments).env("SETTLE_SECONDS", "0").env("CLOUDFLARE_BASE_URL", format!("{base}/client/v4"));
        command.env("GCP_TOKEN_URI", format!("{base}/token")).env("BIGQUERY_EMULATOR_HOST", &base);
        command
    }

    /// The output of a command that must end well.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", words(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the simulator itself says it has.
    pub fn entries(&self) -> BTreeMap<String, Record> {
        by_id(records(&self.ask("GET", "/simulator/entries?gateway=main")))
    }

    /// Rows of the simulated table, copies included.
    pub fn landed(&self) -> Vec<Record> {
        records(&self.ask("GET", "/simulator/rows?table=aig_logs_raw"))
    }

    /// The calls that the simulator has answered, by kind.
    pub fn calls(&self) -> Value {
        serde_json::from_str(&self.ask("GET", "/simulator/calls")).unwrap()
    }

    fn list_calls(&self) -> u64 {
        self.calls()["list"].as_u64().unwrap()
    }

    /// What the simulator answers its operator.
    pub fn ask(&self, method: &str, path: &str) -> String {
        self.tell(method, path, "")
    }

    /// The same, with something to say.
    pub fn tell(&self, method: &str, path: &str, body: &str) -> String {
        let (status, answer) = exchange(self.address, method, path, body).unwrap();
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

/// The command in a folder, without the settings of whoever runs the tests.
fn command(folder: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(folder).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What the command says in a folder that holds these settings and nothing else.
fn with_settings(vars: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".dev.vars"), vars).unwrap();
    command(folder.path()).args(arguments).output().unwrap()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn records(lines: &str) -> Vec<Record> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn by_id(records: Vec<Record>) -> BTreeMap<String, Record> {
    let many = records.len();
    let by_id: BTreeMap<_, _> =
        records.into_iter().map(|record| (record["id"].as_str().unwrap().to_owned(), record)).collect();
    assert_eq!(by_id.len(), many, "an id comes twice");
    by_id
}

/// The raw table of a SQLite file.
fn table(path: &Path) -> Vec<Record> {
    let file = Connection::open(path).unwrap();
    let mut statement = file.prepare("SELECT * FROM aig_logs_raw").unwrap();
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let value = |value: ValueRef<'_>| match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => integer.into(),
        ValueRef::Real(float) => float.into(),
        ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap().into(),
        ValueRef::Blob(_) => panic!("no column holds bytes"),
    };
    let rows = statement.query_map([], |row| {
        Ok(names.iter().enumerate().map(|(i, name)| (name.clone(), value(row.get_ref(i).unwrap()))).collect())
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// The cursors in a state file; none where there is no file.
fn cursors(path: &Path) -> Vec<(String, String)> {
    if !path.exists() {
        return Vec::new();
    }
    let file = Connection::open(path).unwrap();
    let sql =
        "SELECT key, value FROM aig_logs_state WHERE store = 'state' AND key IN ('forward', 'oldest') ORDER BY key";
    let mut statement = file.prepare(sql).unwrap();
    let cursors = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    cursors.map(Result::unwrap).collect()
}

/// Every entry is there once, with its values.
#[track_caller]
fn assert_same(entries: &BTreeMap<String, Record>, rows: Vec<Record>) {
    let rows = by_id(rows);
    assert!(!entries.is_empty());
    assert!(entries.keys().eq(rows.keys()), "{} entries, {} rows", entries.len(), rows.len());
    for (id, entry) in entries {
        for column in SAME {
            let [given, kept] = [entry, &rows[id]].map(|record| comparable(record.get(column)));
            assert_eq!(given, kept, "{column} of {id}");
        }
    }
}

/// SQLite has 0 and 1 for truths, JSON has two ways to write a whole number, and absent is null.
fn comparable(value: Option<&Value>) -> Value {
    match value {
        None => Value::Null,
        Some(Value::Bool(truth)) => json!(f64::from(u8::from(*truth))),
        Some(Value::Number(number)) => json!(number.as_f64()),
        Some(other) => other.clone(),
    }
}
