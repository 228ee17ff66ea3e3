//! Where rows go in a world, and how they are looked at there.

use std::{cell::RefCell, collections::BTreeMap, io};

use aig_logs::{
    config::D1,
    error::CallError,
    record::{Record, Table as Shape},
    simulator::options::SimulatorOptions,
    sink::{Outcome, Sink},
};
use rusqlite::{Connection, types::ValueRef};
use serde_json::{Map, Value};

use super::World;

pub enum Table {
    /// The simulated one.
    BigQuery,
    Sqlite(Connection),
    /// The simulated one, over the REST API.
    D1(D1),
    Ndjson(Lines),
}

impl Table {
    pub fn sqlite() -> Self {
        Self::Sqlite(Connection::open_in_memory().unwrap())
    }

    /// The database of a world with the simulator's own settings.
    pub fn d1() -> Self {
        let SimulatorOptions { account, api_token, database, .. } = SimulatorOptions::default();
        let settings = [("CF_ACCOUNT_ID", account), ("CF_API_TOKEN", api_token), ("CF_D1_DATABASE_ID", database)];
        let settings = BTreeMap::from(settings);
        Self::D1(D1::from_vars(|name| settings.get(name).cloned()).unwrap())
    }

    pub fn ndjson() -> Self {
        Self::Ndjson(Lines::default())
    }

    /// Rows as they were written, copies included.
    pub fn rows(&self, world: &World) -> Vec<Value> {
        match self {
            Self::BigQuery => {
                let simulator = world.simulator.borrow();
                let table = simulator.table(&simulator.options().table);
                table.map_or_else(Vec::new, |table| table.rows().iter().map(|landed| landed.row.clone()).collect())
            }
            Self::Sqlite(connection) => select(connection, "aig_logs"),
            Self::D1(D1 { database, .. }) => {
                let simulator = world.simulator.borrow();
                simulator.database(database).map_or_else(Vec::new, |database| select(database.connection(), "aig_logs"))
            }
            Self::Ndjson(lines) => {
                let bytes = lines.0.borrow();
                serde_json::Deserializer::from_slice(&bytes).into_iter().collect::<Result<_, _>>().unwrap()
            }
        }
    }
}

/// The rows of a table or view; none where it is not there.
pub fn select(connection: &Connection, name: &str) -> Vec<Value> {
    let Ok(mut statement) = connection.prepare(&format!("SELECT * FROM {name}")) else { return Vec::new() };
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let rows = statement.query_map([], |row| {
        let cells = names.iter().map(|name| Ok((name.clone(), cell(row.get_ref(name.as_str())?))));
        cells.collect::<rusqlite::Result<Map<_, _>>>().map(Value::Object)
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => integer.into(),
        ValueRef::Real(real) => real.into(),
        ValueRef::Text(text) => str::from_utf8(text).unwrap().into(),
        ValueRef::Blob(_) => panic!("no column holds bytes"),
    }
}

/// A writer that can be read.
#[derive(Debug, Default)]
pub struct Lines(RefCell<Vec<u8>>);

impl io::Write for &Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A sink with batches of another size, so that few entries make several.
pub struct InBatches<K> {
    pub sink: K,
    pub rows: usize,
}

impl<K: Sink> Sink for InBatches<K> {
    fn name(&self) -> &'static str {
        self.sink.name()
    }

    fn batch(&self) -> usize {
        self.rows
    }

    async fn write(&self, records: &[Record]) -> Result<Outcome, CallError> {
        self.sink.write(records).await
    }

    fn keeps(&self, table: &Shape) -> bool {
        self.sink.keeps(table)
    }
}
