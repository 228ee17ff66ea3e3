//! Instants. Only a host reads the clock; everywhere else time is a value.

pub mod stored;

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, SubsecRound, TimeDelta, Utc};

/// An instant, UTC. The API gives milliseconds; finer instants are kept as they are.
pub type Timestamp = DateTime<Utc>;

/// One millisecond: the step in which the API compares `created_at`.
pub const MILLISECOND: TimeDelta = TimeDelta::milliseconds(1);

/// The whole millisecond at or before `instant`. Cursors count in these.
#[must_use]
pub fn floor_ms(instant: Timestamp) -> Timestamp {
    instant.trunc_subsecs(3)
}

/// RFC 3339 in UTC with three fractional digits, or six if the instant is finer than a millisecond. BigQuery keeps
/// microseconds, and takes no seventh digit.
#[must_use]
pub fn text(instant: Timestamp) -> String {
    let fraction = if floor_ms(instant) == instant { SecondsFormat::Millis } else { SecondsFormat::Micros };
    instant.to_rfc3339_opts(fraction, true)
}

/// Reads RFC 3339 (`2026-10-06T09:15:22.417Z`), or a date alone as its midnight in UTC. The year must be from 1970 to
/// 2199. A leap second becomes the second after it.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    parse_instant(text).or_else(|| midnight(text))
}

/// The midnight, UTC, of a date alone.
fn midnight(date: &str) -> Option<Timestamp> {
    parse_instant(&format!("{date}T00:00:00Z"))
}

/// Reads a date alone (`2026-10-06`), from 1970 to 2199.
#[must_use]
pub fn parse_day(text: &str) -> Option<NaiveDate> {
    midnight(text).map(|midnight| midnight.date_naive())
}

/// The same, but no date alone.
#[must_use]
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    let instant = without_leap(DateTime::parse_from_rfc3339(text).ok()?.to_utc());
    is_near(instant).then_some(instant)
}

/// The parser returns a leap second as the second before it, with more than a second's worth of nanoseconds. BigQuery
/// takes no text of it, and it has no place among other instants.
fn without_leap(instant: Timestamp) -> Timestamp {
    let beyond = instant.timestamp_subsec_nanos().checked_sub(1_000_000_000);
    beyond.and_then(|nanos| DateTime::from_timestamp(instant.timestamp() + 1, nanos)).unwrap_or(instant)
}

/// The first instant allowed.
pub const FIRST: Timestamp = DateTime::UNIX_EPOCH;

/// The instant after the last one allowed.
pub const END: Timestamp = DateTime::from_timestamp_millis(LAST_MS + 1).expect("an instant of these years");

/// The last millisecond of 2199, in milliseconds since 1970.
const LAST_MS: i64 = 7_258_118_399_999;

/// Whether an instant is in a year from 1970 to 2199. Only such an instant is kept: every store and sink takes its
/// text, and there is an instant a day before and after it.
#[must_use]
pub fn is_near(instant: Timestamp) -> bool {
    (1_970..2_200).contains(&instant.year())
}

/// The instant, or the nearest instant of these years.
#[must_use]
pub fn held(instant: Timestamp) -> Timestamp {
    if is_near(instant) {
        return instant;
    }
    DateTime::from_timestamp_millis(instant.timestamp_millis().clamp(0, LAST_MS)).unwrap_or(FIRST)
}

#[cfg(test)]
mod tests {
    use super::{floor_ms, parse, text};

    #[test]
    fn instants_are_written_in_milliseconds_and_microseconds_only_where_needed() {
        let check = |given: &str, written: &str| assert_eq!(text(parse(given).unwrap()), written, "{given}");
        check("2026-10-06T09:15:22Z", "2026-10-06T09:15:22.000Z");
        check("2026-10-06T11:15:22.4+02:00", "2026-10-06T09:15:22.400Z");
        check("2026-10-06T09:15:22.417123987Z", "2026-10-06T09:15:22.417123Z");
        check("2026-10-06", "2026-10-06T00:00:00.000Z");
        assert_eq!(text(floor_ms(parse("2026-10-06T09:15:22.417999Z").unwrap())), "2026-10-06T09:15:22.417Z");
        check("2016-12-31T23:59:60.250Z", "2017-01-01T00:00:00.250Z");
        check("2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00.000Z");
        check("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z");
        check("2199-12-31T23:59:59.999999Z", "2199-12-31T23:59:59.999999Z");
        for strange in ["yesterday", "-262143-01-01", "+262142-12-31", "+10000-01-01", "1969-12-31", "2200-01-01"] {
            assert_eq!(parse(strange), None, "{strange}");
        }
    }
}
