//! Where rows go and where the state lives: which files, opened how, and whether the two belong together.

use std::io::Write;

use rusqlite::Connection;

use crate::{
    cli::{
        args::{Options, State},
        failure::Failure,
        files::{
            guard,
            lines::Lines,
            names,
            open::{connect_in_place, overlay, unusable},
        },
    },
    config::{BigQuery, Config, D1, Destination},
    database::rest::Rest,
    host::Host,
    sink::{
        all::All,
        any::Any,
        bigquery::{BigQuerySink, SignIn},
        d1::D1Sink,
        ndjson::Ndjson,
        place::Place,
        sqlite::Sqlite,
    },
};

/// The open files of a poller.
pub struct Files {
    /// The state.
    pub state: Connection,
    /// Where it is; none: in no file that could leave its place.
    pub place: Option<Place>,
    /// Where rows go.
    pub rows: Vec<Opened>,
}

/// A destination, opened.
pub enum Opened {
    /// The file of the state.
    WithState,
    /// A SQLite file of its own, at a place.
    Sqlite(Connection, Option<Place>),
    /// A writer.
    Ndjson(Ndjson<Box<dyn Write>>),
    /// A table.
    BigQuery(BigQuery),
    /// A database in D1.
    D1(D1),
}

impl Files {
    /// Opens what the options name, and makes what is missing, if state and target belong together.
    pub async fn open(options: &Options, config: &Config) -> Result<Self, Failure> {
        let State::File(path) = options.state() else {
            return Err(Failure::denied(
                "opening the state with --state kv",
                "the deployed Worker copies with it, and two pollers with one state would undo each other's work",
                "Use --state PATH here; status, verify, explain and dead-letters take --state kv",
            ));
        };
        if options.dry_run {
            return Ok(Self {
                state: overlay(&path)?,
                place: None,
                rows: vec![Opened::open(&Destination::Ndjson(None), config)?],
            });
        }
        let mut destinations = options.destinations();
        names::refuse_one_file_twice(&destinations, &path)?;
        // SQLite and D1 take a batch again without a copy, BigQuery for a minute at best, and lines never. So a sink that
        // fails costs few copies.
        destinations.sort_by_key(|destination| match destination {
            Destination::Sqlite(_) => 0,
            Destination::D1 => 1,
            Destination::BigQuery => 2,
            Destination::Ndjson(_) => 3,
        });
        let target = names::target(&destinations, &path, config.bigquery.as_ref(), config.d1.as_ref())?;
        let (state, place) = connect_in_place(&path)?;
        guard::check(&state, &path, &target, &config.source.account).await?;
        let mut rows = Vec::new();
        for destination in &destinations {
            let is_beside = names::is_beside(destination, &path)?;
            rows.push(if is_beside { Opened::WithState } else { Opened::open(destination, config)? });
        }
        Ok(Self { state, place, rows })
    }

    /// The sinks as a host reaches them.
    pub fn sinks<'a, H: Host>(&'a self, host: &'a H, sign_in: &'a SignIn) -> All<Any<'a, H>> {
        let sinks = self.rows.iter().map(|opened| match opened {
            Opened::WithState => Any::Sqlite(Sqlite::of(&self.state).in_place(self.place.clone())),
            Opened::Sqlite(connection, place) => Any::Sqlite(Sqlite::of(connection).in_place(place.clone())),
            Opened::Ndjson(sink) => Any::Ndjson(sink),
            Opened::BigQuery(table) => Any::BigQuery(BigQuerySink::new(host, table, sign_in)),
            Opened::D1(database) => Any::D1(D1Sink::new(Rest::new(host, database))),
        });
        All::new(sinks.collect())
    }

    /// Where the files are.
    pub fn places(&self) -> Vec<Place> {
        let rows = self.rows.iter().filter_map(|opened| match opened {
            Opened::Sqlite(_, place) => place.as_ref(),
            Opened::Ndjson(sink) => sink.place(),
            Opened::WithState | Opened::BigQuery(_) | Opened::D1(_) => None,
        });
        self.place.iter().chain(rows).cloned().collect()
    }

    /// The SQLite files that rows go to.
    pub fn tables(&self) -> impl Iterator<Item = &Connection> {
        self.rows.iter().filter_map(|opened| match opened {
            Opened::WithState => Some(&self.state),
            Opened::Sqlite(connection, _) => Some(connection),
            Opened::Ndjson(_) | Opened::BigQuery(_) | Opened::D1(_) => None,
        })
    }
}

impl Opened {
    fn open(destination: &Destination, config: &Config) -> Result<Self, Failure> {
        Ok(match destination {
            Destination::BigQuery => Self::BigQuery(table(config)?.clone()),
            Destination::D1 => Self::D1(database(config)?.clone()),
            Destination::Sqlite(path) => {
                let (connection, place) = connect_in_place(path)?;
                Self::Sqlite(connection, place)
            }
            Destination::Ndjson(path) => {
                let (lines, place) = match path {
                    Some(path) => Lines::append(path).map_err(|error| unusable(path, &error))?,
                    None => (Lines::output().map_err(|error| Failure::output(&error))?, None),
                };
                Self::Ndjson(Ndjson::new(Box::new(lines) as Box<dyn Write>).in_place(place))
            }
        })
    }
}

fn database(config: &Config) -> Result<&D1, Failure> {
    let hint = "Give CF_D1_DATABASE_ID";
    config.d1.as_ref().ok_or_else(|| Failure::denied("opening D1", "its settings were not read", hint))
}

fn table(config: &Config) -> Result<&BigQuery, Failure> {
    let hint = "Give GCP_BQ_PROJECT and GCP_BQ_DATASET";
    config.bigquery.as_ref().ok_or_else(|| Failure::denied("opening BigQuery", "its settings were not read", hint))
}
