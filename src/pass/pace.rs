//! Decides whether a pass may make one more call to the source, and waits for it.

use std::time::Duration;

use super::{Context, Platform};
use crate::{
    host::{Host, has_time_for},
    plan::{budget::Ended, pace::Pace},
    time::Timestamp,
};

/// Calls reserved to write entries that are already read: a sign-in, an insert, and another try of each.
const CALLS_FOR_WRITING: u32 = 4;

/// A longer wait is told, because somebody may wonder why nothing happens.
const SHORT: Duration = Duration::from_secs(10);

impl<P: Platform> Context<'_, P> {
    /// When the next call to the source may be made. `pages` of this gateway are read or under way, `under_way` calls
    /// are under way, and the rest of the stretch takes `left` calls, these included, if that is known. A pass makes as
    /// many of them as its budget allows.
    ///
    /// # Errors
    /// The reason why no further call may be made.
    pub(super) fn next_call(
        &self,
        pace: &mut Pace,
        pages: u32,
        under_way: usize,
        left: Option<u64>,
    ) -> Result<Timestamp, Ended> {
        let (meter, now) = (self.host.meter, self.host.now());
        #[expect(clippy::cast_possible_truncation, reason = "a handful")]
        let calls = meter.calls() + under_way as u32 + CALLS_FOR_WRITING;
        if let Some(ended) = meter.budget.ends(pages, calls, meter.started, now) {
            return Err(ended);
        }
        if self.host.stopping() {
            return Err(Ended::Stopped);
        }
        let allowed = meter.budget.pages.map(|most| u64::from(most - pages) + under_way as u64);
        let left = left.into_iter().chain(allowed).min();
        let next = pace.next(now, self.config.api_share, under_way, left);
        let wait = (next - now).to_std().unwrap_or_default();
        if !wait.is_zero() && !has_time_for(&self.host, wait) {
            return Err(Ended::Rate);
        }
        if wait > SHORT && meter.note_wait(now, next) {
            log::info!("waiting {} s for the API's limit of calls", wait.as_secs());
        }
        pace.call(next);
        Ok(next)
    }

    /// Waits until a single call may be made. Returns whether it may be made at all.
    pub(super) async fn wait(&self, pace: &mut Pace) -> bool {
        match self.next_call(pace, 0, 0, Some(1)) {
            Ok(next) => self.wait_until(next).await,
            Err(_) => false,
        }
    }

    /// Waits until an instant. Returns whether the program may go on then.
    pub(super) async fn wait_until(&self, instant: Timestamp) -> bool {
        let wait = (instant - self.host.now()).to_std().unwrap_or_default();
        if !wait.is_zero() {
            self.host.sleep(wait).await;
        }
        wait.is_zero() || !self.host.stopping()
    }
}
