//! Decides whether a pass may make one more call to the source, and when.
//!
//! The pace depends only on the `Ratelimit` headers. Each answer tells how many calls are left, so two jobs or two
//! programs share the limit without knowing of each other. A pass that needs less than half of the calls left goes at
//! full speed, so a tick is never slowed down. A pass that needs more spreads its calls evenly over the rest of the
//! window. Calls under way, and one call in two hundred, count as used.

use super::{Context, Platform};
use crate::{
    host::{Host, has_time_for},
    plan::budget::{self, Ended, Rate, Spacing, Used},
    time::Timestamp,
};

/// Calls reserved to write entries that are already read: a sign-in, an insert, and another try of each.
const CALLS_FOR_WRITING: u32 = 4;

/// Calls to the source that a pass has made or will make.
#[derive(Debug, Clone, Copy, Default)]
pub struct Calls {
    /// Pages of this gateway, including pages under way.
    pub pages: u32,
    /// Calls under way.
    pub under_way: usize,
    /// Calls that the rest of the stretch takes, including calls under way; none: not known. A pass makes as many of
    /// them as its budget allows.
    pub left: Option<u64>,
}

impl Calls {
    /// A single call.
    pub const ONE: Self = Self { pages: 0, under_way: 0, left: Some(1) };
}

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

    /// When the next call may be made.
    ///
    /// # Errors
    /// The reason why no further call may be made.
    pub fn next<P: Platform>(&mut self, context: &Context<'_, P>, calls: Calls) -> Result<Timestamp, Ended> {
        let Context { host, config, .. } = context;
        let (meter, now) = (host.meter, host.now());
        #[expect(clippy::cast_possible_truncation, reason = "a handful")]
        let made = meter.calls() + calls.under_way as u32;
        let used = Used { pages: calls.pages, calls: made, reserved: CALLS_FOR_WRITING };
        if let Some(ended) = meter.budget.ends(used, meter.started, now) {
            return Err(ended);
        }
        if host.stopping() {
            return Err(Ended::Stopped);
        }
        let allowed = meter.budget.pages.map(|pages| u64::from(pages - calls.pages) + calls.under_way as u64);
        let left = calls.left.into_iter().chain(allowed).min();
        let next = self.held_back(now, config.api_share, Calls { left, ..calls }).max(now);
        let wait = (next - now).to_std().unwrap_or_default();
        if !wait.is_zero() && !has_time_for(host, wait) {
            return Err(Ended::Rate);
        }
        self.last = Some(next);
        Ok(next)
    }

    fn held_back(&self, now: Timestamp, share: f64, calls: Calls) -> Timestamp {
        let Some((rate, noted)) = self.rate else { return now };
        let anew = noted + rate.reset;
        // The part of the window that is left after the calls already planned.
        let last = self.last.map_or(now, |last| last.max(now));
        let Ok(reset) = (anew - last).to_std() else { return last };
        match budget::hold_back(Rate { reset, ..rate }, share, calls.under_way, calls.left) {
            Spacing::Free => now,
            Spacing::Apart(gap) => self.last.map_or(now, |last| last + gap),
            Spacing::Window => anew,
        }
    }

    /// Waits for the next call. Returns the reason if no call may be made.
    pub async fn wait<P: Platform>(&mut self, context: &Context<'_, P>) -> Option<Ended> {
        match self.next(context, Calls::ONE) {
            Ok(next) => (!until(&context.host, next).await).then_some(Ended::Stopped),
            Err(ended) => Some(ended),
        }
    }
}

/// Waits until an instant. Returns whether the program may go on then.
pub async fn until<H: Host>(host: &H, instant: Timestamp) -> bool {
    let wait = (instant - host.now()).to_std().unwrap_or_default();
    if !wait.is_zero() {
        host.sleep(wait).await;
    }
    wait.is_zero() || !host.stopping()
}
