//! Instants. Only a host reads the clock; everywhere else time is a value.

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

/// RFC 3339 in UTC with three fractional digits, or six where the instant is finer than a millisecond. BigQuery keeps
/// microseconds and takes no seventh digit.
#[must_use]
pub fn text(instant: Timestamp) -> String {
    let fraction = if floor_ms(instant) == instant { SecondsFormat::Millis } else { SecondsFormat::Micros };
    instant.to_rfc3339_opts(fraction, true)
}

/// Reads RFC 3339 (`2026-10-06T09:15:22.417Z`), or a date alone as its midnight in UTC, of a year from 1 to 9999: so
/// that a millisecond more or less is an instant too.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    let instant = DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.to_utc());
    let instant = instant.or_else(|| Some(text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc()));
    instant.filter(|instant| is_near(*instant))
}

/// Whether an instant lies in a year from 1 to 9999.
#[must_use]
pub fn is_near(instant: Timestamp) -> bool {
    (1..=9_999).contains(&instant.year())
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
        for strange in ["yesterday", "-262143-01-01", "+262142-12-31", "0000-01-01T00:00:00Z", "+10000-01-01"] {
            assert_eq!(parse(strange), None, "{strange}");
        }
    }
}
