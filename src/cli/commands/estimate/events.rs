//! What a month of events takes in the Worker `aig-events`, its database and its queue.

use super::{
    prices::{CPU, DATABASE, OPERATIONS, Price, REQUESTS, ROWS, ROWS_READ},
    usage::DAYS,
};
use crate::cli::args::Estimate;

/// Seconds of a day.
const DAY: f64 = 86_400.0;
/// Ticks of a day that count closed hours and delete what is too old, one each ten minutes.
const TICKS: f64 = 144.0;
/// Milliseconds of CPU: of a request, which nobody has measured at Cloudflare; and of an event, as `scripts/bench` measures a
/// batch of 100 above an empty request.
const CPU_A_REQUEST: f64 = 1.0;
const CPU_AN_EVENT: f64 = 0.027;
/// Rows of counts that are written for an event: `benches/table/` measures them at 10,000 events an hour.
const COUNTED: f64 = 0.009;
/// Rows that are read for an event: when its hour, its day and their parts are counted, and when it is deleted. Questions
/// come on top.
const READ: f64 = 7.0;
/// Bytes of an event as D1 stores it, and in a message of the queue.
const STORED: f64 = 500.0;
/// Bytes that an operation on a queue bills at once. developers.cloudflare.com/queues/platform/pricing
const OPERATION: f64 = 64_000.0;
/// What a message takes: it is written, read and deleted.
const OPERATIONS_A_MESSAGE: f64 = 3.0;
/// The most messages that come to the consumer at once, as in wrangler.toml. After a second it gets fewer.
const MESSAGES: f64 = 100.0;
/// Bytes of a database of D1. developers.cloudflare.com/d1/platform/limits
const DATABASE_BYTES: f64 = 10e9;

/// What is billed of a month of so many events, spread evenly, once the oldest are as old as they may be.
pub fn lines(events: u32, arguments: &Estimate) -> Vec<(Price, f64)> {
    let Estimate { per_request, queue, .. } = *arguments;
    let (events, per_request) = (f64::from(events), f64::from(per_request));
    let (sent, ticks) = (events / per_request, DAYS * TICKS);
    let consumed = if queue { consumed(sent) } else { 0.0 };
    let requests = sent + ticks + consumed;
    // With a queue each event is read once more.
    let readings = if queue { 2.0 } else { 1.0 };
    let mut lines = vec![
        (REQUESTS, requests),
        (CPU, requests * CPU_A_REQUEST + events * readings * CPU_AN_EVENT),
        // An event is written once, and its deletion is a row written, too.
        (ROWS, events * (2.0 + COUNTED)),
        (ROWS_READ, events * READ),
        (DATABASE, stored(events, arguments)),
    ];
    if queue {
        let operations = (per_request * STORED / OPERATION).ceil();
        lines.push((OPERATIONS, sent * operations * OPERATIONS_A_MESSAGE));
    }
    lines
}

/// What the numbers do not say.
pub fn notes(events: u32, arguments: &Estimate) -> String {
    let Estimate { per_request, days, .. } = *arguments;
    let held = DATABASE_BYTES / (f64::from(events) * STORED) * DAYS;
    let room = if stored(f64::from(events), arguments) > DATABASE_BYTES {
        format!(
            "\nBut a database of D1 holds 10 GB, which are {held:.0} days of these events: set EVENT_RETENTION_DAYS to fewer."
        )
    } else {
        String::new()
    };
    format!(
        "The estimate assumes {per_request} events a request, 500 bytes an event, and {days} days for which events are kept.\n\
         What is included is for all Workers together: the poller takes of it, too.\n\
         Questions read rows on top.{room}",
    )
}

/// How often the consumer of the queue wakes up for so many messages.
fn consumed(messages: f64) -> f64 {
    let seconds = DAYS * DAY;
    // The share of seconds in which a message comes at all, where they come by chance.
    let busy = seconds * (1.0 - (-messages / seconds).exp());
    busy.max(messages / MESSAGES)
}

/// Bytes in the database when the oldest events begin to go.
fn stored(events: f64, arguments: &Estimate) -> f64 {
    events / DAYS * f64::from(arguments.days) * STORED
}
