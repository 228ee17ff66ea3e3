//! Writes rows into a SQLite file, the embedded default. The file has the same views as BigQuery.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use rusqlite::{Connection, ErrorCode, ToSql, Transaction, TransactionBehavior, params_from_iter, types::ToSqlOutput};

use super::{
    Outcome, Sink,
    place::{Place, moved},
};
use crate::{
    database::{Statement, upsert},
    error::CallError,
    log::metadata::MetadataKeys,
    record::{Cell, Record},
    rollup,
    sink::sql::{COUNT_ANEW, SQLITE, added_columns, made, view},
    time::{self, Timestamp},
};

/// A SQLite file with the raw table and the views over it.
#[derive(Debug)]
pub struct Sqlite<'a> {
    connection: &'a Connection,
    /// None: the file has no place, such as a file in memory.
    place: Option<Place>,
}

impl<'a> Sqlite<'a> {
    /// A file that already has the table and the views, or is only read. Nothing is made.
    #[must_use]
    pub fn of(connection: &'a Connection) -> Self {
        Self { connection, place: None }
    }

    /// Makes the table and the views if they are missing. Replaces views of another version of this program, or with
    /// other keys of the metadata.
    ///
    /// # Errors
    /// If the file cannot be written, or has another table of that name.
    pub fn new(connection: &'a Connection, keys: &MetadataKeys) -> Result<Self, CallError> {
        make(connection, keys).map_err(|error| unmade(&error, connection))?;
        Ok(Self { connection, place: None })
    }

    /// The same sink, for a file that must stay in its place: rows written elsewhere are not acknowledged.
    #[must_use]
    pub fn in_place(self, place: Option<Place>) -> Self {
        Self { place, ..self }
    }

    fn failed(&self, error: &rusqlite::Error) -> CallError {
        failed(error, self.place.as_ref())
    }
}

impl Sink for Sqlite<'_> {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn batch(&self) -> usize {
        500
    }

    /// One transaction: all rows, or none.
    async fn write(&self, rows: &[Record]) -> Result<Outcome, CallError> {
        let Some(insert) = rows.first().map(|row| upsert(row.table)) else { return Ok(Outcome::default()) };
        let written = || {
            let transaction = self.connection.unchecked_transaction()?;
            let (mut known, mut changed) = (Vec::new(), Vec::new());
            {
                let mut statement = transaction.prepare_cached(&insert)?;
                for (index, row) in rows.iter().enumerate() {
                    if statement.execute(params_from_iter(&row.cells))? == 0 {
                        known.push(index);
                    } else {
                        changed.push(row);
                    }
                }
            }
            if let Some(Statement::Sql(note, spans)) = rollup::note(changed, time::END) {
                transaction.prepare_cached(&note)?.execute(params_from_iter(&spans))?;
            }
            transaction.commit()?;
            Ok(Outcome { known, rejected: Vec::new() })
        };
        let outcome = written().map_err(|error: rusqlite::Error| self.failed(&error))?;
        // Rows in a file that nobody will find are not written: the cursor must not move past them.
        match &self.place {
            Some(place) if !place.holds() => Err(moved(place)),
            Some(_) | None => Ok(outcome),
        }
    }

    async fn count(&self, gateway: &str, time: &Range<Timestamp>) -> Result<Option<u64>, CallError> {
        let sql = format!("SELECT count(*) {OF_A_TIME}");
        let counted = self.connection.prepare_cached(&sql).and_then(|mut statement| {
            statement.query_row([gateway, &time::text(time.start), &time::text(time.end)], |row| row.get::<_, i64>(0))
        });
        counted.map(|rows| u64::try_from(rows).ok()).map_err(|error| self.failed(&error))
    }

    async fn ids(&self, gateway: &str, time: &Range<Timestamp>) -> Result<Option<BTreeSet<String>>, CallError> {
        let sql = format!("SELECT id {OF_A_TIME}");
        let ids = self.connection.prepare_cached(&sql).and_then(|mut statement| {
            let rows =
                statement.query_map([gateway, &time::text(time.start), &time::text(time.end)], |row| row.get(0))?;
            rows.collect::<Result<_, _>>()
        });
        ids.map(Some).map_err(|error| self.failed(&error))
    }
}

/// A log has one row, by its key. Instants are texts of one length, so they compare as texts.
const OF_A_TIME: &str = "FROM aig_logs_raw WHERE gateway = ?1 AND created_at >= ?2 AND created_at < ?3";

/// Questions about a time ask it of all gateways. In D1 an index would cost a second row written for each log; in a file it
/// costs nothing.
const BY_TIME: &str = "CREATE INDEX IF NOT EXISTS aig_logs_raw_created_at ON aig_logs_raw (created_at)";

/// Writes only to a file that lacks something.
fn make(connection: &Connection, keys: &MetadataKeys) -> rusqlite::Result<()> {
    let texts = SQLITE.iter().map(|script| script.for_sqlite(keys));
    let (views, tables): (Vec<_>, Vec<_>) = texts.partition(|text| view(text).is_some());
    for text in &tables {
        connection.execute_batch(text)?;
    }
    connection.execute_batch(BY_TIME)?;
    let columns = columns_of_counts(connection)?;
    let additions: Vec<_> = added_columns(|name| columns.contains(name)).collect();
    if !additions.is_empty() {
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        for text in additions.iter().map(String::as_str).chain([COUNT_ANEW]) {
            transaction.execute_batch(text)?;
        }
        transaction.commit()?;
    }
    let known = views_of(connection)?;
    let is_current = |(name, text)| known.get(name).is_some_and(|known: &String| known == text);
    if views.iter().flat_map(|text| made(text)).all(is_current) {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for text in &views {
        transaction.execute_batch(text)?;
    }
    transaction.commit()
}

fn columns_of_counts(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info('rollups')")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// The views and triggers of a file by name. SQLite keeps the text of each statement unchanged.
fn views_of(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_master WHERE type IN ('view', 'trigger')")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Why a file cannot have our tables and views. SQLite's own words would tell to delete what another program has made.
fn unmade(error: &rusqlite::Error, connection: &Connection) -> CallError {
    let words = error.to_string();
    let foreign = words.split_once("use DROP ").and_then(|(_, rest)| rest.split_once(" to delete "));
    let file = connection.path().filter(|path| !path.is_empty()).unwrap_or("the file of --sink");
    if let Some((_, name)) = foreign {
        return other_programs(&format!("{file} has the {name}, which aig-logs has not made"));
    }
    // A statement that makes our indices does not fit a table of the same name.
    if let rusqlite::Error::SqlInputError { msg, .. } = error {
        return other_programs(&format!("{file} has a table of another program under a name of aig-logs ({msg})"));
    }
    failed(error, None)
}

fn other_programs(problem: &str) -> CallError {
    CallError::denied(problem, "Name another file with --sink sqlite:PATH, or rename that table")
}

fn failed(error: &rusqlite::Error, place: Option<&Place>) -> CallError {
    let file = place.map_or_else(|| "the file of --sink".to_owned(), |place| place.path().display().to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            CallError::Broken(format!("another program holds {file} ({error})"))
        }
        Some(ErrorCode::DiskFull) => CallError::denied(
            format!("the disk is full: {file} cannot grow ({error})"),
            "Make room; the next pass goes on where this one ended",
        ),
        _ => CallError::denied(error.to_string(), format!("Check that {file} can be written and is an aig-logs file")),
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => rusqlite::types::Null.into(),
            Self::Text(text) => text.as_str().into(),
            Self::Integer(integer) => (*integer).into(),
            Self::Float(float) => (*float).into(),
            Self::Bool(truth) => (*truth).into(),
            Self::Instant(instant) => time::text(*instant).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use serde_json::json;

    use super::*;
    use crate::log::{entry::Entry, metadata::MetadataColumn, privacy::Privacy};

    fn row(id: &str, cost: f64) -> Record {
        read_at("2026-10-06T09:16:00Z", id, Some(cost))
    }

    fn read_at(ingested_at: &str, id: &str, cost: Option<f64>) -> Record {
        let entry = json!({ "id": id, "created_at": "2026-10-06T09:15:22.417Z", "cost": cost, "cached": false });
        Entry::from_json(entry).unwrap().into_row("main", time::parse(ingested_at).unwrap(), &Privacy::default())
    }

    #[test]
    fn counts_of_an_older_version_get_their_new_columns_and_are_made_anew() {
        let file = Connection::open_in_memory().unwrap();
        let keys = MetadataKeys::default();
        Sqlite::new(&file, &keys).unwrap();
        let older = "ALTER TABLE rollups DROP COLUMN cached; ALTER TABLE rollups DROP COLUMN billed;
                     INSERT INTO rollup_spans VALUES ('logs', 'hour', 'h', 1, 0), ('logs', 'hour', 'gone', 2, 0)";
        file.execute_batch(older).unwrap();
        for _ in 0..2 {
            Sqlite::new(&file, &keys).unwrap();
            let states = "SELECT group_concat(state) FROM rollup_spans ORDER BY start";
            let states: String = file.query_row(states, [], |row| row.get(0)).unwrap();
            assert_eq!((states.as_str(), columns_of_counts(&file).unwrap().contains("billed")), ("2,0", true));
        }
    }

    #[test]
    fn a_row_that_was_read_later_replaces_another_and_one_that_says_the_same_is_known() {
        let file = Connection::open_in_memory().unwrap();
        let sink = Sqlite::new(&file, &MetadataKeys::default()).unwrap();
        let check = |clock: &str, cost: Option<f64>, known: &[usize], expected: (Option<f64>, &str)| {
            let row = read_at(&format!("2026-10-06T09:{clock}Z"), "a", cost);
            let outcome = sink.write(&[row]).now_or_never().unwrap().unwrap();
            assert_eq!(outcome, Outcome { known: known.to_vec(), rejected: Vec::new() }, "{clock} {cost:?}");
            let read = "SELECT cost, substr(ingested_at, 15, 5) FROM aig_logs_raw";
            let found: Vec<(Option<f64>, String)> = file
                .prepare(read)
                .unwrap()
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert_eq!(found, [(expected.0, expected.1.to_owned())], "{clock} {cost:?}");
        };
        check("20:00", None, &[], (None, "20:00"));
        check("21:00", Some(0.5), &[], (Some(0.5), "21:00"));
        check("22:00", Some(0.5), &[0], (Some(0.5), "21:00"));
        // A crash, or a slower pass, leads to such a second write.
        check("20:30", None, &[0], (Some(0.5), "21:00"));
        check("21:00", Some(0.7), &[0], (Some(0.5), "21:00"));
        check("23:00", None, &[], (None, "23:00"));
    }

    /// A file that an older version of this program has made, with its key.
    fn old_file() -> Connection {
        let file = Connection::open_in_memory().unwrap();
        let table = SQLITE.iter().find(|script| script.name == "1_table.sql").unwrap().text;
        let [key, end] = ["(gateway, created_at, id)", ") WITHOUT ROWID;"];
        assert!(table.contains(key) && table.contains(end));
        file.execute_batch(&table.replace(key, "(gateway, id)").replace(end, ");")).unwrap();
        file
    }

    #[test]
    fn a_file_with_an_older_key_is_written_and_asked_as_before() {
        let file = old_file();
        let sink = Sqlite::new(&file, &MetadataKeys::default()).unwrap();
        let write = |row: Record| sink.write(&[row]).now_or_never().unwrap().unwrap().known;
        assert_eq!(write(read_at("2026-10-06T09:20:00Z", "a", None)), [0; 0]);
        assert_eq!(write(read_at("2026-10-06T09:20:00Z", "b", None)), [0; 0]);
        assert_eq!(write(read_at("2026-10-06T09:21:00Z", "a", Some(0.5))), [0; 0], "a newer row replaces it");
        assert_eq!(write(read_at("2026-10-06T09:22:00Z", "a", Some(0.5))), [0], "it says the same");
        assert_eq!(write(read_at("2026-10-06T09:19:00Z", "a", Some(0.7))), [0], "it is older");
        let cost = file.query_row("SELECT cost FROM aig_logs WHERE id = 'a'", [], |row| row.get::<_, f64>(0));
        assert_eq!(cost, Ok(0.5));
        let time = time::parse("2026-10-06").unwrap()..time::parse("2026-10-07").unwrap();
        assert_eq!(sink.count("main", &time).now_or_never().unwrap(), Ok(Some(2)));
        let ids = sink.ids("main", &time).now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(ids.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_row_is_kept_once_with_its_types() {
        let file = Connection::open_in_memory().unwrap();
        let sink = Sqlite::new(&file, &MetadataKeys::default()).unwrap();
        let write = |rows: &[Record]| sink.write(rows).now_or_never().unwrap().unwrap();
        assert_eq!(write(&[row("a", 0.0), row("b", 0.5)]), Outcome::default());
        assert_eq!(write(&[row("b", 0.7), row("c", 0.1)]), Outcome { known: vec![0], rejected: Vec::new() });
        let read = "SELECT json_array(id, created_at, cost, cached, step, typeof(cost)) FROM aig_logs ORDER BY id";
        let mut statement = file.prepare(read).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        let rows: Vec<String> = rows.collect::<Result<_, _>>().unwrap();
        let expected = |id, cost| format!(r#"["{id}","2026-10-06T09:15:22.417Z",{cost},0,null,"real"]"#);
        assert_eq!(rows, [expected("a", "0.0"), expected("b", "0.5"), expected("c", "0.1")]);
    }

    #[test]
    fn views_of_another_version_are_made_again_and_current_ones_left_alone() {
        let file = Connection::open_in_memory().unwrap();
        let version = || file.query_row("PRAGMA schema_version", [], |row| row.get::<_, u32>(0)).unwrap();
        let columns = || file.prepare("SELECT * FROM aig_errors").map(|statement| statement.column_count());
        Sqlite::new(&file, &MetadataKeys::default()).unwrap();
        let (made, whole) = (version(), columns());
        Sqlite::new(&file, &MetadataKeys::default()).unwrap();
        assert_eq!(version(), made, "the file was written again");
        for change in ["DROP VIEW aig_errors", "DROP VIEW aig_errors; CREATE VIEW aig_errors AS SELECT 1"] {
            file.execute_batch(change).unwrap();
            Sqlite::new(&file, &MetadataKeys::default()).unwrap();
            assert_eq!(columns(), whole, "{change}");
        }
        file.execute_batch("DROP TRIGGER Uu_sink_delete").unwrap();
        Sqlite::new(&file, &MetadataKeys::default()).unwrap();
        file.execute("DELETE FROM Uu_sink", []).unwrap();
        let made = version();
        let team = MetadataKeys { columns: vec![MetadataColumn::parse("team").unwrap()], ..MetadataKeys::default() };
        Sqlite::new(&file, &team).unwrap();
        let (with_team, teams) = (version(), "SELECT team FROM aig_logs");
        assert!(with_team > made && file.prepare(teams).is_ok());
        Sqlite::new(&file, &team).unwrap();
        assert_eq!(version(), with_team, "the file was written again");
        Sqlite::new(&file, &MetadataKeys::default()).unwrap();
        assert!(file.prepare(teams).is_err());
    }

    #[test]
    fn rows_in_a_file_that_has_left_its_place_are_not_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let [path, elsewhere] = ["rows.sqlite", "elsewhere"].map(|name| folder.path().join(name));
        let file = Connection::open(&path).unwrap();
        // Without WAL, SQLite itself checks the place of its file.
        file.pragma_update(None, "journal_mode", "WAL").unwrap();
        let sink = Sqlite::new(&file, &MetadataKeys::default()).unwrap().in_place(Some(Place::of(&path).unwrap()));
        let write = |id| sink.write(&[row(id, 0.0)]).now_or_never().unwrap();
        assert_eq!(write("a"), Ok(Outcome::default()));
        std::fs::rename(&path, &elsewhere).unwrap();
        let gone = write("b").unwrap_err();
        assert!(!gone.is_transient() && gone.to_string().contains(crate::sink::place::MOVED), "{gone}");
        std::fs::write(&path, "").unwrap();
        assert_eq!(write("c").unwrap_err(), gone, "another file is there");
        std::fs::rename(&elsewhere, &path).unwrap();
        assert_eq!(write("b"), Ok(Outcome { known: vec![0], rejected: Vec::new() }));
    }

    #[test]
    fn another_table_of_that_name_is_left_alone() {
        let file = Connection::open_in_memory().unwrap();
        file.execute_batch("CREATE TABLE aig_logs_raw (id TEXT PRIMARY KEY, created_at TEXT)").unwrap();
        let written =
            Sqlite::new(&file, &MetadataKeys::default()).unwrap().write(&[row("a", 0.0)]).now_or_never().unwrap();
        assert!(matches!(written, Err(CallError::Denied { .. })), "{written:?}");
    }
}
