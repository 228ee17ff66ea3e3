//! When a pass ends although there is more to read: pages, time, and the API's own rate limit.

use std::{fmt, time::Duration};

use crate::time::Timestamp;

/// How long remembering may take, with all its tries, after the time of a pass is used up. A scheduled pass leaves at
/// least as much time before the next one.
pub const SAVING: Duration = Duration::from_secs(10);

/// Time of a scheduled forward pass: the minute until the next tick, less what saving takes.
pub const FORWARD_TIME: Duration = Duration::from_mins(1).saturating_sub(SAVING);

/// Time of a scheduled backfill: the 15 minutes of wall clock that a cron invocation of a Worker has, less two for the
/// page, the sign-in and the insert in hand, of 30 s each at most, and for saving.
/// developers.cloudflare.com/workers/platform/limits
pub const BACKFILL_TIME: Duration = Duration::from_mins(15 - 2);

/// What one pass may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// List requests for each gateway; none: as many as the rest allows.
    pub pages: Option<u32>,
    /// Wall clock; none: until done.
    pub time: Option<Duration>,
    /// Calls to the outside, all kinds together; none: as many as it takes.
    pub calls: Option<u32>,
}

/// Why a pass stopped reading a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Forward: everything up to `now - SETTLE_SECONDS` is read. Backfill: the end of its stretch is reached.
    Complete,
    /// The source shows nothing more, although it counts more: nobody can tell whether this is the end.
    Doubtful,
    /// `*_MAX_PAGES` are read.
    Pages,
    /// The time for this pass is used up.
    Time,
    /// The rest of the API's rate limit is for others, and comes back too late for this pass.
    Rate,
    /// The platform allows no further call, or few, and those are kept for writing.
    Calls,
    /// Somebody asked the program to stop.
    Stopped,
    /// A call or a write failed; the report's error says which.
    Failed,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "complete",
            Self::Doubtful => "nothing more is shown, although the source counts more",
            Self::Pages => "page budget used up, more to read",
            Self::Time => "time used up, more to read",
            Self::Rate => "rate limit reached, more to read",
            Self::Calls => "calls used up, more to read",
            Self::Stopped => "stopped on request, more to read",
            Self::Failed => "failed",
        })
    }
}

/// What the `Ratelimit` and `Ratelimit-Policy` headers say.
/// developers.cloudflare.com/fundamentals/api/reference/limits
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests left in the window (`r`).
    pub remaining: u64,
    /// Until the window starts anew (`t`).
    pub reset: Duration,
    /// Requests of a whole window (`q`).
    pub quota: u64,
}

/// One call in so many of a window is always left: another job of ours may have some under way.
const SPARE: f64 = 200.0;

/// How long a call to the source is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// Not at all.
    Free,
    /// So long after the call before it.
    Apart(Duration),
    /// Until the window starts anew.
    Window,
}

/// How to keep to a `share` of the rate limit: the user's own dashboard uses the rest. The source has not counted the
/// `under_way` calls yet; `left` calls will follow, if their number is known. A few calls are made at once. More calls
/// are spread over the rest of the window, so that other callers can make some calls at any time.
#[must_use]
pub fn hold_back(rate: Rate, share: f64, under_way: usize, left: Option<u64>) -> Spacing {
    #[expect(clippy::cast_precision_loss, reason = "counts of a few thousand")]
    let (quota, remaining, under_way) = (rate.quota as f64, rate.remaining as f64, under_way as f64);
    let reserved = (quota * (1.0 - share)).max(quota / SPARE).round();
    let allowed = remaining - reserved - under_way;
    #[expect(clippy::cast_precision_loss, reason = "above that they are many in any case")]
    let few = left.is_some_and(|left| 2.0 * left as f64 <= allowed);
    if allowed < 1.0 {
        Spacing::Window
    } else if few {
        Spacing::Free
    } else {
        // The last of them comes before the window ends.
        Spacing::Apart(rate.reset.div_f64(allowed + 1.0))
    }
}

/// What a pass has used when it is about to ask for another page.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// Pages read of this gateway.
    pub pages: u32,
    /// Calls to the outside.
    pub calls: u32,
    /// Calls that writing what is already read will take.
    pub reserved: u32,
}

impl Budget {
    /// Why no further page may be asked for, or `None` where one may.
    #[must_use]
    pub fn ends(&self, used: Used, started: Timestamp, now: Timestamp) -> Option<Ended> {
        if self.pages.is_some_and(|pages| used.pages >= pages) {
            Some(Ended::Pages)
        } else if self.deadline(started).is_some_and(|deadline| now >= deadline) {
            Some(Ended::Time)
        } else if self.calls.is_some_and(|calls| used.calls + used.reserved >= calls) {
            Some(Ended::Calls)
        } else {
            None
        }
    }

    /// When the pass that started at `started` has used up its time.
    #[must_use]
    pub fn deadline(&self, started: Timestamp) -> Option<Timestamp> {
        self.time.map(|time| started + time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_ends_at_the_first_limit_it_meets() {
        let start = Timestamp::UNIX_EPOCH;
        let budget = Budget { pages: Some(20), time: Some(Duration::from_secs(50)), calls: Some(46) };
        let check = |pages, calls, seconds, expected| {
            let used = Used { pages, calls, reserved: 4 };
            assert_eq!(budget.ends(used, start, start + Duration::from_secs(seconds)), expected);
        };
        check(0, 0, 0, None);
        check(19, 41, 49, None);
        check(20, 20, 0, Some(Ended::Pages));
        check(1, 1, 50, Some(Ended::Time));
        check(1, 42, 0, Some(Ended::Calls));
        let unlimited = Budget { pages: None, time: None, calls: None };
        assert_eq!(unlimited.ends(Used { pages: 9_999, calls: 9_999, reserved: 0 }, start, start), None);
    }

    #[test]
    fn the_rest_of_the_rate_limit_is_left_to_others() {
        let check = |remaining, share, under_way, expected| {
            let rate = Rate { remaining, reset: Duration::from_secs(30), quota: 1_200 };
            assert_eq!(hold_back(rate, share, under_way, Some(0)), expected, "{remaining} {share} {under_way}");
        };
        check(1_200, 0.8, 0, Spacing::Free);
        check(241, 0.8, 0, Spacing::Free);
        check(240, 0.8, 0, Spacing::Window);
        check(245, 0.8, 5, Spacing::Window);
        // Of all that is allowed a few are left: another job may have calls under way.
        check(7, 1.0, 0, Spacing::Free);
        check(6, 1.0, 0, Spacing::Window);
    }

    #[test]
    fn many_calls_are_spread_over_the_window_and_few_are_not() {
        let rate = Rate { remaining: 339, reset: Duration::from_secs(50), quota: 1_200 };
        let check = |left, expected| assert_eq!(hold_back(rate, 0.8, 0, left), expected, "{left:?}");
        check(Some(49), Spacing::Free);
        check(Some(50), Spacing::Apart(Duration::from_millis(500)));
        check(None, Spacing::Apart(Duration::from_millis(500)));
    }
}
