//! `aig-logs dead-letters`: lists the rows that the sink will never take, writes them again, or discards them.

mod replay;

use comfy_table::{CellAlignment, ColumnConstraint};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    cli::{
        args::{LettersAction, Options},
        confirm::is_confirmed,
        failure::{Exit, Failure},
        files::state::OpenState,
        progress::Screen,
        show, terminal,
    },
    error::Error,
    foreign::clean,
    host::Store,
    pass::dead,
    state::{Body, DeadLetter, place_of},
    time,
};

/// Does what was asked.
pub async fn dead_letters(
    action: LettersAction,
    options: &Options,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    match action {
        LettersAction::List => list(&OpenState::to_read(options, stop)?.store()?, options.json).await,
        LettersAction::Show { key } => {
            let keys: Vec<_> = key.into_iter().collect();
            show_rows(&OpenState::to_read(options, stop)?.store()?, &keys).await
        }
        LettersAction::Replay { keys } => replay::replay(&keys, options, stop, screen).await,
        LettersAction::Discard { keys, all: _, yes } => {
            discard(&OpenState::to_change(options, stop)?.store()?, &keys, yes, options.json).await
        }
    }
}

async fn list(store: &impl Store, json: bool) -> Result<Exit, Failure> {
    let mut found = Vec::new();
    for (key, _) in dead::keys(store).await? {
        match dead::read(store, &key).await {
            Ok(Some(letters)) => {
                let reason = letters.first().map(reason).unwrap_or_default();
                found.push((key, letters.len(), reason));
            }
            // One that is over, or was taken away a moment ago, may still be listed.
            Ok(None) => {}
            Err(Error::State { problem, .. }) => found.push((key, 0, problem)),
            Err(error) => return Err(error.into()),
        }
    }
    if json {
        let values = found.iter().map(|(key, rows, reason)| {
            let (gateway, at) = place_of(key).unzip();
            json!({ "key": key, "gateway": gateway, "at": at.map(time::text), "rows": rows, "reason": reason })
        });
        show::print(&format!("{:#}", values.collect::<Value>()))?;
    } else if found.is_empty() {
        show::print("No dead letters: the sink took every row")?;
    } else {
        show::print(&table(&found))?;
    }
    Ok(Exit::Done)
}

/// Why the log is a dead letter, or why its row cannot be read.
fn reason(letter: &DeadLetter) -> String {
    match &letter.body {
        Body::Row(_) | Body::Text { .. } => letter.reason.clone(),
        Body::Unknown { problem, .. } => format!("this program cannot read the row: it {problem}"),
    }
}

fn table(found: &[(String, usize, String)]) -> String {
    let mut table = terminal::table();
    // The key says gateway and instant, too: a terminal has no room to say them twice.
    let is_short = terminal::columns().is_some();
    table.set_header(if is_short {
        vec!["key", "rows", "first reason"]
    } else {
        vec!["key", "gateway", "when", "rows", "first reason"]
    });
    for (key, rows, reason) in found {
        let (gateway, at) = place_of(key).unzip();
        let at = at.map(time::text).unwrap_or_default();
        let [key, gateway, reason] = [key, gateway.unwrap_or_default(), reason].map(clean);
        let rows = rows.to_string();
        table.add_row(if is_short { vec![key, rows, reason] } else { vec![key, gateway, at, rows, reason] });
    }
    if let Some(column) = table.column_mut(if is_short { 1 } else { 3 }) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    table.trim_fmt()
}

async fn show_rows(store: &impl Store, keys: &[String]) -> Result<Exit, Failure> {
    let mut failed = None;
    for (key, _) in chosen(store, keys).await? {
        match dead::read(store, &key).await {
            Ok(letters) => {
                for letter in letters.into_iter().flatten() {
                    let mut line = letter.to_json();
                    line["key"] = key.as_str().into();
                    show::deliver(&line.to_string())?;
                }
            }
            // It hides none of the others.
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(Exit::Done), |error| Err(error.into()))
}

/// The keys that were named, or all of them, with how many rows each holds.
async fn chosen(store: &impl Store, named: &[String]) -> Result<Vec<(String, u64)>, Failure> {
    let mut kept = dead::keys(store).await?;
    if let Some(unknown) = named.iter().find(|name| !kept.iter().any(|(key, _)| key == *name)) {
        return Err(Failure::denied(
            format!("looking for dead letters under {unknown}"),
            "there are none",
            "`aig-logs dead-letters list` shows the keys",
        ));
    }
    kept.retain(|(key, _)| named.is_empty() || named.contains(key));
    Ok(kept)
}

async fn discard(store: &impl Store, keys: &[String], yes: bool, json: bool) -> Result<Exit, Failure> {
    let chosen = chosen(store, keys).await?;
    let rows = chosen.iter().map(|(_, rows)| rows).sum();
    let what = format!("{} under {}", show::counted(rows, "row"), show::counted(chosen.len() as u64, "key"));
    if !yes && !chosen.is_empty() && !is_confirmed("Discard", &what, "Nothing was discarded")? {
        show::print("Nothing was discarded")?;
        return Ok(Exit::Done);
    }
    for (key, _) in &chosen {
        dead::discard(store, key).await?;
    }
    if json {
        let keys: Vec<_> = chosen.iter().map(|(key, rows)| json!({ "key": key, "rows": rows })).collect();
        show::print(&format!("{:#}", json!({ "discarded": keys })))?;
    } else {
        show::print(&format!("Discarded {what}"))?;
    }
    Ok(Exit::Done)
}
