//! What a pass did, as a line of `aig_runs`.
//!
//! Each pass that had something to do is a line of `aig_runs`, written after everything was remembered, so that a
//! dashboard of the logs shows the pipeline's health too. It is one insert more for such a pass, and none for one that
//! found nothing; a failure to write it is a warning and fails no pass, since no log depends on it. Counting makes sure of
//! a line an hour.

use chrono::TimeDelta;

use super::{Context, GatewayReport, Platform, Report};
use crate::{
    error::{CallError, Error},
    host::{Clock, Host},
    row::Cell,
    run::{self, Run},
    sink::Sink,
};

/// Writes the line of a pass that has something to tell. A failure is said and no more: the logs are what counts.
pub(super) async fn record<P: Platform>(context: &Context<'_, P>, report: &Report) {
    // By a wrong clock the line would stand at a wrong time.
    let is_wrong = context.host.meter.clock() == Clock::Wrong;
    if !context.config.record_runs || is_wrong || !has_news(report) {
        return;
    }
    let recorded = context.sink.record(&line(report, context.host.random())).await;
    match recorded {
        // The calls were for the logs.
        Ok(()) | Err(CallError::Refused(_)) => {}
        Err(error) => log::warn!(
            "this {} pass is not in {}: {error}. `aig-logs sql --apply` makes the table; RECORD_RUNS=false does without it",
            report.job,
            run::TABLE
        ),
    }
}

/// A pass that finds nothing new writes nothing. One that counts does, and one does so each hour: where an hour has no
/// line, nothing ran. Where the sink failed, it would again.
fn has_news(report: &Report) -> bool {
    let sink_failed = report.errors().any(|error| matches!(error, Error::Sink { .. }));
    let worked = |gateway: &GatewayReport| gateway.entries > 0 || gateway.counts > 0 || gateway.error.is_some();
    !sink_failed && (report.error.is_some() || report.gateways.iter().any(worked))
}

fn line(report: &Report, random: f64) -> Run {
    // Two passes of one job that begin in one millisecond are rare, and then told apart.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a million")]
    let chance = (random * 1e6) as u32;
    let id = format!("{}-{}-{chance:06}", report.job, report.started.timestamp_millis());
    let sum = |number: fn(&GatewayReport) -> u64| integer(report.sum(number));
    let lateness = report.lateness();
    let late = |share| length(lateness.as_ref().and_then(|lateness| lateness.quantile(share)));
    let error = report.worst().map_or(Cell::Null, |error| Cell::Text(error.chain()));
    let cells = [
        Cell::Text(id.clone()),
        Cell::Instant(report.started),
        Cell::Instant(report.finished),
        Cell::Text(report.job.to_string()),
        Cell::Text(report.verdict().to_string()),
        sum(|gateway| gateway.entries),
        sum(|gateway| gateway.rows),
        sum(|gateway| gateway.known),
        sum(|gateway| gateway.rejected),
        sum(|gateway| gateway.late),
        sum(|gateway| (gateway.pages + gateway.reread).into()),
        sum(|gateway| gateway.counts.into()),
        integer(report.calls.into()),
        length(report.lag()),
        late(0.5),
        late(0.95),
        error,
        Cell::Text(env!("CARGO_PKG_VERSION").to_owned()),
    ];
    Run { id, cells }
}

fn integer(number: u64) -> Cell {
    Cell::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn length(length: Option<TimeDelta>) -> Cell {
    length.map_or(Cell::Null, |length| Cell::Integer(length.num_milliseconds()))
}
