//! A line of any table: the columns of a table, and the cells of one line.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::time::{self, Timestamp};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// 64-bit integer.
    Integer,
    /// 64-bit float.
    Float,
    /// Boolean.
    Bool,
    /// An instant, UTC.
    Instant,
    /// Any JSON, kept as text.
    Json,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name, in every sink.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
}

/// A table that records are written to. Each sink has it, with the types of its own dialect: see `sql/`.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name. In BigQuery the table of logs may have another name, by `GCP_BQ_TABLE`.
    pub name: &'static str,
    /// Every column, in the order of the table.
    pub columns: &'static [Column],
    /// The columns whose values together identify one line.
    pub key: &'static [&'static str],
    /// The column that names a line, a text: BigQuery's `insertId`.
    pub id: &'static str,
    /// The column with the instant of a line. BigQuery partitions the table by its day.
    pub at: &'static str,
    /// The column with an instant, by which a newer line replaces an older one of the same key. None: the first line stays.
    pub version: Option<&'static str>,
}

/// The columns of a list that has another value beside each column.
#[must_use]
pub const fn columns<T: Copy, const N: usize>(fields: &[(Column, T); N]) -> [Column; N] {
    let mut columns = [fields[0].0; N];
    let mut index = 1;
    while index < N {
        columns[index] = fields[index].0;
        index += 1;
    }
    columns
}

/// One value of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Absent and null are the same.
    Null,
    /// Text, or JSON as text.
    Text(String),
    /// An integer; zero is a value.
    Integer(i64),
    /// A float; zero is a value.
    Float(f64),
    /// A Boolean.
    Bool(bool),
    /// An instant, UTC.
    Instant(Timestamp),
}

/// One line of a table. Its id is a text and its instant is known: nothing makes a record without them.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The table.
    pub table: &'static Table,
    /// The values, one for each column of the table.
    pub cells: Vec<Cell>,
}

impl Record {
    /// The value of a column; none if the table has no such column.
    #[must_use]
    pub fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.get(self.table.columns.iter().position(|column| column.name == name)?)
    }

    /// The record's id, in the table's column `id`.
    #[must_use]
    pub fn id(&self) -> &str {
        if let Some(Cell::Text(id)) = self.cell(self.table.id) { id } else { "" }
    }

    /// Its instant, UTC, in the table's column `at`.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        if let Some(Cell::Instant(at)) = self.cell(self.table.at) { *at } else { Timestamp::UNIX_EPOCH }
    }

    /// Reads a record back from the JSON in which it was written: each column as it was.
    ///
    /// # Errors
    /// If a value does not fit its column, a column is unknown, or the id or the instant is missing: the text names the
    /// column. Any other missing column is null, because nulls are not written.
    pub fn from_json(table: &'static Table, written: Value) -> Result<Self, String> {
        let Value::Object(mut written) = written else { return Err("is not a JSON object".into()) };
        let mut cells = Vec::with_capacity(table.columns.len());
        for column in table.columns {
            let cell = written.remove(column.name).map_or(Some(Cell::Null), |value| cell_written(value, column.kind));
            cells.push(cell.ok_or_else(|| format!("has a value in {} that does not fit the column", column.name))?);
        }
        if let Some(name) = written.keys().next() {
            return Err(format!("has a column {name} that this program does not know"));
        }
        let record = Self { table, cells };
        for name in [table.id, table.at] {
            if matches!(record.cell(name), None | Some(Cell::Null)) {
                return Err(format!("has no {name}"));
            }
        }
        Ok(record)
    }
}

/// The cell that was written as `value`.
fn cell_written(value: Value, kind: Kind) -> Option<Cell> {
    match (kind, value) {
        (_, Value::Null) => Some(Cell::Null),
        (Kind::Text | Kind::Json, Value::String(text)) => Some(Cell::Text(text)),
        (Kind::Integer, Value::Number(number)) => number.as_i64().map(Cell::Integer),
        // An integer that is not safe as a JSON number.
        (Kind::Integer, Value::String(text)) => text.parse().ok().map(Cell::Integer),
        (Kind::Float, Value::Number(number)) => number.as_f64().map(Cell::Float),
        (Kind::Bool, Value::Bool(truth)) => Some(Cell::Bool(truth)),
        (Kind::Instant, Value::String(text)) => time::parse(&text).map(Cell::Instant),
        (Kind::Text | Kind::Integer | Kind::Float | Kind::Bool | Kind::Instant | Kind::Json, _) => None,
    }
}

/// A record is written as an object of its cells. Nulls are left out, which every sink reads as null.
impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (column, cell) in self.table.columns.iter().zip(&self.cells) {
            if *cell != Cell::Null {
                object.serialize_entry(column.name, cell)?;
            }
        }
        object.end()
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Above this a JSON number is not safe in every parser; BigQuery takes INT64 as text too.
        const SAFE: u64 = 1 << 53;
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(integer) if integer.unsigned_abs() > SAFE => serializer.collect_str(integer),
            Self::Integer(integer) => serializer.serialize_i64(*integer),
            Self::Float(float) => serializer.serialize_f64(*float),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Instant(instant) => serializer.serialize_str(&time::text(*instant)),
        }
    }
}
