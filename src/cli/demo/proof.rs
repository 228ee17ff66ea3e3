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

use crate::{
    cli::{failure::Failure, show, terminal},
    foreign::clean,
    time::{self, Timestamp},
};

/// The most letters of a model's name in the table, which then has 80 columns.
const LONGEST: usize = 30;

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
  model, count(*), sum(cost),
  min(duration) FILTER (WHERE place >= 0.50 * timed),
  min(duration) FILTER (WHERE place >= 0.95 * timed)
FROM ranked GROUP BY model ORDER BY 3 DESC NULLS LAST, model
";

/// What a demo ends with.
#[derive(Debug)]
pub struct Ending {
    /// For people.
    pub words: String,
    /// For programs.
    pub json: Value,
    /// Whether each entry is there, once.
    pub holds: bool,
}

/// The result of a comparison.
#[derive(Debug)]
pub struct DemoProof {
    /// Entries at the source before `until`.
    pub source: usize,
    /// Entries there from `until` on: no pass has been due to bring them.
    settling: usize,
    /// Rows that readers see.
    pub rows: usize,
    /// Entries before `until` that readers do not see, and that are no dead letters.
    pub missing: usize,
    /// Rows beyond one for each entry before `until`, and rows written again. After a storm, in which entries are deleted
    /// too: rows beyond one for each id.
    pub duplicated: usize,
    /// How far forward came, UTC.
    until: Timestamp,
    took: TimeDelta,
    models: Vec<Model>,
}

/// The traffic of one model.
#[derive(Debug)]
struct Model {
    name: String,
    requests: u64,
    /// USD; none where no request has a cost: its price is not known.
    cost: Option<f64>,
    /// Milliseconds; none where no request has a duration.
    p50: Option<f64>,
    /// Milliseconds.
    p95: Option<f64>,
}

impl DemoProof {
    /// Compares what the source holds with the table, up to `until`.
    pub fn new(
        source: impl Iterator<Item = Value>,
        table: &Connection,
        until: Timestamp,
        took: TimeDelta,
    ) -> Result<Self, Failure> {
        let proof = Self::after_a_storm(source, table, &BTreeSet::new(), until, took)?;
        Ok(Self { duplicated: (proof.rows + proof.missing) - proof.source, ..proof })
    }

    /// The same after a storm: rows that the table never takes are `dead` letters, and entries may be gone that were
    /// delivered before.
    pub fn after_a_storm(
        source: impl Iterator<Item = Value>,
        table: &Connection,
        dead: &BTreeSet<String>,
        until: Timestamp,
        took: TimeDelta,
    ) -> Result<Self, Failure> {
        let is_due = |entry: &Value| entry["created_at"].as_str().and_then(time::parse).is_none_or(|at| at < until);
        let (due, settling): (Vec<_>, Vec<_>) = source.partition(is_due);
        let due: BTreeSet<&str> = due.iter().filter_map(|entry| entry["id"].as_str()).collect();
        let rows = ids(table).map_err(unreadable)?;
        let all: usize = rows.values().sum();
        Ok(Self {
            source: due.len(),
            settling: settling.len(),
            rows: all,
            missing: due.iter().filter(|id| !rows.contains_key(**id) && !dead.contains(**id)).count(),
            duplicated: all - rows.len(),
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

    /// What the demo without faults ends with.
    pub fn ending(&self, file: &Path) -> Ending {
        let mut json = self.to_json();
        json["file"] = file.display().to_string().into();
        Ending { words: self.in_words(file), json, holds: self.holds() }
    }

    fn in_words(&self, file: &Path) -> String {
        let counts = two_columns(&[
            ("Entries at the source", self.source as u64),
            ("Rows in the table", self.rows as u64),
            ("Missing", self.missing as u64),
            ("Duplicated", self.duplicated as u64),
        ]);
        let (file, program) = (file.display(), show::program());
        format!(
            "\n{counts}\n\n{}\n\nThe table is in {file}, as aig_logs. Go on with:\n  \
             {program} status --state {file}\n  {program} simulate --vars sim.vars",
            self.traffic()
        )
    }

    /// The comparison and the traffic, without its counts.
    pub fn traffic(&self) -> String {
        let mut traffic = plain_table();
        traffic.set_header(["Model", "Requests", "Cost (USD)", "p50 (ms)", "p95 (ms)"]);
        traffic.add_rows(self.models.iter().map(Model::cells));
        align_numbers(&mut traffic);
        format!(
            "Compared id by id up to {}, {:.0} s after the start; {} newer entries were still settling.\n\n{traffic}",
            time::text(self.until),
            self.took.as_seconds_f64(),
            HumanCount(self.settling as u64),
        )
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
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
        let cost = self.cost.map_or("–".to_owned(), |cost| format!("{cost:.2}"));
        [terminal::shortened(&clean(&self.name), LONGEST), requests, cost, whole(self.p50), whole(self.p95)]
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

/// Every id in the view, and how often it is there.
fn ids(table: &Connection) -> rusqlite::Result<BTreeMap<String, usize>> {
    let mut statement = table.prepare("SELECT id, count(*) FROM aig_logs GROUP BY id")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, u32>(1)? as usize)))?.collect()
}

fn models(table: &Connection) -> rusqlite::Result<Vec<Model>> {
    table.prepare(MODELS)?.query_map([], Model::read)?.collect()
}

/// The failure to read the table of a demo.
pub fn unreadable(error: rusqlite::Error) -> Failure {
    Failure::denied("reading the table", error, "Start the demo again")
}

/// Words, and a number beside each.
pub fn two_columns(lines: &[(&str, u64)]) -> Table {
    let mut table = plain_table();
    table.add_rows(lines.iter().map(|(words, number)| [(*words).to_owned(), HumanCount(*number).to_string()]));
    align_numbers(&mut table);
    table
}

fn plain_table() -> Table {
    terminal::within(presets::UTF8_FULL_CONDENSED, terminal::columns())
}

/// Everything but the first column to the right.
fn align_numbers(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}
