//! `wrangler dev` with the built Worker: the Workers runtime itself, on this machine.

use std::{
    env, fs, io,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use aig_logs::{log::metadata::MetadataKeys, sink::sql::SQLITE};
use serde_json::{Value, json};

use super::{log::Log, output::Output};
use crate::{
    cli::World,
    process::{Group, receive, send},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The variable that names the Worker that copies logs.
pub const WORKER: &str = "AIG_LOGS_WORKER";

/// What Google's tokens and our assertions begin with.
const TOKENS: [&str; 2] = ["ya29.", "eyJ"];

/// A running Worker in a world's folder, where a later one finds the state of this one.
pub struct Runtime {
    /// None once it has ended.
    group: Option<Group>,
    output: Output,
    address: SocketAddr,
    secrets: Vec<String>,
}

impl Runtime {
    /// Starts the Worker with the settings that the simulator gives, and with these instead or besides.
    pub fn start(world: &World, settings: &[(&str, &str)]) -> Self {
        let vars = vars(world, settings);
        fs::write(folder(world).join(".dev.vars"), vars.join("\n")).unwrap();
        let (group, output, address) = dev(&folder(world), &[]);
        Self { group: Some(group), output, address, secrets: secrets(&vars) }
    }

    /// Fires a cron: whether the pass shows as good, and the last object it logs.
    pub fn tick(&self, cron: &str) -> (bool, Log) {
        let before = self.output.len();
        let good = self.fire(cron);
        (good, self.output.wait(before, |text| Log::all(text).into_iter().find(Log::is_last_word)))
    }

    /// Fires a cron that may log nothing: whether the pass shows as good.
    pub fn fire(&self, cron: &str) -> bool {
        self.begin(cron).end()
    }

    /// Fires a cron and does not wait for the pass.
    pub fn begin(&self, cron: &str) -> Pass {
        let path = format!("/cdn-cgi/local/scheduled?cron={}&format=json", cron.replace(' ', "+"));
        Pass(send(self.address, "GET", &path, "").unwrap())
    }

    /// The objects logged so far, which are `count` at least.
    pub fn logs(&self, count: usize) -> Vec<Log> {
        self.output.wait(0, |text| Some(Log::all(text)).filter(|logs| logs.len() >= count))
    }
}

/// Gives the Worker of a world a database in D1 with its tables and views. Call it before the Worker starts.
pub fn bind_d1(world: &World) {
    let file = folder(world).join("wrangler.toml");
    let text = fs::read_to_string(&file).unwrap();
    let ids = "database_name = \"aig-events\"\ndatabase_id = \"d1d1d1d1-0000-4000-8000-000000000001\"";
    fs::write(&file, format!("{text}\n[[d1_databases]]\nbinding = \"EVENTS_DB\"\n{ids}\n")).unwrap();
    let script = folder(world).join("tables.sql");
    let texts: Vec<_> = SQLITE.iter().map(|script| script.for_sqlite(&MetadataKeys::default())).collect();
    fs::write(&script, texts.concat()).unwrap();
    d1(world, &["--file", script.to_str().unwrap()]);
}

/// What D1 answers to a statement, as `wrangler` tells it.
pub fn in_d1(world: &World, statement: &str) -> Value {
    let mut answers: Value = serde_json::from_str(&d1(world, &["--json", "--command", statement])).unwrap();
    answers[0].take()
}

fn d1(world: &World, arguments: &[&str]) -> String {
    let arguments = [&["d1", "execute", "EVENTS_DB", "--local", "--yes", "--env="], arguments].concat();
    let output = wrangler(&folder(world), &arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A pass that has begun.
pub struct Pass(TcpStream);

impl Pass {
    /// Waits for its end: whether it shows as good.
    pub fn end(self) -> bool {
        let (status, answer) = receive(self.0).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((answer["outcome"] == "ok", answer["outcome"] == "exception"), (status == 200, status == 500));
        status == 200
    }
}

/// SIGKILL to all of its processes, wherever the pass is. Nothing it ever said may hold a secret.
impl Drop for Runtime {
    fn drop(&mut self) {
        drop(self.group.take());
        self.output.finish();
        if !thread::panicking() {
            let text = self.output.text();
            let told = self.secrets.iter().any(|secret| text.contains(secret));
            assert!(!told, "the output holds a secret:\n{text}");
        }
    }
}

/// The text of a key in `STATE_KV`.
pub fn stored(world: &World, key: &str) -> String {
    kv(world, &["key", "get", key])
}

/// Puts values into `STATE_KV`.
pub fn store(world: &World, values: &[(&str, &str)]) {
    let values: Vec<_> = values.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let file = folder(world).join("values.json");
    fs::write(&file, Value::from(values).to_string()).unwrap();
    kv(world, &["bulk", "put", file.to_str().unwrap()]);
}

fn kv(world: &World, arguments: &[&str]) -> String {
    let arguments = [&["kv"], arguments, &["--local", "--binding", "STATE_KV"]].concat();
    let output = wrangler(&folder(world), &arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A built Worker as `scripts/test` names it in this variable; none where that says to go without.
pub fn built(variable: &str) -> Option<PathBuf> {
    if env::var_os("AIG_LOGS_WITHOUT_WORKER").is_some() {
        return None;
    }
    let path = env::var_os(variable).unwrap_or_else(|| {
        panic!(
            "no built Worker: run scripts/test, which builds it and sets {variable} to its index.js, \
             or set AIG_LOGS_WITHOUT_WORKER=1 to test without it"
        )
    });
    Some(fs::canonicalize(&path).unwrap_or_else(|error| panic!("{variable} is {}: {error}", path.display())))
}

/// Starts `wrangler dev` in a folder with its configuration, and waits until it is ready.
pub fn dev(folder: &Path, arguments: &[&str]) -> (Group, Output, SocketAddr) {
    let dev = ["dev", "--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0"];
    let command = wrangler(folder, &[&dev[..], &["--show-interactive-dev-session=false"], arguments].concat());
    let (reader, writer) = io::pipe().unwrap();
    let group = Group::start(&command, writer.try_clone().unwrap(), writer);
    let output = Output::of(reader);
    let address = output.wait(0, |text| text.split_once("Ready on http://")?.1.split_once('\n')?.0.parse().ok());
    (group, output, address)
}

/// `wrangler` in a folder, where everything it keeps stays. It tells nobody, and asks nobody.
pub fn wrangler(folder: &Path, arguments: &[&str]) -> Command {
    let tools = Path::new(ROOT).join("node_modules/.bin");
    let mut command = Command::new(tools.join("node"));
    command.arg(tools.join("wrangler")).args(arguments);
    // What is deployed keeps nothing here.
    if arguments.first() != Some(&"deploy") {
        command.arg("--persist-to").arg(folder.join("state"));
    }
    command.current_dir(folder).env_clear().env("PATH", format!("{}:/usr/bin:/bin", tools.display()));
    command.envs(["HOME", "TMPDIR"].map(|name| (name, folder)));
    command.envs([("WRANGLER_SEND_METRICS", "false"), ("CLOUDFLARE_CF_FETCH_ENABLED", "false")]);
    command
}

/// Where `wrangler` runs, with a configuration in it.
fn folder(world: &World) -> PathBuf {
    let folder = world.path("worker");
    if !folder.exists() {
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("wrangler.toml"), configuration(&built(WORKER).unwrap())).unwrap();
    }
    folder
}

/// The project's own configuration, with the Worker that is built already.
fn configuration(built: &Path) -> String {
    let text = fs::read_to_string(Path::new(ROOT).join("wrangler.toml")).unwrap();
    let (head, rest) = text.split_once("[build]\n").unwrap();
    let (_, rest) = rest.split_once("\n[").unwrap();
    let (before, after) = head.split_once("main = \"build/index.js\"\n").unwrap();
    format!("{before}main = {built:?}\n{after}[{rest}")
}

/// The lines of `.dev.vars`; the last of a name counts.
fn vars(world: &World, settings: &[(&str, &str)]) -> Vec<String> {
    let given = fs::read_to_string(world.path(".dev.vars")).unwrap();
    let settings = [&[("SETTLE_SECONDS", "0")], settings].concat();
    let quoted = settings.iter().map(|(name, value)| format!("{name}='{value}'"));
    given.lines().map(str::to_owned).chain(quoted).collect()
}

/// What must not be told: the API token, the private keys line by line, and what they are exchanged for.
fn secrets(vars: &[String]) -> Vec<String> {
    let names = ["CF_API_TOKEN=", "GCP_SA_PRIVATE_KEY_PEM="];
    let given = vars.iter().filter(|line| names.iter().any(|name| line.starts_with(name)));
    let values = given.map(|line| line.split_once('=').unwrap().1.replace("\\n", "\n")).collect::<Vec<_>>();
    let lines = values.iter().flat_map(|value| value.lines().map(|line| line.trim_matches(['\'', '"'])));
    let lines: Vec<_> = lines.filter(|line| !line.is_empty() && !line.contains("-----")).collect();
    assert!(lines.len() > 20, "a key has some 26 lines");
    lines.into_iter().chain(TOKENS).map(str::to_owned).collect()
}
