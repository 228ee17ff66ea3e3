//! Questions over events and AI Gateway's logs: what is asked, the statement that finds it, and the answer.

mod closed;
mod counted;
mod expression;
mod keys;
pub(crate) mod names;
mod parts;
mod question;
mod statement;
mod steps;
mod table;
mod users;

pub mod shapes;
pub mod template;

use chrono::SecondsFormat;
use serde_json::{Map, Value};

use self::{
    closed::Closed,
    counted::Plan,
    keys::KeyPlan,
    names::Needs,
    parts::Parts,
    statement::{of_cohorts, of_question},
    steps::Span,
    users::UserPlan,
};
pub use self::{
    names::is_field,
    question::{Asker, Question, Reason, Shape, Wrong, read},
    steps::Unit,
    table::Table,
};
use crate::{
    database::Database,
    error::CallError,
    rollup::{Grain, bucket},
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
        match error {
            // The database ends what takes too long.
            CallError::Throttled { message, .. } => {
                let detail = format!("{message}: ask for a shorter range, for fewer fields, or for one org");
                Self::Wrong(Wrong::too_much("start", detail))
            }
            CallError::Silent(_)
            | CallError::Refused(_)
            | CallError::Broken(_)
            | CallError::TooLarge { .. }
            | CallError::Denied { .. } => Self::Away(error),
        }
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

/// Answers a question: from what is counted of closed hours and days, and raw rows of the others; or from raw rows alone.
///
/// # Errors
/// If it would read too much, or the database does not answer.
pub async fn ask(database: &impl Database, question: &Question, known: Known<'_>) -> Result<Table, NoAnswer> {
    let org_metadata = known.org_metadata;
    let needs_firsts = question.metrics.iter().any(|metric| metric.needs == Needs::Firsts);
    let closed = closed(database, question, needs_firsts).await?;
    let (sql, read) = if let Some(plan) = Plan::of(question, &closed) {
        let parts = plan.parts(&bare(question), org_metadata, false);
        let buckets = question.has_percentiles().then_some("buckets");
        (plan.statement(question, org_metadata), rows_read(database, parts, "parts", buckets).await?)
    } else if let Some(plan) = KeyPlan::of(question, &closed)
        && !has_rest(database, plan.parts(question, org_metadata)).await?
    {
        let parts = plan.parts(question, org_metadata);
        (plan.statement(question, org_metadata), rows_read(database, parts, "parts", None).await?)
    } else if let Some(plan) = UserPlan::of(question, &closed) {
        let parts = plan.parts(question, org_metadata, false);
        (plan.statement(question, org_metadata), rows_read(database, parts, "parts", None).await?)
    } else {
        (of_question(question, org_metadata), guard(database, question, needs_firsts, known).await?)
    };
    let lines = database.ask(&sql.text, sql.values).await?;
    let is_truncated = lines.len() as u64 > question.limit;
    let mut rows: Vec<_> = lines.into_iter().map(|line| row(question, line, sql.is_counted)).collect();
    if let Some(order) = question.order_by_percentile().filter(|_| sql.is_counted) {
        // No number is less than each number, as in SQLite.
        let value = |row: &Vec<Value>| row[order.column].as_f64().unwrap_or(f64::NEG_INFINITY);
        rows.sort_by(|one, other| {
            let ascending = value(one).total_cmp(&value(other));
            if order.is_descending { ascending.reverse() } else { ascending }
        });
    }
    rows.truncate(usize::try_from(question.limit).unwrap_or(usize::MAX));
    let about = About { read, is_truncated, is_counted: sql.is_counted };
    Ok(Table { columns: columns(question), rows, meta: meta(question, known, &about) })
}

/// The counted spans around a question: all, if it needs the first of each user.
async fn closed(database: &impl Database, question: &Question, needs_firsts: bool) -> Result<Closed, CallError> {
    if needs_firsts {
        return Closed::between(database, time::FIRST, time::END).await;
    }
    Closed::between(database, Grain::Day.floor(question.start), question.end).await
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
    let closed = closed(database, question, true).await?;
    let (sql, read) = if let Some(plan) = UserPlan::of(question, &closed) {
        let parts = plan.parts(question, known.org_metadata, false);
        (plan.cohorts(question, known.org_metadata), rows_read(database, parts, "parts", None).await?)
    } else {
        (of_cohorts(question, known.org_metadata), guard(database, question, true, known).await?)
    };
    let mut active = vec![vec![0; spans.len()]; spans.len()];
    for line in database.ask(&sql.text, sql.values).await? {
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
    let about = About { read, is_truncated, is_counted: sql.is_counted };
    Ok(Table { columns, rows, meta: meta(question, known, &about) })
}

/// How many raw rows the question reads: those of its range, or all that are kept, if it needs the first of each user.
async fn guard(
    database: &impl Database,
    question: &Question,
    needs_firsts: bool,
    known: Known<'_>,
) -> Result<u64, NoAnswer> {
    let mut bare = bare(question);
    if needs_firsts {
        bare.spans = vec![Span { label: time::FIRST.fixed_offset(), since: time::FIRST, until: time::END }];
    }
    rows_read(database, Parts::with_rows(&bare, known.org_metadata), "rows", None).await
}

/// The same question about the same rows, without what makes it slow to count them.
fn bare(question: &Question) -> Question {
    Question { fields: Vec::new(), filters: Vec::new(), ..question.clone() }
}

/// How many lines and rows are read. `buckets` is their column of buckets, if these are read too.
async fn rows_read(database: &impl Database, parts: Parts, from: &str, buckets: Option<&str>) -> Result<u64, NoAnswer> {
    /// How long a bucket is as text, in bytes: `"230":14,`.
    const BUCKET: u64 = 8;
    let most = database.most_read();
    let buckets = buckets.unwrap_or("NULL");
    let counts = format!(
        "\nSELECT count(*) AS rows_read, COALESCE(sum(length(buckets)), 0) AS bytes \
         FROM (SELECT {buckets} AS buckets FROM {from} LIMIT ?4)"
    );
    let sql = parts.then(&counts, most + 1);
    let lines = database.ask(&sql.text, sql.values).await?;
    let number = |name: &str| lines.first().and_then(|line| line.get(name)?.as_u64()).unwrap_or_default();
    let read = number("rows_read");
    if read + number("bytes") / BUCKET > most {
        let detail = format!("the question would read more than {most} rows: ask for a shorter range, or for one org");
        return Err(Wrong::too_much("start", detail).into());
    }
    Ok(read)
}

/// Whether a part is a line of several groups.
async fn has_rest(database: &impl Database, parts: Parts) -> Result<bool, CallError> {
    let sql = parts.then("\nSELECT EXISTS (SELECT 1 FROM parts WHERE rest = 1 LIMIT ?4) AS has_rest", 1);
    let lines = database.ask(&sql.text, sql.values).await?;
    Ok(lines.first().and_then(|line| line.get("has_rest")?.as_i64()) == Some(1))
}

/// The names of an answer's columns: the step, the fields, the metrics.
fn columns(question: &Question) -> Vec<String> {
    let step = question.unit.map(|unit| unit.name().to_owned()).into_iter();
    let fields = question.fields.iter().map(|(name, _)| name.clone());
    step.chain(fields).chain(question.metrics.iter().map(|metric| metric.name.to_owned())).collect()
}

/// A row of an answer, from a line of the database.
fn row(question: &Question, mut line: Map<String, Value>, is_counted: bool) -> Vec<Value> {
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

/// What is to know about an answer beside the question.
struct About {
    /// Rows and lines read.
    read: u64,
    is_truncated: bool,
    /// Whether it is from what is counted once.
    is_counted: bool,
}

fn meta(question: &Question, known: Known<'_>, about: &About) -> Map<String, Value> {
    let is_exact = !(about.is_counted && question.has_percentiles());
    let exact = if is_exact { true.into() } else { serde_json::json!({ "error": bucket::ERROR }) };
    let instant = |instant: Option<Timestamp>| instant.map_or(Value::Null, |instant| time::text(instant).into());
    let units: Map<String, Value> =
        question.metrics.iter().filter_map(|metric| Some((metric.name.to_owned(), metric.unit?.into()))).collect();
    let members: [(&str, Value); 10] = [
        ("from", if about.is_counted { "rollup" } else { "raw" }.into()),
        ("exact", exact),
        ("start", time::text(question.start).into()),
        ("end", time::text(question.end).into()),
        ("timeZone", question.zone.clone().into()),
        ("completeThrough", serde_json::json!({ "logs": instant(known.logs), "events": instant(known.events) })),
        ("rowsRead", about.read.into()),
        ("units", units.into()),
        ("truncated", about.is_truncated.into()),
        ("warnings", question.warnings.clone().into()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
