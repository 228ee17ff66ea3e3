//! Where the values of columns stand among the fields of an event. Of several places the first one counts that has a
//! value of the column's type. Every other value stays where it is, so that nothing is lost. Most of the places are empty,
//! so the fields are kept with a mark of each name.

use serde_json::{Map, Value};

use crate::log::columns;

/// The members of an object by their names. Most names that are looked for are not there, and are found missing without a
/// search.
#[derive(Debug)]
pub(super) struct Members {
    map: Map<String, Value>,
    /// The marks of all names that have ever been there.
    marks: u64,
}

impl Members {
    /// These members.
    pub fn new(map: Map<String, Value>) -> Self {
        let marks = map.keys().fold(0, |marks, name| marks | mark(name));
        Self { map, marks }
    }

    /// The members that are left.
    pub fn into_map(self) -> Map<String, Value> {
        self.map
    }

    /// A member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        if self.may_have(name) { self.map.get(name) } else { None }
    }

    /// A member, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        if self.may_have(name) { self.map.get_mut(name) } else { None }
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) {
        self.map.remove(name);
    }

    fn may_have(&self, name: &str) -> bool {
        self.marks & mark(name) != 0
    }
}

/// One of 64 bits, by the length of a name and its first and last letter. A bit that is set may be another name's; one that
/// is not set proves that the name is not there.
fn mark(name: &str) -> u64 {
    let letters = name.as_bytes();
    let letter = |letter: Option<&u8>| letter.map_or(0, |letter| u64::from(*letter));
    let sum = 7 * letters.len() as u64 + 5 * letter(letters.first()) + letter(letters.last());
    1 << (sum % 64)
}

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
pub(super) type Fit<T> = fn(Value) -> Result<T, Value>;

/// A text. An empty text says nothing, so it is as if it were not there.
pub(super) fn text(value: Value) -> Result<String, Value> {
    let Value::String(text) = value else { return Err(value) };
    if text.is_empty() { Err(Value::String(text)) } else { Ok(text) }
}

/// A text, or the digits of an integer: databases number users and sessions.
pub(super) fn label(value: Value) -> Result<String, Value> {
    if value.is_i64() || value.is_u64() { Ok(value.to_string()) } else { text(value) }
}

/// The largest number of a column, 10^15. Sums of larger ones might be infinite, and then say nothing about
/// all other events.
pub const LARGEST_NUMBER: f64 = 1e15;

pub(super) fn float(value: Value) -> Result<f64, Value> {
    value.as_f64().filter(|float| float.abs() <= LARGEST_NUMBER).ok_or(value)
}

pub(super) fn integer(value: Value) -> Result<i64, Value> {
    columns::integer(&value).ok_or(value)
}

pub(super) fn truth(value: Value) -> Result<bool, Value> {
    columns::truth(&value).ok_or(value)
}

/// Moves the value of the first place that has a fitting one out of the fields.
pub(super) fn take<T>(fields: &mut Members, places: &[Place], fit: Fit<T>) -> Option<T> {
    places.iter().find_map(|place| match place {
        Field(name) => {
            let value = fit_out(fields.get_mut(name)?, fit)?;
            fields.remove(name);
            Some(value)
        }
        Member(object, name) => {
            let Value::Object(members) = fields.get_mut(object)? else { return None };
            let value = fit_out(members.get_mut(*name)?, fit)?;
            members.remove(*name);
            if members.is_empty() {
                fields.remove(object);
            }
            Some(value)
        }
    })
}

/// Takes a value, if it fits. One that does not fit stays.
fn fit_out<T>(value: &mut Value, fit: Fit<T>) -> Option<T> {
    match fit(value.take()) {
        Ok(fitting) => Some(fitting),
        Err(other) => {
            *value = other;
            None
        }
    }
}

/// The same value, which stays where it is.
pub(super) fn look<T>(fields: &Members, places: &[Place], fit: Fit<T>) -> Option<T> {
    places.iter().find_map(|place| {
        let value = match place {
            Field(name) => fields.get(name)?,
            Member(object, name) => fields.get(object)?.get(name)?,
        };
        // Lists and objects fit no column, so they are not copied.
        if value.is_array() || value.is_object() { None } else { fit(value.clone()).ok() }
    })
}
