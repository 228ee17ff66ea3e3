//! Closed hours and days, counted once, so that questions need not read their rows.
//!
//! A span is an hour or a day of UTC. It is counted some minutes after its end, and again after one of its rows has
//! changed: whoever writes a row notes its span in the same transaction. What is counted is only ever made anew from the
//! rows, and so a span that is not noted says what its rows say, unless somebody's own SQL has changed them.

pub mod bucket;
pub mod keys;
mod lines;
mod pass;
mod statements;

use chrono::{DateTime, TimeDelta};

pub use self::pass::{Counted, pass};
use crate::{
    database::{Database, Statement},
    error::CallError,
    event::EVENTS,
    log::columns::LOGS,
    record::{Cell, Record, Table},
    time::{self, Timestamp},
};

/// How long after its end a span is counted. Until then most rows have come.
pub const SETTLED: TimeDelta = TimeDelta::minutes(10);

/// Where rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The application's events.
    Events,
    /// AI Gateway's logs.
    Logs,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 2] = [Self::Events, Self::Logs];

    /// Its name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Logs => "logs",
        }
    }

    /// Where the records of a table come from; none: they are not counted.
    fn of(table: &Table) -> Option<Self> {
        let tables = [(&EVENTS, Self::Events), (&LOGS, Self::Logs)];
        tables.into_iter().find(|(known, _)| known.name == table.name).map(|(_, source)| source)
    }
}

/// How long a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// An hour of UTC.
    Hour,
    /// A day of UTC.
    Day,
}

impl Grain {
    /// Every grain. A day is made of hours, so hours come first.
    pub const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// Its name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Its length.
    #[must_use]
    pub fn length(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
        }
    }

    /// The beginning of the span that holds an instant.
    #[must_use]
    pub fn floor(self, at: Timestamp) -> Timestamp {
        let seconds = at.timestamp() - at.timestamp().rem_euclid(self.length().num_seconds());
        DateTime::from_timestamp(seconds, 0).unwrap_or(time::FIRST)
    }

    /// The first beginning of a span at or after an instant.
    #[must_use]
    pub fn ceil(self, at: Timestamp) -> Timestamp {
        let floor = self.floor(at);
        if floor == at { at } else { floor + self.length() }
    }
}

/// The statement that notes the spans of records that are written, to run in the transaction that writes them. It notes hours
/// that are over at `now`; who has no clock gives [`time::END`], and so notes every hour. None: there is nothing to note.
#[must_use]
pub fn note<'a>(records: impl IntoIterator<Item = &'a Record>, now: Timestamp) -> Option<Statement> {
    let mut records = records.into_iter().peekable();
    let source = Source::of(records.peek()?.table)?;
    // Mostly one or two. A set would take 4 KB of the Worker.
    let mut spans = Vec::new();
    for at in records.map(Record::at).filter(|at| Grain::Hour.floor(*at) + Grain::Hour.length() <= now) {
        for span in Grain::ALL.map(|grain| (grain, grain.floor(at))) {
            if !spans.contains(&span) {
                spans.push(span);
            }
        }
    }
    if spans.is_empty() {
        return None;
    }
    let spans = spans.into_iter().map(|(grain, start)| format!(r#"["{}","{}"]"#, grain.name(), time::text(start)));
    let spans = format!("[{}]", spans.collect::<Vec<_>>().join(","));
    let note = format!(
        "UPDATE rollup_spans SET state = 0 WHERE source = '{}' AND state = 1 \
         AND (grain, start) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))",
        source.name()
    );
    Some(Statement::Sql(note.into(), vec![Cell::Text(spans)]))
}

/// The beginning of the first day that is counted, if counts are kept so long.
#[must_use]
pub fn first(now: Timestamp, retention: TimeDelta) -> Timestamp {
    now.checked_sub_signed(retention).map_or(time::FIRST, |first| Grain::Day.floor(first))
}

/// Whether the hour and the day of events are counted, and no row of the day has changed since.
///
/// # Errors
/// If the database does not answer.
pub async fn is_counted(database: &impl Database, at: Timestamp) -> Result<bool, CallError> {
    let select = format!(
        "SELECT count(*) FILTER (WHERE state > 0 AND (grain = 'day' OR start = ?3)) AS counted, \
         count(*) FILTER (WHERE state = 0) AS changed FROM rollup_spans WHERE {SPANS_OF_EVENTS}"
    );
    let hour = Cell::Text(time::text(Grain::Hour.floor(at)));
    let lines = database.query(&select, day_of(at).into_iter().chain([hour]).collect()).await?;
    let number = |name: &str| lines.first().and_then(|line| line.get(name)?.as_u64());
    Ok(number("counted") == Some(Grain::ALL.len() as u64) && number("changed") == Some(0))
}

/// The statement that says that a day of events and its hours stay counted as they are, to run in the transaction that
/// deletes their rows for their age.
#[must_use]
pub fn finish(at: Timestamp) -> Statement {
    let finish = format!("UPDATE rollup_spans SET state = 2 WHERE {SPANS_OF_EVENTS} AND state = 1");
    Statement::Sql(finish.into(), day_of(at).into())
}

/// A day and its hours: `?1` is its beginning, `?2` its end.
const SPANS_OF_EVENTS: &str = "source = 'events' AND grain IN ('hour', 'day') AND start >= ?1 AND start < ?2";

fn day_of(at: Timestamp) -> [Cell; 2] {
    let day = Grain::Day.floor(at);
    [day, day + Grain::Day.length()].map(|at| Cell::Text(time::text(at)))
}
