//! The verification: counts each stretch at the source when it is ten minutes, an hour and a day old, reads again where the
//! count is another than what was delivered, and keeps the ledger. It goes with the forward pass, after it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, GatewayReport, copy::Copy, pace::Pace, unwritable};
use crate::{
    entry::Entry,
    error::Error,
    gateway,
    host::{Host, Store, call},
    plan::{
        budget::Ended,
        cursor::{Cursor, Direction, Query, Scan},
        segments::{self, Metadata},
        slots::{self, Slots, Stretch},
    },
    sink::Sink,
    state::{Comparison, Ledger, Position, Track},
    time::Timestamp,
};

/// Counts of one pass for each gateway. More are due only after hours without a pass, and then a few passes catch up.
const MOST_COUNTS: u32 = 12;

/// Segments whose ids are read at once: 10,000 ids of some 30 bytes each at most, and KV gives 25 MiB.
const SEGMENTS: usize = 50;

/// Counts what is due of one gateway, of which everything before `until` is delivered, and mends what is short.
pub async fn verify<H: Host, S: Store, K: Sink>(
    context: &Context<'_, H, S, K>,
    until: Timestamp,
    position: &mut Position,
    report: &mut GatewayReport,
) -> Result<(), Error> {
    let before = position.clone();
    let mut changed = BTreeSet::new();
    let result = count_and_compare(context, until, position, report, &mut changed).await;
    if let (Some([before, ..]), Some([after, ..])) = (before.counted, position.counted) {
        changed.extend(slots::hours(before, after));
    }
    // That no further call is allowed is no failure.
    let result = result.or_else(|error| if context.is_out_of_calls(&error) { Ok(()) } else { Err(error) });
    let recorded = record(context, &report.gateway, position, &changed).await;
    if recorded.is_err() {
        // What the ledger does not say is counted once more.
        *position = before;
    }
    recorded.and(result)
}

async fn count_and_compare<H: Host, S: Store, K: Sink>(
    context: &Context<'_, H, S, K>,
    until: Timestamp,
    position: &mut Position,
    report: &mut GatewayReport,
    changed: &mut BTreeSet<Timestamp>,
) -> Result<(), Error> {
    let mut pace = Pace::default();
    loop {
        let now = context.host.now();
        let due = position.due(until, now);
        let nothing_to_do = position.comparison.is_none() && due.is_none();
        if nothing_to_do || report.counts >= MOST_COUNTS || pace.end_or_hold_back(context, 0).await.is_some() {
            return Ok(());
        }
        if let Some(comparison) = position.comparison.take() {
            changed.insert(slots::floor_hour(comparison.from));
            if !compare(context, comparison, position, report, &mut pace).await? {
                return Ok(());
            }
            continue;
        }
        let Some(stretch) = due else { return Ok(()) };
        let source = count(context, &stretch, report, &mut pace).await?;
        if source == Some(stretch.expected) {
            if position.slots.confirm(&stretch) {
                changed.insert(slots::floor_hour(stretch.from));
            }
            position.advance(&stretch, now);
        } else {
            position.slots.doubt(&stretch);
            position.comparison = Some(Comparison::new(&stretch, source, now));
        }
    }
}

async fn count<H: Host, S: Store, K: Sink>(
    context: &Context<'_, H, S, K>,
    stretch: &Stretch,
    report: &mut GatewayReport,
    pace: &mut Pace,
) -> Result<Option<u64>, Error> {
    let gateway = &report.gateway;
    let query = Query { from: Some(stretch.from), until: stretch.until, direction: Direction::Ascending, page: 1 };
    let request = gateway::count(&context.config.source, gateway, &query);
    let counted = call(&context.host, &request, |response| gateway::read_page(response, &query)).await;
    let counted = counted.map_err(|error| Error::Source { gateway: gateway.clone(), error })?;
    pace.note(counted.rate);
    report.counts += 1;
    Ok(counted.total)
}

/// Reads a stretch again, and writes what was not delivered of it. Whether it came to the end of it; if not, what it has
/// done is remembered, and the next pass goes on.
async fn compare<H: Host, S: Store, K: Sink>(
    context: &Context<'_, H, S, K>,
    comparison: Comparison,
    position: &mut Position,
    report: &mut GatewayReport,
    pace: &mut Pace,
) -> Result<bool, Error> {
    let known = known_ids(context, &report.gateway, &comparison).await?;
    let scan = Scan::ascending(comparison.cursor.clone(), comparison.until);
    let (cursor, seen) = (comparison.cursor.clone(), comparison.seen.clone());
    let track = Reading { comparison, cursor, seen, known, slots: position.slots.clone() };
    let mut copy = Copy::new(context, &report.gateway, scan, track);
    let ended = loop {
        let ended = copy.run().await;
        context.keep(&report.gateway, std::mem::take(&mut copy.written)).await?;
        // Not before: a dead letter that was not kept must not count as delivered.
        position.slots.clone_from(&copy.track.slots);
        if let Some(ended) = ended {
            break ended;
        }
    };
    let Copy { track: Reading { comparison, .. }, report: found, .. } = copy;
    report.add(&found);
    position.pass(&comparison.cursor);
    if ended == Ended::Failed {
        return found.error.map_or(Ok(false), Err);
    }
    let comparison = position.comparison.insert(comparison).clone();
    if !matches!(ended, Ended::Complete | Ended::Doubtful) {
        return Ok(false);
    }
    let honest = ended == Ended::Complete && is_honest(context, &comparison, report, pace).await?;
    position.comparison = None;
    position.slots.compared(&comparison.stretch(), &comparison.seen, honest);
    position.advance(&comparison.stretch(), comparison.begun);
    Ok(true)
}

/// Whether the source's own count is what was seen. Entries come and go meanwhile, so where it is not it is asked again.
async fn is_honest<H: Host, S: Store, K: Sink>(
    context: &Context<'_, H, S, K>,
    comparison: &Comparison,
    report: &mut GatewayReport,
    pace: &mut Pace,
) -> Result<bool, Error> {
    let seen: u64 = comparison.seen.values().sum();
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
    known: BTreeSet<String>,
    /// With what was written so far.
    slots: Slots,
}

impl Track for Reading {
    fn cursor(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    fn count(&mut self, created_at: Timestamp) {
        self.slots.deliver(created_at);
    }

    fn knows(&mut self, entry: &Entry) -> bool {
        *self.seen.entry(slots::floor(entry.created_at)).or_default() += 1;
        self.known.contains(&entry.id)
    }

    fn settle(&mut self, cursor: &Cursor) {
        self.cursor.clone_from(cursor);
        self.comparison.cursor.clone_from(cursor);
        self.comparison.seen.clone_from(&self.seen);
    }
}

/// The ids that were delivered of a stretch. What a store does not show yet is written again, and readers see it once.
async fn known_ids<H: Host, S: Store, K: Sink>(
    context: &Context<'_, H, S, K>,
    gateway: &str,
    comparison: &Comparison,
) -> Result<BTreeSet<String>, Error> {
    let mut keys = Vec::new();
    for prefix in segments::prefixes(gateway, comparison.from.date_naive()) {
        let unreadable = |error| Error::Store { action: "loading", key: prefix.clone(), error };
        let mut cursor: Option<String> = None;
        loop {
            let listing = context.ids.list(&prefix, cursor.as_deref()).await.map_err(unreadable)?;
            for (key, metadata) in listing.keys {
                let metadata = metadata.and_then(|value| serde_json::from_value::<Metadata>(value).ok());
                if metadata.is_none_or(|metadata| metadata.overlaps(comparison.from, comparison.until)) {
                    keys.push(key);
                }
            }
            cursor = listing.cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    let mut known = BTreeSet::new();
    for keys in keys.chunks(SEGMENTS) {
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let values = context.ids.get_many(&keys).await;
        let values = values.map_err(|error| Error::Store { action: "loading", key: keys.join(", "), error })?;
        known.extend(values.iter().flatten().flat_map(|text| text.lines()).map(str::to_owned));
    }
    Ok(known)
}

/// Keeps the ledger of the days in which hours have changed. All hours that are known are noted, so that one which a stale
/// read of the ledger lacks comes back.
async fn record<H: Host, S: Store, K: Sink>(
    context: &Context<'_, H, S, K>,
    gateway: &str,
    position: &Position,
    changed: &BTreeSet<Timestamp>,
) -> Result<(), Error> {
    let now = context.host.now();
    let over = changed.iter().filter(|hour| position.is_over(**hour));
    let dates: BTreeSet<_> = over.map(Timestamp::date_naive).collect();
    for date in dates {
        let hours = position.hours(changed, date, now);
        let key = Ledger::key(gateway, date);
        let [stored] = context.load([key.as_str()]).await?;
        let known = stored.as_ref().map_or_else(|| Ok(Ledger::default()), |text| Ledger::from_json(&key, text))?;
        let mut ledger = known.clone();
        for (hour, sum) in hours {
            ledger.note(hour, &sum, now);
        }
        if ledger != known {
            let value = ledger.to_json().map_err(|error| unwritable(&key, &error))?;
            context.save(&key, &value).await?;
        }
    }
    Ok(())
}
