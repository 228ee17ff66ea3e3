//! The sources of entries: a source makes the requests of an API and reads its answers, but calls nothing.
//!
//! A source has streams, each with a cursor; for AI Gateway a stream is a gateway. Keys, values and reports name a stream by
//! its id: the gateway's own, or `<source>/…` for another source. No gateway id has a slash, so one state can hold both.

pub mod account;
pub mod ai_gateway;

use std::fmt;

use chrono::TimeDelta;

use crate::{
    error::CallError,
    log::{entry::Entry, privacy::Privacy},
    plan::{budget::Rate, cursor::Query},
    record::Record,
    time::Timestamp,
    wire::{Request, Response},
};

/// An API that entries are read from. It is used as `dyn`: a type parameter would double the code of a pass for each source.
pub trait Source: fmt::Debug {
    /// The streams that the settings name; none: all streams that [`streams`](Self::streams) lists.
    fn named(&self) -> Option<&[String]>;

    /// Entries that are asked for with each page.
    fn per_page(&self) -> u32;

    /// The request for one page of the list of streams. Pages count from 1.
    fn streams(&self, page: u32) -> Request;

    /// Reads the answer to [`streams`](Self::streams): the ids, and their number on all pages together, if the source
    /// tells it. There are no ids past the last page.
    ///
    /// # Errors
    /// If the API refuses or fails.
    fn read_streams(&self, response: &Response) -> Result<(Vec<String>, Option<u64>), CallError>;

    /// Whether a stream can have this id. Other ids would break addresses and keys.
    fn is_stream(&self, id: &str) -> bool;

    /// The request for one page of a stream.
    fn page(&self, stream: &str, query: &Query) -> Request;

    /// Reads the answer to [`page`](Self::page).
    ///
    /// # Errors
    /// If the API refuses or fails, or the answer does not obey the request.
    fn read_page(&self, response: &Response, query: &Query) -> Result<Page, CallError>;

    /// Makes a page of an answer of which only the `beginning` was read, because its one entry has more than `most`
    /// bytes. None: the answer does not begin with such an entry.
    fn page_of_one(&self, beginning: &[u8], most: usize, query: &Query) -> Option<Page>;

    /// The request that looks for one entry by its id.
    fn find(&self, stream: &str, id: &str) -> Request;

    /// Reads the answer to [`find`](Self::find).
    ///
    /// # Errors
    /// If the API refuses or fails, or the answer has another entry.
    fn read_found(&self, response: &Response, id: &str) -> Result<Option<Entry>, CallError>;

    /// Makes the record of an entry of a stream, without the parts that `privacy` withholds.
    fn record(&self, entry: Entry, stream: &str, ingested_at: Timestamp, privacy: &Privacy) -> Record;
}

/// One answer to [`Source::page`].
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The entries, in the server's order.
    pub entries: Vec<Entry>,
    /// Entries that match the filter, on all pages together, if the server tells.
    pub total: Option<u64>,
    /// The rest of the rate limit, if the server tells.
    pub rate: Option<Rate>,
    /// The server's clock, UTC, in whole seconds, if the server tells.
    pub date: Option<Timestamp>,
}

/// The largest difference allowed between this machine's clock and Cloudflare's.
pub const LARGEST_CLOCK_GAP: TimeDelta = TimeDelta::minutes(5);

/// Compares the clocks: this machine's time decides where forward begins, and so what the backfill owns.
///
/// # Errors
/// If the clocks differ by more than five minutes.
pub fn check_clock(page: &Page, now: Timestamp) -> Result<(), CallError> {
    let Some(apart) = page.date.map(|date| now - date).filter(|apart| apart.abs() > LARGEST_CLOCK_GAP) else {
        return Ok(());
    };
    let (minutes, way) = (apart.num_minutes().abs(), if apart > TimeDelta::zero() { "ahead of" } else { "behind" });
    Err(CallError::denied(
        format!("the clock of this machine is {minutes} minutes {way} Cloudflare's"),
        "Set it; nothing was written or moved",
    ))
}
