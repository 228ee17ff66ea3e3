//! The history, counted: whole days, many at once as long as the counts agree. Once for each day, when nothing can appear in
//! it any more. It goes with the backfill.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{
    Context, GatewayReport, Platform,
    compare::{Compared, Mode, compare, count, is_honest},
    pace::Pace,
    verify::MOST_COUNTS,
};
use crate::{
    error::Error,
    host::Host,
    plan::slots::{Slot, Stretch},
    state::{Backfill, Comparison, DAY, History, midnight_of},
    time::{MILLISECOND, Timestamp},
};

/// Counts the days of one gateway that are due, and mends those that are short.
pub async fn verify<P: Platform>(
    context: &Context<'_, P>,
    backfill: &mut Backfill,
    report: &mut GatewayReport,
) -> Result<(), Error> {
    let before = backfill.clone();
    let mut verification =
        Verification { context, backfill, report, pace: Pace::default(), borders: Vec::new(), found: Vec::new() };
    let result = verification.run().await;
    let recorded = verification.record().await;
    if recorded.is_err() {
        // What the ledger does not say is counted once more.
        *verification.backfill = before;
    }
    // That no further call is allowed is no failure.
    recorded.and(result.or_else(|error| if context.is_out_of_calls(&error) { Ok(()) } else { Err(error) }))
}

struct Verification<'a, 'c, P: Platform> {
    context: &'a Context<'c, P>,
    backfill: &'a mut Backfill,
    report: &'a mut GatewayReport,
    pace: Pace,
    /// Midnights down to which counts did not agree, the last one last: from the later of them on, they may.
    borders: Vec<Timestamp>,
    /// What is known of the days with entries.
    found: Vec<(NaiveDate, Slot)>,
}

impl<P: Platform> Verification<'_, '_, P> {
    async fn run(&mut self) -> Result<(), Error> {
        loop {
            let due = self.backfill.due(self.context.host.now());
            let nothing_to_do = self.backfill.comparison.is_none() && due.is_none();
            let enough = nothing_to_do || self.report.counts >= MOST_COUNTS;
            if enough || self.pace.wait(self.context).await.is_some() {
                return Ok(());
            }
            if let Some(comparison) = self.backfill.comparison.take() {
                if !self.compare(comparison).await? {
                    return Ok(());
                }
            } else if let Some(due) = due {
                self.count(&due).await?;
            }
        }
    }

    /// Counts what is due, or the upper part of it that is left after counts of more did not agree.
    async fn count(&mut self, due: &Stretch) -> Result<(), Error> {
        self.borders.retain(|border| (due.from..due.until).contains(border));
        let from = self.borders.last().copied().unwrap_or(due.from);
        let stretch = self.backfill.stretch(from, due.until);
        let now = self.context.host.now();
        let source = count(self.context, &stretch, self.report, &mut self.pace).await?;
        // Where all was deleted there is nothing to compare.
        if source == Some(stretch.expected) || source == Some(0) {
            for (day, delivered) in self.backfill.advance(&stretch) {
                let source = if source == Some(0) { 0 } else { delivered };
                self.found.push((day, Slot::counted(delivered, source)));
            }
        } else if let Some(border) = halfway(&stretch) {
            self.borders.push(border);
        } else {
            self.backfill.comparison = Some(Comparison::new(&stretch, source, now));
        }
        Ok(())
    }

    /// Reads a day again, as far as that is allowed. Whether it came to the end of it.
    async fn compare(&mut self, mut comparison: Comparison) -> Result<bool, Error> {
        let Self { context, backfill, report, .. } = self;
        let compared = compare(context, &mut comparison, (Mode::Mend, &BTreeSet::new()), report).await;
        let stretch = backfill.stretch(comparison.from, comparison.until);
        backfill.comparison = Some(comparison.clone());
        let Compared::Finished(found) = compared? else { return Ok(false) };
        let honest = !found.doubtful && is_honest(context, &comparison, report, &mut self.pace).await?;
        backfill.comparison = None;
        let mut slot = Slot { delivered: stretch.expected, ..Slot::default() };
        slot.compared(comparison.seen.values().sum(), honest);
        backfill.advance(&stretch);
        self.found.push((stretch.from.date_naive(), slot));
        Ok(true)
    }

    async fn record(&self) -> Result<(), Error> {
        let Self { context, report, found, .. } = self;
        let now = context.host.now();
        let keys: BTreeSet<_> = found.iter().map(|(day, _)| History::key(&report.gateway, *day)).collect();
        for key in keys {
            let days = found.iter().filter(|(day, _)| History::key(&report.gateway, *day) == key);
            let note = |history: &mut History| days.for_each(|(day, slot)| history.note(*day, slot, now));
            context.amend(&key, note).await?;
        }
        Ok(())
    }
}

/// The midnight that halves a stretch of several days.
fn halfway(stretch: &Stretch) -> Option<Timestamp> {
    let days = (stretch.until - MILLISECOND).date_naive() - stretch.from.date_naive();
    let (halves, day) = (i32::try_from((days.num_days() + 1) / 2).ok()?, stretch.from.date_naive());
    (halves > 0).then(|| midnight_of(day) + DAY * halves)
}
