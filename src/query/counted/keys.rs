//! The statement of a question by one metadata key of logs, over what is counted once.

use super::{
    closed::Closed,
    groups::{add_places, is_together, of_common},
    pieces::Pieces,
};
use crate::{
    query::{
        expression::Expression,
        names::{Dataset, Field},
        parts::{Parts, Sql, raw_rows},
        question::Question,
        statement::{grouped, groups},
    },
    record::Cell,
    rollup::{Source, keys::is_countable},
};

/// The metrics that what is counted of keys tells.
const METRICS: [&str; 7] = ["count", "errors", "errorRate", "cost", "tokensIn", "tokensOut", "total_cost"];

/// The measures of a part.
const MEASURES: &str = "events, errors, cost, tokens_in, tokens_out, rest";

/// How a question by a metadata key is answered from what is counted.
#[derive(Debug)]
pub struct KeyPlan {
    key: String,
    level: u8,
    /// Whether all orgs are one.
    is_together: bool,
    /// What is read. A day is a piece of its own.
    pub pieces: Pieces,
}

impl KeyPlan {
    /// The plan of a question; none: it is about something else, or needs raw rows alone.
    pub fn of(question: &Question, closed: &Closed) -> Option<Self> {
        let is_told = question.metrics.iter().all(|metric| METRICS.contains(&metric.name));
        if question.dataset != Dataset::Logs || !is_told || closed.has_rest(Source::Logs) {
            return None;
        }
        let fields = question.fields.iter().map(|(_, field)| field);
        let (mut named, mut level) = (None, 1);
        for field in fields.chain(question.filters.iter().map(|filter| &filter.field)) {
            match field {
                Field::Metadata(key) if named.is_none_or(|named: &String| named == key) => named = Some(key),
                Field::Metadata(_) => return None,
                Field::Common(common) => level = of_common(Source::Logs, Dataset::Logs, common)?.0.max(level),
            }
        }
        let key = named.filter(|key| is_countable(key) && level <= 2)?;
        let pieces = Pieces::by_day(&[Source::Logs], &question.spans, closed);
        pieces.are_counted().then(|| Self { key: key.clone(), level, is_together: is_together(question), pieces })
    }

    /// The parts of an answer: lines of the key, lines of days without it, and raw rows.
    pub fn parts(&self, question: &Question, org_metadata: &str) -> Parts {
        let mut parts = Parts::of(question, org_metadata);
        parts.add_pieces("pieces", &self.pieces.value(&question.spans));
        let key = parts.bind(Cell::Text(self.key.clone()));
        add_places(&mut parts, Source::Logs, self.level, self.is_together);
        let of_line = |value: &'static str| {
            move |field: Expression| match field {
                Expression::Common(common) => {
                    of_common(Source::Logs, Dataset::Logs, common).map_or("NULL", |(_, sql)| sql).to_owned()
                }
                Expression::Metadata(_) => value.to_owned(),
            }
        };
        let conditions = |value| {
            let conditions = parts.filters.iter().map(|filter| filter.of(of_line(value)(filter.expression)));
            conditions.fold("true".to_owned(), |list, condition| list + " AND " + &condition)
        };
        let places = "places_of_logs AS place";
        let of_day = "place.grain = 'day' AND pieces.grain = 'day'";
        let of_key = format!(
            "SELECT pieces.step AS step{}, r.events, r.errors, r.cost, r.tokens_in, r.tokens_out, r.rest\n  \
             FROM {places} CROSS JOIN pieces CROSS JOIN rollup_keys AS r\n  WHERE {of_day} \
             AND r.day = since AND r.together = place.together AND r.org = place.org AND r.key = ?{key} AND (r.rest = 1 OR {})",
            parts.groups(of_line("r.value")),
            // A key with too many values tells so whatever is asked.
            conditions("r.value")
        );
        let of_none = format!(
            "SELECT pieces.step{}, r.events, r.errors, r.cost, r.tokens_in, r.tokens_out, 0\n  \
             FROM {places} CROSS JOIN pieces CROSS JOIN rollups AS r\n  WHERE {of_day} AND r.source = 'logs' \
             AND r.grain = 'day' AND r.together = place.together AND r.level = {} AND r.org = place.org AND r.start = since\n    \
             AND NOT EXISTS (SELECT 1 FROM rollup_keys AS k WHERE k.day = since AND k.together = r.together \
             AND k.org = r.org AND k.key = ?{key}) AND {}",
            parts.groups(of_line("NULL")),
            self.level,
            conditions("NULL")
        );
        let of_row = |field: Expression| field.sql(Source::Logs, Dataset::Logs);
        let rows = format!(
            "SELECT pieces.step{}, 1, COALESCE(r.success = 0, 0), r.cost, r.tokens_in, r.tokens_out, 0 {}{}",
            parts.groups(of_row),
            raw_rows(Source::Logs, "pieces"),
            parts.conditions(Source::Logs, of_row)
        );
        let arms = [of_key, of_none, rows].join("\n  UNION ALL\n  ");
        parts.add(&format!("parts(step{}, {MEASURES}) AS", groups(question)), &format!("  {arms}"));
        parts
    }

    /// The statement of the answer.
    pub fn statement(&self, question: &Question, org_metadata: &str) -> Sql {
        let parts = self.parts(question, org_metadata);
        grouped(parts, question, "parts", |metric| metric.counted.unwrap_or(metric.sql), None)
    }
}
