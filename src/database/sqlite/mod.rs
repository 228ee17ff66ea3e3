//! A SQLite file as a database: one thread writes, for all requests that wait in one transaction; a few connections read.

mod failure;
mod functions;
mod readers;
mod writer;

use std::{
    fs::File,
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;
use serde_json::{Map, Value};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::timeout,
};

pub use self::functions::add_functions;
use self::{
    failure::unopened,
    readers::Readers,
    writer::{Answer, Waiting, Writer},
};
use super::{Database, Done, LONGEST, Statement, late};
use crate::{
    error::CallError,
    log::metadata::MetadataKeys,
    record::Cell,
    sink::{place::Place, sqlite::Sqlite},
};

/// Bytes of a page of a new file. A row of a table without rowids that is larger than a quarter of a page would take a
/// page of its own.
const PAGE_SIZE: u32 = 16_384;

/// The memory in which a connection that writes keeps pages, in KiB.
const CACHE: u32 = 8_192;

/// How long a request waits for another program that writes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Requests that may wait for the writer. A further one waits for its place.
const MOST_WAITING: usize = 1_024;

/// A SQLite file that any thread may use. The tables and views are there.
#[derive(Debug)]
pub struct SqliteDatabase {
    waiting: mpsc::Sender<Waiting>,
    readers: Arc<Readers>,
    /// How long a question may take.
    longest: Duration,
    writer: JoinHandle<()>,
}

impl SqliteDatabase {
    /// Opens a file, and makes what is missing: the file, its tables and its views.
    ///
    /// # Errors
    /// If the file cannot be written, or is no SQLite file.
    pub fn open(path: &Path, keys: &MetadataKeys) -> Result<Self, CallError> {
        let place = make_private(path).map_err(|error| {
            CallError::denied(error.to_string(), format!("Check that {} can be written", path.display()))
        })?;
        let connection = to_write(path).map_err(|error| unopened(&error, path))?;
        Sqlite::new(&connection, keys)?;
        Self::start(connection, place)
    }

    /// Opens a file that is there, and makes nothing in it.
    ///
    /// # Errors
    /// If there is no file, it cannot be written, or it is no SQLite file.
    pub fn existing(path: &Path) -> Result<Self, CallError> {
        let place = Place::of(path).map_err(|error| {
            CallError::denied(error.to_string(), format!("Check that {} is the right file", path.display()))
        })?;
        Self::start(to_write(path).map_err(|error| unopened(&error, path))?, place)
    }

    fn start(connection: Connection, place: Place) -> Result<Self, CallError> {
        let (waiting, requests) = mpsc::channel(MOST_WAITING);
        let writer = Writer::new(connection, place.clone());
        let writer = std::thread::Builder::new().name("writer".into()).spawn(move || writer.run(requests));
        let writer = writer.map_err(|error| CallError::Silent(error.to_string()))?;
        Ok(Self { waiting, readers: Arc::new(Readers::new(place)), longest: LONGEST, writer })
    }

    /// Waits until everything that was accepted is committed, and closes the file.
    ///
    /// # Errors
    /// If the writer has failed.
    pub fn close(self) -> Result<(), CallError> {
        let Self { waiting, readers, writer, .. } = self;
        drop((waiting, readers));
        writer.join().map_err(|_| gone())
    }
}

impl Database for SqliteDatabase {
    /// The answer comes after the commit. A caller that no longer waits for it does not undo the statements.
    async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Done>, CallError> {
        let (answer, answered) = oneshot::channel();
        self.waiting.send(Waiting { statements, answer }).await.map_err(|_| gone())?;
        let Answer { done, statements } = answered.await.map_err(|_| gone())?;
        drop(statements);
        done
    }

    /// Ten times as many as D1: the file is on this machine.
    fn most_read(&self) -> u64 {
        20_000_000
    }

    async fn query(&self, text: &str, values: Vec<Cell>) -> Result<Vec<Map<String, Value>>, CallError> {
        if self.waiting.is_closed() {
            return Err(gone());
        }
        let (readers, text) = (Arc::clone(&self.readers), text.to_owned());
        let read = spawn_blocking(move || readers.read(&text, &values, Arc::default())).await;
        read.map_err(|error| CallError::Silent(error.to_string()))?
    }

    /// A few are answered at once, each for a while at most. One that nobody waits for any more is ended.
    async fn ask(&self, text: &str, values: Vec<Cell>) -> Result<Vec<Map<String, Value>>, CallError> {
        if self.waiting.is_closed() {
            return Err(gone());
        }
        let busy = |_| CallError::Broken("other questions are being answered: ask again".into());
        let turn = timeout(self.longest, self.readers.turn()).await.map_err(busy)?;
        let (readers, text, asked) = (Arc::clone(&self.readers), text.to_owned(), Asked::default());
        let is_over = Arc::clone(&asked.is_over);
        // The turn ends with the statement, whoever waits for it.
        let read = spawn_blocking(move || {
            let _turn = turn;
            readers.read(&text, &values, is_over)
        });
        let read = timeout(self.longest, read).await;
        drop(asked);
        read.map_err(|_| late(self.longest))?.map_err(|error| CallError::Silent(error.to_string()))?
    }

    async fn wipe(&self) -> Result<(), CallError> {
        let readers = Arc::clone(&self.readers);
        let wiped = spawn_blocking(move || readers.wipe(PATIENCE)).await;
        wiped.map_err(|error| CallError::Silent(error.to_string()))?
    }
}

/// A question that somebody waits for. Dropped, its statement ends.
#[derive(Default)]
struct Asked {
    is_over: Arc<AtomicBool>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// The failure of a thread, which only a defect of this program can end.
fn gone() -> CallError {
    CallError::Silent("the thread that writes has ended: start the program again".into())
}

/// The place of a file. A missing file is made, for its owner alone; SQLite gives the files beside it the same mode.
fn make_private(path: &Path) -> io::Result<Place> {
    match File::options().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Place::of(path),
    }
}

/// A connection that writes durably: a commit returns after the system has confirmed that the bytes are on the disk.
fn to_write(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    // Only a file without tables takes it.
    connection.pragma_update(None, "page_size", PAGE_SIZE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "cache_size", -i64::from(CACHE))?;
    add_functions(&connection)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

    fn database(folder: &tempfile::TempDir) -> SqliteDatabase {
        SqliteDatabase::open(&folder.path().join("a.sqlite"), &MetadataKeys::default()).unwrap()
    }

    #[tokio::test]
    async fn a_question_that_takes_too_long_is_ended_and_the_next_one_answered() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = database(&folder);
        database.longest = Duration::from_millis(1);
        for _ in 0..=readers::READERS {
            let ended = database.ask(ENDLESS, Vec::new()).await;
            assert!(matches!(ended, Err(CallError::Throttled { .. } | CallError::Broken(_))), "{ended:?}");
        }
        database.longest = Duration::from_hours(1);
        assert_eq!(database.ask("SELECT 1 AS one", Vec::new()).await.unwrap()[0]["one"], 1);
    }

    #[tokio::test]
    async fn a_question_that_nobody_waits_for_is_ended_and_keeps_no_turn() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder);
        for _ in 0..=readers::READERS {
            // Dropped at any moment: before it begins, and while it runs.
            let asked = database.ask(ENDLESS, Vec::new());
            tokio::select! {
                biased;
                _ = asked => panic!("it has no end"),
                () = tokio::task::yield_now() => {}
            }
        }
        // Whoever asks no question waits for no turn.
        assert_eq!(database.query("SELECT 1 AS one", Vec::new()).await.unwrap()[0]["one"], 1);
        assert_eq!(database.ask("SELECT 1 AS one", Vec::new()).await.unwrap()[0]["one"], 1);
        database.close().unwrap();
    }

    #[test]
    fn a_commit_waits_for_the_disk_and_erases() {
        let folder = tempfile::tempdir().unwrap();
        let file = to_write(&folder.path().join("a.sqlite")).unwrap();
        let number = |name| file.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        let numbers = ["synchronous", "secure_delete", "page_size"].map(number);
        assert_eq!(numbers, [2, 1, i64::from(PAGE_SIZE)]);
        let journal: String = file.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(journal, "wal");
    }
}
