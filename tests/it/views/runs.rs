//! Passes for the view of the pipeline, and what it must show of them.

use std::collections::{BTreeMap, BTreeSet};

use aig_logs::{
    pass::RUNS,
    record::{Cell, Record},
    time::{self, Timestamp},
};
use chrono::{DurationRound as _, TimeDelta};
use serde_json::Value;

use super::computed::View;

/// Passes of some hours, some of them failed, and one written twice.
pub fn runs(now: Timestamp) -> Vec<Record> {
    let mut runs: Vec<_> = (0..40).map(|n| run(n, now - TimeDelta::minutes(7 * n))).collect();
    runs.push(runs[3].clone());
    runs
}

fn run(n: i64, started: Timestamp) -> Record {
    let job = if n % 5 == 0 { "backfill" } else { "forward" };
    let verdict = ["complete", "failed", "incomplete"][usize::try_from(n % 3).unwrap()];
    let id = format!("{job}-{n}");
    let cells = RUNS.columns.iter().map(|column| match column.name {
        "run" => Cell::Text(id.clone()),
        "started" | "finished" => Cell::Instant(started.duration_trunc(TimeDelta::milliseconds(1)).unwrap()),
        "job" => Cell::Text(job.into()),
        "verdict" => Cell::Text(verdict.into()),
        // A pass that reads history has no lag, and one without new logs no lateness.
        "lag_ms" if job == "backfill" => Cell::Null,
        "lateness_p50_ms" | "lateness_p95_ms" if n % 4 == 0 => Cell::Null,
        "error" | "version" => Cell::Null,
        column => Cell::Integer(n * i64::try_from(column.len()).unwrap()),
    });
    Record { table: &RUNS, cells: cells.collect() }
}

/// As they are sent.
pub fn lines_of(runs: &[Record]) -> Vec<Value> {
    runs.iter().map(|run| serde_json::to_value(run).unwrap()).collect()
}

pub fn pipeline_by_hour(runs: &[Record]) -> View {
    const SUMS: [&str; 5] = ["entries", "rows_written", "rejected", "late", "calls"];
    const MOST: [&str; 2] = ["lag_ms", "lateness_p95_ms"];
    let mut groups: BTreeMap<Vec<String>, Vec<Value>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for run in lines_of(runs) {
        if !seen.insert(run["run"].to_string()) {
            continue;
        }
        let started = time::parse(run["started"].as_str().unwrap()).unwrap();
        let hour = started.duration_trunc(TimeDelta::hours(1)).unwrap();
        let job = run["job"].as_str().unwrap().to_owned();
        groups.entry(vec![hour.date_naive().to_string(), time::text(hour), job]).or_default().push(run);
    }
    let numbers = |group: &[Value]| {
        let failed = group.iter().filter(|run| run["verdict"] == "failed").count();
        let mut numbers = vec![Some(float(group.len())), Some(float(failed))];
        numbers.extend(SUMS.map(|column| values(group, column).reduce(|sum, value| sum + value)));
        numbers.extend(MOST.map(|column| values(group, column).reduce(f64::max)));
        numbers
    };
    View {
        name: "aig_pipeline_by_hour",
        words: vec!["day", "hour", "job"],
        numbers: &[
            "runs",
            "failed",
            "entries",
            "rows_written",
            "rejected",
            "late",
            "calls",
            "max_lag_ms",
            "max_lateness_p95_ms",
        ],
        lines: groups.iter().map(|(name, group)| (name.clone(), numbers(group))).collect(),
    }
}

fn values(group: &[Value], column: &'static str) -> impl Iterator<Item = f64> {
    group.iter().filter_map(move |run| run[column].as_f64())
}

fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}
