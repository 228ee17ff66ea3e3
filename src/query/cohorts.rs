//! Cohorts: of the users who were first seen in a period, how many are active in it and in each later one.

use serde_json::{Map, Value};

use super::{
    Known, NoAnswer, Question, Table, Wrong, closed,
    counted::UserPlan,
    dialect::Sqlite,
    guard, lacks, rows_read,
    statement::of_cohorts,
    table::{About, ROWS, label, meta, number},
};
use crate::database::Database;

/// The most periods of cohorts: all weeks of the longest range, 760 days, or a quarter of days.
const MOST_PERIODS: usize = 110;

/// Answers a question about cohorts.
///
/// # Errors
/// If it would read too much, or the database does not answer.
pub(super) async fn ask(database: &impl Database, question: &Question, known: Known<'_>) -> Result<Table, NoAnswer> {
    check(question)?;
    let closed = closed(database, question, true).await?;
    let (sql, read, lacks) = if let Some(plan) = UserPlan::of(question, &closed) {
        let parts = plan.parts(question, known.org_metadata, false);
        let read = rows_read(database, parts, "parts", None).await?;
        (plan.cohorts(question, known.org_metadata), read, lacks(question, &closed, Some(&plan.pieces)))
    } else {
        let read = guard(database, question, true, known).await?;
        (of_cohorts::<Sqlite>(question, known.org_metadata), read, lacks(question, &closed, None))
    };
    let lines = database.ask(&sql.text, sql.values).await?;
    let about = About { read: (ROWS, read), is_truncated: false, is_counted: sql.is_counted, lacks };
    Ok(table(question, lines, known, about))
}

/// Refuses a question of too many periods.
///
/// # Errors
/// If it has more than [`MOST_PERIODS`].
pub(super) fn check(question: &Question) -> Result<(), Wrong> {
    if question.spans.len() <= MOST_PERIODS {
        return Ok(());
    }
    let detail = format!("cohorts have at most {MOST_PERIODS} periods: ask for weeks, or for a shorter range");
    Err(Wrong::too_much("period", detail))
}

/// The answer, from the lines of its statement.
pub(super) fn table(question: &Question, lines: Vec<Map<String, Value>>, known: Known<'_>, mut about: About) -> Table {
    let spans = &question.spans;
    let mut active = vec![vec![0; spans.len()]; spans.len()];
    for line in lines {
        let whole = |name: &str| line.get(name).and_then(Value::as_u64).unwrap_or_default();
        let place = |name| usize::try_from(whole(name)).unwrap_or(usize::MAX);
        if let Some(count) = active.get_mut(place("cohort")).and_then(|cohort| cohort.get_mut(place("step"))) {
            *count = whole("active");
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
    about.is_truncated = rows.len() > limit;
    rows.truncate(limit);
    let columns = ["cohort", "size", "period", "active", "retention"].map(str::to_owned).into();
    Table { columns, rows, meta: meta(question, known, &about) }
}
