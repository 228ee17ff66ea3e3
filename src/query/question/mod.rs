//! A question, read from JSON: each of its words is checked, and none is left over.

mod filter;
mod words;

use chrono::{FixedOffset, Offset, TimeDelta, Utc};
use serde_json::{Map, Value};

use self::{
    filter::filters,
    words::{Words, unknown_field},
};
pub use self::{
    filter::{Filter, Operation},
    words::{Reason, Wrong, instant},
};
use super::{
    names::{self, Dataset, Field, METRICS, Metric, metric, unit},
    steps::{Span, Unit, steps},
};
use crate::{host, time::Timestamp};

/// The longest range of a question.
const LONGEST: TimeDelta = TimeDelta::days(760);

/// The longest range in steps of a minute.
const LONGEST_IN_MINUTES: TimeDelta = TimeDelta::hours(48);

/// The most rows of an answer, and as many as it has if the question does not say.
const MOST_ROWS: u64 = 10_000;
const USUAL_ROWS: u64 = 1_000;

/// The most steps of an answer: 760 days of hours, and the hours that are repeated.
const MOST_STEPS: usize = 18_300;

/// What is computed if the question does not say.
const USUAL_METRICS: [&str; 5] = ["count", "errors", "errorRate", "avg", "p95"];

/// The zone in which steps are if the question does not say.
pub(super) const UTC: &str = "UTC";

/// The most fields.
const MOST_FIELDS: usize = 8;

/// What an answer needs to know beside the question.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The org of the asker's key; none: all orgs.
    pub org: Option<&'a str>,
    /// The present, UTC.
    pub now: Timestamp,
}

/// By what an answer is ordered before its usual order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The place of the column in the answer.
    pub column: usize,
    /// Whether the largest comes first.
    pub is_descending: bool,
}

/// A checked question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The rows that it is about.
    pub dataset: Dataset,
    /// The first instant, UTC.
    pub start: Timestamp,
    /// The instant after the last one, UTC.
    pub end: Timestamp,
    /// The steps, if it asks for them.
    pub unit: Option<Unit>,
    /// The fields by which rows are grouped, and the name of each in the answer.
    pub fields: Vec<(String, Field)>,
    /// What is computed of each group.
    pub metrics: Vec<&'static Metric>,
    /// What every row fulfils.
    pub filters: Vec<Filter>,
    /// The steps; one, if it asks for none.
    pub spans: Vec<Span>,
    /// The name of the time zone.
    pub zone: String,
    /// The org; none: all orgs.
    pub org: Option<String>,
    /// The order that is asked for.
    pub order: Option<Order>,
    /// The most rows of the answer.
    pub limit: u64,
    /// Whether the answer was asked to be exact.
    pub exact: bool,
    /// What the asker may not expect of the answer.
    pub warnings: Vec<String>,
}

impl Question {
    /// Whether it asks for percentiles.
    pub(super) fn has_percentiles(&self) -> bool {
        self.metrics.iter().any(|metric| metric.percent().is_some())
    }

    /// Its order, if it is by a percentile.
    pub(super) fn order_by_percentile(&self) -> Option<Order> {
        let groups = usize::from(self.unit.is_some()) + self.fields.len();
        let metric = |order: &Order| self.metrics.get(order.column.checked_sub(groups)?)?.percent();
        self.order.filter(|order| metric(order).is_some())
    }
}

/// What a kind of question asks for by itself.
#[derive(Debug)]
pub struct Shape {
    /// The rows that it is about, if it does not say.
    pub dataset: Dataset,
    /// What is computed; none: the question says.
    pub metrics: &'static [&'static str],
    /// Fields by which it is always grouped.
    pub fields: &'static [&'static str],
    /// Further fields that it may name.
    pub further: &'static [&'static str],
    /// A condition that every row fulfils: a field, and how it is compared with which values.
    pub filter: Option<(&'static str, Operation, &'static str)>,
    /// The metric whose largest values come first.
    pub largest: Option<&'static str>,
}

/// Reads a question of a shape.
///
/// # Errors
/// If it cannot be read: which member is wrong, and what to change.
pub fn read(mut members: Map<String, Value>, shape: &Shape, asker: Asker<'_>) -> Result<Question, Wrong> {
    let mut words = Words(&mut members);
    let (start, end) = range(&mut words, asker.now)?;
    let dataset = dataset(&mut words)?.unwrap_or(shape.dataset);
    let metrics = if shape.metrics.is_empty() { metrics(&mut words)? } else { names::metrics(shape.metrics) };
    let (unit, named) = groups(words.texts("groupBy")?.unwrap_or_default(), shape.further)?;
    if unit == Some(Unit::Minute) && end - start > LONGEST_IN_MINUTES {
        return Err(Wrong::too_much("groupBy", "steps of a minute reach at most 48 hours: ask for hours, or for less"));
    }
    let own = shape.fields.iter().filter_map(|name| Some(((*name).to_owned(), Field::parse(name, shape.fields)?)));
    let fields: Vec<_> = own.chain(named).collect();
    let mut filters = filters(&mut words, shape.further)?;
    filters.extend(shape.filter.and_then(|(name, operation, values)| {
        Some(Filter { field: Field::parse(name, &[name])?, operation, values: values.into() })
    }));
    let zone = zone(&mut words, start)?;
    let org = org(words.text("organizationId")?, asker)?;
    let limit = words.number("limit", USUAL_ROWS, MOST_ROWS)?;
    let exact = words.truth("exact")?;
    let of_groups = unit.map(Unit::name).into_iter().chain(fields.iter().map(|(name, _)| name.as_str()));
    let columns: Vec<_> = of_groups.chain(metrics.iter().map(|metric| metric.name)).collect();
    let usual = shape.largest.map(|name| format!("-{name}"));
    let order = words.text("orderBy")?.or(usual).map(|text| order(&text, &columns)).transpose()?;
    words.none_left()?;
    let warnings = warnings(end);
    let spans = spans(start, end, unit, |at| host::offset(&zone, at).unwrap_or_else(|| Utc.fix()))?;
    Ok(Question {
        dataset,
        start,
        end,
        unit,
        fields,
        metrics,
        filters,
        spans,
        zone,
        org,
        order,
        limit,
        exact,
        warnings,
    })
}

fn range(words: &mut Words<'_>, now: Timestamp) -> Result<(Timestamp, Timestamp), Wrong> {
    let (start, end) = (words.instant("start", now)?, words.instant("end", now)?);
    if start >= end || end - start > LONGEST {
        return Err(Wrong::malformed("end", "end is after start, and at most 760 days after it"));
    }
    Ok((start, end))
}

fn zone(words: &mut Words<'_>, at: Timestamp) -> Result<String, Wrong> {
    let zone = words.text("timeZone")?.unwrap_or_else(|| UTC.into());
    let known = host::offset(&zone, at).is_some();
    known.then_some(zone).ok_or_else(|| Wrong::malformed("timeZone", "timeZone is a name such as Europe/Berlin"))
}

fn spans(
    start: Timestamp,
    end: Timestamp,
    unit: Option<Unit>,
    zone: impl Fn(Timestamp) -> FixedOffset,
) -> Result<Vec<Span>, Wrong> {
    let Some(unit) = unit else {
        return Ok(vec![Span { label: start.fixed_offset(), since: start, until: end }]);
    };
    let spans = steps(start, end, unit, &zone, MOST_STEPS);
    spans.ok_or_else(|| Wrong::too_much("groupBy", "the answer has too many steps: ask for longer ones, or for less"))
}

fn dataset(words: &mut Words<'_>) -> Result<Option<Dataset>, Wrong> {
    let Some(name) = words.text("dataset")? else { return Ok(None) };
    let dataset = Dataset::ALL.into_iter().find(|dataset| dataset.name() == name);
    dataset.map(Some).ok_or_else(|| Wrong::malformed("dataset", "dataset is events, logs or all"))
}

fn metrics(words: &mut Words<'_>) -> Result<Vec<&'static Metric>, Wrong> {
    let names = words.texts("metrics")?.unwrap_or_else(|| USUAL_METRICS.map(Into::into).into());
    let metrics: Option<Vec<_>> = names.iter().map(|name| metric(name)).collect();
    let metrics = metrics.ok_or_else(|| {
        let names: Vec<_> = METRICS.iter().map(|metric| metric.name).collect();
        Wrong::malformed("metrics", format!("metrics are {}", names.join(", ")))
    })?;
    let is_twice = |(place, metric): (usize, &&Metric)| metrics[..place].contains(metric);
    if metrics.is_empty() || metrics.iter().enumerate().any(is_twice) {
        return Err(Wrong::malformed("metrics", "name at least one metric, and each once"));
    }
    Ok(metrics)
}

fn warnings(end: Timestamp) -> Vec<String> {
    let is_last_second = (end + TimeDelta::seconds(1)).timestamp() % 86_400 == 0;
    let warning = "end is exclusive, and 23:59:59 leaves out the last second of the day: send the next midnight";
    if is_last_second { vec![warning.into()] } else { Vec::new() }
}

/// Fields, and their names in the answer.
type Named = Vec<(String, Field)>;

/// The step and the fields by which an answer is grouped.
fn groups(names: Vec<String>, further: &[&str]) -> Result<(Option<Unit>, Named), Wrong> {
    let (mut step, mut fields) = (None, Vec::new());
    for name in names {
        if let Some(unit) = unit(&name) {
            if step.replace(unit).is_some() {
                return Err(Wrong::malformed(
                    "groupBy",
                    "groupBy has one of minute, hour, day, week and month at most",
                ));
            }
            continue;
        }
        let field = Field::parse(&name, further).ok_or_else(unknown_field("groupBy"))?;
        if fields.iter().any(|(_, other)| *other == field) {
            return Err(Wrong::malformed("groupBy", "groupBy names a field twice"));
        }
        fields.push((name, field));
    }
    if fields.len() > MOST_FIELDS {
        return Err(Wrong::malformed("groupBy", format!("groupBy has at most {MOST_FIELDS} fields")));
    }
    Ok((step, fields))
}

/// The org that is asked about.
fn org(named: Option<String>, asker: Asker<'_>) -> Result<Option<String>, Wrong> {
    match (asker.org, named) {
        (None, named) => Ok(named),
        (Some(own), Some(named)) if named != own => Err(Wrong {
            reason: Reason::OtherOrg,
            member: "organizationId",
            detail: "the key is of another org: leave organizationId out".into(),
        }),
        (Some(own), _) => Ok(Some(own.to_owned())),
    }
}

fn order(text: &str, names: &[&str]) -> Result<Order, Wrong> {
    let name = text.strip_prefix('-').unwrap_or(text);
    let column = names.iter().position(|column| *column == name);
    let column = column.ok_or_else(|| {
        Wrong::malformed("orderBy", "orderBy is a column of the answer, with - before it for descending order")
    })?;
    Ok(Order { column, is_descending: text.starts_with('-') })
}
