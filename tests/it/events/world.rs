//! A server of the events API whose clock, random numbers and database a test controls.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use aig_logs::{
    api::Api,
    config::EventSettings,
    database::{Database, Done, Statement, sqlite::add_functions, upsert_of_json},
    error::CallError,
    host::Server,
    record::{self, Kind, Record},
    sink::sql::SQLITE,
    time::{self, Timestamp},
    wire::{Request, Response},
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::{Connection, Params, Row, params_from_iter, types::ValueRef};
use serde_json::{Map, Value, json};

/// The key of all orgs and scopes.
pub const ADMIN: &str = "the-key-of-all-orgs-and-scopes";

/// What a call of the database meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// It fails, and nothing is done.
    Fails,
    /// It is done, and the answer says that it failed.
    FailsAfter,
    /// It is done, and no answer comes.
    Silence,
    /// It is refused, and always will be.
    Refuses,
}

/// Every strike.
pub const ALL_STRIKES: [Strike; 4] = [Strike::Fails, Strike::FailsAfter, Strike::Silence, Strike::Refuses];

/// What passes by itself.
pub const STRIKES: [Strike; 3] = [Strike::Fails, Strike::FailsAfter, Strike::Silence];

/// SQLite in memory, written as D1 is: a list of records is one JSON value.
pub struct Memory {
    pub connection: Connection,
    /// The calls until one is struck, and how. Those after it are struck as well.
    pub strike: Cell<Option<(usize, Strike)>>,
    /// Whether those after it are spared.
    pub is_once: Cell<bool>,
    /// The calls so far.
    pub calls: Cell<usize>,
    /// The texts of the statements that were queried.
    pub texts: RefCell<Vec<String>>,
}

impl Memory {
    /// Tables without rows.
    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.set_prepared_statement_cache_capacity(1_024);
        add_functions(&connection).unwrap();
        // The views take longer to make than most tests, and nobody asks them here.
        for table in SQLITE.iter().filter(|script| script.text.contains("CREATE TABLE")) {
            connection.execute_batch(table.text).unwrap();
        }
        connection
    }

    fn of(connection: Connection) -> Self {
        Self {
            connection,
            strike: Cell::new(None),
            is_once: Cell::new(false),
            calls: Cell::new(0),
            texts: RefCell::default(),
        }
    }

    /// Takes all rows out of all tables. What a trigger notes meanwhile goes with the second round.
    fn clear(&self) {
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let tables = self.lines(tables, &[]);
        for table in tables.iter().chain(&tables) {
            self.execute(&format!("DELETE FROM {}", table["name"].as_str().unwrap()), []).unwrap();
        }
    }

    /// Does the work of a call, unless the call is struck before it.
    pub fn call<T>(&self, work: impl FnOnce() -> T) -> Result<T, CallError> {
        self.calls.set(self.calls.get() + 1);
        let strike = match self.strike.get() {
            Some((0, strike)) => {
                self.strike.set(self.strike.get().filter(|_| !self.is_once.get()));
                Some(strike)
            }
            Some((calls, strike)) => {
                self.strike.set(Some((calls - 1, strike)));
                None
            }
            None => None,
        };
        match strike {
            None => Ok(work()),
            Some(Strike::Refuses) => Err(CallError::denied("struck", "Send something else")),
            Some(Strike::Fails) => Err(CallError::Broken("struck".into())),
            Some(Strike::FailsAfter) => {
                work();
                Err(CallError::Broken("struck".into()))
            }
            Some(Strike::Silence) => {
                work();
                Err(CallError::Silent("struck".into()))
            }
        }
    }

    /// Whatever SQLite refuses here, it always will.
    fn done(&self, statement: &Statement) -> Result<Done, CallError> {
        let changed = match statement {
            Statement::Sql(text, _) if text.starts_with("SELECT") || text.contains(" RETURNING ") => {
                return Ok(self.selected(statement));
            }
            Statement::Sql(text, values) => self.execute(text, params_from_iter(values)),
            Statement::Write(records) => {
                let Some(first) = records.first() else { return Ok(Done::default()) };
                let list = Value::Array(records.iter().map(cells).collect()).to_string();
                self.execute(&upsert_of_json(first.table), [list])
            }
        };
        let changed = changed.map_err(|error| CallError::denied(error.to_string(), "Send something else"))? as u64;
        Ok(Done { changed, rows_written: changed, ..Done::default() })
    }

    /// Most statements come again and again.
    fn execute(&self, text: &str, values: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(text)?.execute(values)
    }

    fn selected(&self, statement: &Statement) -> Done {
        let Statement::Sql(text, values) = statement else { return Done::default() };
        Done { rows: self.lines(text, values), ..Done::default() }
    }

    /// The lines of a query.
    pub fn lines(&self, sql: &str, values: &[record::Cell]) -> Vec<Map<String, Value>> {
        let mut statement = self.connection.prepare_cached(sql).unwrap();
        let names: Vec<_> = statement.column_names().map(str::to_owned).collect();
        let lines = statement.query_map(params_from_iter(values), |row| line(row, &names));
        lines.unwrap().collect::<Result<_, _>>().unwrap()
    }
}

/// A line of a table, by the names of its columns.
pub fn line(row: &Row<'_>, names: &[String]) -> rusqlite::Result<Map<String, Value>> {
    let cells = names.iter().enumerate().map(|(place, name)| {
        let value = match row.get_ref(place)? {
            ValueRef::Null | ValueRef::Blob(_) => Value::Null,
            ValueRef::Integer(integer) => integer.into(),
            ValueRef::Real(real) => real.into(),
            ValueRef::Text(text) => str::from_utf8(text).unwrap().into(),
        };
        Ok((name.clone(), value))
    });
    cells.collect()
}

/// The cells of a record as D1 gets them.
fn cells(record: &Record) -> Value {
    let columns = record.table.columns.iter().zip(&record.cells);
    let cells = columns.map(|(column, cell)| match cell {
        record::Cell::Null => Value::Null,
        record::Cell::Text(text) if column.kind == Kind::Json => serde_json::from_str(text).unwrap(),
        record::Cell::Text(text) => text.as_str().into(),
        record::Cell::Integer(integer) => (*integer).into(),
        record::Cell::Float(float) => (*float).into(),
        record::Cell::Bool(truth) => i32::from(*truth).into(),
        record::Cell::Instant(instant) => time::text(*instant).into(),
    });
    cells.collect()
}

impl Database for Memory {
    async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Done>, CallError> {
        self.call(|| statements.iter().map(|statement| self.done(statement)).collect())?
    }

    async fn query(&self, text: &str, values: Vec<record::Cell>) -> Result<Vec<Map<String, Value>>, CallError> {
        self.texts.borrow_mut().push(text.to_owned());
        self.call(|| self.lines(text, &values))
    }
}

impl Database for &Memory {
    async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Done>, CallError> {
        Memory::run(self, statements).await
    }

    async fn query(&self, text: &str, values: Vec<record::Cell>) -> Result<Vec<Map<String, Value>>, CallError> {
        Memory::query(self, text, values).await
    }
}

/// A server whose clock stands until a test moves it.
pub struct Host {
    pub memory: Memory,
    pub now: Cell<Timestamp>,
    random: RefCell<ChaCha8Rng>,
    /// Requests a minute and key.
    rate: Option<u32>,
    made: RefCell<HashMap<String, Vec<Timestamp>>>,
}

impl Server for Host {
    type Database = Memory;

    fn database(&self) -> &Memory {
        &self.memory
    }

    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.random.borrow_mut().fill_bytes(bytes);
    }

    async fn allows(&self, key: &str) -> bool {
        let mut made = self.made.borrow_mut();
        let made = made.entry(key.to_owned()).or_default();
        made.retain(|at| self.now.get() - at < TimeDelta::minutes(1));
        made.push(self.now.get());
        self.rate.is_none_or(|rate| made.len() <= rate as usize)
    }
}

const UNLIMITED: &[(&str, &str)] = &[("EVENTS_RATE", "0")];

/// The API and its server.
pub struct World {
    pub api: Api,
    pub host: Host,
}

impl World {
    /// The API with the default settings, and these.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        Self::of(settings, Memory::of(Memory::connection()))
    }

    fn of(settings: &[(&str, &str)], memory: Memory) -> Self {
        let lookup = |name: &str| {
            let given = settings.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned());
            given.or_else(|| (name == "EVENTS_ADMIN_KEY").then(|| ADMIN.to_owned()))
        };
        let settings = EventSettings::from_vars(lookup).unwrap();
        let host = Host {
            memory,
            now: Cell::new(time::parse("2026-11-29T12:00:00Z").unwrap()),
            random: RefCell::new(ChaCha8Rng::seed_from_u64(1)),
            rate: settings.rate,
            made: RefCell::default(),
        };
        Self { api: Api::new(settings), host }
    }

    /// The API with the default settings, without a limit of requests.
    pub fn new() -> Self {
        Self::with(UNLIMITED)
    }

    /// The same anew, over the tables of this one, which lose their rows. To make tables, and to read statements that
    /// come in every history, takes SQLite longer than all else of a short one.
    pub fn anew(self) -> Self {
        self.host.memory.clear();
        Self::of(UNLIMITED, Memory::of(self.host.memory.connection))
    }

    /// The answer to a request.
    pub fn send(&self, request: Request) -> Response {
        self.api.answer(&self.host, request).now_or_never().unwrap()
    }

    /// The status and the JSON of the answer to a request with a key.
    pub fn ask(&self, method: &str, path: &str, key: &str, body: &str) -> (u16, Value) {
        let response = self.send(request(method, path, &[("authorization", &format!("Bearer {key}"))], body));
        (response.status().as_u16(), body_of(&response))
    }

    /// A new key of an org.
    pub fn key(&self, org: &str, scopes: &[&str]) -> String {
        let (status, key) = self.ask("POST", "/keys", ADMIN, &json!({ "org": org, "scopes": scopes }).to_string());
        assert_eq!(status, 201, "{key}");
        key["key"].as_str().unwrap().to_owned()
    }

    /// The number of events in the table.
    pub fn events(&self) -> u64 {
        let lines = self.host.memory.lines("SELECT count(*) AS events FROM events_raw", &[]);
        lines[0]["events"].as_u64().unwrap()
    }
}

/// A request with headers.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Request {
    let request = http::Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(body.into()).unwrap()
}

/// The JSON of an answer; null if it has no body.
pub fn body_of(response: &Response) -> Value {
    if response.body().is_empty() { Value::Null } else { serde_json::from_slice(response.body()).unwrap() }
}
