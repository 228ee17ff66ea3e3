//! Table and views: their statements are printed, or run and checked here.

mod apply;
pub mod check;

use serde_json::json;
use tokio::sync::watch;

pub use crate::cli::commands::sql::apply::LOCATION;
pub use crate::cli::commands::sql::apply::apply;
use crate::{
    cli::{
        args::{Options, Sql},
        commands::sql::check::Mismatch,
        failure::{Exit, Failure},
        progress::Screen,
        show,
        vars::settings::Vars,
        warehouse::Warehouse,
    },
    config::{Destination, Schema},
    host::native::NativeHost,
    sink::sql::{BIGQUERY, SQLITE, Script},
};

/// Prints the statements of a sink in their order, or carries them out, or compares what is there.
pub async fn sql(
    arguments: &Sql,
    options: &Options,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let sink = options.sinks.first().unwrap_or(&Destination::BigQuery);
    if !arguments.apply && !arguments.check {
        return print(sink, options);
    }
    if !sink.is_bigquery() {
        let hint = "A SQLite file gets its table and views by itself: leave --sink out";
        return Err(Failure::denied("making or checking a table", "--apply and --check are for BigQuery", hint));
    }
    let vars = Vars::read(options)?;
    let Schema { metadata, .. } = vars.schema(&Destination::BigQuery)?;
    let settings = vars.warehouse()?;
    let host = NativeHost::new(stop, |_| {}).map_err(|error| Failure::host(&error))?;
    let warehouse = Warehouse::new(&host, &settings)?;
    if arguments.apply {
        let location = arguments.location.as_deref();
        apply(&warehouse, &settings.table, &metadata.columns, location, |done| screen.say(done)).await?;
    }
    let findings = check::check(&warehouse, &settings.table, &metadata.columns).await?;
    show::print(&check::told(&findings, options.json))?;
    if findings.is_empty() {
        return Ok(Exit::Done);
    }
    screen.say(advice(&findings, arguments.apply));
    Ok(Exit::Person)
}

/// The way out.
fn advice(findings: &[Mismatch], applied: bool) -> &'static str {
    match (findings, applied) {
        (_, false) => {
            "`aig-logs sql --apply` makes missing tables, columns and views; it changes no type and no partitioning"
        }
        (_, true) => {
            "A type or a partitioning cannot be changed in place: make another table (GCP_BQ_TABLE), and copy the rows"
        }
    }
}

fn print(sink: &Destination, options: &Options) -> Result<Exit, Failure> {
    if let Destination::Ndjson(_) = sink {
        let hint = "Give --sink bigquery or --sink sqlite";
        return Err(Failure::denied("printing the statements", "lines of JSON have no table", hint));
    }
    let Schema { table, metadata } = Vars::read(options)?.schema(sink)?;
    let scripts = match table {
        Some(table) => texts(BIGQUERY, |script| script.for_bigquery(&table, &metadata.columns)),
        None => texts(SQLITE, |script| script.for_sqlite(&metadata)),
    };
    let text = if options.json {
        let scripts = scripts.iter().map(|(name, text)| json!({ "file": name, "sql": text }));
        scripts.collect::<serde_json::Value>().to_string()
    } else {
        let texts: Vec<_> = scripts.iter().map(|(_, text)| text.trim_end()).collect();
        texts.join("\n\n")
    };
    show::deliver(&text).map(|()| Exit::Done)
}

fn texts(scripts: &[Script], text: impl Fn(&Script) -> String) -> Vec<(&'static str, String)> {
    scripts.iter().map(|script| (script.name, text(script))).collect()
}
