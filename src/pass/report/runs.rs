//! The table `aig_runs`: its columns, and the line of a pass.

use chrono::TimeDelta;

use super::{GatewayReport, Report};
use crate::record::{Cell, Column, Kind, Record, Table, columns};

/// A column, and its cell for a pass with an id.
type Field = (Column, fn(&Report, &str) -> Cell);

const FIELDS: [Field; 18] = [
    field("run", Kind::Text, |_, id| Cell::Text(id.to_owned())),
    field("started", Kind::Instant, |pass, _| Cell::Instant(pass.started)),
    field("finished", Kind::Instant, |pass, _| Cell::Instant(pass.finished)),
    field("job", Kind::Text, |pass, _| Cell::Text(pass.job.to_string())),
    field("verdict", Kind::Text, |pass, _| Cell::Text(pass.verdict().to_string())),
    field("entries", Kind::Integer, |pass, _| sum(pass, |gateway| gateway.entries)),
    field("rows_written", Kind::Integer, |pass, _| sum(pass, |gateway| gateway.rows)),
    field("known", Kind::Integer, |pass, _| sum(pass, |gateway| gateway.known)),
    field("rejected", Kind::Integer, |pass, _| sum(pass, |gateway| gateway.rejected)),
    field("late", Kind::Integer, |pass, _| sum(pass, |gateway| gateway.late)),
    field("pages", Kind::Integer, |pass, _| sum(pass, |gateway| (gateway.pages + gateway.reread).into())),
    field("counts", Kind::Integer, |pass, _| sum(pass, |gateway| gateway.counts.into())),
    field("calls", Kind::Integer, |pass, _| Cell::Integer(pass.calls.into())),
    field("lag_ms", Kind::Integer, |pass, _| milliseconds(pass.lag())),
    field("lateness_p50_ms", Kind::Integer, |pass, _| lateness(pass, 0.5)),
    field("lateness_p95_ms", Kind::Integer, |pass, _| lateness(pass, 0.95)),
    field("error", Kind::Text, |pass, _| pass.worst().map_or(Cell::Null, |error| Cell::Text(error.chain()))),
    field("version", Kind::Text, |_, _| Cell::Text(env!("CARGO_PKG_VERSION").to_owned())),
];

const fn field(name: &'static str, kind: Kind, cell: fn(&Report, &str) -> Cell) -> Field {
    (Column { name, kind }, cell)
}

const COLUMNS: [Column; FIELDS.len()] = columns(&FIELDS);

/// The table of passes. It has one line for each pass that had something to do.
pub static RUNS: Table =
    Table { name: "aig_runs", columns: &COLUMNS, key: &["run"], id: "run", at: "started", version: None };

/// The line of a pass.
pub fn line(report: &Report, random: f64) -> Record {
    // Two passes of one job rarely begin in the same millisecond. The random part then tells them apart.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a million")]
    let chance = (random * 1e6) as u32;
    let id = format!("{}-{}-{chance:06}", report.job, report.started.timestamp_millis());
    Record { table: &RUNS, cells: FIELDS.iter().map(|(_, cell)| cell(report, &id)).collect() }
}

fn sum(report: &Report, number: fn(&GatewayReport) -> u64) -> Cell {
    Cell::Integer(i64::try_from(report.sum(number)).unwrap_or(i64::MAX))
}

fn lateness(report: &Report, share: f64) -> Cell {
    milliseconds(report.lateness().and_then(|lateness| lateness.quantile(share)))
}

fn milliseconds(length: Option<TimeDelta>) -> Cell {
    length.map_or(Cell::Null, |length| Cell::Integer(length.num_milliseconds()))
}
