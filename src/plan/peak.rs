//! The busiest minute of a gateway, and how many entries polling can read in a minute.

use chrono::{DurationRound, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::time::{Timestamp, stored};

/// Calls a minute that Cloudflare's API takes of one token: 1,200 in five minutes, whatever it is used for.
/// developers.cloudflare.com/fundamentals/api/reference/limits
const CALLS: f64 = 240.0;

/// How many new entries of all gateways forward can read in a minute, in the long run: each page shows one entry again.
/// `share` is the share of the API's limit. `pages`, if set, is the number of pages of a pass; a pass begins every
/// minute.
#[must_use]
pub fn readable(per_page: u32, share: f64, pages: Option<u32>) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "240 at most")]
    let calls = (CALLS * share) as u64;
    pages.map_or(calls, |pages| calls.min(pages.into())) * u64::from(per_page.saturating_sub(1).max(1))
}

/// `entries` as a share of `readable`, in whole percent. It is rounded up, so that more than 100 % never looks like 100
/// %.
#[must_use]
pub fn percent(entries: u64, readable: u64) -> u64 {
    entries.saturating_mul(100).div_ceil(readable.max(1))
}

/// A minute, and its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// Its first instant, UTC.
    #[serde(deserialize_with = "stored::instant")]
    pub start: Timestamp,
    /// Entries created in it that forward has delivered.
    pub entries: u64,
}

/// The busiest minute of this day and of the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Peak {
    #[serde(skip_serializing_if = "Option::is_none")]
    latest: Option<Minute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    today: Option<Minute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Minute>,
}

impl Peak {
    /// Whether nothing was counted yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Counts an entry. Entries come in order; one that does not is late, and no part of any peak.
    pub fn count(&mut self, created_at: Timestamp) {
        // Only an instant thousands of years away cannot be rounded.
        let start = created_at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(created_at);
        let known = self.latest.filter(|latest| latest.start >= start);
        if known.is_some_and(|known| known.start > start) {
            return;
        }
        let latest = Minute { start, entries: known.map_or(0, |known| known.entries) + 1 };
        self.latest = Some(latest);
        match self.today {
            Some(today) if today.start.date_naive() == start.date_naive() => {
                if latest.entries >= today.entries {
                    self.today = Some(latest);
                }
            }
            other => (self.before, self.today) = (other, Some(latest)),
        }
    }

    /// The busiest minute.
    #[must_use]
    pub fn busiest(&self) -> Option<Minute> {
        self.before.into_iter().chain(self.today).max_by_key(|minute| minute.entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    #[test]
    fn what_can_be_read_is_the_least_of_what_the_limit_and_the_pages_allow() {
        assert_eq!(readable(50, 0.8, None), 192 * 49);
        assert_eq!(readable(50, 1.0, Some(20)), 20 * 49);
        assert_eq!(readable(1, 0.8, None), 192);
        assert_eq!([(0, 100), (1, 1_000), (621, 1_000), (7, 0)].map(|(n, of)| percent(n, of)), [0, 1, 63, 700]);
    }

    #[test]
    fn the_busiest_minute_is_that_of_today_or_yesterday() {
        let at = |text| time::parse(text).unwrap();
        let mut peak = Peak::default();
        let mut count = |text, times| {
            (0..times).for_each(|_| peak.count(at(text)));
            peak.busiest().map(|minute| (minute.start, minute.entries))
        };
        assert_eq!(count("2026-10-06T09:00:00.5Z", 3), Some((at("2026-10-06T09:00:00Z"), 3)));
        assert_eq!(count("2026-10-06T09:01:59Z", 2), Some((at("2026-10-06T09:00:00Z"), 3)));
        // Late ones tell nothing.
        assert_eq!(count("2026-10-06T09:00:30Z", 9), Some((at("2026-10-06T09:00:00Z"), 3)));
        assert_eq!(count("2026-10-06T09:01:59.9Z", 2), Some((at("2026-10-06T09:01:00Z"), 4)));
        assert_eq!(count("2026-10-07T00:00:00Z", 1), Some((at("2026-10-06T09:01:00Z"), 4)));
        assert_eq!(count("2026-10-08T00:00:00Z", 2), Some((at("2026-10-08T00:00:00Z"), 2)));
    }
}
