//! A reader beside the sinks: rows go to the sinks, and the reader is asked too which rows are there.

use crate::{
    cli::warehouse::reader::{ReadAccess, TableReader},
    database::rest::Rest,
    host::Host,
    sink::{Sink, all::All, any::sink_of_kinds, d1::D1Sink},
};

/// A sink, or a reader beside it.
pub enum Beside<'a, K, H> {
    /// A sink.
    Sink(K),
    /// D1, which the token reads too.
    Database(D1Sink<Rest<'a, H>>),
    /// A reader.
    Reader(TableReader<'a, H>),
}

/// A sink as it is, or with a reader beside it.
pub fn beside<'a, K: Sink, H: Host>(sink: K, host: &'a H, access: Option<&'a ReadAccess>) -> All<Beside<'a, K, H>> {
    let reader = access.map(|access| Beside::Reader(TableReader::new(host, access)));
    All::new([Beside::Sink(sink)].into_iter().chain(reader).collect())
}

sink_of_kinds!([K: Sink, H: Host] Beside<'_, K, H>: Sink Database Reader);
