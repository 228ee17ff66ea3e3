//! Counts closed hours, and deletes what is too old, while the server runs.

use std::{sync::Arc, time::Duration};

use tokio::time::MissedTickBehavior;

use super::local::Local;

/// From one count to the next, as of the Worker's cron.
const TICK: Duration = Duration::from_mins(10);

/// The ticks from one deletion to the next. Only what is counted is deleted.
const TICKS: u32 = 6;

/// Keeps the file counted and young until it is dropped: at once, and then every ten minutes and each hour.
pub async fn keep(local: Arc<Local>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in (0..TICKS).cycle() {
        ticks.tick().await;
        if let Err(error) = local.count().await {
            log::error!("counting closed hours: {error}");
        }
        if tick > 0 {
            continue;
        }
        match local.retain().await {
            Ok(gone) if gone.rows > 0 => {
                log::info!(rows = gone.rows, hours = gone.hours; "deleted events older than EVENT_RETENTION_DAYS");
            }
            Ok(_) => {}
            Err(error) => log::error!("deleting events older than EVENT_RETENTION_DAYS: {error}"),
        }
    }
}
