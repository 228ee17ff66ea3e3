//! An event: something that the application did. Five dialects become one record of [`EVENTS`], by tables and pure
//! functions.

mod columns;

use serde_json::{Map, Value};
use thiserror::Error;

pub use self::columns::EVENTS;
use crate::{config::EventSettings, record::Record, time::Timestamp};

/// How an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A request.
    Http,
    /// A request of `aig-logs send`.
    Cli,
    /// A method over a service binding.
    Rpc,
    /// `send` over a service binding, as to a stream.
    Stream,
    /// `writeDataPoint` over a service binding, as to Analytics Engine.
    Point,
}

/// What is known of an event beside its fields.
#[derive(Debug, Clone, Copy)]
pub struct Receipt<'a> {
    /// When it was received, UTC.
    pub at: Timestamp,
    /// How it came.
    pub way: Way,
    /// The org of the sender's key; none: a sender that may write for all orgs.
    pub org: Option<&'a str>,
    /// The text of `Idempotency-Key`.
    pub idempotency_key: Option<&'a str>,
    /// Its place in the batch, from 0.
    pub place: usize,
    /// 80 random bits for the id of an event that has none.
    pub random: u128,
}

/// Why an event is not taken, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It names another org than its key's.
    #[error("the event names another org than its key's")]
    OtherOrg,
    /// Any other reason. It names the limit, and the setting if there is one.
    #[error("{0}")]
    Reason(String),
}

/// Makes the record of an event.
///
/// # Errors
/// If the event cannot be taken.
pub fn read(fields: Map<String, Value>, receipt: &Receipt<'_>, settings: &EventSettings) -> Result<Record, Refusal> {
    let _ = (fields, receipt, settings);
    Err(Refusal::Reason(String::new()))
}

/// The fields of an event that was sent as a point of Analytics Engine: `{blobs, doubles, indexes}`.
///
/// # Errors
/// If it is no point: why, as a sentence.
pub fn of_point(point: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let _ = point;
    Err(String::new())
}
