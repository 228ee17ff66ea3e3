//! One of the sinks of the command.

use std::io::Write;

use super::{all::sink_of_kinds, bigquery::BigQuerySink, d1::D1Sink, ndjson::Ndjson, sqlite::Sqlite};
use crate::{database::rest::Rest, host::Host};

/// One of the sinks.
pub enum Any<'a, H> {
    /// A table in BigQuery.
    BigQuery(BigQuerySink<'a, H>),
    /// A SQLite file.
    Sqlite(Sqlite<'a>),
    /// A database of D1, over the REST API.
    D1(D1Sink<Rest<'a, H>>),
    /// JSON lines.
    Ndjson(&'a Ndjson<Box<dyn Write>>),
}

sink_of_kinds!([H: Host] Any<'_, H>: BigQuery Sqlite D1 Ndjson);
