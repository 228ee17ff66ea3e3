//! `wrangler dev` with the Worker that receives events, perhaps several of it, and one that calls them.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    thread,
    time::Duration,
};

use aig_logs::{host::native::now, sink::sql::SQLITE};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    process::Group,
    worker::{
        output::Output,
        runtime::{built, dev},
    },
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// A key of all orgs and scopes.
pub const ADMIN: &str = "an admin key of the tests";

/// The Worker with the project's own configuration.
pub const PLAIN: &str = "EVENTS";

/// A running caller, with the Workers that it calls.
pub struct Events {
    /// Everything that it keeps.
    _folder: TempDir,
    /// None once it has ended.
    group: Option<Group>,
    output: Output,
    address: SocketAddr,
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends a request, and reads the answer to its end.
pub fn exchange(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(ANSWER_TIMEOUT)).unwrap();
    write!(connection, "{method} {path} HTTP/1.0\r\nhost: {address}\r\n").unwrap();
    for (name, value) in headers {
        write!(connection, "{name}: {value}\r\n").unwrap();
    }
    write!(connection, "content-length: {}\r\n\r\n", body.len()).unwrap();
    // A server that has read enough of a body may answer before its end.
    let _ = connection.write_all(body);
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").expect(&answer);
    let (status, headers) = head.split_once("\r\n").unwrap();
    let headers = headers.lines().filter_map(|line| line.split_once(": "));
    Answer {
        status: status.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
        text: text.to_owned(),
    }
}

/// How the configuration of a Worker differs from the project's.
pub type Change = fn(&mut toml::Table);

impl Events {
    /// Starts the Worker with tables in its database; none where the Worker is left out on purpose.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same, and further ones, which are other by their name and a change.
    pub fn start_with(others: &[(&str, Change)]) -> Option<Self> {
        let events = Self::without_tables(others)?;
        events.make_tables();
        Some(events)
    }

    /// The same, with an empty database.
    pub fn without_tables(others: &[(&str, Change)]) -> Option<Self> {
        let built = built("AIG_LOGS_EVENTS_WORKER")?;
        let folder = tempfile::tempdir().unwrap();
        let workers: Vec<_> = [(PLAIN, (|_| {}) as Change)].into_iter().chain(others.iter().copied()).collect();
        let mut arguments = vec!["--config".to_owned(), write(folder.path(), "caller", &caller(&workers))];
        for (name, change) in &workers {
            let mut configuration = configuration(&built);
            configuration.insert("name".into(), service(name).into());
            change(&mut configuration);
            arguments.extend(["--config".to_owned(), write(folder.path(), name, &configuration)]);
            fs::write(folder.path().join(name).join(".dev.vars"), format!("EVENTS_ADMIN_KEY=\"{ADMIN}\"\n")).unwrap();
        }
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let (group, output, address) = dev(folder.path(), &arguments);
        Some(Self { _folder: folder, group: Some(group), output, address })
    }

    /// Sends a request to one of the Workers.
    pub fn send(&self, worker: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let headers: Vec<_> = [("x-worker", worker)].into_iter().chain(headers.iter().copied()).collect();
        exchange(self.address, method, path, &headers, body)
    }

    /// The same, of JSON with a key, to the Worker with the project's own configuration.
    pub fn ask(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        self.ask_of(PLAIN, key, method, path, body)
    }

    /// The same, to one of the Workers.
    pub fn ask_of(&self, worker: &str, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(worker, method, path, &headers, body.as_bytes())
    }

    /// Makes the tables of events, logs and keys.
    pub fn make_tables(&self) {
        for script in SQLITE.iter().filter(|script| script.text.contains("CREATE TABLE")) {
            self.sql(script.text, &[]);
        }
    }

    /// What the caller answers.
    pub fn caller(&self, path: &str, given: &Value) -> Value {
        let answer = self.send("", "POST", path, &[], given.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}\n{}", self.output.text());
        answer.json()
    }

    /// Calls a method over a service binding: its answer, or the message of its error.
    pub fn call(&self, binding: &str, method: &str, given: &Value) -> Result<Value, String> {
        let mut told = self.caller("/call", &json!({ "binding": binding, "method": method, "given": given }));
        match told["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(told["answer"].take()),
        }
    }

    /// The rows and the effect of a statement, run by the caller.
    pub fn sql(&self, text: &str, values: &[Value]) -> Value {
        self.caller("/sql", &json!({ "text": text, "values": values }))
    }

    /// The rows of a statement.
    pub fn rows(&self, text: &str) -> Vec<Value> {
        self.sql(text, &[])["results"].as_array().unwrap().clone()
    }

    /// The number of events in the database.
    pub fn count(&self) -> u64 {
        self.rows("SELECT count(*) AS n FROM events_raw")[0]["n"].as_u64().unwrap()
    }

    /// Asks again and again until something has happened.
    pub fn until(&self, mut happened: impl FnMut() -> bool) {
        let end = now() + ANSWER_TIMEOUT;
        while !happened() {
            assert!(now() < end, "it does not happen:\n{}", self.output.text());
        }
    }

    /// What the runtime has said so far.
    pub fn output(&self) -> &Output {
        &self.output
    }
}

/// Nothing it ever said may hold the key.
impl Drop for Events {
    fn drop(&mut self) {
        drop(self.group.take());
        self.output.finish();
        if !thread::panicking() {
            let text = self.output.text();
            assert!(!text.contains(ADMIN), "the output holds a secret:\n{text}");
        }
    }
}

/// `[env.events]` of the project's own configuration, with the Worker that is built already.
pub fn configuration(built: &Path) -> toml::Table {
    let whole: toml::Table = text().parse().unwrap();
    let mut configuration = whole["env"]["events"].as_table().unwrap().clone();
    for name in ["compatibility_date", "compatibility_flags"] {
        configuration.insert(name.into(), whole[name].clone());
    }
    configuration.remove("build");
    let assets = configuration["assets"].as_table_mut().unwrap();
    let directory = Path::new(ROOT).join(assets["directory"].as_str().unwrap());
    assets.insert("directory".into(), directory.to_str().unwrap().into());
    configuration.insert("main".into(), built.to_str().unwrap().into());
    configuration
}

/// The queue, as the project's own configuration has it in comments.
pub fn queues() -> toml::Value {
    let text = text();
    let (_, queues) = text.split_once("# [[env.events.queues.producers]]\n").unwrap();
    let lines = queues.lines().map_while(|line| line.strip_prefix('#'));
    let queues = lines.fold("[[env.events.queues.producers]]".to_owned(), |text, line| text + "\n" + line.trim());
    queues.parse::<toml::Table>().unwrap()["env"]["events"]["queues"].clone()
}

/// The bucket of the archive, as the project's own configuration has it in comments.
pub fn bucket() -> toml::Value {
    let text = text();
    let (_, bucket) = text.split_once("# [[env.events.r2_buckets]]\n").unwrap();
    let lines = bucket.lines().map_while(|line| line.strip_prefix('#'));
    let bucket = lines.fold("[[env.events.r2_buckets]]".to_owned(), |text, line| text + "\n" + line.trim());
    bucket.parse::<toml::Table>().unwrap()["env"]["events"]["r2_buckets"].clone()
}

fn text() -> String {
    fs::read_to_string(Path::new(ROOT).join("wrangler.toml")).unwrap()
}

/// The caller: bound to each Worker by its name and by the names of old bindings, and to their database, namespace and
/// queue.
fn caller(workers: &[(&str, Change)]) -> toml::Table {
    let mut caller = configuration(&Path::new(ROOT).join("tests/it/worker/events/caller.js"));
    for name in ["ratelimits", "vars", "triggers"] {
        caller.remove(name);
    }
    caller.insert("name".into(), "caller".into());
    let mut queues = queues();
    queues.as_table_mut().unwrap().remove("consumers");
    caller.insert("queues".into(), queues);
    let old = ["UU_STREAM", "EVENTS_PIPELINE", "ANALYTICS_ENGINE", "ANALYTICS_INGESTION"].map(|name| (name, PLAIN));
    let bindings = workers.iter().map(|(name, _)| (*name, *name)).chain(old);
    let services = bindings.map(|(binding, worker)| {
        let members = [("binding", binding.to_owned()), ("service", service(worker))];
        toml::Value::from(toml::Table::from_iter(members.map(|(name, value)| (name.to_owned(), value.into()))))
    });
    caller.insert("services".into(), services.collect::<Vec<_>>().into());
    caller
}

/// The name under which a Worker is bound.
fn service(worker: &str) -> String {
    worker.to_lowercase()
}

fn write(folder: &Path, name: &str, configuration: &toml::Table) -> String {
    let folder = folder.join(name);
    fs::create_dir(&folder).unwrap();
    let path = folder.join("wrangler.json");
    fs::write(&path, serde_json::to_string(configuration).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}
