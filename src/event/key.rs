//! The key of an event beside its org: its instant and its id.

use chrono::{DateTime, TimeDelta};
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};
use ulid::Ulid;
use uuid::{Builder, Uuid, Variant};

use super::{
    json::{Json, Members},
    place::{self, ID, Place, TIME, label},
    receipt::{Receipt, Refusal},
};
use crate::{
    config::EventSettings,
    time::{self, Timestamp},
};

/// The most bytes of a text by which events are counted.
const LONGEST_LABEL: usize = 128;

/// How far in the future an event may be: clocks of senders differ.
const FURTHEST: TimeDelta = TimeDelta::hours(24);

/// A number below this counts seconds, any other counts milliseconds. As seconds it is the year 5138, as milliseconds
/// 1973.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// The length of a ULID, 26 digits of 5 bits. The first one is at most 7.
const ULID_LENGTH: usize = 26;

/// Between the parts of a hash. No UTF-8 has this byte, so different parts never make the same bytes.
const SEPARATOR: [u8; 1] = [0xff];

/// The instant and the id. Both are the same when the event is sent again, if it has an id of its own.
pub(super) fn take(
    fields: &mut Members<'_>,
    receipt: &Receipt<'_>,
    org: &str,
    settings: &EventSettings,
) -> Result<(Timestamp, String), Refusal> {
    let received = time::floor_ms(receipt.at);
    let given = given(fields)?;
    let own = short("id", place::take(fields, ID, label))?;
    if own.is_none() && ID.iter().any(|place| is_no_id(fields, *place)) {
        return Err(Refusal::of("the id is no text and no whole number: it would not be known when it is sent again"));
    }
    let of_id = |id: &String| {
        let sentence = "the event has an id but no time, and the time of receipt would differ when it is sent again: \
                        send timestamp too";
        instant_of(id).ok_or_else(|| Refusal::of(sentence))
    };
    let at = given.map_or_else(|| own.as_ref().map_or(Ok(received), of_id), Ok)?;
    check(at, received, settings.retention)?;
    Ok((at, own.unwrap_or_else(|| made(receipt, received, org, given.is_some()))))
}

/// Whether an id is there that cannot be one. An empty text is as if it were not there.
fn is_no_id(fields: &Members<'_>, place: Place) -> bool {
    let Place::Field(name) = place else { return false };
    fields.get(name).is_some_and(|value| !value.is_null() && value.as_str() != Some(""))
}

/// Refuses a text that is too long to count by.
pub(super) fn short(name: &str, text: Option<String>) -> Result<Option<String>, Refusal> {
    match text {
        Some(text) if text.len() > LONGEST_LABEL => {
            Err(Refusal::of(format!("{name} is longer than {LONGEST_LABEL} bytes")))
        }
        text => Ok(text),
    }
}

/// Moves the instant that the sender gives out of the fields.
///
/// # Errors
/// If there is a field for it, but no instant in it.
fn given(fields: &mut Members<'_>) -> Result<Option<Timestamp>, Refusal> {
    let found = place::take(fields, TIME, |value| instant(&value).ok_or(value));
    let is_there = |name| fields.get(name).is_some_and(|value| !value.is_null());
    match ["timestamp", "time"].into_iter().find(|name| found.is_none() && is_there(*name)) {
        None => Ok(found),
        Some(name) => Err(Refusal::of(format!(
            "{name} is no instant from 1970 to 2199: send RFC 3339 text, or a number of seconds or milliseconds"
        ))),
    }
}

/// The instant that a value stands for, cut to milliseconds: RFC 3339 text, or a number.
fn instant(value: &Json<'_>) -> Option<Timestamp> {
    match value {
        Json::Text(text) => time::parse_instant(text).map(time::floor_ms),
        Json::Other(Value::Number(number)) => from_milliseconds(milliseconds(number)?),
        Json::Object(_) | Json::Other(_) => None,
    }
}

/// An instant of milliseconds since 1970.
fn from_milliseconds(milliseconds: i64) -> Option<Timestamp> {
    DateTime::from_timestamp_millis(milliseconds).filter(|instant| time::is_near(*instant))
}

fn milliseconds(number: &Number) -> Option<i64> {
    if let Some(whole) = number.as_i64() {
        let is_seconds = whole.checked_abs()? < FIRST_MILLISECONDS;
        return Some(if is_seconds { whole * 1_000 } else { whole });
    }
    #[expect(clippy::cast_precision_loss, reason = "the limit has 12 digits")]
    let limit = FIRST_MILLISECONDS as f64;
    let number = number.as_f64()?;
    // 0.123 s is not quite 123 ms as a float: rounded to microseconds first, it is.
    #[expect(clippy::cast_possible_truncation, reason = "a number beyond the type is no instant of these years")]
    let milliseconds =
        if number.abs() < limit { ((number * 1e6).round() as i64).div_euclid(1_000) } else { number.floor() as i64 };
    Some(milliseconds)
}

/// Refuses an event that is too old or too far in the future.
fn check(at: Timestamp, received: Timestamp, retention: TimeDelta) -> Result<(), Refusal> {
    if at > received + FURTHEST {
        return Err(Refusal::of(format!("the event is more than {} h in the future", FURTHEST.num_hours())));
    }
    if at < received - retention {
        let days = retention.num_days();
        return Err(Refusal::of(format!("the event is older than {days} days: EVENT_RETENTION_DAYS")));
    }
    Ok(())
}

/// The instant inside an id that is a ULID or a `UUIDv7`: both begin with the milliseconds since 1970, 48 bits.
fn instant_of(id: &str) -> Option<Timestamp> {
    let milliseconds = of_ulid(id).or_else(|| of_uuid(id))?;
    from_milliseconds(milliseconds.try_into().ok()?)
}

fn of_ulid(id: &str) -> Option<u64> {
    let is_ulid = id.len() == ULID_LENGTH && id.starts_with(|first: char| first <= '7');
    if is_ulid { Some(Ulid::from_string(id).ok()?.timestamp_ms()) } else { None }
}

fn of_uuid(id: &str) -> Option<u64> {
    let id = Uuid::try_parse(id).ok()?;
    let is_v7 = id.get_version_num() == 7 && id.get_variant() == Variant::RFC4122;
    if is_v7 { u64::try_from(id.as_u128() >> 80).ok() } else { None }
}

/// An id for an event that has none. With an `Idempotency-Key` and a time of its own, the event gets the same id each
/// time that it is sent: the first 16 bytes of SHA-256 over the org, the byte 0xff, the text, the byte 0xff, and the
/// place in decimal digits, as a `UUIDv8`. Any other event gets a ULID of the receipt.
fn made(receipt: &Receipt<'_>, received: Timestamp, org: &str, has_time: bool) -> String {
    if let Some(text) = receipt.idempotency_key.filter(|text| has_time && !text.is_empty()) {
        return repeatable(org, text, receipt.place);
    }
    let milliseconds = u64::try_from(received.timestamp_millis()).unwrap_or_default();
    Ulid::from_parts(milliseconds, receipt.random).to_string()
}

fn repeatable(org: &str, text: &str, place: usize) -> String {
    let hash = Sha256::new()
        .chain_update(org)
        .chain_update(SEPARATOR)
        .chain_update(text)
        .chain_update(SEPARATOR)
        .chain_update(place.to_string())
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::instant;
    use crate::time;

    #[test]
    fn a_float_of_seconds_keeps_its_milliseconds() {
        let check =
            |given: Value, expected: &str| assert_eq!(instant(&given.into()).map(time::text).unwrap(), expected);
        check(json!(1_080_000_000.001), "2004-03-23T00:00:00.001Z");
        check(json!(1_795_858_200.999), "2026-11-28T09:30:00.999Z");
        check(json!(1_795_858_200.000_999), "2026-11-28T09:30:00.000Z");
        check(json!(0.5), "1970-01-01T00:00:00.500Z");
        assert_eq!(instant(&json!(-0.5).into()), None);
    }
}
