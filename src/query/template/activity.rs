//! The rows that a template reads, and the places of its values.

use std::ops::Range;

use chrono::{Offset as _, Utc};

use super::{Rows, parameter::Kind as Parameter};
use crate::{
    query::{
        counted::UserDayPlan,
        dialect::Dialect,
        names::{Common, Field, Kind, ORG_OF_LOG, USER_OF_LOG},
        parts::{Parts, Sql},
        question::Question,
        steps::{Unit, steps},
    },
    record::Cell,
};

/// A parameter's name, its type and its value.
type Value<'a> = (&'a str, Parameter, Cell);

const fn column(name: &'static str, kind: Kind, events: &'static str, logs: &'static str) -> Common {
    Common { name, kind, events, logs }
}

/// The columns of the view `activity`.
static COLUMNS: [Common; 23] = [
    column("source", Kind::Text, "'events'", "'logs'"),
    column("created_at", Kind::Text, "r.created_at", "r.created_at"),
    column("org", Kind::Text, "r.org", ORG_OF_LOG),
    column("name", Kind::Text, "r.name", "'ai.request'"),
    column("user_id", Kind::Text, "r.user_id", USER_OF_LOG),
    column("session_id", Kind::Text, "r.session_id", "NULL"),
    column("subject", Kind::Text, "r.subject", "r.model"),
    column("success", Kind::Truth, "r.success", "r.success"),
    column("status_code", Kind::Integer, "r.status_code", "r.status_code"),
    column("duration", Kind::Integer, "r.duration", "r.duration"),
    column("quantity", Kind::Integer, "r.quantity", "NULL"),
    column("unit", Kind::Text, "r.unit", "NULL"),
    column("sku", Kind::Text, "r.sku", "NULL"),
    column("cost", Kind::Integer, "r.cost", "r.cost"),
    column("tokens_in", Kind::Integer, "NULL", "r.tokens_in"),
    column("tokens_out", Kind::Integer, "NULL", "r.tokens_out"),
    column("provider", Kind::Text, "NULL", "r.provider"),
    column("model", Kind::Text, "NULL", "r.model"),
    column("gateway", Kind::Text, "NULL", "r.gateway"),
    column("error", Kind::Text, "r.error", "NULL"),
    column("id", Kind::Text, "r.id", "r.id"),
    column("ingested_at", Kind::Text, "r.ingested_at", "r.ingested_at"),
    column("metadata", Kind::Json, "r.metadata", "r.metadata"),
];

/// The columns as the fields of a question.
pub(super) fn fields() -> Vec<(String, Field)> {
    COLUMNS.iter().map(|column| (column.name.to_owned(), Field::Common(column))).collect()
}

/// A line for each user, org and day of UTC, of the rows of a question, in SQL of both dialects.
const USER_DAYS: &str = "  SELECT SUBSTR(created_at, 1, 10) AS day, org, user_id, COUNT(*) AS events, \
                         COUNT(CASE WHEN success = 0 THEN 1 END) AS errors, SUM(quantity) AS quantity, SUM(cost) AS cost, \
                         SUM(tokens_in) AS tokens_in, SUM(tokens_out) AS tokens_out\n  \
                         FROM activity WHERE user_id IS NOT NULL GROUP BY 1, 2, 3";

/// The same, of parts whose steps are days, and which are grouped as [`by_user_day`] says: by org (`g0`) and user (`g1`).
const OF_PARTS: &str = "  SELECT SUBSTR(since, 1, 10) AS day, g0 AS org, g1 AS user_id, SUM(events) AS events, \
                        SUM(errors) AS errors, SUM(quantity) AS quantity, SUM(cost) AS cost, SUM(tokens_in) AS tokens_in, \
                        SUM(tokens_out) AS tokens_out\n  \
                        FROM parts JOIN steps USING (step) WHERE g1 IS NOT NULL GROUP BY 1, 2, 3";

/// The question by org, user and day of UTC about the rows of a template's question.
pub(super) fn by_user_day(question: &Question) -> Question {
    let field = |name: &str| Some((name.to_owned(), Field::parse(name, &[])?));
    let fields = ["organization", "user"].into_iter().filter_map(field).collect();
    let days = steps(question.start, question.end, Unit::Day, &|_| Utc.fix(), usize::MAX);
    let spans = days.unwrap_or_default();
    Question { fields, metrics: Vec::new(), unit: Some(Unit::Day), spans, ..question.clone() }
}

/// The statement of a template: `activity` holds the rows of the question alone, and the text reads nothing else but
/// `user_days`, which is made of it.
pub(super) fn statement<D: Dialect>(
    question: &Question,
    (rows, body): (Rows, &str),
    values: &[Value<'_>],
    org_metadata: &str,
) -> Sql {
    let mut parts = Parts::<D>::with_rows(question, org_metadata);
    let columns = COLUMNS.iter().enumerate().map(|(place, column)| format!("g{place} AS {}", column.name));
    let columns: Vec<_> = columns.collect();
    parts.add("activity AS", &format!("  SELECT {} FROM raw", columns.join(", ")));
    if rows == Rows::UserDays {
        parts.add("user_days AS", USER_DAYS);
    }
    over(parts, question, body, values)
}

/// The same, if the text reads `user_days` and some of these are counted.
pub(super) fn counted(
    plan: &UserDayPlan,
    question: &Question,
    body: &str,
    values: &[Value<'_>],
    org_metadata: &str,
) -> Sql {
    let mut parts = plan.parts(question, org_metadata);
    parts.add("user_days AS MATERIALIZED", OF_PARTS);
    over(parts, question, body, values)
}

/// A text over the tables before it.
fn over<D: Dialect>(mut tables: Parts<D>, question: &Question, body: &str, values: &[Value<'_>]) -> Sql {
    // Tables of the text's own come after those of the program, as further ones of the same WITH.
    let beginning = after_words(body, &["WITH", "RECURSIVE"]);
    let mut text = String::from(if beginning > 0 { ",\n" } else { "\n" });
    let mut at = beginning;
    let mut bound: Vec<(&str, usize)> = Vec::new();
    for (range, name) in places(body) {
        let known = bound.iter().find(|(known, _)| *known == name).map(|(_, place)| *place);
        let place = known.unwrap_or_else(|| {
            let value = values.iter().find(|(given, ..)| *given == name);
            let place = tables.bind(value.map_or(Cell::Null, |(_, kind, value)| of_kind::<D>(*kind, value)));
            bound.push((name, place));
            place
        });
        text.push_str(&body[at..range.start]);
        text.push_str(D::MARK);
        text.push_str(&place.to_string());
        at = range.end;
    }
    text.push_str(&body[at..]);
    text.push_str("\nLIMIT ");
    text.push_str(D::MARK);
    text.push('4');
    tables.then(&text, question.limit + 1)
}

/// Where a text goes on after these words, as many of them as it begins with.
fn after_words(body: &str, words: &[&str]) -> usize {
    let mut at = 0;
    for word in words {
        let rest = body[at..].trim_start();
        let start = body.len() - rest.len();
        let (head, tail) = rest.split_at_checked(word.len()).unwrap_or_default();
        if !head.eq_ignore_ascii_case(word) || !tail.starts_with(char::is_whitespace) {
            break;
        }
        at = start + word.len();
    }
    at
}

/// A value as the statement has it.
fn of_kind<D: Dialect>(kind: Parameter, value: &Cell) -> Cell {
    match (kind, value) {
        (Parameter::Key, Cell::Text(key)) => Cell::Text(D::key(key)),
        (_, value) => value.clone(),
    }
}

/// The places of `:name` in a text, outside of texts in quotes and of comments.
pub(super) fn places(body: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = &body[at..];
            let found = rest.find([':', '\'', '"', '-'])?;
            let (start, rest) = (at + found, &rest[found..]);
            if let Some(named) = rest.strip_prefix(':') {
                let end = named.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                let name = &named[..end.unwrap_or(named.len())];
                at = start + 1 + name.len();
                if !name.is_empty() {
                    return Some((start..at, name));
                }
                continue;
            }
            let quote = rest.chars().next().filter(|letter| *letter != '-');
            let end = match quote {
                Some(quote) => rest[1..].find(quote).map(|length| length + 2),
                None if rest.starts_with("--") => rest.find('\n'),
                None => Some(1),
            };
            at = start + end.unwrap_or(rest.len());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{after_words, places};

    #[test]
    fn tables_of_a_text_begin_after_its_first_words() {
        for (body, rest) in [
            ("WITH a AS (SELECT 1)", " a AS (SELECT 1)"),
            ("with\n  recursive\ta AS (SELECT 1)", "\ta AS (SELECT 1)"),
            ("WITHIN", "WITHIN"),
            ("SELECT 1", "SELECT 1"),
            ("WITH", "WITH"),
            ("é WITH a", "é WITH a"),
        ] {
            assert_eq!(&body[after_words(body, &["WITH", "RECURSIVE"])..], rest, "{body}");
        }
    }

    #[test]
    fn names_are_found_outside_of_texts_and_comments() {
        let names = |body| places(body).map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(
            names("a > :start AND b - c < :least -- not :this\n OR d = ':00' || \"x:y\" || :end"),
            ["start", "least", "end"]
        );
        assert_eq!(names("'it''s :no' :yes"), ["yes"]);
        assert_eq!(names("'open :no"), [""; 0]);
    }
}
