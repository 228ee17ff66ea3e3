//! How many events `aig-logs serve` takes in a second, durably, beside the same rows written by rusqlite alone. Server and
//! senders share this machine.
#![expect(clippy::disallowed_methods, reason = "it measures how long things really take")]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use aig_logs::{
    config::EventSettings,
    database::{sqlite::SqliteDatabase, upsert},
    event::{self, EVENTS, Receipt, Way},
    host::native::now,
    ingest,
    log::metadata::MetadataKeys,
    record::Record,
    time,
};
use rusqlite::{Connection, params_from_iter};

use crate::line::{Goal, Line};

/// Senders at once, each with a connection.
const CONNECTIONS: u32 = 64;

/// Events that are sent in batches, and one by one.
const MANY: u32 = 1_000_000;
const SINGLE: u32 = 150_000;

/// Events of a batch.
const BATCH: u32 = 100;

/// Rows of a commit of rusqlite alone: while one half of the senders is written, the other half arrives.
const ROWS: usize = (CONNECTIONS * BATCH / 2) as usize;

/// Rates, memory and latency.
pub fn measure() -> Vec<Line> {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    let batches = served.load(BATCH, MANY);
    let (memory, cpu) = (served.memory(), served.cpu());
    let single = served.load(1, SINGLE);
    drop(served);
    let alone = alone(&folder.path().join("alone.sqlite"));
    let what = format!("serve, {CONNECTIONS} connections");
    let mut lines = vec![
        Line::new(format!("{what}, batches of {BATCH}: events a second"), batches.rate(), "", Goal::AtLeast(120_000.0)),
        Line::without_goal(format!("rusqlite alone, commits of {ROWS}: rows a second"), alone, ""),
        Line::new(
            format!("{what}, batches of {BATCH}: of rusqlite alone"),
            100.0 * batches.rate() / alone,
            "%",
            Goal::AtLeast(80.0),
        ),
        Line::new(format!("{what}, single events: events a second"), single.rate(), "", Goal::AtLeast(15_000.0)),
        Line::new(format!("{what}, single events: p99"), single.p99(), "ms", Goal::AtMost(25.0)),
    ];
    lines.extend(cpu.map(|cpu| {
        let each = cpu.as_secs_f64() * 1_000_000.0 / f64::from(MANY);
        Line::without_goal(format!("{what}, batches of {BATCH}: CPU of an event"), each, "µs")
    }));
    lines.extend(memory.map(|memory| {
        Line::new(format!("serve, most memory while it took {MANY} events"), memory, "MB", Goal::AtMost(60.0))
    }));
    lines
}

/// One event as text, near the size of a request that an API logs.
fn text(id: u32, at: &str) -> String {
    format!(
        "{{\"event\":\"api.request\",\"id\":\"bench-{id:010}\",\"timestamp\":\"{at}\",\"userId\":\"user_{}\",\
         \"sessionId\":\"session_{}\",\"properties\":{{\"method\":\"GET\",\"path\":\"/api/users/{}\",\"region\":\"eu\"}},\
         \"performance\":{{\"duration\":45.5,\"statusCode\":200}}}}",
        id % 1_000,
        id % 5_000,
        id % 50
    )
}

struct Served {
    child: Child,
    address: SocketAddr,
    key: String,
}

impl Served {
    fn start(folder: &Path) -> Self {
        let command = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_aig-logs"));
            command.args(arguments).current_dir(folder).env_clear().env("EVENTS_RATE", "0");
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command
        };
        let create = ["keys", "create", "--db", "events.sqlite", "--org", "acme", "--scopes", "ingest"];
        let key = String::from_utf8(command(&create).output().unwrap().stdout).unwrap().trim().to_owned();
        let serve = ["serve", "--db", "events.sqlite", "--listen", "127.0.0.1:0"];
        let mut child = command(&serve).spawn().unwrap();
        let mut line = String::new();
        let mut words = BufReader::new(child.stderr.take().unwrap());
        words.read_line(&mut line).unwrap();
        child.stderr = Some(words.into_inner());
        let address = line.split("http://").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        Self { child, address, key }
    }

    /// Sends so many events, and measures. Every request is made before the clock starts: it is the server that is measured.
    fn load(&self, batch: u32, events: u32) -> Load {
        let first = if batch == 1 { MANY } else { 0 };
        let at = time::text(time::floor_ms(now()));
        let requests: Vec<_> =
            (first..first + events).step_by(batch as usize).map(|first| self.request(first, batch, &at)).collect();
        let expected = format!("\"accepted\":{batch},");
        let next = AtomicUsize::new(0);
        let began = Instant::now();
        let latencies = thread::scope(|scope| {
            let senders: Vec<_> =
                (0..CONNECTIONS).map(|_| scope.spawn(|| self.send(&requests, &next, &expected))).collect();
            senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
        });
        Load { events, took: began.elapsed(), latencies }
    }

    fn request(&self, first: u32, batch: u32, at: &str) -> Vec<u8> {
        let events: Vec<_> = (first..first + batch).map(|id| text(id, at)).collect();
        let body = format!("[{}]", events.join(","));
        let request = format!(
            "POST /events/batch HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        );
        request.into_bytes()
    }

    /// Sends requests until none is left, each after the answer to the one before.
    fn send(&self, requests: &[Vec<u8>], next: &AtomicUsize, expected: &str) -> Vec<Duration> {
        let mut connection = BufReader::new(TcpStream::connect(self.address).unwrap());
        connection.get_ref().set_nodelay(true).unwrap();
        let mut latencies = Vec::new();
        while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
            let began = Instant::now();
            connection.get_mut().write_all(request).unwrap();
            let answer = answer(&mut connection);
            latencies.push(began.elapsed());
            assert!(answer.contains(expected), "{answer}");
        }
        latencies
    }

    /// The CPU time that it has used; none where the system does not tell.
    fn cpu(&self) -> Option<Duration> {
        /// Units of a second in which Linux tells it.
        const TICKS: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let after_name = stat.rsplit_once(')')?.1;
        let ticks: f64 =
            after_name.split_whitespace().skip(11).take(2).filter_map(|part| part.parse::<f64>().ok()).sum();
        Some(Duration::from_secs_f64(ticks / TICKS))
    }

    /// The most memory that it has had, in MB; none where the system does not tell.
    fn memory(&self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1_024.0)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The body of an answer.
fn answer(connection: &mut impl BufRead) -> String {
    let mut length = 0;
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).unwrap();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

struct Load {
    events: u32,
    took: Duration,
    latencies: Vec<Duration>,
}

impl Load {
    fn rate(&self) -> f64 {
        f64::from(self.events) / self.took.as_secs_f64()
    }

    fn p99(&self) -> f64 {
        let mut latencies = self.latencies.clone();
        latencies.sort();
        latencies[(latencies.len() - 1) * 99 / 100].as_secs_f64() * 1_000.0
    }
}

/// Rows a second that rusqlite writes, without a server: the same rows by the same statement, as durably.
fn alone(path: &Path) -> f64 {
    SqliteDatabase::open(path, &MetadataKeys::default()).unwrap().close().unwrap();
    let connection = Connection::open(path).unwrap();
    for (name, value) in [("synchronous", "FULL"), ("secure_delete", "ON"), ("cache_size", "-8192")] {
        connection.pragma_update(None, name, value).unwrap();
    }
    let settings = EventSettings::from_vars(|_| None).unwrap();
    let at = time::text(time::floor_ms(now()));
    let record = |id: u32| -> Record {
        let receipt =
            Receipt { at: now(), way: Way::Http, org: Some("acme"), idempotency_key: None, place: 0, random: 0 };
        event::read(ingest::fields(&text(id, &at)).unwrap(), &receipt, &settings).unwrap()
    };
    let mut took = Duration::ZERO;
    for first in (0..MANY).step_by(ROWS) {
        let records: Vec<_> = (first..MANY.min(first + CONNECTIONS * BATCH / 2)).map(record).collect();
        let began = Instant::now();
        let transaction = connection.unchecked_transaction().unwrap();
        let mut statement = transaction.prepare_cached(&upsert(&EVENTS)).unwrap();
        for record in &records {
            statement.execute(params_from_iter(&record.cells)).unwrap();
        }
        drop(statement);
        transaction.commit().unwrap();
        took += began.elapsed();
    }
    f64::from(MANY) / took.as_secs_f64()
}
