//! An answer for a person in the columns of the terminal, or for a program.

use comfy_table::CellAlignment;
use indicatif::{HumanBytes, HumanCount};
use serde_json::Value;

use crate::{
    cli::{failure::Failure, show, terminal},
    query::{Table, bigquery::BYTES},
};

/// The most letters of a text in a cell at a terminal.
const LONGEST: usize = 36;

/// The answer as JSON or CSV; none: it is for a person.
pub(super) fn for_programs(table: &Table, json: bool, csv: bool) -> Result<Option<String>, Failure> {
    if csv {
        let text = String::from_utf8_lossy(&table.csv()).into_owned();
        return Ok(Some(text.trim_end_matches("\r\n").to_owned()));
    }
    let text = json.then(|| serde_json::to_string(table)).transpose();
    text.map_err(|error| Failure::denied("printing", error, "Leave --json out"))
}

/// The rows. Numbers are at the right.
pub(super) fn table(table: &Table) -> String {
    if table.rows.is_empty() {
        return "no rows".into();
    }
    let header = table.columns.iter().map(|name| match table.meta["units"][name].as_str() {
        Some(unit) => format!("{name} ({unit})"),
        None => name.clone(),
    });
    let lines = table.rows.iter().map(|row| row.iter().map(cell).collect());
    let is_number = |place: usize| table.rows.iter().all(|row| row[place].is_number() || row[place].is_null());
    aligned(header.collect(), lines.collect(), is_number)
}

/// Lines below their header.
pub fn aligned(header: Vec<String>, lines: Vec<Vec<String>>, is_number: impl Fn(usize) -> bool) -> String {
    let mut printed = terminal::table();
    printed.set_header(header);
    printed.add_rows(lines);
    for (place, column) in printed.column_iter_mut().enumerate() {
        if is_number(place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    printed.trim_fmt()
}

/// A value in words. A terminal shows the beginning of a long text.
pub(super) fn cell(value: &Value) -> String {
    in_words(value, terminal::columns().map_or(usize::MAX, |_| LONGEST))
}

fn in_words(value: &Value, longest: usize) -> String {
    match value {
        Value::Null => "–".into(),
        Value::Number(number) => number
            .as_u64()
            .map_or_else(|| rounded(number.as_f64().unwrap_or_default()), |whole| HumanCount(whole).to_string()),
        Value::String(text) => shortened(text, longest),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => shortened(&value.to_string(), longest),
    }
}

/// A number with as many digits as a person compares.
fn rounded(number: f64) -> String {
    match number.abs() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        size if size >= 1_000.0 && number > 0.0 => HumanCount(number.round() as u64).to_string(),
        size if size >= 1_000.0 => format!("{number:.0}"),
        size if size >= 100.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}

/// The instant of a step needs no seconds if it has none.
fn shortened(text: &str, longest: usize) -> String {
    let text = text.strip_suffix(":00.000Z").map_or_else(|| text.to_owned(), |minute| format!("{minute}Z"));
    terminal::shortened(&text, longest)
}

/// What is to know about the answer, in one line.
pub(super) fn facts(table: &Table) -> String {
    let meta = &table.meta;
    let minute = |at: &Value| format!("{}Z", at.as_str().and_then(|at| at.get(..16)).unwrap_or_default());
    let mut facts = vec![
        format!("{} to {}", minute(&meta["start"]), minute(&meta["end"])),
        match meta.get(BYTES).and_then(Value::as_u64) {
            Some(bytes) => format!("{} read", HumanBytes(bytes)),
            None => show::counted(meta["rowsRead"].as_u64().unwrap_or_default(), "row") + " read",
        },
        if meta["exact"] == true { "exact".into() } else { format!("within {}", meta["exact"]["error"]) },
    ];
    for source in ["logs", "events"] {
        let complete = &meta["completeThrough"][source];
        facts.extend((!complete.is_null()).then(|| format!("{source} complete through {}", minute(complete))));
    }
    if table.is_truncated() {
        facts.push(format!("more than these {}: see --limit", show::counted(table.rows.len() as u64, "row")));
    }
    facts.extend(meta["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    facts.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{cell, in_words};

    #[test]
    fn numbers_have_the_digits_that_a_person_compares() {
        let cells = [json!(1_234_567), json!(0.01234), json!(12.345), json!(123.45), json!(12_345.6), json!(null)];
        assert_eq!(cells.map(|value| cell(&value)), ["1,234,567", "0.0123", "12.35", "123.5", "12,346", "–"]);
        assert_eq!(cell(&json!("2026-11-01T10:00:00.000Z")), "2026-11-01T10:00Z");
        assert_eq!(in_words(&json!("x".repeat(40)), 36).chars().count(), 36);
        assert_eq!(in_words(&json!("x".repeat(40)), usize::MAX).chars().count(), 40);
    }
}
