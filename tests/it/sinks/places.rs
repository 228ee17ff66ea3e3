//! The sinks under test, each with its own kinds of trouble.

use std::{
    cell::{Cell as Flag, RefCell},
    io,
    rc::Rc,
};

use aig_logs::{
    config::D1,
    database::rest::Rest,
    error::CallError,
    log::{columns::LOGS, metadata::MetadataKeys},
    record::{Record, Table as Shape},
    simulator::faults::{Endpoint, Fault, When},
    sink::{
        Outcome, Sink,
        all::All,
        any::Any,
        bigquery::{BigQuerySink, SignIn},
        d1::D1Sink,
        ndjson::Ndjson,
        sqlite::Sqlite,
    },
    time::{self, Timestamp},
};
use futures_util::FutureExt;
use rusqlite::Connection;
use serde_json::Value;

use crate::world::{Table, World, table::select};

/// Bytes of a text of which two do not fit one request to BigQuery.
pub const LARGE: usize = 5_000_000;

/// A sink in trouble of its own kind.
#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    None,
    /// What is written is there, and the answer is an error.
    LostAnswer,
    /// The record `c` of the batch, and what comes after it, is not written.
    BreaksOff,
}

/// Somewhere that records are written to.
pub trait Place {
    fn name(&self) -> &'static str;
    fn write(&self, records: &[Record]) -> Result<Outcome, CallError>;
    /// Lines of a table, copies included, where the sink keeps them.
    fn lines(&self, table: &'static Shape) -> Vec<Value>;
    /// Whether lines come in the order in which they were written. A table with a key has the order of its key.
    fn is_in_order(&self) -> bool {
        true
    }
    fn keeps(&self, table: &Shape) -> bool;
    /// Bytes of a text of which two do not fit one request.
    fn large(&self) -> usize {
        LARGE
    }
    fn trouble(&mut self, trouble: Trouble);
    /// Has a record refused each time. Whether the sink refuses records at all.
    fn poison(&mut self, id: &str) -> bool;
    /// How many logs of `main` it has, where it can be asked.
    fn count(&self) -> Option<u64>;
}

pub struct BigQuery {
    world: World,
    sign_in: SignIn,
}

impl BigQuery {
    pub fn new() -> Self {
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

    fn lines(&self, table: &'static Shape) -> Vec<Value> {
        let simulator = self.world.simulator.borrow();
        let name = self.world.config.bigquery.as_ref().unwrap().name_of(table).to_owned();
        simulator.table(&name).unwrap().rows().iter().map(|landed| landed.row.clone()).collect()
    }

    fn keeps(&self, table: &Shape) -> bool {
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

/// D1 over the REST API.
pub struct Database {
    world: World,
    settings: D1,
}

impl Database {
    pub fn new() -> Self {
        let Table::D1(settings) = Table::d1() else { panic!("it is D1") };
        let world = World::new();
        world.apply_to_d1();
        Self { world, settings }
    }

    pub fn sink(&self) -> D1Sink<Rest<'_, World>> {
        D1Sink::new(Rest::new(&self.world, &self.settings))
    }

    /// Looks at the database without the API.
    pub fn look<T>(&self, look: impl FnOnce(&Connection) -> T) -> T {
        look(self.world.simulator.borrow().database(&self.settings.database).unwrap().connection())
    }

    /// Rows written so far, as D1 bills them.
    pub fn rows_written(&self) -> u64 {
        self.world.simulator.borrow().database(&self.settings.database).unwrap().rows_written()
    }
}

impl Place for Database {
    fn name(&self) -> &'static str {
        "D1"
    }

    fn write(&self, records: &[Record]) -> Result<Outcome, CallError> {
        now(self.sink().write(records))
    }

    fn lines(&self, table: &'static Shape) -> Vec<Value> {
        self.look(|file| select(file, table.name))
    }

    fn is_in_order(&self) -> bool {
        false
    }

    fn keeps(&self, table: &Shape) -> bool {
        self.sink().keeps(table)
    }

    /// Two of them do not fit one value.
    fn large(&self) -> usize {
        1_500_000
    }

    fn trouble(&mut self, trouble: Trouble) {
        self.world.end_faults();
        match trouble {
            Trouble::None => {}
            Trouble::LostAnswer => self.world.fault(Endpoint::Database, When::Always, Fault::SilenceAfter),
            // All of a batch is one transaction.
            Trouble::BreaksOff => self.world.fault(Endpoint::Database, When::Always, Fault::Silence),
        }
    }

    fn poison(&mut self, id: &str) -> bool {
        let refuse = format!(
            "CREATE TRIGGER poison BEFORE INSERT ON aig_logs_raw WHEN NEW.id = '{id}' \
             BEGIN SELECT RAISE(ABORT, 'no more'); END"
        );
        self.look(|file| file.execute_batch(&refuse).unwrap());
        true
    }

    fn count(&self) -> Option<u64> {
        now(count(&self.sink()))
    }
}

pub struct File(pub Connection);

impl File {
    pub fn new() -> Self {
        let file = Connection::open_in_memory().unwrap();
        Sqlite::new(&file, &MetadataKeys::default()).unwrap();
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

    fn lines(&self, table: &'static Shape) -> Vec<Value> {
        select(&self.0, table.name)
    }

    fn is_in_order(&self) -> bool {
        false
    }

    fn keeps(&self, table: &Shape) -> bool {
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

pub struct Json {
    disk: Disk,
    sink: Ndjson<Box<dyn io::Write>>,
}

impl Json {
    pub fn new() -> Self {
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
    fn lines(&self, table: &'static Shape) -> Vec<Value> {
        assert_eq!(table.name, LOGS.name);
        let bytes = self.disk.bytes.borrow();
        bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }

    fn keeps(&self, table: &Shape) -> bool {
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
pub struct Several {
    pub bigquery: BigQuery,
    pub file: File,
    pub json: Json,
}

impl Several {
    pub fn new() -> Self {
        Self { bigquery: BigQuery::new(), file: File::new(), json: Json::new() }
    }

    pub fn sinks(&self) -> All<Any<'_, World>> {
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
    fn lines(&self, table: &'static Shape) -> Vec<Value> {
        let places: [&dyn Place; 3] = [&self.bigquery, &self.file, &self.json];
        let keeping = places.into_iter().filter(|place| place.keeps(table));
        let [first, others @ ..] = &keeping.map(|place| place.lines(table)).collect::<Vec<_>>()[..] else {
            panic!("nobody keeps it")
        };
        let id = |line: &Value| line[table.id].clone();
        let common = first.iter().filter(|line| others.iter().all(|other| other.iter().any(|it| id(it) == id(line))));
        common.cloned().collect()
    }

    /// `BigQuery`, whose lines are compared with those of the others, comes first.
    fn is_in_order(&self) -> bool {
        self.bigquery.is_in_order()
    }

    fn keeps(&self, table: &Shape) -> bool {
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

pub fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("nothing is waited for")
}

pub async fn count<K: Sink>(sink: &K) -> Option<u64> {
    let always = Timestamp::UNIX_EPOCH..at("2100-01-01");
    let counted = sink.count("main", &always).await.unwrap();
    let ids = sink.ids("main", &always).await.unwrap();
    assert_eq!(ids.map(|ids| ids.len() as u64), counted, "each log has one id");
    counted
}

pub fn places() -> Vec<Box<dyn Place>> {
    vec![
        Box::new(BigQuery::new()),
        Box::new(File::new()),
        Box::new(Database::new()),
        Box::new(Json::new()),
        Box::new(Several::new()),
    ]
}

pub fn at(text: &str) -> Timestamp {
    time::parse(text).unwrap()
}
