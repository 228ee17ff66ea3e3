//! The statement of a question by user or by org, over what is counted of each user and whole day of UTC, and raw rows of
//! the rest.

use super::{closed::Closed, pieces::Pieces};
use crate::{
    query::{
        expression::{Expression, sources},
        names::{Field, ORG_OF_LOG, USER_OF_LOG},
        parts::{Parts, Sql, list, orgs_of_lines, raw_rows},
        question::Question,
        statement::{grouped, groups},
    },
    rollup::Source,
};

/// The metrics that what is counted of users tells.
const METRICS: [&str; 8] = ["count", "errors", "errorRate", "quantity", "cost", "tokensIn", "tokensOut", "total_cost"];

/// The fields that it tells.
const FIELDS: [&str; 3] = ["user", "organization", "organizationId"];

/// The measures of a part, of a line, of an event and of a log.
const MEASURES: &str = "events, errors, quantity, cost, tokens_in, tokens_out";
const OF_LINE: &str = "r.events, r.errors, r.quantity, r.cost, r.tokens_in, r.tokens_out";
const OF_EVENT: &str = "1, COALESCE(r.success = 0, 0), r.quantity, r.cost, NULL, NULL";
const OF_LOG: &str = "1, COALESCE(r.success = 0, 0), NULL, r.cost, r.tokens_in, r.tokens_out";

/// How a question by user is answered from what is counted.
#[derive(Debug)]
pub struct UserDayPlan {
    sources: &'static [Source],
    /// What is read. A day is a piece of its own.
    pub pieces: Pieces,
}

impl UserDayPlan {
    /// The plan of a question; none: it is about something else, or needs raw rows alone.
    pub fn of(question: &Question, closed: &Closed) -> Option<Self> {
        let fields = question.fields.iter().map(|(_, field)| field);
        let mut fields = fields.chain(question.filters.iter().map(|filter| &filter.field));
        let is_told = fields.all(|field| matches!(field, Field::Common(common) if FIELDS.contains(&common.name)));
        if !is_told || !question.metrics.iter().all(|metric| METRICS.contains(&metric.name)) {
            return None;
        }
        let sources = sources(question.dataset);
        let pieces = Pieces::by_day(sources, &question.spans, closed);
        pieces.are_counted().then_some(Self { sources, pieces })
    }

    /// The parts of an answer: lines of users, lines of rows without one, and raw rows.
    pub fn parts(&self, question: &Question, org_metadata: &str) -> Parts {
        let mut parts = Parts::of(question, org_metadata);
        parts.add_pieces("pieces", &self.pieces.value(&question.spans));
        for source in self.sources {
            let name = source.name();
            parts.add(&format!("orgs_of_{name}(org) AS MATERIALIZED"), &orgs_of_lines(*source, "rollup_users", ""));
            let arms =
                [lines(&parts, *source, 1, "r.user_id"), lines(&parts, *source, 0, "NULL"), rows(&parts, *source)];
            let table = format!("parts_of_{name}(step{}, {MEASURES}) AS", groups(question));
            parts.add(&table, &format!("  {}", arms.join("\n  UNION ALL\n  ")));
        }
        parts.add_union("parts", self.sources.iter().copied());
        parts
    }

    /// The statement of the answer.
    pub fn statement(&self, question: &Question, org_metadata: &str) -> Sql {
        let parts = self.parts(question, org_metadata);
        grouped(parts, question, "parts", |metric| metric.counted.unwrap_or(metric.sql), None)
    }
}

/// A field, where the user is `user`. Every other field of [`FIELDS`] is the org.
fn field(expression: Expression, user: &str, org: &str) -> String {
    match expression {
        Expression::Common(common) if common.name == "user" => user.to_owned(),
        Expression::Common(_) | Expression::Metadata(_) => org.to_owned(),
    }
}

/// The lines of closed days, of rows with or without a user. A line of one user is found by its key.
fn lines(parts: &Parts, source: Source, named: u8, user: &str) -> String {
    let name = source.name();
    let of_line = |expression| field(expression, user, "r.org");
    let filters = list(parts.filters.iter().map(|filter| filter.of(of_line(filter.expression))), "\n    AND ");
    format!(
        "SELECT pieces.step AS step{}, {OF_LINE} FROM orgs_of_{name} CROSS JOIN pieces CROSS JOIN rollup_users AS r\n  \
         WHERE pieces.source = '{name}' AND pieces.grain = 'day' AND r.source = '{name}' AND r.org = orgs_of_{name}.org \
         AND r.day = since AND r.named = {named}{filters}",
        parts.groups(of_line)
    )
}

/// The raw rows among the pieces.
fn rows(parts: &Parts, source: Source) -> String {
    let (user, org, measures) = match source {
        Source::Events => ("r.user_id", "r.org", OF_EVENT),
        Source::Logs => (USER_OF_LOG, ORG_OF_LOG, OF_LOG),
    };
    let of_row = |expression| field(expression, user, org);
    format!(
        "SELECT pieces.step{}, {measures} {}{}",
        parts.groups(of_row),
        raw_rows(source, "pieces"),
        parts.conditions(source, of_row)
    )
}
