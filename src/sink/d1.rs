//! Writes rows into D1: the database that is bound to the Worker, or one over Cloudflare's REST API. Its tables and views
//! are those of a SQLite file.

use std::{collections::BTreeSet, ops::Range};

use serde_json::{Map, Value};

use super::{Outcome, Rejected, Sink};
use crate::{
    database::{Database, Statement, is_of_values, lists, upsert_of_json},
    error::CallError,
    record::{Cell, Record, Table},
    rollup,
    time::{self, Timestamp},
};

/// Rows of a write. Together they have some 300 KB, of the 2 MB that one value of D1 holds.
const BATCH: usize = 500;

/// Ids of one answer, which then has 2 MB.
const PAGE: i64 = 20_000;

/// A log has one row, by its key. Instants are texts of one length, so they compare as texts.
const COUNT: &str =
    "SELECT count(*) AS logs FROM aig_logs_raw WHERE gateway = ?1 AND created_at >= ?2 AND created_at < ?3";

/// A page of the ids, after the log with the instant `?2` and the id `?4`. It reads the key alone, and each row once.
const IDS: &str = "SELECT created_at, id FROM aig_logs_raw WHERE gateway = ?1 AND (created_at, id) > (?2, ?4) \
                   AND created_at < ?3 ORDER BY created_at, id LIMIT ?5";

/// A database of D1 with the tables of `sql/sqlite/`.
#[derive(Debug)]
pub struct D1Sink<D> {
    database: D,
}

impl<D: Database> D1Sink<D> {
    /// Writes into this database, which already has its tables.
    #[must_use]
    pub fn new(database: D) -> Self {
        Self { database }
    }

    /// Writes records of one table in one transaction. Returns the places of those that changed nothing.
    async fn known(&self, table: &Table, records: &[Record], lists: Vec<String>) -> Result<Vec<usize>, CallError> {
        // A key that is returned costs no row written. It is two rows read, which together cost a five-hundredth of one.
        let text = format!("{} RETURNING {}", upsert_of_json(table), table.key.join(", "));
        let statements = lists.into_iter().map(|list| Statement::Sql(text.clone().into(), vec![Cell::Text(list)]));
        // Which of the records change something is told too late: all of them are noted.
        let statements = statements.chain(rollup::note(records, time::END));
        let done = self.database.run(statements.collect()).await?;
        // In practice they come in the order of the records, so that each is found at once.
        let mut changed: Vec<_> = done.iter().flat_map(|done| &done.rows).map(|row| key_of_row(table, row)).collect();
        let mut known = Vec::new();
        for (place, record) in records.iter().enumerate() {
            // A key that is in the batch several times is returned as often as it changed something. Which of its records
            // did is not told: they are one log.
            let key = key_of_record(record);
            match changed.iter().position(|changed| *changed == key) {
                Some(found) => drop(changed.remove(found)),
                None => known.push(place),
            }
        }
        Ok(known)
    }
}

impl<D: Database> Sink for D1Sink<D> {
    fn name(&self) -> &'static str {
        "D1"
    }

    fn batch(&self) -> usize {
        BATCH
    }

    /// One transaction, unless D1 never takes some of the records: then halves are written, down to single records.
    async fn write(&self, records: &[Record]) -> Result<Outcome, CallError> {
        let Some(table) = records.first().map(|record| record.table) else { return Ok(Outcome::default()) };
        let mut outcome = Outcome::default();
        // Refusals of the database itself.
        let mut refused = 0;
        // Parts that are still to be written, each with the place of its first record.
        let mut left = vec![(0, records)];
        while let Some((first, part)) = left.pop() {
            let (error, is_refused) = match lists(part) {
                Err(error) => (error, false),
                Ok(lists) => match self.known(table, part, lists).await {
                    Ok(known) => {
                        outcome.known.extend(known.into_iter().map(|place| first + place));
                        continue;
                    }
                    Err(error) if is_of_values(&error) => (error, true),
                    Err(error) => return Err(error),
                },
            };
            if let [_] = part {
                refused += usize::from(is_refused);
                if refused == records.len() && refused > 1 {
                    // If it takes none of several, the table is to blame. Nothing is written.
                    return Err(error);
                }
                outcome.rejected.push(Rejected { index: first, reason: reason(error) });
            } else {
                let (front, back) = part.split_at(part.len() / 2);
                left.extend([(first + front.len(), back), (first, front)]);
            }
        }
        Ok(outcome)
    }

    async fn count(&self, gateway: &str, time: &Range<Timestamp>) -> Result<Option<u64>, CallError> {
        let rows = self.database.query(COUNT, of_a_time(gateway, time)).await?;
        let counted = rows.first().and_then(|row| row.get("logs")?.as_u64());
        counted.map(Some).ok_or_else(|| CallError::Broken("D1 does not tell how many rows it has".into()))
    }

    async fn ids(&self, gateway: &str, time: &Range<Timestamp>) -> Result<Option<BTreeSet<String>>, CallError> {
        let mut ids = BTreeSet::new();
        let mut values = of_a_time(gateway, time);
        // An empty id comes before all others.
        values.extend([Cell::Text(String::new()), Cell::Integer(PAGE)]);
        loop {
            let rows = self.database.query(IDS, values.clone()).await?;
            let read = rows.len();
            for mut row in rows {
                let mut text = |column| match row.remove(column) {
                    Some(Value::String(text)) => Ok(text),
                    _ => Err(CallError::Broken(format!("D1 shows a row without {column}"))),
                };
                let (created_at, id) = (text("created_at")?, text("id")?);
                values[1] = Cell::Text(created_at);
                values[3] = Cell::Text(id.clone());
                ids.insert(id);
            }
            if i64::try_from(read).is_ok_and(|read| read < PAGE) {
                return Ok(Some(ids));
            }
        }
    }
}

fn of_a_time(gateway: &str, time: &Range<Timestamp>) -> Vec<Cell> {
    vec![Cell::Text(gateway.to_owned()), Cell::Instant(time.start), Cell::Instant(time.end)]
}

/// The key of a record, whose columns are texts and instants.
fn key_of_record(record: &Record) -> String {
    let text = |column: &&str| match record.cell(column) {
        Some(Cell::Text(text)) => text.clone(),
        Some(Cell::Instant(instant)) => time::text(*instant),
        Some(Cell::Null | Cell::Integer(_) | Cell::Float(_) | Cell::Bool(_)) | None => String::new(),
    };
    record.table.key.iter().map(text).collect::<Vec<_>>().join("\0")
}

/// The same, of the line that D1 returns.
fn key_of_row(table: &Table, row: &Map<String, Value>) -> String {
    let text = |column: &&str| row.get(*column).and_then(Value::as_str).unwrap_or_default();
    table.key.iter().map(text).collect::<Vec<_>>().join("\0")
}

/// Why a record is not taken, without the hint of who sends it.
fn reason(error: CallError) -> String {
    match error {
        CallError::Denied { message, .. } => message,
        other @ (CallError::Silent(_)
        | CallError::Refused(_)
        | CallError::Throttled { .. }
        | CallError::Broken(_)
        | CallError::TooLarge { .. }) => other.to_string(),
    }
}
