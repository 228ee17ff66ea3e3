//! The reading of one instant that fills a page, by page number. The server promises no order among ties, and changes
//! shift entries from page to page; so an instant is whole only when as many different ids were shown as the source counts.

use std::collections::BTreeSet;

use crate::time::Timestamp;

/// After so many rounds in a row without a new id, the scan gives up an instant that counts more entries than it shows.
/// If each page shows ties in another order, a round misses a given entry with a chance of 1 in e.
const MOST_BARREN: u32 = 20;

/// So many such rounds are enough if the source does not count, and no round has shown an id twice: one round up, in
/// which insertions cannot hide an entry, and one round down, in which deletions cannot. If ties change their order, a
/// round that misses one entry shows another one twice.
const ENOUGH_UNCOUNTED: u32 = 2;

/// How far the reading of an instant has come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Instant {
    /// Whether the instant alone is asked for: then the count is its own. Otherwise the stretch that begins with it.
    pub alone: bool,
    /// The page to ask for, from 1.
    pub page: u32,
    /// On the way back to the first page.
    down: bool,
    /// Entries of the longest page.
    full: u64,
    /// Every id that was shown.
    seen: BTreeSet<String>,
    /// Whether this round has shown a new one.
    is_fresh: bool,
    /// Rounds in a row that have shown none.
    barren: u32,
    /// The ids of this round.
    round: BTreeSet<String>,
    /// Whether it has shown one of them twice.
    is_mixed: bool,
    /// Rounds in a row that have shown none, and none twice.
    plain: u32,
    /// Whether counts are believed.
    believed: bool,
    counted: Counted,
    /// The number that the source counts whatever the question is, if it ignores the question.
    ignored: Option<u64>,
    /// The nearest instant behind this one that a page has shown. The scan notes it, because the scan knows the
    /// direction.
    pub beyond: Option<Timestamp>,
}

/// Answers in a row with the same count: nothing came or went between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Counted {
    total: Option<u64>,
    answers: u32,
    /// Ids that they have shown.
    ids: BTreeSet<String>,
    /// Entries that they must show, once that is known.
    all: Option<u64>,
}

/// A page of the reading.
#[derive(Debug)]
pub struct Shown {
    /// The ids at the instant, and before it.
    pub ids: Vec<String>,
    /// Entries of the page, those behind the instant included.
    pub entries: u64,
    /// Whether the page is shorter than asked for.
    pub is_short: bool,
    /// The page's `total_count`.
    pub total: Option<u64>,
    /// The first instant behind it on this page.
    pub beyond: Option<Timestamp>,
}

/// What is known after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// There is another page to read.
    Unfinished,
    /// All of the instant was seen.
    Whole,
    /// Nobody can tell whether all of it was seen, and more pages would not help.
    GivenUp,
}

impl Instant {
    /// An instant of which nothing is read yet.
    #[must_use]
    pub fn new(alone: bool) -> Self {
        Self {
            alone,
            page: 1,
            down: false,
            full: 0,
            seen: BTreeSet::new(),
            is_fresh: false,
            barren: 0,
            round: BTreeSet::new(),
            is_mixed: false,
            plain: 0,
            believed: true,
            counted: Counted::default(),
            ignored: None,
            beyond: None,
        }
    }

    /// The same, asked for alone. `ignored` is the number that the source may count whatever the question is.
    #[must_use]
    pub fn alone(ignored: Option<u64>) -> Self {
        Self { ignored, ..Self::new(true) }
    }

    /// Begins again with page 1, because pages get another size. What was seen stays known.
    pub fn begin_again(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        *self = Self { seen, ignored: self.ignored, ..Self::new(self.alone) };
    }

    /// What the source counts, where that is more than was seen.
    #[must_use]
    pub fn short(&self) -> Option<u64> {
        let total = self.counted.total.filter(|_| self.alone && self.counted.total != self.ignored);
        total.filter(|total| *total > self.seen.len() as u64)
    }

    /// Takes the page that was asked for.
    pub fn take(&mut self, shown: &Shown) -> Reading {
        let page = u64::from(self.page);
        self.full = self.full.max(shown.entries);
        for id in &shown.ids {
            self.is_fresh |= self.seen.insert(id.clone());
            self.is_mixed |= !self.round.insert(id.clone());
        }
        if self.count(shown, page) {
            return Reading::Whole;
        }
        // The server does not go by the number of the page.
        if page > 4 * (self.seen.len() as u64).div_ceil(self.full.max(1)) + 3 && shown.entries > 0 {
            return Reading::GivenUp;
        }
        if self.is_end_of_round(shown, page) { self.end_round() } else { self.turn_page() }
    }

    /// Notes the count of a page. Returns whether as many entries were shown as are counted.
    fn count(&mut self, shown: &Shown, page: u64) -> bool {
        let Shown { entries, total, .. } = *shown;
        // A page without a count contradicts no other one.
        if total.is_none() {
            self.counted.answers += 1;
            self.counted.ids.extend(shown.ids.iter().cloned());
        }
        // A page behind the last one may count nothing.
        let Some(total) = total.filter(|total| (*total, entries) != (0, 0) || page == 1) else { return false };
        if self.counted.total != Some(total) {
            let before = std::mem::take(&mut self.counted);
            let known = if before.total.is_none() { before } else { Counted::default() };
            self.counted = Counted { total: Some(total), ..known };
        }
        let Counted { answers, ids, all, .. } = &mut self.counted;
        *answers += 1;
        ids.extend(shown.ids.iter().cloned());
        let before = (page - 1) * self.full;
        if self.alone || entries == 0 {
            *all = Some(total);
        } else if shown.beyond.is_some() {
            *all = Some(before + shown.ids.len() as u64);
        }
        // Fewer than are there, or more than are shown.
        self.believed &= total >= page * entries && total >= ids.len() as u64 && (entries > 0 || total <= before);
        let is_enough = *answers > 1 || page == 1 && shown.is_short && total == entries;
        self.believed && is_enough && *all == Some(ids.len() as u64)
    }

    fn is_end_of_round(&self, shown: &Shown, page: u64) -> bool {
        if self.down {
            return page == 1;
        }
        // A count that is that of one full page may be no more than that: a second one shows.
        let is_all = self.is_counted()
            && (page > 1 || shown.is_short)
            && self.counted.total <= Some((page - 1) * self.full + shown.entries);
        shown.entries == 0 || shown.beyond.is_some() || self.alone && is_all
    }

    fn is_counted(&self) -> bool {
        self.believed && self.counted.total.is_some()
    }

    fn end_round(&mut self) -> Reading {
        self.barren = if self.is_fresh { 0 } else { self.barren + 1 };
        self.plain = if self.is_fresh || self.is_mixed { 0 } else { self.plain + 1 };
        (self.is_fresh, self.is_mixed) = (false, false);
        self.round.clear();
        self.down = !self.down;
        let (is_counted, first_page) = (self.is_counted(), !self.down && !self.alone);
        if !self.alone {
            // Placed entries that lie at the instant beyond may be shown before or behind its others: only pages of one round
            // tell how many entries lie before all of these.
            self.counted = Counted { total: self.counted.total, ..Counted::default() };
        }
        match (is_counted, self.plain) {
            (false, ENOUGH_UNCOUNTED..) => Reading::Whole,
            _ if self.barren >= MOST_BARREN => Reading::GivenUp,
            _ if first_page => {
                self.page = 1;
                Reading::Unfinished
            }
            (true | false, _) => self.turn_page(),
        }
    }

    fn turn_page(&mut self) -> Reading {
        self.page = if self.down { self.page.saturating_sub(1).max(1) } else { self.page.saturating_add(1) };
        Reading::Unfinished
    }
}
