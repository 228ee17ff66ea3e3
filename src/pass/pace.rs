//! Whether a pass may make one more call to the source, and how long it holds back before it.

use super::Context;
use crate::{
    host::{Host, Store, has_time_for},
    plan::budget::{self, Ended, Rate, Used},
    sink::Sink,
};

/// Calls kept back for writing what is already read: sign-in, insert, and another try of each.
const CALLS_FOR_WRITING: u32 = 4;

/// What the source last said of its rate limit.
#[derive(Debug, Default)]
pub struct Pace(Option<Rate>);

impl Pace {
    /// Notes what an answer says.
    pub fn note(&mut self, rate: Option<Rate>) {
        self.0 = rate;
    }

    /// Waits for the API's rate limit where that is worth it. Why no further call may be made, if so; `pages` is how many
    /// were read of this gateway.
    pub async fn end_or_hold_back<H: Host, S: Store, K: Sink>(
        &mut self,
        context: &Context<'_, H, S, K>,
        pages: u32,
    ) -> Option<Ended> {
        let Context { host, config, .. } = context;
        let meter = host.meter;
        let used = Used { pages, calls: meter.calls(), reserved: CALLS_FOR_WRITING };
        let spent = meter.budget.ends(used, meter.started, host.now());
        if spent.is_some() || host.stopping() {
            return spent.or(Some(Ended::Stopped));
        }
        let wait =
            self.0.take().map(|rate| budget::hold_back(rate, config.api_share)).filter(|wait| !wait.is_zero())?;
        if !has_time_for(host, wait) {
            return Some(Ended::Rate);
        }
        host.sleep(wait).await;
        host.stopping().then_some(Ended::Stopped)
    }
}
