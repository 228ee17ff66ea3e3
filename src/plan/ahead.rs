//! Several pages at once. The list knows no cursor, so nobody can ask for the page behind one that has not come yet, but by
//! number: counted from an entry that was read, a page begins at a known distance. So the next pages are asked for in such
//! a way that each begins with the last entry of the one before. Numbers shift with every change of the table; they are
//! guesses. A page is taken only if it does begin with what is known, for then nothing lies in between. Otherwise it costs
//! a call, and the scan goes on as if nobody had guessed.

use std::{cmp::Ordering, collections::VecDeque};

use super::cursor::{Query, Scan};
use crate::{
    entry::Entry,
    time::{Timestamp, floor_ms},
};

/// Pages under way at once. A Worker may have six connections open: one is left to write.
/// developers.cloudflare.com/workers/platform/limits
pub const AT_ONCE: usize = 5;

/// Wrong guesses in a row after which no more are made: the server numbers its pages otherwise. Where a change has made those
/// under way wrong, one that was made since the first of them is right, and it goes on.
const MOST_MISSES: u32 = 3;

/// A scan, and what is asked for ahead of it. Answers are taken in the order in which they were asked for.
#[derive(Debug)]
pub struct Ahead {
    scan: Scan,
    /// Instants of the entries read last, in the order of the scan.
    read: VecDeque<Timestamp>,
    /// Entries of a full page.
    page: usize,
    /// Entries that the source has behind the last one read, where it says, and shows full pages.
    left: Option<u64>,
    /// How many of these the pages under way will show.
    asked: usize,
    /// Wrong guesses since one was right.
    misses: u32,
}

impl Ahead {
    /// A scan of which nothing is asked for yet, in pages of so many entries.
    #[must_use]
    pub fn new(scan: Scan, per_page: u32) -> Self {
        Self { scan, read: VecDeque::new(), page: per_page as usize, left: None, asked: 0, misses: 0 }
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

    /// The page that goes on where the last one taken has ended, or `None` at the end of the stretch. It is to be taken before
    /// the `under_way` others.
    pub fn next(&mut self, under_way: usize) -> Option<Query> {
        let last = self.read.back();
        let shown_again = self.read.iter().rev().take_while(|instant| Some(*instant) == last).count();
        let others = if under_way == 0 { 0 } else { self.asked };
        self.asked = others.max(self.page.saturating_sub(shown_again));
        self.scan.query()
    }

    /// A page behind all that are under way, where there will be one.
    pub fn guess(&mut self) -> Option<Query> {
        let is_all_asked = self.left.is_none_or(|left| self.asked as u64 >= left);
        if is_all_asked || self.page < 2 || self.misses >= MOST_MISSES || self.scan.is_within_instant() {
            return None;
        }
        let newest = self.read.len().checked_sub(1)?;
        // The first entry of an instant is where a page 1 from that instant on begins.
        let begins = |index: &usize| match index.checked_sub(1) {
            Some(before) => self.read[*index] != self.read[before],
            // Unless what was before it is forgotten.
            None => newest < self.page,
        };
        let firsts = (0..=newest).rev().filter(begins);
        // Back from the last entry asked for to such a first one, in pages, and what is left over: entries shown twice.
        let ways = firsts.map(|first| (newest - first + self.asked, self.read[first]));
        let (way, instant) = ways.min_by_key(|(way, _)| way % self.page)?;
        let gained = self.page - 1 - way % self.page;
        if gained == 0 {
            return None;
        }
        self.asked += gained;
        self.scan.query_from(instant, u32::try_from(way / self.page + 1).ok()?)
    }

    /// Takes the answer to a query, with its `total_count`. Returns what is new, in scan order; `None` for a wrong guess:
    /// then [`next`](Self::next) comes before all that are under way.
    pub fn take(&mut self, query: &Query, mut entries: Vec<Entry>, mut total: Option<u64>) -> Option<Vec<Entry>> {
        let mut is_full = entries.len() == self.page;
        if self.scan.query() != Some(*query) {
            if !self.goes_on(&entries) {
                self.misses += 1;
                return None;
            }
            self.misses = 0;
            // As if the page had been asked for from the cursor on.
            let all = entries.len();
            entries.retain(|entry| self.scan.place(entry).is_ge());
            let before = (query.page as usize - 1) * self.page + all - entries.len();
            total = total.and_then(|total| total.checked_sub(before as u64));
        }
        is_full &= !self.scan.is_within_instant();
        self.left = total.filter(|_| is_full).and_then(|total| total.checked_sub(entries.len() as u64));
        let new = self.scan.take(entries, total);
        self.note(&new);
        Some(new)
    }

    /// Whether a page begins with what is known, and shows more: then it shows all that follows. The server's own order is
    /// what counts. In the last millisecond that was read an entry may be known and one beside it not.
    fn goes_on(&self, entries: &[Entry]) -> bool {
        let ([first, ..], [.., last]) = (entries, entries) else { return false };
        let is_known = match self.scan.place(first) {
            Ordering::Less => true,
            Ordering::Equal => self.scan.cursor().at.contains(&first.id),
            Ordering::Greater => false,
        };
        is_known && self.scan.place(last).is_gt() && !self.scan.is_within_instant()
    }

    fn note(&mut self, new: &[Entry]) {
        self.asked = self.asked.saturating_sub(new.len());
        self.read.extend(new.iter().map(|entry| floor_ms(entry.created_at)));
        // One more than a page: of the first it is not known whether it begins its instant.
        let surplus = self.read.len().saturating_sub(self.page + 1);
        self.read.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        entry::Fields,
        plan::cursor::{Cursor, Direction},
    };

    fn instant(ms: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(ms).unwrap()
    }

    /// The list API as the facts describe it, over instants in ms by id.
    fn serve(table: &BTreeMap<u32, i64>, query: &Query, per_page: usize) -> (Vec<Entry>, u64) {
        let (from, until) = (query.from.map(|from| from.timestamp_millis()), query.until.timestamp_millis());
        let inside = |ms: i64| from.is_none_or(|from| ms >= from) && ms < until;
        let mut shown: Vec<_> = table.iter().filter(|(_, ms)| inside(**ms)).collect();
        // Ties stay in one order, which is not that of their ids.
        shown.sort_by_key(|(id, ms)| (**ms, **id % 7));
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
    }

    /// Reads all, and says in how many calls, and which of them was the last guess. `change` is told how many were made.
    fn read(
        ahead: &mut Ahead,
        server: &mut Server,
        mut change: impl FnMut(usize, &mut BTreeMap<u32, i64>),
    ) -> (Vec<String>, [usize; 2]) {
        let (mut seen, mut calls, mut last_guess, mut under_way) = (Vec::new(), 0, 0, VecDeque::new());
        let answer = |server: &Server, query: &Query| {
            let (entries, total) = serve(&server.table, query, server.per_page);
            (entries, server.counts.then_some(total))
        };
        let mut ask = |query: Query, server: &mut Server| {
            let at_once = (!server.slow).then(|| answer(server, &query));
            calls += 1;
            assert!(calls < 2_000, "no end");
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
            let Some((_, query, at_once)) = under_way.pop_front() else { break };
            let (entries, total) = at_once.unwrap_or_else(|| answer(server, &query));
            if let Some(new) = ahead.take(&query, entries, total) {
                seen.extend(new.into_iter().map(|entry| entry.id));
            } else if let Some(query) = ahead.next(under_way.len()) {
                under_way.push_front(ask(query, server));
            }
        }
        (seen, [calls, last_guess])
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
            descending in any::<bool>(),
            changes in prop::collection::btree_map(0_usize..60, (any::<bool>(), 0_u32..150, 0_i64..60), 0..12),
        ) {
            let numbered = instants.iter().enumerate().map(|(n, ms)| (u32::try_from(n).unwrap(), 2 * ms));
            let table: BTreeMap<u32, i64> = numbered.collect();
            let mut staying: BTreeSet<u32> = table.keys().copied().collect();
            let mut ahead = Ahead::new(scan(descending), asked);
            let per_page = capped.min(asked as usize);
            // An instant that fills a page is read by number: there one that goes and one that comes make up for each other.
            let fills = |ms: &i64| instants.iter().filter(|other| *other == ms).count() >= per_page;
            let is_filled = instants.iter().any(fills);
            let mut server = Server { table, per_page, counts, slow };
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
            for id in staying {
                prop_assert!(once.contains(&id.to_string()), "{} was never seen", id);
            }
        }

        /// Guesses cost nothing where nothing changes: as many calls as one page after the other.
        #[test]
        fn a_quiet_table_takes_no_call_more(
            gaps in prop::collection::vec(1_i64..4, 0..300),
            per_page in 2_u32..12,
            descending in any::<bool>(),
        ) {
            let instants = gaps.iter().scan(0, |ms, gap| { *ms += gap; Some(*ms) });
            let table: BTreeMap<u32, i64> = instants.enumerate().map(|(n, ms)| (u32::try_from(n).unwrap(), ms)).collect();
            let page = per_page as usize;
            let mut server = Server { table, per_page: page, counts: true, slow: false };
            let (_, [calls, _]) = read(&mut Ahead::new(scan(descending), per_page), &mut server, |_, _| {});
            let (mut alone, mut one_by_one) = (scan(descending), 0);
            while let Some(query) = alone.query() {
                let (entries, total) = serve(&server.table, &query, page);
                alone.take(entries, Some(total));
                one_by_one += 1;
            }
            prop_assert!(calls <= one_by_one, "{} calls, one by one {}", calls, one_by_one);
        }
    }

    #[test]
    fn a_deletion_costs_the_pages_under_way_and_guessing_goes_on() {
        let table = (0..1_000).map(|n| (n, i64::from(n))).collect();
        let mut server = Server { table, per_page: 10, counts: true, slow: true };
        let (seen, [calls, last_guess]) = read(&mut Ahead::new(scan(false), 10), &mut server, |calls, table| {
            if calls == 20 {
                // Read by now, and what the numbers of the pages under way count from lies before it.
                table.remove(&132);
            }
        });
        assert_eq!(seen.len(), 1_000);
        // One page after the other it takes 111.
        assert!((112..=111 + AT_ONCE).contains(&calls) && last_guess + AT_ONCE > calls, "{calls} {last_guess}");
    }

    #[test]
    fn where_pages_are_numbered_otherwise_guessing_ends() {
        let table: BTreeMap<u32, i64> = (0..100).map(|n| (n, i64::from(n))).collect();
        let mut ahead = Ahead::new(scan(false), 10);
        let mut guesses = Vec::new();
        for _ in 0..6 {
            let next = ahead.next(0).unwrap();
            let guess = ahead.guess();
            let (entries, total) = serve(&table, &next, 10);
            assert!(ahead.take(&next, entries, Some(total)).is_some());
            guesses.push(guess.is_some());
            assert_eq!(guess.and_then(|guess| ahead.take(&guess, Vec::new(), Some(total))), None);
        }
        // Before the first page nobody knows what follows.
        assert_eq!(guesses, [false, true, true, true, false, false]);
    }
}
