//! An entry as a gateway keeps it: small, for there may be a million.

use serde_json::Value;

use crate::simulator::cloudflare::{entry, traffic::Arrival};

/// An entry: rendered from its seed on demand, or put in as JSON.
pub(in crate::simulator) struct Stored {
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// What a generated entry is made from; among entries of one millisecond also their order, so their ids are unsorted.
    pub seed: u64,
    /// None: a typical call.
    pub special: Option<Box<Special>>,
}

pub(in crate::simulator) enum Special {
    /// A call that took so many milliseconds.
    LongCall(i64),
    /// The second attempt of the call of this seed.
    Fallback(u64),
    /// Put in as it is.
    Given(Value),
    /// The same, but the list answers with these bytes instead.
    Shown(Value, Vec<u8>),
}

impl Stored {
    pub fn generated(arrival: &Arrival) -> Self {
        let special = arrival.long_call.map(Special::LongCall).or(arrival.first_attempt.map(Special::Fallback));
        Self { created_at: arrival.created_at, seed: arrival.seed, special: special.map(Box::new) }
    }

    pub fn order(&self) -> (i64, u64) {
        (self.created_at, self.seed)
    }

    pub fn render(&self) -> Value {
        match self.special.as_deref() {
            Some(Special::Given(entry) | Special::Shown(entry, _)) => entry.clone(),
            Some(Special::LongCall(duration)) => entry::render(self.created_at, self.seed, Some(*duration)),
            Some(Special::Fallback(first)) => entry::render_fallback(self.created_at, self.seed, *first),
            None => entry::render(self.created_at, self.seed, None),
        }
    }

    /// Has the list answer with these bytes instead.
    pub fn show_as(&mut self, bytes: Vec<u8>) {
        self.special = Some(Box::new(Special::Shown(self.render(), bytes)));
    }

    /// As it stands in the list.
    pub fn listed(&self) -> Vec<u8> {
        match self.special.as_deref() {
            Some(Special::Shown(_, bytes)) => bytes.clone(),
            Some(Special::Given(_) | Special::LongCall(_) | Special::Fallback(_)) | None => {
                self.render().to_string().into_bytes()
            }
        }
    }

    pub fn has_id(&self, id: &str) -> bool {
        match self.special.as_deref() {
            Some(Special::Given(entry) | Special::Shown(entry, _)) => entry["id"] == id,
            Some(Special::LongCall(_) | Special::Fallback(_)) | None => self.render()["id"] == id,
        }
    }
}
