//! Reads several pages of one scan at once. The list has no cursor, so the page after a page that has not arrived can
//! only be asked for by number: counted from an entry that was read, a page begins at a known distance. So the next
//! four pages are asked for by number, and each begins with the last entry of the page before. Page numbers shift with
//! every change of the list, so they are guesses. A guessed page is taken only if it begins with a known entry: then no
//! entry lies in between. A wrong guess costs one call, and the scan continues as if there had been no guess.
//!
//! At a latency of a second, one page after the other reaches a quarter of the calls that the API allows. The scan
//! stays the same: one keyset, one cursor, answers in order.
//!
//! - A page that begins before the cursor's instant joins, in whatever order ties come.
//! - A page that begins at the cursor's instant joins if the count is unchanged, and as many read entries as lie before
//!   the page are not on the page.
//! - If a page does not join, the scan's own question is asked in its place, and only one call is lost. If that happens
//!   twice, pages overlap by more entries.
//! - A deletion and an insertion between two answers, which make up for each other, can still hide a tie that changes
//!   its place. The count finds it later.
//! - If nothing moves, no guess costs a call. The other way to read at once would be disjoint stretches, chosen by
//!   counts. But each of these ends in a page that is not full, needs counts, and leaves entries beyond a gap
//!   unremembered.
//! - Writing overlaps with reading (`pass/copy/write.rs`): one batch is in hand, two may wait, and then reading stops.
//!   Five pages and a write are the six connections that a Worker may have.

use std::{cmp::Ordering, collections::VecDeque};

use super::cursor::{Direction, Query, Scan};
use crate::{
    log::entry::Entry,
    time::{MILLISECOND, Timestamp, floor_ms},
};

/// Pages under way at once. A Worker may have six connections open: one is left to write.
/// developers.cloudflare.com/workers/platform/limits
pub const AT_ONCE: usize = 5;

/// After so many wrong guesses in a row no more guesses are made: the server numbers its pages in another way. A change
/// of the list makes the guesses under way wrong, but a guess that was made after the first wrong one is right again.
const MOST_MISSES: u32 = 3;

/// A scan, and what is asked for ahead of it. Answers are taken in the order in which they were asked for.
#[derive(Debug)]
pub struct Ahead {
    scan: Scan,
    /// Instants of the entries read last, in the order of the scan.
    read: VecDeque<Timestamp>,
    /// Entries of a full page.
    page: usize,
    /// Entries that the source has behind the last read entry. None: the source does not say, or its page was not full.
    left: Option<u64>,
    /// How many of these the pages under way will show.
    asked: usize,
    /// Entries of a page that the next page shows again. More of them make the join certain if the last one may have
    /// ties, or if counts change all the time.
    overlap: usize,
    /// Wrong guesses since one was right.
    misses: u32,
}

impl Ahead {
    /// A scan of which nothing is asked for yet, in pages of so many entries.
    #[must_use]
    pub fn new(scan: Scan, per_page: u32) -> Self {
        let (scan, page) = (scan.in_pages_of(per_page), per_page as usize);
        Self { scan, read: VecDeque::new(), page, left: None, asked: 0, overlap: 1, misses: 0 }
    }

    /// How far the reading has come.
    #[must_use]
    pub fn scan(&self) -> &Scan {
        &self.scan
    }

    /// Entries still to be read; none: the source does not say.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        self.left
    }

    /// Pages still to be read, those under way included; none: the source does not say.
    #[must_use]
    pub fn pages_left(&self) -> Option<u64> {
        let step = self.page.saturating_sub(1).max(1) as u64;
        self.left.map(|left| left.div_ceil(step))
    }

    /// The page that continues where the last taken page ended, or `None` at the end of the stretch. Its answer must be
    /// taken before the answers to the `under_way` others.
    pub fn next(&mut self, under_way: usize) -> Option<Query> {
        let last = self.read.back();
        let shown_again = self.read.iter().rev().take_while(|instant| Some(*instant) == last).count();
        let others = if under_way == 0 { 0 } else { self.asked };
        self.asked = others.max(self.page.saturating_sub(shown_again));
        self.scan.query()
    }

    /// A page after all pages under way, or `None` if no page can be guessed.
    pub fn guess(&mut self) -> Option<Query> {
        let is_all_asked = self.left.is_none_or(|left| self.asked as u64 >= left);
        let is_by_keyset = !self.scan.is_within_instant() && !self.scan.is_shrunk();
        if is_all_asked || self.page < 2 || self.misses >= MOST_MISSES || !is_by_keyset {
            return None;
        }
        let newest = self.read.len().checked_sub(1)?;
        // The first entry of an instant is where a page 1 from that instant on begins.
        let begins = |index: &usize| match index.checked_sub(1) {
            Some(before) => self.read[*index] != self.read[before],
            // Unless what was before it is forgotten.
            None => newest < self.most_read() - 1,
        };
        let firsts = (newest.saturating_sub(2 * self.page)..=newest).rev().filter(begins);
        // From such a first one to where the page is to begin, in pages, and what is left over: more entries shown twice.
        // After a wrong guess answers come in another order than they were asked for, and counts prove nothing.
        let overlap = self.overlap + usize::from(self.misses > 0);
        let ways = firsts
            .filter_map(|first| Some(((newest - first + self.asked).checked_sub(overlap - 1)?, self.read[first])));
        let (way, instant) = ways.min_by_key(|(way, _)| way % self.page)?;
        // One page after the other shows no more twice.
        let gained = (self.page - way % self.page).checked_sub(overlap).filter(|gained| *gained > 0)?;
        if way % self.page >= overlap {
            return None;
        }
        self.asked += gained;
        self.scan.query_from(instant, u32::try_from(way / self.page + 1).ok()?)
    }

    /// Notes that an answer was too large to be read. The scan's own question comes next, and asks for half as many
    /// entries. Returns whether it can ask for fewer.
    pub fn too_large(&mut self) -> bool {
        self.scan.too_large()
    }

    /// Takes the answer to a query, with its `total_count`. Returns the new entries, in scan order. `None`: the guess
    /// was wrong, and [`next`](Self::next) must be asked for before all pages under way.
    pub fn take(&mut self, query: &Query, mut entries: Vec<Entry>, mut total: Option<u64>) -> Option<Vec<Entry>> {
        let mut is_full = entries.len() == self.page;
        if self.scan.query() != Some(*query) {
            if !self.goes_on(query, &entries, total) {
                self.misses += 1;
                return None;
            }
            self.misses = 0;
            // As if the page had been asked for from the cursor on. An entry that is only placed beside one before the
            // cursor may lie at it.
            let is_behind = |entry: &Entry| !entry.is_placed() && self.scan.place(entry).is_lt();
            let behind = entries.iter().rposition(is_behind).map_or(0, |last| last + 1);
            entries.drain(..behind);
            total = total.and_then(|total| total.checked_sub((before(query, self.page) + behind) as u64));
        }
        is_full &= !self.scan.is_within_instant();
        self.left = total.filter(|_| is_full).and_then(|total| total.checked_sub(entries.len() as u64));
        let new = self.scan.take(entries, total);
        self.note(&new);
        Some(new)
    }

    /// Whether a guessed page continues the read entries without a gap, and shows more entries or the end. A page that
    /// begins before the cursor's instant does, in whatever order ties come. A page that begins at that instant does if
    /// no tie lies before it.
    fn goes_on(&mut self, query: &Query, entries: &[Entry], total: Option<u64>) -> bool {
        let ([first, ..], [.., last]) = (entries, entries) else { return false };
        let is_last = total == Some((before(query, self.page) + entries.len()) as u64);
        let shows_more = self.scan.place(last).is_gt() || is_last && self.scan.place(last).is_eq();
        let shows_more = shows_more && !self.scan.is_within_instant() && !first.is_placed();
        match self.scan.place(first) {
            Ordering::Less => shows_more,
            Ordering::Equal => {
                let is_whole = self.scan.cursor().at.contains(&first.id) && self.has_all_before(query, entries, total);
                // Where that happens again, the next guess begins farther back, and can do without.
                self.overlap += usize::from(!is_whole && self.misses == 1);
                shows_more && is_whole && self.misses == 0
            }
            Ordering::Greater => false,
        }
    }

    /// Whether all entries before this page were read, the ties at the cursor's instant included. They were if as many
    /// read entries as lie before the page are not on the page. If the count is unchanged, none of them was deleted.
    fn has_all_before(&self, query: &Query, entries: &[Entry], total: Option<u64>) -> bool {
        let begin = match query.direction {
            Direction::Ascending => query.from,
            Direction::Descending => Some(query.until - MILLISECOND),
        };
        let Some(first) = self.read.iter().position(|instant| Some(*instant) == begin) else { return false };
        let read = self.read.len() - first;
        let at = &self.scan.cursor().at;
        let again = entries.iter().filter(|entry| self.scan.place(entry).is_eq() && at.contains(&entry.id)).count();
        read == before(query, self.page) + again && self.left.is_some_and(|left| total == Some(read as u64 + left))
    }

    fn note(&mut self, new: &[Entry]) {
        self.asked = self.asked.saturating_sub(new.len());
        self.read.extend(new.iter().map(|entry| floor_ms(entry.created_at)));
        let surplus = self.read.len().saturating_sub(self.most_read());
        self.read.drain(..surplus);
    }

    /// How many instants to remember. A guess counts from one of the last two pages, and is taken after the pages
    /// before it. One instant more is kept, because nobody knows whether the first entry begins its instant.
    fn most_read(&self) -> usize {
        self.page * (AT_ONCE + 2) + 1
    }
}

/// Entries on the pages before.
fn before(query: &Query, page: usize) -> usize {
    (query.page as usize - 1) * page
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        hash::{DefaultHasher, Hash, Hasher},
    };

    use proptest::prelude::*;

    use super::*;
    use crate::{log::entry::Fields, plan::cursor::Cursor};

    fn instant(ms: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(ms).unwrap()
    }

    /// The list API as the facts describe it, over instants in ms by id. Ties stay in one order, which is not that of their
    /// ids, or come in another in each answer: that is the `shuffle`.
    fn serve(table: &BTreeMap<u32, i64>, query: &Query, per_page: usize, shuffle: usize) -> (Vec<Entry>, u64) {
        let (from, until) = (query.from.map(|from| from.timestamp_millis()), query.until.timestamp_millis());
        let inside = |ms: i64| from.is_none_or(|from| ms >= from) && ms < until;
        let mut shown: Vec<_> = table.iter().filter(|(_, ms)| inside(**ms)).collect();
        shown.sort_by_key(|(id, ms)| {
            let mut hasher = DefaultHasher::new();
            (**id, shuffle).hash(&mut hasher);
            (**ms, hasher.finish())
        });
        if query.direction == Direction::Descending {
            shown.reverse();
        }
        let page = shown.iter().skip((query.page as usize - 1) * per_page).take(per_page);
        let entry = |(id, ms): &(&u32, &i64)| Entry {
            id: id.to_string(),
            created_at: instant(**ms),
            fields: Fields::default(),
            unread: None,
        };
        (page.map(entry).collect(), shown.len() as u64)
    }

    /// A server, and how it is asked.
    struct Server {
        table: BTreeMap<u32, i64>,
        per_page: usize,
        /// Whether it tells totals.
        counts: bool,
        /// It answers when the answer is waited for, and not at once.
        slow: bool,
        /// Ties come in another order in each answer.
        shuffles: bool,
    }

    impl Server {
        fn quiet(table: BTreeMap<u32, i64>, per_page: usize) -> Self {
            Self { table, per_page, counts: true, slow: false, shuffles: false }
        }

        fn answer(&self, query: &Query, call: usize) -> (Vec<Entry>, Option<u64>) {
            let shuffle = if self.shuffles { call } else { 0 };
            let (entries, total) = serve(&self.table, query, self.per_page.min(query.per_page as usize), shuffle);
            (entries, self.counts.then_some(total))
        }
    }

    /// Reads all, and says in how many calls, and which of them was the last guess. `change` is told how many were made.
    fn read(
        ahead: &mut Ahead,
        server: &mut Server,
        mut change: impl FnMut(usize, &mut BTreeMap<u32, i64>),
    ) -> (Vec<String>, [usize; 2]) {
        let (mut seen, mut calls, mut last_guess, mut under_way) = (Vec::new(), 0, 0, VecDeque::new());
        let mut ask = |query: Query, server: &mut Server| {
            calls += 1;
            assert!(calls < 5_000, "no end");
            let at_once = (!server.slow).then(|| server.answer(&query, calls));
            change(calls, &mut server.table);
            (calls, query, at_once)
        };
        loop {
            if under_way.is_empty() {
                let Some(query) = ahead.next(0) else { break };
                under_way.push_back(ask(query, server));
            }
            while let Some(query) = (under_way.len() < AT_ONCE).then(|| ahead.guess()).flatten() {
                under_way.push_back(ask(query, server));
                last_guess = under_way.back().map_or(0, |(call, ..)| *call);
            }
            let Some((call, query, at_once)) = under_way.pop_front() else { break };
            let (entries, total) = at_once.unwrap_or_else(|| server.answer(&query, call));
            if let Some(new) = ahead.take(&query, entries, total) {
                seen.extend(new.into_iter().map(|entry| entry.id));
            } else if let Some(query) = ahead.next(under_way.len()) {
                under_way.push_front(ask(query, server));
            }
        }
        (seen, [calls, last_guess])
    }

    /// The calls that one page after the other takes.
    fn calls_one_by_one(server: &Server, descending: bool) -> usize {
        let (mut alone, mut calls) = (scan(descending).in_pages_of(server.per_page.try_into().unwrap()), 0);
        while let Some(query) = alone.query() {
            let (entries, total) = server.answer(&query, calls);
            alone.take(entries, total);
            calls += 1;
        }
        calls
    }

    fn scan(descending: bool) -> Scan {
        if descending {
            Scan::descending(Cursor::at_start_of(instant(99_999)), None)
        } else {
            Scan::ascending(Cursor::at_start_of(instant(0)), instant(100_000))
        }
    }

    proptest! {
        /// Any clustering of instants, page size and direction, with and without counts, while entries are deleted and others
        /// appear beside them: every entry that was there from first to last is seen, and none is given twice.
        #[test]
        fn every_entry_is_seen_once(
            instants in prop::collection::vec(0_i64..80, 0..150),
            asked in 1_u32..12,
            capped in 1_usize..24,
            counts in prop::bool::weighted(0.9),
            slow in any::<bool>(),
            shuffles in any::<bool>(),
            descending in any::<bool>(),
            changes in prop::collection::btree_map(0_usize..60, (any::<bool>(), 0_u32..150, 0_i64..60), 0..12),
        ) {
            let numbered = instants.iter().enumerate().map(|(n, ms)| (u32::try_from(n).unwrap(), 2 * ms));
            let table: BTreeMap<u32, i64> = numbered.collect();
            let mut staying: BTreeSet<u32> = table.keys().copied().collect();
            let mut ahead = Ahead::new(scan(descending), asked);
            let per_page = capped.min(asked as usize);
            let counts = counts || shuffles;
            // An instant that fills a page is read by number: there one that goes and one that comes make up for each other.
            // So they do in the count from which it is known whether ties in another order lie before a page.
            let fills = |ms: &i64| instants.iter().filter(|other| *other == ms).count() >= per_page;
            let is_filled = shuffles || instants.iter().any(fills);
            let mut server = Server { table, per_page, counts, slow, shuffles };
            let (seen, _) = read(&mut ahead, &mut server, |calls, table| match changes.get(&calls) {
                Some((true, id, _)) => {
                    table.remove(id);
                    staying.remove(id);
                }
                Some((false, _, ms)) if !is_filled => {
                    table.insert(1_000 + u32::try_from(calls).unwrap(), 2 * ms + 1);
                }
                Some((false, ..)) | None => {}
            });
            let once: BTreeSet<_> = seen.iter().cloned().collect();
            prop_assert_eq!(once.len(), seen.len(), "one came twice");
            let may_be_doubtful = shuffles || !changes.is_empty();
            for id in staying {
                let is_seen = once.contains(&id.to_string()) || may_be_doubtful && ahead.scan().is_doubtful();
                prop_assert!(is_seen, "{} was never seen", id);
            }
        }

        /// Entries appear while ties come in another order in each answer: what was there is seen.
        #[test]
        fn what_appears_hides_no_entry(
            instants in prop::collection::vec(0_i64..80, 0..150),
            per_page in 1_u32..12,
            slow in any::<bool>(),
            descending in any::<bool>(),
            new in prop::collection::btree_map(0_usize..60, 0_i64..160, 0..12),
        ) {
            let numbered = instants.iter().enumerate().map(|(n, ms)| (u32::try_from(n).unwrap(), 2 * ms));
            let table: BTreeMap<u32, i64> = numbered.collect();
            let staying: Vec<_> = table.keys().copied().collect();
            let mut ahead = Ahead::new(scan(descending), per_page);
            let mut server = Server { slow, shuffles: true, ..Server::quiet(table, per_page as usize) };
            let (seen, _) = read(&mut ahead, &mut server, |calls, table| {
                if let Some(ms) = new.get(&calls) {
                    table.insert(1_000 + u32::try_from(calls).unwrap(), *ms);
                }
            });
            let once: BTreeSet<_> = seen.iter().cloned().collect();
            prop_assert_eq!(once.len(), seen.len(), "one came twice");
            for id in staying {
                let is_seen = once.contains(&id.to_string()) || ahead.scan().is_doubtful();
                prop_assert!(is_seen, "{} was never seen", id);
            }
        }

        /// Guesses cost nothing where nothing changes: as many calls as one page after the other, ties or not.
        #[test]
        fn a_quiet_table_takes_no_call_more(
            gaps in prop::collection::vec(0_i64..4, 0..300),
            has_ties in any::<bool>(),
            per_page in 2_u32..12,
            descending in any::<bool>(),
        ) {
            let gaps = gaps.iter().map(|gap| if has_ties { *gap } else { gap + 1 });
            let instants: Vec<_> = gaps.scan(0, |ms, gap| { *ms += gap; Some(*ms) }).collect();
            let most_ties = instants.chunk_by(|a, b| a == b).map(<[i64]>::len).max().unwrap_or(0);
            prop_assume!(most_ties < per_page as usize);
            let table = instants.into_iter().enumerate().map(|(n, ms)| (u32::try_from(n).unwrap(), ms)).collect();
            let mut server = Server::quiet(table, per_page as usize);
            let (_, [calls, _]) = read(&mut Ahead::new(scan(descending), per_page), &mut server, |_, _| {});
            let one_by_one = calls_one_by_one(&server, descending);
            prop_assert!(calls <= one_by_one, "{} calls, one by one {}", calls, one_by_one);
        }
    }

    /// A thousand entries, of which each tenth shares its millisecond with the one before.
    fn some_ties() -> BTreeMap<u32, i64> {
        (0..1_000).map(|n| (n, i64::from(if n % 10 == 9 { n - 1 } else { n }))).collect()
    }

    #[test]
    fn ties_in_another_order_in_each_answer_cost_few_calls_and_guessing_goes_on() {
        for descending in [false, true] {
            let mut server = Server { shuffles: true, ..Server::quiet(some_ties(), 50) };
            let (seen, [calls, last_guess]) = read(&mut Ahead::new(scan(descending), 50), &mut server, |_, _| {});
            assert_eq!(seen.len(), 1_000);
            // One page after the other it takes 21.
            assert!(calls <= 21 + AT_ONCE && last_guess + AT_ONCE > calls, "{calls} {last_guess}");
        }
    }

    #[test]
    fn a_full_gateway_that_drops_its_oldest_entries_is_read_several_pages_at_once() {
        let mut server = Server { shuffles: true, ..Server::quiet(some_ties(), 50) };
        let (seen, [calls, last_guess]) = read(&mut Ahead::new(scan(true), 50), &mut server, |_, table| {
            table.pop_first();
        });
        let gone = 1_000 - server.table.len();
        assert!(seen.len() >= 1_000 - gone && calls <= 22 + 2 * AT_ONCE, "{} {calls}", seen.len());
        assert!(last_guess + AT_ONCE > calls, "{calls} {last_guess}");
    }

    #[test]
    fn a_deletion_costs_the_pages_under_way_and_guessing_goes_on() {
        let table = (0..1_000).map(|n| (n, i64::from(n))).collect();
        let mut server = Server { slow: true, ..Server::quiet(table, 10) };
        let (seen, [calls, last_guess]) = read(&mut Ahead::new(scan(false), 10), &mut server, |calls, table| {
            if calls == 20 {
                // Read by now, and what the numbers of the pages under way count from lies before it.
                table.remove(&132);
            }
        });
        assert_eq!(seen.len(), 1_000);
        // One page after the other it takes 111. Until a guess is right again, pages overlap by one entry more.
        assert!((112..=112 + AT_ONCE).contains(&calls) && last_guess + AT_ONCE > calls, "{calls} {last_guess}");
    }

    #[test]
    fn where_pages_are_numbered_otherwise_guessing_ends() {
        let table: BTreeMap<u32, i64> = (0..100).map(|n| (n, i64::from(n))).collect();
        let mut ahead = Ahead::new(scan(false), 10);
        let mut guesses = Vec::new();
        for _ in 0..6 {
            let next = ahead.next(0).unwrap();
            let guess = ahead.guess();
            let (entries, total) = serve(&table, &next, 10, 0);
            assert!(ahead.take(&next, entries, Some(total)).is_some());
            guesses.push(guess.is_some());
            assert_eq!(guess.and_then(|guess| ahead.take(&guess, Vec::new(), Some(total))), None);
        }
        // Before the first page nobody knows what follows.
        assert_eq!(guesses, [false, true, true, true, false, false]);
    }
}
