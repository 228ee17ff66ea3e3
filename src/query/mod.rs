//! Questions over events and AI Gateway's logs: what is asked, the statement that finds it, and the answer.

mod expression;
mod names;
mod question;
mod statement;
mod steps;

pub mod shapes;

use chrono::SecondsFormat;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

pub use self::question::{Asker, Question, Reason, Shape, Wrong, read};
use self::{
    names::Needs,
    statement::{Sql, of_cohorts, of_question},
    steps::Span,
};
pub(crate) use self::{
    names::{Dataset, FIELDS, METRICS, ORG_OF_LOG, USER_OF_LOG},
    steps::Unit,
};
use crate::{
    database::Database,
    error::CallError,
    time::{self, Timestamp},
};

/// The most periods of cohorts: two years of weeks, and a quarter of days.
const MOST_PERIODS: usize = 110;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq)]
pub enum NoAnswer {
    /// The question is at fault.
    Wrong(Wrong),
    /// The database is.
    Away(CallError),
}

impl From<Wrong> for NoAnswer {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<CallError> for NoAnswer {
    fn from(error: CallError) -> Self {
        Self::Away(error)
    }
}

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

/// Answers a question from raw rows.
///
/// # Errors
/// If it would read too much, or the database does not answer.
pub async fn ask(database: &impl Database, question: &Question, known: Known<'_>) -> Result<Table, NoAnswer> {
    let needs_firsts = question.metrics.iter().any(|metric| metric.needs == Needs::Firsts);
    let read = guard(database, question, needs_firsts, known).await?;
    let Sql { text, values } = of_question(question, known.org_metadata);
    let lines = database.query(&text, values).await?;
    let is_truncated = lines.len() as u64 > question.limit;
    let lines = lines.into_iter().take(usize::try_from(question.limit).unwrap_or(usize::MAX));
    let rows = lines.map(|line| row(question, line)).collect();
    Ok(Table { columns: columns(question), rows, meta: meta(question, known, read, is_truncated) })
}

/// Answers a question about cohorts: of the users who were first seen in a period, how many are active in it and in each
/// later one.
///
/// # Errors
/// If it would read too much, or the database does not answer.
pub async fn cohorts(database: &impl Database, question: &Question, known: Known<'_>) -> Result<Table, NoAnswer> {
    let spans = &question.spans;
    if spans.len() > MOST_PERIODS {
        let detail = format!("cohorts have at most {MOST_PERIODS} periods: ask for weeks, or for a shorter range");
        return Err(Wrong::too_much("period", detail).into());
    }
    let read = guard(database, question, true, known).await?;
    let Sql { text, values } = of_cohorts(question, known.org_metadata);
    let mut active = vec![vec![0; spans.len()]; spans.len()];
    for line in database.query(&text, values).await? {
        let number = |name: &str| line.get(name).and_then(Value::as_u64).unwrap_or_default();
        let place = |name| usize::try_from(number(name)).unwrap_or(usize::MAX);
        if let Some(count) = active.get_mut(place("cohort")).and_then(|cohort| cohort.get_mut(place("step"))) {
            *count = number("active");
        }
    }
    let mut rows = Vec::new();
    for (first, cohort) in active.iter().enumerate().filter(|(first, cohort)| cohort[*first] > 0) {
        for (period, count) in cohort[first..].iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "no cohort has 2^53 users")]
            let retention = number((*count as f64 / cohort[first] as f64).into());
            let label = label(&spans[first], &question.zone);
            rows.push(vec![label.into(), cohort[first].into(), period.into(), (*count).into(), retention]);
        }
    }
    let limit = usize::try_from(question.limit).unwrap_or(usize::MAX);
    let is_truncated = rows.len() > limit;
    rows.truncate(limit);
    let columns = ["cohort", "size", "period", "active", "retention"].map(str::to_owned).into();
    Ok(Table { columns, rows, meta: meta(question, known, read, is_truncated) })
}

/// How many raw rows the question reads: those of its range, or all that are kept, if it needs the first of each user.
async fn guard(
    database: &impl Database,
    question: &Question,
    needs_firsts: bool,
    known: Known<'_>,
) -> Result<u64, NoAnswer> {
    let mut bare = Question { fields: Vec::new(), filters: Vec::new(), ..question.clone() };
    if needs_firsts {
        bare.spans = vec![Span { label: time::FIRST.fixed_offset(), since: time::FIRST, until: time::END }];
    }
    let most = database.most_read();
    let counted = "\nSELECT count(*) AS rows_read FROM (SELECT 1 FROM rows LIMIT ?4)";
    let sql = statement::Rows::of(&bare, known.org_metadata).then(counted, most + 1);
    let lines = database.query(&sql.text, sql.values).await?;
    let read = lines.first().and_then(|line| line.get("rows_read")).and_then(Value::as_u64).unwrap_or_default();
    if read > most {
        let detail = format!("the question would read more than {most} rows: ask for a shorter range, or for one org");
        return Err(Wrong::too_much("start", detail).into());
    }
    Ok(read)
}

/// The names of an answer's columns: the step, the fields, the metrics.
fn columns(question: &Question) -> Vec<String> {
    let step = question.unit.map(|unit| unit.name().to_owned()).into_iter();
    let fields = question.fields.iter().map(|(name, _)| name.clone());
    step.chain(fields).chain(question.metrics.iter().map(|metric| metric.name.to_owned())).collect()
}

/// A row of an answer, from a line of the database.
fn row(question: &Question, mut line: Map<String, Value>) -> Vec<Value> {
    let mut take = |name: &str| line.remove(name).unwrap_or_default();
    let step = take("step").as_u64().and_then(|step| question.spans.get(usize::try_from(step).ok()?));
    let label = question.unit.map(|_| step.map_or(Value::Null, |span| label(span, &question.zone).into()));
    let mut row: Vec<_> = label.into_iter().collect();
    for (place, (_, field)) in question.fields.iter().enumerate() {
        row.push(statement::value(field.kind(), take(&format!("g{place}"))));
    }
    for (place, metric) in question.metrics.iter().enumerate() {
        let value = number(take(&format!("m{place}")));
        row.push(if value.is_null() && metric.is_zero { 0.into() } else { value });
    }
    row
}

/// The beginning of a step as text, with the zone's offset where a zone was asked for.
fn label(span: &Span, zone: &str) -> String {
    span.label.to_rfc3339_opts(SecondsFormat::Millis, zone == question::UTC)
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

fn meta(question: &Question, known: Known<'_>, read: u64, is_truncated: bool) -> Map<String, Value> {
    let instant = |instant: Option<Timestamp>| instant.map_or(Value::Null, |instant| time::text(instant).into());
    let units: Map<String, Value> =
        question.metrics.iter().filter_map(|metric| Some((metric.name.to_owned(), metric.unit?.into()))).collect();
    let members: [(&str, Value); 10] = [
        ("from", "raw".into()),
        ("exact", true.into()),
        ("start", time::text(question.start).into()),
        ("end", time::text(question.end).into()),
        ("timeZone", question.zone.clone().into()),
        ("completeThrough", serde_json::json!({ "logs": instant(known.logs), "events": instant(known.events) })),
        ("rowsRead", read.into()),
        ("units", units.into()),
        ("truncated", is_truncated.into()),
        ("warnings", question.warnings.clone().into()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
