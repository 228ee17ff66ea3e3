//! A pass over what is due: spans that have changed since they were counted, and those that have ended and are not counted.
//!
//! What is counted never has a gap, wherever a pass stops: it grows forward from the last span, and backward from the first
//! one. Spans without rows are counted together. A span that cannot be counted is noted as changed, so that it keeps up no
//! other one: until a later pass succeeds, its rows are read.

use chrono::TimeDelta;
use serde_json::{Map, Value};

use super::{
    Grain, SETTLED, Source, first,
    statements::{count, count_empty, first_row, forget, last_row, postpone},
};
use crate::{
    database::{Database, Statement},
    error::CallError,
    log::metadata::path,
    record::Cell,
    time::{self, Timestamp},
};

/// The first and the last span that is counted, and those that have changed, as JSON.
const KNOWN: &str = "SELECT min(start) AS first, max(start) AS last, \
                     json_group_array(start) FILTER (WHERE state = 0) AS changed \
                     FROM rollup_spans WHERE source = ?1 AND grain = ?2";

/// What a pass has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Spans that it has counted, and groups of spans without rows.
    pub spans: usize,
    /// Lines written, of all tables.
    pub written: u64,
}

/// Counts so many spans that are due, or one more, hours before days, and forgets days that are too old. Fewer: nothing more is
/// due. `org_metadata` is the metadata key that holds the org of a log.
///
/// # Errors
/// If the database does not confirm a span, what it said of the first one. The others are counted, if it answers at all.
pub async fn pass(
    database: &impl Database,
    org_metadata: &str,
    retention: TimeDelta,
    now: Timestamp,
    most: usize,
) -> Result<Counted, CallError> {
    let since = first(now, retention);
    let mut pass = Pass { database, org_metadata, since, most, counted: Counted::default(), failed: None };
    // Whose days are counted is told by the hours, so that these stay longer.
    for grain in [Grain::Day, Grain::Hour] {
        for source in Source::ALL {
            pass.forget(source, grain).await?;
        }
    }
    for grain in Grain::ALL {
        for source in Source::ALL {
            pass.count_due(source, grain, now).await?;
        }
    }
    pass.failed.map_or(Ok(pass.counted), Err)
}

struct Pass<'a, D> {
    database: &'a D,
    org_metadata: &'a str,
    /// The beginning of the first day that is kept.
    since: Timestamp,
    most: usize,
    counted: Counted,
    /// What the database said of the first span that it could not count.
    failed: Option<CallError>,
}

impl<D: Database> Pass<'_, D> {
    fn is_full(&self) -> bool {
        self.counted.spans >= self.most
    }

    async fn count_due(&mut self, source: Source, grain: Grain, now: Timestamp) -> Result<(), CallError> {
        let known = self.known(source, grain).await?;
        for start in changed(&known) {
            if self.is_full() {
                return Ok(());
            }
            self.count(source, grain, start).await?;
        }
        let length = grain.length();
        // The beginning of the first span that may not be counted yet.
        let end = grain.floor(now - SETTLED);
        let mut next = instant(&known, "last").map_or(end, |last| last + length);
        while next < end && !self.is_full() {
            let row = self.row(&first_row(source), &[next, end]).await?;
            let start = row.map_or(end, |row| grain.floor(row));
            if !self.count_empty(source, grain, next, start).await? {
                return Ok(());
            }
            if start < end {
                self.count(source, grain, start).await?;
            }
            next = start + length;
        }
        let mut before = instant(&known, "first").unwrap_or(end);
        while !self.is_full() {
            let row = self.row(&last_row(source), &[before]).await?;
            let Some(row) = row.filter(|row| *row >= self.since) else { break };
            let start = grain.floor(row);
            if !self.count_empty(source, grain, start + length, before).await? {
                return Ok(());
            }
            self.count(source, grain, start).await?;
            before = start;
        }
        Ok(())
    }

    /// Forgets what is too old, the oldest day first.
    async fn forget(&mut self, source: Source, grain: Grain) -> Result<(), CallError> {
        while !self.is_full()
            && let known = self.known(source, grain).await?
            && let Some(first) = instant(&known, "first").filter(|first| *first < self.since)
        {
            let day = Grain::Day.floor(first);
            self.run(forget(source, grain, &self.values(day, day + Grain::Day.length()))).await?;
        }
        Ok(())
    }

    /// What is known of the spans of a source and a grain.
    async fn known(&self, source: Source, grain: Grain) -> Result<Map<String, Value>, CallError> {
        let names = [source.name(), grain.name()].map(|name| Cell::Text(name.into()));
        Ok(self.database.query(KNOWN, names.into()).await?.into_iter().next().unwrap_or_default())
    }

    async fn count(&mut self, source: Source, grain: Grain, start: Timestamp) -> Result<(), CallError> {
        let values = self.values(start, start + grain.length());
        if let Err(error) = self.run(count(source, grain, &values)).await {
            self.run(vec![postpone(source, grain, &values)]).await?;
            self.failed.get_or_insert(error);
        }
        Ok(())
    }

    fn values(&self, start: Timestamp, end: Timestamp) -> [Cell; 3] {
        [Cell::Text(time::text(start)), Cell::Text(time::text(end)), Cell::Text(path(self.org_metadata))]
    }

    /// Notes that spans have no rows, if there are such. Whether it is so: a row may have come meanwhile, and the next pass
    /// finds it.
    async fn count_empty(
        &mut self,
        source: Source,
        grain: Grain,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<bool, CallError> {
        if since >= until {
            return Ok(true);
        }
        let statement = count_empty(source, grain, &time::text(since), &time::text(until));
        Ok(self.run(vec![statement]).await? > 0)
    }

    /// Runs the statements of a span: the lines that are new or different.
    async fn run(&mut self, statements: Vec<Statement>) -> Result<u64, CallError> {
        let done = self.database.run(statements).await?;
        self.counted.spans += 1;
        self.counted.written += done.iter().map(|done| done.rows_written).sum::<u64>();
        Ok(done.iter().map(|done| done.changed).sum())
    }

    async fn row(&self, select: &str, instants: &[Timestamp]) -> Result<Option<Timestamp>, CallError> {
        let values = instants.iter().map(|at| Cell::Text(time::text(*at))).collect();
        Ok(self.database.query(select, values).await?.first().and_then(|line| instant(line, "at")))
    }
}

/// The spans that have changed, the latest first.
fn changed(known: &Map<String, Value>) -> Vec<Timestamp> {
    let list = known.get("changed").and_then(Value::as_str).and_then(|list| serde_json::from_str(list).ok());
    let starts: Vec<String> = list.unwrap_or_default();
    starts.iter().rev().filter_map(|start| time::parse(start)).collect()
}

fn instant(line: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    line.get(name).and_then(Value::as_str).and_then(time::parse)
}
