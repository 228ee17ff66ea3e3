//! Counts closed hours and days while the server runs.

use std::{sync::Arc, time::Duration};

use tokio::time::MissedTickBehavior;

use super::local::Local;
use crate::{host::native::now, rollup};

/// From one pass to the next.
const PAUSE: Duration = Duration::from_mins(1);

/// The most spans of one pass. After that many it looks anew at what is due, so that a long first count does not keep the
/// present waiting.
const MOST_SPANS: usize = 100;

/// Counts what is due, until it is dropped.
pub async fn keep(local: Arc<Local>, org_metadata: String) {
    let mut ticks = tokio::time::interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        loop {
            match rollup::pass(local.database(), &org_metadata, now(), MOST_SPANS).await {
                Ok(counted) if counted.spans == MOST_SPANS => {}
                Ok(_) => break,
                Err(error) => {
                    log::warn!("counting closed hours: {error}");
                    break;
                }
            }
        }
    }
}
