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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ended {
    /// Forward: everything up to `now - SETTLE_SECONDS` is read. Backfill: the end of its stretch is reached.
    #[default]
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

impl Budget {
    /// Why no further page may be asked for, or `None` where one may. The pass has read so many pages of this gateway,
    /// and needs so many calls to the outside with those that write what it has read.
    #[must_use]
    pub fn ends(&self, pages: u32, calls: u32, started: Timestamp, now: Timestamp) -> Option<Ended> {
        if self.pages.is_some_and(|most| pages >= most) {
            Some(Ended::Pages)
        } else if self.deadline(started).is_some_and(|deadline| now >= deadline) {
            Some(Ended::Time)
        } else if self.calls.is_some_and(|most| calls >= most) {
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
        let check = |pages, calls: u32, seconds, expected| {
            assert_eq!(budget.ends(pages, calls + 4, start, start + Duration::from_secs(seconds)), expected);
        };
        check(0, 0, 0, None);
        check(19, 41, 49, None);
        check(20, 20, 0, Some(Ended::Pages));
        check(1, 1, 50, Some(Ended::Time));
        check(1, 42, 0, Some(Ended::Calls));
        let unlimited = Budget { pages: None, time: None, calls: None };
        assert_eq!(unlimited.ends(9_999, 9_999, start, start), None);
    }
}
