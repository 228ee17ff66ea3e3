//! A reader beside the sinks: rows go to the sinks, and the reader is asked too which rows are there.

use std::collections::BTreeSet;

use crate::{
    cli::warehouse::reader::{ReadAccess, TableReader},
    error::CallError,
    host::Host,
    record::{Record, Table},
    sink::{Outcome, Sink, any::All},
    time::Timestamp,
};

/// A sink, or a reader beside it.
pub enum Beside<'a, K, H> {
    /// A sink.
    Sink(K),
    /// A reader.
    Reader(TableReader<'a, H>),
}

/// A sink as it is, or with a reader beside it.
pub fn beside<'a, K: Sink, H: Host>(sink: K, host: &'a H, access: Option<&'a ReadAccess>) -> All<Beside<'a, K, H>> {
    let reader = access.map(|access| Beside::Reader(TableReader::new(host, access)));
    All::new([Beside::Sink(sink)].into_iter().chain(reader).collect())
}

/// The same call, whichever it is.
macro_rules! each {
    ($beside:expr, $sink:ident => $call:expr) => {
        match $beside {
            Beside::Sink($sink) => $call,
            Beside::Reader($sink) => $call,
        }
    };
}

impl<K: Sink, H: Host> Sink for Beside<'_, K, H> {
    fn name(&self) -> &'static str {
        each!(self, sink => sink.name())
    }

    fn batch(&self) -> usize {
        each!(self, sink => sink.batch())
    }

    fn keeps(&self, table: &Table) -> bool {
        each!(self, sink => sink.keeps(table))
    }

    async fn write(&self, records: &[Record]) -> Result<Outcome, CallError> {
        each!(self, sink => sink.write(records).await)
    }

    async fn count(&self, gateway: &str, from: Timestamp, until: Timestamp) -> Result<Option<u64>, CallError> {
        each!(self, sink => sink.count(gateway, from, until).await)
    }

    async fn ids(
        &self,
        gateway: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Option<BTreeSet<String>>, CallError> {
        each!(self, sink => sink.ids(gateway, from, until).await)
    }
}
