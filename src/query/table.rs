//! An answer, as JSON and as CSV.

use chrono::SecondsFormat;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use super::{
    question::{Question, UTC},
    statement,
    steps::Span,
};
use crate::{
    rollup::bucket,
    time::{self, Timestamp},
};

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

    /// Adds a warning.
    pub(super) fn warn(&mut self, warning: &str) {
        if let Some(Value::Array(warnings)) = self.meta.get_mut("warnings") {
            warnings.push(warning.into());
        }
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

/// The names of an answer's columns: the step, the fields, the metrics.
fn columns(question: &Question) -> Vec<String> {
    let step = question.unit.map(|unit| unit.name().to_owned()).into_iter();
    let fields = question.fields.iter().map(|(name, _)| name.clone());
    step.chain(fields).chain(question.metrics.iter().map(|metric| metric.name.to_owned())).collect()
}

/// A row of an answer, from a line of the database.
pub(super) fn row(question: &Question, mut line: Map<String, Value>, is_counted: bool) -> Vec<Value> {
    let mut take = |name: &str| line.remove(name).unwrap_or_default();
    let buckets = take("buckets").as_str().map(bucket::merged).unwrap_or_default();
    let step = take("step").as_u64().and_then(|step| question.spans.get(usize::try_from(step).ok()?));
    let label = question.unit.map(|_| step.map_or(Value::Null, |span| label(span, &question.zone).into()));
    let mut row: Vec<_> = label.into_iter().collect();
    for (place, (_, field)) in question.fields.iter().enumerate() {
        row.push(statement::value(field.kind(), take(&format!("g{place}"))));
    }
    for (place, metric) in question.metrics.iter().enumerate() {
        let value = match metric.percent().filter(|_| is_counted) {
            Some(percent) => bucket::percentile(&buckets, percent).into(),
            None => take(&format!("m{place}")),
        };
        let value = number(value);
        row.push(if value.is_null() && metric.is_zero { 0.into() } else { value });
    }
    row
}

/// The beginning of a step as text, with the zone's offset where a zone was asked for.
#[must_use]
pub fn label(span: &Span, zone: &str) -> String {
    span.label.to_rfc3339_opts(SecondsFormat::Millis, zone == UTC)
}

/// A number as every host writes it: a whole number has no fraction.
pub(crate) fn number(value: Value) -> Value {
    /// Whole numbers up to this are exact as floats.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and exact as a float")]
        Some(float) if value.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT => (float as i64).into(),
        _ => value,
    }
}

/// What is known of a database beside its rows.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The metadata key that holds the org of a log.
    pub org_metadata: &'a str,
    /// Up to when the logs are complete, if this is known, UTC.
    pub logs: Option<Timestamp>,
    /// Up to when the events are complete, if this is known, UTC.
    pub events: Option<Timestamp>,
}

/// What is to know about an answer beside the question.
pub(super) struct About {
    /// What is read, and how much of it.
    pub read: (&'static str, u64),
    pub is_truncated: bool,
    /// Whether it is from what is counted once.
    pub is_counted: bool,
    /// The end of the events that are no longer kept, if rows before it are read.
    pub lacks: Option<Timestamp>,
}

/// Rows and lines read.
pub(super) const ROWS: &str = "rowsRead";

/// An answer with these rows, of which those beyond its limit are left out.
pub(super) fn table_of(question: &Question, mut rows: Vec<Vec<Value>>, known: Known<'_>, about: &About) -> Table {
    rows.truncate(usize::try_from(question.limit).unwrap_or(usize::MAX));
    Table { columns: columns(question), rows, meta: meta(question, known, about) }
}

pub(super) fn meta(question: &Question, known: Known<'_>, about: &About) -> Map<String, Value> {
    let is_exact = !(about.is_counted && question.has_percentiles());
    let exact = if is_exact { true.into() } else { serde_json::json!({ "error": bucket::ERROR }) };
    let instant = |instant: Option<Timestamp>| instant.map_or(Value::Null, |instant| time::text(instant).into());
    let units: Map<String, Value> =
        question.metrics.iter().filter_map(|metric| Some((metric.name.to_owned(), metric.unit?.into()))).collect();
    let lacks = about.lacks.map(|end| {
        let end = time::text(end);
        format!("events before {end} are no longer kept, and this answer needs their rows: ask for later ones")
    });
    let warnings: Vec<_> = question.warnings.iter().cloned().chain(lacks).collect();
    let members: [(&str, Value); 10] = [
        ("from", if about.is_counted { "rollup" } else { "raw" }.into()),
        ("exact", exact),
        ("start", time::text(question.start).into()),
        ("end", time::text(question.end).into()),
        ("timeZone", question.zone.clone().into()),
        ("completeThrough", serde_json::json!({ "logs": instant(known.logs), "events": instant(known.events) })),
        (about.read.0, about.read.1.into()),
        ("units", units.into()),
        ("truncated", about.is_truncated.into()),
        ("warnings", warnings.into()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
