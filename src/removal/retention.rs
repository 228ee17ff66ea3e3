//! Deletes the events of days that are too old, hour by hour of each org. Where there is an archive, an event goes only after
//! an object of the archive was read back and held it. And it goes only after its day is counted, because nobody can count it
//! later. Events that are so old are refused, so that none comes late.
//!
//! If we stop anywhere: an object without its deletion is completed by the next pass, which adds what the object lacks and
//! deletes what it holds. A part of a deletion leaves rows that the next pass finds in the object.

use chrono::{DurationRound, TimeDelta};
use serde_json::{Map, Value};

use super::object::{self, Key};
use crate::{
    database::{Database, Statement},
    error::CallError,
    event::EVENTS,
    host::Archive,
    plan::batch::{self, Limits},
    record::Cell,
    rollup::{self, Grain},
    time::{self, Timestamp},
};

/// The rows that one statement reads. Each has at most some 32 KiB.
const PAGE: usize = 1_000;

/// The rows that are in memory at once.
const MOST_TOGETHER: usize = 20_000;

/// The rows that one transaction deletes, and the bytes of their keys. A value of D1 has 2 MB at most.
/// developers.cloudflare.com/d1/platform/limits
const DELETED: Limits = Limits { rows: 5_000, bytes: 1_900_000 };

const HOUR: TimeDelta = TimeDelta::hours(1);

/// How long things are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Events.
    pub events: TimeDelta,
    /// What is counted of their hours. What is older is not counted any more.
    pub counts: TimeDelta,
}

/// What one pass may do.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Rows.
    pub rows: u64,
    /// Hours of an org.
    pub hours: u64,
}

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gone {
    /// Rows that were deleted.
    pub rows: u64,
    /// Hours of an org that they were of.
    pub hours: u64,
}

/// Deletes the events of every counted day that ended so long ago, the oldest of each org first. A further pass goes on where the
/// platform or `most` allows no more.
///
/// # Errors
/// If database or archive do not confirm a call. What was deleted before stays deleted.
pub async fn retain(
    database: &impl Database,
    archive: Option<&impl Archive>,
    now: Timestamp,
    retention: Retention,
    most: Most,
) -> Result<Gone, CallError> {
    // Only whole days: what is counted of a day and of its hours stays one.
    let before = Grain::Day.floor(now - retention.events);
    let mut gone = Gone::default();
    let mut org = first_org(database, "SELECT min(org) AS org FROM events_raw WHERE org >= ?1", "").await?;
    while let Some(name) = org {
        while let Some(at) = oldest(database, &name, before).await? {
            if gone.rows >= most.rows || gone.hours >= most.hours {
                return Ok(gone);
            }
            let is_due = at >= rollup::first(now, retention.counts);
            if is_due && !rollup::is_counted(database, at).await? {
                break;
            }
            gone.rows += part(database, archive, &name, at).await?;
            gone.hours += 1;
        }
        org = first_org(database, "SELECT min(org) AS org FROM events_raw WHERE org > ?1", &name).await?;
    }
    Ok(gone)
}

fn hour(at: Timestamp) -> Timestamp {
    at.duration_trunc(HOUR).unwrap_or(at)
}

async fn first_org(database: &impl Database, select: &str, after: &str) -> Result<Option<String>, CallError> {
    let lines = database.query(select, vec![Cell::Text(after.into())]).await?;
    Ok(lines.first().and_then(|line| Some(line.get("org")?.as_str()?.to_owned())))
}

/// The oldest hour of an org that has events.
async fn oldest(database: &impl Database, org: &str, before: Timestamp) -> Result<Option<Timestamp>, CallError> {
    let select = "SELECT min(created_at) AS oldest FROM events_raw WHERE org = ?1 AND created_at < ?2";
    let lines = database.query(select, vec![Cell::Text(org.into()), Cell::Text(time::text(before))]).await?;
    let oldest = lines.first().and_then(|line| line.get("oldest")?.as_str());
    let unreadable = || CallError::denied("events_raw has an instant that is none", "Delete that row by hand");
    oldest.map(|at| time::parse(at).map(hour).ok_or_else(unreadable)).transpose()
}

/// Archives and deletes the events of an hour, or the first ones of many.
async fn part(
    database: &impl Database,
    archive: Option<&impl Archive>,
    org: &str,
    at: Timestamp,
) -> Result<u64, CallError> {
    let columns = if archive.is_some() {
        EVENTS.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    } else {
        "created_at, id".into()
    };
    let rows = rows(database, &columns, org, at).await?;
    let keys: Option<Vec<_>> = rows.iter().map(|row| Key::of(org, row)).collect();
    let keys = keys.filter(|keys| !keys.is_empty());
    let keys = keys.ok_or_else(|| CallError::Broken("the database does not show the events that it counts".into()))?;
    if let Some(archive) = archive {
        keep(archive, &object::name(org, at), &rows, &keys).await?;
    }
    // Only now, and only these: an event that came meanwhile is not among them.
    let sizes: Vec<_> = keys.iter().map(|key| Value::from(key.id.as_str()).to_string().len() + 32).collect();
    for range in batch::cut(&sizes, DELETED) {
        database.run(deletion(org, at, &keys[range])).await?;
    }
    Ok(keys.len() as u64)
}

/// The statements of one transaction that deletes events of an hour of an org.
fn deletion(org: &str, at: Timestamp, keys: &[Key]) -> Vec<Statement> {
    let list: Value = keys.iter().map(|key| Value::from([key.created_at.as_str(), key.id.as_str()].to_vec())).collect();
    let delete = "DELETE FROM events_raw WHERE org = ?1 \
                  AND (created_at, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))";
    let delete = Statement::Sql(delete.into(), vec![Cell::Text(org.into()), Cell::Text(list.to_string())]);
    vec![rollup::finish(at), delete]
}

/// The first events of an hour, page by page.
async fn rows(
    database: &impl Database,
    columns: &str,
    org: &str,
    at: Timestamp,
) -> Result<Vec<Map<String, Value>>, CallError> {
    let mut rows: Vec<Map<String, Value>> = Vec::new();
    // The first instant belongs to the hour, whatever the id.
    let (mut follows, mut after) = (">=", (time::text(at), String::new()));
    while rows.len() < MOST_TOGETHER {
        let select = format!(
            "SELECT {columns} FROM events_raw WHERE org = ?1 AND created_at < ?2 AND (created_at, id) {follows} (?3, ?4) \
             ORDER BY created_at, id LIMIT {PAGE}"
        );
        let values = [org, &time::text(at + HOUR), &after.0, &after.1].map(|text| Cell::Text(text.into()));
        let page = database.query(&select, values.into()).await?;
        let is_last = page.len() < PAGE;
        rows.extend(page);
        let last = rows.last().and_then(|row| Key::of(org, row));
        let Some(last) = last.filter(|_| !is_last) else { break };
        (follows, after) = (">", (last.created_at, last.id));
    }
    Ok(rows)
}

/// Puts events into their object, and reads it back: it holds each of them then.
async fn keep(archive: &impl Archive, name: &str, rows: &[Map<String, Value>], keys: &[Key]) -> Result<(), CallError> {
    let read = |bytes: &[u8]| {
        let broken =
            |error| CallError::denied(format!("{name} of the archive cannot be read: {error}"), "Move it away");
        object::keys(bytes).map_err(broken)
    };
    let (bytes, version) = archive.get(name).await?.map(|object| (object.bytes, object.version)).unzip();
    let bytes = bytes.unwrap_or_default();
    let held = read(&bytes)?;
    if keys.iter().all(|key| held.contains(key)) {
        return Ok(());
    }
    let missing = rows.iter().zip(keys).filter(|(_, key)| !held.contains(*key)).map(|(row, _)| row);
    let lines = object::lines(missing).map_err(|error| CallError::Broken(error.to_string()))?;
    let mut whole = bytes;
    whole.extend(archive.pack(&lines).await?);
    archive.put(name, whole, version.as_deref()).await?;
    let lost = || CallError::Broken(format!("the archive does not hold what was written into {name}"));
    let held = read(&archive.get(name).await?.ok_or_else(lost)?.bytes)?;
    if keys.iter().all(|key| held.contains(key)) { Ok(()) } else { Err(lost()) }
}
