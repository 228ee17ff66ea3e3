//! `BigQuery` on this machine: `local-bigquery`, which `scripts/test` installs, with the table and the view of
//! `sql/bigquery/`. It speaks the wire format and the SQL; faults, limits and sign-in are the simulator's part. A second
//! peer, in `googlesql.rs`, knows the SQL alone, and knows it better.
//!
//! What `local-bigquery` 0.3.2 does otherwise than `GoogleSQL`, and `BigQuery` with it:
//! - `JSON_SET` takes one path, and takes a key away whose new value is null.
//! - JSON keeps the order of its keys; in `BigQuery` they are in alphabetical order.
//! - `ORDER BY name`, where a column of the table and one of the answer are called so, is by that of the table. Inside an
//!   aggregate it is the other way round: there `GoogleSQL` refuses the column of the answer. So texts name the table.
//! - A dry run says that 0 bytes are read.

mod applied;
pub mod googlesql;
pub mod questions;

use std::{
    collections::BTreeMap,
    env, fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{self, Path, PathBuf},
    process::Command,
    time::Duration,
};

use aig_logs::{
    event::EVENTS,
    log::columns::LOGS,
    record::{Column, Kind},
    time::{self, Timestamp},
};
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::{
    cli,
    process::{Running, exchange},
    world::{
        expected::{expected, of_sink},
        table::select,
    },
};

pub const PROJECT: &str = "test-project";
pub const DATASET: &str = "ai_gateway";
pub const TABLE: &str = "aig_logs_raw";

/// It answers after about 2 s on an idle machine; this waits a minute.
const READY_TRIES: u32 = 600;
const READY_PAUSE: Duration = Duration::from_millis(100);

/// A peer that takes statements and rows.
pub trait BigQuery {
    /// The answer to a body of `jobs.query`, or the error.
    fn ask(&self, body: &Value) -> Value;

    /// Writes rows into a table of the dataset, each of them, copies included.
    fn insert_into(&self, table: &str, rows: &[Value]);

    /// Writes rows into the raw table.
    fn insert(&self, rows: &[Value]) {
        self.insert_into(TABLE, rows);
    }

    /// The rows that a statement gives, each from column name to text or null: `BigQuery` answers every type as text.
    fn query(&self, sql: &str) -> Vec<Map<String, Value>> {
        let answer = self.ask(&json!({ "query": sql, "useLegacySql": false }));
        assert!(answer["error"].is_null(), "{sql}\n{answer}");
        assert!(answer["pageToken"].is_null(), "more rows than one answer holds: {sql}");
        let names = list(&answer["schema"]["fields"]).iter().map(|field| text(&field["name"]));
        let cells = |row: &Value| list(&row["f"]).iter().map(|cell| cell["v"].clone()).collect::<Vec<_>>();
        list(&answer["rows"]).iter().map(|row| names.clone().zip(cells(row)).collect()).collect()
    }

    /// The same, each value with its type: instants are texts as in answers, and JSON is as it is.
    fn lines(&self, body: &Value) -> Vec<Map<String, Value>> {
        let answer = self.ask(body);
        assert!(answer["error"].is_null(), "{body}\n{answer}");
        let fields = list(&answer["schema"]["fields"]);
        let line = |row: &Value| {
            let cells = fields.iter().zip(list(&row["f"]));
            cells
                .map(|(field, cell)| (text(&field["name"]), of_type(text(&field["type"]).as_str(), &cell["v"])))
                .collect()
        };
        list(&answer["rows"]).iter().map(line).collect()
    }

    /// Writes the events and logs of a SQLite file.
    fn copy_of(&self, file: &Connection) {
        for table in [&EVENTS, &LOGS] {
            let kind_of = |name: &str| table.columns.iter().find(|column| column.name == name).unwrap().kind;
            let mut rows = select(file, table.name);
            for row in &mut rows {
                let row = row.as_object_mut().unwrap();
                row.retain(|_, value| !value.is_null());
                for (name, value) in row.iter_mut().filter(|(name, _)| kind_of(name) == Kind::Bool) {
                    assert!(value.is_u64(), "{name}");
                    *value = (*value == 1).into();
                }
            }
            if !rows.is_empty() {
                self.insert_into(table.name, &rows);
            }
        }
    }

    /// Carries out all statements.
    fn apply(&self) {
        for file in statements() {
            let sql = read(&file)
                .replace("${GCP_BQ_PROJECT}", PROJECT)
                .replace("${GCP_BQ_DATASET}", DATASET)
                .replace("${GCP_BQ_TABLE}", TABLE);
            self.query(&sql);
        }
    }
}

/// A running peer with an empty dataset; dropping it ends the server.
pub struct Peer {
    server: Running,
    address: SocketAddr,
    folder: TempDir,
}

impl Peer {
    /// The settings of the command that name its table.
    pub const SETTINGS: [(&str, &str); 3] =
        [("GCP_BQ_PROJECT", PROJECT), ("GCP_BQ_DATASET", DATASET), ("GCP_BQ_TABLE", TABLE)];

    /// With table and views, as if [`BigQuery::apply`] had just made them. None where the peer is left out on purpose.
    pub fn start() -> Option<Self> {
        let executable = executable()?;
        let folder = tempfile::tempdir().unwrap();
        applied::copy_into(folder.path());
        Some(Self::of(&executable, folder))
    }

    /// Without a table.
    pub fn bare() -> Option<Self> {
        let peer = Self::of(&executable()?, tempfile::tempdir().unwrap());
        peer.query(&format!("CREATE SCHEMA `{PROJECT}.{DATASET}`"));
        Some(peer)
    }

    /// It is told its folder by a relative path, which it remembers in there: the folder may be copied.
    fn of(executable: &Path, folder: TempDir) -> Self {
        let [http, grpc] = free_addresses();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let server = Command::new(executable)
            .args(["serve", "--host", "127.0.0.1", "--project", PROJECT, "--data-dir", "."])
            .args(["--port", &http.port().to_string(), "--grpc-port", &grpc.port().to_string()])
            .current_dir(folder.path())
            .env("HOME", environment(executable).join("home"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("starting {}: {error}", executable.display()));
        let mut peer = Self { server: Running(server), address: http, folder };
        peer.wait_until_ready();
        peer
    }

    /// Ends the server, and gives its folder.
    fn end(self) -> TempDir {
        self.folder
    }

    /// For `BIGQUERY_EMULATOR_HOST`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Status and body of a POST to a path under the project's address.
    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let path = format!("/bigquery/v2/projects/{PROJECT}{path}");
        let (status, body) = exchange(self.address, "POST", &path, &body.to_string()).unwrap();
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// Lets the command copy a world into the table.
    pub fn copy(&self, world: &cli::World, job: &str) {
        let mut command = world.command(&[job, "--sink", "bigquery"]);
        command.env("BIGQUERY_EMULATOR_HOST", self.origin()).envs(Self::SETTINGS);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn wait_until_ready(&mut self) {
        let path = format!("/bigquery/v2/projects/{PROJECT}/datasets");
        for _ in 0..READY_TRIES {
            if let Ok((status, body)) = exchange(self.address, "GET", &path, "") {
                assert_eq!(status, 200, "{body}");
                return;
            }
            if self.server.0.try_wait().unwrap().is_some() {
                break;
            }
            pause();
        }
        panic!("local-bigquery gives no answer:\n{}", read(&self.folder.path().join("log")));
    }
}

impl BigQuery for Peer {
    fn ask(&self, body: &Value) -> Value {
        let (status, answer) = self.post("/queries", body);
        assert_eq!(status == 200, answer["error"].is_null(), "{body}\n{answer}");
        answer
    }

    fn insert_into(&self, table: &str, rows: &[Value]) {
        let path = format!("/datasets/{DATASET}/tables/{table}/insertAll");
        let rows: Vec<_> = rows.iter().map(|row| json!({ "json": row })).collect();
        let (status, answer) = self.post(&path, &json!({ "rows": rows }));
        assert_eq!((status, &answer["insertErrors"]), (200, &Value::Null), "{answer}");
    }
}

/// `local-bigquery` as `scripts/test` names it; none where that says to go without.
fn executable() -> Option<PathBuf> {
    if env::var_os("AIG_LOGS_WITHOUT_PEER").is_some() {
        return None;
    }
    let path = env::var_os("AIG_LOGS_LOCAL_BIGQUERY").expect(
        "no BigQuery peer: run scripts/test, which installs it and sets AIG_LOGS_LOCAL_BIGQUERY to its executable, \
         or set AIG_LOGS_WITHOUT_PEER=1 to test without it",
    );
    Some(path::absolute(path).unwrap())
}

/// The virtual environment of an executable: it holds `bin/`, and as `home/` the extensions of `DuckDB`.
fn environment(executable: &Path) -> &Path {
    executable.ancestors().nth(2).unwrap()
}

/// Two addresses nobody listens on; a stranger may take one before the peer does, which shows in the log.
fn free_addresses() -> [SocketAddr; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}

/// The files of `sql/bigquery/`, in the order of their numbers.
fn statements() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/bigquery");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[expect(clippy::disallowed_methods, reason = "a server that starts gives no sign but its first answer")]
fn pause() {
    std::thread::sleep(READY_PAUSE);
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A value of `BigQuery`'s answer, which has every type as text.
fn of_type(kind: &str, value: &Value) -> Value {
    let Some(text) = value.as_str() else { return Value::Null };
    match kind {
        "STRING" | "DATE" => text.into(),
        "TIMESTAMP" => time::text(instant(text)).into(),
        "INTEGER" | "INT64" => text.parse::<i64>().unwrap().into(),
        "FLOAT" | "FLOAT64" => text.parse::<f64>().unwrap().into(),
        "BOOLEAN" | "BOOL" | "JSON" => serde_json::from_str(text).unwrap(),
        other => panic!("{other}"),
    }
}

/// An instant, from its seconds.
fn instant(text: &str) -> Timestamp {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let micros: u32 = format!("{fraction:0<6}").parse().unwrap();
    Timestamp::from_timestamp(seconds.parse().unwrap(), 1_000 * micros).unwrap()
}

#[test]
fn view_shows_a_log_written_twice_once_and_in_its_newest_version() {
    let Some(peer) = Peer::start() else { return };
    for (ingested_at, feedback) in [("10:00:05", Value::Null), ("10:00:09", json!(-1))] {
        let row = json!({
            "id": "01JD", "created_at": "2026-11-21T10:00:00.123456Z", "tokens_in": 0, "cost": 0.000_123,
            "metadata": r#"{"team":"search"}"#, "feedback": feedback,
            "ingested_at": format!("2026-11-21T{ingested_at}Z"),
        });
        peer.insert(&[row]);
    }
    let sql = "SELECT id, created_at, tokens_in, tokens_out, cost, JSON_VALUE(metadata.team) AS team, feedback";
    let rows = Value::from_iter(peer.query(&format!("{sql} FROM `{PROJECT}.{DATASET}.aig_logs`")));
    let newest = json!([{
        "id": "01JD", "created_at": "1795255200.123456", "tokens_in": "0", "tokens_out": null, "cost": "0.000123",
        "team": "search", "feedback": "-1",
    }]);
    assert_eq!(rows, newest, "asked at {}", peer.origin());
}

#[test]
fn the_command_writes_the_source_value_by_value() {
    let Some(peer) = Peer::start() else { return };
    let world = cli::World::start(&["--entries", "1200", "--rate", "0"]);
    for job in ["forward", "backfill"] {
        peer.copy(&world, job);
    }
    let rows = peer.query(&format!("SELECT * FROM `{PROJECT}.{DATASET}.aig_logs`"));
    let rows: BTreeMap<_, _> = rows.iter().map(|row| (text(&row["id"]), of_sink(&typed(row)))).collect();
    let entries = world.entries();
    assert_eq!((rows.len(), entries.len()), (1200, 1200));
    for (id, entry) in entries {
        assert_eq!(rows[&id], expected(&Value::from(entry), "main"), "{id}");
    }
}

/// A row of the peer, which answers every type as text, with values of their types.
fn typed(row: &Map<String, Value>) -> Value {
    let value = |column: &Column| match (&row[column.name], column.kind) {
        (Value::String(text), Kind::Integer | Kind::Float | Kind::Bool) => serde_json::from_str(text).unwrap(),
        (Value::String(seconds), Kind::Instant) => instant(seconds).to_rfc3339().into(),
        (value, _) => value.clone(),
    };
    LOGS.columns.iter().map(|column| (column.name.to_owned(), value(column))).collect()
}

#[test]
fn statements_are_in_bigquerys_dialect() {
    assert_dialect(&statements());
}

/// Fails where a file of statements is not what sqlglot knows as BigQuery's SQL.
pub fn assert_dialect(files: &[PathBuf]) {
    let Some(executable) = executable() else { return };
    let parsed = Command::new(executable.with_file_name("python"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer/parse_sql.py"))
        .args(files)
        .output()
        .unwrap();
    assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
}
