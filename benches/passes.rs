//! Rows per second of a whole pass, with the simulator in process: what the program itself can do, apart from the
//! network. `cargo bench --bench passes [ENTRIES]`.
//!
//! The time the simulator takes to answer is counted apart, so that the second rate is that of the program alone.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::unwrap_used, reason = "a benchmark stops where something is wrong")]

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io,
    time::{Duration, Instant},
};

use aig_logs::{
    config::{Config, Target},
    error::{CallError, StoreError},
    google::PrivateKey,
    host::{Host, Listing, Meter, Metered, Put, Request, Response, Store},
    pass::{Context, Report, backfill, forward},
    plan::budget::Budget,
    simulator::{Answer, Simulator, options::Options},
    sink::{Sink, ndjson::Ndjson, sqlite::Sqlite},
    time::Timestamp,
};
use futures_util::FutureExt;
use rusqlite::Connection;

/// A world without a network: the simulator answers in place, and its time is noted.
struct World {
    simulator: RefCell<Simulator>,
    now: Timestamp,
    answering: Cell<Duration>,
}

impl Host for World {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn random(&self) -> f64 {
        0.5
    }

    async fn sleep(&self, _duration: Duration) {}

    async fn send(&self, request: Request) -> Result<Response, CallError> {
        let started = Instant::now();
        let answer = self.simulator.borrow_mut().answer(self.now, &request);
        self.answering.set(self.answering.get() + started.elapsed());
        match answer {
            Answer::Response(response) => Ok(response),
            Answer::Silence => Err(CallError::Silent("silence".into())),
        }
    }

    async fn sign(&self, _key: &PrivateKey, _message: &[u8]) -> Result<Vec<u8>, CallError> {
        Err(CallError::denied("nothing is signed here", ""))
    }
}

/// A store in memory.
#[derive(Default)]
struct Memory(RefCell<BTreeMap<String, String>>);

impl Store for Memory {
    async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreError> {
        Ok(keys.iter().map(|key| self.0.borrow().get(*key).cloned()).collect())
    }

    async fn put(&self, key: &str, value: &str, _options: &Put) -> Result<(), StoreError> {
        self.0.borrow_mut().insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.borrow_mut().remove(key);
        Ok(())
    }

    async fn list(&self, _prefix: &str, _cursor: Option<&str>) -> Result<Listing, StoreError> {
        Ok(Listing::default())
    }
}

/// Copies the whole history with one sink, and prints the rates.
fn measure<K: Sink>(entries: usize, sink: &K) {
    let options = Options { entries, rate_limit: None, ..Options::default() };
    let now = options.start;
    let simulator = Simulator::new(options);
    let settings: BTreeMap<_, _> = simulator.settings("http://127.0.0.1:1").into_iter().collect();
    let lookup =
        |name: &str| if name.ends_with("_MAX_PAGES") { Some("auto".into()) } else { settings.get(name).cloned() };
    let config = Config::from_vars(lookup, Target::Local).unwrap();
    let world = World { simulator: RefCell::new(simulator), now, answering: Cell::default() };
    let (state, ids) = (Memory::default(), Memory::default());
    let meter = Meter::new(Budget { pages: None, time: None, calls: None }, now);
    let context = Context {
        host: Metered { inner: &world, meter: &meter },
        state: Metered { inner: &state, meter: &meter },
        ids: Metered { inner: &ids, meter: &meter },
        sink,
        config: &config,
    };
    let started = Instant::now();
    let reports = [forward(&context).now_or_never().unwrap(), backfill(&context).now_or_never().unwrap()];
    let whole = started.elapsed();
    let rows: u64 = reports.iter().map(|report: &Report| report.sum(|gateway| gateway.rows)).sum();
    assert!(reports.iter().all(Report::is_complete), "{reports:?}");
    #[expect(clippy::cast_precision_loss, reason = "a rate, rounded anyway")]
    let rate = |time: Duration| rows as f64 / time.as_secs_f64();
    let alone = whole.saturating_sub(world.answering.get());
    println!(
        "{:8} {rows:9} rows {:9.0} rows/s with the simulator {:9.0} rows/s without",
        sink.name(),
        rate(whole),
        rate(alone)
    );
}

fn main() {
    let entries = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(200_000);
    measure(entries, &Ndjson::new(io::sink()));
    let folder = tempfile::tempdir().unwrap();
    let file = Connection::open(folder.path().join("bench.sqlite")).unwrap();
    file.pragma_update(None, "journal_mode", "wal").unwrap();
    file.pragma_update(None, "synchronous", "normal").unwrap();
    measure(entries, &Sqlite::new(&file, &[]).unwrap());
}
