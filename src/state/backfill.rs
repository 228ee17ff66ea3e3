//! How far the backfill has come with one gateway, and what of the history was counted.

use std::collections::BTreeMap;

use chrono::{DurationRound, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use super::{Comparison, Spend, Track, cursor};
use crate::{
    plan::{
        cursor::Cursor,
        slots::{AGES, Stretch},
    },
    time::{MILLISECOND, Timestamp, stored},
};

/// What the history is counted by.
pub const DAY: TimeDelta = TimeDelta::days(1);

/// Ids of summed up logs are kept for so long: a day of the history is compared soon after it was read, if ever.
const COMPARED: TimeDelta = TimeDelta::days(40);

/// How far the backfill has come with one gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backfill {
    /// Everything after it, and before `start`, is delivered.
    #[serde(flatten, with = "cursor")]
    pub cursor: Cursor,
    /// Where the forward pass began: it owns this instant and everything after it. Absent after a takeover.
    #[serde(default, deserialize_with = "stored::optional_instant", skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// Where the backfill came to its end, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
    /// The source shows nothing more, although it counts more: nobody can tell whether this is the end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubtful: bool,
    /// Entries delivered of each day that is not counted at the source yet.
    #[serde(default, deserialize_with = "stored::by_day", skip_serializing_if = "Days::is_empty")]
    pub days: Days,
    /// What was counted at the source. None: not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
    /// The day that is being compared id by id, because its count differs from the number of delivered entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// What the delivered logs have cost, if somebody is told.
    #[serde(default, skip_serializing_if = "Spend::is_empty")]
    pub spend: Spend,
}

/// Entries delivered, by day, UTC.
pub type Days = BTreeMap<NaiveDate, u64>;

/// The end of a backfill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The `backfill_stop_at` it stopped at; none: the gateway's first entry.
    #[serde(default, deserialize_with = "stored::optional_instant")]
    pub stop: Option<Timestamp>,
}

/// How much of the history was counted at the source. Each day is counted once, when no entry can appear in it any
/// more. So the days just before the start of the forward pass are counted last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// From `recent`, or from where the counts began, down to this midnight, UTC, every day is counted.
    #[serde(deserialize_with = "stored::instant")]
    pub down_to: Timestamp,
    /// The stretch that is counted later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent: Option<RecentStretch>,
}

/// The stretch in which entries may still have appeared when the backfill began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentStretch {
    /// A midnight, UTC.
    #[serde(deserialize_with = "stored::instant")]
    pub from: Timestamp,
    /// The history from this instant on is counted, UTC.
    #[serde(deserialize_with = "stored::instant")]
    pub until: Timestamp,
}

impl Backfill {
    /// A backfill of everything before `start`.
    #[must_use]
    pub fn before(start: Timestamp) -> Self {
        let head = midnight(start - last_age());
        let counted = Counted { down_to: head, recent: Some(RecentStretch { from: head, until: start }) };
        Self { start: Some(start), counted: Some(counted), ..Self::at(Cursor::at_start_of(start - MILLISECOND)) }
    }

    /// A backfill that another program has brought to `cursor`.
    #[must_use]
    pub fn at(cursor: Cursor) -> Self {
        Self {
            cursor,
            start: None,
            done: None,
            doubtful: false,
            days: Days::new(),
            counted: None,
            comparison: None,
            spend: Spend::default(),
        }
    }

    /// Whether there is nothing left to read down to `stop`, or to the first entry.
    #[must_use]
    pub fn is_done(&self, stop: Option<Timestamp>) -> bool {
        match (self.done.map(|done| done.stop), stop) {
            (None, _) | (Some(Some(_)), None) => false,
            (Some(None), _) => true,
            (Some(Some(reached)), Some(stop)) => reached <= stop,
        }
    }

    /// Makes sure that it is known where the counting begins. If another program has delivered the history up to the
    /// cursor, it has also delivered a part of the cursor's day. So the counting begins with the day before.
    pub fn begin_counts(&mut self) {
        self.counted.get_or_insert(Counted { down_to: midnight(self.cursor.ts()), recent: None });
    }

    /// The next stretch to be counted: whole days, of which every entry is delivered, and in which no entry can appear
    /// any more. Days in which entries may have appeared late are counted one by one: an entry that was deleted on one
    /// day must not make up for a late entry on another day.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Stretch> {
        let Counted { down_to, recent } = self.counted?;
        let day = |recent: RecentStretch| recent.from.max(midnight(recent.until - MILLISECOND));
        let recent = recent.map(|recent| self.stretch(self.delivered_down_to().max(day(recent)), recent.until));
        let older = self.stretch(self.delivered_down_to(), down_to);
        let is_due = |stretch: &Stretch| stretch.from < stretch.until && stretch.until + last_age() <= now;
        recent.into_iter().chain([older]).find(is_due)
    }

    /// A stretch that begins with a day, and how many entries it must have.
    #[must_use]
    pub fn stretch(&self, from: Timestamp, until: Timestamp) -> Stretch {
        Stretch { from, until, expected: self.days_of(from, until).map(|(_, delivered)| delivered).sum() }
    }

    /// Drops the sums that no alert needs any more. Those near the start of the forward pass are of this month.
    pub fn prune(&mut self) {
        self.spend.prune(self.start.unwrap_or(self.cursor.ts()), COMPARED);
    }

    /// Notes that a stretch is counted; it is the upper end of the days that are due. Returns its days with entries,
    /// and how many entries of each day were delivered.
    pub fn advance(&mut self, stretch: &Stretch) -> Days {
        let mut days = Days::new();
        days.extend(self.days_of(stretch.from, stretch.until));
        self.days.retain(|day, _| !days.contains_key(day));
        self.move_border(stretch);
        days
    }

    fn days_of(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = (NaiveDate, u64)> {
        let days = self.days.range(from.date_naive()..).take_while(move |(day, _)| midnight_of(**day) < until);
        days.map(|(day, delivered)| (*day, *delivered))
    }

    fn move_border(&mut self, stretch: &Stretch) {
        let Some(counted) = &mut self.counted else { return };
        match &mut counted.recent {
            Some(recent) if recent.until == stretch.until => {
                recent.until = stretch.from;
                if recent.until <= recent.from {
                    counted.recent = None;
                }
            }
            Some(_) | None => counted.down_to = stretch.from,
        }
    }

    /// The history is counted from this instant up to the begin of forward, or of the counts, UTC. None: the days just
    /// before that begin are not counted yet.
    #[must_use]
    pub fn counted_down_to(&self) -> Option<Timestamp> {
        let Counted { down_to, recent } = self.counted?;
        let reached = recent.map_or(down_to, |recent| recent.until);
        (self.start != Some(reached)).then_some(reached)
    }

    /// From where back to where every day of the history is counted, UTC. If the first entry is reached, nothing lies before
    /// it: that is back to 1970. None: it is not known where forward begins.
    #[must_use]
    pub fn counted_back(&self) -> Option<[Timestamp; 2]> {
        let Counted { down_to, recent } = self.counted?;
        let start = self.start?;
        let is_whole = self.is_done(None) && down_to <= self.delivered_down_to();
        let until = if is_whole { Timestamp::UNIX_EPOCH } else { down_to };
        Some([recent.map_or(start, |recent| recent.from), until])
    }

    /// Delivered entries of a whole day that is not counted at the source yet. None: the day is counted, or some of its
    /// entries are not delivered, or another program has delivered some of them.
    #[must_use]
    pub fn delivered_of(&self, day: NaiveDate) -> Option<u64> {
        let Counted { down_to, recent } = self.counted?;
        let (from, until, delivered_down_to) = (midnight_of(day), midnight_of(day) + DAY, self.delivered_down_to());
        let is_recent = recent.is_some_and(|recent| recent.from <= from && until <= recent.until);
        let is_open = delivered_down_to <= from && (is_recent || until <= down_to);
        is_open.then(|| self.days.get(&day).copied().unwrap_or_default())
    }

    /// Every entry from this instant on is delivered. It is a midnight, as long as there is more to read before it. If
    /// the backfill has reached the first entry, there is no more to read. But an earlier entry may have appeared
    /// since, in the recent stretch.
    fn delivered_down_to(&self) -> Timestamp {
        let recent = self.counted.and_then(|counted| counted.recent);
        match self.done {
            Some(Done { stop: None }) => {
                recent.into_iter().map(|it| it.from).fold(midnight(self.cursor.ts()), Ord::min)
            }
            Some(Done { stop: Some(stop) }) => midnight(stop - MILLISECOND) + DAY,
            // What lies before may still be read, and is not to be written twice.
            None if self.doubtful => self.cursor.ts() + MILLISECOND,
            None => midnight(self.cursor.ts()) + DAY,
        }
    }
}

impl Track for Backfill {
    fn cursor(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    fn count(&mut self, created_at: Timestamp, _is_long: Option<bool>) {
        *self.days.entry(created_at.date_naive()).or_default() += 1;
    }

    fn spend(&mut self) -> Option<&mut Spend> {
        Some(&mut self.spend)
    }
}

/// No entry appears in a stretch that is older than this.
fn last_age() -> TimeDelta {
    let [.., last] = AGES;
    last
}

fn midnight(instant: Timestamp) -> Timestamp {
    // Only an instant hundreds of years away cannot be rounded.
    instant.duration_trunc(DAY).unwrap_or(instant)
}

/// The first instant of a day, UTC.
#[must_use]
pub fn midnight_of(day: NaiveDate) -> Timestamp {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}
