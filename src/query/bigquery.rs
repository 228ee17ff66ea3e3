//! Questions that are asked of BigQuery: the statement before, and the answer after. It has raw rows alone, in the views
//! `events` and `aig_logs`; who sends a statement names their dataset.

use serde_json::{Map, Value};

use super::{
    Known, Wrong,
    dialect::BigQuery,
    parts::Sql,
    question::Question,
    statement::of_question,
    table::{About, Table, row, table_of},
    template::{self, Filled, of_template},
};

/// The member of an answer's `meta` that says how much is read.
pub const BYTES: &str = "bytesRead";

/// The statement of a question. Its values are `@v1`, `@v2` and so on.
#[must_use]
pub fn statement(question: &Question, org_metadata: &str) -> Sql {
    of_question::<BigQuery>(question, org_metadata)
}

/// The answer to a question, from the lines of its statement.
#[must_use]
pub fn answer(question: &Question, lines: Vec<Map<String, Value>>, known: Known<'_>, bytes: u64) -> Table {
    let about = about(question, &lines, bytes);
    let rows = lines.into_iter().map(|line| row(question, line, false)).collect();
    table_of(question, rows, known, &about)
}

/// The statement of a template whose text is in BigQuery's dialect.
#[must_use]
pub fn statement_of_template(filled: &Filled<'_>, org_metadata: &str) -> Sql {
    of_template::<BigQuery>(filled, org_metadata)
}

/// The answer to a template, from the lines of its statement.
///
/// # Errors
/// If the statement lacks a column of the answer.
pub fn answer_of_template(
    filled: &Filled<'_>,
    lines: Vec<Map<String, Value>>,
    known: Known<'_>,
    bytes: u64,
) -> Result<Table, Wrong> {
    let about = about(filled.question(), &lines, bytes);
    template::table_of(filled, lines, known, &about)
}

fn about(question: &Question, lines: &[Map<String, Value>], bytes: u64) -> About {
    About { read: (BYTES, bytes), is_truncated: lines.len() as u64 > question.limit, is_counted: false, lacks: None }
}
