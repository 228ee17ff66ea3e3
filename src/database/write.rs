//! The statements that write records. They are the same for a file, which takes a record at a time, and for D1, which
//! takes a list of records as one JSON value.

use crate::record::{Column, Kind, Table};

/// The statement that writes one record, given its cells. It replaces a record with the same key if the new version is
/// later and another value differs: a log that was read too early may have had no cost yet. A record with the same
/// values changes nothing.
#[must_use]
pub fn upsert(table: &Table) -> String {
    upsert_of(table, 1)
}

/// The same for so many records, given the cells of all. If one is refused, those before it stay: whoever runs it rolls
/// back. Otherwise SQLite copied each page that it changes.
#[must_use]
pub fn upsert_of(table: &Table, records: usize) -> String {
    let places = format!("({})", vec!["?"; table.columns.len()].join(", "));
    let places = vec![places; records].join(", ");
    format!("INSERT OR FAIL INTO {} ({}) VALUES {places} {}", table.name, names(table), on_conflict(table))
}

/// The same for many records: `?1` is a JSON list of lists of cells.
#[must_use]
pub fn upsert_of_json(table: &Table) -> String {
    let values: Vec<_> = table.columns.iter().enumerate().map(of_list).collect();
    let (name, values) = (table.name, values.join(", "));
    // Without WHERE, ON CONFLICT could be read as a part of the SELECT.
    format!(
        "INSERT INTO {name} ({}) SELECT {values} FROM json_each(?1) WHERE true {}",
        names(table),
        on_conflict(table)
    )
}

/// The value of a column in a list. JSON stands in the list as it is, so that its quotes are not escaped once more.
fn of_list((place, column): (usize, &Column)) -> String {
    match column.kind {
        Kind::Json => format!("nullif(value -> {place}, 'null')"),
        Kind::Text | Kind::Integer | Kind::Float | Kind::Bool | Kind::Instant => format!("value ->> {place}"),
    }
}

fn names(table: &Table) -> String {
    table.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// Without naming the key: a file that an older version of this program has made may have another key.
fn on_conflict(table: &Table) -> String {
    let Some(version) = table.version else { return "ON CONFLICT DO NOTHING".into() };
    let name = table.name;
    let values = table.columns.iter().map(|column| column.name);
    let values = values.filter(|column| !table.key.contains(column) && *column != version);
    let (sets, differs): (Vec<_>, Vec<_>) = values
        .map(|column| (format!("{column} = excluded.{column}"), format!("{name}.{column} IS NOT excluded.{column}")))
        .unzip();
    format!(
        "ON CONFLICT DO UPDATE SET {version} = excluded.{version}, {} WHERE excluded.{version} > {name}.{version} AND ({})",
        sets.join(", "),
        differs.join(" OR ")
    )
}
