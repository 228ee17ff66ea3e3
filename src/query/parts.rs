//! The beginning of a statement over raw rows or over what is counted. Its text is put together from the texts of this
//! program; whatever the question says is a value.

use std::marker::PhantomData;

use serde_json::Value;

use super::{
    dialect::{Dialect, Sqlite},
    expression::{Condition, Expression, sources},
    names::{Dataset, Field, MEASURED, ORG_OF_LOG},
    question::{Filter, Operation, Question},
};
use crate::{record::Cell, rollup::Source, time};

/// A text of SQL, and its values: `?1` or `@v1` and so on.
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
pub(super) struct Parts<D = Sqlite> {
    values: Vec<Cell>,
    /// The fields of the question, by which it is grouped: `g0` and so on.
    pub fields: Vec<Expression>,
    pub filters: Vec<Condition>,
    /// `WITH steps …`.
    pub text: String,
    is_counted: bool,
    dialect: PhantomData<D>,
}

impl<D: Dialect> Parts<D> {
    /// Those of a question, with the steps, and where its rows are found. Value 4 is free for a limit.
    pub fn of(question: &Question, org_metadata: &str) -> Self {
        let steps: Vec<_> =
            question.spans.iter().map(|span| [time::text(span.since), time::text(span.until)]).collect();
        let org = question.org.clone().map_or(Cell::Null, Cell::Text);
        let mut values = vec![
            Cell::Text(serde_json::to_string(&steps).unwrap_or_default()),
            org,
            Cell::Text(D::key(org_metadata)),
            Cell::Null,
        ];
        let text = D::beginning(question, sources(question.dataset), &mut values);
        let mut parts =
            Self { values, fields: Vec::new(), filters: Vec::new(), text, is_counted: false, dialect: PhantomData };
        parts.fields = question.fields.iter().map(|(_, field)| parts.expression(field)).collect();
        parts.filters = question.filters.iter().map(|filter| parts.condition(filter)).collect();
        parts
    }

    /// The same with raw rows: `step`, `g0` and so on, and what metrics are made of.
    pub fn with_rows(question: &Question, org_metadata: &str) -> Self {
        let mut parts = Self::of(question, org_metadata);
        let arms = sources(question.dataset).iter().map(|source| parts.arm(*source, question.dataset));
        let arms: Vec<_> = arms.collect();
        parts.add("raw AS", &arms.join("\nUNION ALL\n"));
        parts
    }

    /// The same with one more table: its name, its columns and `AS`, and its lines.
    pub fn add(&mut self, name: &str, lines: &str) {
        self.text.push_str(&[",\n", name, " (\n", lines, "\n)"].concat());
    }

    /// The rows of a source.
    fn arm(&self, source: Source, dataset: Dataset) -> String {
        let measured = MEASURED.iter().map(|(name, events, logs)| {
            let sql = if source == Source::Events { events } else { D::of_log(logs) };
            format!(", {sql} AS {name}")
        });
        let measured: String = measured.collect();
        let fields = self.groups(|field| field.in_dialect::<D>(source, dataset));
        let (step, from) = (D::STEP, D::rows(source));
        let conditions = self.conditions(source, |field| field.in_dialect::<D>(source, dataset));
        format!("  SELECT {step} AS step{fields}{measured}{from}{conditions}")
    }

    /// The fields as columns.
    pub fn groups(&self, sql: impl Fn(Expression) -> String) -> String {
        let fields = self.fields.iter().enumerate();
        list(fields.map(|(place, field)| format!("{} AS g{place}", sql(*field))), ", ")
    }

    /// What a row of a source fulfils.
    pub fn conditions(&self, source: Source, sql: impl Fn(Expression) -> String) -> String {
        let (mark, own) = (D::MARK, D::of_log(ORG_OF_LOG));
        let org = if source == Source::Logs {
            format!("\n  AND ({mark}2 IS NULL OR {own} = {mark}2)")
        } else {
            String::new()
        };
        let filters = self.filters.iter().map(|filter| filter.in_dialect::<D>(sql(filter.expression)));
        org + &list(filters, "\n  AND ")
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
            Field::Metadata(key) => Expression::Metadata(self.bind(Cell::Text(D::key(key)))),
        }
    }

    fn condition(&mut self, filter: &Filter) -> Condition {
        let expression = self.expression(&filter.field);
        let place = match filter.operation {
            Operation::Exists(_) => 0,
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

impl Parts {
    /// The same with pieces of steps: source, step, grain or `raw`, and two instants each, if these are not the step's.
    pub fn add_pieces(&mut self, name: &str, pieces: &Value) {
        self.is_counted = true;
        let place = self.bind(Cell::Text(pieces.to_string()));
        let list = format!(
            "  SELECT value ->> 0, step, value ->> 2, COALESCE(value ->> 3, since), COALESCE(value ->> 4, until)\n  \
             FROM json_each(?{place}) CROSS JOIN steps WHERE step = value ->> 1"
        );
        self.add(&format!("{name}(source, step, grain, since, until) AS MATERIALIZED"), &list);
    }

    /// The same with the parts of several sources together: `parts_of_events` and so on become `parts`.
    pub fn add_union(&mut self, name: &str, sources: impl Iterator<Item = Source>) {
        let all = sources.map(|source| format!("SELECT * FROM {name}_of_{}", source.name()));
        self.add(&format!("{name} AS"), &format!("  {}", all.collect::<Vec<_>>().join("\n  UNION ALL\n  ")));
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
