//! A server of events: what it has answered since it began, and when closed hours were last counted.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use serde::{Deserialize, de::IgnoredAny};

use super::{
    poller::{PollerWatch, number, seconds},
    problem::Problem,
    text::{Family, counter, gauge, single},
};
use crate::{error::CallError, time::Timestamp, wire::Response};

/// A server that somebody watches.
#[derive(Default)]
pub struct ServerWatch {
    poller: Option<Arc<PollerWatch>>,
    accepted: AtomicU64,
    duplicates: AtomicU64,
    refused: AtomicU64,
    counted: Mutex<Counted>,
}

/// How the last count of closed hours went.
#[derive(Debug, Default)]
struct Counted {
    /// When one last succeeded, UTC.
    at: Option<Timestamp>,
    /// Why the last one failed.
    failed: Option<String>,
}

/// The numbers of an answer to events. That to a request that is refused as a whole has none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answered {
    accepted: u64,
    duplicates: u64,
    refused: Vec<IgnoredAny>,
}

impl ServerWatch {
    /// A server that begins now, beside this poller.
    pub fn new(poller: Option<Arc<PollerWatch>>) -> Self {
        Self { poller, ..Self::default() }
    }

    /// Adds the answer to a request that sent events.
    pub fn note(&self, response: &Response) {
        let Answered { accepted, duplicates, refused } = serde_json::from_slice(response.body()).unwrap_or_default();
        self.accepted.fetch_add(accepted, Relaxed);
        self.duplicates.fetch_add(duplicates, Relaxed);
        self.refused.fetch_add(refused.len() as u64, Relaxed);
    }

    /// Notes how a count of closed hours went.
    pub fn note_count(&self, counted: &Result<(), CallError>, now: Timestamp) {
        let mut last = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        match counted {
            Ok(()) => *last = Counted { at: Some(now), failed: None },
            Err(error) => last.failed = Some(error.to_string()),
        }
    }

    /// What is wrong, beside the database.
    pub async fn problems(&self) -> Vec<Problem> {
        let failed = self.counted.lock().unwrap_or_else(PoisonError::into_inner).failed.clone();
        let uncounted = failed.map(|details| Problem {
            label: "Counting",
            words: "closed hours are not counted; questions read their rows".into(),
            details: Some(details),
            needs_person: false,
        });
        let mut problems: Vec<_> = uncounted.into_iter().collect();
        if let Some(poller) = &self.poller {
            problems.extend(poller.problems().await);
        }
        problems
    }

    /// Its numbers, without the cost.
    pub async fn families(&self) -> Vec<Family> {
        let count = |of: &AtomicU64| single(Some(number(of.load(Relaxed))));
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner).at;
        let mut families = vec![
            counter("aig_logs_events_accepted_total", "Events newly written.", count(&self.accepted)),
            counter("aig_logs_events_duplicates_total", "Events that were there before.", count(&self.duplicates)),
            counter("aig_logs_events_refused_total", "Events that were not taken.", count(&self.refused)),
            gauge(
                "aig_logs_counted_timestamp_seconds",
                "When closed hours were last counted.",
                single(counted.map(seconds)),
            ),
        ];
        if let Some(poller) = &self.poller {
            families.extend(poller.families().await);
        }
        families
    }
}
