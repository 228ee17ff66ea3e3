//! The book of forward: each slot is counted at the source when it is ten minutes, an hour and a day old. Its audit goes with
//! the forward pass, after it.
//!
//! Verification rides on the forward pass, after every gateway's new rows. `counted_from` is where it begins: with this
//! program's first whole slot. What was counted is three instants in the position (`counted`, one for each age), because
//! stretches come due in order. A count that is not what was delivered starts a comparison: the stretch is read again, ids
//! of the overlapping segments are passed over, the rest is written. A comparison that a budget or a failure cuts short
//! goes on from the last page whose rows are all written, kept in the state. What it writes is not counted before its end,
//! and then by what was seen: rows that go in twice must not stand for an entry that is missing. Counts of ours that were
//! lost (a crash after the ids were saved) look short, and mend themselves that way. A source without honest counts is
//! compared at every age, and its hours are `unprovable`. The ages are ten minutes past whole hours, so that a quiet
//! gateway has all its counts, and its one save, in one pass an hour. The ledger keeps each hour from then on; a pass that
//! counts one, at any age, writes all hours of that day that it knows, so that one which a stale read lacked comes back.
//!
//! Late entries are mostly long calls: a call is logged when it ends. So a short stretch of more than one page is first
//! read with the condition `duration gt 15000`, and counted again; only if it is still short all of it is read. Slots keep
//! how many long calls they have, as long as every entry says how long its call took, so that what must be there is a sum
//! of what was seen and not of what was written: ids that were just written may not show yet, and their rows go in twice.
//! That takes a call or two where it would take the whole stretch twice. Nothing depends on it: the count decides, and a
//! source that does not know the condition, or has other late entries, costs calls and no rows. Where it helped, the next
//! stretches are read so before they are counted, which saves a count each.

use std::collections::BTreeMap;

use super::{Book, Findings, Step};
use crate::{
    plan::slots::{self, AGES, Stretch},
    state::{Comparison, Ledger, Position},
    time::Timestamp,
};

/// The slots of one gateway.
pub struct Recent<'a> {
    position: &'a mut Position,
    before: Position,
    /// Everything before it is delivered.
    until: Timestamp,
    /// Entries of a page.
    per_page: u64,
    /// Hours of which something new is known.
    changed: Vec<Timestamp>,
    /// The long calls that were seen, by slot, of the stretch that is to be counted with them.
    long_calls: Option<BTreeMap<Timestamp, u64>>,
}

impl<'a> Recent<'a> {
    /// The slots of one gateway, of which everything before `until` is delivered.
    pub fn new(position: &'a mut Position, until: Timestamp, per_page: u32) -> Self {
        let before = position.clone();
        Self { position, before, until, per_page: per_page.into(), changed: Vec::new(), long_calls: None }
    }

    /// Whether it may save pages to look for late entries among the long calls alone: a call is logged when it ends.
    fn is_worth_reading_long_calls(&self, entries: u64) -> bool {
        entries > self.per_page
    }

    /// Hours of which something new is known, those included that were counted at a further age: so what a stale read of the
    /// ledger has undone comes back.
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

    /// The days in which hours have changed. All hours that are known are noted, so that one which a stale read of the
    /// ledger lacks comes back.
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

    fn restore(&mut self) {
        self.position.clone_from(&self.before);
    }
}
