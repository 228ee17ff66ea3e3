//! Tables and views in D1: `aig-logs sql --sink d1 --apply` and `--check`. What must be there is what the same statements
//! make in a SQLite file.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::Value;

use crate::{
    cli::{commands::sql::check::Mismatch, failure::Failure},
    database::{Database, rest::Rest},
    error::CallError,
    host::Host,
    log::metadata::MetadataKeys,
    record::Cell,
    sink::sql::{COUNT_ANEW, SQLITE, Script, added_columns, made, view},
};

/// The columns of a table.
const COLUMNS: &str = "SELECT name, type FROM pragma_table_info(?1)";

/// The views and their triggers.
const VIEWS: &str = "SELECT name, sql FROM sqlite_master WHERE type IN ('view', 'trigger')";

/// Makes the tables that are missing, and the views that are missing or different. Tells each script that is run.
pub async fn apply<H: Host>(database: &Rest<'_, H>, keys: &MetadataKeys, tell: impl Fn(&str)) -> Result<(), Failure> {
    let there = pairs(database, VIEWS, Vec::new()).await.map_err(|error| Failure::call("looking at D1", error))?;
    for script in SQLITE {
        let Script { name: file, .. } = script;
        let text = script.for_sqlite(keys);
        // What is there stays, so that a second run writes nothing.
        let is_current = |(name, text): (&str, &str)| there.get(name).is_some_and(|known| known == text);
        if view(&text).is_some() && made(&text).all(is_current) {
            continue;
        }
        let done = database.script(&text).await;
        done.map_err(|error| Failure::call(format!("carrying out sql/sqlite/{file}"), error))?;
        tell(file);
    }
    add_columns(database).await.map_err(|error| Failure::call("adding columns to rollups", error))
}

/// Adds the columns that an update of this program has brought to the counts.
async fn add_columns<H: Host>(database: &Rest<'_, H>) -> Result<(), CallError> {
    let live = pairs(database, COLUMNS, vec![Cell::Text("rollups".into())]).await?;
    let additions: Vec<_> = added_columns(|name| live.contains_key(name)).collect();
    if additions.is_empty() {
        return Ok(());
    }
    let additions: Vec<_> = additions.iter().map(String::as_str).chain([COUNT_ANEW]).collect();
    database.script(&additions.join(";\n")).await
}

/// What is missing or different.
pub async fn check(database: &impl Database, keys: &MetadataKeys) -> Result<Vec<Mismatch>, CallError> {
    let mut findings = check_tables(database, |_| true).await?;
    let live = pairs(database, VIEWS, Vec::new()).await?;
    let texts: Vec<_> = SQLITE.iter().map(|script| script.for_sqlite(keys)).collect();
    for (name, text) in texts.iter().flat_map(|text| made(text)) {
        match live.get(name) {
            None => findings.push(Mismatch::new(name, "is missing")),
            Some(live) if live == text => {}
            Some(_) => findings.push(Mismatch::new(name, "is of another version, or has other keys of the metadata")),
        }
    }
    Ok(findings)
}

/// What is missing or different in the tables that are wanted. A file is checked in the same way.
pub async fn check_tables(
    database: &impl Database,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Mismatch>, CallError> {
    let mut findings = Vec::new();
    for (table, columns) in expected().into_iter().filter(|(table, _)| is_wanted(table)) {
        let live = pairs(database, COLUMNS, vec![Cell::Text(table.clone())]).await?;
        if live.is_empty() {
            findings.push(Mismatch::new(table, "is missing"));
            continue;
        }
        for (column, kind) in columns {
            let what = format!("{table}.{column}");
            match live.get(&column) {
                None => findings.push(Mismatch::new(what, format!("is missing: {kind}"))),
                Some(live) if *live == kind => {}
                Some(live) => findings.push(Mismatch::new(what, format!("is {live}, not {kind}"))),
            }
        }
    }
    Ok(findings)
}

/// The tables that the statements make, and the type of each column.
fn expected() -> Vec<(String, Vec<(String, String)>)> {
    let tables = |file: &Connection| -> rusqlite::Result<_> {
        for script in SQLITE.iter().filter(|script| view(script.text).is_none()) {
            file.execute_batch(script.text)?;
        }
        let mut names = file.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")?;
        let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut columns = file.prepare(COLUMNS)?;
        let mut columns_of = |name: String| -> rusqlite::Result<_> {
            let columns = columns.query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok((name, columns.collect::<Result<_, _>>()?))
        };
        names.into_iter().map(&mut columns_of).collect()
    };
    // In memory the program's own statements always succeed: every SQLite file is made by them.
    Connection::open_in_memory().and_then(|file| tables(&file)).unwrap_or_default()
}

/// The two texts of each line, by the first.
async fn pairs(
    database: &impl Database,
    text: &'static str,
    values: Vec<Cell>,
) -> Result<BTreeMap<String, String>, CallError> {
    let rows = database.query(text, values).await?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let pair = |row: &serde_json::Map<String, Value>| {
        (text(row.get("name")), text(row.get("type").or_else(|| row.get("sql"))))
    };
    Ok(rows.iter().map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_there_is_what_the_statements_make() {
        let expected = expected();
        let names: Vec<_> = expected.iter().map(|(name, _)| name.as_str()).collect();
        let tables = ["aig_ledger", "aig_logs_raw", "aig_runs", "api_keys", "events_raw", "orgs", "prices"];
        let counted = ["rollup_keys", "rollup_spans", "rollup_users", "rollups"];
        assert_eq!(names, [&tables[..], &counted].concat());
        assert_eq!(expected[0].1[0], ("grain".to_owned(), "TEXT".to_owned()));
        assert!(expected.iter().all(|(_, columns)| columns.len() > 2));
    }
}
