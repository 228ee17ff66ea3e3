//! The statement of a question over raw rows, in SQLite's dialect. Its text is put together from the texts of this
//! program; whatever the question says is a value.

use serde_json::Value;

use super::{
    expression::{Condition, Expression, Origin},
    names::{Dataset, Field, Kind, MEASURED, Needs, ORG_OF_LOG},
    question::{Filter, Operation, Question},
};
use crate::{log::metadata::path, record::Cell, time};

/// The steps, as the database has them: `?1` is a list of pairs of instants.
const STEPS: &str = "steps(step, since, until) AS MATERIALIZED (
  SELECT key, value ->> 0, value ->> 1 FROM json_each(?1)
)";

/// The orgs that have events: `?2`, or all of them, each found by one step in the key.
const ORGS: &str = "spaces_of_events(space) AS MATERIALIZED (
  SELECT COALESCE(?2, (SELECT min(org) FROM events_raw))
  UNION ALL
  SELECT (SELECT min(org) FROM events_raw WHERE org > space) FROM spaces_of_events WHERE ?2 IS NULL AND space IS NOT NULL
)";

/// The gateways that have logs. `?3` is the path of the key that holds the org of a log.
const GATEWAYS: &str = "spaces_of_logs(space) AS MATERIALIZED (
  SELECT min(gateway) FROM aig_logs_raw
  UNION ALL
  SELECT (SELECT min(gateway) FROM aig_logs_raw WHERE gateway > space) FROM spaces_of_logs WHERE space IS NOT NULL
)";

/// The rows of a table, found by its key, one range for each step.
const OF_EVENTS: &str = "
  FROM spaces_of_events CROSS JOIN steps CROSS JOIN events_raw AS r
  WHERE r.org = space AND r.created_at >= since AND r.created_at < until";
const OF_LOGS: &str = "
  FROM spaces_of_logs CROSS JOIN steps CROSS JOIN aig_logs_raw AS r
  WHERE r.gateway = space AND r.created_at >= since AND r.created_at < until";

/// A text of SQL, and the values of `?1`, `?2` and so on.
#[derive(Debug, Clone, PartialEq)]
pub struct Sql {
    /// The text.
    pub text: String,
    /// The values.
    pub values: Vec<Cell>,
}

/// The texts of a statement whose rows are `rows`: its beginning, and the values so far.
#[derive(Debug)]
pub(super) struct Rows {
    values: Vec<Cell>,
    /// `WITH steps …, rows AS (…)`.
    pub text: String,
}

impl Rows {
    /// The rows of a question: `step`, `g0` and so on for its fields, and what metrics are made of. `?4` is free for a
    /// limit.
    pub fn of(question: &Question, org_metadata: &str) -> Self {
        let steps: Vec<_> =
            question.spans.iter().map(|span| [time::text(span.since), time::text(span.until)]).collect();
        let org = question.org.clone().map_or(Cell::Null, Cell::Text);
        let values = vec![
            Cell::Text(serde_json::to_string(&steps).unwrap_or_default()),
            org,
            Cell::Text(path(org_metadata)),
            Cell::Null,
        ];
        let mut rows = Self { values, text: String::new() };
        let fields: Vec<_> = question.fields.iter().map(|(_, field)| rows.expression(field)).collect();
        let filters: Vec<_> = question.filters.iter().map(|filter| rows.condition(filter)).collect();
        let origins = Origin::of(question.dataset);
        let arms: Vec<_> = origins.iter().map(|origin| arm(*origin, question.dataset, &fields, &filters)).collect();
        // Every value is named at least once, whichever tables are read.
        rows.text = format!(
            "WITH RECURSIVE {STEPS},\n{ORGS},\n{GATEWAYS},\nvalues_given AS (SELECT ?2, ?3, ?4),\nrows AS (\n{}\n)",
            arms.join("\nUNION ALL\n")
        );
        rows
    }

    /// The place of a further value.
    pub fn bind(&mut self, value: Cell) -> usize {
        self.values.push(value);
        self.values.len()
    }

    /// The expressions of a field, of an event and of a log.
    fn expression(&mut self, field: &Field) -> Expression {
        match field {
            Field::Common(common) => Expression::Common(common),
            Field::Metadata(key) => Expression::Metadata(self.bind(Cell::Text(path(key)))),
        }
    }

    fn condition(&mut self, filter: &Filter) -> Condition {
        let expression = self.expression(&filter.field);
        let place = match filter.operation {
            Operation::Exists(is_there) => self.bind(Cell::Integer(is_there.into())),
            Operation::In | Operation::NotIn | Operation::Contains => self.bind(Cell::Text(filter.values.clone())),
        };
        Condition { expression, operation: filter.operation, place }
    }

    /// The whole statement, with at most so many rows.
    pub fn then(mut self, rest: &str, limit: u64) -> Sql {
        self.values[3] = Cell::Integer(limit.cast_signed());
        Sql { text: self.text + rest, values: self.values }
    }
}

/// Texts, each after a mark.
fn list(texts: impl Iterator<Item = String>, mark: &str) -> String {
    texts.fold(String::new(), |list, text| list + mark + &text)
}

fn arm(origin: Origin, dataset: Dataset, fields: &[Expression], filters: &[Condition]) -> String {
    let fields = fields.iter().enumerate().map(|(place, field)| format!("{} AS g{place}", field.sql(origin, dataset)));
    let measured = MEASURED.iter().map(|(name, events, logs)| {
        let sql = if origin == Origin::Events { events } else { logs };
        format!("{sql} AS {name}")
    });
    let columns: Vec<_> = std::iter::once("steps.step AS step".to_owned()).chain(fields).chain(measured).collect();
    let (from, org) = match origin {
        Origin::Events => (OF_EVENTS, String::new()),
        Origin::Logs => (OF_LOGS, format!("\n  AND (?2 IS NULL OR {ORG_OF_LOG} = ?2)")),
    };
    let filters = list(filters.iter().map(|filter| filter.sql(origin, dataset)), "\n  AND ");
    format!("  SELECT {}{from}{org}{filters}", columns.join(", "))
}

/// The first instant of each user, of all rows that are kept.
fn firsts(dataset: Dataset) -> String {
    let arms = Origin::of(dataset).iter().map(|origin| {
        let (_, events, logs) = MEASURED[0];
        match origin {
            Origin::Events => format!(
                "  SELECT {events} AS user_id, r.created_at FROM spaces_of_events CROSS JOIN events_raw AS r WHERE r.org = space"
            ),
            Origin::Logs => {
                format!("  SELECT {logs}, r.created_at FROM aig_logs_raw AS r WHERE ?2 IS NULL OR {ORG_OF_LOG} = ?2")
            }
        }
    });
    let arms: Vec<_> = arms.collect();
    format!(
        ",\nfirsts AS (\n  SELECT user_id, min(created_at) AS first FROM (\n{}\n  ) GROUP BY user_id\n)",
        arms.join("\nUNION ALL\n")
    )
}

/// The statement that answers a question: the number of the step, the fields and the metrics of each group.
#[must_use]
pub fn of_question(question: &Question, org_metadata: &str) -> Sql {
    let rows = Rows::of(question, org_metadata);
    let groups = list((0..question.fields.len()).map(|place| format!("g{place}")), ", ");
    let needs = |needs| question.metrics.iter().any(|metric| metric.needs == needs);
    let (further, from) = if needs(Needs::Ranks) {
        let ranked = format!(
            ",\nranked AS (\n  SELECT *, row_number() OVER (PARTITION BY step{groups} ORDER BY duration NULLS LAST) AS place, \
             count(duration) OVER (PARTITION BY step{groups}) AS timed\n  FROM rows\n)"
        );
        (ranked, "ranked")
    } else if needs(Needs::Firsts) {
        (firsts(question.dataset), "rows JOIN steps USING (step) LEFT JOIN firsts USING (user_id)")
    } else {
        (String::new(), "rows")
    };
    let metrics = list(question.metrics.iter().enumerate().map(|(at, it)| format!("{} AS m{at}", it.sql)), ", ");
    let grouped = format!(",\ngrouped AS (\n  SELECT step{groups}{metrics}\n  FROM {from}\n  GROUP BY step{groups}\n)");
    let is_filled = question.unit.is_some() && question.fields.is_empty();
    let from = if is_filled { "steps LEFT JOIN grouped USING (step)" } else { "grouped" };
    let metrics = list((0..question.metrics.len()).map(|at| format!("m{at}")), ", ");
    let order = order(question);
    let rest = format!("{further}{grouped}\nSELECT step{groups}{metrics}\nFROM {from}\nORDER BY {order}\nLIMIT ?4");
    rows.then(&rest, question.limit + 1)
}

/// The statement of cohorts: of each step and each later one, how many of the users whose first instant lies in the
/// former are active in the latter.
#[must_use]
pub fn of_cohorts(question: &Question, org_metadata: &str) -> Sql {
    let rows = Rows::of(question, org_metadata);
    let rest = format!(
        "{}\nSELECT cohort.step AS cohort, rows.step, count(DISTINCT user_id) AS active\n\
         FROM rows JOIN firsts USING (user_id) JOIN steps AS cohort ON first >= cohort.since AND first < cohort.until\n\
         GROUP BY cohort.step, rows.step\nORDER BY cohort.step, rows.step\nLIMIT ?4",
        firsts(question.dataset)
    );
    rows.then(&rest, (question.spans.len() * question.spans.len()) as u64)
}

/// The order that is asked for, and then the usual one: steps, then fields by their bytes, null first.
fn order(question: &Question) -> String {
    let fields = question.fields.iter().enumerate().map(|(place, (_, field))| match field.kind() {
        Kind::Json => {
            let text = format!("CASE json_type(g{place}) WHEN 'text' THEN g{place} ->> '$' ELSE g{place} END");
            vec![text, format!("g{place}")]
        }
        Kind::Text | Kind::Truth => vec![format!("g{place}")],
        Kind::Integer => vec![format!("CAST(g{place} AS TEXT)")],
    });
    let groups: Vec<_> = question.unit.map(|_| vec!["step".into()]).into_iter().chain(fields).collect();
    let mut columns: Vec<String> = Vec::new();
    if let Some(order) = question.order {
        let metric =
            |at: usize| if question.metrics[at].is_zero { format!("COALESCE(m{at}, 0)") } else { format!("m{at}") };
        let first = groups.get(order.column).cloned().unwrap_or_else(|| vec![metric(order.column - groups.len())]);
        let direction = if order.is_descending { "DESC NULLS LAST" } else { "ASC NULLS FIRST" };
        columns.extend(first.into_iter().map(|column| format!("{column} {direction}")));
    }
    columns.extend(groups.into_iter().flatten());
    if columns.is_empty() { "step".into() } else { columns.join(", ") }
}

/// The JSON value of a group's column.
pub(super) fn value(kind: Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Json, Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        (Kind::Truth, Value::Number(number)) => (number.as_i64() != Some(0)).into(),
        (_, value) => value,
    }
}
