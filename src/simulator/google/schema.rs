//! A table's columns, and what BigQuery says of a row that does not fit them.

use chrono::{DateTime, Months, NaiveDateTime};
use serde_json::{Map, Value, json};

use crate::simulator::time::Timestamp;

/// The most bytes of one row.
const MOST_BYTES: usize = 10 * 1_048_576;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    String,
    Int64,
    Float64,
    Bool,
    Timestamp,
    Json,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    r#type: Type,
    required: bool,
}

/// The columns of a table, and the one whose day chooses the partition.
#[derive(Clone, Debug, Default)]
pub struct SimulatedSchema {
    columns: Vec<Column>,
    partition: Option<String>,
    clustering: Vec<String>,
}

impl SimulatedSchema {
    /// Reads `name TYPE`, one column a line, such as in a `CREATE TABLE` statement with one column a line. It also
    /// reads `NOT NULL`, `PARTITION BY DATE(column)` and `CLUSTER BY`, and skips everything else.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut schema = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let Some((_, rest)) = line.split_once("PARTITION BY DATE(") {
                schema.partition = rest.split(')').next().map(str::to_owned);
            } else if let Some(names) = line.strip_prefix("CLUSTER BY ") {
                schema.clustering = names.split(',').map(|name| name.trim().to_owned()).collect();
            } else if let [name, r#type, ..] = words[..]
                && let Some(r#type) = Type::named(r#type.trim_end_matches(','))
            {
                schema.columns.push(Column { name: name.to_owned(), r#type, required: line.contains("NOT NULL") });
            }
        }
        schema
    }

    /// Names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The members of a table that tell of it.
    pub(in crate::simulator) fn shown(&self) -> Vec<(&'static str, Value)> {
        let field = |Column { name, r#type, required }: &Column| {
            let mode = if *required { "REQUIRED" } else { "NULLABLE" };
            json!({ "name": name, "type": r#type.shown(), "mode": mode })
        };
        let fields: Vec<_> = self.columns.iter().map(field).collect();
        let mut members = vec![("schema", json!({ "fields": fields }))];
        if let Some(column) = &self.partition {
            members.push(("timePartitioning", json!({ "type": "DAY", "field": column })));
        }
        if !self.clustering.is_empty() {
            members.push(("clustering", json!({ "fields": self.clustering })));
        }
        members
    }

    /// What is wrong with a row, as the entries of `insertErrors[].errors`; nothing when it fits.
    pub(in crate::simulator) fn check(&self, row: &Value, ignore_unknown: bool, now: Timestamp) -> Vec<Value> {
        let Value::Object(row) = row else {
            return vec![invalid("", "Row must be a JSON object.")];
        };
        if Value::Object(row.clone()).to_string().len() > MOST_BYTES {
            return vec![invalid("", "Row payload size exceeds the limit: 10485760 bytes.")];
        }
        let unknown = row.keys().filter(|key| !ignore_unknown && !self.columns().any(|name| name == *key));
        let mut errors: Vec<Value> = unknown.map(|key| invalid(key, &format!("no such field: {key}."))).collect();
        errors.extend(self.columns.iter().filter_map(|column| column.check(row)));
        if errors.is_empty() {
            errors.extend(self.check_partition(row, now));
        }
        errors
    }

    /// Ten years back and one ahead can be streamed to.
    fn check_partition(&self, row: &Map<String, Value>, now: Timestamp) -> Option<Value> {
        let time = parse_timestamp(row.get(self.partition.as_ref()?)?)?;
        let first = now.checked_sub_months(Months::new(120))?;
        let last = now.checked_add_months(Months::new(12))?;
        let day = time.format("%Y%m%d");
        let message = format!(
            "The destination table's partition ${day} is outside the allowed bounds. You can only stream to partitions \
             within 3650 days in the past and 366 days in the future relative to the current date."
        );
        (time < first || time > last).then(|| invalid("", &message))
    }
}

impl Type {
    fn named(name: &str) -> Option<Self> {
        match name {
            "STRING" => Some(Self::String),
            "INT64" => Some(Self::Int64),
            "FLOAT64" => Some(Self::Float64),
            "BOOL" => Some(Self::Bool),
            "TIMESTAMP" => Some(Self::Timestamp),
            "JSON" => Some(Self::Json),
            _ => None,
        }
    }

    /// The name in the API, which is not that of SQL.
    fn shown(self) -> &'static str {
        match self {
            Self::String => "STRING",
            Self::Int64 => "INTEGER",
            Self::Float64 => "FLOAT",
            Self::Bool => "BOOLEAN",
            Self::Timestamp => "TIMESTAMP",
            Self::Json => "JSON",
        }
    }

    /// Whether a value can be stored, and else why not.
    fn check(self, value: &Value) -> Result<(), String> {
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let text = value.as_str();
        let (fits, complaint) = match self {
            Self::String => (text.is_some(), format!("Cannot convert value to string (bad value): {shown}")),
            Self::Int64 => (
                value.as_i64().or_else(|| text?.parse().ok()).is_some(),
                format!("Cannot convert value to integer (bad value): {shown}"),
            ),
            Self::Float64 => (
                value.as_f64().or_else(|| text?.parse().ok()).is_some(),
                format!("Cannot convert value to floating point (bad value): {shown}"),
            ),
            Self::Bool => (
                value.is_boolean() || matches!(text, Some("true" | "false")),
                format!("Cannot convert value to boolean (bad value): {shown}"),
            ),
            Self::Timestamp => (parse_timestamp(value).is_some(), format!("Could not parse '{shown}' as a timestamp.")),
            Self::Json => (
                text.is_some_and(|text| serde_json::from_str::<Value>(text).is_ok()),
                format!("Invalid JSON value: {shown}"),
            ),
        };
        if fits { Ok(()) } else { Err(complaint) }
    }
}

impl Column {
    fn check(&self, row: &Map<String, Value>) -> Option<Value> {
        let complaint = match row.get(&self.name) {
            None | Some(Value::Null) if self.required => Some(format!("Missing required field: {}.", self.name)),
            None | Some(Value::Null) => None,
            Some(Value::Array(_)) => Some("Array specified for non-repeated field.".to_owned()),
            Some(Value::Object(_)) => Some(format!("This field: {} is not a record.", self.name)),
            Some(value) => self.r#type.check(value).err(),
        };
        complaint.map(|complaint| invalid(&self.name, &complaint))
    }
}

/// A TIMESTAMP on the wire: RFC 3339 or SQL's form with up to 6 fractional digits, or seconds since 1970.
fn parse_timestamp(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        let digits = text.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
        let sql = || NaiveDateTime::parse_from_str(text.trim_end_matches(" UTC"), "%Y-%m-%d %H:%M:%S%.f");
        let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).or_else(|_| sql().map(|t| t.and_utc()));
        return time.ok().filter(|_| digits <= 6);
    }
    // Milliseconds taken for seconds lie beyond the year 9999, the end of the type.
    let seconds = crate::simulator::chance::whole(value.as_f64()?);
    Timestamp::from_timestamp(seconds, 0).filter(|_| seconds < 253_402_300_800)
}

fn invalid(location: &str, message: &str) -> Value {
    json!({ "reason": "invalid", "location": location, "debugInfo": "", "message": message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_timestamp(1_793_620_800, 0).unwrap()
    }

    fn schema() -> SimulatedSchema {
        SimulatedSchema::parse(
            "CREATE TABLE t (
               id STRING NOT NULL,
               at TIMESTAMP OPTIONS (description = \"when\"),
               count INT64, -- not this name
               cost FLOAT64,
               ok BOOL,
               extra JSON
             )
             PARTITION BY DATE(at)",
        )
    }

    fn check(row: &Value) -> String {
        let mut fields = json!({ "id": "a" });
        for (name, value) in row.as_object().unwrap() {
            fields[name] = value.clone();
        }
        let errors = schema().check(&fields, false, now());
        errors.first().map_or_else(String::new, |error| error["message"].as_str().unwrap().to_owned())
    }

    #[test]
    fn columns_are_read_from_the_statement_that_creates_the_table() {
        let names: Vec<String> = schema().columns().map(str::to_owned).collect();
        assert_eq!(names, ["id", "at", "count", "cost", "ok", "extra"]);
        let table = SimulatedSchema::parse(include_str!("../../../sql/bigquery/1_table.sql"));
        assert_eq!((table.columns().count(), table.partition.as_deref()), (34, Some("created_at")));
    }

    #[test]
    fn values_must_be_of_the_columns_type() {
        for row in [
            json!({ "at": "2026-11-02T12:00:00.123456Z", "count": 1, "cost": 0, "ok": false, "extra": "{}" }),
            json!({ "at": "2026-11-02 12:00:00.1 UTC", "count": "9007199254740993", "cost": "0.5", "ok": "true" }),
            json!({ "at": 1_793_620_800, "count": null, "cost": 1e-9, "extra": "null" }),
        ] {
            assert_eq!(check(&row), "", "{row}");
        }
        for row in [
            json!({ "at": "2026-11-02T12:00:00.1234567Z" }),
            json!({ "at": 1_793_620_800_000_i64 }),
            json!({ "at": "yesterday" }),
            json!({ "count": 1.5 }),
            json!({ "cost": "cheap" }),
            json!({ "ok": 1 }),
            json!({ "id": 7 }),
            json!({ "extra": {} }),
            json!({ "extra": "{" }),
            json!({ "count": [1] }),
        ] {
            assert_ne!(check(&row), "", "{row}");
        }
    }

    #[test]
    fn complaints_name_the_field() {
        assert_eq!(check(&json!({ "colour": "red" })), "no such field: colour.");
        assert_eq!(check(&json!({ "id": null })), "Missing required field: id.");
        assert!(schema().check(&json!({ "id": "a", "colour": 1 }), true, now()).is_empty());
    }

    #[test]
    fn rows_far_from_the_present_have_no_partition() {
        assert!(check(&json!({ "at": "2016-11-01T00:00:00Z" })).contains("$20161101 is outside"));
        assert!(check(&json!({ "at": "2027-11-03T00:00:00Z" })).contains("outside the allowed bounds"));
        assert_eq!(check(&json!({ "at": "2016-11-03T00:00:00Z" })), "");
    }
}
