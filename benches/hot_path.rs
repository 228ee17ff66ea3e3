//! Each step from the bytes of a page to the bytes of a request, and a floor to compare them with: the same bytes read as
//! any JSON and written out again. `cargo bench --bench hot_path`; the column `fastest` disturbs a busy machine least.
#![expect(clippy::unwrap_used, reason = "a benchmark stops where something is wrong")]

use std::{io, sync::LazyLock, time::Duration};

use aig_logs::{
    config::{AiGateway, BigQuery, Config, Destination},
    error::CallError,
    google::key::PrivateKey,
    host::Host,
    log::{entry::Entry, metadata::MetadataKeys, privacy::Privacy},
    plan::cursor::{Direction, Query},
    record::Record,
    simulator::{Answer, Simulator, options::SimulatorOptions},
    sink::{
        Sink,
        bigquery::{BigQuerySink, SignIn},
        ndjson::Ndjson,
        sqlite::Sqlite,
    },
    source::Source,
    time::Timestamp,
    wire::{Request, Response},
};
use divan::{Bencher, black_box, counter::ItemsCount};
use futures_util::FutureExt;
use rusqlite::Connection;
use serde_json::Value;

/// Pages that each step takes at a time, of 50 entries each.
const PAGES: u32 = 20;

const ENTRIES: usize = 50 * PAGES as usize;

/// The simulator's API.
static SOURCE: LazyLock<AiGateway> = LazyLock::new(|| {
    let settings = Simulator::new(SimulatorOptions::default()).settings("http://127.0.0.1:1");
    let lookup = |name: &str| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    Config::from_vars(lookup, &[Destination::default()]).unwrap().source
});

/// Pages of the simulator, each with what was asked for.
static ANSWERS: LazyLock<Vec<(Query, Response)>> = LazyLock::new(|| {
    let options = SimulatorOptions { entries: ENTRIES, rate_limit: None, ..SimulatorOptions::default() };
    let (now, gateway) = (options.start, options.gateways[0].clone());
    let mut simulator = Simulator::new(options);
    let mut page = |page| {
        let query =
            Query { from: None, until: now, direction: Direction::Descending, page, per_page: 50, longer_than: None };
        match simulator.answer(now, &SOURCE.page(&gateway, &query)) {
            Answer::Response(response) => (query, response),
            Answer::Silence => unreachable!("no fault is planned"),
        }
    };
    (1..=PAGES).map(&mut page).collect()
});

fn main() {
    assert_eq!(rows().len(), ENTRIES);
    divan::main();
}

/// What the reading and writing of JSON alone costs.
#[divan::bench]
fn floor(bencher: Bencher) {
    bencher.counter(ItemsCount::new(ENTRIES)).bench(|| {
        let mut written = Vec::new();
        for (_, response) in &*ANSWERS {
            let page: Value = serde_json::from_slice(response.body()).unwrap();
            serde_json::to_writer(&mut written, &page).unwrap();
        }
        written
    });
}

/// All of it: pages to lines.
#[divan::bench]
fn pages_to_ndjson(bencher: Bencher) {
    bencher.counter(ItemsCount::new(ENTRIES)).bench(|| write(&Ndjson::new(io::sink()), &rows()));
}

#[divan::bench]
fn pages_to_entries(bencher: Bencher) {
    bencher.counter(ItemsCount::new(ENTRIES)).bench(entries);
}

#[divan::bench]
fn entries_to_rows(bencher: Bencher) {
    let rows = |entries: Vec<Entry>| entries.into_iter().map(row).collect::<Vec<_>>();
    bencher.counter(ItemsCount::new(ENTRIES)).with_inputs(entries).bench_values(rows);
}

#[divan::bench]
fn rows_to_insert_all(bencher: Bencher) {
    let names = ["http://127.0.0.1:1", "project", "dataset", "table"].map(str::to_owned);
    let [base, project, dataset, table] = names;
    let table = BigQuery { base, project, dataset, table, account: None };
    let sign_in = SignIn::default();
    let sink = BigQuerySink::new(&Taker, &table, &sign_in);
    let rows = rows();
    bencher.counter(ItemsCount::new(ENTRIES)).bench_local(|| write(&sink, &rows));
}

#[divan::bench]
fn rows_to_ndjson(bencher: Bencher) {
    let (sink, rows) = (Ndjson::new(io::sink()), rows());
    bencher.counter(ItemsCount::new(ENTRIES)).bench_local(|| write(&sink, &rows));
}

/// In memory: what disks add is no part of it.
#[divan::bench(sample_size = 1)]
fn rows_to_sqlite(bencher: Bencher) {
    let file = Connection::open_in_memory().unwrap();
    let (sink, rows) = (Sqlite::new(&file, &MetadataKeys::default()).unwrap(), rows());
    let empty = || file.execute_batch("DELETE FROM aig_logs_raw").unwrap();
    bencher.counter(ItemsCount::new(ENTRIES)).with_inputs(empty).bench_local_values(|()| write(&sink, &rows));
}

fn entries() -> Vec<Entry> {
    ANSWERS.iter().flat_map(|(query, response)| SOURCE.read_page(black_box(response), query).unwrap().entries).collect()
}

fn row(entry: Entry) -> Record {
    entry.into_row("main", Timestamp::UNIX_EPOCH, &Privacy::default())
}

fn rows() -> Vec<Record> {
    entries().into_iter().map(row).collect()
}

fn write<K: Sink>(sink: &K, rows: &[Record]) {
    for batch in rows.chunks(sink.batch()) {
        let outcome = sink.write(batch).now_or_never().unwrap().unwrap();
        assert_eq!((outcome.known.len(), outcome.rejected.len()), (0, 0));
    }
}

/// A BigQuery that takes everything, in no time.
struct Taker;

impl Host for Taker {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn random(&self) -> f64 {
        0.5
    }

    async fn sleep(&self, _duration: Duration) {}

    async fn send(&self, request: Request) -> Result<Response, CallError> {
        black_box(request);
        Ok(Response::new(b"{}".to_vec()))
    }

    async fn sign(&self, _key: &PrivateKey, _message: &[u8]) -> Result<Vec<u8>, CallError> {
        Err(CallError::denied("nothing is signed here", ""))
    }
}
