//! How long after its `created_at` an entry is first seen. `SETTLE_SECONDS` can be chosen by it.
//!
//! The position of each gateway keeps the lateness, as a small histogram. It leaves out a first pass, and a pass that
//! begins more than ten minutes back: then the poller was late, not the entry. Old entries count less and less.

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Each power of two of milliseconds has 2³ buckets. So the least and the greatest value of a bucket are less than an
/// eighth, 12.5 %, apart.
const PRECISION: u32 = 3;

/// Entries that are remembered at most: enough for the latest in a thousand.
const MOST_REMEMBERED: u64 = 100_000;

/// The share of entries that `SETTLE_SECONDS` is chosen for: forward brings these, and verification the rest.
const IN_TIME: f64 = 0.999;

/// An entry that was there in time is first seen up to so much later than `SETTLE_SECONDS`: the minute between two
/// ticks, and a slow pass.
const UNTIL_SEEN: Duration = Duration::from_mins(2);

/// The certain part of it: an entry waits half a minute for its tick on average, and a minute at most.
const TICK: Duration = Duration::from_mins(1);

/// Suggestions are multiples of this.
const STEP: Duration = Duration::from_secs(10);

/// The longest suggestion. Verification brings the entries that are later.
const LONGEST: Duration = Duration::from_mins(10);

/// Latenesses, counted in buckets that grow with them; a bucket without any takes no room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lateness(BTreeMap<u64, u64>);

impl Lateness {
    /// Counts an entry. One from the future, by a clock that is a little wrong, is not late.
    pub fn add(&mut self, late: TimeDelta) {
        let milliseconds = u64::try_from(late.num_milliseconds()).unwrap_or(0);
        *self.0.entry(bucket(milliseconds)).or_default() += 1;
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what another histogram counts, and lets what was counted long ago count less.
    pub fn remember(&mut self, other: &Self) {
        self.merge(other);
        if self.0.values().fold(0, |sum: u64, number| sum.saturating_add(*number)) > MOST_REMEMBERED {
            self.0.retain(|_, number| {
                *number /= 2;
                *number > 0
            });
        }
    }

    /// Adds what another histogram counts.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, number) in &other.0 {
            let sum = self.0.entry(*bucket).or_default();
            *sum = sum.saturating_add(*number);
        }
    }

    /// The `SETTLE_SECONDS` that these latenesses suggest where it is `current` now: the same while 99.9 % of the entries
    /// were first seen within two minutes more. Else what these need, less the minute between two ticks, in full ten
    /// seconds, and ten minutes at most.
    #[must_use]
    pub fn suggested_settle(&self, current: Duration) -> Duration {
        let needed = self.quantile(IN_TIME).and_then(|late| late.to_std().ok()).unwrap_or_default();
        if needed <= current + UNTIL_SEEN {
            return current;
        }
        let steps = needed.saturating_sub(TICK).as_millis().div_ceil(STEP.as_millis());
        u32::try_from(steps).map_or(LONGEST, |steps| STEP.saturating_mul(steps)).min(LONGEST)
    }

    /// The given share of all entries, in [0, 1], is late by at most this; the number is up to 12.5 % too high, and
    /// never too low. None without entries.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<TimeDelta> {
        #[expect(clippy::cast_precision_loss, reason = "exact for more entries than a gateway ever logs")]
        let entries: f64 = self.0.values().map(|number| *number as f64).sum();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to the number of entries")]
        let rank = (share * entries).ceil().clamp(1.0, entries.max(1.0)) as u64;
        let mut counted = 0_u64;
        let reaches = |(_, number): &(&u64, &u64)| {
            counted = counted.saturating_add(**number);
            counted >= rank
        };
        let (bucket, _) = self.0.iter().find(reaches)?;
        Some(TimeDelta::milliseconds(i64::try_from(greatest(*bucket)).unwrap_or(i64::MAX)))
    }
}

/// The bucket of a number: its leading bits, after the number of bits that are left out.
fn bucket(milliseconds: u64) -> u64 {
    let dropped = milliseconds.checked_ilog2().unwrap_or(0).saturating_sub(PRECISION);
    (u64::from(dropped) << PRECISION) + (milliseconds >> dropped)
}

/// The greatest number of a bucket. A bucket beyond all, which only a damaged store can hold, has the greatest of all.
fn greatest(bucket: u64) -> u64 {
    let dropped = (bucket >> PRECISION).saturating_sub(1);
    let leading = bucket - (dropped << PRECISION);
    let width = 2_u64.saturating_pow(u32::try_from(dropped).unwrap_or(u32::MAX));
    width.saturating_mul(leading + 1) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(numbers: &[i64]) -> Lateness {
        let mut lateness = Lateness::default();
        for number in numbers {
            lateness.add(TimeDelta::milliseconds(*number));
        }
        lateness
    }

    fn quantile(lateness: &Lateness, share: f64) -> Option<i64> {
        lateness.quantile(share).map(|late| late.num_milliseconds())
    }

    proptest! {
        /// Milliseconds and years alike: a quantile is never below the true one, nor an eighth above it.
        #[test]
        fn a_quantile_is_at_most_an_eighth_too_much(
            digits in prop::collection::vec((0_u32..15, 0.0..1.0_f64), 1..60),
            share in 0.0..=1.0_f64,
        ) {
            #[expect(clippy::cast_possible_truncation, reason = "below 10^15")]
            let number = |(digits, part): &(u32, f64)| (10_f64.powi(digits.cast_signed()) * part) as i64;
            let mut numbers: Vec<i64> = digits.iter().map(number).collect();
            let found = quantile(&of(&numbers), share).unwrap();
            numbers.sort_unstable();
            let all = f64::from(u32::try_from(numbers.len()).unwrap());
            let (exact, _) = numbers.into_iter().zip(1_u32..).find(|(_, n)| f64::from(*n) >= share * all).unwrap();
            prop_assert!((exact..=exact + exact / 8).contains(&found), "{found} for {exact}");
        }

        #[test]
        fn histograms_merge_to_that_of_all(
            one in prop::collection::vec(0_i64..1 << 40, 0..30),
            other in prop::collection::vec(0_i64..1 << 40, 0..30),
        ) {
            let mut merged = of(&one);
            merged.merge(&of(&other));
            prop_assert_eq!(merged, of(&[one, other].concat()));
        }
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        for milliseconds in 0..100_000 {
            let step = bucket(milliseconds + 1) - bucket(milliseconds);
            assert_eq!(step, u64::from(greatest(bucket(milliseconds)) == milliseconds), "{milliseconds}");
        }
    }

    #[test]
    fn quantiles_are_of_what_was_counted() {
        let check = |numbers: &[i64], share, expected| assert_eq!(quantile(&of(numbers), share), expected, "{share}");
        check(&[], 0.5, None);
        check(&[-5], 0.5, Some(0));
        check(&[1, 2, 3, 4], 0.0, Some(1));
        check(&[1, 2, 3, 4], 0.5, Some(2));
        check(&[4, 3, 2, 1], 0.51, Some(3));
        check(&[1, 2, 3, 4], 1.0, Some(4));
        check(&[15, 16, 17, 18], 0.5, Some(17));
        let longest = TimeDelta::MAX.num_milliseconds();
        assert!(quantile(&of(&[longest]), 0.5) >= Some(longest - 1));
    }

    #[test]
    fn settle_seconds_stay_while_they_are_right_and_grow_to_what_entries_need() {
        let check = |early: usize, late: i64, current, expected| {
            let numbers = [vec![1_000; early], vec![late]].concat();
            let settle = of(&numbers).suggested_settle(Duration::from_secs(current));
            assert_eq!(settle, Duration::from_secs(expected), "{early} early, one after {late} ms, now {current} s");
        };
        assert_eq!(Lateness::default().suggested_settle(Duration::from_secs(30)), Duration::from_secs(30));
        // One in a thousand may be as late as it likes.
        check(999, 3_600_000, 30, 30);
        check(998, 3_600_000, 30, 600);
        // The bucket of 140 s ends at 147.455 s.
        check(0, 140_000, 30, 30);
        check(0, 140_000, 28, 28);
        check(0, 140_000, 27, 90);
        check(0, 140_000, 0, 90);
        // That of 131.072 s ends at 147.455 s, and that of 600 s at 655.359 s.
        check(0, 600_000, 60, 600);
        check(0, 524_287, 60, 470);
        check(0, i64::MAX, 60, 600);
        check(0, 140_000, 900, 900);
    }

    #[test]
    fn what_was_counted_long_ago_counts_less_and_less() {
        let mut lateness = of(&[1]);
        let day = of(&vec![5; 60_000]);
        lateness.remember(&day);
        assert_eq!(quantile(&lateness, 0.0), Some(1));
        lateness.remember(&day);
        assert_eq!(quantile(&lateness, 0.0), Some(5));
        lateness.remember(&of(&vec![1_000; 50_000]));
        assert_eq!((quantile(&lateness, 0.5), quantile(&lateness, 0.6)), (Some(5), Some(1_023)));
    }

    #[test]
    fn a_histogram_is_kept_as_json_and_a_damaged_one_stops_nothing() {
        let lateness = of(&[3, 3, 60_000]);
        let kept = serde_json::to_value(&lateness).unwrap();
        assert_eq!(kept, json!({ "3": 2, "110": 1 }));
        assert_eq!(serde_json::from_value::<Lateness>(kept).unwrap(), lateness);
        let damaged: Lateness =
            serde_json::from_value(json!({ "3": u64::MAX, "18446744073709551615": u64::MAX })).unwrap();
        assert!(damaged.quantile(1.0).is_some());
    }
}
