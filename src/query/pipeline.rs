//! How complete the logs of each hour are: what the poller writes beside the logs, into `aig_ledger` and `aig_runs`.

use serde_json::{Map, Value};

use super::{
    Known, NoAnswer, Question, Table,
    table::{About, ROWS, label, meta},
};
use crate::{
    database::Database,
    record::Cell,
    rollup::Grain,
    time::{self, Timestamp},
};

/// Up to when all logs are complete. SQLite takes the other columns of a line with the only `max` from the same row: the last
/// line of each gateway tells, because an hour that is found short takes it back.
const COMPLETE: &str = "SELECT min(until) AS until FROM (SELECT until, max(at) FROM aig_ledger WHERE grain = 'forward' \
                        GROUP BY gateway)";

/// What is known of each hour. `?1`: the first and the next instant of each; `?2`: the day of the first one; `?3` and `?4`:
/// the first instant of all and the one after the last, in ms since 1970, which the id of a pass begins with after its job.
/// An hour has a part of forward and one of the history for each gateway, mostly one of both, and the worst tells the verdict.
/// A part of forward without a line is `counting` as long as forward has not proven it, and `unknown` afterwards: its line is
/// lost. A part of the history without a line is empty where the history is counted; elsewhere nothing is known of it.
const HOURS: &str = "WITH hours(place, since, next) AS MATERIALIZED (SELECT key, value ->> 0, value ->> 1 FROM json_each(?1)),
verdicts(rank, verdict) AS (
  VALUES (1, 'proven'), (2, 'over'), (3, 'unprovable'), (4, 'counting'), (5, 'unknown'), (7, 'short')
),
spans AS MATERIALIZED (
  SELECT grain, gateway, start, until, max(at) AS at FROM aig_ledger WHERE grain IN ('backfill', 'forward') GROUP BY 1, 2
),
gateways AS MATERIALIZED (
  SELECT gateway FROM spans UNION SELECT gateway FROM aig_ledger WHERE grain IN ('day', 'hour') AND start >= ?2
),
passes AS MATERIALIZED (
  SELECT
    substr(started, 1, 13) || ':00:00.000Z' AS since,
    count(*) AS passes,
    count(*) FILTER (WHERE aig_runs.verdict = 'failed') AS failed,
    COALESCE(sum(rejected), 0) AS rejected,
    max(lag_ms) AS lag
  FROM json_each('[\"backfill\",\"forward\"]') CROSS JOIN aig_runs
  WHERE run >= value || '-' || ?3 AND run < value || '-' || ?4
  GROUP BY 1
),
parts(place, source, delivered, verdict) AS (
  SELECT place, hour.source, hour.delivered, CASE
    WHEN hour.verdict IS NOT NULL THEN hour.verdict WHEN forward.until < next THEN 'counting' ELSE 'unknown'
  END
  FROM hours
  CROSS JOIN spans AS forward
  LEFT JOIN aig_ledger AS hour ON hour.grain = 'hour' AND hour.start = since AND hour.gateway = forward.gateway
  WHERE forward.grain = 'forward' AND forward.start < next
  UNION ALL
  SELECT place, NULL, NULL, COALESCE(day.verdict, CASE WHEN history.until <= since AND next <= history.start THEN 'proven' END)
  FROM hours
  CROSS JOIN gateways
  LEFT JOIN spans AS forward ON forward.grain = 'forward' AND forward.gateway = gateways.gateway
  LEFT JOIN spans AS history ON history.grain = 'backfill' AND history.gateway = gateways.gateway
  LEFT JOIN aig_ledger AS day ON day.grain = 'day' AND day.start = substr(since, 1, 10) || 'T00:00:00.000Z'
    AND day.gateway = gateways.gateway
  WHERE forward.start > since OR forward.start IS NULL
)
SELECT
  verdict,
  max(COALESCE(rank, 6)) AS rank,
  CASE WHEN count(*) = count(source) THEN CAST(total(source) AS INTEGER) END AS source,
  CASE WHEN count(*) = count(source) THEN CAST(total(delivered) AS INTEGER) END AS delivered,
  COALESCE(passes, 0) AS passes,
  COALESCE(failed, 0) AS failed,
  COALESCE(rejected, 0) AS rejected,
  lag
FROM hours LEFT JOIN parts USING (place) LEFT JOIN verdicts USING (verdict) LEFT JOIN passes USING (since)
GROUP BY place
ORDER BY place";

/// The columns of the answer beside the hour, and the unit of each that has one.
const COLUMNS: [(&str, Option<&str>); 7] = [
    ("verdict", None),
    ("source", None),
    ("delivered", None),
    ("passes", None),
    ("failed", None),
    ("rejected", None),
    ("lag", Some("ms")),
];

/// Up to when the logs of all gateways are complete, UTC. None: of one of them nothing is counted yet, or nobody has written
/// it into this database.
pub async fn complete_through(database: &impl Database) -> Option<Timestamp> {
    let lines = database.query(COMPLETE, Vec::new()).await.ok()?;
    time::parse(lines.first()?.get("until")?.as_str()?).filter(|until| *until > Timestamp::UNIX_EPOCH)
}

/// Answers a question whose steps are hours of UTC. Who asks for one org learns verdicts, and no number of all orgs.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn ask(database: &impl Database, question: &Question, known: Known<'_>) -> Result<Table, NoAnswer> {
    let hours = question.spans.iter().map(|span| Value::from(vec![time::text(span.since), time::text(span.until)]));
    let [first, last] = [question.start, question.end].map(|at| at.timestamp_millis().to_string());
    let values = [hours.collect::<Value>().to_string(), time::text(Grain::Day.floor(question.start)), first, last];
    let lines = database.ask(HOURS, values.map(Cell::Text).to_vec()).await?;
    let read = lines.len() as u64;
    let is_told = |name: &str| name == "verdict" || question.org.is_none();
    let row = |(span, mut line): (_, Map<String, Value>)| {
        let mut of = |name: &str| line.remove(name).filter(|_| is_told(name)).unwrap_or_default();
        let columns = COLUMNS.iter().map(|(name, _)| of(name));
        std::iter::once(label(span, &question.zone).into()).chain(columns).collect()
    };
    let rows = question.spans.iter().zip(lines).map(row).collect();
    let about = About { read: (ROWS, read), is_truncated: false, is_counted: false, lacks: None };
    let mut meta = meta(question, known, &about);
    let units = COLUMNS.iter().filter_map(|(name, unit)| Some(((*name).to_owned(), (*unit)?.into())));
    meta.insert("units".into(), units.collect::<Map<_, _>>().into());
    let columns = std::iter::once("hour").chain(COLUMNS.map(|(name, _)| name)).map(str::to_owned).collect();
    Ok(Table { columns, rows, meta })
}
