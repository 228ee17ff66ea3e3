//! What the answer to a question of a scan means: which of its entries are new, and what is asked next.
//!
//! The end. A short page proves nothing: it may be the server's cap. Forward ends if `total_count` says that nothing is
//! left. If the total cannot be true, forward asks for an empty page, which costs some more calls. A finished backfill
//! never runs again, so it always asks for an empty page first. If the empty page counts entries all the same, the pass
//! ends, but not the backfill (`Ended::Doubtful`).

use super::{Cursor, Direction, Scan};
use crate::{
    log::entry::Entry,
    plan::instant::{Instant, Reading, Shown},
    time::{self, MILLISECOND, Timestamp, floor_ms},
};

/// After so many small answers in a row, the scan asks for twice as many entries. It does not try earlier, because each
/// try is lost if all entries are large.
const ENOUGH: u32 = 4;

impl Scan {
    /// Takes the answer to [`query`](Self::query); `total` is its `total_count`. Returns what is new, in scan order.
    pub fn take(&mut self, entries: Vec<Entry>, total: Option<u64>) -> Vec<Entry> {
        let (entries, shown) = self.in_order(entries, total);
        let by_number = self.is_within_instant();
        // Known from the scan before, and perhaps shown at a later instant now.
        let again = entries.iter().filter(|entry| entry.is_placed() && self.cursor.at.contains(&entry.id));
        self.placed.extend(again.map(|entry| entry.id.clone()));
        let mut new = Vec::new();
        for entry in entries {
            // Entries of other instants are left to a later page 1 while an instant is read by page number.
            if by_number && self.place(&entry).is_ne() {
                continue;
            }
            let is_known = self.cursor.at.contains(&entry.id);
            self.pass_over(&entry);
            if !is_known {
                new.push(entry);
            }
        }
        self.go_on(&shown);
        if self.instant.is_none() {
            self.grow();
        }
        new
    }

    /// Asks for more entries again, once some answers were small enough.
    fn grow(&mut self) {
        self.fitting += 1;
        if self.fitting >= ENOUGH {
            self.per_page = self.per_page.saturating_mul(2).min(self.longest);
            self.fitting = 0;
        }
    }

    /// Decides what a page means for the next one.
    fn go_on(&mut self, shown: &Shown) {
        let is_empty = shown.entries == 0;
        // A short page may be the server's own cap: without a total that can be true, only an empty one is certain to be
        // the last. And a total that is that of one full page may count no more than the page.
        if self.instant.is_none()
            && let Some(short) = self.short.take()
        {
            let is_ignored = shown.total == Some(short);
            self.ignored = self.ignored.or(shown.total.filter(|_| is_ignored));
            self.doubtful |= !is_ignored;
        }
        self.counts_all |= shown.total.is_some_and(|total| total > shown.entries);
        let is_last = is_empty || (shown.is_short || self.counts_all) && shown.total == Some(shown.entries);
        let (is_up, holds_placed) = (self.direction == Direction::Ascending, !self.placed.is_empty());
        if self.instant.is_some() {
            self.read_on(shown);
        } else if is_empty || is_last && is_up {
            self.done = true;
            // Where it has shown something the next scan begins: counts alone prove no end.
            if let Some(left) =
                self.left.take().filter(|_| shown.total.is_some_and(|total| self.is_counted_anyway(total)))
            {
                self.cursor = left;
            }
        } else if shown.beyond.is_some() {
            // Only an empty page proves the end of history: until then the instant is left, and the rest asked for.
            if is_last && !holds_placed {
                self.leave_instant();
            }
        } else if holds_placed {
            // Asked for alone, the instant would not show those that lie elsewhere.
            self.instant = Some(Instant::new(false));
            self.read_on(shown);
        } else if is_last {
            self.leave_instant();
        } else {
            self.ignored = shown.total.filter(|_| shown.is_short).or(self.ignored);
            self.instant = Some(Instant::alone(self.ignored));
        }
    }

    /// Reads on in an instant that fills a page, or behind it.
    fn read_on(&mut self, shown: &Shown) {
        let Some(instant) = &mut self.instant else { return };
        let before = instant.beyond;
        let reading = instant.take(shown);
        // Where ties change their order, a page may show what lies behind the nearest: nothing is leapt over.
        instant.beyond = before.into_iter().chain(shown.beyond).reduce(match self.direction {
            Direction::Ascending => Ord::min,
            Direction::Descending => Ord::max,
        });
        if reading == Reading::Unfinished {
            return;
        }
        self.doubtful |= reading == Reading::GivenUp;
        self.short = instant.short();
        match (instant.alone, instant.beyond) {
            (true, _) => self.leave_instant(),
            // All that lies before it was shown.
            (false, Some(beyond)) => self.begin_instant(beyond),
            (false, None) => self.done = true,
        }
        self.instant = None;
    }

    fn pass_over(&mut self, entry: &Entry) {
        if self.place(entry).is_ne() {
            self.begin_instant(floor_ms(entry.created_at));
        }
        self.cursor.pass_over(&entry.id, entry.created_at);
        if entry.is_placed() {
            self.placed.insert(entry.id.clone());
        }
    }

    /// Sorts ties by id, which the server does not promise, and drops repeats and what lies outside the stretch: a server
    /// that compares finer than milliseconds shows the tail of the millisecond before. Also tells what the page shows.
    fn in_order(&self, mut entries: Vec<Entry>, total: Option<u64>) -> (Vec<Entry>, Shown) {
        for entry in &mut entries {
            // What it was given is only where it lies at the earliest.
            if entry.is_placed() && self.place(entry).is_lt() {
                entry.created_at = self.cursor.ts;
            }
        }
        entries = sorted(entries);
        entries.dedup_by(|a, b| a.id == b.id);
        let count = entries.len() as u64;
        let mut shown =
            Shown { ids: Vec::new(), entries: count, is_short: count < self.per_page.into(), total, beyond: None };
        if self.direction == Direction::Descending {
            entries.reverse();
        }
        let beyond = entries.iter().position(|entry| self.place(entry).is_gt());
        if self.is_within_instant() || beyond.is_none() {
            shown.ids = entries[..beyond.unwrap_or(entries.len())].iter().map(|entry| entry.id.clone()).collect();
        }
        entries.retain(|entry| match self.direction {
            Direction::Ascending => self.place(entry).is_ge(),
            Direction::Descending => self.end.is_none_or(|stop| entry.created_at >= stop),
        });
        shown.beyond = entries.iter().find(|entry| self.place(entry).is_gt()).map(|entry| floor_ms(entry.created_at));
        (entries, shown)
    }

    /// Goes on behind the instant.
    fn leave_instant(&mut self) {
        let next = match self.direction {
            Direction::Ascending => self.cursor.ts + MILLISECOND,
            Direction::Descending => self.cursor.ts - MILLISECOND,
        };
        self.left = Some(self.cursor.clone());
        self.begin_instant(next);
        self.done = match (self.direction, self.end) {
            (Direction::Ascending, Some(until)) => next >= until,
            (Direction::Descending, stop) => next < stop.unwrap_or(time::FIRST),
            (Direction::Ascending, None) => false,
        };
    }

    fn begin_instant(&mut self, ts: Timestamp) {
        self.cursor = Cursor { ts, at: std::mem::take(&mut self.placed) };
    }
}

/// Entries by instant and id. A page has 50 of them at most, nearly in this order: to put one after the other in its place takes
/// no longer than a sort, and 8 KB less of the Worker.
fn sorted(entries: Vec<Entry>) -> Vec<Entry> {
    let mut sorted: Vec<Entry> = Vec::with_capacity(entries.len());
    for entry in entries {
        let is_before = |known: &Entry| (known.created_at, &known.id) <= (entry.created_at, &entry.id);
        let place = sorted.partition_point(is_before);
        sorted.insert(place, entry);
    }
    sorted
}
