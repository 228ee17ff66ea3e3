//! The command as people run it: processes, files, and the simulator over real HTTP.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::{Connection, types::ValueRef};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

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

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(self.folder.path());
        command.args(arguments).env("SETTLE_SECONDS", "0");
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
    fn landed(&self) -> Vec<Record> {
        records(&self.ask("GET", "/simulator/rows?table=aig_logs_raw"))
    }

    fn list_calls(&self) -> u64 {
        let calls: Value = serde_json::from_str(&self.ask("GET", "/simulator/calls")).unwrap();
        calls["list"].as_u64().unwrap()
    }

    /// One request of HTTP/1.0, where the end of the connection is the end of the answer.
    fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "{method} {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.split(' ').nth(1) == Some("200"), "{head}");
        body.to_owned()
    }
}

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The command in a folder, without the settings of whoever runs the tests.
fn command(folder: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(folder).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    command
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

#[test]
fn sqlite_holds_the_source_row_by_row() {
    let world = World::start(&["--entries", "2000", "--rate", "0"]);
    world.run(&["forward"]);
    world.run(&["backfill"]);
    assert_same(&world.entries(), table(&world.path("aig-logs.sqlite")));
}

#[test]
fn bigquery_holds_the_source_row_by_row() {
    let world = World::start(&["--entries", "2000", "--rate", "0"]);
    world.run(&["forward", "--sink", "bigquery"]);
    world.run(&["backfill", "--sink", "bigquery"]);
    assert_same(&world.entries(), world.landed());
}

#[test]
fn ndjson_holds_every_id_once() {
    let world = World::start(&["--entries", "300", "--rate", "0"]);
    let printed = world.run(&["forward", "--sink", "ndjson"]) + &world.run(&["backfill", "--sink", "ndjson"]);
    assert_same(&world.entries(), records(&printed));

    fs::write(world.path("rows.ndjson"), "{\"id\":\"cut sho").unwrap();
    let into_file = ["--sink", "ndjson:rows.ndjson", "--state", "other.sqlite"];
    world.run(&[&["forward"][..], &into_file].concat());
    world.run(&[&["backfill"][..], &into_file].concat());
    let file = fs::read_to_string(world.path("rows.ndjson")).unwrap();
    let (_, whole) = file.split_once('\n').unwrap();
    assert_same(&world.entries(), records(whole));
}

/// Starts passes and kills them after a few calls, or lets them end, then runs both to their end.
fn kill_and_restart(world: &World, options: &[&str], kills: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..kills {
        let job = if rng.r#gen() { "forward" } else { "backfill" };
        let until = world.list_calls() + rng.gen_range(0..12);
        let mut pass = Running(world.command(&[&[job, "--pages", "10"], options].concat()).spawn().unwrap());
        while pass.0.try_wait().unwrap().is_none() && world.list_calls() < until {}
        // Dropped here: SIGKILL, wherever the pass is.
    }
    world.ask("POST", "/simulator/stop");
    world.run(&[&["forward"], options].concat());
    world.run(&[&["backfill"], options].concat());
}

#[test]
fn killed_twenty_times_sqlite_misses_nothing() {
    let world = World::start(&["--entries", "5000", "--rate", "6000", "--latency", "2", "--unlimited"]);
    kill_and_restart(&world, &[], 20);
    assert_same(&world.entries(), table(&world.path("aig-logs.sqlite")));
}

#[test]
fn killed_twenty_times_bigquery_misses_nothing() {
    let world = World::start(&["--entries", "5000", "--rate", "6000", "--latency", "2", "--unlimited"]);
    kill_and_restart(&world, &["--sink", "bigquery"], 20);
    let landed: BTreeMap<_, _> =
        world.landed().into_iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row)).collect();
    assert_same(&world.entries(), landed.into_values().collect());
}

#[test]
fn run_copies_both_ways_until_it_is_stopped_and_goes_on_where_it_was() {
    let world = World::start(&["--entries", "1000", "--rate", "1200"]);
    for round in 0..2 {
        let mut run = Running(world.command(&["run", "--every", "1"]).spawn().unwrap());
        let mut lines = BufReader::new(run.0.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.starts_with("backfill")), "round {round}");
        assert!(lines.any(|line| line.starts_with("forward main")), "round {round}");
        terminate(&run.0);
        assert_eq!(run.0.wait().unwrap().code(), Some(0), "round {round}");
        let mut words = String::new();
        run.0.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        assert!(words.contains("Stopping"), "{words}");
    }
    world.ask("POST", "/simulator/stop");
    let report = world.run(&["forward", "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["known"], 0, "stopping cost no repetition");
    assert_same(&world.entries(), table(&world.path("aig-logs.sqlite")));
}

fn terminate(process: &Child) {
    let kill = Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
    assert!(kill.success());
}

/// A mistake: what is set wrongly, with which options, and what the message must name.
struct Mistake {
    vars: &'static [(&'static str, &'static str)],
    sink: &'static str,
    named: &'static [&'static str],
}

/// Mistakes that show before anything is opened.
const WRONG_SETTINGS: &[Mistake] = &[
    Mistake { vars: &[("SETTLE_SECONDS", "soon")], sink: "sqlite", named: &["SETTLE_SECONDS", "whole number"] },
    Mistake { vars: &[("BACKFILL_CRON", "hourly")], sink: "sqlite", named: &["BACKFILL_CRON", "five fields"] },
    Mistake { vars: &[("CLOUDFLARE_BASE_URL", "http://example.com")], sink: "sqlite", named: &["https://"] },
    Mistake {
        vars: &[("GCP_SA_PRIVATE_KEY_PEM", "not a key")],
        sink: "bigquery",
        named: &["GCP_SA_PRIVATE_KEY_PEM", "BEGIN PRIVATE KEY"],
    },
    Mistake {
        vars: &[("GCP_SA_PRIVATE_KEY_PEM", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----")],
        sink: "bigquery",
        named: &["GCP_SA_PRIVATE_KEY_PEM", "as Google Cloud made it"],
    },
];

/// Mistakes that only the other side knows.
const REFUSED: &[Mistake] = &[
    Mistake { vars: &[("CF_API_TOKEN", "wrong")], sink: "sqlite", named: &["CF_API_TOKEN", "AI Gateway Read"] },
    Mistake { vars: &[("AIG_GATEWAY_ID", "nowhere")], sink: "sqlite", named: &["AIG_GATEWAY_ID"] },
    Mistake { vars: &[("GCP_BQ_TABLE", "nowhere")], sink: "bigquery", named: &["GCP_BQ_TABLE"] },
    Mistake { vars: &[("GCP_SA_EMAIL", "nobody@example.com")], sink: "bigquery", named: &["GCP_SA_EMAIL"] },
];

impl Mistake {
    /// Makes the mistake: exit code 2, and a message with the names and without a secret.
    fn make(&self, world: &World, state: &str) {
        let mut command = world.command(&["forward", "--sink", self.sink, "--state", state]);
        let output = command.envs(self.vars.iter().copied()).output().unwrap();
        let words = words(&output);
        assert_eq!(output.status.code(), Some(2), "{:?}: {words}", self.vars);
        for named in self.named {
            assert!(words.contains(named), "{named} is not in: {words}");
        }
        assert!(!words.contains("c2VjcmV0") && !words.contains("simulated-api-token"), "{words}");
    }
}

#[test]
fn a_wrong_setting_is_named_and_leaves_nothing_behind() {
    let world = World::start(&["--entries", "100", "--rate", "0"]);
    for mistake in WRONG_SETTINGS {
        mistake.make(&world, "fresh.sqlite");
        let files: Vec<_> = fs::read_dir(world.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, [".dev.vars"], "{:?}", mistake.vars);
    }
}

#[test]
fn a_refusal_names_the_setting_and_leaves_the_cursors_alone() {
    let world = World::start(&["--entries", "400", "--rate", "60000", "--days", "1"]);
    for sink in ["sqlite", "bigquery"] {
        let state = format!("{sink}-begun.sqlite");
        world.run(&["forward", "--sink", sink, "--state", &state]);
        world.run(&["backfill", "--sink", sink, "--state", &state, "--pages", "1"]);
    }
    for mistake in REFUSED {
        mistake.make(&world, "fresh.sqlite");
        assert_eq!(cursors(&world.path("fresh.sqlite")), [], "{:?}", mistake.vars);
        fs::remove_file(world.path("fresh.sqlite")).unwrap();
    }
    for mistake in REFUSED {
        let state = format!("{}-begun.sqlite", mistake.sink);
        let before = cursors(&world.path(&state));
        assert_eq!(before.len(), 2);
        mistake.make(&world, &state);
        assert_eq!(cursors(&world.path(&state)), before, "{:?}", mistake.vars);
    }
}

#[test]
fn a_state_serves_one_target_and_one_account() {
    let world = World::start(&["--entries", "100", "--rate", "0"]);
    world.run(&["forward"]);
    let before = cursors(&world.path("aig-logs.sqlite"));
    let refuse = |mut command: Command, named: &str| {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", words(&output));
        assert!(words(&output).contains(named) && words(&output).contains("--state"), "{}", words(&output));
    };
    refuse(world.command(&["forward", "--sink", "bigquery", "--state", "aig-logs.sqlite"]), "aig_logs_raw");
    let mut other = world.command(&["forward"]);
    other.env("CF_ACCOUNT_ID", "another");
    refuse(other, "another");
    assert_eq!(cursors(&world.path("aig-logs.sqlite")), before);

    fs::rename(world.path("aig-logs.sqlite"), world.path("moved.sqlite")).unwrap();
    world.run(&["forward", "--sink", "sqlite:moved.sqlite"]);
}

#[test]
fn a_dry_run_shows_rows_and_remembers_nothing() {
    let world = World::start(&["--entries", "200", "--rate", "0", "--days", "1"]);
    let shown = world.run(&["forward", "--dry-run", "--sink", "bigquery"]);
    assert!(!world.path("aig-logs-state.sqlite").exists());
    world.run(&["forward"]);
    let (state, rows) = (cursors(&world.path("aig-logs.sqlite")), table(&world.path("aig-logs.sqlite")));
    assert_eq!(by_id(records(&shown)).len(), rows.len());

    let shown = by_id(records(&world.run(&["backfill", "--dry-run"])));
    assert_eq!(shown.len() + rows.len(), world.entries().len());
    assert_eq!(cursors(&world.path("aig-logs.sqlite")), state);
    assert_eq!(table(&world.path("aig-logs.sqlite")), rows);
}

#[test]
fn an_explicit_stretch_is_copied_again_without_moving_a_cursor() {
    let world = World::start(&["--entries", "200", "--rate", "0"]);
    world.run(&["forward"]);
    let before = cursors(&world.path("aig-logs.sqlite"));
    world.run(&["backfill", "--from", "2000-01-01", "--to", "2100-01-01"]);
    assert_same(&world.entries(), table(&world.path("aig-logs.sqlite")));
    assert_eq!(cursors(&world.path("aig-logs.sqlite")), before);
    let backward = world.command(&["backfill", "--from", "2026-01-02", "--to", "2026-01-01"]).output().unwrap();
    assert_eq!(backward.status.code(), Some(2));
}

#[test]
fn status_says_where_things_stand() {
    let world = World::start(&["--entries", "400", "--rate", "0"]);
    let nothing = world.command(&["status"]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    assert!(words(&nothing).contains("aig-logs run"), "{}", words(&nothing));
    assert!(!world.path("aig-logs.sqlite").exists());

    world.run(&["forward"]);
    world.run(&["backfill", "--pages", "1"]);
    let status = world.run(&["status"]);
    for words in ["Gateway main", "delivered up to", "under way, delivered down to", "Problems      none"] {
        assert!(status.contains(words), "{words} is not in: {status}");
    }
    world.run(&["backfill"]);
    world.command(&["forward"]).env("CF_API_TOKEN", "wrong").output().unwrap();
    let status = world.run(&["status"]);
    for words in ["finished, down to the first entry", "forward has failed since", "somebody must act", "CF_API_TOKEN"]
    {
        assert!(status.contains(words), "{words} is not in: {status}");
    }
    let status: Value = serde_json::from_str(&world.run(&["status", "--json"])).unwrap();
    assert_eq!(status["gateways"][0]["backfill"]["state"], "finished");
    assert_eq!(status["failing"]["forward"]["transient"], false);
}

#[test]
fn the_demo_proves_that_nothing_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let demo = ["demo", "--entries", "500", "--days", "3", "--json"];
    for _ in 0..2 {
        let output = command(folder.path()).args(demo).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        let proof: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&proof["missing"], &proof["duplicated"]), (&json!(0), &json!(0)));
        assert!(proof["source"].as_u64().unwrap() > 500, "live traffic is among it: {proof}");
        assert_eq!(proof["source"], proof["rows"]);
        assert!(proof["models"].as_array().unwrap().len() > 1);
    }
    fs::write(folder.path().join("mine.sqlite"), "").unwrap();
    let output = command(folder.path()).args(demo).args(["--file", "mine.sqlite"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "a file of somebody else's is not replaced");
}

#[test]
fn the_simulator_overwrites_no_real_settings() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("real"), "CF_API_TOKEN=real\n").unwrap();
    let output = command(folder.path()).args(["simulate", "--port", "0", "--vars", "real"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
    assert_eq!(fs::read_to_string(folder.path().join("real")).unwrap(), "CF_API_TOKEN=real\n");
}

#[test]
fn a_broken_file_of_settings_is_told_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".dev.vars"), "CF_ACCOUNT_ID=1\nCF_API_TOKEN=very secret token\n").unwrap();
    let output = command(folder.path()).arg("forward").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("after CF_ACCOUNT_ID"), "{}", words(&output));
    assert!(!words(&output).contains("secret"), "{}", words(&output));
}

#[test]
fn options_that_mean_nothing_are_refused_and_help_teaches() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| command(folder.path()).args(arguments).output().unwrap();
    assert_eq!(run(&["demo", "--sink", "bigquery"]).status.code(), Some(2));
    assert_eq!(run(&["forward", "--sink", "postgres"]).status.code(), Some(2));
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    assert!(help.contains("aig-logs demo") && help.contains("Exit codes"), "{help}");
    let settings = String::from_utf8(run(&["help", "settings"]).stdout).unwrap();
    assert!(settings.contains("CF_API_TOKEN") && settings.contains("(secret)"), "{settings}");
    let completions = String::from_utf8(run(&["completions", "bash"]).stdout).unwrap();
    assert!(completions.contains("_aig__logs") && completions.contains("backfill"));
}
