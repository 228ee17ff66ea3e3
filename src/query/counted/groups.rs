//! The statement of a question over what is counted once: lines of closed hours and days, and raw rows of the rest.

use super::{closed::Closed, pieces::Pieces};
use crate::{
    query::{
        expression::{Expression, sources},
        names::{COSTLESS, Common, Dataset, Field},
        parts::{Parts, Sql, orgs_of_lines, raw_rows},
        question::Question,
        statement::{grouped, groups},
    },
    rollup::{Grain, Source, bucket},
    time::Timestamp,
};

/// The columns of a part beside its step and fields, and the SQL of each for a line, an event and a log.
struct Measures {
    names: &'static str,
    of_line: &'static str,
    of_event: &'static str,
    of_log: &'static str,
}

/// Those of most questions. The buckets are JSON.
const USUAL: Measures = Measures {
    names: "events, errors, timed, duration, longest, quantity, cost, tokens_in, tokens_out, cached, \
            costless, tokens_cached, buckets",
    of_line: "r.events, r.errors, r.timed, r.duration, r.longest, r.quantity, r.cost, r.tokens_in, r.tokens_out, \
              r.cached, r.costless, r.tokens_cached, r.buckets",
    of_event: "1 AS events, COALESCE(r.success = 0, 0) AS errors, r.duration IS NOT NULL AS timed, \
               r.duration AS duration, r.duration AS longest, r.quantity AS quantity, r.cost AS cost, \
               NULL AS tokens_in, NULL AS tokens_out, NULL AS cached, NULL AS costless, NULL AS tokens_cached",
    of_log: "1 AS events, COALESCE(r.success = 0, 0) AS errors, r.duration IS NOT NULL AS timed, \
             r.duration AS duration, r.duration AS longest, NULL AS quantity, r.cost AS cost, \
             r.tokens_in AS tokens_in, r.tokens_out AS tokens_out, r.cached AS cached, {COSTLESS} AS costless, \
             r.input_cached_tokens AS tokens_cached",
};

/// Those of a question about usage. A line is priced at its first instant: [`Plan::of`] takes one only if the price stays the
/// same to its end, or if nothing else is left.
const USAGE: Measures = Measures {
    names: "at, quantity, measured, unpriced, billed, buckets",
    of_line: "r.start, r.quantity, r.measured, r.unpriced, r.billed, NULL",
    of_event: "r.created_at, r.quantity, 1, CASE WHEN r.cost IS NULL THEN r.quantity END, r.cost",
    of_log: "r.created_at, NULL, 0, NULL, NULL",
};

impl Measures {
    fn of(question: &Question) -> &'static Self {
        if question.filters.iter().any(|filter| is_usage(&filter.field)) { &USAGE } else { &USUAL }
    }
}

/// Whether a question that filters by this field is about usage: only these do, and each asks that the quantity is there.
fn is_usage(field: &Field) -> bool {
    matches!(field, Field::Common(common) if common.name == "quantity")
}

/// The measures of rows in one bucket.
const OF_BUCKET: &str = "sum(events), sum(errors), sum(timed), sum(duration), max(longest), sum(quantity), sum(cost), \
                         sum(tokens_in), sum(tokens_out), sum(cached), sum(costless), sum(tokens_cached), \
                         CASE WHEN bucket IS NOT NULL THEN json_object(CAST(bucket AS TEXT), count(*)) END";

/// How a question is answered from what is counted.
#[derive(Debug)]
pub struct Plan {
    /// The level of each source's lines.
    levels: Vec<(Source, u8)>,
    /// Whether all orgs are one.
    is_together: bool,
    /// What is read.
    pub pieces: Pieces,
}

impl Plan {
    /// The plan of a question; none: it needs raw rows alone. Prices change at `changes`, which are in order: an hour with one
    /// inside is read by its rows, if these are kept.
    pub fn of(question: &Question, closed: &Closed, changes: &[Timestamp]) -> Option<Self> {
        let needs_ranks = question.has_percentiles();
        if (question.exact && needs_ranks) || question.metrics.iter().any(|metric| metric.counted.is_none()) {
            return None;
        }
        let fields = question.fields.iter().map(|(_, field)| field);
        let filtered = question.filters.iter().map(|filter| &filter.field).filter(|field| !is_usage(field));
        let fields: Vec<_> = fields.chain(filtered).collect();
        let mut levels = Vec::new();
        for source in sources(question.dataset) {
            let mut level = 1;
            for field in &fields {
                level = level.max(of_line(*source, question.dataset, field)?.0);
            }
            // A line of several groups tells nothing of each.
            if level >= finest(*source) && closed.has_rest(*source) {
                return None;
            }
            levels.push((*source, level));
        }
        // Without rows, an hour at the price of its beginning is nearer to the truth than nothing.
        let is_last_resort =
            |grain, start| grain == Grain::Hour && closed.finished().is_some_and(|gone| gone.contains(&start));
        let is_steady = |grain: Grain, start| {
            let next = changes.get(changes.partition_point(|change| *change <= start));
            next.is_none_or(|change| *change >= start + grain.length())
        };
        let pieces = Pieces::of(sources(question.dataset), &question.spans, closed, |grain, start| {
            is_steady(grain, start) || is_last_resort(grain, start)
        });
        pieces.are_counted().then(|| Self { levels, is_together: is_together(question), pieces })
    }

    /// The parts of an answer: lines and rows, each with its step and fields. Rows have buckets if they are needed.
    pub fn parts(&self, question: &Question, org_metadata: &str, with_buckets: bool) -> Parts {
        let mut parts = Parts::of(question, org_metadata);
        parts.add_pieces("pieces", &self.pieces.value(&question.spans));
        for (source, level) in &self.levels {
            let name = source.name();
            add_places(&mut parts, *source, *level, self.is_together);
            let arms = arms(&parts, question, *source, *level, with_buckets);
            let table = format!("parts_of_{name}(step{}, {}) AS", groups(question), Measures::of(question).names);
            parts.add(&table, &arms);
        }
        parts.add_union("parts", self.levels.iter().map(|(source, _)| *source));
        parts
    }

    /// The statement of the answer. If percentiles are asked for, the buckets of each group are its last column; and if it
    /// is ordered by one, it has every group in the usual order.
    pub fn statement(&self, question: &Question, org_metadata: &str) -> Sql {
        let with_buckets = question.has_percentiles();
        let parts = self.parts(question, org_metadata, with_buckets);
        let all = Question { order: None, limit: u32::MAX.into(), ..question.clone() };
        let question = if question.order_by_percentile().is_some() { &all } else { question };
        let further = with_buckets.then(|| ("buckets", bucket::members("parts.buckets")));
        grouped(parts, question, "parts", |metric| metric.counted.unwrap_or(metric.sql), further)
    }
}

/// Whether a question makes no difference between orgs.
pub(super) fn is_together(question: &Question) -> bool {
    let is_org = |field: &Field| matches!(field, Field::Common(common) if ORGS.contains(&common.name));
    let fields = question.fields.iter().map(|(_, field)| field);
    question.org.is_none() && !fields.chain(question.filters.iter().map(|filter| &filter.field)).any(is_org)
}

/// The names of the fields that tell orgs apart.
const ORGS: [&str; 4] = ["organization", "organizationId", "organizationName", "plan"];

/// The level from which on a line may be of several groups.
fn finest(source: Source) -> u8 {
    match source {
        Source::Events => 3,
        Source::Logs => 2,
    }
}

/// The parts of a source: lines and raw rows.
fn arms(parts: &Parts, question: &Question, source: Source, level: u8, with_buckets: bool) -> String {
    let (name, dataset) = (source.name(), question.dataset);
    let of_field = |field: Expression| match field {
        // Null where no row of the line has a quantity.
        Expression::Common(common) if common.name == "quantity" => "NULLIF(r.measured, 0)".to_owned(),
        Expression::Common(common) => of_common(source, dataset, common).map_or("NULL", |(_, sql)| sql).to_owned(),
        Expression::Metadata(_) => "NULL".to_owned(),
    };
    let measures = Measures::of(question);
    let filters = parts.filters.iter().map(|filter| format!("\n    AND {}", filter.of(of_field(filter.expression))));
    let filters: String = filters.collect();
    let mut arms = vec![format!(
        "SELECT pieces.step AS step{}, {} FROM places_of_{name} AS place CROSS JOIN pieces \
         CROSS JOIN rollups AS r\n  WHERE pieces.source = '{name}' AND pieces.grain = place.grain \
         AND r.source = '{name}' AND r.grain = pieces.grain AND r.together = place.together AND r.level = {level} \
         AND r.org = place.org AND r.start >= since AND r.start < until{filters}",
        parts.groups(of_field),
        measures.of_line
    )];
    let of_row = |field: Expression| field.sql(source, dataset);
    let measures = if source == Source::Events { measures.of_event } else { measures.of_log };
    let measures = measures.replace("{COSTLESS}", COSTLESS);
    let rows = format!("{}{}", raw_rows(source, "pieces"), parts.conditions(source, of_row));
    let fields = parts.groups(of_row);
    arms.push(if with_buckets {
        let (groups, bucket) = (groups(question), bucket::sql("r.duration"));
        format!(
            "SELECT step{groups}, {OF_BUCKET} FROM (\n  \
             SELECT pieces.step AS step{fields}, {measures}, {bucket} AS bucket {rows}\n  ) GROUP BY step{groups}, bucket"
        )
    } else {
        format!("SELECT pieces.step{fields}, {measures}, NULL {rows}")
    });
    format!("  {}", arms.join("\n  UNION ALL\n  "))
}

/// Where the lines are that are read: of each grain, those of each org, or of all orgs together. Hours have no lines of the
/// finest level of all orgs together.
pub(super) fn add_places(parts: &mut Parts, source: Source, level: u8, is_together: bool) {
    let name = source.name();
    let orgs = orgs_of_lines(source, "rollups", " AND r.grain = 'hour' AND r.together = 0 AND r.level = 1");
    parts.add(&format!("orgs_of_{name}(org) AS MATERIALIZED"), &orgs);
    let of_grain = |grain: Grain| match grain {
        Grain::Hour if is_together && level < 3 => "SELECT 'hour', 1, ''".to_owned(),
        Grain::Day if is_together => "SELECT 'day', 1, ''".to_owned(),
        Grain::Hour | Grain::Day => format!("SELECT '{}', 0, org FROM orgs_of_{name}", grain.name()),
    };
    let places = Grain::ALL.map(of_grain).join(" UNION ALL ");
    parts.add(&format!("places_of_{name}(grain, together, org) AS MATERIALIZED"), &format!("  {places}"));
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
        (Events, "organizationName") => (1, "(SELECT o.name FROM orgs AS o WHERE o.org = r.org)"),
        (Events, "plan") => (1, "(SELECT o.plan FROM orgs AS o WHERE o.org = r.org)"),
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
