//! What a pass did.

use serde_json::{Value, json};

use super::Job;
use crate::{
    error::Error,
    plan::budget::Ended,
    time::{self, Timestamp},
};

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
    /// Rows the sink has taken, those it knew already included.
    pub rows: u64,
    /// Of these, rows the sink knew already.
    pub known: u64,
    /// Rows the sink will never take: they are kept as dead letters.
    pub rejected: u64,
    /// How far it has come, UTC: forward, everything before is delivered; backward, everything after.
    pub reached: Timestamp,
    /// Why it stopped.
    pub ended: Ended,
    /// Why it failed, if it did.
    pub error: Option<Error>,
}

impl Report {
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

    /// The sum of a number over all gateways.
    #[must_use]
    pub fn sum(&self, number: impl Fn(&GatewayReport) -> u64) -> u64 {
        self.gateways.iter().map(number).sum()
    }

    /// The report for programs to read.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let gateways: Vec<_> = self.gateways.iter().map(GatewayReport::to_json).collect();
        json!({
            "job": self.job.to_string(),
            "started": time::text(self.started),
            "finished": time::text(self.finished),
            "complete": self.is_complete(),
            "entries": self.sum(|gateway| gateway.entries),
            "rows": self.sum(|gateway| gateway.rows),
            "known": self.sum(|gateway| gateway.known),
            "rejected": self.sum(|gateway| gateway.rejected),
            "pages": self.sum(|gateway| gateway.pages.into()),
            "calls": self.calls,
            "reads": self.reads,
            "writes": self.writes,
            "gateways": gateways,
            "error": self.worst().map(Error::chain),
        })
    }
}

impl GatewayReport {
    fn to_json(&self) -> Value {
        json!({
            "gateway": self.gateway,
            "pages": self.pages,
            "entries": self.entries,
            "rows": self.rows,
            "known": self.known,
            "rejected": self.rejected,
            "reached": time::text(self.reached),
            "ended": self.ended.to_string(),
            "error": self.error.as_ref().map(Error::chain),
        })
    }
}
