//! Table and views as statements, for whoever makes them: `bq query`, or a SQLite shell.

use serde_json::json;

use super::{
    args::Options,
    failure::{Exit, Failure},
    settings::Vars,
    show,
    target::Sink,
};
use crate::{
    config::TableName,
    sql::{BIGQUERY, SQLITE, Script},
};

/// Prints the statements of a sink in their order, with the names of the settings filled in.
pub fn sql(options: &Options) -> Result<Exit, Failure> {
    let scripts = match options.sink.as_ref().unwrap_or(&Sink::BigQuery) {
        Sink::BigQuery => {
            let TableName { project, dataset, table } = Vars::read(options)?.table()?;
            texts(BIGQUERY, |script| script.with_names(&project, &dataset, &table))
        }
        Sink::Sqlite(_) => texts(SQLITE, |script| script.text.to_owned()),
        Sink::Ndjson(_) => {
            let hint = "Give --sink bigquery or --sink sqlite";
            return Err(Failure::denied("printing the statements", "lines of JSON have no table", hint));
        }
    };
    let text = if options.json {
        let scripts = scripts.iter().map(|(name, text)| json!({ "file": name, "sql": text }));
        scripts.collect::<serde_json::Value>().to_string()
    } else {
        let texts: Vec<_> = scripts.iter().map(|(_, text)| text.trim_end()).collect();
        texts.join("\n\n")
    };
    show::print(&text).map(|()| Exit::Done)
}

fn texts(scripts: &[Script], text: impl Fn(&Script) -> String) -> Vec<(&'static str, String)> {
    scripts.iter().map(|script| (script.name, text(script))).collect()
}
