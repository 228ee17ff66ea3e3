//! The sinks of a pass in the Worker: BigQuery, the D1 database that is bound to it, or both.

use worker::Env;

use crate::{
    config::{BigQuery, Destination},
    database::d1::D1,
    host::Host,
    sink::{
        all::{All, sink_of_kinds},
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

sink_of_kinds!([H: Host] Bound<'_, H>: BigQuery D1);

/// The sinks of the settings. The database comes first: it takes a batch again without a copy, where BigQuery fails.
///
/// # Errors
/// If the database is not bound.
pub fn sinks<'a, H: Host>(
    destinations: &[Destination],
    table: Option<&'a BigQuery>,
    (host, sign_in): (&'a H, &'a SignIn),
    env: &Env,
) -> Result<All<Bound<'a, H>>, String> {
    let mut sinks = Vec::new();
    if destinations.contains(&Destination::D1) {
        let database = D1::bound(env, BINDING);
        if !database.is_bound() {
            return Err(format!(
                "SINKS names d1, but no database {BINDING} is bound: add it to wrangler.toml, [[d1_databases]]"
            ));
        }
        sinks.push(Bound::D1(D1Sink::new(database)));
    }
    sinks.extend(table.map(|table| Bound::BigQuery(BigQuerySink::new(host, table, sign_in))));
    Ok(All::new(sinks))
}
