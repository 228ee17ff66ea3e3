//! The verification: counts each stretch at the source when it is ten minutes, an hour and a day old, reads again where the
//! count is another than what was delivered, and keeps the ledger. It goes with the forward pass, after it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Context, GatewayReport, Platform,
    compare::{Compared, Mode, compare, count, is_honest},
    pace::Pace,
};
use crate::{
    error::Error,
    host::Host,
    plan::slots::{self, AGES, Stretch},
    state::{Comparison, Ledger, Position},
    time::Timestamp,
};

/// Counts of one pass for each gateway. More are due only after hours without a pass, and then a few passes catch up.
pub const MOST_COUNTS: u32 = 12;

/// Counts what is due of one gateway, of which everything before `until` is delivered, and mends what is short.
pub async fn verify<P: Platform>(
    context: &Context<'_, P>,
    until: Timestamp,
    position: &mut Position,
    report: &mut GatewayReport,
) -> Result<(), Error> {
    let before = position.clone();
    let mut verification =
        Verification { context, until, position, report, pace: Pace::default(), changed: Vec::new() };
    let result = verification.run().await;
    // At each age anew: what a stale read of the ledger has undone comes back.
    for (before, after) in before.counted.into_iter().zip(verification.position.counted) {
        let hours = before.into_iter().zip(after).flat_map(|(before, after)| slots::hours(before, after));
        verification.changed.extend(hours);
    }
    let recorded = verification.record().await;
    if recorded.is_err() {
        // What the ledger does not say is counted once more.
        *verification.position = before;
    }
    // That no further call is allowed is no failure.
    recorded.and(result.or_else(|error| if context.is_out_of_calls(&error) { Ok(()) } else { Err(error) }))
}

struct Verification<'a, 'c, P: Platform> {
    context: &'a Context<'c, P>,
    /// Everything before it is delivered.
    until: Timestamp,
    position: &'a mut Position,
    report: &'a mut GatewayReport,
    pace: Pace,
    /// Hours of which something new is known.
    changed: Vec<Timestamp>,
}

impl<P: Platform> Verification<'_, '_, P> {
    async fn run(&mut self) -> Result<(), Error> {
        loop {
            let now = self.context.host.now();
            let due = self.position.due(self.until, now);
            let nothing_to_do = self.position.comparison.is_none() && due.is_none();
            if nothing_to_do || self.report.counts >= MOST_COUNTS || self.may_not_go_on().await {
                return Ok(());
            }
            if let Some(comparison) = self.position.comparison.take() {
                if !self.compare(comparison).await? {
                    return Ok(());
                }
            } else if let Some(stretch) = due {
                let last = stretch.until + AGES[2] <= now;
                if self.position.late && !last && self.is_worth_reading_long_calls(stretch.expected) {
                    self.position.comparison = Some(Comparison::of_long_calls(&stretch, None, now));
                } else {
                    self.count(&stretch, None).await?;
                }
            }
        }
    }

    async fn may_not_go_on(&mut self) -> bool {
        self.pace.wait(self.context).await.is_some()
    }

    /// Whether it may save pages to look for late entries among the long calls alone: a call is logged when it ends.
    fn is_worth_reading_long_calls(&self, entries: u64) -> bool {
        entries > self.context.config.source.per_page.into()
    }

    /// Counts a stretch, whose `long_calls` were read by now if any are given, by slot. If that is not what was delivered of
    /// it, a comparison begins.
    async fn count(&mut self, stretch: &Stretch, long_calls: Option<&BTreeMap<Timestamp, u64>>) -> Result<(), Error> {
        let now = self.context.host.now();
        let source = count(self.context, stretch, self.report, &mut self.pace).await?;
        if let Some(seen) = long_calls
            && source.is_some()
            && source == self.position.slots.expected_with(stretch, seen)
        {
            self.position.slots.deliver_long_calls(stretch, seen);
        }
        let expected = self.position.slots.expected(stretch.from, stretch.until);
        if source == Some(expected) {
            if self.position.slots.confirm(stretch) {
                self.changed.push(slots::floor_hour(stretch.from));
            }
            self.position.advance(stretch, now);
            return Ok(());
        }
        self.position.slots.doubt(stretch);
        let short = source.filter(|source| *source > expected && long_calls.is_none());
        let comparison = match short {
            Some(entries) if self.is_worth_reading_long_calls(entries) => {
                Comparison::of_long_calls(stretch, source, now)
            }
            Some(_) | None => Comparison::new(stretch, source, now),
        };
        self.position.comparison = Some(comparison);
        Ok(())
    }

    /// Reads a stretch again, as far as that is allowed. Whether it came to the end of it.
    async fn compare(&mut self, mut comparison: Comparison) -> Result<bool, Error> {
        let Self { context, position, report, .. } = self;
        self.changed.push(slots::floor_hour(comparison.from));
        let compared = compare(context, &mut comparison, (Mode::Mend, &BTreeSet::new()), report).await;
        position.pass(&comparison);
        if comparison.long_calls {
            return self.conclude_long_calls(comparison, compared).await;
        }
        position.comparison = Some(comparison.clone());
        let Compared::Finished(found) = compared? else { return Ok(false) };
        let honest = !found.doubtful && is_honest(context, &comparison, report, &mut self.pace).await?;
        position.comparison = None;
        position.slots.compared(&comparison.stretch(), &comparison.seen, honest);
        position.advance(&comparison.stretch(), comparison.begun);
        Ok(true)
    }

    async fn conclude_long_calls(
        &mut self,
        comparison: Comparison,
        compared: Result<Compared, Error>,
    ) -> Result<bool, Error> {
        let stretch = comparison.stretch();
        let found = match compared {
            Ok(Compared::Unfinished) => {
                self.position.comparison = Some(comparison);
                return Ok(false);
            }
            Ok(Compared::Finished(found)) => found.missing,
            // Perhaps it is the condition that the source refuses.
            Err(Error::Source { error, .. }) if !error.is_transient() => 0,
            Err(error) => {
                self.position.comparison = Some(comparison);
                return Err(error);
            }
        };
        self.position.late = found > 0;
        self.count(&stretch, Some(&comparison.seen)).await?;
        Ok(true)
    }

    /// Keeps the ledger of the days in which hours have changed. All hours that are known are noted, so that one which a
    /// stale read of the ledger lacks comes back.
    async fn record(&self) -> Result<(), Error> {
        let Self { context, position, report, changed, .. } = self;
        let now = context.host.now();
        let mut dates = Vec::new();
        for date in changed.iter().filter(|hour| position.is_over(**hour)).map(Timestamp::date_naive) {
            if !dates.contains(&date) {
                dates.push(date);
            }
        }
        for date in dates {
            let hours = position.hours(changed, date, now);
            let note = |ledger: &mut Ledger| hours.iter().for_each(|(hour, sum)| ledger.note(*hour, sum, now));
            context.amend(&Ledger::key(&report.gateway, date), note).await?;
        }
        Ok(())
    }
}
