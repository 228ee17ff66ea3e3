//! Ten-minute stretches of `created_at`: how many entries of each were delivered, and what counts at the source said of
//! them. Entries appear late, so each stretch is counted three times.

use std::{collections::BTreeMap, fmt};

use chrono::{DurationRound, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::time::{Timestamp, stored};

/// Length of a slot.
pub const LENGTH: TimeDelta = TimeDelta::minutes(10);

/// The longest stretch without entries that is counted at once; the ledger's unit.
pub const HOUR: TimeDelta = TimeDelta::hours(1);

/// How old slots are when they are counted. Nearly all entries are there at the first count; the last one finds what
/// appears within a day. Whole hours apart: a quiet gateway has all its counts, and its one save, in one pass an hour.
pub const AGES: [TimeDelta; 3] = [TimeDelta::minutes(10), TimeDelta::minutes(70), TimeDelta::minutes(24 * 60 + 10)];

/// A call that takes longer, and is logged when it ends, is late.
pub const LONG_CALL: TimeDelta = TimeDelta::seconds(15);

/// Slots are kept until their last count is safely behind.
pub const KEPT: TimeDelta = TimeDelta::hours(26);

/// Slots of a month: a poller may have stopped for so long. Older slots are dropped. When the count of a dropped slot
/// is due, the slot looks short, and is read again.
const MOST: usize = 31 * 24 * 6;

/// What a count at the source says of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The source has as many entries as were delivered.
    Proven,
    /// The source has fewer entries than were delivered: some are deleted. What it still has was compared id by id.
    Over,
    /// The source gives no count that can be true. What it showed was compared id by id.
    Unprovable,
    /// The source has entries that were not delivered; they are being read.
    Short,
}

impl Verdict {
    /// All, the best first.
    pub const ALL: [Self; 4] = [Self::Proven, Self::Over, Self::Unprovable, Self::Short];
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proven => "proven",
            Self::Over => "over",
            Self::Unprovable => "unprovable",
            Self::Short => "short",
        })
    }
}

/// What is known of one slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Entries of this slot that a sink has taken, or will never take.
    pub delivered: u64,
    /// How many of these are long calls. None: not known, because some entries were found when the slot was read again,
    /// or do not say how long they took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<u64>,
    /// Entries at the source when they were last counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<u64>,
    /// What that count said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

impl Slot {
    /// Entries that the source must have if nothing happened since the last count.
    fn expected(&self) -> u64 {
        match self.verdict {
            // What was seen one by one: after failures, rows may have been written, and counted, more than once.
            Some(Verdict::Over | Verdict::Unprovable) => self.source.unwrap_or(self.delivered),
            None | Some(Verdict::Proven | Verdict::Short) => self.delivered,
        }
    }

    /// A stretch of which the source has as many entries as were delivered, or fewer.
    #[must_use]
    pub fn counted(delivered: u64, source: u64) -> Self {
        let verdict = if delivered > source { Verdict::Over } else { Verdict::Proven };
        Self { delivered, long: None, source: Some(source), verdict: Some(verdict) }
    }

    /// Notes what an exact comparison found: every one of the `seen` entries is delivered now.
    pub fn compared(&mut self, seen: u64, honest: bool) {
        // A count of ours below what was found delivered was lost, not the entries.
        self.delivered = self.delivered.max(seen);
        (self.source, self.long) = (Some(seen), None);
        self.verdict = Some(match (honest, self.delivered > seen) {
            (false, _) => Verdict::Unprovable,
            (true, false) => Verdict::Proven,
            (true, true) => Verdict::Over,
        });
    }
}

/// A stretch to be counted at once: one slot, or up to an hour without entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// First instant, UTC.
    pub from: Timestamp,
    /// The instant after the last, UTC.
    pub until: Timestamp,
    /// Entries that must be there.
    pub expected: u64,
}

/// The slots with entries of the last 26 hours, by their start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slots(#[serde(deserialize_with = "stored::by_instant")] BTreeMap<Timestamp, Slot>);

impl Slots {
    /// Counts an entry that forward has delivered; whether it is a long call, where that is known.
    pub fn deliver(&mut self, created_at: Timestamp, is_long: Option<bool>) {
        let slot = self.0.entry(floor(created_at)).or_insert(Slot { long: Some(0), ..Slot::default() });
        slot.delivered += 1;
        slot.long = slot.long.zip(is_long).map(|(long, is_long)| long + u64::from(is_long));
        // Catching up with months, the oldest would only swell the state until they are pruned.
        if self.0.len() > MOST {
            self.0.pop_first();
        }
    }

    /// Drops the slots that are older than [`KEPT`], and older than the hour of `counted`. All counts are made up to
    /// `counted`.
    pub fn prune(&mut self, counted: Timestamp, now: Timestamp) {
        self.0 = self.0.split_off(&floor_hour(counted).min(now - KEPT));
    }

    /// The slots, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, Slot)> {
        self.0.iter().map(|(start, slot)| (*start, *slot))
    }

    /// The first stretch that begins at `from`, if it is over at `until`. A slot with entries is counted alone. A
    /// stretch without entries ends at the next slot with entries that is over, or at the end of its hour, whichever
    /// comes first.
    #[must_use]
    pub fn next(&self, from: Timestamp, until: Timestamp) -> Option<Stretch> {
        let filled = |slot: &Slot| slot.delivered > 0 || slot.source.is_some_and(|source| source > 0);
        let hour = floor_hour(from) + HOUR;
        let (next, slot) = self.0.range(floor(from)..).find(|(_, slot)| filled(slot)).unzip();
        let stretch = match (next, slot) {
            (Some(next), Some(_)) if *next <= from => {
                let until = *next + LENGTH;
                Stretch { from, until, expected: self.expected(from, until) }
            }
            (Some(next), Some(_)) if *next < hour && *next + LENGTH <= until => {
                Stretch { from, until: *next, expected: 0 }
            }
            _ => Stretch { from, until: hour, expected: 0 },
        };
        (stretch.until <= until).then_some(stretch)
    }

    /// Entries that the source must have of a stretch if nothing happened since it was last counted.
    #[must_use]
    pub fn expected(&self, from: Timestamp, until: Timestamp) -> u64 {
        self.0.range(floor(from)..until).map(|(_, slot)| slot.expected()).sum()
    }

    /// Notes that the source has exactly as many entries of a stretch as expected. Returns whether this is new.
    pub fn confirm(&mut self, stretch: &Stretch) -> bool {
        let mut new = false;
        for slot in self.slots_of(stretch) {
            let confirmed = Slot { long: slot.long, ..Slot::counted(slot.delivered, slot.expected()) };
            new |= confirmed != *slot;
            *slot = confirmed;
        }
        new
    }

    /// How many entries of a stretch are delivered as soon as its long calls are; `seen` has their number, by slot.
    /// None: it is not known how many of them were delivered before. A row that is written again must not count for
    /// another row.
    #[must_use]
    pub fn expected_with(&self, stretch: &Stretch, seen: &BTreeMap<Timestamp, u64>) -> Option<u64> {
        let others = self.0.range(floor(stretch.from)..stretch.until).map(|(_, slot)| {
            let is_exact = slot.expected() == slot.delivered;
            slot.delivered.checked_sub(slot.long.filter(|_| is_exact)?)
        });
        others.chain(seen.values().map(|seen| Some(*seen))).sum()
    }

    /// Notes that all long calls of a stretch are delivered.
    pub fn deliver_long_calls(&mut self, stretch: &Stretch, seen: &BTreeMap<Timestamp, u64>) {
        for start in seen.keys() {
            self.0.entry(*start).or_insert(Slot { long: Some(0), ..Slot::default() });
        }
        for (start, slot) in self.0.range_mut(floor(stretch.from)..stretch.until) {
            let seen = seen.get(start).copied().unwrap_or_default();
            slot.delivered = slot.delivered.saturating_sub(slot.long.unwrap_or_default()) + seen;
            slot.long = Some(seen);
        }
    }

    /// Notes that the source has another number of entries of a stretch than expected.
    pub fn doubt(&mut self, stretch: &Stretch) {
        // A stretch without entries has no slot yet that could say so.
        self.0.entry(floor(stretch.from)).or_default();
        for slot in self.slots_of(stretch) {
            slot.verdict = Some(Verdict::Short);
        }
    }

    /// Notes what an exact comparison of a stretch found in each slot. `honest` is whether the source's own count of the
    /// whole stretch agrees with it.
    pub fn compared(&mut self, stretch: &Stretch, seen: &BTreeMap<Timestamp, u64>, honest: bool) {
        for start in seen.keys() {
            self.0.entry(*start).or_default();
        }
        let starts: Vec<_> = self.starts_of(stretch).collect();
        for start in starts {
            let seen = seen.get(&start).copied().unwrap_or_default();
            self.0.entry(start).or_default().compared(seen, honest);
        }
    }

    /// The sums and the worst verdict of the slots in `[from, until)`: source, delivered, verdict. There is no verdict
    /// if a slot got an entry after its last count.
    #[must_use]
    pub fn sum(&self, from: Timestamp, until: Timestamp) -> Slot {
        let mut sum = Slot::counted(0, 0);
        for slot in self.0.range(from..until).map(|(_, slot)| slot) {
            sum.delivered += slot.delivered;
            sum.source = sum.source.zip(slot.source).map(|(sum, source)| sum + source);
            let grown = slot.verdict == Some(Verdict::Proven) && slot.source != Some(slot.delivered);
            let verdict = slot.verdict.filter(|_| !grown);
            sum.verdict = sum.verdict.zip(verdict).map(|(sum, verdict)| sum.max(verdict));
        }
        sum
    }

    /// The first slot before `until` that a count has found incomplete.
    #[must_use]
    pub fn first_open(&self, until: Timestamp) -> Option<Timestamp> {
        let open = |slot: &Slot| matches!(slot.verdict, Some(Verdict::Short | Verdict::Unprovable));
        self.0.range(..until).find(|(_, slot)| open(slot)).map(|(start, _)| *start)
    }

    fn starts_of(&self, stretch: &Stretch) -> impl Iterator<Item = Timestamp> {
        self.0.range(floor(stretch.from)..stretch.until).map(|(start, _)| *start)
    }

    fn slots_of(&mut self, stretch: &Stretch) -> impl Iterator<Item = &mut Slot> {
        self.0.range_mut(floor(stretch.from)..stretch.until).map(|(_, slot)| slot)
    }
}

/// The first start of a slot at or after an instant.
#[must_use]
pub fn ceil(instant: Timestamp) -> Timestamp {
    let start = floor(instant);
    if start < instant { start + LENGTH } else { start }
}

/// The start of the slot that an instant lies in.
#[must_use]
pub fn floor(instant: Timestamp) -> Timestamp {
    // Only an instant thousands of years away cannot be rounded.
    instant.duration_trunc(LENGTH).unwrap_or(instant)
}

/// The start of the hour that an instant lies in.
#[must_use]
pub fn floor_hour(instant: Timestamp) -> Timestamp {
    instant.duration_trunc(HOUR).unwrap_or(instant)
}

/// The hours that are over after `before`, and at `after` at the latest.
pub fn hours(before: Timestamp, after: Timestamp) -> impl Iterator<Item = Timestamp> {
    let hours = std::iter::successors(Some(floor_hour(before)), |hour| Some(*hour + HOUR));
    hours.take_while(move |hour| *hour + HOUR <= after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    fn at(clock: &str) -> Timestamp {
        time::parse(&format!("2026-10-06T{clock}:00Z")).unwrap()
    }

    fn slots(delivered: &[(&str, u64)]) -> Slots {
        let slot = |(start, delivered): &(&str, u64)| (at(start), Slot { delivered: *delivered, ..Slot::default() });
        Slots(delivered.iter().map(slot).collect())
    }

    fn stretch(from: &str, until: &str, expected: u64) -> Stretch {
        Stretch { from: at(from), until: at(until), expected }
    }

    #[test]
    fn entries_are_counted_in_ten_minute_stretches_which_go_when_no_count_needs_them() {
        let mut slots = Slots::default();
        for created_at in ["2026-10-06T09:10:00Z", "2026-10-06T09:19:59.999Z", "2026-10-06T09:20:00Z", "2026-10-05"] {
            slots.deliver(time::parse(created_at).unwrap(), Some(false));
        }
        let kept = |slots: &Slots| slots.iter().map(|(start, slot)| (start, slot.delivered)).collect::<Vec<_>>();
        slots.prune(at("08:00"), at("10:00"));
        assert_eq!(kept(&slots), [(at("09:10"), 2), (at("09:20"), 1)]);
        let tomorrow = at("11:30") + TimeDelta::days(1);
        slots.prune(at("09:20"), tomorrow);
        assert_eq!(kept(&slots), [(at("09:10"), 2), (at("09:20"), 1)], "the hour is not over");
        slots.prune(at("10:00"), tomorrow);
        assert_eq!(kept(&slots), []);
        for minutes in 0..100_000 {
            slots.deliver(at("09:30") + TimeDelta::minutes(minutes), Some(false));
        }
        assert_eq!(slots.iter().count(), MOST);
    }

    #[test]
    fn a_slot_is_counted_alone_and_what_lies_between_together() {
        let slots = slots(&[("09:10", 2), ("09:50", 3)]);
        let check = |from, until, expected| assert_eq!(slots.next(at(from), at(until)), expected, "{from} {until}");
        check("09:00", "09:19", None);
        check("09:00", "09:20", Some(stretch("09:00", "09:10", 0)));
        check("09:10", "09:19", None);
        check("09:10", "09:20", Some(stretch("09:10", "09:20", 2)));
        // The first slot may begin in its middle.
        check("09:13", "09:20", Some(stretch("09:13", "09:20", 2)));
        check("09:20", "09:59", None);
        check("09:20", "10:00", Some(stretch("09:20", "09:50", 0)));
        // Without entries, an hour is counted when it is over.
        check("10:00", "10:59", None);
        check("10:00", "11:00", Some(stretch("10:00", "11:00", 0)));
        check("10:00", "13:00", Some(stretch("10:00", "11:00", 0)));
    }

    #[test]
    fn a_comparison_says_what_is_proven() {
        let check = |delivered, seen, honest, expected: (u64, Option<u64>, Verdict)| {
            let mut slots = slots(&[("09:10", delivered)]);
            let stretch = stretch("09:10", "09:20", delivered);
            slots.doubt(&stretch);
            assert_eq!(slots.first_open(at("10:00")), Some(at("09:10")));
            slots.compared(&stretch, &BTreeMap::from([(at("09:10"), seen)]), honest);
            let slot = slots.sum(at("09:00"), at("10:00"));
            assert_eq!((slot.delivered, slot.source, slot.verdict.unwrap()), expected);
            assert_eq!(slots.first_open(at("10:00")).is_some(), expected.2 == Verdict::Unprovable);
        };
        check(3, 3, true, (3, Some(3), Verdict::Proven));
        check(2, 3, true, (3, Some(3), Verdict::Proven));
        check(3, 2, true, (3, Some(2), Verdict::Over));
        check(3, 3, false, (3, Some(3), Verdict::Unprovable));
    }

    #[test]
    fn what_is_over_stays_so_until_something_changes() {
        let mut slots = slots(&[("09:10", 3)]);
        let first = stretch("09:10", "09:20", 3);
        slots.compared(&first, &BTreeMap::from([(at("09:10"), 2)]), true);
        let again = slots.next(at("09:10"), at("09:20")).unwrap();
        assert_eq!(again.expected, 2);
        assert!(!slots.confirm(&again), "nothing new");
        assert_eq!(slots.sum(at("09:00"), at("10:00")).verdict, Some(Verdict::Over));
    }

    #[test]
    fn what_a_comparison_has_seen_is_expected_whatever_was_counted_as_delivered() {
        for (honest, verdict) in [(true, Verdict::Over), (false, Verdict::Unprovable)] {
            let mut slots = slots(&[("09:10", 3)]);
            slots.compared(&stretch("09:10", "09:20", 3), &BTreeMap::from([(at("09:10"), 2)]), honest);
            assert_eq!(slots.sum(at("09:00"), at("10:00")).verdict, Some(verdict));
            assert_eq!(slots.expected(at("09:10"), at("09:20")), 2);
        }
    }

    #[test]
    fn what_came_after_the_last_count_is_not_proven() {
        let mut slots = slots(&[("09:10", 3)]);
        slots.confirm(&stretch("09:10", "09:20", 3));
        assert_eq!(slots.sum(at("09:00"), at("10:00")).verdict, Some(Verdict::Proven));
        slots.deliver(at("09:45"), Some(false));
        assert_eq!(slots.sum(at("09:00"), at("10:00")).verdict, None);
    }

    #[test]
    fn hours_are_over_once() {
        let over = |before, after| hours(at(before), at(after)).map(|hour| time::text(hour)[11..13].to_owned());
        assert_eq!(over("08:30", "08:50").count(), 0);
        assert_eq!(over("08:30", "10:10").collect::<Vec<_>>(), ["08", "09"]);
        assert_eq!(over("09:00", "10:00").collect::<Vec<_>>(), ["09"]);
    }
}
