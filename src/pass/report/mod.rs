//! The report of a pass.
//!
//! The report tells what an alarm needs. A gateway that the pass did not reach is in neither `lag_ms` nor
//! `lateness_ms`.
//!
//! - `verdict`: complete, incomplete or failed.
//! - `lag_ms` of a forward pass: how far delivery is behind the present. A gateway that was read to its end is behind
//!   only by the settle time, however old its last entry is.
//! - `lateness_ms` of a forward pass: how late new entries appeared. It helps to choose `SETTLE_SECONDS`.

pub mod runs;

use std::fmt;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Job;
use crate::{
    error::Error,
    host::Clock,
    plan::{budget::Ended, lateness::Lateness},
    state::LedgerLine,
    time::{self, Timestamp},
};

/// The verdict on a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// Every gateway was read to its end.
    Complete,
    /// There is more to read, and nothing failed: the next pass goes on.
    Incomplete,
    /// Something failed, and the errors tell why.
    Failed,
}

impl fmt::Display for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
        })
    }
}

/// The report of one pass.
#[derive(Debug)]
pub struct Report {
    /// The job.
    pub job: Job,
    /// When the pass started, UTC.
    pub started: Timestamp,
    /// When the pass ended, UTC.
    pub finished: Timestamp,
    /// A report for each gateway that the pass reached.
    pub gateways: Vec<GatewayReport>,
    /// How this machine's clock compares with the servers' clocks.
    pub clock: Clock,
    /// Calls to the outside.
    pub calls: u32,
    /// Reads of the stores.
    pub reads: u32,
    /// Writes to the stores.
    pub writes: u32,
    /// The error of the pass itself: it did not reach every gateway, or could not remember its work.
    pub error: Option<Error>,
}

/// The report of one pass on one gateway.
#[derive(Debug, Default)]
pub struct GatewayReport {
    /// Gateway id.
    pub gateway: String,
    /// Pages read.
    pub pages: u32,
    /// New entries read.
    pub entries: u64,
    /// Entries that were left at the source when the reading ended. 0: none, or the source does not count them.
    pub left: u64,
    /// Rows that the sink has taken, including rows that it had before.
    pub rows: u64,
    /// Of these, rows that the sink had before.
    pub known: u64,
    /// Rows that the sink will never take. They are kept as dead letters.
    pub rejected: u64,
    /// Rows, including refused rows, whose ids could not be kept. A later comparison may write them again.
    pub unremembered: u64,
    /// Counts at the source that prove stretches complete.
    pub counts: u32,
    /// Pages that comparisons read again, because a count was another than expected.
    pub reread: u32,
    /// Of the rows, rows that a comparison found missing.
    pub late: u64,
    /// How late the new entries were first seen. It has no meaning for history.
    pub lateness: Lateness,
    /// The progress, UTC. Forward: everything before it is delivered. Backward: everything after it.
    pub reached: Timestamp,
    /// The end of the stretch, UTC. Forward: just before this instant. Backward: with this instant. None: at the first
    /// entry.
    pub bound: Option<Timestamp>,
    /// Why the reading ended.
    pub ended: Ended,
    /// What counts have newly told of its hours and days.
    pub ledger: Vec<LedgerLine>,
    /// The error, if it failed.
    pub error: Option<Error>,
}

/// A number of a gateway's report, and its name in JSON.
type Number = (&'static str, fn(&GatewayReport) -> u64);

/// Every number. The report of the pass has their sums.
const NUMBERS: [Number; 10] = [
    ("pages", |gateway| gateway.pages.into()),
    ("entries", |gateway| gateway.entries),
    ("left", |gateway| gateway.left),
    ("rows", |gateway| gateway.rows),
    ("known", |gateway| gateway.known),
    ("rejected", |gateway| gateway.rejected),
    ("unremembered", |gateway| gateway.unremembered),
    ("late", |gateway| gateway.late),
    ("counts", |gateway| gateway.counts.into()),
    ("reread", |gateway| gateway.reread.into()),
];

impl Report {
    /// The report of a pass that has just begun.
    pub(super) fn begun(job: Job, started: Timestamp) -> Self {
        let (gateways, clock) = (Vec::new(), Clock::Unknown);
        Self { job, started, finished: started, gateways, clock, calls: 0, reads: 0, writes: 0, error: None }
    }

    /// All errors. The pass's own error comes first.
    pub fn errors(&self) -> impl Iterator<Item = &Error> {
        self.error.iter().chain(self.gateways.iter().filter_map(|gateway| gateway.error.as_ref()))
    }

    /// The most important error: an error that a person must fix, or else any error.
    #[must_use]
    pub fn worst(&self) -> Option<&Error> {
        self.errors().find(|error| !error.is_transient()).or_else(|| self.errors().next())
    }

    /// Whether every gateway was read to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.error.is_none() && self.gateways.iter().all(|gateway| gateway.ended == Ended::Complete)
    }

    /// The verdict.
    #[must_use]
    pub fn verdict(&self) -> Completion {
        if self.errors().next().is_some() {
            Completion::Failed
        } else if self.is_complete() {
            Completion::Complete
        } else {
            Completion::Incomplete
        }
    }

    /// How late the new entries of all gateways were first seen. None for history, where it has no meaning.
    #[must_use]
    pub fn lateness(&self) -> Option<Lateness> {
        self.tells_the_present().then(|| {
            let mut all = Lateness::default();
            for gateway in &self.gateways {
                all.merge(&gateway.lateness);
            }
            all
        })
    }

    /// How far delivery is behind the present at the end of the pass: the lag of the gateway that is furthest behind,
    /// of the gateways that the pass reached. None for history.
    #[must_use]
    pub fn lag(&self) -> Option<TimeDelta> {
        self.gateways.iter().filter_map(|gateway| self.lag_of(gateway)).max()
    }

    fn lag_of(&self, gateway: &GatewayReport) -> Option<TimeDelta> {
        self.tells_the_present().then(|| (self.finished - gateway.delivered_before()).max(TimeDelta::zero()))
    }

    /// Whether the pass reads towards the present.
    fn tells_the_present(&self) -> bool {
        match self.job {
            Job::Forward => true,
            Job::Backfill | Job::Range => false,
        }
    }

    /// The sum of a number over all gateways.
    #[must_use]
    pub fn sum(&self, number: impl Fn(&GatewayReport) -> u64) -> u64 {
        self.gateways.iter().map(number).sum()
    }

    /// The report as JSON for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let gateways: Vec<_> = self.gateways.iter().map(|gateway| gateway.to_json(self.lag_of(gateway))).collect();
        let mut report = json!({
            "job": self.job.to_string(),
            "started": time::text(self.started),
            "finished": time::text(self.finished),
            "verdict": self.verdict().to_string(),
            "lag_ms": milliseconds(self.lag()),
            "lateness_ms": self.lateness().and_then(|lateness| quantiles(&lateness)),
            "calls": self.calls,
            "reads": self.reads,
            "writes": self.writes,
            "gateways": gateways,
            "error": self.worst().map(Error::chain),
        });
        for (name, number) in NUMBERS {
            report[name] = self.sum(number).into();
        }
        report
    }
}

impl GatewayReport {
    /// The report of a gateway that nothing was done for yet.
    pub(crate) fn new(gateway: &str, reached: Timestamp, bound: Option<Timestamp>) -> Self {
        Self { gateway: gateway.to_owned(), reached, bound, ..Self::default() }
    }

    /// Forward: everything before this instant is delivered. A gateway that was read to its end has no more entries
    /// before its bound, however old its last entry is.
    fn delivered_before(&self) -> Timestamp {
        match self.ended {
            Ended::Complete => self.bound.map_or(self.reached, |bound| bound.max(self.reached)),
            Ended::Doubtful
            | Ended::Pages
            | Ended::Time
            | Ended::Rate
            | Ended::Calls
            | Ended::Stopped
            | Ended::Failed => self.reached,
        }
    }

    /// Adds the late entries that a comparison has found.
    pub(super) fn add_late(&mut self, found: &Self) {
        self.reread += found.pages;
        self.late += found.rows;
        self.add(found);
    }

    /// Adds the report of an audit.
    pub(super) fn add(&mut self, found: &Self) {
        self.counts += found.counts;
        self.reread += found.reread;
        self.late += found.late;
        self.entries += found.entries;
        self.rows += found.rows;
        self.known += found.known;
        self.rejected += found.rejected;
        self.unremembered += found.unremembered;
        self.lateness.merge(&found.lateness);
    }

    fn to_json(&self, lag: Option<TimeDelta>) -> Value {
        let mut report = json!({
            "gateway": self.gateway,
            "reached": time::text(self.reached),
            "lag_ms": milliseconds(lag),
            "ended": self.ended.to_string(),
            "error": self.error.as_ref().map(Error::chain),
        });
        for (name, number) in NUMBERS {
            report[name] = number(self).into();
        }
        report
    }
}

fn milliseconds(length: Option<TimeDelta>) -> Option<i64> {
    length.map(|length| length.num_milliseconds())
}

/// The median and the 95th percentile; null if there was no new entry.
fn quantiles(lateness: &Lateness) -> Option<Value> {
    let [half, most] = [0.5, 0.95].map(|share| milliseconds(lateness.quantile(share)));
    Some(json!({ "p50": half?, "p95": most? }))
}
