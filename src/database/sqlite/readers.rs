//! Connections that only read. SQLite lets them read beside the one that writes.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Row, params_from_iter, types::ValueRef};
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{failure::failed, functions::add_functions};
use crate::{
    error::CallError,
    record::Cell,
    sink::place::{Place, moved},
};

/// Questions that are answered at once. A further one waits.
pub(super) const READERS: usize = 4;

/// Steps of SQLite's machine after which a statement looks whether it is over: some tenths of a millisecond.
const STEPS: i32 = 10_000;

/// Connections that read, opened when they are first needed.
#[derive(Debug)]
pub(super) struct Readers {
    place: Place,
    idle: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub fn new(place: Place) -> Self {
        Self { place, idle: Mutex::default(), turns: Arc::new(Semaphore::new(READERS)) }
    }

    /// Waits until few enough others read; none: nobody closes it, so there is always a turn.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Runs a statement that only reads, and blocks the thread meanwhile, until its end or until `is_over`.
    pub fn read(
        &self,
        text: &str,
        values: &[Cell],
        is_over: Arc<AtomicBool>,
    ) -> Result<Vec<Map<String, Value>>, CallError> {
        if !self.place.holds() {
            return Err(moved(&self.place));
        }
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let known = idle().pop();
        let read = || {
            let mut connection = known.map_or_else(|| self.open(), Ok)?;
            connection.progress_handler(STEPS, Some(move || is_over.load(Ordering::Relaxed)))?;
            let lines = lines(&connection, text, values)?;
            connection.progress_handler(0, None::<fn() -> bool>)?;
            // A connection that has failed is not used again.
            idle().push(connection);
            Ok(lines)
        };
        read().map_err(|error: rusqlite::Error| failed(&error, self.place.path()))
    }

    /// Writes the whole file anew, and empties the log beside it. `secure_delete` zeroes a row where it stood last. A page
    /// that was split or filled again may hold an older copy of it. Whoever writes waits meanwhile.
    pub fn wipe(&self, patience: Duration) -> Result<(), CallError> {
        if !self.place.holds() {
            return Err(moved(&self.place));
        }
        let emptied = || {
            let connection = Connection::open(self.place.path())?;
            connection.busy_timeout(patience)?;
            connection.execute_batch("VACUUM")?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))
        };
        let is_read = emptied().map_err(|error: rusqlite::Error| failed(&error, self.place.path()))?;
        if is_read {
            return Err(CallError::Broken(format!("another program reads {}", self.place.path().display())));
        }
        Ok(())
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.place.path(), flags)?;
        add_functions(&connection)?;
        Ok(connection)
    }
}

/// Runs a statement to its end. The lines that it returns.
pub(super) fn lines(connection: &Connection, text: &str, values: &[Cell]) -> rusqlite::Result<Vec<Map<String, Value>>> {
    let mut statement = connection.prepare_cached(text)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let line = |row: &Row<'_>| {
        let members = names.iter().enumerate().map(|(place, name)| Ok((name.clone(), value(row.get_ref(place)?))));
        members.collect::<rusqlite::Result<_>>()
    };
    statement.query_map(params_from_iter(values), line)?.collect()
}

/// No table here holds bytes, and JSON has neither bytes nor infinities.
fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
        ValueRef::Integer(integer) => integer.into(),
        ValueRef::Real(float) => float.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
    }
}
