//! The life of one log: at the source or not, written or not, refused or not, what the counts say of its time, and what
//! follows. Nothing is changed.

use super::{delivered::Delivered, ids};
use crate::{
    error::Error,
    host::{Host, call},
    pass::{Context, Platform, dead},
    plan::{
        segments::{self, Metadata},
        slots::{self, AGES, HOUR, LENGTH, Slot},
    },
    state::{self, Backfill, DAY, Finding, Forward, Oldest, Position, midnight_of},
    time::Timestamp,
};

/// What a table says of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InTable {
    /// It could not be asked.
    Unknown,
    /// It has no such row.
    Absent,
    /// It has.
    Row {
        /// The log's, UTC.
        created_at: Timestamp,
        /// When the log was read, UTC.
        ingested_at: Timestamp,
        /// How many times readers see it.
        seen: u32,
    },
}

/// What is known of one log in one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Gateway id.
    pub gateway: String,
    /// Whether the source shows it now.
    pub at_source: bool,
    /// UTC, where it is known.
    pub created_at: Option<Timestamp>,
    /// Keys of the segments that hold its id, and when each was written, UTC.
    pub segments: Vec<(String, Option<Timestamp>)>,
    /// The key under which it is a dead letter, and the sink's reason.
    pub dead: Option<(String, String)>,
    /// What the table says.
    pub table: InTable,
    /// The ten minutes that it lies in, where they are kept: start, and what is known of them.
    pub slot: Option<(Timestamp, Slot)>,
    /// Its hour in the ledger.
    pub hour: Option<Finding>,
    /// Its day in the history.
    pub day: Option<Finding>,
    /// What follows.
    pub fate: Fate,
}

/// What becomes of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is where it belongs.
    Delivered,
    /// The sink will never take it.
    Dead,
    /// It is younger than `SETTLE_SECONDS`: forward reads it after this instant, UTC.
    Settling(Timestamp),
    /// Forward has not come to it yet, and reads it next.
    Next,
    /// The backfill has not come down to it; it has come to this instant, UTC.
    Backfill(Timestamp),
    /// It lies before `backfill_stop_at`, UTC.
    Excluded(Timestamp),
    /// It appeared late. Its time is counted once more after this instant, UTC, and then it is written.
    Counted(Timestamp),
    /// It lies so far back that its id may be gone, or another program has delivered what is there.
    Forgotten,
    /// It should be there, and no further count is due.
    Missing,
    /// The source does not show it, and it was never written.
    Nowhere,
}

/// Tells the life of a log in a gateway, of which the table says `table`.
///
/// # Errors
/// If the source or the state does not answer, or holds what this program does not know.
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

/// The gateways to ask where nobody names one.
///
/// # Errors
/// If they are all of the account, and could not be had.
pub async fn gateways<P: Platform>(context: &Context<'_, P>) -> Result<Vec<String>, Error> {
    context.gateways().await.map(|(gateways, _)| gateways)
}

/// Looks for what the counts say of its time, and for what follows.
async fn place<P: Platform>(context: &Context<'_, P>, life: &mut Life) -> Result<(), Error> {
    let names = [life.gateway.clone()];
    let [forward, oldest, stop] = context.load([state::FORWARD, state::OLDEST, state::BACKFILL_STOP_AT]).await?;
    let forward = forward.map(|text| Forward::from_json(state::FORWARD, &text, &names)).transpose()?;
    let oldest = oldest.map(|text| Oldest::read(&text, &names)).transpose()?;
    let stop = stop.map(|text| state::read_stop(&text)).transpose()?;
    let position = forward.and_then(|mut forward| forward.by_id.remove(&life.gateway));
    let backfill = oldest.and_then(|mut oldest| oldest.by_id.remove(&life.gateway));
    let now = context.host.now();
    let waits = |created_at: Timestamp| {
        let settled = created_at + context.config.settle;
        if settled > now { Fate::Settling(settled) } else { Fate::Next }
    };
    let known = known(life);
    let (Some(created_at), Some(position)) = (life.created_at, &position) else {
        life.fate = known.unwrap_or_else(|| life.created_at.map_or(Fate::Nowhere, waits));
        return Ok(());
    };
    let mut delivered = Delivered::new(&life.gateway, position, backfill.as_ref(), now);
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
            None => next_count(position, backfill.as_ref(), created_at).map_or(Fate::Missing, Fate::Counted),
        }
    });
    Ok(())
}

/// What follows whatever the cursors say.
fn known(life: &Life) -> Option<Fate> {
    match (life.table, &life.dead, life.segments.is_empty()) {
        (InTable::Row { .. }, _, _) | (InTable::Unknown, None, false) => Some(Fate::Delivered),
        // Its id is among those written, too: it is done with.
        (InTable::Unknown | InTable::Absent, Some(_), _) => Some(Fate::Dead),
        // Written, and gone from the table: no pass will write it again.
        (InTable::Absent, None, false) => Some(Fate::Missing),
        (InTable::Unknown | InTable::Absent, None, true) => (!life.at_source).then_some(Fate::Nowhere),
    }
}

/// After which instant the time of an entry is counted once more, UTC. None: never.
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

/// The segments that hold an id: those of its day, or where that is not known those of all days.
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
    let note = |key: &str, value: &str| {
        if segments::ids(key, value, gateway).any(|written| written == id) {
            found.push((key.to_owned(), segments::written(key)));
        }
    };
    ids::segments(context, &prefixes, may_hold, note).await?;
    Ok(found)
}
