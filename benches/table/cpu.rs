//! What the program itself takes of a core: passes over pages that were made beforehand, against the least that anything
//! does which reads JSON and writes it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    io::{self, Write},
    time::Duration,
};

use aig_logs::{
    config::{Config, Destination},
    error::CallError,
    google::key::PrivateKey,
    host::{Host, Meter, Metered},
    log::metadata::MetadataKeys,
    pass::Job,
    simulator::options::SimulatorOptions,
    sink::{Sink, ndjson::Ndjson, sqlite::Sqlite},
    time::Timestamp,
    wire::{Request, Response},
};
use cpu_time::ProcessTime;
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    line::{Goal, Line},
    poller::{self, Memories},
    world::{Latency, World, config},
};

/// Entries of the history.
const ENTRIES: usize = 100_000;

/// Measurements of each kind; the best one counts, for a busy machine only adds.
const ROUNDS: usize = 5;

/// Rows per second of CPU time.
pub async fn measure() -> Vec<Line> {
    let recording = Recording::make().await;
    let (mut floor, mut ndjson, mut sqlite) = (Duration::MAX, Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        floor = floor.min(recording.floor());
        ndjson = ndjson.min(recording.time_ndjson().await);
        sqlite = sqlite.min(recording.time_sqlite().await);
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate, rounded anyway")]
    let rate = |time: Duration| ENTRIES as f64 / time.as_secs_f64();
    let share = ndjson.as_secs_f64() / floor.as_secs_f64();
    vec![
        Line::without_goal("Floor: pages to JSON values and those to lines", rate(floor), "rows/s"),
        Line::new("NDJSON, one core", rate(ndjson), "rows/s", Goal::AtLeast(150_000.0)),
        Line::new("NDJSON, CPU time against the floor's", share, "times", Goal::AtMost(1.5)),
        Line::new("SQLite, one core", rate(sqlite), "rows/s", Goal::AtLeast(60_000.0)),
    ]
}

/// Everything the source said in a run, to be said again.
struct Recording {
    now: Timestamp,
    config: Config,
    answers: Answers,
}

/// What was answered to each address, in order.
type Answers = BTreeMap<String, VecDeque<Response>>;

impl Recording {
    async fn make() -> Self {
        let options = SimulatorOptions { entries: ENTRIES, rate_limit: None, ..SimulatorOptions::default() };
        let world = World::new(options, Latency::default(), &[]);
        let recorder = Recorder { world: &world, answers: RefCell::default() };
        let config = config(&world.simulator.borrow(), &[], Destination::default());
        let mut lines = Vec::new();
        copy(&recorder, &config, &Ndjson::new(&mut lines)).await;
        assert_once(&lines);
        Self { now: world.now(), config, answers: recorder.answers.take() }
    }

    async fn time_ndjson(&self) -> Duration {
        self.time(&Ndjson::new(io::sink())).await
    }

    async fn time_sqlite(&self) -> Duration {
        let folder = tempfile::tempdir().unwrap();
        let file = Connection::open(folder.path().join("bench.sqlite")).unwrap();
        // As the command opens it.
        file.pragma_update(None, "journal_mode", "wal").unwrap();
        file.pragma_update(None, "synchronous", "normal").unwrap();
        let time = self.time(&Sqlite::new(&file, &MetadataKeys::default()).unwrap()).await;
        let rows = file.query_row("SELECT COUNT(DISTINCT id) FROM aig_logs_raw", [], |row| row.get::<_, i64>(0));
        assert_eq!(rows.unwrap(), i64::try_from(ENTRIES).unwrap(), "rows in the file");
        time
    }

    async fn time<K: Sink>(&self, sink: &K) -> Duration {
        // Copied before the clock starts: a host hands its answers over.
        let replay = Replay { now: self.now, answers: RefCell::new(self.answers.clone()) };
        let began = ProcessTime::now();
        copy(&replay, &self.config, sink).await;
        began.elapsed()
    }

    /// The same bytes, parsed and written by a program that does nothing else.
    fn floor(&self) -> Duration {
        let mut sink = io::sink();
        let mut entries = 0;
        let began = ProcessTime::now();
        for page in self.answers.values().flatten() {
            let page: Value = serde_json::from_slice(page.body()).unwrap();
            let mut lines = Vec::new();
            for entry in page["result"].as_array().unwrap() {
                serde_json::to_writer(&mut lines, entry).unwrap();
                lines.push(b'\n');
                entries += 1;
            }
            sink.write_all(&lines).unwrap();
        }
        let time = began.elapsed();
        assert!(entries >= ENTRIES, "{entries} entries in the pages");
        time
    }
}

/// The whole history and what came since, once.
async fn copy<H: Host, K: Sink>(host: &H, config: &Config, sink: &K) {
    let memories = Memories::default();
    let mut rows = 0;
    for job in [Job::Forward, Job::Backfill] {
        let meter = Meter::new(Job::Range.budget(config), host.now());
        let report = poller::pass(job, Metered { inner: host, meter: &meter }, &memories, sink, config).await;
        assert!(report.is_complete(), "{report:?}");
        rows += report.sum(|gateway| gateway.rows);
    }
    assert_eq!(rows, ENTRIES as u64, "rows, and entries of the source");
}

/// The lines hold as many ids as there are entries.
fn assert_once(lines: &[u8]) {
    let rows = serde_json::Deserializer::from_slice(lines).into_iter::<Value>();
    let ids: BTreeSet<_> = rows.map(|row| row.unwrap()["id"].to_string()).collect();
    assert_eq!(ids.len(), ENTRIES, "ids in the lines");
}

/// A host that notes what its world answers.
struct Recorder<'a> {
    world: &'a World,
    answers: RefCell<Answers>,
}

impl Host for Recorder<'_> {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    fn random(&self) -> f64 {
        self.world.random()
    }

    async fn sleep(&self, duration: Duration) {
        self.world.sleep(duration).await;
    }

    async fn send(&self, request: Request) -> Result<Response, CallError> {
        let address = request.uri().to_string();
        let response = self.world.send(request).await?;
        self.answers.borrow_mut().entry(address).or_default().push_back(response.clone());
        Ok(response)
    }

    async fn sign(&self, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, CallError> {
        self.world.sign(key, message).await
    }
}

/// A host that answers as it was answered before, at once.
struct Replay {
    now: Timestamp,
    answers: RefCell<Answers>,
}

impl Host for Replay {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn random(&self) -> f64 {
        0.5
    }

    async fn sleep(&self, _duration: Duration) {}

    async fn send(&self, request: Request) -> Result<Response, CallError> {
        let mut answers = self.answers.borrow_mut();
        let answer = answers.get_mut(&request.uri().to_string()).and_then(VecDeque::pop_front);
        Ok(answer.expect("the same program asks the same"))
    }

    async fn sign(&self, _key: &PrivateKey, _message: &[u8]) -> Result<Vec<u8>, CallError> {
        Err(CallError::denied("nothing is signed here", ""))
    }
}
