//! Where the values of columns stand among the fields of an event. Of several places the first one counts that has a
//! value of the column's type. Every other value stays where it is, so that nothing is lost.

use std::borrow::Cow;

use serde_json::Value;

use super::json::{Json, Members};
use crate::log::columns;

/// A place of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A field.
    Field(&'static str),
    /// A member of a field that is an object.
    Member(&'static str, &'static str),
}

use Place::{Field, Member};

pub(super) const ORG: &[Place] = &[Field("organizationId"), Field("organization_id"), Field("org")];
pub(super) const TIME: &[Place] = &[Field("timestamp"), Field("time")];
pub(super) const ID: &[Place] = &[Field("id"), Field("eventId"), Field("messageId"), Field("actionId")];
pub(super) const NAME: &[Place] = &[Field("event"), Field("event_name"), Field("type"), Field("verb")];
pub(super) const USER_ID: &[Place] = &[
    Field("userId"),
    Field("user_id"),
    Member("user_id", "login"),
    Member("user_id", "email"),
    Member("user_id", "client_id"),
    Field("actor"),
];
pub(super) const SESSION_ID: &[Place] = &[Field("sessionId"), Field("session_id")];
pub(super) const SUCCESS: &[Place] = &[Field("success")];
pub(super) const STATUS_CODE: &[Place] = &[Member("performance", "statusCode"), Field("status_code"), Field("status")];
pub(super) const DURATION: &[Place] =
    &[Member("performance", "duration"), Field("duration_ms"), Field("duration"), Field("execution_time_ms")];
pub(super) const QUANTITY: &[Place] = &[Member("usage", "quantity")];
pub(super) const UNIT: &[Place] = &[Member("usage", "unit")];
pub(super) const SKU: &[Place] = &[Member("usage", "sku")];
pub(super) const COST: &[Place] = &[Field("cost"), Field("cost_usd"), Field("amount_usd")];
pub(super) const LOG_ID: &[Place] = &[Field("aigLogId"), Field("cf-aig-log-id")];
pub(super) const ERROR: &[Place] = &[Member("error", "message"), Field("error_message"), Field("error")];

/// Makes a value of a column's type, or gives back a value of another type.
pub(super) type Fit<T> = for<'a> fn(Json<'a>) -> Result<T, Json<'a>>;

/// A text. An empty text says nothing, so it is as if it were not there.
pub(super) fn text(value: Json<'_>) -> Result<String, Json<'_>> {
    match value {
        Json::Text(text) if !text.is_empty() => Ok(text.into_owned()),
        Json::Text(_) | Json::Object(_) | Json::Other(_) => Err(value),
    }
}

/// A text, or the digits of an integer: databases number users and sessions.
pub(super) fn label(value: Json<'_>) -> Result<String, Json<'_>> {
    match value {
        Json::Other(Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        Json::Text(_) | Json::Object(_) | Json::Other(_) => text(value),
    }
}

/// The largest number of a column, 10^15. Sums of larger ones might be infinite, and then say nothing about
/// all other events.
pub const LARGEST_NUMBER: f64 = 1e15;

pub(super) fn float(value: Json<'_>) -> Result<f64, Json<'_>> {
    other(value, |value| value.as_f64().filter(|float| float.abs() <= LARGEST_NUMBER))
}

pub(super) fn integer(value: Json<'_>) -> Result<i64, Json<'_>> {
    other(value, columns::integer)
}

pub(super) fn truth(value: Json<'_>) -> Result<bool, Json<'_>> {
    other(value, columns::truth)
}

/// What a value stands for that is neither a text nor an object.
fn other<T>(value: Json<'_>, of: impl Fn(&Value) -> Option<T>) -> Result<T, Json<'_>> {
    let fitting = if let Json::Other(value) = &value { of(value) } else { None };
    fitting.ok_or(value)
}

/// Moves the value of the first place that has a fitting one out of the fields.
pub(super) fn take<T>(fields: &mut Members<'_>, places: &[Place], fit: Fit<T>) -> Option<T> {
    places.iter().find_map(|place| match place {
        Field(name) => {
            let value = fit_out(fields.get_mut(name)?, fit)?;
            fields.remove(name);
            Some(value)
        }
        Member(object, name) => {
            let members = fields.get_mut(object)?.as_object_mut()?;
            let value = fit_out(members.get_mut(name)?, fit)?;
            members.remove(name);
            if members.is_empty() {
                fields.remove(object);
            }
            Some(value)
        }
    })
}

/// Takes a value, if it fits. One that does not fit stays.
fn fit_out<T>(value: &mut Json<'_>, fit: Fit<T>) -> Option<T> {
    match fit(value.take()) {
        Ok(fitting) => Some(fitting),
        Err(other) => {
            *value = other;
            None
        }
    }
}

/// The same value, which stays where it is.
pub(super) fn look<T>(fields: &Members<'_>, places: &[Place], fit: Fit<T>) -> Option<T> {
    places.iter().find_map(|place| {
        let value = match place {
            Field(name) => fields.get(name)?,
            Member(object, name) => match fields.get(object)? {
                Json::Object(members) => members.get(name)?,
                Json::Text(_) | Json::Other(_) => return None,
            },
        };
        // Lists and objects fit no column, so they are not copied.
        match value {
            Json::Text(text) => fit(Json::Text(Cow::Borrowed(text))).ok(),
            Json::Object(_) | Json::Other(Value::Array(_)) => None,
            Json::Other(value) => fit(Json::Other(value.clone())).ok(),
        }
    })
}
