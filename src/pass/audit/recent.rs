//! The book of forward. Each slot is counted at the source when it is ten minutes, an hour and a day old. Its audit is
//! part of the forward pass, after the new rows of every gateway.
//!
//! The audit begins at `counted_from`, the first whole slot of this program. The position keeps three instants
//! (`counted`, one for each age) up to which everything is counted, because stretches become due in order. The ages are
//! ten minutes past whole hours, so a quiet gateway has all its counts, and its only save, in one pass an hour. The
//! ledger keeps each counted hour. A pass that counts an hour, at any age, writes all hours of that day that it knows,
//! so an hour that a stale read lacked is restored.
//!
//! A count that is another than expected starts a comparison: the stretch is read again, ids in overlapping segments
//! are skipped, and the other entries are written. If a budget or a failure stops a comparison, the next pass goes on
//! from the last page whose rows are all written; the state keeps it. Its entries count as delivered only at its end,
//! by the number seen: a row that is written twice must not make up for a missing entry. Numbers of ours that were lost
//! (in a crash after the ids were saved) look short, and are corrected in this way. A source without honest counts is
//! compared at every age, and its hours are `unprovable`.
//!
//! Late entries are mostly long calls: a call is logged when it ends. So if a stretch of more than one page is short,
//! first only its entries with `duration gt 15000` are read, and the stretch is counted again. The whole stretch is
//! read only if it is still short. This takes a call or two instead of the whole stretch twice. Slots keep their number
//! of long calls, as long as every entry has a duration. So the expected number is a sum of entries seen, not written:
//! ids just written may not show yet, and their rows are then written twice. Nothing depends on this: the count
//! decides. A source that does not know the condition, or has other late entries, costs calls, but no rows. If it
//! helped, the next stretches are read in this way before they are counted, which saves a count each.

use std::collections::BTreeMap;

use super::{Book, Findings, Step, audit};
use crate::{
    error::Error,
    pass::{Context, GatewayReport, Platform},
    plan::slots::{self, AGES, Stretch},
    state::{Comparison, Ledger, Position, Spend},
    time::Timestamp,
};

/// Audits the slots of one gateway, of which everything before `until` is delivered.
pub async fn audit_recent<P: Platform>(
    context: &Context<'_, P>,
    position: &mut Position,
    until: Timestamp,
    report: &mut GatewayReport,
) -> Result<(), Error> {
    let (before, per_page) = (position.clone(), context.source.per_page().into());
    let mut book = Recent { position, before, until, per_page, changed: Vec::new(), long_calls: None };
    audit(context, &mut book, report).await
}

/// The slots of one gateway.
struct Recent<'a> {
    position: &'a mut Position,
    before: Position,
    /// Everything before this instant is delivered.
    until: Timestamp,
    /// The number of entries on a page.
    per_page: u64,
    /// Hours with new results.
    changed: Vec<Timestamp>,
    /// The number of long calls seen, by slot, of the stretch that is counted next.
    long_calls: Option<BTreeMap<Timestamp, u64>>,
}

impl Recent<'_> {
    /// Whether reading the long calls alone may save pages. Late entries are mostly long calls, because a call is
    /// logged when it ends.
    fn is_worth_reading_long_calls(&self, entries: u64) -> bool {
        entries > self.per_page
    }

    /// Hours with new results, including hours that were counted at a further age, so that an hour that a stale read of
    /// the ledger lacked is restored.
    fn changed(&self) -> Vec<Timestamp> {
        let ages = self.before.counted.into_iter().zip(self.position.counted);
        let ages = ages.flat_map(|(before, after)| before.into_iter().zip(after));
        let counted = ages.flat_map(|(before, after)| slots::hours(before, after));
        self.changed.iter().copied().chain(counted).collect()
    }
}

impl Book for Recent<'_> {
    fn due(&mut self, now: Timestamp) -> Option<Step> {
        if let Some(comparison) = self.position.comparison.take() {
            return Some(Step::Compare(comparison));
        }
        let stretch = self.position.due(self.until, now)?;
        let is_last = stretch.until + AGES[2] <= now;
        if self.position.long_calls_first && !is_last && self.is_worth_reading_long_calls(stretch.expected) {
            return Some(Step::Compare(Comparison::of_long_calls(&stretch, None, now)));
        }
        Some(Step::Count(stretch))
    }

    fn count(&mut self, stretch: &Stretch, source: Option<u64>, at: Timestamp) {
        let slots = &mut self.position.slots;
        let long_calls = self.long_calls.take();
        if let Some(seen) = &long_calls
            && source.is_some()
            && source == slots.expected_with(stretch, seen)
        {
            slots.deliver_long_calls(stretch, seen);
        }
        let expected = slots.expected(stretch.from, stretch.until);
        if source == Some(expected) {
            if slots.confirm(stretch) {
                self.changed.push(slots::floor_hour(stretch.from));
            }
            return self.position.advance(stretch, at);
        }
        slots.doubt(stretch);
        let short = source.filter(|source| *source > expected && long_calls.is_none());
        let comparison = match short {
            Some(entries) if self.is_worth_reading_long_calls(entries) => {
                Comparison::of_long_calls(stretch, source, at)
            }
            Some(_) | None => Comparison::new(stretch, source, at),
        };
        self.put_off(comparison);
    }

    fn put_off(&mut self, comparison: Comparison) {
        self.position.comparison = Some(comparison);
    }

    fn follow(&mut self, comparison: &Comparison) {
        self.changed.push(slots::floor_hour(comparison.from));
        self.position.follow(comparison);
    }

    fn settle(&mut self, comparison: &Comparison, is_honest: bool) {
        let stretch = comparison.stretch();
        self.position.slots.compared(&stretch, &comparison.seen, is_honest);
        self.position.advance(&stretch, comparison.begun);
    }

    fn settle_long_calls(&mut self, comparison: Comparison, missing: u64) -> Stretch {
        self.position.long_calls_first = missing > 0;
        let stretch = comparison.stretch();
        self.long_calls = Some(comparison.seen);
        stretch
    }

    /// The days with changed hours. Every known hour of such a day is noted, so that an hour that a stale read of the
    /// ledger lacks is restored.
    fn findings(&self, gateway: &str, now: Timestamp) -> Vec<Findings> {
        let changed = self.changed();
        let mut dates = Vec::new();
        for date in changed.iter().filter(|hour| self.position.is_over(**hour)).map(Timestamp::date_naive) {
            if !dates.contains(&date) {
                dates.push(date);
            }
        }
        let of_date = |date| Findings::Hours(Ledger::key(gateway, date), self.position.hours(&changed, date, now));
        dates.into_iter().map(of_date).collect()
    }

    fn spend(&mut self) -> &mut Spend {
        &mut self.position.spend
    }

    fn restore(&mut self) {
        self.position.clone_from(&self.before);
    }
}
