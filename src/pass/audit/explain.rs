//! The life of one log: whether the source shows it, whether it was written or refused, the counts of its time, and its
//! fate. Nothing is changed.

use std::slice;

use super::{
    delivered::{self, Delivered},
    ids,
};
use crate::{
    error::Error,
    host::{Host, call},
    pass::{Context, Platform, dead},
    plan::{
        segments::{self, Metadata},
        slots::{self, AGES, HOUR, LENGTH, Slot},
    },
    state::{Backfill, DAY, Finding, Position, midnight_of},
    time::Timestamp,
};

/// The table's answer about a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InTable {
    /// The table could not be asked.
    Unknown,
    /// The table does not have the log.
    Absent,
    /// The table has the log.
    Row {
        /// When the gateway logged the call, UTC.
        created_at: Timestamp,
        /// When the log was read, UTC.
        ingested_at: Timestamp,
        /// How many times readers see the log.
        seen: u32,
    },
}

/// Everything that is known of one log in one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Gateway id.
    pub gateway: String,
    /// Whether the source shows the log now.
    pub at_source: bool,
    /// When the gateway logged the call, UTC, if that is known.
    pub created_at: Option<Timestamp>,
    /// Keys of the segments that hold the log's id, and when each was written, UTC.
    pub segments: Vec<(String, Option<Timestamp>)>,
    /// The key of its dead letter, and the sink's reason.
    pub dead: Option<(String, String)>,
    /// The table's answer.
    pub table: InTable,
    /// The start of the log's slot, and the slot itself, if it is kept.
    pub slot: Option<(Timestamp, Slot)>,
    /// The ledger's finding for its hour.
    pub hour: Option<Finding>,
    /// The history's finding for its day.
    pub day: Option<Finding>,
    /// The fate that follows.
    pub fate: Fate,
}

/// The fate of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is delivered.
    Delivered,
    /// The sink will never take it.
    Dead,
    /// It is younger than `SETTLE_SECONDS`: forward reads it after this instant, UTC.
    Settling(Timestamp),
    /// Forward has not reached it yet, and reads it next.
    Next,
    /// The backfill has not reached it yet. It has come down to this instant, UTC.
    Backfill(Timestamp),
    /// It is before `backfill_stop_at`, UTC.
    Excluded(Timestamp),
    /// It appeared late. Its time is counted again after this instant, UTC, and then it is written.
    Counted(Timestamp),
    /// It is so old that its id may have expired, or another program has delivered its time.
    Forgotten,
    /// It should be delivered, but is not, and no further count is due.
    Missing,
    /// The source does not show it, and it was never written.
    Nowhere,
}

/// Tells the life of a log in a gateway. `table` is the table's answer.
///
/// # Errors
/// If the source or the state does not answer, or has a form that this program does not know.
pub async fn explain<P: Platform>(
    context: &Context<'_, P>,
    gateway: &str,
    id: &str,
    table: InTable,
) -> Result<Life, Error> {
    let request = context.source.find(gateway, id);
    let found = call(&context.host, &request, |response| context.source.read_found(response, id)).await;
    let found = found.map_err(|error| Error::Source { gateway: gateway.to_owned(), error })?;
    let mut letters = dead::letters_of(&context.state, gateway).await?.into_iter();
    let letter = letters.find(|(_, letter)| letter.id() == id);
    let in_table = match table {
        InTable::Row { created_at, .. } => Some(created_at),
        InTable::Unknown | InTable::Absent => None,
    };
    let refused_at = letter.as_ref().and_then(|(_, letter)| letter.created_at());
    let shown = found.as_ref().filter(|entry| !entry.is_placed()).map(|entry| entry.created_at);
    let created_at = shown.or(in_table).or(refused_at);
    let mut life = Life {
        gateway: gateway.to_owned(),
        at_source: found.is_some(),
        created_at,
        segments: holding(context, gateway, id, created_at).await?,
        dead: letter.map(|(key, letter)| (key, letter.reason)),
        table,
        slot: None,
        hour: None,
        day: None,
        fate: Fate::Nowhere,
    };
    place(context, &mut life).await?;
    Ok(life)
}

/// The gateways to ask if the caller names none.
///
/// # Errors
/// If the settings mean all gateways of the account, and these cannot be listed.
pub async fn gateways<P: Platform>(context: &Context<'_, P>) -> Result<Vec<String>, Error> {
    context.gateways().await.map(|(gateways, _)| gateways)
}

/// Looks up the counts of the log's time, and its fate.
async fn place<P: Platform>(context: &Context<'_, P>, life: &mut Life) -> Result<(), Error> {
    let (forward, oldest, stop) = delivered::load(context, slice::from_ref(&life.gateway)).await?;
    let (position, backfill) = (forward.get(&life.gateway), oldest.get(&life.gateway));
    let now = context.host.now();
    let waits = |created_at: Timestamp| {
        let settled = created_at + context.config.settle;
        if settled > now { Fate::Settling(settled) } else { Fate::Next }
    };
    let known = known(life);
    let (Some(created_at), Some(position)) = (life.created_at, position) else {
        life.fate = known.unwrap_or_else(|| life.created_at.map_or(Fate::Nowhere, waits));
        return Ok(());
    };
    let mut delivered = Delivered::new(&life.gateway, position, backfill, now);
    let slot = slots::floor(created_at);
    life.slot = position.slots.iter().find(|(start, _)| *start == slot);
    life.hour = delivered.hour(context, slots::floor_hour(created_at)).await?;
    life.day = delivered.day(context, created_at.date_naive()).await?;
    life.fate = known.unwrap_or_else(|| {
        if created_at >= delivered.until() {
            return waits(created_at);
        }
        match delivered.from(stop).filter(|from| created_at < *from) {
            Some(from) => stop.filter(|stop| created_at < *stop).map_or(Fate::Backfill(from), Fate::Excluded),
            None if created_at < delivered.ids_from(context) => Fate::Forgotten,
            None => next_count(position, backfill, created_at).map_or(Fate::Missing, Fate::Counted),
        }
    });
    Ok(())
}

/// The fate, if it does not depend on the cursors.
fn known(life: &Life) -> Option<Fate> {
    match (life.table, &life.dead, life.segments.is_empty()) {
        (InTable::Row { .. }, None, _) | (InTable::Unknown, None, false) => Some(Fate::Delivered),
        // Its id is among the written ids too: no pass reads it again. Another sink than the one that was asked may have
        // refused it.
        (_, Some(_), _) => Some(Fate::Dead),
        // It was written, and is gone from the table. No pass will write it again.
        (InTable::Absent, None, false) => Some(Fate::Missing),
        (InTable::Unknown | InTable::Absent, None, true) => (!life.at_source).then_some(Fate::Nowhere),
    }
}

/// The time of an entry is counted again after this instant, UTC. None: never.
fn next_count(position: &Position, backfill: Option<&Backfill>, created_at: Timestamp) -> Option<Timestamp> {
    if position.counted_from.is_some_and(|from| from <= created_at) {
        let start = slots::floor(created_at);
        let filled = position.slots.iter().any(|(slot, known)| slot == start && known.delivered > 0);
        let end = if filled { start + LENGTH } else { slots::floor_hour(created_at) + HOUR };
        let left = position.counted.into_iter().flatten().zip(AGES).filter(|(counted, _)| *counted <= created_at);
        return left.map(|(_, age)| end + age).min();
    }
    let [.., last] = AGES;
    let counted = backfill?.counted?;
    match counted.recent {
        Some(recent) if (recent.from..recent.until).contains(&created_at) => Some(recent.until + last),
        Some(_) | None => (created_at < counted.down_to).then(|| midnight_of(created_at.date_naive()) + DAY + last),
    }
}

/// The segments that hold an id: the segments of its day, or of all days if its day is not known.
async fn holding<P: Platform>(
    context: &Context<'_, P>,
    gateway: &str,
    id: &str,
    created_at: Option<Timestamp>,
) -> Result<Vec<(String, Option<Timestamp>)>, Error> {
    let all = || segments::all_prefixes(gateway);
    let prefixes = created_at.map_or_else(all, |at| segments::prefixes(gateway, at.date_naive()));
    let may_hold = |metadata: &Metadata| created_at.is_none_or(|at| metadata.from <= at && at <= metadata.to);
    let mut found = Vec::new();
    let note = |key: &str, _: Option<Metadata>, value: &str| {
        if segments::ids(key, value, gateway).any(|written| written == id) {
            found.push((key.to_owned(), segments::written(key)));
        }
    };
    ids::segments(context, &prefixes, may_hold, note).await?;
    Ok(found)
}
