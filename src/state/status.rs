//! What an operator should know of each job's failures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{STATUS, of, versioned, written};
use crate::{
    error::Error,
    time::{Timestamp, floor_ms, stored},
};

/// The last error of each job; written only when it changes what an operator would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// By job: `forward`, `backfill`.
    #[serde(flatten)]
    pub failing: BTreeMap<String, LastFailure>,
}

/// Why a job fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFailure {
    /// When it first failed in this way, UTC.
    #[serde(deserialize_with = "stored::instant")]
    pub since: Timestamp,
    /// What it was doing, and what went wrong.
    pub error: String,
    /// Whether the next tick may succeed without anybody's help.
    pub transient: bool,
}

impl Status {
    /// Reads the stored value.
    ///
    /// # Errors
    /// [`Error::State`] where the value is not one this program knows.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        of(STATUS, versioned(STATUS, text)?)
    }

    /// Notes how a job went; whether that changes what an operator would do.
    pub fn note(&mut self, job: &str, error: Option<&Error>, now: Timestamp) -> bool {
        let Some(error) = error else { return self.failing.remove(job).is_some() };
        let failure = LastFailure { since: floor_ms(now), error: error.chain(), transient: error.is_transient() };
        let same = |known: &LastFailure| known.error == failure.error || known.transient && failure.transient;
        let known = self.failing.get(job).is_some_and(same);
        if !known {
            self.failing.insert(job.to_owned(), failure);
        }
        !known
    }

    /// The value to store.
    ///
    /// # Errors
    /// Never in practice: every part has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        written(self)
    }
}
