//! The sinks of a pass in the Worker: BigQuery, the D1 database that is bound to it, or both.

use worker::Env;

use crate::{
    config::{BigQuery, Destination},
    database::d1::D1,
    error::CallError,
    host::Host,
    record::{Record, Table},
    sink::{
        Outcome, Sink,
        all::All,
        bigquery::{BigQuerySink, SignIn},
        d1::D1Sink,
    },
};

/// The binding of the database, which also has the events.
const BINDING: &str = "EVENTS_DB";

/// One of the sinks.
pub enum Bound<'a, H> {
    /// A table in BigQuery.
    BigQuery(BigQuerySink<'a, H>),
    /// The database.
    D1(D1Sink<D1>),
}

impl<H: Host> Sink for Bound<'_, H> {
    fn name(&self) -> &'static str {
        match self {
            Self::BigQuery(sink) => sink.name(),
            Self::D1(sink) => sink.name(),
        }
    }

    fn batch(&self) -> usize {
        match self {
            Self::BigQuery(sink) => sink.batch(),
            Self::D1(sink) => sink.batch(),
        }
    }

    fn keeps(&self, table: &Table) -> bool {
        match self {
            Self::BigQuery(sink) => sink.keeps(table),
            Self::D1(sink) => sink.keeps(table),
        }
    }

    async fn write(&self, records: &[Record]) -> Result<Outcome, CallError> {
        match self {
            Self::BigQuery(sink) => sink.write(records).await,
            Self::D1(sink) => sink.write(records).await,
        }
    }
}

/// All sinks of a pass. It does not ask which rows they have: its own state says it, and BigQuery would not tell.
/// `aig-logs verify` asks.
pub struct Sinks<'a, H>(All<Bound<'a, H>>);

impl<H: Host> Sink for Sinks<'_, H> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn batch(&self) -> usize {
        self.0.batch()
    }

    fn keeps(&self, table: &Table) -> bool {
        self.0.keeps(table)
    }

    async fn write(&self, records: &[Record]) -> Result<Outcome, CallError> {
        self.0.write(records).await
    }
}

/// The sinks of the settings. The database comes first: it takes a batch again without a copy, where BigQuery fails.
///
/// # Errors
/// If the database is not bound.
pub fn sinks<'a, H: Host>(
    destinations: &[Destination],
    table: Option<&'a BigQuery>,
    (host, sign_in): (&'a H, &'a SignIn),
    env: &Env,
) -> Result<Sinks<'a, H>, String> {
    let mut sinks = Vec::new();
    if destinations.iter().any(Destination::is_d1) {
        let database = D1::bound(env, BINDING);
        if !database.is_bound() {
            return Err(format!(
                "SINKS names d1, but no database {BINDING} is bound: add it to wrangler.toml, [[d1_databases]]"
            ));
        }
        sinks.push(Bound::D1(D1Sink::new(database)));
    }
    sinks.extend(table.map(|table| Bound::BigQuery(BigQuerySink::new(host, table, sign_in))));
    Ok(Sinks(All::new(sinks)))
}
