//! Ten-minute stretches of `created_at`, and how many entries of each were delivered: what a later count at the source
//! is compared with.

use std::collections::BTreeMap;

use chrono::{DurationRound, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Length of a slot.
const LENGTH: TimeDelta = TimeDelta::minutes(10);

/// Slots are kept until their last count, at 24 hours, is safely behind.
const KEPT: TimeDelta = TimeDelta::hours(26);

/// Slots of that time, both ends included.
const MOST: usize = 26 * 6 + 1;

/// What is known of one slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Entries of this slot that a sink has taken, or refused for good.
    pub delivered: u64,
}

/// The slots of the last 26 hours, by their start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slots(BTreeMap<Timestamp, Slot>);

impl Slots {
    /// Counts an entry as delivered.
    pub fn deliver(&mut self, created_at: Timestamp) {
        // Only an instant thousands of years away cannot be rounded; it has no slot either.
        if let Ok(start) = created_at.duration_trunc(LENGTH) {
            self.0.entry(start).or_default().delivered += 1;
            // Catching up with months, the oldest would only swell the state until they are pruned.
            if self.0.len() > MOST {
                self.0.pop_first();
            }
        }
    }

    /// Drops what is too old to be counted again.
    pub fn prune(&mut self, now: Timestamp) {
        self.0 = self.0.split_off(&(now - KEPT));
    }

    /// The slots, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, Slot)> {
        self.0.iter().map(|(start, slot)| (*start, *slot))
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Slot, Slots, TimeDelta};
    use crate::time;

    #[test]
    fn entries_are_counted_in_ten_minute_stretches_of_the_last_26_hours() {
        let at = |text| time::parse(text).unwrap();
        let mut slots = Slots::default();
        for created_at in ["2026-10-06T09:10:00Z", "2026-10-06T09:19:59.999Z", "2026-10-06T09:20:00Z", "2026-10-05"] {
            slots.deliver(at(created_at));
        }
        slots.prune(at("2026-10-06T10:00:00Z"));
        let expected =
            [(at("2026-10-06T09:10:00Z"), Slot { delivered: 2 }), (at("2026-10-06T09:20:00Z"), Slot { delivered: 1 })];
        assert_eq!(slots.iter().collect::<Vec<_>>(), expected);
        for minutes in 0..100_000 {
            slots.deliver(at("2026-10-06T09:30:00Z") + TimeDelta::minutes(minutes));
        }
        assert_eq!(slots.iter().count(), MOST);
    }
}
