//! A body becomes elements, each with the fields of one event, or the reason why it has none.

use std::{borrow::Cow, collections::BTreeMap, io::Read, mem};

use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value, value::RawValue};

use crate::log::raw;

/// The most bytes of a body, packed or not.
pub const LARGEST_BODY: usize = 1 << 20;

/// The most events of a batch.
pub const MOST_EVENTS: usize = 500;

/// The most bytes of an event as JSON.
const LARGEST_EVENT: usize = 32 << 10;

/// The most levels of nesting of an event, itself included.
const MOST_LEVELS: usize = 64;

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One event.
    One,
    /// A list of events, an object with a list `events`, or one event.
    Many,
    /// One event a line.
    Lines,
}

/// Why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// It is larger than [`LARGEST_BODY`], or has more events than [`MOST_EVENTS`].
    TooLarge(String),
    /// It is not what it claims to be.
    Malformed(String),
}

/// A body without its packing.
///
/// # Errors
/// If it is too large, or is not packed so.
pub fn unpacked(body: &[u8], is_packed: bool) -> Result<Cow<'_, [u8]>, Unreadable> {
    let too_large =
        || Unreadable::TooLarge(format!("the body is larger than {} MiB: send fewer events", LARGEST_BODY >> 20));
    if body.len() > LARGEST_BODY {
        return Err(too_large());
    }
    if !is_packed {
        return Ok(Cow::Borrowed(body));
    }
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(body).take(LARGEST_BODY as u64 + 1).read_to_end(&mut bytes);
    if bytes.len() > LARGEST_BODY {
        return Err(too_large());
    }
    read.map_err(|_| Unreadable::Malformed("the body is not gzip, though content-encoding says so".into()))?;
    Ok(Cow::Owned(bytes))
}

/// The elements of a body, each as it was written. One element is one event, if it can be read.
///
/// # Errors
/// If the body is not of this form, is empty, or has too many elements.
pub fn elements(body: &[u8], form: Form) -> Result<Vec<&str>, Unreadable> {
    let malformed = |problem: String| Unreadable::Malformed(problem);
    let text = str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8".into()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let not_json = |error: serde_json::Error| malformed(format!("the body is not JSON: {error}"));
    let elements = match form {
        Form::Lines => text.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
        Form::One => vec![serde_json::from_str::<&RawValue>(text).map_err(not_json)?.get()],
        Form::Many if text.trim_start().starts_with('[') => listed(text).map_err(not_json)?,
        Form::Many => {
            let whole: &RawValue = serde_json::from_str(text).map_err(not_json)?;
            let list = serde_json::from_str(whole.get()).ok().and_then(|mut members: BTreeMap<String, &RawValue>| {
                members.remove("events").filter(|list| list.get().starts_with('['))
            });
            list.map_or_else(|| Ok(vec![whole.get()]), |list| listed(list.get())).map_err(not_json)?
        }
    };
    match elements.len() {
        0 => Err(malformed("the body holds no event".into())),
        1..=MOST_EVENTS => Ok(elements),
        sent => Err(Unreadable::TooLarge(format!("the body holds {sent} events: send at most {MOST_EVENTS} at once"))),
    }
}

/// The elements of a JSON list.
fn listed(list: &str) -> serde_json::Result<Vec<&str>> {
    Ok(serde_json::from_str::<Vec<&RawValue>>(list)?.into_iter().map(RawValue::get).collect())
}

/// The fields of an element. NUL and half a surrogate pair become U+FFFD. Of a repeated name the last counts.
///
/// # Errors
/// If it cannot be an event: why, as a sentence.
pub fn fields(element: &str) -> Result<Map<String, Value>, String> {
    if element.len() > LARGEST_EVENT {
        return Err(format!("the event is larger than {} KiB of JSON", LARGEST_EVENT >> 10));
    }
    let too_deep = || format!("the event is nested deeper than {MOST_LEVELS} levels");
    let read = serde_json::from_str(element).or_else(|_| serde_json::from_str(&raw::whole_letters(element)));
    let mut value: Value = read.map_err(|error| match raw::levels(element) {
        Some(levels) if levels > MOST_LEVELS => too_deep(),
        Some(_) | None => format!("the event is no JSON that can be kept: {error}"),
    })?;
    if element.contains("\\u0000") {
        replace_nul(&mut value);
    }
    if is_deeper(&value, MOST_LEVELS) {
        return Err(too_deep());
    }
    match value {
        Value::Object(fields) => Ok(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err("the event is no JSON object".into())
        }
    }
}

/// Whether a value has more levels of nesting.
fn is_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(list) => levels == 0 || list.iter().any(|value| is_deeper(value, levels - 1)),
        Value::Object(members) => levels == 0 || members.values().any(|value| is_deeper(value, levels - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// No table keeps NUL in every tool that reads it.
fn replace_nul(value: &mut Value) {
    let whole = |text: &str| text.replace('\0', "\u{fffd}");
    match value {
        Value::String(text) => *text = whole(text),
        Value::Array(list) => list.iter_mut().for_each(replace_nul),
        Value::Object(members) => {
            members.values_mut().for_each(replace_nul);
            if members.keys().any(|name| name.contains('\0')) {
                *members = mem::take(members).into_iter().map(|(name, value)| (whole(&name), value)).collect();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
