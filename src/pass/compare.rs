//! A stretch at the source beside what was delivered of it: by count, and where that is not enough, id by id.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Context, GatewayReport, Platform,
    copy::{self, Copied},
    pace::Pace,
    written,
};
use crate::{
    entry::Entry,
    error::{CallError, Error},
    gateway,
    host::Host,
    plan::{
        budget::Ended,
        cursor::{Cursor, Direction, Query, Scan},
        segments::{self, Metadata},
        slots::{self, HOUR, LONG_CALL, Stretch},
    },
    state::{Comparison, Track},
    time::Timestamp,
};

/// Entries of a stretch whose ids are held at once: some 10 MB, of the 128 MB that an instance of a Worker has. Of more, or
/// where nobody says how many there are, an hour at a time.
const MOST_IDS: u64 = 100_000;

/// Entries that the source has of a stretch, where it says. It shows one of them with its count: where the first one is too
/// large to be read, the last one may not be.
pub async fn count<P: Platform>(
    context: &Context<'_, P>,
    stretch: &Stretch,
    report: &mut GatewayReport,
    pace: &mut Pace,
) -> Result<Option<u64>, Error> {
    let gateway = &report.gateway;
    let Stretch { from, until, .. } = *stretch;
    for direction in [Direction::Ascending, Direction::Descending] {
        let query = Query { from: Some(from), until, direction, page: 1, per_page: 1, longer_than: None };
        let request = gateway::list(&context.config.source, gateway, &query);
        report.counts += 1;
        match context.page(&request, &query).await {
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

/// What came of a comparison.
pub enum Compared {
    /// No further call is allowed: the next pass goes on.
    Unfinished,
    /// All that the source shows is delivered.
    Finished {
        /// Entries that were not delivered before.
        found: u64,
        /// The source shows nothing more, although it counts more.
        doubtful: bool,
    },
}

/// Reads a stretch again, and writes what was not delivered of it. Nothing is counted as delivered before its end, where
/// everything that was seen is: rows may be written more than once, where ids that were just written do not show yet.
pub async fn compare<P: Platform>(
    context: &Context<'_, P>,
    comparison: &mut Comparison,
    report: &mut GatewayReport,
) -> Result<Compared, Error> {
    let (mut found, mut doubtful) = (0, false);
    loop {
        let until = end_of_part(comparison);
        match compare_until(context, until, comparison, report).await? {
            Compared::Unfinished => return Ok(Compared::Unfinished),
            Compared::Finished { found: more, doubtful: also } => {
                found += more;
                doubtful |= also;
            }
        }
        if until >= comparison.until {
            return Ok(Compared::Finished { found, doubtful });
        }
        comparison.cursor = Cursor::at_start_of(until);
    }
}

/// Where the part of a comparison ends whose ids can be held in memory at once.
pub fn end_of_part(comparison: &Comparison) -> Timestamp {
    match comparison.source {
        Some(source) if source <= MOST_IDS => comparison.until,
        Some(_) | None => comparison.until.min(slots::floor_hour(comparison.cursor.ts()) + HOUR),
    }
}

async fn compare_until<P: Platform>(
    context: &Context<'_, P>,
    until: Timestamp,
    comparison: &mut Comparison,
    report: &mut GatewayReport,
) -> Result<Compared, Error> {
    let known = known_ids(context, &report.gateway, comparison.cursor.ts(), until).await?;
    let longer_than = comparison.long_calls.then_some(LONG_CALL.to_std().unwrap_or_default());
    let scan = Scan::ascending(comparison.cursor.clone(), until).longer_than(longer_than);
    let (cursor, seen, placed) = (comparison.cursor.clone(), comparison.seen.clone(), comparison.placed);
    let track = Reading { comparison: comparison.clone(), cursor, seen, placed, known };
    let Copied { track, report: copied } = copy::alone(context, &report.gateway, scan, track).await;
    if let Some(track) = track {
        *comparison = track.comparison;
    }
    report.add_late(&copied);
    let (found, failed) = (copied.entries, copied.error);
    let compared = match copied.ended {
        Ended::Complete => Compared::Finished { found, doubtful: false },
        Ended::Doubtful => Compared::Finished { found, doubtful: true },
        Ended::Pages | Ended::Time | Ended::Rate | Ended::Calls | Ended::Stopped => Compared::Unfinished,
        Ended::Failed => return failed.map_or(Ok(Compared::Unfinished), Err),
    };
    // Ids that could not be kept are told, and end nothing.
    report.error = report.error.take().or(failed);
    Ok(compared)
}

/// Whether the source's own count is what was seen. Entries come and go meanwhile, so where it is not it is asked again.
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

/// A comparison that is under way.
struct Reading {
    /// As of the last time that everything read was written: from there the next pass can go on.
    comparison: Comparison,
    /// How far the writing has come.
    cursor: Cursor,
    /// Entries read so far, by the start of their slot.
    seen: BTreeMap<Timestamp, u64>,
    /// And those that are placed.
    placed: u64,
    known: BTreeSet<String>,
}

impl Track for Reading {
    fn cursor(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    /// What was seen at the end is what counts.
    fn count(&mut self, _created_at: Timestamp, _is_long: Option<bool>) {}

    fn knows(&mut self, entry: &Entry) -> bool {
        let count = if entry.is_placed() {
            &mut self.placed
        } else {
            self.seen.entry(slots::floor(entry.created_at)).or_default()
        };
        *count += 1;
        self.known.contains(&entry.id)
    }

    fn settle(&mut self, cursor: &Cursor) {
        self.cursor.clone_from(cursor);
        self.comparison.cursor.clone_from(cursor);
        self.comparison.seen.clone_from(&self.seen);
        self.comparison.placed = self.placed;
    }
}

/// The ids that were delivered of a stretch of one day. What a store does not show yet is written again, and readers see it
/// once.
pub async fn known_ids<P: Platform>(
    context: &Context<'_, P>,
    gateway: &str,
    from: Timestamp,
    until: Timestamp,
) -> Result<BTreeSet<String>, Error> {
    let mut known = BTreeSet::new();
    let prefixes = segments::prefixes(gateway, from.date_naive());
    let overlaps = |metadata: &Metadata| metadata.overlaps(from, until);
    let show = |key: &str, value: &str| known.extend(segments::ids(key, value, gateway).map(Cow::into_owned));
    written::segments(context, &prefixes, overlaps, show).await?;
    Ok(known)
}
