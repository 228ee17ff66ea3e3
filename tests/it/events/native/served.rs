//! Commands in a folder of their own, a server that runs there, and a plain client.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{ChildStderr, Command, Stdio},
    time::Duration,
};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Running;

pub const BINARY: &str = env!("CARGO_BIN_EXE_aig-logs");

/// The name of the file in its folder.
pub const DB: &str = "events.sqlite";

/// How long a test waits for an answer before it fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder in which the commands run, without the settings of whoever runs the tests.
pub struct Place(pub TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn db(&self) -> PathBuf {
        self.0.path().join(DB)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(BINARY), arguments)
    }

    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.0.path()).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Exit code, output and words of a command.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// A new key of an org.
    pub fn key(&self, org: &str, scopes: &str) -> String {
        let (code, key, words) = self.run(&["keys", "create", "--db", DB, "--org", org, "--scopes", scopes]);
        assert_eq!(code, Some(0), "{words}");
        key.trim().to_owned()
    }

    pub fn serve(&self, vars: &[(&str, &str)]) -> Served {
        let mut command = self.command(&["serve", "--db", DB, "--listen", "127.0.0.1:0"]);
        Served::start(command.envs(vars.iter().copied()))
    }

    pub fn count(&self, sql: &str) -> i64 {
        Connection::open(self.db()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub fn events(&self) -> i64 {
        self.count("SELECT count(*) FROM events_raw")
    }
}

/// A server that runs.
pub struct Served {
    pub running: Running,
    pub address: SocketAddr,
    pub words: BufReader<ChildStderr>,
}

impl Served {
    pub fn start(command: &mut Command) -> Self {
        let mut running = Running(command.spawn().unwrap());
        let mut words = BufReader::new(running.0.stderr.take().unwrap());
        let mut line = String::new();
        words.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap_or_else(|| panic!("{line}"));
        let address = address.split(' ').next().unwrap().parse().unwrap();
        Self { running, address, words }
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address).unwrap()
    }

    pub fn post(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        self.connect().post(path, key, &body.to_string()).unwrap()
    }

    pub fn signal(&self, name: &str) {
        let id = self.running.0.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Its exit code and what it has said since its first line.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.words.read_to_string(&mut said).unwrap();
        (self.running.0.wait().unwrap().code(), said)
    }
}

/// A connection that stays open from one request to the next.
pub struct Client(BufReader<TcpStream>);

impl Client {
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_nodelay(true)?;
        Ok(Self(BufReader::new(connection)))
    }

    /// Sends a request, and reads its answer.
    pub fn post(&mut self, path: &str, key: &str, body: &str) -> io::Result<(u16, Value)> {
        self.write(&format!("{}{body}", head(path, key, body.len())))?;
        self.answer()
    }

    pub fn write(&mut self, text: &str) -> io::Result<()> {
        self.0.get_mut().write_all(text.as_bytes())
    }

    pub fn answer(&mut self) -> io::Result<(u16, Value)> {
        let gone = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(gone());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            status = status.or_else(|| line.split(' ').nth(1)?.parse().ok());
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((status.ok_or_else(gone)?, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

/// The status and the JSON of the answer to a `DELETE`.
pub fn exchange_delete(address: SocketAddr, path: &str, key: &str) -> (u16, Value) {
    let mut client = Client::connect(address).unwrap();
    client.write(&head(path, key, 0).replacen("POST", "DELETE", 1)).unwrap();
    client.answer().unwrap()
}

pub fn head(path: &str, key: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
}

/// An event with an id and a time.
pub fn event(id: &str) -> Value {
    json!({ "event": "api.request", "id": id, "timestamp": now(), "userId": "user_1" })
}

/// The present, as events give it.
pub fn now() -> String {
    aig_logs::time::text(aig_logs::time::floor_ms(aig_logs::host::native::now()))
}
