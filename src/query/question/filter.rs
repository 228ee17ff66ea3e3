//! Conditions that every row fulfils.

use serde_json::Value;

use super::words::{Words, Wrong, unknown_field};
use crate::{
    log::columns,
    query::names::{Field, Kind},
};

/// The most filters.
const MOST_FILTERS: usize = 16;

/// The most values of a filter.
const MOST_VALUES: usize = 1_000;

/// How a filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The value is one of these.
    In,
    /// It is none of these, or there is none.
    NotIn,
    /// It is a text with one of these in it.
    Contains,
    /// There is a value, or there is none.
    Exists(bool),
}

/// A condition that every row fulfils.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The field.
    pub field: Field,
    /// How it is compared.
    pub operation: Operation,
    /// With what, as a JSON list.
    pub values: String,
}

/// The filters of a question.
pub(super) fn filters(words: &mut Words<'_>, further: &[&str]) -> Result<Vec<Filter>, Wrong> {
    match words.0.remove("filters") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= MOST_FILTERS => {
            list.into_iter().map(|value| filter(value, further)).collect()
        }
        Some(_) => Err(Wrong::malformed("filters", format!("send filters as a list of at most {MOST_FILTERS}"))),
    }
}

fn filter(value: Value, further: &[&str]) -> Result<Filter, Wrong> {
    let wrong = |detail: &str| Wrong::malformed("filters", detail);
    let Value::Object(mut members) = value else { return Err(wrong("a filter is an object")) };
    let mut words = Words(&mut members);
    let field = words.text("field")?.and_then(|name| Field::parse(&name, further));
    let field = field.ok_or_else(unknown_field("filters"))?;
    let operation = words.text("op")?.unwrap_or_default();
    let Some(Value::Array(values)) = words.0.remove("values") else {
        return Err(wrong("send the values of a filter as a list"));
    };
    words.none_left()?;
    if values.is_empty() || values.len() > MOST_VALUES {
        return Err(wrong("a filter has 1 to 1000 values"));
    }
    let operation = match operation.as_str() {
        "eq" | "in" => Operation::In,
        "neq" => Operation::NotIn,
        "contains" => Operation::Contains,
        "exists" => match values[..] {
            [Value::Bool(there)] => {
                return Ok(Filter { field, operation: Operation::Exists(there), values: "[]".into() });
            }
            _ => return Err(wrong("exists takes [true] or [false]")),
        },
        _ => return Err(wrong("op is eq, neq, in, contains or exists")),
    };
    let kind = if operation == Operation::Contains { contained(&field)? } else { field.kind() };
    let values = values.into_iter().map(|value| of_kind(value, kind)).collect::<Option<Vec<_>>>();
    let values = values.ok_or_else(|| wrong("a value of a filter has another type than the field"))?;
    Ok(Filter { field, operation, values: Value::Array(values).to_string() })
}

fn contained(field: &Field) -> Result<Kind, Wrong> {
    match field.kind() {
        Kind::Text | Kind::Json => Ok(Kind::Text),
        Kind::Integer | Kind::Truth => Err(Wrong::malformed("filters", "contains is for texts")),
    }
}

/// A value to compare with values of this kind.
fn of_kind(value: Value, kind: Kind) -> Option<Value> {
    match (kind, value) {
        (Kind::Text, Value::String(text)) => Some(text.into()),
        // Databases number users and sessions.
        (Kind::Text, Value::Number(number)) => Some(number.to_string().into()),
        (Kind::Integer, Value::Number(number)) => columns::integer(&number.into()).map(Value::from),
        (Kind::Truth, Value::Bool(truth)) => Some(u8::from(truth).into()),
        (Kind::Json, value @ (Value::Bool(_) | Value::Number(_) | Value::String(_))) => Some(value),
        (Kind::Text | Kind::Integer | Kind::Truth | Kind::Json, _) => None,
    }
}
