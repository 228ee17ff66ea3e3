//! In what SQLite's dialect and BigQuery's differ, as far as questions are concerned: how a value is named,
//! where rows come from, who a log belongs to, what JSON says, what is in a list, and how a number becomes text. All else
//! of a statement is one text, which both understand.

use super::{
    names::{Metric, Needs, ORG_OF_LOG, USER_OF_LOG},
    question::Question,
};
use crate::{log::metadata::path, record::Cell, rollup::Source};

/// One of two dialects of SQL.
pub(super) trait Dialect {
    /// What stands before the number of a value.
    const MARK: &'static str;
    /// The step of a row `r`.
    const STEP: &'static str;

    /// The beginning of a statement: the steps, of which value 1 is a list of pairs of instants, and where rows are found.
    /// Value 2 is the org or null, and value 3 says where the org of a log is. It may bind further values.
    fn beginning(question: &Question, sources: &[Source], values: &mut Vec<Cell>) -> String;

    /// Where the rows `r` of a source come from: `FROM` and `WHERE`.
    fn rows(source: Source) -> &'static str;

    /// The user and the instant `created_at` of every row of a source that is kept.
    fn seen(source: Source) -> String;

    /// An expression of [`names`](super::names), for a log `r`.
    fn of_log(sql: &'static str) -> &'static str;

    /// The expression of a metric over the rows of a group.
    fn metric(metric: &Metric) -> &'static str;

    /// What finds a key in metadata, as a value.
    fn key(key: &str) -> String;

    /// The JSON text of the metadata's key at a place among the values; null, if there is none.
    fn member(place: usize) -> String;

    /// The text in a JSON text; null, if that is something else.
    fn text_in(json: &str) -> String;

    /// Whether a value is one of a list.
    fn is_in(value: &str, place: usize) -> String;

    /// Whether a JSON text is one of a list: numbers and truths by value, and never one for the other.
    fn json_is_in(json: &str, place: usize) -> String;

    /// Whether one of a list is a part of a text.
    fn contains(text: &str, place: usize) -> String;

    /// A number as text.
    fn number_as_text(number: &str) -> String;
}

/// SQLite's dialect, which D1 has too.
#[derive(Debug)]
pub(super) struct Sqlite;

/// The steps.
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

impl Dialect for Sqlite {
    const MARK: &'static str = "?";
    const STEP: &'static str = "steps.step";

    fn beginning(_question: &Question, _sources: &[Source], _values: &mut Vec<Cell>) -> String {
        // Every value is named at least once, whichever tables are read.
        format!("WITH RECURSIVE {STEPS},\n{ORGS},\n{GATEWAYS},\nvalues_given AS (SELECT ?2, ?3, ?4)")
    }

    /// The rows are found by the key of their table, one range for each step.
    fn rows(source: Source) -> &'static str {
        match source {
            Source::Events => {
                "
  FROM spaces_of_events CROSS JOIN steps CROSS JOIN events_raw AS r
  WHERE r.org = space AND r.created_at >= since AND r.created_at < until"
            }
            Source::Logs => {
                "
  FROM spaces_of_logs CROSS JOIN steps CROSS JOIN aig_logs_raw AS r
  WHERE r.gateway = space AND r.created_at >= since AND r.created_at < until"
            }
        }
    }

    fn seen(source: Source) -> String {
        match source {
            Source::Events => {
                "SELECT r.user_id, r.created_at FROM spaces_of_events CROSS JOIN events_raw AS r WHERE r.org = space"
                    .into()
            }
            Source::Logs => format!(
                "SELECT {USER_OF_LOG} AS user_id, r.created_at FROM aig_logs_raw AS r WHERE ?2 IS NULL OR {ORG_OF_LOG} = ?2"
            ),
        }
    }

    fn of_log(sql: &'static str) -> &'static str {
        sql
    }

    fn metric(metric: &Metric) -> &'static str {
        metric.sql
    }

    fn key(key: &str) -> String {
        path(key)
    }

    fn member(place: usize) -> String {
        format!("NULLIF(r.metadata -> ?{place}, 'null')")
    }

    fn text_in(json: &str) -> String {
        format!("CASE WHEN json_type({json}) = 'text' THEN {json} ->> '$' END")
    }

    fn is_in(value: &str, place: usize) -> String {
        format!("{value} IN (SELECT value FROM json_each(?{place}))")
    }

    fn json_is_in(json: &str, place: usize) -> String {
        let kind = |of: &str| format!("CASE {of} WHEN 'integer' THEN 'real' ELSE {of} END");
        let (of_list, of_value) = (kind("v.type"), kind(&format!("json_type({json})")));
        format!(
            "EXISTS (SELECT 1 FROM json_each(?{place}) AS v WHERE v.value = {json} ->> '$' AND {of_list} = {of_value})"
        )
    }

    fn contains(text: &str, place: usize) -> String {
        format!("EXISTS (SELECT 1 FROM json_each(?{place}) AS v WHERE instr({text}, v.value) > 0)")
    }

    fn number_as_text(number: &str) -> String {
        format!("CAST({number} AS TEXT)")
    }
}

/// BigQuery's dialect, over the views `events` and `aig_logs`. Columns are as in SQLite's tables: instants are texts,
/// truths are 0 and 1.
#[derive(Debug)]
pub(super) struct BigQuery;

impl BigQuery {
    /// The rows of a source that the question is about. Its days are known before the query runs, so BigQuery reads no other.
    fn found(source: Source, since: usize, until: usize) -> String {
        let (view, own) = match source {
            Source::Events => {
                ("events", "org, name, user_id, session_id, subject, quantity, unit, sku, error, source".to_owned())
            }
            Source::Logs => {
                let own = format!(
                    "{} AS org, {} AS user_id, provider, model, gateway, tokens_in, tokens_out, cached, \
                     input_cached_tokens, custom_cost",
                    org_of_log(),
                    user_of_log()
                );
                ("aig_logs", own)
            }
        };
        let (name, created_at, ingested_at) = (source.name(), instant("created_at"), instant("ingested_at"));
        format!(
            "{name}_found AS (\n  SELECT id, {created_at} AS created_at, {ingested_at} AS ingested_at, \
             CAST(success AS INT64) AS success, status_code, duration, cost, metadata, {own}\n  FROM {view}\n  \
             WHERE created_at >= @v{since} AND created_at < @v{until}\n)"
        )
    }
}

/// The org of a log, whose metadata key is value 3.
fn org_of_log() -> String {
    format!("COALESCE({}, 'default')", as_text("metadata[@v3]", "JSON_VALUE(metadata[@v3])"))
}

/// The user of a log.
fn user_of_log() -> String {
    let of = |key: &str| as_text(&format!("metadata.{key}"), &format!("JSON_VALUE(metadata, '$.{key}')"));
    format!("COALESCE({}, {})", of("user_id"), of("user"))
}

/// An instant as text.
fn instant(column: &str) -> String {
    format!("FORMAT_TIMESTAMP('%FT%H:%M:%E3SZ', {column})")
}

/// The value of a JSON expression as SQLite's `CAST(json_extract(…) AS TEXT)` gives it, of which `value` is the text if it
/// has no parts: a truth is 1 or 0.
fn as_text(json: &str, value: &str) -> String {
    format!(
        "CASE JSON_TYPE({json}) WHEN 'boolean' THEN IF({value} = 'true', '1', '0') \
         WHEN 'array' THEN TO_JSON_STRING({json}) WHEN 'object' THEN TO_JSON_STRING({json}) ELSE {value} END"
    )
}

impl Dialect for BigQuery {
    const MARK: &'static str = "@v";
    // Steps follow each other without gaps.
    const STEP: &'static str = "RANGE_BUCKET(r.created_at, ARRAY(SELECT since FROM steps ORDER BY step)) - 1";

    fn beginning(question: &Question, sources: &[Source], values: &mut Vec<Cell>) -> String {
        let ends = [question.spans.first().map(|span| span.since), question.spans.last().map(|span| span.until)];
        values.extend(ends.map(|end| end.map_or(Cell::Null, Cell::Instant)));
        let (since, until) = (values.len() - 1, values.len());
        let steps = "WITH steps AS (
  SELECT step, JSON_VALUE(pair, '$[0]') AS since, JSON_VALUE(pair, '$[1]') AS until
  FROM UNNEST(JSON_QUERY_ARRAY(@v1)) AS pair WITH OFFSET AS step
)";
        let found = sources.iter().map(|source| Self::found(*source, since, until));
        std::iter::once(steps.to_owned()).chain(found).collect::<Vec<_>>().join(",\n")
    }

    fn rows(source: Source) -> &'static str {
        match source {
            Source::Events => "\n  FROM events_found AS r\n  WHERE (@v2 IS NULL OR r.org = @v2)",
            Source::Logs => "\n  FROM logs_found AS r\n  WHERE true",
        }
    }

    fn seen(source: Source) -> String {
        let created_at = instant("created_at");
        match source {
            Source::Events => {
                format!("SELECT user_id, {created_at} AS created_at FROM events WHERE @v2 IS NULL OR org = @v2")
            }
            Source::Logs => format!(
                "SELECT {} AS user_id, {created_at} AS created_at FROM aig_logs WHERE @v2 IS NULL OR {} = @v2",
                user_of_log(),
                org_of_log()
            ),
        }
    }

    /// There are no prices: an event costs what it says itself.
    fn metric(metric: &Metric) -> &'static str {
        if metric.needs == Needs::Prices { "COALESCE(sum(cost), 0)" } else { metric.sql }
    }

    fn of_log(sql: &'static str) -> &'static str {
        match sql {
            ORG_OF_LOG => "r.org",
            USER_OF_LOG => "r.user_id",
            sql => sql,
        }
    }

    fn key(key: &str) -> String {
        key.to_owned()
    }

    fn member(place: usize) -> String {
        format!("NULLIF(TO_JSON_STRING(r.metadata[@v{place}]), 'null')")
    }

    fn text_in(json: &str) -> String {
        format!("IF(STARTS_WITH({json}, '\"'), JSON_VALUE(PARSE_JSON({json})), NULL)")
    }

    fn is_in(value: &str, place: usize) -> String {
        format!("CAST({value} AS STRING) IN UNNEST(JSON_VALUE_ARRAY(@v{place}))")
    }

    fn json_is_in(json: &str, place: usize) -> String {
        let own = format!("PARSE_JSON({json})");
        let as_kind =
            |kind: &str| format!("SAFE_CAST(JSON_VALUE(v) AS {kind}) = SAFE_CAST(JSON_VALUE({own}) AS {kind})");
        // Large integers differ, although they are the same as floats.
        let (integers, floats) = (as_kind("INT64"), as_kind("FLOAT64"));
        format!(
            "EXISTS (SELECT 1 FROM UNNEST(JSON_QUERY_ARRAY(PARSE_JSON(@v{place}))) AS v WHERE JSON_TYPE(v) = JSON_TYPE({own}) \
             AND IF(JSON_TYPE(v) = 'number', COALESCE({integers}, {floats}), JSON_VALUE(v) = JSON_VALUE({own})))"
        )
    }

    fn contains(text: &str, place: usize) -> String {
        format!("EXISTS (SELECT 1 FROM UNNEST(JSON_VALUE_ARRAY(@v{place})) AS v WHERE STRPOS({text}, v) > 0)")
    }

    fn number_as_text(number: &str) -> String {
        format!("CAST({number} AS STRING)")
    }
}
