//! What every sink promises, and several of them at once: one suite. A new sink is one more `Place`.

use std::{
    cell::{Cell as Flag, RefCell},
    collections::BTreeSet,
    io,
    rc::Rc,
};

use aig_logs::{
    error::CallError,
    log::columns::LOGS,
    pass::RUNS,
    record::{Cell, Kind, Record, Table},
    simulator::faults::{Endpoint, Fault, When},
    sink::{
        Outcome, Sink,
        any::{All, Any},
        bigquery::{BigQuerySink, SignIn},
        ndjson::Ndjson,
        sqlite::Sqlite,
    },
    time::{self, Timestamp},
};
use futures_util::FutureExt;
use rusqlite::Connection;
use serde_json::Value;

use crate::world::{World, table::select};

/// Bytes of a text of which two do not fit one request to BigQuery.
const LARGE: usize = 5_000_000;

/// A sink in trouble of its own kind.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    None,
    /// What is written is there, and the answer is an error.
    LostAnswer,
    /// The record `c` of the batch, and what comes after it, is not written.
    BreaksOff,
}

/// Somewhere that records are written to.
trait Place {
    fn name(&self) -> &'static str;
    fn write(&self, records: &[Record]) -> Result<Outcome, CallError>;
    /// Lines of a table in the order in which they were written, copies included, where the sink keeps them.
    fn lines(&self, table: &'static Table) -> Vec<Value>;
    fn keeps(&self, table: &Table) -> bool;
    fn trouble(&mut self, trouble: Trouble);
    /// Has a record refused each time. Whether the sink refuses records at all.
    fn poison(&mut self, id: &str) -> bool;
    /// How many logs of `main` it has, where it can be asked.
    fn count(&self) -> Option<u64>;
}

struct BigQuery {
    world: World,
    sign_in: SignIn,
}

impl BigQuery {
    fn new() -> Self {
        Self { world: World::new(), sign_in: SignIn::default() }
    }

    fn sink(&self) -> BigQuerySink<'_, World> {
        BigQuerySink::new(&self.world, self.world.config.bigquery.as_ref().unwrap(), &self.sign_in)
    }
}

impl Place for BigQuery {
    fn name(&self) -> &'static str {
        "BigQuery"
    }

    fn write(&self, records: &[Record]) -> Result<Outcome, CallError> {
        now(self.sink().write(records))
    }

    fn lines(&self, table: &'static Table) -> Vec<Value> {
        let simulator = self.world.simulator.borrow();
        let name = self.world.config.bigquery.as_ref().unwrap().name_of(table).to_owned();
        simulator.table(&name).unwrap().rows().iter().map(|landed| landed.row.clone()).collect()
    }

    fn keeps(&self, table: &Table) -> bool {
        self.sink().keeps(table)
    }

    fn trouble(&mut self, trouble: Trouble) {
        self.world.end_faults();
        match trouble {
            Trouble::None => {}
            Trouble::LostAnswer => self.world.fault(Endpoint::Insert, When::Always, Fault::SilenceAfter),
            // The second request, and each time that it is tried again.
            Trouble::BreaksOff => {
                self.world.fault(Endpoint::Insert, When::Among((2..100).collect()), Fault::Silence);
            }
        }
    }

    fn poison(&mut self, id: &str) -> bool {
        self.world.simulator.get_mut().faults_mut().poison(id);
        true
    }

    fn count(&self) -> Option<u64> {
        now(count(&self.sink()))
    }
}

struct File(Connection);

impl File {
    fn new() -> Self {
        let file = Connection::open_in_memory().unwrap();
        Sqlite::new(&file, &[]).unwrap();
        Self(file)
    }
}

impl Place for File {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn write(&self, records: &[Record]) -> Result<Outcome, CallError> {
        now(Sqlite::of(&self.0).write(records))
    }

    fn lines(&self, table: &'static Table) -> Vec<Value> {
        select(&self.0, &format!("{} ORDER BY rowid", table.name))
    }

    fn keeps(&self, table: &Table) -> bool {
        Sqlite::of(&self.0).keeps(table)
    }

    fn trouble(&mut self, trouble: Trouble) {
        let refuse = "CREATE TRIGGER trouble BEFORE INSERT ON aig_logs_raw WHEN NEW.id = 'c' \
                      BEGIN SELECT RAISE(ABORT, 'no more'); END";
        self.0.execute_batch("DROP TRIGGER IF EXISTS trouble").unwrap();
        match trouble {
            Trouble::None => {}
            // It is a call of a function: an answer comes, or the process has died.
            Trouble::LostAnswer | Trouble::BreaksOff => self.0.execute_batch(refuse).unwrap(),
        }
    }

    fn poison(&mut self, _: &str) -> bool {
        false
    }

    fn count(&self) -> Option<u64> {
        now(count(&Sqlite::of(&self.0)))
    }
}

/// A disk that fills up, or says too late that it has.
#[derive(Default, Clone)]
struct Disk {
    bytes: Rc<RefCell<Vec<u8>>>,
    room: Rc<Flag<Option<usize>>>,
    is_mute: Rc<Flag<bool>>,
}

impl io::Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.room.get().map_or(bytes.len(), |room| room.min(bytes.len()));
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room.set(self.room.get().map(|room| room - taken));
        self.bytes.borrow_mut().extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_mute.get() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

struct Json {
    disk: Disk,
    sink: Ndjson<Box<dyn io::Write>>,
}

impl Json {
    fn new() -> Self {
        let disk = Disk::default();
        Self { sink: Ndjson::new(Box::new(disk.clone())), disk }
    }
}

impl Place for Json {
    fn name(&self) -> &'static str {
        "NDJSON"
    }

    fn write(&self, records: &[Record]) -> Result<Outcome, CallError> {
        now(self.sink.write(records))
    }

    /// Whole lines. Half a line at the end of a file is mended by the writer of files, which is tested where it is.
    fn lines(&self, table: &'static Table) -> Vec<Value> {
        assert_eq!(table.name, LOGS.name);
        let bytes = self.disk.bytes.borrow();
        bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }

    fn keeps(&self, table: &Table) -> bool {
        self.sink.keeps(table)
    }

    fn trouble(&mut self, trouble: Trouble) {
        self.disk.room.set(matches!(trouble, Trouble::BreaksOff).then_some(LARGE + 1_000));
        self.disk.is_mute.set(matches!(trouble, Trouble::LostAnswer));
    }

    fn poison(&mut self, _: &str) -> bool {
        false
    }

    fn count(&self) -> Option<u64> {
        now(count(&self.sink))
    }
}

/// All of them at once.
struct Several {
    bigquery: BigQuery,
    file: File,
    json: Json,
}

impl Several {
    fn sinks(&self) -> All<Any<'_, World>> {
        let file = Any::Sqlite(Sqlite::of(&self.file.0));
        All::new(vec![file, Any::Ndjson(&self.json.sink), Any::BigQuery(self.bigquery.sink())])
    }
}

impl Place for Several {
    fn name(&self) -> &'static str {
        "several at once"
    }

    fn write(&self, records: &[Record]) -> Result<Outcome, CallError> {
        now(self.sinks().write(records))
    }

    /// What all of them have.
    fn lines(&self, table: &'static Table) -> Vec<Value> {
        let places: [&dyn Place; 3] = [&self.bigquery, &self.file, &self.json];
        let keeping = places.into_iter().filter(|place| place.keeps(table));
        let [first, others @ ..] = &keeping.map(|place| place.lines(table)).collect::<Vec<_>>()[..] else {
            panic!("nobody keeps it")
        };
        let id = |line: &Value| line[table.id].clone();
        let common = first.iter().filter(|line| others.iter().all(|other| other.iter().any(|it| id(it) == id(line))));
        common.cloned().collect()
    }

    fn keeps(&self, table: &Table) -> bool {
        self.sinks().keeps(table)
    }

    /// The last of them is in trouble: the others have what it lacks.
    fn trouble(&mut self, trouble: Trouble) {
        self.bigquery.trouble(trouble);
    }

    fn poison(&mut self, id: &str) -> bool {
        self.bigquery.poison(id)
    }

    fn count(&self) -> Option<u64> {
        now(count(&self.sinks()))
    }
}

fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("nothing is waited for")
}

async fn count<K: Sink>(sink: &K) -> Option<u64> {
    let always = Timestamp::UNIX_EPOCH..at("2100-01-01");
    let counted = sink.count("main", &always).await.unwrap();
    let ids = sink.ids("main", &always).await.unwrap();
    assert_eq!(ids.map(|ids| ids.len() as u64), counted, "each log has one id");
    counted
}

fn places() -> Vec<Box<dyn Place>> {
    let several = Several { bigquery: BigQuery::new(), file: File::new(), json: Json::new() };
    vec![Box::new(BigQuery::new()), Box::new(File::new()), Box::new(Json::new()), Box::new(several)]
}

fn at(text: &str) -> Timestamp {
    time::parse(text).unwrap()
}

/// A record of a table whose cells are as `cell` says, and where it says nothing, what every record has.
fn record(table: &'static Table, id: &str, cell: impl Fn(&str, Kind) -> Option<Cell>) -> Record {
    let own = |name: &str, kind| match (name, kind) {
        ("gateway", _) => Cell::Text("main".to_owned()),
        ("job" | "verdict", _) => Cell::Text("complete".to_owned()),
        (_, Kind::Text) if name == table.id => Cell::Text(id.to_owned()),
        (_, Kind::Instant) => Cell::Instant(at("2026-10-06T09:15:22.417Z")),
        (_, _) => cell(name, kind).unwrap_or(Cell::Null),
    };
    Record { table, cells: table.columns.iter().map(|column| own(column.name, column.kind)).collect() }
}

fn logs(ids: &[&str]) -> Vec<Record> {
    ids.iter().map(|id| record(&LOGS, id, |_, _| None)).collect()
}

/// Rows of which each is a request of its own.
fn large(ids: &[&str]) -> Vec<Record> {
    let text = |name: &str| (name == "path").then(|| Cell::Text("x".repeat(LARGE)));
    ids.iter().map(|id| record(&LOGS, id, |name, _| text(name))).collect()
}

/// The ids of the logs, each as often as it was written.
fn ids(place: &dyn Place) -> Vec<String> {
    place.lines(&LOGS).iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}

/// The ids that readers see.
fn seen(place: &dyn Place) -> Vec<String> {
    ids(place).into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// The cell that a sink shows as `value`, whatever its dialect is: truths as 0 and 1, large numbers as texts.
fn shown(value: &Value, kind: Kind) -> Cell {
    let text = || value.as_str().unwrap().to_owned();
    match (value, kind) {
        (Value::Null, _) => Cell::Null,
        (Value::String(digits), Kind::Integer) => Cell::Integer(digits.parse().unwrap()),
        (_, Kind::Integer) => Cell::Integer(value.as_i64().unwrap()),
        (_, Kind::Float) => Cell::Float(value.as_f64().unwrap()),
        (_, Kind::Bool) => Cell::Bool(value.as_bool().unwrap_or_else(|| value.as_i64().unwrap() == 1)),
        (_, Kind::Instant) => Cell::Instant(at(&text())),
        (_, Kind::Text | Kind::Json) => Cell::Text(text()),
    }
}

#[test]
fn every_kind_of_value_is_read_back_as_it_was() {
    let texts = ["", "a \"quoted\"\n ünïcode 🦀 text", "'; DROP TABLE aig_logs_raw; --", "\u{1}"];
    let integers = [i64::MIN, i64::MAX, 9_007_199_254_740_993, 0];
    let floats = [0.0, 0.1 + 0.2, 1e300, 1e-320];
    for place in places() {
        for table in [&LOGS, &RUNS].into_iter().filter(|table| place.keeps(table)) {
            let records: Vec<_> = (0..4)
                .map(|n| {
                    record(table, &format!("id {n}"), |_, kind| {
                        Some(match kind {
                            Kind::Text => Cell::Text(texts[n].to_owned()),
                            Kind::Json => Cell::Text("{\"n\": 1.50}".to_owned()),
                            Kind::Integer => Cell::Integer(integers[n]),
                            Kind::Float => Cell::Float(floats[n]),
                            Kind::Bool => Cell::Bool(n % 2 == 0),
                            Kind::Instant => return None,
                        })
                    })
                })
                .chain([record(table, "nothing", |_, _| None)])
                .collect();
            assert_eq!(place.write(&records), Ok(Outcome::default()), "{}", place.name());
            let lines = place.lines(table);
            assert_eq!(lines.len(), records.len(), "{} {}", place.name(), table.name);
            for (line, record) in lines.iter().zip(&records) {
                let columns = table.columns.iter();
                let read: Vec<_> = columns.map(|column| shown(&line[column.name], column.kind)).collect();
                assert_eq!(read, record.cells, "{} {}", place.name(), table.name);
            }
        }
    }
}

#[test]
fn records_stand_in_the_order_in_which_they_were_written() {
    for place in places() {
        assert_eq!(place.write(&logs(&["b", "a"])), Ok(Outcome::default()));
        assert_eq!(place.write(&logs(&["d", "c"])), Ok(Outcome::default()));
        assert_eq!(ids(&*place), ["b", "a", "d", "c"], "{}", place.name());
        assert_eq!(place.write(&[]), Ok(Outcome::default()), "{}: nothing is written", place.name());
    }
}

#[test]
fn what_is_written_again_is_seen_once_and_what_is_known_was_there() {
    for place in places() {
        place.write(&logs(&["a", "b"])).unwrap();
        let Outcome { known, rejected } = place.write(&logs(&["c", "b", "a"])).unwrap();
        assert!(known.is_empty() || known == [1, 2], "{}: {known:?}", place.name());
        assert_eq!((rejected, seen(&*place)), (Vec::new(), ["a", "b", "c"].map(str::to_owned).to_vec()));
        assert!(place.count().is_none_or(|counted| counted == 3), "{}", place.name());
    }
}

#[test]
fn an_answer_that_is_lost_loses_no_record() {
    for mut place in places() {
        place.trouble(Trouble::LostAnswer);
        place.write(&logs(&["a", "b", "c"])).unwrap_err();
        place.trouble(Trouble::None);
        let outcome = place.write(&logs(&["a", "b", "c"])).unwrap();
        assert_eq!(outcome.rejected, []);
        assert_eq!(seen(&*place), ["a", "b", "c"], "{}", place.name());
    }
}

#[test]
fn a_batch_that_breaks_off_is_an_error_and_whole_after_the_next_write() {
    for mut place in places() {
        place.trouble(Trouble::BreaksOff);
        place.write(&large(&["a", "c", "b"])).unwrap_err();
        assert!(!seen(&*place).contains(&"c".to_owned()), "{}", place.name());
        place.trouble(Trouble::None);
        assert_eq!(place.write(&large(&["a", "c", "b"])).unwrap().rejected, []);
        assert_eq!(seen(&*place), ["a", "b", "c"], "{}", place.name());
    }
}

#[test]
fn a_record_that_is_refused_is_named_and_keeps_no_other_out() {
    for mut place in places() {
        let refuses = place.poison("b");
        let outcome = place.write(&logs(&["a", "b", "c"])).unwrap();
        let rejected: Vec<_> = outcome.rejected.iter().map(|rejected| rejected.index).collect();
        assert_eq!(rejected, if refuses { vec![1] } else { Vec::new() }, "{}", place.name());
        assert!(outcome.rejected.iter().all(|rejected| !rejected.reason.is_empty()));
        let there = if refuses { vec!["a", "c"] } else { vec!["a", "b", "c"] };
        assert_eq!(seen(&*place), there, "{}", place.name());
    }
}

#[test]
fn of_several_sinks_the_one_that_failed_is_named() {
    let mut several = Several { bigquery: BigQuery::new(), file: File::new(), json: Json::new() };
    let failing = |several: &Several| {
        let sinks = several.sinks();
        now(sinks.write(&logs(&["c"]))).unwrap_err();
        sinks.name()
    };
    several.bigquery.trouble(Trouble::LostAnswer);
    assert_eq!(failing(&several), "BigQuery");
    several.json.trouble(Trouble::LostAnswer);
    assert_eq!(failing(&several), "NDJSON");
    several.file.trouble(Trouble::BreaksOff);
    assert_eq!(failing(&several), "SQLite");
}

#[test]
fn of_several_sinks_the_one_with_the_fewest_counts() {
    let several = Several { bigquery: BigQuery::new(), file: File::new(), json: Json::new() };
    several.write(&logs(&["a", "b"])).unwrap();
    assert_eq!(several.count(), Some(2));
    let second = File::new();
    second.write(&logs(&["b", "x", "y"])).unwrap();
    let sinks: All<Any<'_, World>> =
        All::new(vec![Any::Sqlite(Sqlite::of(&several.file.0)), Any::Sqlite(Sqlite::of(&second.0))]);
    let always = Timestamp::UNIX_EPOCH..at("2100-01-01");
    assert_eq!(now(sinks.count("main", &always)), Ok(Some(2)));
    let common = now(sinks.ids("main", &always)).unwrap().unwrap();
    assert_eq!(common.into_iter().collect::<Vec<_>>(), ["b"]);
    assert_eq!(now(sinks.write(&logs(&["b", "a"]))).unwrap().known, [0], "the second has no a");
}
