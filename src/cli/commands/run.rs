//! Both schedules until somebody stops the program.

use std::{ops::RangeInclusive, time::Duration};

use croner::Cron;

use crate::{
    cli::{
        failure::{Exit, Failure},
        files::passes::Keeper,
        health::poller::PollerWatch,
        jobs::{Teller, Work},
    },
    host::Host,
    pass::Report,
    time::Timestamp,
};

/// The longest sleep. A machine that was suspended in between notices within this time that a tick is due.
const NAP: Duration = Duration::from_mins(1);

/// Pauses after a backfill that failed: the first, and the longest. Each is twice as long as the one before it.
const PAUSES: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(1);

/// Runs both jobs by their schedules. A pass that fails is told, and made again: forward by its next tick, the backfill
/// after a pause.
pub async fn run(
    keeper: &Keeper<'_>,
    teller: &Teller<'_>,
    watched: Option<&PollerWatch>,
    every: Duration,
    schedule: &Cron,
) -> Result<Exit, Failure> {
    let run = Run { keeper, teller, watched };
    let mut next = keeper.poller.host.now();
    // The backfill begins where forward began: it has nothing to go by before forward has come to some gateway.
    while tick(keeper.poller.host, &mut next, every).await && !run.forward().await? {}
    tokio::try_join!(
        async {
            while tick(keeper.poller.host, &mut next, every).await {
                run.forward().await?;
            }
            Ok(())
        },
        run.backfills(schedule),
    )?;
    Ok(Exit::Done)
}

/// Waits for the next tick, and sets the one after it. Whether to go on.
async fn tick(host: &impl Host, next: &mut Timestamp, every: Duration) -> bool {
    sleep_until(host, *next).await;
    *next = host.now() + every;
    !host.stopping()
}

/// Who makes passes, and who is told of them.
struct Run<'a> {
    keeper: &'a Keeper<'a>,
    teller: &'a Teller<'a>,
    watched: Option<&'a PollerWatch>,
}

impl Run<'_> {
    /// One pass. If nobody reads its rows any more, `run` ends.
    async fn pass(&self, work: Work) -> Result<Report, Failure> {
        let report = self.keeper.scheduled(work).await?;
        if let Some(watched) = self.watched {
            watched.note(&report);
        }
        self.teller.tell(&report)?;
        if self.teller.is_unread() { Err(Failure::Unread) } else { Ok(report) }
    }

    /// One forward pass. Returns whether it has read a gateway without an error.
    async fn forward(&self) -> Result<bool, Failure> {
        let report = self.pass(Work::Forward).await?;
        Ok(report.gateways.iter().any(|gateway| gateway.error.is_none()))
    }

    async fn backfills(&self, schedule: &Cron) -> Result<(), Failure> {
        let host = self.keeper.poller.host;
        let mut failures = 0;
        while !host.stopping() {
            let failed = self.pass(Work::Backfill).await?.worst().is_some();
            failures = if failed { failures + 1 } else { 0 };
            // A schedule without a next tick, such as the 30th of February, never comes.
            let now = host.now();
            let tick = schedule.find_next_occurrence(&now, false).ok();
            let retry = failed.then(|| now + pause(failures));
            let Some(next) = [tick, retry].into_iter().flatten().min() else { break };
            if failed && !host.stopping() {
                let seconds = (next - now).num_seconds();
                let wait = if seconds < 60 { format!("{seconds} s") } else { format!("{} min", seconds / 60) };
                self.teller.screen.say(&format!("aig-logs: the backfill is tried again in {wait}"));
            }
            sleep_until(host, next).await;
        }
        Ok(())
    }
}

/// The pause after so many failures in a row.
fn pause(failures: u32) -> Duration {
    PAUSES.start().saturating_mul(1 << failures.saturating_sub(1).min(10)).min(*PAUSES.end())
}

async fn sleep_until(host: &impl Host, instant: Timestamp) {
    while let Ok(left) = (instant - host.now()).to_std()
        && !left.is_zero()
        && !host.stopping()
    {
        host.sleep(left.min(NAP)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_a_minute_to_an_hour() {
        let minutes = [1, 2, 3, 6, 7, 99].map(|failures| pause(failures).as_secs() / 60);
        assert_eq!(minutes, [1, 2, 4, 32, 60, 60]);
    }
}
