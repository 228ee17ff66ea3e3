//! The thread that writes. While it commits, further requests arrive; they are the group of the next commit, so that
//! one wait for the disk serves all of them.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior, params_from_iter};
use tokio::sync::{mpsc, oneshot};

use super::{failure::failed, readers::lines};
use crate::{
    database::{Done, Statement, upsert, upsert_of},
    error::CallError,
    record::Record,
    sink::place::{Place, moved},
    time::Timestamp,
};

/// The most requests of one transaction: some 60,000 events, if each brings as many as it may.
const MOST_TOGETHER: usize = 128;

/// The rows of one statement: a row of many takes less time than a statement of one. The values of more of them would
/// not fit into the memory that a connection has ready, `SQLITE_DEFAULT_LOOKASIDE`.
const ROWS: usize = 25;

/// Statements that are kept ready.
const PREPARED: usize = 64;

/// A request that waits for its commit.
#[derive(Debug)]
pub(super) struct Waiting {
    pub statements: Vec<Statement>,
    pub answer: oneshot::Sender<Answer>,
}

impl Waiting {
    /// The instant and the id of its first row. None, which comes first: it writes no rows.
    fn first(&self) -> Option<(Timestamp, String)> {
        self.statements.iter().find_map(|statement| match statement {
            Statement::Write(records) => records.first().map(|record| (record.at(), record.id().to_owned())),
            Statement::Sql(..) => None,
        })
    }
}

/// What became of a request. Whoever asked gets the statements back and frees their rows, because everybody waits for the
/// thread that writes. That took a tenth of its time.
#[derive(Debug)]
pub(super) struct Answer {
    pub done: Result<Vec<Done>, CallError>,
    pub statements: Vec<Statement>,
}

/// Whoever writes to the file.
pub(super) struct Writer {
    connection: Connection,
    place: Place,
    /// The place of its write-ahead log, which stays as long as the file is open. None: it has none.
    log: Option<Place>,
}

impl Writer {
    pub fn new(connection: Connection, place: Place) -> Self {
        connection.set_prepared_statement_cache_capacity(PREPARED);
        let mut log = place.path().as_os_str().to_owned();
        log.push("-wal");
        Self { connection, log: Place::of(Path::new(&log)).ok(), place }
    }

    /// Writes until nobody can send a request any more, and each that was sent is answered.
    pub fn run(self, mut requests: mpsc::Receiver<Waiting>) {
        let mut group = Vec::with_capacity(MOST_TOGETHER);
        while requests.blocking_recv_many(&mut group, MOST_TOGETHER) > 0 {
            self.write(&mut group);
        }
    }

    /// Writes a group in one transaction. If the file never takes some of its values, each request gets a transaction of
    /// its own, so that it fails for its own reasons alone. Savepoints would spare the repetition, but each costs a copy
    /// of the pages that it changes, and a group hardly ever fails. A file that is held or full fails for all at once:
    /// otherwise each would wait for it after the other.
    ///
    /// Requests are written in the order of their rows in the table, as far as one org goes: what is appended splits fewer
    /// pages. Whoever sent one before another was answered cannot know their order anyway.
    fn write(&self, group: &mut Vec<Waiting>) {
        group.sort_by_cached_key(Waiting::first);
        let whole = self.commit(group.iter().map(|waiting| &waiting.statements[..]));
        match whole {
            // The commit has returned, and only now are the answers sent.
            Ok(done) => {
                for (waiting, done) in group.drain(..).zip(done) {
                    answer(waiting, Ok(done));
                }
            }
            Err(CallError::Denied { .. }) if group.len() > 1 => {
                for waiting in group.drain(..) {
                    let done = self.commit([&waiting.statements[..]].into_iter());
                    answer(waiting, done.map(|mut done| done.pop().unwrap_or_default()));
                }
            }
            Err(error) => group.drain(..).for_each(|waiting| answer(waiting, Err(error.clone()))),
        }
    }

    /// Runs the statements of some requests in one transaction. Whatever fails, nothing of it is written, unless the
    /// disk fails while it commits: then nobody knows.
    fn commit<'a>(&self, requests: impl Iterator<Item = &'a [Statement]>) -> Result<Vec<Vec<Done>>, CallError> {
        let committed = || {
            // Dropped without a commit, it is rolled back.
            let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
            let done =
                requests.map(|statements| statements.iter().map(|statement| run(&transaction, statement)).collect());
            let done = done.collect::<rusqlite::Result<_>>()?;
            transaction.commit()?;
            Ok(done)
        };
        let done = committed().map_err(|error: rusqlite::Error| failed(&error, self.place.path()))?;
        // Rows in a file that nobody will find are not kept. The newest rows are in the log beside it.
        match [Some(&self.place), self.log.as_ref()].into_iter().flatten().find(|place| !place.holds()) {
            Some(place) => Err(moved(place)),
            None => Ok(done),
        }
    }
}

/// Nobody waits any more for the answer to a request whose connection is gone.
fn answer(waiting: Waiting, done: Result<Vec<Done>, CallError>) {
    let _ = waiting.answer.send(Answer { done, statements: waiting.statements });
}

fn run(transaction: &Transaction<'_>, statement: &Statement) -> rusqlite::Result<Done> {
    let before = transaction.total_changes();
    let rows = match statement {
        Statement::Sql(text, values) => lines(transaction, text, values)?,
        Statement::Write(records) => {
            write(transaction, records)?;
            Vec::new()
        }
    };
    let changed = transaction.total_changes() - before;
    Ok(Done { changed, rows_written: changed, rows })
}

fn write(transaction: &Transaction<'_>, records: &[Record]) -> rusqlite::Result<()> {
    let Some(first) = records.first() else { return Ok(()) };
    let (full, rest) = records.as_chunks::<ROWS>();
    if !full.is_empty() {
        let mut statement = transaction.prepare_cached(&upsert_of(first.table, ROWS))?;
        for records in full {
            statement.execute(params_from_iter(records.iter().flat_map(|record| &record.cells)))?;
        }
    }
    if !rest.is_empty() {
        let mut statement = transaction.prepare_cached(&upsert(first.table))?;
        for record in rest {
            statement.execute(params_from_iter(&record.cells))?;
        }
    }
    Ok(())
}
