//! What is asked of BigQuery: the statement before, and the answer after. It has raw rows alone, in the views `events` and
//! `aig_logs`; who sends a statement names their dataset.

use serde_json::{Map, Value};

use super::{
    Known, What, Wrong, cohorts,
    dialect::BigQuery,
    names::Needs,
    parts::Sql,
    question::Question,
    statement::{of_cohorts, of_question},
    table::{About, Table, row, table_of},
    template,
};

/// The member of an answer's `meta` that says how much is read.
pub const BYTES: &str = "bytesRead";

/// The warning of an answer that would need the prices.
const NO_PRICES: &str = "BigQuery has no prices: the cost is what the events say themselves";

/// Why it cannot tell how complete the logs are.
const NO_LEDGER: &str = "BigQuery has no ledger: `aig-logs status` says which hours are proven";

/// The statement of what is asked. Its values are `@v1`, `@v2` and so on.
///
/// # Errors
/// If it asks for too many periods, for names and plans of orgs, or for the ledger.
pub fn statement(what: What<'_>, org_metadata: &str) -> Result<Sql, Wrong> {
    match what {
        What::Question(question) => {
            let sql = of_question::<BigQuery>(question, org_metadata);
            if sql.text.contains(" FROM orgs ") {
                let detail = "BigQuery has no names and plans of orgs: group by organizationId";
                return Err(Wrong::malformed("groupBy", detail));
            }
            Ok(sql)
        }
        What::Cohorts(question) => {
            cohorts::check(question)?;
            Ok(of_cohorts::<BigQuery>(question, org_metadata))
        }
        What::Pipeline(_) => Err(Wrong::malformed("", NO_LEDGER)),
        What::Template(filled) => Ok(template::in_bigquery(filled, org_metadata)),
    }
}

/// The answer, from the lines of its statement.
///
/// # Errors
/// If the statement of a template lacks a column of the answer.
pub fn answer(what: What<'_>, lines: Vec<Map<String, Value>>, known: Known<'_>, bytes: u64) -> Result<Table, Wrong> {
    let about = |question: &Question| {
        let is_truncated = lines.len() as u64 > question.limit;
        About { read: (BYTES, bytes), is_truncated, is_counted: false, lacks: None }
    };
    match what {
        What::Question(question) => {
            let about = about(question);
            let rows = lines.into_iter().map(|line| row(question, line, false)).collect();
            let mut table = table_of(question, rows, known, &about);
            if question.metrics.iter().any(|metric| metric.needs == Needs::Prices) {
                table.warn(NO_PRICES);
            }
            Ok(table)
        }
        What::Cohorts(question) => {
            let about = about(question);
            Ok(cohorts::table(question, lines, known, about))
        }
        What::Pipeline(_) => Err(Wrong::malformed("", NO_LEDGER)),
        What::Template(filled) => {
            let about = about(filled.question());
            template::table_of(filled, lines, known, &about)
        }
    }
}
