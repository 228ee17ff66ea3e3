//! How far each job has come with one gateway.

use std::{any::Any, collections::BTreeMap};

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

use super::{Spend, cursor};
use crate::{
    log::entry::Entry,
    plan::{
        cursor::Cursor,
        lateness::Lateness,
        peak::Peak,
        slots::{self, AGES, HOUR, KEPT, Slot, Slots, Stretch},
    },
    time::{MILLISECOND, Timestamp, stored},
};

/// How far the forward pass has come with one gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Everything before it is delivered.
    #[serde(flatten, with = "cursor")]
    pub cursor: Cursor,
    /// Where this program began: it owns this instant and everything after it. Absent after a takeover.
    #[serde(default, deserialize_with = "stored::optional_instant", skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// What was delivered of the last 26 hours.
    #[serde(default)]
    pub slots: Slots,
    /// The instant at which the counts at the source begin, UTC. None: not begun.
    #[serde(default, deserialize_with = "stored::optional_instant", skip_serializing_if = "Option::is_none")]
    pub counted_from: Option<Timestamp>,
    /// The instants up to which entries were counted, one for each of [`slots::AGES`], UTC. None: not begun.
    #[serde(default, deserialize_with = "stored::instants", skip_serializing_if = "Option::is_none")]
    pub counted: Option<[Timestamp; 3]>,
    /// The stretch that is being compared id by id, because its count was another than expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// The last comparison found late entries: long calls are read before the next stretch is counted.
    #[serde(default, rename = "late", skip_serializing_if = "std::ops::Not::not")]
    pub long_calls_first: bool,
    /// How late entries of this gateway were first seen.
    #[serde(default, skip_serializing_if = "Lateness::is_empty")]
    pub lateness: Lateness,
    /// The busiest minute of today and yesterday.
    #[serde(default, skip_serializing_if = "Peak::is_empty")]
    pub peak: Peak,
    /// What the delivered logs have cost, if somebody is told.
    #[serde(default, skip_serializing_if = "Spend::is_empty")]
    pub spend: Spend,
}

/// The comparison of a stretch with what was delivered, which may take several passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// First instant, UTC.
    #[serde(deserialize_with = "stored::instant")]
    pub from: Timestamp,
    /// The instant after the last, UTC.
    #[serde(deserialize_with = "stored::instant")]
    pub until: Timestamp,
    /// Entries that the source counts in the stretch.
    pub source: Option<u64>,
    /// Only long calls are read, because entries that are late are mostly these.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub long_calls: bool,
    /// When that count was made, UTC. The comparison may not see entries that appeared later.
    #[serde(deserialize_with = "stored::instant")]
    pub begun: Timestamp,
    /// How far the comparison has come.
    #[serde(flatten, with = "cursor")]
    pub cursor: Cursor,
    /// Entries seen so far, by the start of their slot.
    #[serde(deserialize_with = "stored::by_instant")]
    pub seen: BTreeMap<Timestamp, u64>,
    /// Seen entries whose own instant cannot be read. Nobody knows their slots, so they must not count for other
    /// entries.
    #[serde(default, skip_serializing_if = "is_default")]
    pub placed: u64,
    /// What the logs have cost that it has written in this pass.
    #[serde(skip)]
    pub spend: Box<Spend>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Position {
    /// A forward pass that begins at `start`.
    #[must_use]
    pub fn starting(start: Timestamp) -> Self {
        let cursor = Cursor::at_start_of(start);
        Self {
            cursor,
            start: Some(start),
            slots: Slots::default(),
            counted_from: None,
            counted: None,
            comparison: None,
            long_calls_first: false,
            lateness: Lateness::default(),
            peak: Peak::default(),
            spend: Spend::default(),
        }
    }

    /// Makes sure that it is known where the counting begins: at this program's start, or, after a takeover, at the
    /// first slot of which this program delivers every entry. A state without counts is not counted further back than
    /// slots are kept.
    pub fn begin_counts(&mut self, now: Timestamp) {
        if self.counted.is_none() {
            let first = self.start.unwrap_or_else(|| slots::ceil(self.cursor.ts() + MILLISECOND));
            let first = first.max(slots::ceil(now - KEPT));
            (self.counted_from, self.counted) = (Some(first), Some([first; 3]));
        }
    }

    /// The last counts prove that every entry before this instant, since the counts began, is delivered, UTC. None: nothing
    /// is counted yet.
    #[must_use]
    pub fn complete_through(&self) -> Option<Timestamp> {
        let [counted, ..] = self.counted?;
        let has_begun = self.counted_from != Some(counted);
        has_begun.then(|| self.slots.first_open(counted).unwrap_or(counted))
    }

    /// The next stretch to be counted, the oldest first. If the counts of several ages are behind, one count serves
    /// them all. `until` is the instant that forward has reached.
    #[must_use]
    pub fn due(&self, until: Timestamp, now: Timestamp) -> Option<Stretch> {
        let counted = self.counted?.into_iter().zip(AGES);
        counted.rev().find_map(|(counted, age)| self.slots.next(counted, until.min(now - age)))
    }

    /// Notes that a stretch is counted, for every age that the stretch had reached at the count.
    pub fn advance(&mut self, stretch: &Stretch, counted_at: Timestamp) {
        for (counted, age) in self.counted.iter_mut().flatten().zip(AGES) {
            if *counted == stretch.from && stretch.until + age <= counted_at {
                *counted = stretch.until;
            }
        }
    }

    /// Notes how far a comparison has come. If it has seen entries beyond forward's cursor, they have just appeared,
    /// and forward would write them again. So the cursor moves past them.
    pub fn follow(&mut self, comparison: &Comparison) {
        let Comparison { cursor, seen, .. } = comparison;
        if self.cursor.ts() == cursor.ts() {
            self.cursor.at.extend(cursor.at.iter().cloned());
        } else if self.cursor.ts() < cursor.ts() && !seen.is_empty() {
            // An entry whose own instant cannot be read may be shown again behind the one that it was seen beside.
            let before = std::mem::replace(&mut self.cursor, cursor.clone());
            self.cursor.at.extend(before.at);
        }
    }

    /// Drops the slots that no later count needs.
    pub fn prune(&mut self, now: Timestamp) {
        let [.., counted] = self.counted.unwrap_or([now; 3]);
        self.slots.prune(counted, now);
        // By the instant of the last delivered log, which is the source's, and not this machine's.
        self.spend.prune(self.cursor.ts(), KEPT);
    }

    /// Whether an hour was counted to its end; the part before the begin of the counts does not matter.
    #[must_use]
    pub fn is_over(&self, hour: Timestamp) -> bool {
        let (Some(from), Some([until, ..])) = (self.counted_from, self.counted) else { return false };
        from < hour + HOUR && hour + HOUR <= until
    }

    /// The counted hours of a day, with the sums of their slots: the hours that have `changed`, and the hours whose
    /// slots are still kept.
    #[must_use]
    pub fn hours(&self, changed: &[Timestamp], date: NaiveDate, now: Timestamp) -> Vec<(Timestamp, Slot)> {
        let midnight = date.and_time(NaiveTime::MIN).and_utc();
        let hours = (0..24).map(|n| midnight + HOUR * n);
        let kept = hours.filter(|hour| changed.contains(hour) || *hour >= now - KEPT);
        let from = |hour: Timestamp| self.counted_from.map_or(hour, |from| hour.max(slots::floor(from)));
        kept.filter(|hour| self.is_over(*hour)).map(|hour| (hour, self.slots.sum(from(hour), hour + HOUR))).collect()
    }
}

impl Comparison {
    /// The comparison of a stretch, nothing of which is read yet.
    #[must_use]
    pub fn new(stretch: &Stretch, source: Option<u64>, begun: Timestamp) -> Self {
        let Stretch { from, until, .. } = *stretch;
        let (cursor, seen) = (Cursor::at_start_of(from), BTreeMap::new());
        Self { from, until, source, long_calls: false, begun, cursor, seen, placed: 0, spend: Box::default() }
    }

    /// The same, of the long calls alone.
    #[must_use]
    pub fn of_long_calls(stretch: &Stretch, source: Option<u64>, begun: Timestamp) -> Self {
        Self { long_calls: true, ..Self::new(stretch, source, begun) }
    }

    /// The stretch.
    #[must_use]
    pub fn stretch(&self) -> Stretch {
        Stretch { from: self.from, until: self.until, expected: 0 }
    }
}

impl Track for Cursor {
    fn cursor(&mut self) -> &mut Cursor {
        self
    }

    fn count(&mut self, _created_at: Timestamp, _is_long: Option<bool>) {}
}

/// What a delivered row moves.
pub trait Track: Any {
    /// The cursor.
    fn cursor(&mut self) -> &mut Cursor;

    /// Counts an entry as delivered; whether it is a long call, where that is known.
    fn count(&mut self, created_at: Timestamp, is_long: Option<bool>);

    /// Notes that every entry up to `cursor` is written: the writing has reached the reading.
    fn settle(&mut self, cursor: &Cursor) {
        self.cursor().clone_from(cursor);
    }

    /// What delivered rows have cost. None: they are not summed up.
    fn spend(&mut self) -> Option<&mut Spend> {
        None
    }

    /// Whether an entry that was read is to be written. It is not if it was delivered before, or if the pass writes
    /// nothing.
    fn admits(&mut self, _entry: &Entry) -> bool {
        true
    }
}

impl Track for Position {
    fn cursor(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    fn count(&mut self, created_at: Timestamp, is_long: Option<bool>) {
        self.slots.deliver(created_at, is_long);
        self.peak.count(created_at);
    }

    fn spend(&mut self) -> Option<&mut Spend> {
        Some(&mut self.spend)
    }
}
