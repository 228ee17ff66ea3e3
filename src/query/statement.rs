//! The statement of a question over raw rows, and the end of every statement: groups, metrics and order.

use serde_json::Value;

use super::{
    dialect::Dialect,
    expression::sources,
    names::{Dataset, Kind, Metric, Needs},
    parts::{Parts, Sql, list},
    question::Question,
};

/// The first instant of each user, of all rows that are kept.
fn firsts<D: Dialect>(dataset: Dataset) -> String {
    let arms: Vec<_> = sources(dataset).iter().map(|source| format!("  {}", D::seen(*source))).collect();
    format!("  SELECT user_id, min(created_at) AS first FROM (\n{}\n  ) GROUP BY user_id", arms.join("\nUNION ALL\n"))
}

/// The statement that answers a question: the number of the step, the fields and the metrics of each group.
#[must_use]
pub fn of_question<D: Dialect>(question: &Question, org_metadata: &str) -> Sql {
    let mut parts = Parts::<D>::with_rows(question, org_metadata);
    let groups = groups(question);
    let needs = |needs| question.metrics.iter().any(|metric| metric.needs == needs);
    let from = if question.has_percentiles() {
        let ranked = format!(
            "  SELECT *, row_number() OVER (PARTITION BY step{groups} ORDER BY duration NULLS LAST) AS place, \
             count(duration) OVER (PARTITION BY step{groups}) AS timed\n  FROM raw"
        );
        parts.add("ranked AS", &ranked);
        "ranked"
    } else if needs(Needs::Firsts) {
        parts.add("firsts AS", &firsts::<D>(question.dataset));
        "raw JOIN steps USING (step) LEFT JOIN firsts USING (user_id)"
    } else {
        "raw"
    };
    grouped(parts, question, from, D::metric, None)
}

/// The fields of a question, each after a comma.
pub(super) fn groups(question: &Question) -> String {
    list((0..question.fields.len()).map(|place| format!("g{place}")), ", ")
}

/// The end of a statement: groups the lines of `from`, computes the metrics and a further column, and orders.
pub(super) fn grouped<D: Dialect>(
    parts: Parts<D>,
    question: &Question,
    from: &str,
    sql: impl Fn(&Metric) -> &'static str,
    further: Option<(&str, String)>,
) -> Sql {
    let groups = groups(question);
    let metrics = question.metrics.iter().enumerate().map(|(at, metric)| (format!("m{at}"), sql(metric).to_owned()));
    let columns: Vec<_> = metrics.chain(further.map(|(name, sql)| (name.to_owned(), sql))).collect();
    let metrics = list(columns.iter().map(|(name, sql)| format!("{sql} AS {name}")), ", ");
    let grouped = format!(",\ngrouped AS (\n  SELECT step{groups}{metrics}\n  FROM {from}\n  GROUP BY step{groups}\n)");
    let is_filled = question.fields.is_empty();
    let from = if is_filled { "steps LEFT JOIN grouped USING (step)" } else { "grouped" };
    let metrics = list(columns.into_iter().map(|(name, _)| name), ", ");
    let (order, mark) = (order::<D>(question), D::MARK);
    let rest = format!("{grouped}\nSELECT step{groups}{metrics}\nFROM {from}\nORDER BY {order}\nLIMIT {mark}4");
    parts.then(&rest, question.limit + 1)
}

/// The statement of cohorts: of each step and each later one, how many of the users whose first instant lies in the
/// former are active in the latter.
#[must_use]
pub fn of_cohorts<D: Dialect>(question: &Question, org_metadata: &str) -> Sql {
    let mut rows = Parts::<D>::with_rows(question, org_metadata);
    rows.add("firsts AS", &firsts::<D>(question.dataset));
    cohorts(rows, question, "raw")
}

/// The end of a statement of cohorts, of the users of `from`.
pub(super) fn cohorts<D: Dialect>(parts: Parts<D>, question: &Question, from: &str) -> Sql {
    let mark = D::MARK;
    let rest = format!(
        "\nSELECT began.step AS cohort, {from}.step, count(DISTINCT user_id) AS active\n\
         FROM {from} JOIN firsts USING (user_id) JOIN steps AS began ON first >= began.since AND first < began.until\n\
         GROUP BY began.step, {from}.step\nORDER BY began.step, {from}.step\nLIMIT {mark}4"
    );
    parts.then(&rest, (question.spans.len() * question.spans.len()) as u64)
}

/// The order that is asked for, and then the usual one: steps, then fields by their bytes, null first.
fn order<D: Dialect>(question: &Question) -> String {
    let fields = question.fields.iter().enumerate().map(|(place, (_, field))| match field.kind() {
        Kind::Json => {
            let json = format!("g{place}");
            vec![format!("COALESCE({}, {json})", D::text_in(&json)), json]
        }
        Kind::Text | Kind::Truth => vec![format!("g{place}")],
        Kind::Integer => vec![D::number_as_text(&format!("g{place}"))],
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
