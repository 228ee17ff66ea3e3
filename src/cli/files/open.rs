//! SQLite files, opened to be written, to be read, or to be written over in memory.

use std::{
    fmt::Display,
    fs::{self, File},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{cli::failure::Failure, sink::place::Place};

/// The mode of a new file: for its owner alone.
pub const PRIVATE: u32 = 0o600;

/// The SQLite file of a state that is there.
pub fn existing(path: &Path) -> Result<Connection, Failure> {
    if path.exists() { connect(path) } else { Err(no_state(&path.display())) }
}

/// Nothing is remembered where somebody looks for it.
pub fn no_state(place: &dyn Display) -> Failure {
    Failure::denied(
        format!("reading the state in {place}"),
        "not begun: no pass has saved anything there yet",
        "Begin with `aig-logs run`, or name the file that remembers: --state PATH",
    )
}

/// A SQLite file that others may read while it is written.
pub fn connect(path: &Path) -> Result<Connection, Failure> {
    Ok(connect_in_place(path)?.0)
}

/// The same, and its place; none where SQLite takes the path for something else than a file.
pub fn connect_in_place(path: &Path) -> Result<(Connection, Option<Place>), Failure> {
    let connect = || {
        make_private(path);
        let place = is_file(path).then(|| Place::of(path).ok()).flatten();
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        Ok((connection, place))
    };
    connect().map_err(|error: rusqlite::Error| unusable(path, &error))
}

/// Makes a missing file, for its owner alone. SQLite gives the files beside it the same mode. If the file cannot be
/// made, SQLite says why. Paths that SQLite does not take for a file are left to SQLite.
fn make_private(path: &Path) {
    if is_file(path) {
        drop(File::options().write(true).create_new(true).mode(PRIVATE).open(path));
    }
}

/// Whether SQLite takes a path for a file, and not for a database in memory or an address.
pub fn is_file(path: &Path) -> bool {
    let named = path.as_os_str().as_encoded_bytes();
    !named.starts_with(b":") && !named.starts_with(b"file:")
}

/// An existing SQLite file, opened so that nothing here can change it. A file without a state looks like a file with an
/// empty state.
pub fn read_only(path: &Path) -> Result<Connection, Failure> {
    if !path.exists() {
        return Err(no_state(&path.display()));
    }
    let read = |connection: Connection| {
        if !holds_a_state(&connection, "main")? {
            connection.execute_batch(NOTHING)?;
        }
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    let opened = match Connection::open(path).and_then(read) {
        // SQLite wants files beside this one before it reads it, and cannot make them.
        Err(error) if is_shut(&error) && is_whole(path) => unchanging(path).and_then(read),
        opened => opened,
    };
    opened.map_err(|error| unusable(path, &error))
}

fn is_shut(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
}

/// Whether a file holds all its data itself, and no file beside it holds a part. Then no program has it open, and the
/// last one has closed it properly.
fn is_whole(path: &Path) -> bool {
    ["-wal", "-journal"].iter().all(|suffix| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        fs::metadata(beside).map_or_else(|error| error.kind() == ErrorKind::NotFound, |beside| beside.len() == 0)
    })
}

/// A file, opened as if no program ever wrote to it. If a program writes to it meanwhile, the values that are read here
/// are wrong, but nothing is damaged.
fn unchanging(path: &Path) -> rusqlite::Result<Connection> {
    let address = percent_encode(path.as_os_str().as_encoded_bytes(), NON_ALPHANUMERIC);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{address}?immutable=1"), flags)
}

/// The state of a file. Values that are written here stay in memory, and hide those of the file. The file does not
/// change, and nothing is copied.
pub fn overlay(path: &Path) -> Result<Connection, Failure> {
    let open = || {
        let connection = Connection::open_in_memory()?;
        if path.exists() {
            connection.execute("ATTACH ? AS file", [path.to_string_lossy()])?;
            if holds_a_state(&connection, "file")? {
                connection.execute_batch(OVERLAY)?;
            }
        }
        Ok(connection)
    };
    open().map_err(|error: rusqlite::Error| unusable(path, &error))
}

/// An empty state, for a file without a state.
const NOTHING: &str = "CREATE TEMP TABLE aig_logs_state (store, key, value, metadata, expires_at)";

/// A written value hides the value of the file; a deleted value is NULL.
const OVERLAY: &str = "
PRAGMA temp_store = MEMORY;
CREATE TEMP TABLE written (
  store TEXT NOT NULL, key TEXT NOT NULL, value TEXT, metadata TEXT, expires_at TEXT, PRIMARY KEY (store, key)
) WITHOUT ROWID;
CREATE TEMP VIEW aig_logs_state AS
  SELECT store, key, value, metadata, expires_at FROM written WHERE value IS NOT NULL
  UNION ALL
  SELECT store, key, value, metadata, expires_at FROM file.aig_logs_state AS kept
  WHERE NOT EXISTS (SELECT 1 FROM written WHERE written.store = kept.store AND written.key = kept.key);
CREATE TEMP TRIGGER put INSTEAD OF INSERT ON aig_logs_state BEGIN
  INSERT OR REPLACE INTO written VALUES (new.store, new.key, new.value, new.metadata, new.expires_at);
END;
CREATE TEMP TRIGGER taken INSTEAD OF DELETE ON aig_logs_state BEGIN
  INSERT OR REPLACE INTO written VALUES (old.store, old.key, NULL, NULL, NULL);
END;
";

fn holds_a_state(connection: &Connection, schema: &str) -> rusqlite::Result<bool> {
    let tables = format!("SELECT count(*) FROM {schema}.sqlite_master WHERE name = 'aig_logs_state'");
    Ok(connection.query_row(&tables, [], |row| row.get::<_, u32>(0))? > 0)
}

/// The failure to open a file.
pub fn unusable(path: &Path, error: &dyn std::error::Error) -> Failure {
    let hint = "Check that the file is writable, and is the kind of file that --sink or --state names";
    Failure::denied(format!("opening {}", path.display()), error, hint)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use rusqlite::Connection;

    use super::{fs, is_whole, overlay, read_only, unchanging};
    use crate::host::{Put, Store, native::SqliteStore};

    /// Values that were copied into the memory of a connection, or written through it.
    fn written(connection: &Connection) -> u32 {
        connection.query_row("SELECT total_changes()", [], |row| row.get(0)).unwrap()
    }

    /// A state with four megabytes of ids.
    fn remembering(path: &std::path::Path) {
        let file = Connection::open(path).unwrap();
        let ids = SqliteStore::new(&file, "ids").unwrap();
        for n in 0..40 {
            let (key, text) = (format!("ids:main:{n:02}"), "i".repeat(100_000));
            ids.put(&key, &text, &Put::default()).now_or_never().unwrap().unwrap();
        }
    }

    #[test]
    fn what_a_dry_run_writes_hides_what_the_file_has_and_leaves_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        remembering(&path);
        let over = overlay(&path).unwrap();
        let ids = SqliteStore::new(&over, "ids").unwrap();
        let value =
            |key: &str| ids.get_many(&[key]).now_or_never().unwrap().unwrap().pop().unwrap().map(|text| text.len());
        assert_eq!((value("ids:main:07"), written(&over)), (Some(100_000), 0), "nothing is copied");
        let put = |key: &str, text: &str| ids.put(key, text, &Put::default()).now_or_never().unwrap().unwrap();
        put("ids:main:07", "new");
        put("ids:main:07", "newer");
        put("ids:main:99", "new");
        ids.delete("ids:main:08").now_or_never().unwrap().unwrap();
        ids.delete("ids:main:99").now_or_never().unwrap().unwrap();
        put("ids:main:98", "new");
        assert_eq!(
            ["07", "08", "09", "98", "99"].map(|n| value(&format!("ids:main:{n}"))),
            [Some(5), None, Some(100_000), Some(3), None]
        );
        let keys = ids.list("ids:main:", None).now_or_never().unwrap().unwrap().keys;
        assert!(keys.is_sorted_by_key(|(key, _)| key.clone()) && keys.len() == 40, "{keys:?}");
        assert_eq!(ids.list("ids:main:0", None).now_or_never().unwrap().unwrap().keys.len(), 9);
        ids.expire(crate::time::Timestamp::MAX_UTC).now_or_never().unwrap().unwrap();
        assert!(written(&over) < 20, "{}", written(&over));
        let file = Connection::open(&path).unwrap();
        let kept = SqliteStore::new(&file, "ids").unwrap();
        assert_eq!(kept.list("", None).now_or_never().unwrap().unwrap().keys.len(), 40);
        assert_eq!(
            kept.get_many(&["ids:main:07"]).now_or_never().unwrap().unwrap()[0].as_ref().unwrap().len(),
            100_000
        );
    }

    #[test]
    fn a_file_without_a_state_is_an_empty_one_and_gets_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.sqlite");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
        for looked_at in [overlay(&path).unwrap(), read_only(&path).unwrap()] {
            let store = SqliteStore::new(&looked_at, "state").unwrap();
            assert_eq!(store.get_many(&["forward"]).now_or_never().unwrap().unwrap(), [None]);
        }
        let tables = "SELECT count(*) FROM sqlite_master";
        let tables = Connection::open(&path).unwrap().query_row(tables, [], |row| row.get::<_, u32>(0));
        assert_eq!(tables.unwrap(), 1);
    }

    #[test]
    fn a_file_is_whole_where_none_beside_it_holds_a_part() {
        let folder = tempfile::tempdir().unwrap();
        let [path, wal] = ["a b#?.sqlite", "a b#?.sqlite-wal"].map(|name| folder.path().join(name));
        let file = Connection::open(&path).unwrap();
        file.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE a (b)").unwrap();
        assert!(!is_whole(&path));
        file.close().unwrap();
        assert!(is_whole(&path) && !wal.exists());
        fs::write(&wal, "").unwrap();
        assert!(is_whole(&path));
        let read = unchanging(&path).unwrap();
        assert_eq!(read.query_row("SELECT count(*) FROM a", [], |row| row.get::<_, u32>(0)).unwrap(), 0);
        assert!(read.execute("INSERT INTO a VALUES (1)", []).is_err());
    }

    #[test]
    fn what_is_only_read_cannot_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        assert!(read_only(&path).is_err() && !path.exists());
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE a (b); INSERT INTO a VALUES (1)").unwrap();
        let file = read_only(&path).unwrap();
        assert_eq!(file.query_row("SELECT b FROM a", [], |row| row.get::<_, u32>(0)).unwrap(), 1);
        assert!(file.execute("DELETE FROM a", []).is_err());
    }
}
