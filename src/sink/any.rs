//! One of the sinks of the command.

use std::io::Write;

use super::{bigquery::BigQuerySink, d1::D1Sink, ndjson::Ndjson, sqlite::Sqlite};
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

/// Makes an enum of sinks a sink: each call goes to the sink that it holds.
macro_rules! sink_of_kinds {
    ([$($generics:tt)*] $any:ty: $($kind:ident)*) => {
        impl<$($generics)*> $crate::sink::Sink for $any {
            fn name(&self) -> &'static str {
                match self { $(Self::$kind(sink) => sink.name()),* }
            }

            fn batch(&self) -> usize {
                match self { $(Self::$kind(sink) => sink.batch()),* }
            }

            fn keeps(&self, table: &$crate::record::Table) -> bool {
                match self { $(Self::$kind(sink) => sink.keeps(table)),* }
            }

            async fn write(
                &self,
                records: &[$crate::record::Record],
            ) -> Result<$crate::sink::Outcome, $crate::error::CallError> {
                match self { $(Self::$kind(sink) => sink.write(records).await),* }
            }

            async fn count(
                &self,
                gateway: &str,
                time: &std::ops::Range<$crate::time::Timestamp>,
            ) -> Result<Option<u64>, $crate::error::CallError> {
                match self { $(Self::$kind(sink) => sink.count(gateway, time).await),* }
            }

            async fn ids(
                &self,
                gateway: &str,
                time: &std::ops::Range<$crate::time::Timestamp>,
            ) -> Result<Option<std::collections::BTreeSet<String>>, $crate::error::CallError> {
                match self { $(Self::$kind(sink) => sink.ids(gateway, time).await),* }
            }
        }
    };
}
pub(crate) use sink_of_kinds;

sink_of_kinds!([H: Host] Any<'_, H>: BigQuery Sqlite D1 Ndjson);
