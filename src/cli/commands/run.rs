//! Both schedules until somebody stops the program.

use std::time::Duration;

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

/// Runs both jobs by their schedules. A pass that fails is told, and the next tick is the retry.
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
        while !host.stopping() {
            self.pass(Work::Backfill).await?;
            // A schedule without a next tick, such as the 30th of February, never comes.
            let Ok(next) = schedule.find_next_occurrence(&host.now(), false) else { break };
            sleep_until(host, next).await;
        }
        Ok(())
    }
}

async fn sleep_until(host: &impl Host, instant: Timestamp) {
    while let Ok(left) = (instant - host.now()).to_std()
        && !left.is_zero()
        && !host.stopping()
    {
        host.sleep(left.min(NAP)).await;
    }
}
