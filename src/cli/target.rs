//! Where rows go and where the state lives: which files, opened how, and whether the two belong together.

use std::{
    fmt::Display,
    fs::{self, File},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use super::{args::Options, failure::Failure, guard, lines::Lines};
use crate::{
    config::{BigQuery, Config},
    error::StoreError,
    host::native::SqliteStore,
    sink::ndjson::Ndjson,
};

/// What `--sink` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// The table of the settings.
    BigQuery,
    /// A file of JSON lines; none: the output.
    Ndjson(Option<PathBuf>),
}

impl Default for Sink {
    fn default() -> Self {
        Self::Sqlite("aig-logs.sqlite".into())
    }
}

impl Sink {
    /// Reads `sqlite[:PATH]`, `bigquery` or `ndjson[:PATH]`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, path) = text.split_once(':').map_or((text, None), |(kind, path)| (kind, Some(path)));
        match (kind, path) {
            (_, Some("")) => None,
            ("sqlite", None) => Some(Self::default()),
            ("sqlite", Some(path)) => Some(Self::Sqlite(path.into())),
            ("bigquery", None) => Some(Self::BigQuery),
            ("ndjson", path) => Some(Self::Ndjson(path.map(PathBuf::from))),
            _ => None,
        }
    }

    /// Where the state lives when nobody says.
    pub fn state(&self) -> PathBuf {
        match self {
            Self::Sqlite(path) => path.clone(),
            Self::BigQuery | Self::Ndjson(_) => "aig-logs-state.sqlite".into(),
        }
    }
}

/// What `--state` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A SQLite file.
    File(PathBuf),
    /// A deployed Worker's KV.
    Kv,
}

impl State {
    /// Reads `kv` or a path; a file of that name is `./kv`.
    pub fn parse(text: &str) -> Self {
        if text == "kv" { Self::Kv } else { Self::File(text.into()) }
    }

    /// The state that `--state` and `--sink` together mean.
    pub fn of(options: &Options) -> Self {
        let beside = || Self::File(options.sink.clone().unwrap_or_default().state());
        options.state.clone().unwrap_or_else(beside)
    }
}

/// The mode of a new file: for its owner alone.
pub const PRIVATE: u32 = 0o600;

/// The target of a state beside which rows lie in one file. It has no path: the file may be moved.
pub const BESIDE: &str = "sqlite, this file";

/// The open files of a poller.
pub struct Files {
    /// The state.
    pub state: Connection,
    /// Where rows go.
    pub rows: Rows,
}

/// Where rows go, opened.
pub enum Rows {
    /// Into the file of the state.
    WithState,
    /// Into a SQLite file of their own.
    Sqlite(Connection),
    /// To a writer.
    Ndjson(Ndjson<Lines>),
    /// To a table.
    BigQuery(BigQuery),
}

impl Files {
    /// Opens what the options name, and makes what is missing, if state and target belong together.
    pub async fn open(options: &Options, config: &Config) -> Result<Self, Failure> {
        let State::File(path) = State::of(options) else {
            return Err(Failure::denied(
                "opening the state with --state kv",
                "the deployed Worker copies with it, and two pollers with one state would undo each other's work",
                "Use --state PATH here; status, verify, explain and dead-letters take --state kv",
            ));
        };
        if options.dry_run {
            return Ok(Self { state: snapshot(&path)?, rows: Rows::shown()? });
        }
        let sink = options.sink.clone().unwrap_or_default();
        let beside = matches!(&sink, Sink::Sqlite(rows) if absolute(rows)? == absolute(&path)?);
        let target = if beside { BESIDE.to_owned() } else { name(&sink, config.bigquery.as_ref())? };
        let state = connect(&path)?;
        guard::check(&state, &path, &target, &config.source.account).await?;
        let rows = if beside { Rows::WithState } else { Rows::open(&sink, config.bigquery.as_ref())? };
        Ok(Self { state, rows })
    }
}

impl Rows {
    fn open(sink: &Sink, table: Option<&BigQuery>) -> Result<Self, Failure> {
        Ok(match (sink, table) {
            (_, Some(table)) => Self::BigQuery(table.clone()),
            (Sink::Sqlite(path), None) => Self::Sqlite(connect(path)?),
            (Sink::Ndjson(Some(path)), None) => {
                Self::Ndjson(Ndjson::new(Lines::append(path).map_err(|error| unusable(path, &error))?))
            }
            (Sink::Ndjson(None) | Sink::BigQuery, None) => Self::shown()?,
        })
    }

    /// On the output, for want of another place.
    fn shown() -> Result<Self, Failure> {
        let output = Lines::output().map_err(|error| Failure::output(&error))?;
        Ok(Self::Ndjson(Ndjson::new(output)))
    }
}

/// The SQLite file of a state that is there.
pub fn existing(path: &Path) -> Result<Connection, Failure> {
    if path.exists() { connect(path) } else { Err(no_state(&path.display())) }
}

/// Nothing is remembered where somebody looks for it.
pub fn no_state(place: &dyn Display) -> Failure {
    Failure::denied(
        format!("reading the state in {place}"),
        "no pass has saved anything there yet",
        "Begin with `aig-logs run`, or name the file that remembers: --state PATH",
    )
}

/// A SQLite file that others may read while it is written.
pub fn connect(path: &Path) -> Result<Connection, Failure> {
    let connect = || {
        make_private(path);
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        Ok(connection)
    };
    connect().map_err(|error: rusqlite::Error| unusable(path, &error))
}

/// Makes a file that is missing, for its owner alone. SQLite gives the files beside it the same mode. Where it cannot be made
/// SQLite says why, and its names for what is no file are left to it.
fn make_private(path: &Path) {
    let named = path.as_os_str().as_encoded_bytes();
    if !named.starts_with(b":") && !named.starts_with(b"file:") {
        drop(File::options().write(true).create_new(true).mode(PRIVATE).open(path));
    }
}

/// A SQLite file that is there, and that nothing done to it here changes.
pub fn read_only(path: &Path) -> Result<Connection, Failure> {
    let connection = existing(path)?;
    let closed = connection.pragma_update(None, "query_only", true);
    closed.map_err(|error| unusable(path, &error))?;
    Ok(connection)
}

/// The state of a file, copied into memory: whatever is done to it, the file stays as it is.
pub fn snapshot(path: &Path) -> Result<Connection, Failure> {
    let copy = || {
        let copy = Connection::open_in_memory()?;
        SqliteStore::new(&copy, "state").map_err(invalid)?;
        if path.exists() {
            copy.execute("ATTACH ? AS file", [path.to_string_lossy()])?;
            let known = "SELECT count(*) FROM file.sqlite_master WHERE name = 'aig_logs_state'";
            if copy.query_row(known, [], |row| row.get::<_, u32>(0))? > 0 {
                copy.execute("INSERT INTO main.aig_logs_state SELECT * FROM file.aig_logs_state", [])?;
            }
            copy.execute("DETACH file", [])?;
        }
        Ok(copy)
    };
    copy().map_err(|error: rusqlite::Error| unusable(path, &error))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn invalid(problem: StoreError) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(problem.to_string().into())
}

/// A file that cannot be opened as what it is taken for.
pub fn unusable(path: &Path, error: &dyn std::error::Error) -> Failure {
    let hint = "Check that the file can be written and is what --sink or --state take it for";
    Failure::denied(format!("opening {}", path.display()), error, hint)
}

/// The path of a file that may not be there yet.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
    let folder = folder.map_err(|error| unusable(path, &error))?;
    Ok(folder.join(path.file_name().unwrap_or_default()))
}

/// The target as the state remembers it.
fn name(sink: &Sink, table: Option<&BigQuery>) -> Result<String, Failure> {
    Ok(match (sink, table) {
        (_, Some(table)) => format!("bigquery:{}.{}.{}", table.project, table.dataset, table.table),
        (Sink::Sqlite(path), None) => format!("sqlite:{}", absolute(path)?.display()),
        (Sink::Ndjson(Some(path)), None) => format!("ndjson:{}", absolute(path)?.display()),
        (Sink::Ndjson(None) | Sink::BigQuery, None) => "ndjson".into(),
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{Sink, State, read_only};

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

    #[test]
    fn a_state_is_a_file_or_kv() {
        assert_eq!(State::parse("kv"), State::Kv);
        assert_eq!(State::parse("./kv"), State::File("./kv".into()));
    }

    #[test]
    fn sinks_are_named_with_or_without_a_path() {
        let check = |text, expected| assert_eq!(Sink::parse(text), expected, "{text}");
        check("sqlite", Some(Sink::Sqlite("aig-logs.sqlite".into())));
        check("sqlite:C:/logs.sqlite", Some(Sink::Sqlite("C:/logs.sqlite".into())));
        check("ndjson", Some(Sink::Ndjson(None)));
        check("ndjson:rows", Some(Sink::Ndjson(Some("rows".into()))));
        check("bigquery", Some(Sink::BigQuery));
        for wrong in ["", "sqlite:", "ndjson:", "bigquery:table", "postgres"] {
            check(wrong, None);
        }
    }
}
