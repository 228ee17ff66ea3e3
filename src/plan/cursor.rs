//! Where the next page starts. The list has no cursor of its own and its page numbers shift under every change, so a
//! scan moves a bound on `created_at` instead, and reads each instant until it is certain to have all of it.

use std::{cmp::Ordering, collections::BTreeSet, time::Duration};

use crate::{
    entry::Entry,
    time::{self, MILLISECOND, Timestamp, floor_ms, held},
};

/// The way a scan goes through time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Oldest first: the forward pass.
    Ascending,
    /// Newest first: the backfill.
    Descending,
}

/// How far something has come: everything on the near side of the millisecond `ts`, and of that millisecond itself the
/// ids in `at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// A whole millisecond, UTC, of those that can be stored.
    ts: Timestamp,
    /// Ids with `created_at` in that millisecond that the next list call will show again.
    pub at: BTreeSet<String>,
}

impl Cursor {
    /// A cursor with nothing of its millisecond done yet.
    #[must_use]
    pub fn at_start_of(ts: Timestamp) -> Self {
        Self { ts: floor_ms(held(ts)), at: BTreeSet::new() }
    }

    /// A whole millisecond, UTC: everything on the near side of it is done.
    #[must_use]
    pub fn ts(&self) -> Timestamp {
        self.ts
    }

    /// Moves over one entry. Entries come in scan order, so another millisecond is always a further one.
    pub fn pass_over(&mut self, id: &str, created_at: Timestamp) {
        let here = Self::at_start_of(created_at);
        if here.ts != self.ts {
            *self = here;
        }
        self.at.insert(id.to_owned());
    }
}

/// One list request, as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// Entries at this millisecond or later; none: from the first one.
    pub from: Option<Timestamp>,
    /// Entries before this millisecond.
    pub until: Timestamp,
    /// The order asked for.
    pub direction: Direction,
    /// Page number from 1; above 1 only inside one instant that fills a page.
    pub page: u32,
    /// Only calls that took longer. A source that does not know the condition shows all.
    pub longer_than: Option<Duration>,
}

/// A walk over the list in one direction, page by page: what to ask next, and what of an answer is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    direction: Direction,
    /// The end of the stretch: exclusive when ascending, inclusive when descending.
    end: Option<Timestamp>,
    longer_than: Option<Duration>,
    cursor: Cursor,
    instant: Instant,
    done: bool,
}

/// The reading of an instant that fills a page, by page number. A deletion between two of its pages shifts entries over
/// the border, unseen, to a page already read. So unless all counts agree, the pages are read once more from the last to
/// the first: what shifts then comes to a page still to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Instant {
    page: u32,
    /// On the way back to the first page.
    back: bool,
    /// Entries shown on the way up.
    shown: u64,
    /// `total_count` of the first page.
    total: Option<u64>,
    /// Whether every page had the same count.
    steady: bool,
}

impl Instant {
    const FIRST_PAGE: Self = Self { page: 1, back: false, shown: 0, total: None, steady: true };

    fn note(&mut self, shown: u64, total: Option<u64>) {
        if self.page == 1 {
            self.total = total;
        }
        self.shown += shown;
        self.steady &= total.is_some() && self.total == total;
    }
}

impl Scan {
    /// Reads upward from `cursor` to just before `until`.
    #[must_use]
    pub fn ascending(cursor: Cursor, until: Timestamp) -> Self {
        let until = floor_ms(held(until));
        let (end, done) = (Some(until), cursor.ts >= until);
        Self { direction: Direction::Ascending, end, longer_than: None, cursor, instant: Instant::FIRST_PAGE, done }
    }

    /// Reads downward from `cursor` to `stop` inclusive, or to the first entry.
    #[must_use]
    pub fn descending(cursor: Cursor, stop: Option<Timestamp>) -> Self {
        let end = stop.map(floor_ms);
        let done = end.is_some_and(|stop| cursor.ts < stop);
        Self { direction: Direction::Descending, end, longer_than: None, cursor, instant: Instant::FIRST_PAGE, done }
    }

    /// The same, of calls that took longer.
    #[must_use]
    pub fn longer_than(self, duration: Option<Duration>) -> Self {
        Self { longer_than: duration, ..self }
    }

    /// How far the reading has come; the writing may be behind.
    #[must_use]
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Where the stretch ends, exclusive when ascending, inclusive when descending; none: at the first entry.
    #[must_use]
    pub fn bound(&self) -> Option<Timestamp> {
        self.end
    }

    /// Whether the next page is one of an instant that fills a page and was begun.
    #[must_use]
    pub fn is_within_instant(&self) -> bool {
        self.instant.page > 1 || self.instant.back
    }

    /// The next page to ask for, or `None` at the end of the stretch.
    #[must_use]
    pub fn query(&self) -> Option<Query> {
        if self.done { None } else { self.query_from(self.cursor.ts, self.instant.page) }
    }

    /// A page of the stretch from this millisecond on.
    #[must_use]
    pub fn query_from(&self, ts: Timestamp, page: u32) -> Option<Query> {
        let (from, until) = match self.direction {
            Direction::Ascending => (Some(ts), self.end?),
            Direction::Descending => (self.end, ts + MILLISECOND),
        };
        let Self { direction, longer_than, .. } = *self;
        Some(Query { from, until, direction, page, longer_than })
    }

    /// Where an entry lies beside the cursor, in the direction of the scan: `Less` is behind it.
    #[must_use]
    pub fn place(&self, entry: &Entry) -> Ordering {
        let order = floor_ms(entry.created_at).cmp(&self.cursor.ts);
        match self.direction {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    }

    /// Takes the answer to [`query`](Self::query); `total` is its `total_count`. Returns what is new, in scan order.
    pub fn take(&mut self, entries: Vec<Entry>, total: Option<u64>) -> Vec<Entry> {
        let (entries, shown) = self.in_order(entries);
        let beyond = entries.iter().any(|entry| floor_ms(entry.created_at) != self.cursor.ts);
        let by_number = self.is_within_instant();
        let new: Vec<Entry> = entries.into_iter().filter(|entry| self.is_new(entry, by_number)).collect();
        for entry in &new {
            self.cursor.pass_over(&entry.id, entry.created_at);
        }
        if self.instant.back {
            self.go_back();
            return new;
        }
        self.instant.note(shown, total);
        // A short page may be the server's own cap: without a total that can be true, only an empty one is certain to be
        // the last.
        let last = shown == 0 || total.is_some_and(|total| self.instant.shown == total);
        match (last || beyond && by_number, beyond) {
            (true, _) if by_number && !self.instant.steady => {
                self.instant.back = true;
                self.go_back();
            }
            (true, true) if by_number => self.leave_instant(),
            (true, _) => self.end(shown == 0),
            (false, true) => self.instant = Instant::FIRST_PAGE,
            (false, false) => self.instant.page += 1,
        }
        new
    }

    /// Goes to the page before, or on behind the instant.
    fn go_back(&mut self) {
        if self.instant.page == 1 {
            self.leave_instant();
        } else {
            self.instant.page -= 1;
        }
    }

    /// Entries of other instants are left to a later page 1 while an instant is read by page number.
    fn is_new(&self, entry: &Entry, by_number: bool) -> bool {
        if floor_ms(entry.created_at) == self.cursor.ts { !self.cursor.at.contains(&entry.id) } else { !by_number }
    }

    /// Sorts ties by id, which the server does not promise, and drops repeats and what lies outside the stretch: a server
    /// that compares finer than milliseconds shows the tail of the millisecond before. Also counts the ids shown.
    fn in_order(&self, mut entries: Vec<Entry>) -> (Vec<Entry>, u64) {
        entries.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        entries.dedup_by(|a, b| a.id == b.id);
        let shown = entries.len() as u64;
        match self.direction {
            Direction::Ascending => entries.retain(|entry| floor_ms(entry.created_at) >= self.cursor.ts),
            Direction::Descending => {
                entries.retain(|entry| self.end.is_none_or(|stop| entry.created_at >= stop));
                entries.reverse();
            }
        }
        (entries, shown)
    }

    /// The list shows nothing past the instant read.
    fn end(&mut self, empty: bool) {
        match self.direction {
            Direction::Ascending => self.done = true,
            // Only an empty page proves the end of history: until then the instant is left, and the rest asked for.
            Direction::Descending if empty && self.instant.page == 1 => self.done = true,
            Direction::Descending => self.leave_instant(),
        }
    }

    /// Goes on behind the instant.
    fn leave_instant(&mut self) {
        let next = match self.direction {
            Direction::Ascending => self.cursor.ts + MILLISECOND,
            Direction::Descending => self.cursor.ts - MILLISECOND,
        };
        self.cursor = Cursor::at_start_of(next);
        self.done = match (self.direction, self.end) {
            (Direction::Ascending, Some(until)) => next >= until,
            (Direction::Descending, stop) => next < stop.unwrap_or(time::FIRST),
            (Direction::Ascending, None) => false,
        };
        self.instant = Instant::FIRST_PAGE;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entry::Fields;

    fn entry(id: &str, ms: i64) -> Entry {
        Entry {
            id: id.into(),
            created_at: Timestamp::from_timestamp_millis(ms).unwrap(),
            fields: Fields::default(),
            unread: None,
        }
    }

    /// The list API as the facts describe it, over (instant in ms, id).
    fn serve(table: &[(i64, String)], query: Query, per_page: usize) -> (Vec<Entry>, u64) {
        let inside = |ms: i64| {
            query.from.is_none_or(|from| ms > (from - MILLISECOND).timestamp_millis())
                && ms < query.until.timestamp_millis()
        };
        let mut shown: Vec<_> = table.iter().filter(|(ms, _)| inside(*ms)).collect();
        shown.sort();
        if query.direction == Direction::Descending {
            shown.sort_by_key(|(ms, _)| -ms);
        }
        let page = shown.iter().skip((query.page as usize - 1) * per_page).take(per_page);
        (page.map(|(ms, id)| entry(id, *ms)).collect(), shown.len() as u64)
    }

    proptest! {
        /// Any clustering of instants, page size and direction, with and without counts, while entries are deleted: every
        /// entry that stays is seen, and none is given twice.
        #[test]
        fn a_scan_sees_every_entry_once(
            instants in prop::collection::vec(0_i64..12, 0..80),
            per_page in 1_usize..9,
            counts in any::<bool>(),
            descending in any::<bool>(),
            deletions in prop::collection::btree_map(0_usize..60, 0_usize..80, 0..5),
        ) {
            let all: Vec<_> = instants.iter().enumerate().map(|(n, ms)| (*ms, format!("id{n}"))).collect();
            let mut table = all.clone();
            let bound = |ms| Timestamp::from_timestamp_millis(ms).unwrap();
            let mut scan = if descending {
                Scan::descending(Cursor::at_start_of(bound(12)), None)
            } else {
                Scan::ascending(Cursor::at_start_of(bound(0)), bound(12))
            };
            let (mut seen, mut pages) = (BTreeSet::new(), 0);
            while let Some(query) = scan.query() {
                let (page, total) = serve(&table, query, per_page);
                for entry in scan.take(page, counts.then_some(total)) {
                    prop_assert!(seen.insert(entry.id.clone()), "{} came twice", entry.id);
                }
                if let Some(n) = deletions.get(&pages) {
                    table.retain(|(_, id)| *id != format!("id{n}"));
                }
                pages += 1;
                prop_assert!(pages < 2_000, "no end");
            }
            for (_, id) in &table {
                prop_assert!(seen.contains(id), "{} was never seen", id);
            }
        }
    }

    #[test]
    fn the_first_query_of_a_scan_includes_its_cursor_and_ends_before_its_bound() {
        let at = |text| time::parse(text).unwrap();
        let cursor = Cursor::at_start_of(at("2026-10-06T09:00:00.0004Z"));
        let up = Scan::ascending(cursor.clone(), at("2026-10-06T09:10:00Z")).query().unwrap();
        assert_eq!((up.from, up.until), (Some(at("2026-10-06T09:00:00Z")), at("2026-10-06T09:10:00Z")));
        let down = Scan::descending(cursor.clone(), None).query().unwrap();
        assert_eq!((down.from, down.until), (None, at("2026-10-06T09:00:00.001Z")));
        assert_eq!(Scan::ascending(cursor.clone(), cursor.ts).query(), None);
        assert_eq!(Scan::descending(cursor, Some(at("2026-10-07"))).query(), None);
    }

    #[test]
    fn a_cursor_stays_within_what_can_be_stored_and_a_descending_scan_ends_there() {
        for (given, held) in
            [(Timestamp::MIN_UTC, "1970-01-01T00:00:00.000Z"), (Timestamp::MAX_UTC, "2199-12-31T23:59:59.999Z")]
        {
            let mut cursor = Cursor::at_start_of(given);
            assert_eq!(time::text(cursor.ts), held);
            cursor.pass_over("a", given);
            assert_eq!(time::text(cursor.ts), held);
        }
        let mut scan = Scan::descending(Cursor::at_start_of(Timestamp::UNIX_EPOCH), None);
        let mut pages = 0;
        while let Some(query) = scan.query() {
            let (page, total) = serve(&[(0, "a".to_owned())], query, 2);
            scan.take(page, Some(total));
            pages += 1;
            assert!(pages < 9, "no end");
        }
    }

    #[test]
    fn the_stop_of_a_backfill_is_read_even_next_to_an_instant_that_fills_a_page() {
        let bound = |ms| Timestamp::from_timestamp_millis(ms).unwrap();
        let table: Vec<_> = [5, 6, 6, 6].into_iter().enumerate().map(|(n, ms)| (ms, format!("id{n}"))).collect();
        for (cursor, expected) in [(6, 4), (5, 1), (4, 0)] {
            let mut scan = Scan::descending(Cursor::at_start_of(bound(cursor)), Some(bound(5)));
            let mut seen = 0;
            while let Some(query) = scan.query() {
                let (page, total) = serve(&table, query, 2);
                seen += scan.take(page, Some(total)).len();
            }
            assert_eq!(seen, expected, "from {cursor}");
        }
    }

    #[test]
    fn what_a_finer_server_shows_before_the_stretch_is_dropped() {
        let five = Timestamp::from_timestamp_millis(5).unwrap();
        let early = Entry { created_at: five - chrono::TimeDelta::microseconds(1), ..entry("early", 0) };
        for mut scan in [
            Scan::ascending(Cursor::at_start_of(five), five + MILLISECOND * 9),
            Scan::descending(Cursor::at_start_of(five), Some(five)),
        ] {
            assert_eq!(scan.take(vec![early.clone()], Some(1)), []);
        }
    }

    #[test]
    fn a_quiet_stretch_is_proven_by_one_page() {
        let mut cursor = Cursor::at_start_of(Timestamp::UNIX_EPOCH);
        cursor.pass_over("a", Timestamp::UNIX_EPOCH);
        let mut scan = Scan::ascending(cursor, Timestamp::UNIX_EPOCH + time::MILLISECOND * 9);
        assert_eq!(scan.take(vec![entry("a", 0)], Some(1)), []);
        assert_eq!(scan.query(), None);
    }

    #[test]
    fn a_count_below_what_is_shown_is_not_believed() {
        let mut scan =
            Scan::ascending(Cursor::at_start_of(Timestamp::UNIX_EPOCH), Timestamp::UNIX_EPOCH + MILLISECOND * 9);
        scan.take(vec![entry("a", 0), entry("b", 0)], Some(1));
        assert_eq!(scan.query().map(|query| query.page), Some(2));
    }
}
