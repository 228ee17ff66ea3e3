//! The pace of the calls to the source.
//!
//! The pace depends only on the `Ratelimit` headers. Each answer tells how many calls are left, so two jobs or two
//! programs share the limit without knowing of each other. A pass that needs less than half of the calls left goes at
//! full speed, so a tick is never slowed down. A pass that needs more spreads its calls evenly over the rest of the
//! window. Calls under way, and one call in two hundred, count as used.

use super::budget::Rate;
use crate::time::Timestamp;

/// One call in so many of a window is always left: another job of ours may have some under way.
const SPARE: f64 = 200.0;

/// The times of the calls to the source.
#[derive(Debug, Default)]
pub struct Pace {
    /// The rate limit in the source's last answer, and when the answer came.
    rate: Option<(Rate, Timestamp)>,
    /// The time of the last call.
    last: Option<Timestamp>,
}

impl Pace {
    /// Notes the rate limit in an answer.
    pub fn note(&mut self, rate: Option<Rate>, now: Timestamp) {
        self.rate = rate.map(|rate| (rate, now));
    }

    /// Notes the time of a call.
    pub fn call(&mut self, at: Timestamp) {
        self.last = Some(at);
    }

    /// The time of the next call, which keeps to a `share` of the rate limit: the user's own dashboard uses the rest.
    /// The source has not counted the `under_way` calls yet; `left` calls will follow, if their number is known. A few
    /// calls are made at once. More calls are spread over the rest of the window, so that other callers can make some
    /// calls at any time.
    #[must_use]
    pub fn next(&self, now: Timestamp, share: f64, under_way: usize, left: Option<u64>) -> Timestamp {
        let Some((rate, noted)) = self.rate else { return now };
        let anew = noted + rate.reset;
        // The part of the window that is left after the calls already planned.
        let last = self.last.map_or(now, |last| last.max(now));
        let Ok(rest) = (anew - last).to_std() else { return last };
        #[expect(clippy::cast_precision_loss, reason = "counts of a few thousand")]
        let (quota, remaining, under_way) = (rate.quota as f64, rate.remaining as f64, under_way as f64);
        let reserved = (quota * (1.0 - share)).max(quota / SPARE).round();
        let allowed = remaining - reserved - under_way;
        #[expect(clippy::cast_precision_loss, reason = "above that they are many in any case")]
        let few = left.is_some_and(|left| 2.0 * left as f64 <= allowed);
        let next = if allowed < 1.0 {
            anew
        } else if few {
            now
        } else {
            // The last of them comes before the window ends.
            self.last.map_or(now, |last| last + rest.div_f64(allowed + 1.0))
        };
        next.max(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;

    fn check(rate: Rate, (share, under_way, left): (f64, usize, Option<u64>), expected: Duration) {
        let now = Timestamp::UNIX_EPOCH;
        let pace = Pace { rate: Some((rate, now)), last: Some(now) };
        assert_eq!(pace.next(now, share, under_way, left), now + expected, "{rate:?} {share} {under_way} {left:?}");
    }

    #[test]
    fn the_rest_of_the_rate_limit_is_left_to_others() {
        let window = Duration::from_secs(30);
        let check = |remaining, share, under_way, expected| {
            check(Rate { remaining, reset: window, quota: 1_200 }, (share, under_way, Some(0)), expected);
        };
        check(1_200, 0.8, 0, AT_ONCE);
        check(241, 0.8, 0, AT_ONCE);
        check(240, 0.8, 0, window);
        check(245, 0.8, 5, window);
        // Of all that is allowed a few are left: another job may have calls under way.
        check(7, 1.0, 0, AT_ONCE);
        check(6, 1.0, 0, window);
    }

    #[test]
    fn many_calls_are_spread_over_the_window_and_few_are_not() {
        let rate = Rate { remaining: 339, reset: Duration::from_secs(50), quota: 1_200 };
        let check = |left, expected| check(rate, (0.8, 0, left), expected);
        check(Some(49), AT_ONCE);
        check(Some(50), Duration::from_millis(500));
        check(None, Duration::from_millis(500));
    }
}
