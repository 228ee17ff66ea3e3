//! How complete the logs of each hour are: what the poller writes beside the logs, into `aig_ledger` and `aig_runs`.

use std::collections::{BTreeMap, BTreeSet};

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

/// Up to when each gateway's logs are complete. The last line tells: an hour that is found short takes it back.
const COMPLETE: &str =
    "SELECT gateway, start, until, max(at) AS at FROM aig_ledger WHERE grain = 'forward' GROUP BY gateway";

/// What is known of the hours and days between two instants.
const FOUND: &str = "SELECT grain, gateway, start, source, delivered, verdict FROM aig_ledger \
                     WHERE grain IN ('day', 'hour') AND start >= ?1 AND start < ?2";

/// The passes of each hour between two instants, in ms since 1970. A pass is found by its id: job, instant, chance.
const PASSES: &str = "SELECT substr(started, 1, 13) || ':00:00.000Z' AS hour, count(*) AS passes, \
                      count(*) FILTER (WHERE verdict = 'failed') AS failed, COALESCE(sum(rejected), 0) AS rejected, \
                      max(lag_ms) AS lag FROM json_each('[\"backfill\",\"forward\"]') CROSS JOIN aig_runs \
                      WHERE run >= value || '-' || ?1 AND run < value || '-' || ?2 GROUP BY 1";

/// The columns of the answer, and the unit of each that has one.
const COLUMNS: [(&str, Option<&str>); 8] = [
    ("hour", None),
    ("verdict", None),
    ("source", None),
    ("delivered", None),
    ("passes", None),
    ("failed", None),
    ("rejected", None),
    ("lag", Some("ms")),
];

/// What an hour can be, the best first. `counting`: it is not counted yet; `unknown`: it is counted, but nobody has written
/// down what came of it.
const VERDICTS: [&str; 6] = ["proven", "over", "unprovable", "counting", "unknown", "short"];

/// Up to when the logs of all gateways are complete, UTC. None: nobody has written it into this database.
pub async fn complete_through(database: &impl Database) -> Option<Timestamp> {
    let lines = database.query(COMPLETE, Vec::new()).await.ok()?;
    lines.iter().map(|line| instant(line, "until")).min()?
}

/// What is known of the logs of all gateways.
struct Ledger {
    gateways: BTreeSet<String>,
    /// The lines of hours and days.
    found: BTreeMap<(&'static str, String, Timestamp), Map<String, Value>>,
    /// From when on forward reads each gateway, and up to when it is complete.
    forward: BTreeMap<String, (Timestamp, Timestamp)>,
}

impl Ledger {
    fn of(found: Vec<Map<String, Value>>, forward: &[Map<String, Value>]) -> Self {
        let gateway = |line: &Map<String, Value>| text(line, "gateway").unwrap_or_default().to_owned();
        let key = |line: &Map<String, Value>| {
            let grain = Grain::ALL.into_iter().find(|grain| text(line, "grain") == Some(grain.name()))?;
            Some((grain.name(), gateway(line), instant(line, "start")?))
        };
        let span = |line: &Map<String, Value>| Some((instant(line, "start")?, instant(line, "until")?));
        let forward: BTreeMap<_, _> = forward.iter().filter_map(|line| Some((gateway(line), span(line)?))).collect();
        let gateways = found.iter().map(gateway).chain(forward.keys().cloned()).collect();
        Self { gateways, found: found.into_iter().filter_map(|line| Some((key(&line)?, line))).collect(), forward }
    }

    /// The verdict on an hour of all gateways, and how many logs the source has and how many are delivered, where the hour
    /// itself is counted. The worst verdict counts.
    fn hour(&self, hour: Timestamp) -> [Value; 3] {
        let (mut worst, mut numbers) = (None, [None, None]);
        for gateway in &self.gateways {
            let line = |grain: Grain| self.found.get(&(grain.name(), gateway.clone(), grain.floor(hour)));
            if let Some(line) = line(Grain::Hour) {
                for (sum, name) in numbers.iter_mut().zip(["source", "delivered"]) {
                    if let Some(number) = line.get(name).and_then(Value::as_u64) {
                        *sum = Some(sum.unwrap_or(0) + number);
                    }
                }
            }
            // A day of the history ends where forward begins.
            let forward = self.forward.get(gateway).filter(|(start, _)| *start <= hour);
            let verdict = match (line(Grain::Hour), forward) {
                (Some(line), _) => text(line, "verdict"),
                (None, Some((_, until))) if hour + Grain::Hour.length() > *until => Some("counting"),
                (None, Some(_)) => Some("unknown"),
                (None, None) => line(Grain::Day).and_then(|line| text(line, "verdict")),
            };
            let rank = verdict.and_then(|verdict| VERDICTS.iter().position(|known| *known == verdict));
            worst = worst.max(rank);
        }
        let [source, delivered] = numbers.map(|number| number.map_or(Value::Null, Value::from));
        [worst.map_or(Value::Null, |rank| VERDICTS[rank].into()), source, delivered]
    }
}

/// Answers a question whose steps are hours of UTC. Who asks for one org learns verdicts, and no number of all orgs.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn ask(database: &impl Database, question: &Question, known: Known<'_>) -> Result<Table, NoAnswer> {
    let span = |first: Timestamp| [first, question.end].map(|at| Cell::Text(time::text(at))).to_vec();
    let found = database.ask(FOUND, span(Grain::Day.floor(question.start))).await?;
    let forward = database.query(COMPLETE, Vec::new()).await?;
    let ids = [question.start, question.end].map(|at| Cell::Text(at.timestamp_millis().to_string()));
    let passes = database.ask(PASSES, ids.to_vec()).await?;
    let read = found.len() + forward.len() + passes.len();
    let passes: BTreeMap<_, _> = passes.into_iter().map(|line| (instant(&line, "hour"), line)).collect();
    let ledger = Ledger::of(found, &forward);
    let row = |span: &super::Span| {
        let pass = passes.get(&Some(span.since));
        let of_passes = ["passes", "failed", "rejected", "lag"].map(|name| match (pass, name) {
            (Some(line), name) => line.get(name).cloned().unwrap_or_default(),
            (None, "lag") => Value::Null,
            (None, _) => 0.into(),
        });
        let [verdict, numbers @ ..] = ledger.hour(span.since);
        let numbers = numbers.into_iter().chain(of_passes);
        let numbers = numbers.map(|number| if question.org.is_some() { Value::Null } else { number });
        [label(span, &question.zone).into(), verdict].into_iter().chain(numbers).collect()
    };
    let rows = question.spans.iter().map(row).collect();
    let about = About { read: (ROWS, read as u64), is_truncated: false, is_counted: false, lacks: None };
    let mut meta = meta(question, known, &about);
    let units = COLUMNS.iter().filter_map(|(name, unit)| Some(((*name).to_owned(), (*unit)?.into())));
    meta.insert("units".into(), units.collect::<Map<_, _>>().into());
    Ok(Table { columns: COLUMNS.map(|(name, _)| name.to_owned()).into(), rows, meta })
}

fn text<'a>(line: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    line.get(name).and_then(Value::as_str)
}

fn instant(line: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    time::parse(text(line, name)?)
}
