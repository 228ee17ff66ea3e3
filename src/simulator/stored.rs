//! An entry as a gateway keeps it: small, for there may be a million.

use serde_json::Value;

use super::{entry, traffic::Arrival};

/// An entry: rendered from its seed on demand, or put in as JSON.
pub(super) struct Stored {
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// What a generated entry is made from; among equal `created_at` also its place, so that ids come unsorted.
    pub seed: u64,
    /// None: a typical call.
    pub special: Option<Box<Special>>,
}

pub(super) enum Special {
    /// A call that took so many milliseconds.
    LongCall(i64),
    /// Put in as it is.
    Given(Value),
}

impl Stored {
    pub fn generated(arrival: &Arrival) -> Self {
        let special = arrival.long_call.map(|duration| Box::new(Special::LongCall(duration)));
        Self { created_at: arrival.created_at, seed: arrival.seed, special }
    }

    pub fn place(&self) -> (i64, u64) {
        (self.created_at, self.seed)
    }

    pub fn render(&self) -> Value {
        match self.special.as_deref() {
            Some(Special::Given(entry)) => entry.clone(),
            Some(Special::LongCall(duration)) => entry::render(self.created_at, self.seed, Some(*duration)),
            None => entry::render(self.created_at, self.seed, None),
        }
    }

    pub fn has_id(&self, id: &str) -> bool {
        match self.special.as_deref() {
            Some(Special::Given(entry)) => entry["id"] == id,
            Some(Special::LongCall(_)) | None => self.render()["id"] == id,
        }
    }
}
