//! Table and views: their statements are printed, or run and checked here.

mod apply;
pub mod check;
pub mod d1;
mod pruned;

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
    config::{Destination, Schema, WarehouseSettings},
    database::rest::Rest,
    host::native::NativeHost,
    log::metadata::MetadataKeys,
    sink::sql::{ROLLUPS, SQLITE, Script, bigquery},
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
        return print(sink, arguments, options);
    }
    let vars = Vars::read(options)?;
    let Schema { metadata, .. } = vars.schema(sink)?;
    let host = NativeHost::new(stop, |_| {}).map_err(|error| Failure::host(&error))?;
    let findings = match sink {
        Destination::BigQuery => in_bigquery(arguments, &host, &vars.warehouse()?, &metadata, screen).await?,
        Destination::D1 => {
            let settings = vars.d1(None)?;
            let database = Rest::new(&host, &settings);
            if arguments.apply {
                d1::apply(&database, &metadata, |done| screen.say(done)).await?;
            }
            let checked = d1::check(&database, &metadata).await;
            checked.map_err(|error| Failure::call("looking at D1", error))?
        }
        Destination::Sqlite(_) | Destination::Ndjson(_) => {
            let hint = "A SQLite file gets its table and views by itself: leave --sink out";
            return Err(Failure::denied(
                "making or checking a table",
                "--apply and --check are for BigQuery and D1",
                hint,
            ));
        }
    };
    show::print(&check::told(&findings, options.json))?;
    if findings.is_empty() {
        return Ok(Exit::Done);
    }
    screen.say(advice(sink, arguments.apply));
    Ok(Exit::Person)
}

/// Carries out the statements in BigQuery if that is asked for: what is missing or different then, and which views read all days.
async fn in_bigquery(
    arguments: &Sql,
    host: &NativeHost,
    settings: &WarehouseSettings,
    metadata: &MetadataKeys,
    screen: &Screen,
) -> Result<Vec<Mismatch>, Failure> {
    let warehouse = Warehouse::new(host, settings)?;
    if arguments.apply {
        let (location, scripts) = (arguments.location.as_deref(), bigquery(arguments.events));
        apply(&warehouse, &settings.table, &metadata.columns, scripts, location, |done| screen.say(done)).await?;
    }
    let findings = check::check(&warehouse, &settings.table, &metadata.columns, arguments.events).await?;
    if !findings.is_empty() {
        return Ok(findings);
    }
    let pruning = pruned::look(&warehouse, arguments.events).await?;
    screen.say(&pruning.told());
    Ok(pruning.findings)
}

/// The way out.
fn advice(sink: &Destination, applied: bool) -> &'static str {
    match (sink, applied) {
        (Destination::D1, false) => "`aig-logs sql --sink d1 --apply` makes missing tables, and replaces views",
        (Destination::D1, true) => "A table that is there keeps its columns: give it the missing ones with ALTER TABLE",
        (_, false) => {
            "`aig-logs sql --apply` makes missing tables, columns and views; it changes no type and no partitioning"
        }
        (_, true) => {
            "A type or a partitioning cannot be changed in place: make another table (GCP_BQ_TABLE), and copy the rows"
        }
    }
}

fn print(sink: &Destination, arguments: &Sql, options: &Options) -> Result<Exit, Failure> {
    if let Destination::Ndjson(_) = sink {
        let hint = "Give --sink bigquery or --sink sqlite";
        return Err(Failure::denied("printing the statements", "lines of JSON have no table", hint));
    }
    let Schema { table, metadata } = Vars::read(options)?.schema(sink)?;
    let scripts = match table {
        Some(table) if arguments.rollups => {
            let rollups = ROLLUPS.iter().take(ROLLUPS.len() - usize::from(!arguments.events));
            let days = arguments.days.to_string();
            texts(rollups, |script| script.for_bigquery(&table, &[]).replace("${DAYS}", &days))
        }
        None if arguments.rollups => {
            let hint = "Leave --sink out: in SQLite and D1 the program keeps counts by itself";
            return Err(Failure::denied("printing the scheduled query", "it is for BigQuery alone", hint));
        }
        Some(table) => texts(bigquery(arguments.events), |script| script.for_bigquery(&table, &metadata.columns)),
        None => texts(SQLITE.iter(), |script| script.for_sqlite(&metadata)),
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

fn texts(
    scripts: impl Iterator<Item = &'static Script>,
    text: impl Fn(&Script) -> String,
) -> Vec<(&'static str, String)> {
    scripts.map(|script| (script.name, text(script))).collect()
}
