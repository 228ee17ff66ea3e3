//! What the table must hold of an entry, worked out from the entry alone and by other means than the program's.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::{Value, json};

/// One row, without nulls, in a form in which the rows of all sinks compare.
pub type Plain = BTreeMap<String, Value>;

/// Column, where the entry has it, and what it must be.
const COLUMNS: &[(&str, &str, Kind)] = &[
    ("id", "/id", Kind::Text),
    ("created_at", "/created_at", Kind::Instant),
    ("provider", "/provider", Kind::Text),
    ("model", "/model", Kind::Text),
    ("model_type", "/model_type", Kind::Text),
    ("success", "/success", Kind::Bool),
    ("status_code", "/status_code", Kind::Integer),
    ("cached", "/cached", Kind::Bool),
    ("duration", "/duration", Kind::Float),
    ("tokens_in", "/tokens_in", Kind::Integer),
    ("tokens_out", "/tokens_out", Kind::Integer),
    ("cost", "/cost", Kind::Float),
    ("request_type", "/request_type", Kind::Text),
    ("request_content_type", "/request_content_type", Kind::Text),
    ("response_content_type", "/response_content_type", Kind::Text),
    ("path", "/path", Kind::Text),
    ("step", "/step", Kind::Integer),
    ("custom_cost", "/custom_cost", Kind::Bool),
    ("metadata", "/metadata", Kind::Json),
    ("event_id", "/event_id", Kind::Text),
    ("input_cached_tokens", "/usage_metadata/input_cached_tokens", Kind::Integer),
    ("output_reasoning_tokens", "/usage_metadata/output_reasoning_tokens", Kind::Integer),
    ("latency", "/timings/latency", Kind::Float),
    ("region", "/location/region", Kind::Text),
    ("colo", "/location/colo", Kind::Text),
    ("user_agent", "/user_agent", Kind::Text),
    ("feedback", "/feedback", Kind::Integer),
    ("score", "/score", Kind::Float),
    ("dlp_action", "/dlp_action", Kind::Text),
    ("byok", "/byok", Kind::Bool),
    ("wholesale", "/wholesale", Kind::Bool),
];

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Instant,
    Bool,
    Integer,
    Float,
    Json,
}

/// The row of an entry. `ingested_at` is not in it.
pub fn expected(entry: &Value, gateway: &str) -> Plain {
    let mut rest = entry.clone();
    let mut row = Plain::from([("gateway".to_owned(), json!(gateway))]);
    for (column, place, kind) in COLUMNS {
        if let Some(value) = entry.pointer(place).and_then(|value| plain(value, *kind)) {
            remove(&mut rest, place);
            row.insert((*column).to_owned(), value);
        } else if entry.pointer(place).is_some_and(Value::is_null) {
            remove(&mut rest, place);
        }
    }
    if let Value::Object(rest) = &mut rest {
        rest.retain(|_, value| !value.is_null());
    }
    if rest != json!({}) {
        row.insert("extra".into(), rest);
    }
    row
}

/// A row as a sink keeps it, in the same form.
pub fn of_sink(row: &Value) -> Plain {
    let kinds = COLUMNS.iter().map(|(name, _, kind)| (*name, *kind));
    let own = [("gateway", Kind::Text), ("extra", Kind::Json)];
    let mut known: Plain = BTreeMap::new();
    for (name, kind) in kinds.chain(own) {
        let value = row.get(name).unwrap_or(&Value::Null);
        // An integer may be written as text where a JSON number is not safe.
        let number = value.as_str().filter(|_| matches!(kind, Kind::Integer));
        let number = number.and_then(|text| text.parse::<i64>().ok()).map(Value::from);
        let plain = plain(number.as_ref().unwrap_or(value), kind);
        assert!(plain.is_some() || value.is_null(), "{name} is not of its type: {value}");
        known.extend(plain.map(|value| (name.to_owned(), value)));
    }
    known
}

fn remove(rest: &mut Value, place: &str) {
    match place[1..].split_once('/') {
        None => {
            rest.as_object_mut().unwrap().remove(&place[1..]);
        }
        Some((outer, inner)) => {
            let members = rest[outer].as_object_mut().unwrap();
            members.remove(inner);
            if members.is_empty() {
                rest.as_object_mut().unwrap().remove(outer);
            }
        }
    }
}

/// The value in the one form that its kind has here, or `None` where it is not of that kind.
fn plain(value: &Value, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Text => value.as_str().map(Value::from),
        Kind::Instant => {
            let instant = DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
            Some(instant.timestamp_micros().into())
        }
        Kind::Bool => match (value.as_bool(), value.as_f64()) {
            (Some(truth), _) => Some(truth.into()),
            (None, Some(0.0)) => Some(false.into()),
            (None, Some(1.0)) => Some(true.into()),
            (None, _) => None,
        },
        Kind::Integer => value.as_i64().map(Value::from).or_else(|| {
            let whole = value.as_f64().filter(|number| number.fract() == 0.0)?;
            format!("{whole:.0}").parse::<i64>().ok().map(Value::from)
        }),
        Kind::Float => value.as_f64().map(Value::from),
        Kind::Json => match value {
            Value::String(text) => serde_json::from_str(text).ok(),
            Value::Object(_) | Value::Array(_) => Some(value.clone()),
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        },
    }
}
