//! Questions over events and AI Gateway's logs: what is asked, the statement that finds it, and the answer.

mod cohorts;
mod counted;
mod dialect;
mod expression;
pub(crate) mod names;
mod parts;
mod question;
mod statement;
mod steps;
mod table;

pub mod bigquery;
pub mod pipeline;
pub mod shapes;
pub mod template;

use serde_json::Value;

pub(crate) use self::table::number;
use self::{
    counted::{Closed, KeyPlan, Pieces, Plan, UserDayPlan, UserPlan},
    dialect::Sqlite,
    expression::sources,
    names::Needs,
    parts::Parts,
    statement::of_question,
    steps::Span,
    table::{About, ROWS, row, table_of},
};
pub use self::{
    names::is_field,
    parts::Sql,
    question::{Asker, Question, Reason, Shape, Wrong, read},
    steps::Unit,
    table::{Known, Table, label},
};
use crate::{
    database::Database,
    error::CallError,
    record::Cell,
    rollup::{Grain, Source},
    time::{self, Timestamp},
};

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
            // A value of D1 has 2 MB at most: so many buckets of one group.
            CallError::Denied { message, .. } if message.contains("SQLITE_TOOBIG") => {
                let detail = "too many different durations for one group: ask for a shorter range, or for one org";
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

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub enum What<'a> {
    /// A question.
    Question(&'a Question),
    /// A question about cohorts, whose periods are its steps.
    Cohorts(&'a Question),
    /// How complete the logs of each hour are. The steps of the question are hours.
    Pipeline(&'a Question),
    /// A template with its values.
    Template(&'a template::Filled<'a>),
}

/// Answers what is asked of a database of SQLite's dialect.
///
/// # Errors
/// If it would read too much, or the database does not answer.
pub async fn answer(database: &impl Database, what: What<'_>, known: Known<'_>) -> Result<Table, NoAnswer> {
    match what {
        What::Question(question) => ask(database, question, known).await,
        What::Cohorts(question) => cohorts::ask(database, question, known).await,
        What::Pipeline(question) => pipeline::ask(database, question, known).await,
        What::Template(filled) => template::ask(database, filled, known).await,
    }
}

/// Answers a question: from what is counted of closed hours and days, and raw rows of the others; or from raw rows alone.
///
/// # Errors
/// If it would read too much, or the database does not answer.
pub async fn ask(database: &impl Database, question: &Question, known: Known<'_>) -> Result<Table, NoAnswer> {
    let org_metadata = known.org_metadata;
    let needs_firsts = question.metrics.iter().any(|metric| metric.needs == Needs::Firsts);
    let closed = closed(database, question, needs_firsts).await?;
    let changes = price_changes(database, question).await?;
    let (sql, parts) = if let Some(plan) = Plan::of(question, &closed, &changes) {
        let parts = plan.parts(&bare(question), org_metadata, false);
        (plan.statement(question, org_metadata), Some((parts, plan.pieces)))
    } else if let Some(plan) = KeyPlan::of(question, &closed)
        && !has_rest(database, plan.parts(question, org_metadata)).await?
    {
        let parts = plan.parts(question, org_metadata);
        (plan.statement(question, org_metadata), Some((parts, plan.pieces)))
    } else if let Some(plan) = UserDayPlan::of(question, &closed) {
        let parts = plan.parts(question, org_metadata);
        (plan.statement(question, org_metadata), Some((parts, plan.pieces)))
    } else if let Some(plan) = UserPlan::of(question, &closed) {
        let parts = plan.parts(question, org_metadata, false);
        (plan.statement(question, org_metadata), Some((parts, plan.pieces)))
    } else {
        (of_question::<Sqlite>(question, org_metadata), None)
    };
    let buckets = question.has_percentiles().then_some("buckets");
    let lacks = lacks(question, &closed, parts.as_ref().map(|(_, pieces)| pieces));
    let read = match parts {
        Some((parts, _)) => rows_read(database, parts, "parts", buckets).await?,
        None => guard(database, question, needs_firsts, known).await?,
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
    let about = About { read: (ROWS, read), is_truncated, is_counted: sql.is_counted, lacks };
    Ok(table_of(question, rows, known, &about))
}

/// The counted spans around a question: all, if it needs the first of each user.
async fn closed(database: &impl Database, question: &Question, needs_firsts: bool) -> Result<Closed, CallError> {
    if needs_firsts {
        return Closed::between(database, time::FIRST, time::END).await;
    }
    Closed::between(database, Grain::Day.floor(question.start), question.end).await
}

/// The instants within the range at which prices change, in order, if the question needs prices.
async fn price_changes(database: &impl Database, question: &Question) -> Result<Vec<Timestamp>, CallError> {
    if !question.metrics.iter().any(|metric| metric.needs == Needs::Prices) {
        return Ok(Vec::new());
    }
    let text = "SELECT DISTINCT since FROM prices WHERE since > ?1 AND since < ?2 \
                AND (?3 IS NULL OR org IN (?3, '*')) ORDER BY since";
    let [start, end] = [question.start, question.end].map(|instant| Cell::Text(time::text(instant)));
    let org = question.org.clone().map_or(Cell::Null, Cell::Text);
    let lines = database.query(text, vec![start, end, org]).await?;
    Ok(lines.iter().filter_map(|line| time::parse(line.get("since")?.as_str()?)).collect())
}

/// The end of the events that are no longer kept, if rows before it are read: some `pieces`, or all of the range.
fn lacks(question: &Question, closed: &Closed, pieces: Option<&Pieces>) -> Option<Timestamp> {
    let finished = closed.finished()?;
    let are_read = match pieces {
        Some(pieces) => pieces.read_events(&finished),
        None => sources(question.dataset).contains(&Source::Events),
    };
    are_read.then_some(finished.end)
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
    rows_read(database, Parts::with_rows(&bare, known.org_metadata), "raw", None).await
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
