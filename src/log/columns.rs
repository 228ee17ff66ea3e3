//! The table of logs: its columns, and the origin of each column's value. A new column is one line here, one in
//! each `sql/*/1_table.sql`, and one in `sql/bigquery/2_columns.sql`. Beside it stands the table of what is proven of logs.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    log::raw,
    record::{Cell, Column, Kind, Table, columns},
    time,
};

/// The origin of a column's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Id,
    CreatedAt,
    /// When this program read the entry.
    IngestedAt,
    Gateway,
    /// The entry's field of the column's own name.
    Field,
    /// The same, without the parts that are withheld.
    Metadata,
    /// A member of an object in the entry.
    Member(&'static str, &'static str),
    /// All fields that the other columns do not hold.
    Rest,
}

/// A column, and the origin of its value.
pub(crate) type LogField = (Column, Origin);

const fn field(name: &'static str, kind: Kind, origin: Origin) -> LogField {
    (Column { name, kind }, origin)
}

/// Every column, in the order of the table: first the columns of the TypeScript program, then ours. `extra` stays last.
pub(crate) const FIELDS: [LogField; 34] = [
    field("id", Kind::Text, Origin::Id),
    field("created_at", Kind::Instant, Origin::CreatedAt),
    field("provider", Kind::Text, Origin::Field),
    field("model", Kind::Text, Origin::Field),
    field("model_type", Kind::Text, Origin::Field),
    field("success", Kind::Bool, Origin::Field),
    field("status_code", Kind::Integer, Origin::Field),
    field("cached", Kind::Bool, Origin::Field),
    field("duration", Kind::Float, Origin::Field),
    field("tokens_in", Kind::Integer, Origin::Field),
    field("tokens_out", Kind::Integer, Origin::Field),
    field("cost", Kind::Float, Origin::Field),
    field("request_type", Kind::Text, Origin::Field),
    field("request_content_type", Kind::Text, Origin::Field),
    field("response_content_type", Kind::Text, Origin::Field),
    field("path", Kind::Text, Origin::Field),
    field("step", Kind::Integer, Origin::Field),
    field("ingested_at", Kind::Instant, Origin::IngestedAt),
    field("gateway", Kind::Text, Origin::Gateway),
    field("custom_cost", Kind::Bool, Origin::Field),
    field("metadata", Kind::Json, Origin::Metadata),
    field("event_id", Kind::Text, Origin::Field),
    field("input_cached_tokens", Kind::Integer, Origin::Member("usage_metadata", "input_cached_tokens")),
    field("output_reasoning_tokens", Kind::Integer, Origin::Member("usage_metadata", "output_reasoning_tokens")),
    field("latency", Kind::Float, Origin::Member("timings", "latency")),
    field("region", Kind::Text, Origin::Member("location", "region")),
    field("colo", Kind::Text, Origin::Member("location", "colo")),
    field("user_agent", Kind::Text, Origin::Field),
    field("feedback", Kind::Integer, Origin::Field),
    field("score", Kind::Float, Origin::Field),
    field("dlp_action", Kind::Text, Origin::Field),
    field("byok", Kind::Bool, Origin::Field),
    field("wholesale", Kind::Bool, Origin::Field),
    field("extra", Kind::Json, Origin::Rest),
];

const COLUMNS: [Column; FIELDS.len()] = columns(&FIELDS);

/// The raw table. SQLite keeps one line for each log. BigQuery keeps one for each time that a log was written, and its view
/// `aig_logs` shows the newest. A SQLite file of an older version of this program has the key `gateway`, `id`.
pub static LOGS: Table = Table {
    name: "aig_logs_raw",
    columns: &COLUMNS,
    key: &["gateway", "created_at", "id"],
    id: "id",
    at: "created_at",
    // A log that was read too early may have had no cost yet.
    version: Some("ingested_at"),
};

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

/// The table of what is known of hours and days, for whoever reads a database and not this program's state. The last line of
/// a gateway with the grain `forward` tells instead from when on and up to when all its logs are delivered, and the one with
/// `backfill` from when back to when its history is counted. 1970 as `until`: of forward, nothing is counted yet; of the
/// backfill, everything is.
pub static LEDGER: Table = Table {
    name: "aig_ledger",
    columns: &[
        column("grain", Kind::Text),
        column("gateway", Kind::Text),
        column("start", Kind::Instant),
        column("until", Kind::Instant),
        column("source", Kind::Integer),
        column("delivered", Kind::Integer),
        column("verdict", Kind::Text),
        column("at", Kind::Instant),
    ],
    key: &["grain", "start", "gateway"],
    id: "gateway",
    at: "start",
    version: Some("at"),
};

/// Whether an entry's field of this name becomes the value of a column unchanged.
pub(crate) fn is_own((column, origin): &LogField, name: &str) -> bool {
    column.name == name && matches!(origin, Origin::Id | Origin::CreatedAt | Origin::Field)
}

/// The cell of a value, or the value if it does not fit.
pub(crate) fn cell(value: Value, kind: Kind) -> Result<Cell, Value> {
    match (kind, value) {
        (_, Value::Null) => Ok(Cell::Null),
        (Kind::Text, Value::String(text)) => Ok(Cell::Text(text)),
        (Kind::Integer, value) => integer(&value).map(Cell::Integer).ok_or(value),
        (Kind::Float, value) => value.as_f64().map(Cell::Float).ok_or(value),
        (Kind::Bool, value) => truth(&value).map(Cell::Bool).ok_or(value),
        // By the API's schema the value is a text, by its Worker binding an object.
        (Kind::Json, Value::String(text)) => match raw::json(&text) {
            Some(Cow::Owned(tame)) => Ok(Cell::Text(tame)),
            Some(Cow::Borrowed(_)) => Ok(Cell::Text(text)),
            None => Err(Value::String(text)),
        },
        (Kind::Json, value @ (Value::Object(_) | Value::Array(_))) => Ok(Cell::Text(value.to_string())),
        (Kind::Instant, value) => value.as_str().and_then(time::parse).map(Cell::Instant).ok_or(value),
        (Kind::Text | Kind::Json, value) => Err(value),
    }
}

/// The integer value of a number, including `412.0`.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    /// Above 2^53 a float no longer names one integer.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and at most 2^53")]
    value.as_i64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= EXACT).map(|n| n as i64))
}

/// The truth that a Boolean, 0 or 1 stands for.
pub(crate) fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| Some(integer(value).filter(|bit| matches!(bit, 0 | 1))? == 1))
}
