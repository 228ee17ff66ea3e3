//! An answer, as JSON and as CSV.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

/// An answer: a table, and what is to know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, a value for each column.
    pub rows: Vec<Vec<Value>>,
    /// What is to know about it.
    pub meta: Map<String, Value>,
}

impl Table {
    /// The table as CSV (RFC 4180): a line of names, and the same texts as in JSON. A cell that a spreadsheet would take
    /// for a formula begins with an apostrophe.
    #[must_use]
    pub fn csv(&self) -> Vec<u8> {
        let mut csv = String::new();
        let names: Vec<_> = self.columns.iter().map(|name| cell(&Value::from(name.as_str()))).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>());
        for line in std::iter::once(names).chain(rows) {
            csv.push_str(&line.join(","));
            csv.push_str("\r\n");
        }
        csv.into_bytes()
    }

    /// Whether there was more than the limit of the question.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.meta.get("truncated").and_then(Value::as_bool).unwrap_or(false)
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("meta", &self.meta)?;
        let rows: Vec<_> = self.rows.iter().map(|row| Row(&self.columns, row)).collect();
        map.serialize_entry("rows", &rows)?;
        map.end()
    }
}

/// A value as a cell of CSV.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err() => {
            format!("'{text}")
        }
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// A row with its names, in the order of the columns.
struct Row<'a>(&'a [String], &'a [Value]);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}
