//! Deletes what is too old while the server runs.

use std::{sync::Arc, time::Duration};

use super::local::Local;

/// From one pass to the next.
const TICK: Duration = Duration::from_hours(1);

/// Keeps the file young until it is dropped: at once, and each hour.
pub async fn young(local: Arc<Local>) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        match local.retain().await {
            Ok(gone) if gone.rows > 0 => {
                log::info!(rows = gone.rows, hours = gone.hours; "deleted events older than EVENT_RETENTION_DAYS");
            }
            Ok(_) => {}
            Err(error) => log::error!("deleting events older than EVENT_RETENTION_DAYS: {error}"),
        }
    }
}
