//! One line of the table. The columns are a table here, so that a new one is one line, and one in each `sql/` schema.

use std::{borrow::Cow, mem};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::{
    entry::{Entry, Fields},
    privacy::Privacy,
    raw,
    time::{self, Timestamp},
};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// 64-bit integer.
    Integer,
    /// 64-bit float.
    Float,
    /// Truth; the API also writes 0 and 1.
    Bool,
    /// An instant, UTC.
    Instant,
    /// Any JSON, kept as text.
    Json,
}

/// Where a column's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Id,
    CreatedAt,
    /// When this program read the entry.
    IngestedAt,
    Gateway,
    /// The entry's field of the column's own name.
    Field,
    /// That too, but without what is withheld.
    Metadata,
    /// A member of an object in the entry.
    Member(&'static str, &'static str),
    /// Everything the other columns left.
    Rest,
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name, in every sink.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    source: Source,
}

const fn column(name: &'static str, kind: Kind, source: Source) -> Column {
    Column { name, kind, source }
}

/// Every column, in the order of the table: those of the TypeScript program first, then ours. `extra` stays last.
pub const COLUMNS: &[Column] = &[
    column("id", Kind::Text, Source::Id),
    column("created_at", Kind::Instant, Source::CreatedAt),
    column("provider", Kind::Text, Source::Field),
    column("model", Kind::Text, Source::Field),
    column("model_type", Kind::Text, Source::Field),
    column("success", Kind::Bool, Source::Field),
    column("status_code", Kind::Integer, Source::Field),
    column("cached", Kind::Bool, Source::Field),
    column("duration", Kind::Float, Source::Field),
    column("tokens_in", Kind::Integer, Source::Field),
    column("tokens_out", Kind::Integer, Source::Field),
    column("cost", Kind::Float, Source::Field),
    column("request_type", Kind::Text, Source::Field),
    column("request_content_type", Kind::Text, Source::Field),
    column("response_content_type", Kind::Text, Source::Field),
    column("path", Kind::Text, Source::Field),
    column("step", Kind::Integer, Source::Field),
    column("ingested_at", Kind::Instant, Source::IngestedAt),
    column("gateway", Kind::Text, Source::Gateway),
    column("custom_cost", Kind::Bool, Source::Field),
    column("metadata", Kind::Json, Source::Metadata),
    column("event_id", Kind::Text, Source::Field),
    column("input_cached_tokens", Kind::Integer, Source::Member("usage_metadata", "input_cached_tokens")),
    column("output_reasoning_tokens", Kind::Integer, Source::Member("usage_metadata", "output_reasoning_tokens")),
    column("latency", Kind::Float, Source::Member("timings", "latency")),
    column("region", Kind::Text, Source::Member("location", "region")),
    column("colo", Kind::Text, Source::Member("location", "colo")),
    column("user_agent", Kind::Text, Source::Field),
    column("feedback", Kind::Integer, Source::Field),
    column("score", Kind::Float, Source::Field),
    column("dlp_action", Kind::Text, Source::Field),
    column("byok", Kind::Bool, Source::Field),
    column("wholesale", Kind::Bool, Source::Field),
    column("extra", Kind::Json, Source::Rest),
];

impl Column {
    /// Whether an entry's field of this name is the column's value just as it is.
    pub(crate) fn is_of_field(&self, name: &str) -> bool {
        self.name == name && matches!(self.source, Source::Id | Source::CreatedAt | Source::Field)
    }
}

/// One value of a row.
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
    /// A truth.
    Bool(bool),
    /// An instant, UTC.
    Instant(Timestamp),
}

/// One line of the table: a cell for each of [`COLUMNS`].
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The log's id, which the first cell repeats.
    pub id: String,
    /// When the gateway logged the call, UTC.
    pub created_at: Timestamp,
    /// The values, in the order of [`COLUMNS`].
    pub cells: Vec<Cell>,
}

impl Row {
    /// The value of a column.
    #[must_use]
    pub fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.get(COLUMNS.iter().position(|column| column.name == name)?)
    }

    /// Makes the row of an entry, without what `privacy` withholds: nothing else makes rows of entries. This never fails:
    /// a field of the wrong type stays in `extra`, and its column is null.
    #[must_use]
    pub fn new(entry: Entry, gateway: &str, ingested_at: Timestamp, privacy: &Privacy) -> Self {
        let Entry { id, created_at, fields, unread: _ } = entry;
        let Fields { mut cells, misfits, mut others } = fields;
        others.extend(misfits);
        privacy.apply(&mut others);
        for (column, cell) in COLUMNS.iter().zip(&mut cells) {
            match column.source {
                Source::Id => *cell = Cell::Text(id.clone()),
                Source::CreatedAt => *cell = Cell::Instant(created_at),
                Source::IngestedAt => *cell = Cell::Instant(ingested_at),
                Source::Gateway => *cell = Cell::Text(gateway.to_owned()),
                Source::Field => {}
                Source::Metadata => *cell = take(&mut others, column.name, column.kind),
                Source::Member(object, name) => *cell = take_member(&mut others, object, name, column.kind),
                Source::Rest => *cell = rest(mem::take(&mut others)),
            }
        }
        Self { id, created_at, cells }
    }

    /// Reads a row back from the JSON that it is written as: each column as it was.
    ///
    /// # Errors
    /// Says which column cannot be read, is missing or is not known. Nothing is guessed, and nothing left out.
    pub fn from_json(written: Value) -> Result<Self, String> {
        let Value::Object(mut written) = written else { return Err("is no object".into()) };
        let mut cells = Vec::with_capacity(COLUMNS.len());
        for column in COLUMNS {
            let cell = written.remove(column.name).map_or(Some(Cell::Null), |value| cell_written(value, column.kind));
            cells.push(cell.ok_or_else(|| format!("has a value in {} that is none of that column", column.name))?);
        }
        if let Some(name) = written.keys().next() {
            return Err(format!("has a column {name} that this program does not know"));
        }
        // The first two columns, as COLUMNS has them.
        let [Cell::Text(id), Cell::Instant(created_at), ..] = &cells[..] else {
            return Err("has no id, or no created_at".into());
        };
        Ok(Self { id: id.clone(), created_at: *created_at, cells })
    }
}

/// The cell that was written as `value`.
fn cell_written(value: Value, kind: Kind) -> Option<Cell> {
    match (kind, value) {
        (_, Value::Null) => Some(Cell::Null),
        (Kind::Text | Kind::Json, Value::String(text)) => Some(Cell::Text(text)),
        (Kind::Integer, Value::Number(number)) => number.as_i64().map(Cell::Integer),
        // One that is not safe as a number in every reader.
        (Kind::Integer, Value::String(text)) => text.parse().ok().map(Cell::Integer),
        (Kind::Float, Value::Number(number)) => number.as_f64().map(Cell::Float),
        (Kind::Bool, Value::Bool(truth)) => Some(Cell::Bool(truth)),
        (Kind::Instant, Value::String(text)) => time::parse(&text).map(Cell::Instant),
        (Kind::Text | Kind::Integer | Kind::Float | Kind::Bool | Kind::Instant | Kind::Json, _) => None,
    }
}

/// Moves a field into a cell, or leaves it where it is if it is not of the column's kind.
fn take(fields: &mut Map<String, Value>, name: &str, kind: Kind) -> Cell {
    let Some(value) = fields.get_mut(name) else { return Cell::Null };
    match cell(value.take(), kind) {
        Ok(cell) => {
            fields.remove(name);
            cell
        }
        Err(misfit) => {
            *value = misfit;
            Cell::Null
        }
    }
}

fn take_member(fields: &mut Map<String, Value>, object: &str, name: &str, kind: Kind) -> Cell {
    let Some(Value::Object(members)) = fields.get_mut(object) else { return Cell::Null };
    let cell = take(members, name, kind);
    if members.is_empty() {
        fields.remove(object);
    }
    cell
}

/// The cell of a value, or the value where it does not fit.
pub(crate) fn cell(value: Value, kind: Kind) -> Result<Cell, Value> {
    match (kind, value) {
        (_, Value::Null) => Ok(Cell::Null),
        (Kind::Text, Value::String(text)) => Ok(Cell::Text(text)),
        (Kind::Integer, value) => integer(&value).map(Cell::Integer).ok_or(value),
        (Kind::Float, value) => value.as_f64().map(Cell::Float).ok_or(value),
        (Kind::Bool, value) => truth(&value).map(Cell::Bool).ok_or(value),
        // The API's schema says text, its Worker binding an object.
        (Kind::Json, Value::String(text)) => match raw::json(&text) {
            Some(Cow::Owned(tame)) => Ok(Cell::Text(tame)),
            Some(Cow::Borrowed(_)) => Ok(Cell::Text(text)),
            None => Err(Value::String(text)),
        },
        (Kind::Json, value @ (Value::Object(_) | Value::Array(_))) => Ok(Cell::Text(value.to_string())),
        (Kind::Instant, value) => value.as_str().and_then(time::parse).map(Cell::Instant).ok_or(value),
        (Kind::Text | Kind::Json, value) => Err(value),
    }
}

/// The integer that a number is, `412.0` included.
fn integer(value: &Value) -> Option<i64> {
    /// Above 2^53 a float no longer names one integer.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and at most 2^53")]
    value.as_i64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= EXACT).map(|n| n as i64))
}

fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| Some(integer(value).filter(|bit| matches!(bit, 0 | 1))? == 1))
}

/// What no column took, without nulls, as JSON text.
fn rest(mut fields: Map<String, Value>) -> Cell {
    fields.retain(|_, value| !value.is_null());
    if fields.is_empty() { Cell::Null } else { Cell::Text(Value::Object(fields).to_string()) }
}

/// A row is written as an object of its cells; nulls are left out, which every sink reads as null.
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (column, cell) in COLUMNS.iter().zip(&self.cells) {
            if *cell != Cell::Null {
                object.serialize_entry(column.name, cell)?;
            }
        }
        object.end()
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Above this a JSON number is not safe in every reader; BigQuery takes INT64 as text too.
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{COLUMNS, Cell, Row};
    use crate::{entry::Entry, privacy::Privacy, time};

    /// The row of an element of the list, with nothing withheld.
    fn made_of(element: Value) -> Row {
        let ingested_at = time::parse("2026-10-06T09:16:00Z").unwrap();
        Row::new(Entry::from_json(element).unwrap(), "main", ingested_at, &Privacy::default())
    }

    /// The row of an entry with these fields, without the five columns that every row has.
    fn row(fields: &Value) -> Value {
        let mut entry = json!({ "id": "a", "created_at": "2026-10-06T09:15:22.417Z" });
        entry.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let mut row = serde_json::to_value(made_of(entry)).unwrap();
        for column in ["id", "created_at", "ingested_at", "gateway"] {
            assert!(row.as_object_mut().unwrap().remove(column).is_some(), "{column}");
        }
        row
    }

    fn check(fields: &Value, expected: &Value) {
        assert_eq!(row(fields), *expected, "{fields}");
    }

    #[test]
    fn every_field_of_the_list_finds_its_column() {
        let page: Value = serde_json::from_str(include_str!("../tests/fixtures/list.json")).unwrap();
        let rows: Vec<_> = page["result"].as_array().unwrap().iter().map(row).collect();
        let first = json!({
            "provider": "openai", "model": "gpt-4.1-mini", "model_type": "text-generation", "success": true,
            "status_code": 200, "cached": false, "duration": 1384.0, "tokens_in": 412, "tokens_out": 96,
            "cost": 0.000_318, "request_type": "http", "request_content_type": "application/json",
            "response_content_type": "application/json", "path": "chat/completions", "step": 0, "custom_cost": false,
            "metadata": r#"{"team":"search","user_id":42,"canary":true}"#, "event_id": "evt-7f3a",
            "input_cached_tokens": 128, "output_reasoning_tokens": 0, "latency": 311.5, "region": "WEUR",
            "colo": "AMS", "user_agent": "example-client/1.4", "byok": false, "wholesale": false,
            "extra": r#"{"timings":{"total":1384},"usage_metadata":{"input_tokens":412,"output_tokens":96,"total_tokens":508}}"#,
        });
        let second = json!({
            "provider": "anthropic", "model": "claude-example", "success": false, "status_code": 529, "cached": false,
            "duration": 205.0, "path": "v1/messages", "step": 1,
        });
        assert_eq!(rows, [first, second]);
    }

    #[test]
    fn zero_stays_zero_and_null_is_absent() {
        check(
            &json!({ "cost": 0, "tokens_in": 0, "step": 0, "score": 0.0 }),
            &json!({ "cost": 0.0, "tokens_in": 0, "step": 0, "score": 0.0 }),
        );
        check(&json!({ "cost": null, "metadata": null, "new_field": null, "location": null }), &json!({}));
        check(&json!({ "success": false, "feedback": -1 }), &json!({ "success": false, "feedback": -1 }));
    }

    #[test]
    fn what_does_not_fit_its_column_stays_in_extra() {
        check(&json!({ "tokens_in": "many" }), &json!({ "extra": r#"{"tokens_in":"many"}"# }));
        check(&json!({ "tokens_in": 1.5 }), &json!({ "extra": r#"{"tokens_in":1.5}"# }));
        check(&json!({ "tokens_in": 412.0 }), &json!({ "tokens_in": 412 }));
        check(
            &json!({ "tokens_in": 18_446_744_073_709_551_615_u64 }),
            &json!({ "extra": r#"{"tokens_in":18446744073709551615}"# }),
        );
        check(&json!({ "success": "yes" }), &json!({ "extra": r#"{"success":"yes"}"# }));
        check(&json!({ "byok": 1, "wholesale": 0 }), &json!({ "byok": true, "wholesale": false }));
        check(&json!({ "byok": 2 }), &json!({ "extra": r#"{"byok":2}"# }));
        check(&json!({ "provider": 7 }), &json!({ "extra": r#"{"provider":7}"# }));
        check(&json!({ "timings": [1] }), &json!({ "extra": r#"{"timings":[1]}"# }));
        check(&json!({ "timings": { "latency": "fast" } }), &json!({ "extra": r#"{"timings":{"latency":"fast"}}"# }));
        check(&json!({ "guardrails": { "hate": 1 } }), &json!({ "extra": r#"{"guardrails":{"hate":1}}"# }));
    }

    #[test]
    fn metadata_is_json_however_it_comes() {
        check(&json!({ "metadata": { "team": "a" } }), &json!({ "metadata": r#"{"team":"a"}"# }));
        check(&json!({ "metadata": r#"{"n": 1.50}"# }), &json!({ "metadata": r#"{"n": 1.50}"# }));
        check(&json!({ "metadata": "team a" }), &json!({ "extra": r#"{"metadata":"team a"}"# }));
        check(&json!({ "metadata": "" }), &json!({ "extra": r#"{"metadata":""}"# }));
    }

    #[test]
    fn every_column_survives_being_written_and_read_back() {
        let page: Value = serde_json::from_str(include_str!("../tests/fixtures/list.json")).unwrap();
        let mut entries = page["result"].as_array().unwrap().clone();
        // What the fixture leaves out, and values at the edge of what a column holds.
        let full = json!({
            "tokens_in": i64::MIN, "tokens_out": 9_007_199_254_740_993_i64, "step": 1_i64 << 53, "cost": 0.1 + 0.2,
            "score": 1e-320, "duration": 1e300, "model": "a \"quoted\"\n\u{0} ünïcode 🦀 text", "feedback": -1,
            "dlp_action": "FLAG", "metadata": "{\"n\": 1.50}", "timings": { "latency": -0.0 }, "new": [null, 1.0],
            "created_at": "2026-10-06T09:15:22.417123Z", "id": "\n",
        });
        entries.push(full.as_object().unwrap().iter().fold(entries[0].clone(), |mut entry, (name, value)| {
            entry[name] = value.clone();
            entry
        }));
        let mut seen = [false; COLUMNS.len()];
        for entry in entries {
            let row = made_of(entry);
            let text = serde_json::to_string(&row).unwrap();
            let read = Row::from_json(serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(read, row, "{text}");
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
            for (seen, cell) in seen.iter_mut().zip(&row.cells) {
                *seen |= *cell != Cell::Null;
            }
        }
        let unseen = COLUMNS.iter().zip(seen).filter(|(_, seen)| !seen).map(|(column, _)| column.name);
        assert_eq!(unseen.collect::<Vec<_>>(), [""; 0], "columns that no entry here has");
    }

    #[test]
    fn a_row_that_is_not_as_it_was_written_is_refused() {
        let check = |changed: Value, words: &str| {
            let mut row = json!({ "id": "a", "created_at": "2026-10-06T09:15:22.417Z", "cost": 0.5 });
            row.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
            let error = Row::from_json(row).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        check(json!({ "colour": "red" }), "column colour");
        check(json!({ "cost": "0.5" }), "in cost");
        check(json!({ "tokens_in": 1.5 }), "in tokens_in");
        check(json!({ "created_at": "yesterday" }), "in created_at");
        check(json!({ "id": null }), "no id");
        assert!(Row::from_json(json!([])).is_err());
    }

    #[test]
    fn an_integer_beyond_2_to_the_53_is_written_as_text() {
        check(&json!({ "tokens_in": 9_007_199_254_740_993_i64 }), &json!({ "tokens_in": "9007199254740993" }));
    }
}
