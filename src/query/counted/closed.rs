//! Which hours and days are counted, and how a range is cut along them.

use std::ops::Range;

use serde_json::{Map, Value};

use crate::{
    database::Database,
    error::CallError,
    record::Cell,
    rollup::{Grain, Source},
    time::{self, Timestamp},
};

/// The counted spans between two instants: of each source and grain the first and the last one, how many there are, and
/// those that have changed since, and the last one whose rows are no longer kept.
const KNOWN: &str = "SELECT source, grain, min(start) AS first, max(start) AS last, count(*) AS n, max(rest) AS rest, \
                     json_group_array(start) FILTER (WHERE state = 0) AS changed, \
                     max(start) FILTER (WHERE state = 2) AS finished FROM rollup_spans \
                     WHERE source IN ('events', 'logs') AND grain IN ('hour', 'day') AND start >= ?1 AND start < ?2 \
                     GROUP BY source, grain";

/// The counted spans of one source and grain, without gaps but for those that have changed.
#[derive(Debug)]
struct Spans {
    source: Source,
    grain: Grain,
    first: Timestamp,
    last: Timestamp,
    changed: Vec<Timestamp>,
    /// The last one whose rows are no longer kept.
    finished: Option<Timestamp>,
    /// Whether a line is of several groups.
    has_rest: bool,
}

/// The counted spans around a question.
#[derive(Debug)]
pub struct Closed(Vec<Spans>);

/// A piece: a counted span, or several of one grain, or raw rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// None: raw rows.
    pub grain: Option<Grain>,
    /// Its first instant.
    pub since: Timestamp,
    /// The instant after its last one.
    pub until: Timestamp,
}

impl Closed {
    /// Those that begin between two instants.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn between(database: &impl Database, start: Timestamp, end: Timestamp) -> Result<Self, CallError> {
        let values = vec![Cell::Text(time::text(start)), Cell::Text(time::text(end))];
        let lines = database.query(KNOWN, values).await?;
        let mut closed = Self(lines.iter().filter_map(spans).collect());
        // A day whose hour has changed is not used either, even if somebody has counted it in between.
        for source in Source::ALL {
            let hours = closed.spans(source, Grain::Hour).map(|hours| hours.changed.clone()).unwrap_or_default();
            if let Some(days) = closed.0.iter_mut().find(|spans| spans.source == source && spans.grain == Grain::Day) {
                days.changed.extend(hours.into_iter().map(|hour| Grain::Day.floor(hour)));
            }
        }
        Ok(closed)
    }

    fn spans(&self, source: Source, grain: Grain) -> Option<&Spans> {
        self.0.iter().find(|spans| spans.source == source && spans.grain == grain)
    }

    /// Whether a span is counted and says what its rows say.
    pub fn holds(&self, source: Source, grain: Grain, start: Timestamp) -> bool {
        self.spans(source, grain)
            .is_some_and(|spans| (spans.first..=spans.last).contains(&start) && !spans.changed.contains(&start))
    }

    /// Whether a line of several groups is among those of a source.
    pub fn has_rest(&self, source: Source) -> bool {
        self.0.iter().any(|spans| spans.source == source && spans.has_rest)
    }

    /// The first counted day, and the end of the last one.
    pub fn days(&self, source: Source) -> Option<(Timestamp, Timestamp)> {
        self.spans(source, Grain::Day).map(|days| (days.first, days.last + Grain::Day.length()))
    }

    /// From when to when events are no longer kept.
    pub fn finished(&self) -> Option<Range<Timestamp>> {
        let hours = self.spans(Source::Events, Grain::Hour)?;
        Some(hours.first..hours.finished? + Grain::Hour.length())
    }

    /// The pieces of a range, in order and without gaps: the longest counted spans that are `wanted`, and raw rows between
    /// them.
    pub fn pieces(
        &self,
        source: Source,
        since: Timestamp,
        until: Timestamp,
        wanted: impl Fn(Grain, Timestamp) -> bool,
    ) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut at = since;
        while at < until {
            let counted = [Grain::Day, Grain::Hour].into_iter().find(|grain| {
                let is_whole = grain.floor(at) == at && at + grain.length() <= until;
                is_whole && self.holds(source, *grain, at) && wanted(*grain, at)
            });
            let next = match counted {
                Some(grain) => at + grain.length(),
                None => (Grain::Hour.floor(at) + Grain::Hour.length()).min(until),
            };
            match pieces.last_mut().filter(|piece| piece.grain == counted) {
                Some(piece) => piece.until = next,
                None => pieces.push(Piece { grain: counted, since: at, until: next }),
            }
            at = next;
        }
        pieces
    }
}

/// The spans that a line of the database tells; none, if there are gaps between them.
fn spans(line: &Map<String, Value>) -> Option<Spans> {
    let text = |name: &str| line.get(name).and_then(Value::as_str);
    let source = Source::ALL.into_iter().find(|source| Some(source.name()) == text("source"))?;
    let grain = Grain::ALL.into_iter().find(|grain| Some(grain.name()) == text("grain"))?;
    let (first, last) = (time::parse(text("first")?)?, time::parse(text("last")?)?);
    let expected = (last - first).num_seconds() / grain.length().num_seconds() + 1;
    if line.get("n").and_then(Value::as_i64) != Some(expected) {
        return None;
    }
    let changed: Vec<String> = serde_json::from_str(text("changed")?).ok()?;
    let changed = changed.iter().filter_map(|start| time::parse(start)).collect();
    let finished = text("finished").and_then(time::parse);
    let has_rest = line.get("rest").and_then(Value::as_i64) != Some(0);
    Some(Spans { source, grain, first, last, changed, finished, has_rest })
}
