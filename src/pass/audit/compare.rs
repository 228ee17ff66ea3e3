//! Compares a stretch at the source with the delivered entries: by count, and if that is not enough, id by id.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::ids;
use crate::{
    error::{CallError, Error},
    host::{Host, Store},
    log::entry::Entry,
    pass::{Context, GatewayReport, Platform, copy},
    plan::{
        budget::Ended,
        cursor::{Cursor, Direction, Query, Scan},
        pace::Pace,
        segments::{self, Metadata},
        slots::{self, HOUR, LONG_CALL, Stretch},
    },
    sink::Sink,
    state::{Comparison, Spend, Track},
    time::Timestamp,
};

/// The most entries of a stretch whose ids are held at once: some 10 MB, of the 128 MB that an instance of a Worker
/// has. A stretch with more entries, or with an unknown number, is compared hour by hour.
const MOST_IDS: u64 = 100_000;

/// The number of entries that the source has of a stretch; none: it does not tell. The source shows one entry with its
/// count. If the first entry is too large to be read, the last one may be readable.
pub async fn count<P: Platform>(
    context: &Context<'_, P>,
    stretch: &Stretch,
    report: &mut GatewayReport,
    pace: &mut Pace,
) -> Result<Option<u64>, Error> {
    let gateway = &report.gateway;
    let Stretch { from, until, .. } = *stretch;
    let first = Query::first(from, until);
    for query in [first, Query { direction: Direction::Descending, ..first }] {
        report.counts += 1;
        match context.page(gateway, &query).await {
            Err(CallError::TooLarge { .. }) => {}
            Err(error) => return Err(Error::Source { gateway: gateway.clone(), error }),
            Ok(counted) => {
                pace.note(counted.rate, context.host.now());
                return Ok(counted.total);
            }
        }
    }
    Ok(None)
}

/// The work of a comparison on entries that were not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The comparison writes them.
    Mend,
    /// The comparison only counts them.
    Look,
}

/// The place where the ids of delivered entries are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// The store: it keeps ids from the time when the rows were written, until they expire.
    InStore,
    /// The table, if it can be asked.
    InTable,
}

/// The result of a comparison.
pub enum Compared {
    /// No further call is allowed: the next pass goes on.
    Unfinished,
    /// The comparison is finished.
    Finished(Found),
}

/// The findings of a comparison.
#[derive(Debug, Clone, Copy, Default)]
pub struct Found {
    /// Entries that were not delivered before.
    pub missing: u64,
    /// Of these, entries that the sink will never take: they are dead letters now.
    pub rejected: u64,
    /// The source shows no more entries, although it counts more.
    pub doubtful: bool,
}

impl Found {
    fn and(self, Self { missing, rejected, doubtful }: Self) -> Self {
        Self {
            missing: self.missing + missing,
            rejected: self.rejected + rejected,
            doubtful: self.doubtful || doubtful,
        }
    }
}

/// Reads a stretch again, and looks for entries that were not delivered. With [`Mode::Mend`] entries count as delivered
/// only at the end, when every entry seen is delivered: a row may be written more than once, if its id was just written
/// and the store does not show it yet. `others` are ids that count as delivered besides the ids that `kept` finds.
pub async fn compare<P: Platform>(
    context: &Context<'_, P>,
    comparison: &mut Comparison,
    (mode, kept, others): (Mode, Ids, &BTreeSet<String>),
    report: &mut GatewayReport,
) -> Result<Compared, Error> {
    let mut all = Found::default();
    loop {
        let until = end_of_part(comparison);
        let from = comparison.cursor.ts();
        let mut known = match kept {
            Ids::InStore => match known_ids(context, &report.gateway, (from, until), &comparison.spend).await? {
                Some(known) => known,
                None => return Ok(Compared::Unfinished),
            },
            Ids::InTable => ids_in_table(context, &report.gateway, from, until).await?,
        };
        known.extend(others.iter().cloned());
        match compare_until(context, until, comparison, (mode, known), report).await? {
            Compared::Unfinished => return Ok(Compared::Unfinished),
            Compared::Finished(found) => all = all.and(found),
        }
        if until >= comparison.until {
            return Ok(Compared::Finished(all));
        }
        comparison.cursor = Cursor::at_start_of(until);
    }
}

/// The end of the next part of a comparison. The ids of one part fit in memory.
fn end_of_part(comparison: &Comparison) -> Timestamp {
    match comparison.source {
        Some(source) if source <= MOST_IDS => comparison.until,
        Some(_) | None => comparison.until.min(slots::floor_hour(comparison.cursor.ts()) + HOUR),
    }
}

async fn compare_until<P: Platform>(
    context: &Context<'_, P>,
    until: Timestamp,
    comparison: &mut Comparison,
    (mode, known): (Mode, BTreeSet<String>),
    report: &mut GatewayReport,
) -> Result<Compared, Error> {
    let longer_than = comparison.long_calls.then_some(LONG_CALL.to_std().unwrap_or_default());
    let scan = Scan::ascending(comparison.cursor.clone(), until).longer_than(longer_than);
    let (cursor, seen, placed) = (comparison.cursor.clone(), comparison.seen.clone(), comparison.placed);
    let spend = std::mem::take(&mut comparison.spend);
    let track =
        Reading { comparison: comparison.clone(), cursor, seen, placed, known, mode, missing: 0, spend: spend.clone() };
    let (track, copied) = copy::alone(context, &report.gateway, scan, track).await;
    let mut missing = 0;
    if let Some(track) = track {
        (*comparison, missing) = (track.comparison, track.missing);
        comparison.spend = track.spend;
    } else {
        comparison.spend = spend;
    }
    report.add_late(&copied);
    let (rejected, failed) = (copied.rejected, copied.error);
    let compared = match copied.ended {
        Ended::Complete => Compared::Finished(Found { missing, rejected, doubtful: false }),
        Ended::Doubtful => Compared::Finished(Found { missing, rejected, doubtful: true }),
        Ended::Pages | Ended::Time | Ended::Rate | Ended::Calls | Ended::Stopped => Compared::Unfinished,
        Ended::Failed => return failed.map_or(Ok(Compared::Unfinished), Err),
    };
    // If ids could not be kept, the report tells it, and the comparison is finished all the same.
    report.error = report.error.take().or(failed);
    Ok(compared)
}

/// Whether the source's own count is the number of entries seen. Entries come and go meanwhile, so if the numbers
/// differ, the source is asked again.
pub async fn is_honest<P: Platform>(
    context: &Context<'_, P>,
    comparison: &Comparison,
    report: &mut GatewayReport,
    pace: &mut Pace,
) -> Result<bool, Error> {
    let seen = comparison.seen.values().sum::<u64>() + comparison.placed;
    match comparison.source {
        None => Ok(false),
        Some(source) if source == seen => Ok(true),
        Some(_) => Ok(count(context, &comparison.stretch(), report, pace).await? == Some(seen)),
    }
}

/// A comparison that is being read.
struct Reading {
    /// The comparison as it was when all entries read so far were written. The next pass can go on from there.
    comparison: Comparison,
    /// How far the writing has come.
    cursor: Cursor,
    /// Entries read so far, by the start of their slot.
    seen: BTreeMap<Timestamp, u64>,
    /// Placed entries read so far.
    placed: u64,
    known: BTreeSet<String>,
    mode: Mode,
    /// Entries read so far that are not known.
    missing: u64,
    /// What the entries have cost that were written so far.
    spend: Box<Spend>,
}

impl Track for Reading {
    fn cursor(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    /// Only the numbers seen at the end count.
    fn count(&mut self, _created_at: Timestamp, _is_long: Option<bool>) {}

    fn spend(&mut self) -> Option<&mut Spend> {
        Some(&mut self.spend)
    }

    fn admits(&mut self, entry: &Entry) -> bool {
        let count = if entry.is_placed() {
            &mut self.placed
        } else {
            self.seen.entry(slots::floor(entry.created_at)).or_default()
        };
        *count += 1;
        let is_known = self.known.contains(&entry.id);
        self.missing += u64::from(!is_known);
        !is_known && self.mode == Mode::Mend
    }

    fn settle(&mut self, cursor: &Cursor) {
        self.cursor.clone_from(cursor);
        self.comparison.cursor.clone_from(cursor);
        self.comparison.seen.clone_from(&self.seen);
        self.comparison.placed = self.placed;
    }
}

/// The ids of the delivered entries of a stretch of one day. If the store does not show an id yet, its row is written
/// again, and readers see it once. So is a row that no cursor moved with, if its cost should be summed up and is not:
/// whoever wrote it did not come to the saving of the sums. None: the store does not show yet what was written just before,
/// and a cost would be summed up twice.
async fn known_ids<P: Platform>(
    context: &Context<'_, P>,
    gateway: &str,
    (from, until): (Timestamp, Timestamp),
    spend: &Spend,
) -> Result<Option<BTreeSet<String>>, Error> {
    let mut known = BTreeSet::new();
    let is_summed_up = context.config.alerts.is_some();
    let prefixes = segments::prefixes(gateway, from.date_naive());
    let overlaps = |metadata: &Metadata| metadata.overlaps(from, until);
    let mut recent: Vec<&str> = spend.recent(&prefixes, context.host.now()).collect();
    let show = |key: &str, metadata: Option<Metadata>, value: &str| {
        recent.retain(|new| *new != key);
        let aside = is_summed_up && metadata.is_some_and(|metadata| metadata.aside);
        let ids = segments::ids(key, value, gateway).filter(|id| !aside || spend.has_counted(id));
        known.extend(ids.map(Cow::into_owned));
    };
    ids::segments(context, &prefixes, overlaps, show).await?;
    let values = if recent.is_empty() { Ok(Vec::new()) } else { context.ids.get_many(&recent).await };
    let values = values.map_err(|error| error.during("loading", recent.join(", ")))?;
    for (key, value) in recent.iter().zip(values) {
        let Some(value) = value else { return Ok(None) };
        known.extend(segments::ids(key, &value, gateway).map(Cow::into_owned));
    }
    Ok(Some(known))
}

pub(super) async fn ids_in_table<P: Platform>(
    context: &Context<'_, P>,
    gateway: &str,
    from: Timestamp,
    until: Timestamp,
) -> Result<BTreeSet<String>, Error> {
    let ids = context.sink.ids(gateway, &(from..until)).await;
    ids.map(Option::unwrap_or_default).map_err(|error| Error::Table { sink: context.sink.name(), error })
}
