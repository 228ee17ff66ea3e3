//! The statement of a question over what is counted once: lines of closed hours and days, and raw rows of the rest.

use serde_json::{Value, json};

use super::{
    closed::Closed,
    expression::{Expression, sources},
    names::{Common, Dataset, Field, Needs},
    parts::{Parts, Sql, orgs_of_lines, raw_rows},
    question::Question,
    statement::{grouped, groups},
};
use crate::{
    rollup::{Grain, Source, bucket},
    time,
};

/// The measures of a part, and its bucket with the number of durations in it.
const MEASURES: &str = "events, errors, timed, duration, longest, quantity, cost, tokens_in, tokens_out, bucket, n";

/// The same of a line, of a bucket of a line, of an event and of a log.
const OF_LINE: &str =
    "r.events, r.errors, r.timed, r.duration, r.longest, r.quantity, r.cost, r.tokens_in, r.tokens_out, NULL, 0";
const OF_BUCKET: &str = "0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, CAST(b.key AS INTEGER), b.value";
const OF_EVENT: &str =
    "1, COALESCE(r.success = 0, 0), r.duration IS NOT NULL, r.duration, r.duration, r.quantity, r.cost, NULL, NULL";
const OF_LOG: &str = "1, COALESCE(r.success = 0, 0), r.duration IS NOT NULL, r.duration, r.duration, NULL, r.cost, r.tokens_in, r.tokens_out";

/// How a question is answered from what is counted.
#[derive(Debug)]
pub(super) struct Plan {
    /// The level of each source's lines.
    levels: Vec<(Source, u8)>,
    /// Source, step, grain or `raw`, and the two instants of each piece.
    pieces: Vec<Value>,
}

impl Plan {
    /// The plan of a question; none: it needs raw rows alone.
    pub fn of(question: &Question, closed: &Closed) -> Option<Self> {
        let needs_ranks = has_percentiles(question);
        if (question.exact && needs_ranks) || question.metrics.iter().any(|metric| metric.counted.is_none()) {
            return None;
        }
        let fields = question.fields.iter().map(|(_, field)| field);
        let fields: Vec<_> = fields.chain(question.filters.iter().map(|filter| &filter.field)).collect();
        let mut levels = Vec::new();
        for source in sources(question.dataset) {
            let mut level = u8::from(question.org.is_some());
            for field in &fields {
                level = level.max(of_line(*source, question.dataset, field)?.0);
            }
            // A line of several groups tells nothing of each.
            if level >= finest(*source) && closed.has_rest(*source) {
                return None;
            }
            levels.push((*source, level));
        }
        let pieces = pieces(question, closed);
        let is_counted = pieces.iter().any(|piece| piece[2] != "raw");
        is_counted.then_some(Self { levels, pieces })
    }

    /// The parts of an answer: lines and rows, each with its step and fields. Buckets, if they are needed.
    pub fn parts(&self, question: &Question, org_metadata: &str, with_buckets: bool) -> Parts {
        let mut parts = Parts::of(question, org_metadata);
        parts.add_pieces("pieces", &self.pieces);
        for (source, level) in &self.levels {
            let name = source.name();
            parts.add(&format!("orgs_of_{name}(org) AS MATERIALIZED"), &orgs(*source, *level));
            let arms = arms(&parts, *source, *level, question.dataset, with_buckets);
            parts.add(&format!("parts_of_{name}(step{}, {MEASURES}) AS", groups(question)), &arms);
        }
        parts.add_union("parts", self.levels.iter().map(|(source, _)| *source));
        parts
    }

    /// The statement of the answer. Of percentiles it tells the buckets.
    pub fn statement(&self, question: &Question, org_metadata: &str) -> Sql {
        let with_buckets = has_percentiles(question);
        let mut parts = self.parts(question, org_metadata, with_buckets);
        let groups = groups(question);
        let from = if with_buckets {
            let by_bucket = format!(
                "  SELECT step{groups}, sum(events) AS events, sum(errors) AS errors, sum(timed) AS timed, \
                 sum(duration) AS duration, max(longest) AS longest, sum(quantity) AS quantity, sum(cost) AS cost, \
                 sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out, bucket, sum(n) AS n\n  \
                 FROM parts GROUP BY step{groups}, bucket"
            );
            let ranked = format!(
                "  SELECT *, sum(n) OVER (PARTITION BY step{groups} ORDER BY bucket) AS upto, \
                 sum(n) OVER (PARTITION BY step{groups}) AS of\n  FROM by_bucket"
            );
            parts.add("by_bucket AS", &by_bucket);
            parts.add("ranked AS", &ranked);
            "ranked"
        } else {
            "parts"
        };
        grouped(parts, question, from, |metric| metric.counted.unwrap_or(metric.sql))
    }
}

/// Whether a question asks for percentiles.
pub(super) fn has_percentiles(question: &Question) -> bool {
    question.metrics.iter().any(|metric| metric.needs == Needs::Ranks)
}

/// The level from which on a line may be of several groups.
fn finest(source: Source) -> u8 {
    match source {
        Source::Events => 3,
        Source::Logs => 2,
    }
}

/// The pieces of every step.
fn pieces(question: &Question, closed: &Closed) -> Vec<Value> {
    let mut pieces = Vec::new();
    for source in sources(question.dataset) {
        for (step, span) in question.spans.iter().enumerate() {
            for piece in closed.pieces(*source, span.since, span.until, |_, _| true) {
                let grain = piece.grain.map_or("raw", Grain::name);
                pieces.push(json!([source.name(), step, grain, time::text(piece.since), time::text(piece.until)]));
            }
        }
    }
    pieces
}

/// The parts of a source: lines, their buckets, and raw rows.
fn arms(parts: &Parts, source: Source, level: u8, dataset: Dataset, with_buckets: bool) -> String {
    let name = source.name();
    let of_field = |field: Expression| match field {
        Expression::Common(common) => of_common(source, dataset, common).map_or("NULL", |(_, sql)| sql).to_owned(),
        Expression::Metadata(_) => "NULL".to_owned(),
    };
    let filters = parts.filters.iter().map(|filter| format!("\n    AND {}", filter.of(of_field(filter.expression))));
    let filters: String = filters.collect();
    let lines = |further: &str| {
        format!(
            "FROM orgs_of_{name} CROSS JOIN pieces CROSS JOIN rollups AS r{further}\n  WHERE pieces.source = '{name}' \
             AND r.source = '{name}' AND r.grain = pieces.grain AND r.level = {level} AND r.org = orgs_of_{name}.org \
             AND r.start >= since AND r.start < until{filters}"
        )
    };
    let groups = parts.groups(of_field);
    let mut arms = vec![format!("SELECT pieces.step AS step{groups}, {OF_LINE} {}", lines(""))];
    if with_buckets {
        let lines = lines(" CROSS JOIN json_each(r.buckets) AS b");
        arms.push(format!("SELECT pieces.step{groups}, {OF_BUCKET} {lines}"));
    }
    let of_row = |field: Expression| field.sql(source, dataset);
    let measures = if source == Source::Events { OF_EVENT } else { OF_LOG };
    let bucket = if with_buckets { bucket::sql("r.duration") } else { "NULL".into() };
    arms.push(format!(
        "SELECT pieces.step{}, {measures}, {bucket}, r.duration IS NOT NULL {}{}",
        parts.groups(of_row),
        raw_rows(source, "pieces"),
        parts.conditions(source, of_row)
    ));
    format!("  {}", arms.join("\n  UNION ALL\n  "))
}

/// The orgs whose lines are read. All orgs together have lines of their own.
pub(super) fn orgs(source: Source, level: u8) -> String {
    if level == 0 {
        return "  SELECT ''".into();
    }
    orgs_of_lines(source, "rollups", " AND r.grain = 'hour' AND r.level = 1")
}

/// The level of lines from which on they tell a field, and the field's expression for a line `r`.
fn of_line(source: Source, dataset: Dataset, field: &Field) -> Option<(u8, &'static str)> {
    match field {
        Field::Common(common) => of_common(source, dataset, common),
        Field::Metadata(_) => None,
    }
}

pub(super) fn of_common(source: Source, dataset: Dataset, field: &Common) -> Option<(u8, &'static str)> {
    use Source::{Events, Logs};
    Some(match (source, field.name) {
        (_, "organization" | "organizationId") => (1, "r.org"),
        (Events, "name") => (2, "r.name"),
        (Events, "subject" | "endpoint") => (3, "r.subject"),
        (Events, "unit") => (3, "r.unit"),
        (Events, "sku") => (3, "r.sku"),
        (Events, "provider" | "model" | "gateway") | (Logs, "session" | "unit" | "sku") => (0, "NULL"),
        (Events, "source") if dataset == Dataset::All => (0, "'events'"),
        (Logs, "source") => (0, "'logs'"),
        (Logs, "name") => (0, "'ai.request'"),
        (Logs, "subject" | "endpoint" | "model") => (2, "r.model"),
        (Logs, "provider") => (2, "r.provider"),
        (Logs, "gateway") => (2, "r.gateway"),
        (Logs, "status") => (3, "r.status_code"),
        (Logs, "success") => (3, "r.success"),
        _ => return None,
    })
}
