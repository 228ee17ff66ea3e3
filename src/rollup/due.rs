//! Which spans are due: those that have ended and are not counted, and those that have changed since.

use serde_json::{Map, Value};

use super::{Grain, SETTLED, Source};
use crate::{
    database::Database,
    error::CallError,
    record::Cell,
    time::{self, Timestamp},
};

/// The first row of each source that is kept.
const FIRST_EVENT: &str = "WITH RECURSIVE spaces(space) AS (
  SELECT min(org) FROM events_raw
  UNION ALL
  SELECT (SELECT min(org) FROM events_raw WHERE org > space) FROM spaces WHERE space IS NOT NULL
)
SELECT min((SELECT min(created_at) FROM events_raw WHERE org = space)) AS first FROM spaces";
const FIRST_LOG: &str = "WITH RECURSIVE spaces(space) AS (
  SELECT min(gateway) FROM aig_logs_raw
  UNION ALL
  SELECT (SELECT min(gateway) FROM aig_logs_raw WHERE gateway > space) FROM spaces WHERE space IS NOT NULL
)
SELECT min((SELECT min(created_at) FROM aig_logs_raw WHERE gateway = space)) AS first FROM spaces";

/// The first and the last span that is counted, and those that have changed, as JSON.
const KNOWN: &str = "SELECT min(start) AS first, max(start) AS last, \
                     json_group_array(start) FILTER (WHERE state = 0) AS changed \
                     FROM rollup_spans WHERE source = ?1 AND grain = ?2";

/// The beginnings of at most so many spans that are due, the most wanted first: changed ones, those after the last counted
/// one, and those before the first one, from the latest back. So what is counted has no gaps, whenever this stops.
pub(super) async fn due(
    database: &impl Database,
    source: Source,
    grain: Grain,
    now: Timestamp,
    most: usize,
) -> Result<Vec<Timestamp>, CallError> {
    let known = database.query(KNOWN, vec![Cell::Text(source.name().into()), Cell::Text(grain.name().into())]).await?;
    let known = known.into_iter().next().unwrap_or_default();
    let mut spans: Vec<Timestamp> = known
        .get("changed")
        .and_then(Value::as_str)
        .and_then(|list| serde_json::from_str::<Vec<String>>(list).ok())
        .unwrap_or_default()
        .iter()
        .rev()
        .filter_map(|start| time::parse(start))
        .take(most)
        .collect();
    let first = if source == Source::Events { FIRST_EVENT } else { FIRST_LOG };
    let first = database.query(first, Vec::new()).await?;
    let Some(earliest) = first.first().and_then(|line| instant(line, "first")) else { return Ok(spans) };
    // The beginning of the first span that may not be counted yet.
    let end = grain.floor(now - SETTLED);
    let (first, last) = (instant(&known, "first"), instant(&known, "last"));
    let mut next = last.map_or(end, |last| last + grain.length());
    while next < end && spans.len() < most {
        spans.push(next);
        next += grain.length();
    }
    let mut before = first.unwrap_or(end);
    while before > earliest && spans.len() < most {
        before -= grain.length();
        spans.push(before);
    }
    Ok(spans)
}

fn instant(line: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    line.get(name).and_then(Value::as_str).and_then(time::parse)
}
