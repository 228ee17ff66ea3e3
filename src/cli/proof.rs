//! What the demo ends with: the ids at the source against the ids in the table, and what the table says of the traffic.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use chrono::TimeDelta;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::HumanCount;
use rusqlite::{Connection, Row};
use serde_json::{Value, json};

use super::failure::Failure;
use crate::time::{self, Timestamp};

/// Requests, cost in USD, and the durations in ms that half and 95 of 100 requests do not exceed.
const MODELS: &str = "
WITH ranked AS (
  SELECT
    coalesce(model, '(none)') AS model, cost, duration,
    row_number() OVER (PARTITION BY model ORDER BY duration NULLS LAST) AS place,
    count(duration) OVER (PARTITION BY model) AS timed
  FROM aig_logs
)
SELECT
  model, count(*), coalesce(sum(cost), 0.0),
  min(duration) FILTER (WHERE place >= 0.50 * timed),
  min(duration) FILTER (WHERE place >= 0.95 * timed)
FROM ranked GROUP BY model ORDER BY 3 DESC, model
";

/// The result of a comparison.
#[derive(Debug)]
pub struct Proof {
    /// Entries at the source before `until`.
    source: usize,
    /// Entries there from `until` on: no pass has been due to bring them.
    settling: usize,
    /// Rows in the table.
    rows: usize,
    /// Entries before `until` that the table lacks.
    missing: usize,
    /// Rows beyond one for each entry before `until`, and rows written again.
    duplicated: usize,
    /// How far the last forward pass came, UTC.
    until: Timestamp,
    took: TimeDelta,
    models: Vec<Model>,
}

/// The traffic of one model.
#[derive(Debug)]
struct Model {
    name: String,
    requests: u64,
    /// USD.
    cost: f64,
    /// Milliseconds; none where no request has a duration.
    p50: Option<f64>,
    /// Milliseconds.
    p95: Option<f64>,
}

impl Proof {
    /// Compares what the source holds with the table, up to `until`.
    pub fn new(
        source: impl Iterator<Item = Value>,
        table: &Connection,
        until: Timestamp,
        took: TimeDelta,
    ) -> Result<Self, Failure> {
        let is_due = |entry: &Value| entry["created_at"].as_str().and_then(time::parse).is_none_or(|at| at < until);
        let (due, settling): (Vec<_>, Vec<_>) = source.partition(is_due);
        let due: BTreeSet<&str> = due.iter().filter_map(|entry| entry["id"].as_str()).collect();
        let unreadable = |error| Failure::denied("reading the table", error, "Start the demo again");
        let rows = ids(table).map_err(unreadable)?;
        let delivered = due.iter().filter(|id| rows.contains_key(**id)).count();
        let all: usize = rows.values().sum();
        Ok(Self {
            source: due.len(),
            settling: settling.len(),
            rows: all,
            missing: due.len() - delivered,
            duplicated: all - delivered,
            until,
            took,
            models: models(table).map_err(unreadable)?,
        })
    }

    /// Counts rows that were written again as well: this table's key keeps them out, BigQuery's would not.
    #[must_use]
    pub fn with_repeated(mut self, rows: u64) -> Self {
        self.duplicated += usize::try_from(rows).unwrap_or(usize::MAX);
        self
    }

    /// Whether each entry is there, once.
    pub fn holds(&self) -> bool {
        self.missing == 0 && self.duplicated == 0
    }

    /// For people.
    pub fn in_words(&self, file: &Path) -> String {
        let count = |number: usize| HumanCount(number as u64).to_string();
        let mut counts = plain_table();
        counts.add_rows([
            ["Entries at the source".into(), count(self.source)],
            ["Rows in the table".into(), count(self.rows)],
            ["Missing".into(), count(self.missing)],
            ["Duplicated".into(), count(self.duplicated)],
        ]);
        align_numbers(&mut counts);
        let mut traffic = plain_table();
        traffic.set_header(["Model", "Requests", "Cost (USD)", "p50 (ms)", "p95 (ms)"]);
        traffic.add_rows(self.models.iter().map(Model::cells));
        align_numbers(&mut traffic);
        let file = file.display();
        // As it was typed: it may not be on the path.
        let program = std::env::args().next().unwrap_or_else(|| "aig-logs".into());
        format!(
            "\n{counts}\n\nCompared id by id up to {}, {:.0} s after the start; {} newer entries were still settling.\n\n\
             {traffic}\n\nThe table is in {file}, as aig_logs. Go on with:\n  \
             {program} status --state {file}\n  {program} simulate --vars sim.vars",
            time::text(self.until),
            self.took.as_seconds_f64(),
            count(self.settling),
        )
    }

    /// For programs.
    pub fn to_json(&self, file: &Path) -> Value {
        let models: Vec<_> = self.models.iter().map(Model::to_json).collect();
        json!({
            "source": self.source,
            "rows": self.rows,
            "missing": self.missing,
            "duplicated": self.duplicated,
            "settling": self.settling,
            "until": time::text(self.until),
            "seconds": self.took.as_seconds_f64(),
            "models": models,
            "file": file.display().to_string(),
        })
    }
}

impl Model {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get(0)?,
            requests: row.get::<_, u32>(1)?.into(),
            cost: row.get(2)?,
            p50: row.get(3)?,
            p95: row.get(4)?,
        })
    }

    fn cells(&self) -> [String; 5] {
        let whole = |number: Option<f64>| number.map_or(String::new(), |number| format!("{number:.0}"));
        let requests = HumanCount(self.requests).to_string();
        [self.name.clone(), requests, format!("{:.2}", self.cost), whole(self.p50), whole(self.p95)]
    }

    fn to_json(&self) -> Value {
        json!({
            "model": self.name,
            "requests": self.requests,
            "cost_usd": self.cost,
            "p50_ms": self.p50,
            "p95_ms": self.p95,
        })
    }
}

/// Every id in the raw table, and how often it is there.
fn ids(table: &Connection) -> rusqlite::Result<BTreeMap<String, usize>> {
    let mut statement = table.prepare("SELECT id, count(*) FROM aig_logs_raw GROUP BY id")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, u32>(1)? as usize)))?.collect()
}

fn models(table: &Connection) -> rusqlite::Result<Vec<Model>> {
    table.prepare(MODELS)?.query_map([], Model::read)?.collect()
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table
}

/// Everything but the first column to the right.
fn align_numbers(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}
