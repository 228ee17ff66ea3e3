//! `aig-logs estimate`: what a month costs, before anything is set up.

mod events;
mod prices;
mod usage;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::{BinaryBytes, HumanCount};
use serde_json::{Value, json};

use crate::{
    cli::{
        args::{Estimate, Options},
        commands::estimate::{
            prices::{
                CPU, DATABASE, IDS, PASSES, Price, QUERIES, READS, ROWS, STORAGE, STREAMING, Unit, WORKERS_PAID, WRITES,
            },
            usage::{DAYS, Usage},
        },
        failure::{Exit, Failure},
        show, terminal,
    },
    config::Destination,
    plan::peak::readable,
};

/// Minutes of a month.
const MONTH: u64 = 30 * 1_440;

/// Prints what a month takes, and what it costs.
pub fn estimate(arguments: &Estimate, options: &Options) -> Result<Exit, Failure> {
    let text = match arguments.events_per_month {
        Some(events) => of_events(events, arguments, options)?,
        None => of_logs(arguments, options)?,
    };
    if options.json { show::print(&text) } else { show::words(&text) }.map(|()| Exit::Done)
}

fn of_logs(arguments: &Estimate, options: &Options) -> Result<String, Failure> {
    let usage = Usage::of(arguments);
    let sinks = if options.sinks.is_empty() { vec![Destination::BigQuery] } else { options.sinks.clone() };
    if let Some(sink) = sinks.iter().find(|sink| !matches!(sink, Destination::BigQuery | Destination::D1)) {
        let problem = format!("a Worker writes to bigquery, d1 or both, and not to {sink:?}");
        return Err(Failure::denied("estimating a month", problem, "Give --sink bigquery or --sink d1"));
    }
    let lines = lines(&usage, &sinks);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let limit = f64::from(arguments.logs_per_month.unwrap_or_default()) / (MONTH * readable(50, 0.8, None)) as f64;
    if !options.json {
        return Ok(in_words(&usage, &lines, limit));
    }
    let mut report = in_json(&lines);
    report["list_calls"] = usage.list_calls.into();
    report["inserts"] = usage.inserts.into();
    report["share_of_the_lists_limit"] = limit.into();
    Ok(format!("{report:#}"))
}

fn of_events(events: u32, arguments: &Estimate, options: &Options) -> Result<String, Failure> {
    if options.sinks.iter().any(|sink| *sink != Destination::D1) {
        let hint = "Leave --sink out, or give --sink d1";
        return Err(Failure::denied("estimating a month", "the Worker keeps events in D1 alone", hint));
    }
    let lines = events::lines(events, arguments);
    Ok(if options.json {
        format!("{:#}", in_json(&lines))
    } else {
        format!("{}\n{}", table(&lines), events::notes(events, arguments))
    })
}

/// USD of the lines together, and of the plan.
fn sum(lines: &[(Price, f64)]) -> f64 {
    WORKERS_PAID + lines.iter().map(|(price, units)| price.of(*units)).sum::<f64>()
}

/// What is billed, and how much of it a month takes.
fn lines(usage: &Usage, sinks: &[Destination]) -> Vec<(Price, f64)> {
    let mut lines =
        vec![(PASSES, usage.passes), (CPU, usage.cpu), (READS, usage.reads), (WRITES, usage.writes), (IDS, usage.ids)];
    if sinks.contains(&Destination::D1) {
        lines.extend([(ROWS, usage.rows), (DATABASE, usage.stored)]);
    }
    if sinks.contains(&Destination::BigQuery) {
        lines.extend([(STREAMING, usage.streamed), (STORAGE, usage.stored), (QUERIES, usage.stored)]);
    }
    lines
}

fn table(lines: &[(Price, f64)]) -> Table {
    let mut table = terminal::within(presets::UTF8_FULL_CONDENSED, terminal::columns());
    table.set_header(["a month", "takes", "USD", "price", "as of"]);
    for (price, units) in lines {
        let cost = format!("{:.2}", price.of(*units));
        table.add_row([price.what, &amount(price.unit, *units), &cost, price.says, price.as_of]);
    }
    let fixed = format!("{WORKERS_PAID:.2}");
    table.add_row(["Workers Paid", "", &fixed, "for all Workers together", PASSES.as_of]);
    table.add_row(["together", "", &format!("{:.2}", sum(lines))]);
    for number in [1, 2] {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn in_words(usage: &Usage, lines: &[(Price, f64)], limit: f64) -> String {
    let table = table(lines);
    // developers.cloudflare.com/d1/platform/limits
    let is_in_d1 = lines.iter().any(|(price, _)| price.what == ROWS.what) && usage.stored > 0.0;
    let room = if is_in_d1 {
        format!("\nA database of D1 holds 10 GB: the logs of {:.0} days.", 10e9 / usage.stored * DAYS)
    } else {
        String::new()
    };
    let [calls, inserts] = [usage.list_calls, usage.inserts].map(|number| amount(Unit::Number, number));
    format!(
        "{table}\n{calls} list calls and {inserts} inserts, which have no price of their own. If logs come evenly,\n\
         they are {:.1} % of the logs that can be read with API_SHARE 0.8. The estimate assumes 500 bytes a row,\n\
         and ids that are kept for 45 days.\n\
         Each further month that is kept adds its storage.{room}",
        limit * 100.0,
    )
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and far below 2^53")]
fn amount(unit: Unit, units: f64) -> String {
    match unit {
        Unit::Number => HumanCount(units.round() as u64).to_string(),
        Unit::Bytes => BinaryBytes(units.round() as u64).to_string(),
    }
}

fn in_json(lines: &[(Price, f64)]) -> Value {
    let told: Vec<_> = lines
        .iter()
        .map(|(price, units)| json!({ "what": price.what, "units": units, "usd": price.of(*units), "price": price.says, "as_of": price.as_of }))
        .collect();
    json!({ "lines": told, "workers_paid_usd": WORKERS_PAID, "usd": sum(lines) })
}
