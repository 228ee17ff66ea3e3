//! Where the next page starts. The list has no cursor of its own and its page numbers shift under every change, so a
//! scan moves a bound on `created_at` instead, and reads each instant until it is certain to have all of it.
//!
//! Keyset, not pages. The list knows page numbers only, and they shift whenever an entry is deleted or appears late. So
//! `Scan` asks for page 1 of "from this millisecond on" again and again. Only a millisecond that fills a page is read by
//! page number, and alone, so that `total_count` is its own (`plan/instant.rs`). The server promises no order among ties,
//! and a deletion shifts entries to pages already read; so the pages are read up and down, and the instant is left when
//! two answers with the same count have shown as many different ids. Where that never happens it is given up, and the end
//! is doubtful. Such an instant is read to its end whatever the page budget: the next pass would begin it again, and come
//! no further.
//!
//! All instants of cursors are whole milliseconds, the step in which the API compares. A server that compares finer shows
//! the tail of the millisecond before; `Scan` drops it.

mod page;

use std::{cmp::Ordering, collections::BTreeSet, time::Duration};

use super::instant::Instant;
use crate::{
    log::entry::Entry,
    time::{MILLISECOND, Timestamp, floor_ms, held},
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

/// Entries of a page, at most. The API's own reference, `GET /accounts/{account_id}/ai-gateway/gateways/{gateway_id}/logs`
const LONGEST_PAGE: u32 = 50;

/// One list request, as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// Entries at this millisecond or later; none: from the first one.
    pub from: Option<Timestamp>,
    /// Entries before this millisecond.
    pub until: Timestamp,
    /// The order asked for.
    pub direction: Direction,
    /// Page number from 1.
    pub page: u32,
    /// Entries of a page.
    pub per_page: u32,
    /// Only calls that took longer. A source that does not know the condition shows all.
    pub longer_than: Option<Duration>,
}

impl Query {
    /// Asks for the first entry of a stretch. The answer also counts the entries of the stretch.
    #[must_use]
    pub fn first(from: Timestamp, until: Timestamp) -> Self {
        let direction = Direction::Ascending;
        Self { from: Some(from), until, direction, page: 1, per_page: 1, longer_than: None }
    }
}

/// A walk over the list in one direction, page by page: what to ask next, and what of an answer is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    direction: Direction,
    /// The end of the stretch: exclusive when ascending, inclusive when descending.
    end: Option<Timestamp>,
    longer_than: Option<Duration>,
    /// Entries of a page, as configured.
    longest: u32,
    /// The same for the next page: fewer after one that was too large.
    per_page: u32,
    /// Answers since that changed, which were small enough.
    fitting: u32,
    cursor: Cursor,
    /// The ids at the cursor of entries whose own instant cannot be read. That instant lies at the cursor or farther
    /// on, so these entries may be shown again at the next instant, and at no other.
    placed: BTreeSet<String>,
    /// The reading of the cursor's instant by page number, where it fills a page.
    instant: Option<Instant>,
    /// Whether a total was more than its page shows. Then totals do not count the page alone.
    counts_all: bool,
    doubtful: bool,
    /// The count of an instant that showed fewer entries. It is a doubt, unless the next page counts the same.
    short: Option<u64>,
    /// The number that the source counts whatever the question is, if pages have shown that it ignores the question.
    ignored: Option<u64>,
    /// The cursor at the instant that was left last.
    left: Option<Cursor>,
    done: bool,
}

impl Scan {
    /// Reads upward from `cursor` to just before `until`.
    #[must_use]
    pub fn ascending(cursor: Cursor, until: Timestamp) -> Self {
        let until = floor_ms(held(until));
        let (end, done) = (Some(until), cursor.ts >= until);
        Self::new(Direction::Ascending, cursor, end, done)
    }

    /// Reads downward from `cursor` to `stop` inclusive, or to the first entry.
    #[must_use]
    pub fn descending(cursor: Cursor, stop: Option<Timestamp>) -> Self {
        let end = stop.map(floor_ms);
        let done = end.is_some_and(|stop| cursor.ts < stop);
        Self::new(Direction::Descending, cursor, end, done)
    }

    fn new(direction: Direction, cursor: Cursor, end: Option<Timestamp>, done: bool) -> Self {
        Self {
            direction,
            end,
            longer_than: None,
            longest: LONGEST_PAGE,
            per_page: LONGEST_PAGE,
            fitting: 0,
            cursor,
            placed: BTreeSet::new(),
            instant: None,
            counts_all: false,
            doubtful: false,
            short: None,
            ignored: None,
            left: None,
            done,
        }
    }

    /// The same, of calls that took longer.
    #[must_use]
    pub fn longer_than(self, duration: Option<Duration>) -> Self {
        Self { longer_than: duration, ..self }
    }

    /// The same, in pages of so many entries.
    #[must_use]
    pub fn in_pages_of(self, entries: u32) -> Self {
        Self { longest: entries, per_page: entries, ..self }
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

    /// Whether the next page is one of an instant that fills a page.
    #[must_use]
    pub fn is_within_instant(&self) -> bool {
        self.instant.is_some()
    }

    /// Whether the scan has left an instant without knowing that it has seen every entry of it.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.doubtful || self.short.is_some()
    }

    /// Whether the count of an empty page says nothing about the entries ahead, because the source counts the same
    /// whatever the question is. The end of history needs better proof.
    #[must_use]
    pub fn is_counted_anyway(&self, total: u64) -> bool {
        self.direction == Direction::Ascending && self.ignored == Some(total)
    }

    /// Whether pages have fewer entries than configured, for a while.
    #[must_use]
    pub fn is_shrunk(&self) -> bool {
        self.per_page < self.longest
    }

    /// The next page to ask for, or `None` at the end of the stretch.
    #[must_use]
    pub fn query(&self) -> Option<Query> {
        let ts = self.cursor.ts;
        match &self.instant {
            _ if self.done => None,
            None => self.query_from(ts, 1),
            Some(Instant { alone: true, page, .. }) => {
                Some(Query { from: Some(ts), until: ts + MILLISECOND, ..self.query_from(ts, *page)? })
            }
            Some(Instant { page, .. }) => self.query_from(ts, *page),
        }
    }

    /// A page of the stretch from this millisecond on.
    #[must_use]
    pub fn query_from(&self, ts: Timestamp, page: u32) -> Option<Query> {
        let (from, until) = match self.direction {
            Direction::Ascending => (Some(ts), self.end?),
            Direction::Descending => (self.end, ts + MILLISECOND),
        };
        let Self { direction, longer_than, per_page, .. } = *self;
        Some(Query { from, until, direction, page, per_page, longer_than })
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

    /// Notes that the answer to [`query`](Self::query) was too large to be read: the next one is half as long, and pages
    /// grow again with each that is read. Whether it can be: a page of one entry cannot.
    pub fn too_large(&mut self) -> bool {
        let is_divisible = self.per_page > 1;
        if is_divisible {
            (self.per_page, self.fitting) = (self.per_page.div_ceil(2), 0);
            self.instant.iter_mut().for_each(Instant::begin_again);
        }
        is_divisible
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        hash::{DefaultHasher, Hash, Hasher},
    };

    use proptest::prelude::*;

    use super::*;
    use crate::{
        log::entry::{Fields, Unread},
        time,
    };

    fn entry(id: &str, ms: i64) -> Entry {
        Entry {
            id: id.into(),
            created_at: Timestamp::from_timestamp_millis(ms).unwrap(),
            fields: Fields::default(),
            unread: None,
        }
    }

    /// The list API as the facts describe it, over (instant in ms, id). Ties come in an order of their own in each answer
    /// where there is a `shuffle`.
    fn serve(table: &[(i64, String)], query: Query, per_page: usize, shuffle: Option<u64>) -> (Vec<Entry>, u64) {
        let inside = |ms: i64| {
            query.from.is_none_or(|from| ms > (from - MILLISECOND).timestamp_millis())
                && ms < query.until.timestamp_millis()
        };
        let mut shown: Vec<_> = table.iter().filter(|(ms, _)| inside(*ms)).collect();
        shown.sort_by_key(|(ms, id)| (*ms, shuffle.map(|seed| mixed(seed, id)), id));
        if query.direction == Direction::Descending {
            shown.sort_by_key(|(ms, _)| -ms);
        }
        let page = shown.iter().skip((query.page as usize - 1) * per_page).take(per_page);
        (page.map(|(ms, id)| entry(id, *ms)).collect(), shown.len() as u64)
    }

    /// A number that is another for each id and seed.
    fn mixed(seed: u64, id: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (seed, id).hash(&mut hasher);
        hasher.finish()
    }

    fn bound(ms: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(ms).unwrap()
    }

    /// Ids of a table, as many at each of these instants.
    fn table_of(instants: &[i64]) -> Vec<(i64, String)> {
        instants.iter().enumerate().map(|(n, ms)| (*ms, format!("id{n}"))).collect()
    }

    /// Reads to the end what `answer` gives: all that was new, and in how many calls.
    fn read_all(scan: &mut Scan, mut answer: impl FnMut(Query) -> (Vec<Entry>, Option<u64>)) -> (Vec<String>, usize) {
        let (mut seen, mut calls) = (Vec::new(), 0);
        while let Some(query) = scan.query() {
            calls += 1;
            assert!(calls < 3_000, "no end: {query:?}");
            let (page, total) = answer(query);
            seen.extend(scan.take(page, total).into_iter().map(|entry| entry.id));
        }
        (seen, calls)
    }

    fn whole(descending: bool, end: i64) -> Scan {
        if descending {
            Scan::descending(Cursor::at_start_of(bound(end)), None)
        } else {
            Scan::ascending(Cursor::at_start_of(bound(0)), bound(end))
        }
    }

    proptest! {
        /// Any clustering of instants, page size and direction, with and without counts, while entries are deleted, and with
        /// ties in another order in each answer where they are counted: every entry that stays is seen, and none is given
        /// twice.
        #[test]
        fn a_scan_sees_every_entry_once(
            instants in prop::collection::vec(0_i64..12, 0..80),
            per_page in 1_u32..9,
            counts in any::<bool>(),
            is_shuffled in any::<bool>(),
            descending in any::<bool>(),
            deletions in prop::collection::btree_map(0_usize..60, 0_usize..80, 0..5),
        ) {
            let mut table = table_of(&instants);
            let mut scan = whole(descending, 12).in_pages_of(per_page);
            let mut calls = 0;
            let (seen, _) = read_all(&mut scan, |query| {
                let shuffle = (is_shuffled && counts).then_some(calls as u64);
                let (page, total) = serve(&table, query, per_page as usize, shuffle);
                if let Some(n) = deletions.get(&calls) {
                    table.retain(|(_, id)| *id != format!("id{n}"));
                }
                calls += 1;
                (page, counts.then_some(total))
            });
            let once: BTreeSet<_> = seen.iter().collect();
            prop_assert_eq!(once.len(), seen.len(), "one came twice");
            for (_, id) in &table {
                let may_be_doubtful = is_shuffled && counts || !deletions.is_empty();
                let is_seen = once.contains(id) || may_be_doubtful && scan.is_doubtful();
                prop_assert!(is_seen, "{} was never seen", id);
            }
        }

        /// Answers that are too large now and then: every entry is seen once, in pages that shrink and grow again.
        #[test]
        fn a_scan_with_answers_that_are_too_large_sees_every_entry_once(
            instants in prop::collection::vec(0_i64..30, 0..80),
            per_page in 1_u32..20,
            descending in any::<bool>(),
            large in prop::collection::btree_set(0_usize..80, 0..8),
        ) {
            let table = table_of(&instants);
            let mut scan = whole(descending, 30).in_pages_of(per_page);
            let (mut seen, mut calls) = (BTreeSet::new(), 0);
            while let Some(query) = scan.query() {
                calls += 1;
                prop_assert!(calls < 3_000 && (1..=per_page).contains(&query.per_page));
                let (page, total) = serve(&table, query, query.per_page as usize, Some(calls));
                // Of these no two fit into one answer.
                let is_large = page.iter().filter(|entry| large.contains(&entry.id[2..].parse().unwrap())).count() > 1;
                if is_large {
                    prop_assert!(scan.too_large());
                    prop_assert!(scan.query().unwrap().per_page < query.per_page);
                    continue;
                }
                for entry in scan.take(page, Some(total)) {
                    prop_assert!(seen.insert(entry.id.clone()), "{} came twice", entry.id);
                }
            }
            prop_assert!(seen.len() == table.len() || scan.is_doubtful());
        }

        /// Entries whose own instant cannot be read, anywhere, where ties keep their order: each is seen once, and a later
        /// scan that goes on from there sees none of them again.
        #[test]
        fn entries_without_an_instant_of_their_own_are_seen_once(
            given in prop::collection::vec((0_i64..20, prop::bool::weighted(0.4)), 0..60),
            all_unread in prop::bool::weighted(0.1),
            per_page in 1_u32..9,
            counts in any::<bool>(),
            descending in any::<bool>(),
            stop in 1_i64..20,
        ) {
            let table = table_of(&given.iter().map(|(ms, _)| *ms).collect::<Vec<_>>());
            let unread = given.iter().zip(&table).filter(|((_, unread), _)| *unread || all_unread);
            let unread: BTreeSet<&str> = unread.map(|(_, (_, id))| id.as_str()).collect();
            let calls = Cell::new(0);
            let answer = |query: Query| {
                calls.set(calls.get() + 1);
                let (mut page, total) = serve(&table, query, per_page as usize, None);
                borrow(&mut page, &query, &unread);
                (page, counts.then_some(total))
            };
            let first = if descending {
                Scan::descending(Cursor::at_start_of(bound(20)), Some(bound(stop)))
            } else {
                Scan::ascending(Cursor::at_start_of(bound(0)), bound(stop))
            };
            let mut first = first.in_pages_of(per_page);
            let (mut seen, _) = read_all(&mut first, answer);
            let expected = table.iter().filter(|(ms, _)| if descending { *ms >= stop } else { *ms < stop }).count();
            prop_assert_eq!((seen.len(), first.is_doubtful()), (expected, false));
            let mut second = if descending {
                Scan::descending(first.cursor().clone(), None)
            } else {
                Scan::ascending(first.cursor().clone(), bound(20))
            };
            second = second.in_pages_of(per_page);
            let (more, _) = read_all(&mut second, answer);
            seen.extend(more);
            let once: BTreeSet<_> = seen.iter().collect();
            prop_assert_eq!((seen.len(), once.len(), second.is_doubtful()), (table.len(), table.len(), false));
            prop_assert!(calls.get() <= 20 + 8 * table.len(), "{} calls", calls.get());
        }
    }

    /// Gives entries whose own instant cannot be read that of the entry before, or that at which the page begins.
    fn borrow(page: &mut [Entry], query: &Query, unread: &BTreeSet<&str>) {
        let mut lent = match query.direction {
            Direction::Ascending => query.from.unwrap(),
            Direction::Descending => query.until - MILLISECOND,
        };
        for entry in page {
            if unread.contains(entry.id.as_str()) {
                entry.created_at = lent;
                let (text, reason) = ("{}".into(), "Its created_at cannot be read.".into());
                entry.unread = Some(Box::new(Unread { text, reason, is_placed: true }));
            }
            lent = entry.created_at;
        }
    }

    #[test]
    fn two_hundred_shuffled_ties_are_all_seen() {
        let table = table_of(&[5; 200]);
        for descending in [false, true] {
            let (mut scan, mut calls) = (whole(descending, 9), 0);
            let (seen, _) = read_all(&mut scan, |query| {
                calls += 1;
                let (page, total) = serve(&table, query, 50, Some(calls));
                (page, Some(total))
            });
            assert_eq!((seen.len(), scan.is_doubtful()), (200, false));
        }
    }

    #[test]
    fn a_server_that_ignores_the_number_of_the_page_is_never_called_complete() {
        let table = table_of(&[5; 12]);
        for (counts, own) in [(true, false), (true, true), (false, false)] {
            let mut scan = whole(false, 9).in_pages_of(5);
            let (seen, calls) = read_all(&mut scan, |query| {
                let (page, total) = serve(&table, Query { page: 1, ..query }, 5, None);
                let own = own.then_some(page.len() as u64);
                (page, counts.then_some(own.unwrap_or(total)))
            });
            assert_eq!((seen.len(), scan.is_doubtful()), (5, true), "{counts} {own}");
            assert!(calls < 50, "{calls}");
        }
    }

    #[test]
    fn a_total_that_is_only_the_pages_own_number_ends_nothing() {
        for ties in [1, 2, 5, 6, 10, 12] {
            for descending in [false, true] {
                let instants: Vec<_> = (0..23).map(|n| if n < ties { 4 } else { n }).collect();
                let table = table_of(&instants);
                let mut scan = whole(descending, 30).in_pages_of(5);
                let (seen, _) = read_all(&mut scan, |query| {
                    let (page, _) = serve(&table, query, 5, None);
                    let own = page.len() as u64;
                    (page, Some(own))
                });
                assert_eq!((seen.len(), scan.is_doubtful()), (23, false), "{ties} ties");
            }
        }
    }

    #[test]
    fn a_source_that_counts_more_at_an_instant_than_it_shows_leaves_a_doubt() {
        let table = table_of(&[5; 12]);
        let mut scan = whole(false, 9).in_pages_of(5);
        let (seen, calls) = read_all(&mut scan, |query| {
            let (mut page, total) = serve(&table, query, 5, None);
            page.retain(|entry| entry.id != "id7");
            (page, Some(total))
        });
        assert_eq!((seen.len(), scan.is_doubtful()), (11, true));
        assert!(calls < 60, "{calls}");
    }

    #[test]
    fn a_page_that_cannot_be_read_is_asked_for_in_halves_and_grows_again() {
        let mut scan = whole(false, 900).in_pages_of(50);
        let size = |scan: &Scan| scan.query().unwrap().per_page;
        let mut sizes = vec![size(&scan)];
        while scan.too_large() {
            sizes.push(size(&scan));
        }
        for n in 0..28 {
            let ms = 2 * n;
            scan.take((ms..ms + 2).map(|ms| entry(&format!("id{ms}"), ms)).collect(), Some(900));
            sizes.push(size(&scan));
        }
        sizes.dedup();
        assert_eq!(sizes, [50, 25, 13, 7, 4, 2, 1, 2, 4, 8, 16, 32, 50]);
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
        let mut scan = Scan::descending(Cursor::at_start_of(Timestamp::UNIX_EPOCH), None).in_pages_of(2);
        let table = [(0, "a".to_owned())];
        let (_, calls) = read_all(&mut scan, |query| {
            let (page, total) = serve(&table, query, 2, None);
            (page, Some(total))
        });
        assert!(calls < 9, "{calls} calls");
    }

    #[test]
    fn the_stop_of_a_backfill_is_read_even_next_to_an_instant_that_fills_a_page() {
        let table = table_of(&[5, 6, 6, 6]);
        for (cursor, expected) in [(6, 4), (5, 1), (4, 0)] {
            let mut scan = Scan::descending(Cursor::at_start_of(bound(cursor)), Some(bound(5))).in_pages_of(2);
            let (seen, _) = read_all(&mut scan, |query| {
                let (page, total) = serve(&table, query, 2, None);
                (page, Some(total))
            });
            assert_eq!(seen.len(), expected, "from {cursor}");
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
        assert_eq!(scan.query().map(|query| query.page), Some(1));
        scan.take(vec![entry("a", 0), entry("b", 0)], Some(1));
        assert_eq!(scan.query().map(|query| query.page), Some(2));
    }
}
