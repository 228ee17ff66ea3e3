//! What a pass did.
//!
//! The report tells what an alarm needs: `verdict` (complete, incomplete, failed), and of a forward pass how far delivery
//! is behind the present (`lag_ms`; a gateway read to its end is only behind by what is left to settle, however old its
//! last entry) and how late new entries appeared (`lateness_ms`, by which `SETTLE_SECONDS` can be chosen). A gateway that
//! a pass did not come to is in neither.

use std::fmt;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Job;
use crate::{
    error::Error,
    host::Clock,
    plan::{budget::Ended, lateness::Lateness},
    time::{self, Timestamp},
};

/// What came of a pass, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// Every gateway was read to its end.
    Complete,
    /// There is more to read, and nothing went wrong: the next pass goes on.
    Incomplete,
    /// Something went wrong; the errors say what.
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

/// What one pass did.
#[derive(Debug)]
pub struct Report {
    /// The job.
    pub job: Job,
    /// When it started, UTC.
    pub started: Timestamp,
    /// When it ended, UTC.
    pub finished: Timestamp,
    /// What it did for each gateway it came to.
    pub gateways: Vec<GatewayReport>,
    /// What servers have said of this machine's clock.
    pub clock: Clock,
    /// Calls to the outside.
    pub calls: u32,
    /// Reads of the stores.
    pub reads: u32,
    /// Writes to the stores.
    pub writes: u32,
    /// Why it ended before it came to every gateway, or could not remember what it did.
    pub error: Option<Error>,
}

/// What one pass did for one gateway.
#[derive(Debug)]
pub struct GatewayReport {
    /// Gateway id.
    pub gateway: String,
    /// Pages read.
    pub pages: u32,
    /// New entries read.
    pub entries: u64,
    /// Entries that the source still counted when the reading ended. 0: none, or the source does not say.
    pub left: u64,
    /// Rows the sink has taken, those it knew already included.
    pub rows: u64,
    /// Of these, rows the sink knew already.
    pub known: u64,
    /// Rows the sink will never take: they are kept as dead letters.
    pub rejected: u64,
    /// Rows, refused ones included, whose ids could not be kept: a later comparison may write them again.
    pub unremembered: u64,
    /// Stretches counted at the source, to prove that they are complete.
    pub counts: u32,
    /// Pages read again, because a count was another than expected.
    pub reread: u32,
    /// Of the rows, those that such a count has found missing.
    pub late: u64,
    /// How late the new entries were first seen. It means nothing where history is read.
    pub lateness: Lateness,
    /// How far it has come, UTC: forward, everything before is delivered; backward, everything after.
    pub reached: Timestamp,
    /// Where its stretch ends, UTC: forward, just before this instant; backward, with it. None: at the first entry.
    pub bound: Option<Timestamp>,
    /// Why it stopped.
    pub ended: Ended,
    /// Why it failed, if it did.
    pub error: Option<Error>,
}

impl Report {
    /// The report of a pass that has done nothing yet.
    pub(super) fn begun(job: Job, started: Timestamp) -> Self {
        let (gateways, clock) = (Vec::new(), Clock::Unknown);
        Self { job, started, finished: started, gateways, clock, calls: 0, reads: 0, writes: 0, error: None }
    }

    /// Every error, the pass's own first.
    pub fn errors(&self) -> impl Iterator<Item = &Error> {
        self.error.iter().chain(self.gateways.iter().filter_map(|gateway| gateway.error.as_ref()))
    }

    /// The error that says most about who acts: one that a person must mend, else any.
    #[must_use]
    pub fn worst(&self) -> Option<&Error> {
        self.errors().find(|error| !error.is_transient()).or_else(|| self.errors().next())
    }

    /// Whether every gateway was read to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.error.is_none() && self.gateways.iter().all(|gateway| gateway.ended == Ended::Complete)
    }

    /// What came of it.
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

    /// How late the new entries of all gateways were first seen. None where history is read: there it means nothing.
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

    /// How far behind the present delivery is at the end of the pass, for the gateway that is furthest behind of those it
    /// came to. None where history is read.
    #[must_use]
    pub fn lag(&self) -> Option<TimeDelta> {
        self.gateways.iter().filter_map(|gateway| self.lag_of(gateway)).max()
    }

    fn lag_of(&self, gateway: &GatewayReport) -> Option<TimeDelta> {
        self.tells_the_present().then(|| (self.finished - gateway.delivered_before()).max(TimeDelta::zero()))
    }

    /// Whether the pass goes towards the present.
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

    /// The report for programs to read.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let gateways: Vec<_> = self.gateways.iter().map(|gateway| gateway.to_json(self.lag_of(gateway))).collect();
        json!({
            "job": self.job.to_string(),
            "started": time::text(self.started),
            "finished": time::text(self.finished),
            "verdict": self.verdict().to_string(),
            "lag_ms": milliseconds(self.lag()),
            "lateness_ms": self.lateness().and_then(|lateness| quantiles(&lateness)),
            "entries": self.sum(|gateway| gateway.entries),
            "left": self.sum(|gateway| gateway.left),
            "rows": self.sum(|gateway| gateway.rows),
            "known": self.sum(|gateway| gateway.known),
            "rejected": self.sum(|gateway| gateway.rejected),
            "unremembered": self.sum(|gateway| gateway.unremembered),
            "late": self.sum(|gateway| gateway.late),
            "pages": self.sum(|gateway| gateway.pages.into()),
            "counts": self.sum(|gateway| gateway.counts.into()),
            "reread": self.sum(|gateway| gateway.reread.into()),
            "calls": self.calls,
            "reads": self.reads,
            "writes": self.writes,
            "gateways": gateways,
            "error": self.worst().map(Error::chain),
        })
    }
}

impl GatewayReport {
    /// Nothing done yet.
    pub(super) fn new(gateway: &str, reached: Timestamp, bound: Option<Timestamp>) -> Self {
        Self {
            gateway: gateway.to_owned(),
            pages: 0,
            entries: 0,
            left: 0,
            rows: 0,
            known: 0,
            rejected: 0,
            unremembered: 0,
            counts: 0,
            reread: 0,
            late: 0,
            lateness: Lateness::default(),
            reached,
            bound,
            ended: Ended::Complete,
            error: None,
        }
    }

    /// Forward: everything before this instant is delivered. One that was read to its end has nothing more before its
    /// bound, however old its last entry is.
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

    /// Adds what a comparison has found late.
    pub(super) fn add_late(&mut self, found: &Self) {
        self.reread += found.pages;
        self.late += found.rows;
        self.add(found);
    }

    /// Adds what verification did.
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
        json!({
            "gateway": self.gateway,
            "pages": self.pages,
            "entries": self.entries,
            "left": self.left,
            "rows": self.rows,
            "known": self.known,
            "rejected": self.rejected,
            "unremembered": self.unremembered,
            "late": self.late,
            "counts": self.counts,
            "reread": self.reread,
            "reached": time::text(self.reached),
            "lag_ms": milliseconds(lag),
            "ended": self.ended.to_string(),
            "error": self.error.as_ref().map(Error::chain),
        })
    }
}

fn milliseconds(length: Option<TimeDelta>) -> Option<i64> {
    length.map(|length| length.num_milliseconds())
}

/// The middle and the late end; null where there was no new entry.
fn quantiles(lateness: &Lateness) -> Option<Value> {
    let [half, most] = [0.5, 0.95].map(|share| milliseconds(lateness.quantile(share)));
    Some(json!({ "p50": half?, "p95": most? }))
}
