//! The beginning of a statement over raw rows or over what is counted, in SQLite's dialect. Its text is put together from
//! the texts of this program; whatever the question says is a value.

use serde_json::Value;

use super::{
    expression::{Condition, Expression, sources},
    names::{Dataset, Field, MEASURED, ORG_OF_LOG},
    question::{Filter, Operation, Question},
};
use crate::{log::metadata::path, record::Cell, rollup::Source, time};

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
    /// Whether it reads what is counted once.
    pub is_counted: bool,
}

/// The parts of a statement: its beginning, and the values so far.
#[derive(Debug)]
pub(super) struct Parts {
    values: Vec<Cell>,
    /// The fields of the question, by which it is grouped: `g0` and so on.
    pub fields: Vec<Expression>,
    pub filters: Vec<Condition>,
    /// `WITH steps …`.
    pub text: String,
    is_counted: bool,
}

impl Parts {
    /// Those of a question, with the steps, the orgs and the gateways. `?4` is free for a limit.
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
        // Every value is named at least once, whichever tables are read.
        let text = format!("WITH RECURSIVE {STEPS},\n{ORGS},\n{GATEWAYS},\nvalues_given AS (SELECT ?2, ?3, ?4)");
        let mut parts = Self { values, fields: Vec::new(), filters: Vec::new(), text, is_counted: false };
        parts.fields = question.fields.iter().map(|(_, field)| parts.expression(field)).collect();
        parts.filters = question.filters.iter().map(|filter| parts.condition(filter)).collect();
        parts
    }

    /// The same with raw rows: `step`, `g0` and so on, and what metrics are made of.
    pub fn with_rows(question: &Question, org_metadata: &str) -> Self {
        let mut parts = Self::of(question, org_metadata);
        let arms = sources(question.dataset).iter().map(|source| parts.arm(*source, question.dataset));
        let arms: Vec<_> = arms.collect();
        parts.add("rows AS", &arms.join("\nUNION ALL\n"));
        parts
    }

    /// The same with pieces of steps: source, step, grain or `raw`, and two instants each.
    pub fn add_pieces(&mut self, name: &str, pieces: &[Value]) {
        self.is_counted = true;
        let place = self.bind(Cell::Text(Value::from(pieces).to_string()));
        let list = format!(
            "  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?{place})"
        );
        self.add(&format!("{name}(source, step, grain, since, until) AS MATERIALIZED"), &list);
    }

    /// The same with one more table: its name, its columns and `AS`, and its lines.
    pub fn add(&mut self, name: &str, lines: &str) {
        self.text.push_str(&[",\n", name, " (\n", lines, "\n)"].concat());
    }

    /// The same with the parts of several sources together: `parts_of_events` and so on become `parts`.
    pub fn add_union(&mut self, name: &str, sources: impl Iterator<Item = Source>) {
        let all = sources.map(|source| format!("SELECT * FROM {name}_of_{}", source.name()));
        self.add(&format!("{name} AS"), &format!("  {}", all.collect::<Vec<_>>().join("\n  UNION ALL\n  ")));
    }

    /// The rows of a source.
    fn arm(&self, source: Source, dataset: Dataset) -> String {
        let measured = MEASURED.iter().map(|(name, events, logs)| {
            let sql = if source == Source::Events { events } else { logs };
            format!(", {sql} AS {name}")
        });
        let measured: String = measured.collect();
        let fields = self.groups(|field| field.sql(source, dataset));
        let from = if source == Source::Events { OF_EVENTS } else { OF_LOGS };
        let conditions = self.conditions(source, |field| field.sql(source, dataset));
        format!("  SELECT steps.step AS step{fields}{measured}{from}{conditions}")
    }

    /// The fields as columns.
    pub fn groups(&self, sql: impl Fn(Expression) -> String) -> String {
        let fields = self.fields.iter().enumerate();
        list(fields.map(|(place, field)| format!("{} AS g{place}", sql(*field))), ", ")
    }

    /// What a row of a source fulfils.
    pub fn conditions(&self, source: Source, sql: impl Fn(Expression) -> String) -> String {
        let org =
            if source == Source::Logs { format!("\n  AND (?2 IS NULL OR {ORG_OF_LOG} = ?2)") } else { String::new() };
        org + &list(self.filters.iter().map(|filter| filter.of(sql(filter.expression))), "\n  AND ")
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
        Sql { text: self.text + rest, values: self.values, is_counted: self.is_counted }
    }
}

/// The raw rows `r` of a source among pieces.
pub(super) fn raw_rows(source: Source, pieces: &str) -> String {
    let (table, space) = source.table();
    let name = source.name();
    format!(
        "FROM spaces_of_{name} CROSS JOIN {pieces} CROSS JOIN {table} AS r\n  WHERE {pieces}.source = '{name}' \
         AND {pieces}.grain = 'raw' AND r.{space} = space AND r.created_at >= since AND r.created_at < until"
    )
}

/// The orgs whose lines of a table are read, each found by one step in the key.
pub(super) fn orgs_of_lines(source: Source, table: &str, lines: &str) -> String {
    let name = source.name();
    let lines = format!("FROM {table} AS r WHERE r.source = '{name}'{lines}");
    format!(
        "  SELECT COALESCE(?2, (SELECT min(r.org) {lines}))\n  UNION ALL\n  \
         SELECT (SELECT min(r.org) {lines} AND r.org > orgs_of_{name}.org) FROM orgs_of_{name} \
         WHERE ?2 IS NULL AND org IS NOT NULL"
    )
}

/// Texts, each after a mark.
pub(super) fn list(texts: impl Iterator<Item = String>, mark: &str) -> String {
    texts.fold(String::new(), |list, text| list + mark + &text)
}
