//! Where rows go and where the state lives: which files, opened how, and whether the two belong together.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use crate::{
    cli::{
        args::Options,
        failure::Failure,
        files::{
            guard,
            lines::Lines,
            open::{connect_in_place, overlay, unusable},
        },
    },
    config::{BigQuery, Config},
    sink::{ndjson::Ndjson, place::Place},
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

/// The target of a state beside which rows lie in one file. It has no path: the file may be moved.
pub const BESIDE: &str = "sqlite, this file";

/// The open files of a poller.
pub struct Files {
    /// The state.
    pub state: Connection,
    /// Where it is; none: in no file that could leave its place.
    pub place: Option<Place>,
    /// Where rows go.
    pub rows: Rows,
}

/// Where rows go, opened.
pub enum Rows {
    /// Into the file of the state.
    WithState,
    /// Into a SQLite file of their own, at a place.
    Sqlite(Connection, Option<Place>),
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
            return Ok(Self { state: overlay(&path)?, place: None, rows: Rows::shown()? });
        }
        let sink = options.sink.clone().unwrap_or_default();
        let beside = matches!(&sink, Sink::Sqlite(rows) if absolute(rows)? == absolute(&path)?);
        let target = if beside { BESIDE.to_owned() } else { name(&sink, config.bigquery.as_ref())? };
        let (state, place) = connect_in_place(&path)?;
        guard::check(&state, &path, &target, &config.source.account).await?;
        let rows = if beside { Rows::WithState } else { Rows::open(&sink, config.bigquery.as_ref())? };
        Ok(Self { state, place, rows })
    }

    /// Where the SQLite files are.
    pub fn places(&self) -> Vec<Place> {
        let rows = match &self.rows {
            Rows::Sqlite(_, place) => place.as_ref(),
            Rows::WithState | Rows::Ndjson(_) | Rows::BigQuery(_) => None,
        };
        self.place.iter().chain(rows).cloned().collect()
    }
}

impl Rows {
    fn open(sink: &Sink, table: Option<&BigQuery>) -> Result<Self, Failure> {
        Ok(match (sink, table) {
            (_, Some(table)) => Self::BigQuery(table.clone()),
            (Sink::Sqlite(path), None) => {
                let (connection, place) = connect_in_place(path)?;
                Self::Sqlite(connection, place)
            }
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

/// The path of a file that may not be there yet.
pub fn absolute(path: &Path) -> Result<PathBuf, Failure> {
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
    use super::{Sink, State};

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
