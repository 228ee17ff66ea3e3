//! The book of the backfill. It counts the history in whole days, many at once as long as the counts agree. Each day is
//! counted once, when no entry may appear in it any more. Its audit is part of the backfill pass.
//!
//! A day is due when its end is 24 hours and ten minutes old. One count covers all due days since the last count. If it
//! does not agree, it is halved until the wrong days are known; those days are compared id by id. The last days before
//! the first run are counted last, each alone: a deletion on another day must not make up for an entry that appeared
//! late. So even a very late entry of these days is delivered. Cursors alone cannot do this: the backfill has passed
//! the entry, and forward never reaches it. The ledger keeps the days with entries under one key a year, so a backfill
//! of quiet years writes few keys.

use chrono::NaiveDate;

use super::{Book, Findings, Step, audit};
use crate::{
    error::Error,
    pass::{Context, GatewayReport, Platform},
    plan::slots::{Slot, Stretch},
    state::{Backfill, Comparison, DAY, History, Spend, midnight_of},
    time::{MILLISECOND, Timestamp},
};

/// Audits the history of one gateway.
pub async fn audit_past<P: Platform>(
    context: &Context<'_, P>,
    backfill: &mut Backfill,
    report: &mut GatewayReport,
) -> Result<(), Error> {
    let before = backfill.clone();
    audit(context, &mut Past { backfill, before, borders: Vec::new(), found: Vec::new() }, report).await
}

/// The history of one gateway.
struct Past<'a> {
    backfill: &'a mut Backfill,
    before: Backfill,
    /// Midnights that halve stretches whose counts did not agree. The last one is the latest: the next count begins
    /// there.
    borders: Vec<Timestamp>,
    /// The results for the days with entries.
    found: Vec<(NaiveDate, Slot)>,
}

impl Book for Past<'_> {
    /// The due stretch, or its upper part if a count of a longer stretch did not agree.
    fn due(&mut self, now: Timestamp) -> Option<Step> {
        if let Some(comparison) = self.backfill.comparison.take() {
            return Some(Step::Compare(comparison));
        }
        let due = self.backfill.due(now)?;
        self.borders.retain(|border| (due.from..due.until).contains(border));
        let from = self.borders.last().copied().unwrap_or(due.from);
        Some(Step::Count(self.backfill.stretch(from, due.until)))
    }

    fn count(&mut self, stretch: &Stretch, source: Option<u64>, at: Timestamp) {
        // If every entry was deleted, there is nothing to compare.
        if source == Some(stretch.expected) || source == Some(0) {
            for (day, delivered) in self.backfill.advance(stretch) {
                let source = if source == Some(0) { 0 } else { delivered };
                self.found.push((day, Slot::counted(delivered, source)));
            }
        } else if let Some(border) = halfway(stretch) {
            self.borders.push(border);
        } else {
            self.put_off(Comparison::new(stretch, source, at));
        }
    }

    fn put_off(&mut self, comparison: Comparison) {
        self.backfill.comparison = Some(comparison);
    }

    fn follow(&mut self, _comparison: &Comparison) {}

    fn settle(&mut self, comparison: &Comparison, is_honest: bool) {
        let stretch = self.backfill.stretch(comparison.from, comparison.until);
        let mut slot = Slot { delivered: stretch.expected, ..Slot::default() };
        slot.compared(comparison.seen.values().sum(), is_honest);
        self.backfill.advance(&stretch);
        self.found.push((stretch.from.date_naive(), slot));
    }

    fn settle_long_calls(&mut self, comparison: Comparison, _missing: u64) -> Stretch {
        self.backfill.stretch(comparison.from, comparison.until)
    }

    fn findings(&self, gateway: &str, _now: Timestamp) -> Vec<Findings> {
        let mut pages: Vec<(String, Vec<_>)> = Vec::new();
        for (day, slot) in &self.found {
            let key = History::key(gateway, *day);
            match pages.iter_mut().find(|(known, _)| *known == key) {
                Some((_, days)) => days.push((*day, *slot)),
                None => pages.push((key, vec![(*day, *slot)])),
            }
        }
        pages.into_iter().map(|(key, days)| Findings::Days(key, days)).collect()
    }

    fn spend(&mut self) -> &mut Spend {
        &mut self.backfill.spend
    }

    fn restore(&mut self) {
        self.backfill.clone_from(&self.before);
    }
}

/// The midnight that halves a stretch of several days.
fn halfway(stretch: &Stretch) -> Option<Timestamp> {
    let days = (stretch.until - MILLISECOND).date_naive() - stretch.from.date_naive();
    let (halves, day) = (i32::try_from((days.num_days() + 1) / 2).ok()?, stretch.from.date_naive());
    (halves > 0).then(|| midnight_of(day) + DAY * halves)
}
