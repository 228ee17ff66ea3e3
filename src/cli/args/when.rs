//! An instant as it is typed: a date, a clock time, a word, or how long ago it was. All options that take one go through here.

use chrono::{DateTime, TimeDelta};
use jiff::{Span, SpanRelativeTo};

use crate::time::{self, Timestamp, floor_ms};

/// What an option accepts, in its refusal.
const FORMS: &str = "give a date or an instant such as 2026-11-01, 2026-11-01T10:00 or 2026-11-01T10:00:00+02:00, one of \
                     yesterday, today and now, or how long ago: 7d, 24h or 90m";

/// An instant that may be told by the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It is the same whatever the clock says.
    At(Timestamp),
    /// So long before the present.
    Ago(TimeDelta),
    /// The midnight, UTC, so long before that of today.
    Midnight(TimeDelta),
}

impl When {
    /// Reads it. It is UTC unless the text has a zone. A hyphen before a duration changes nothing.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let fixed = || time::parse(text).or_else(|| clock(text)).or_else(|| clock(&format!("{text}Z"))).map(Self::At);
        let when = match text {
            "now" => Some(Self::Ago(TimeDelta::zero())),
            "today" => Some(Self::Midnight(TimeDelta::zero())),
            "yesterday" => Some(Self::Midnight(TimeDelta::days(1))),
            _ => fixed().or_else(|| duration(text).map(Self::Ago)),
        };
        when.ok_or(FORMS)
    }

    /// The instant, by this clock.
    pub fn at(self, now: Timestamp) -> Timestamp {
        let before = |instant: Timestamp, distance| instant.checked_sub_signed(distance).unwrap_or(time::FIRST);
        let instant = match self {
            Self::At(instant) => instant,
            Self::Ago(distance) => before(floor_ms(now), distance),
            Self::Midnight(distance) => before(now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc(), distance),
        };
        time::held(instant)
    }
}

/// An instant with its zone, where the seconds may be left out.
fn clock(text: &str) -> Option<Timestamp> {
    let instant: jiff::Timestamp = text.parse().ok()?;
    DateTime::from_timestamp_millis(instant.as_millisecond()).filter(|instant| time::is_near(*instant))
}

/// A stretch of time such as `7d` or `1h 30m`. Months and years have no length of their own.
pub fn duration(text: &str) -> Option<TimeDelta> {
    let length = text.strip_prefix('-').unwrap_or(text);
    // A sign would say in which direction.
    let span: Span = length.starts_with(|first: char| first.is_ascii_digit()).then(|| length.parse().ok()).flatten()?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    TimeDelta::try_milliseconds(i64::try_from(length.as_millis()).ok()?).filter(|length| *length >= TimeDelta::zero())
}

#[cfg(test)]
mod tests {
    use super::When;
    use crate::time;

    /// A minute before the midnight in New York, and a Tuesday in UTC.
    const NOW: &str = "2026-12-01T04:59:00.250Z";

    fn read(text: &str) -> Option<String> {
        When::parse(text).ok().map(|when| time::text(when.at(time::parse(NOW).unwrap())))
    }

    #[test]
    fn a_date_a_clock_time_a_word_and_a_duration_name_an_instant() {
        let check = |text: &str, expected: &str| assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        check("2026-11-01", "2026-11-01T00:00:00.000Z");
        check("2026-11-01T10:00", "2026-11-01T10:00:00.000Z");
        check("2026-11-01 10:00", "2026-11-01T10:00:00.000Z");
        check("2026-11-01T10:00:30", "2026-11-01T10:00:30.000Z");
        check("2026-11-01T10:00Z", "2026-11-01T10:00:00.000Z");
        check("2026-11-01T10:00:00Z", "2026-11-01T10:00:00.000Z");
        check("2026-11-01T10:00+02:00", "2026-11-01T08:00:00.000Z");
        check("2026-11-01T10:00:00.5-05:00", "2026-11-01T15:00:00.500Z");
        check("now", NOW);
        check("today", "2026-12-01T00:00:00.000Z");
        check("yesterday", "2026-11-30T00:00:00.000Z");
        check("7d", "2026-11-24T04:59:00.250Z");
        check("-7d", "2026-11-24T04:59:00.250Z");
        check("24h", "2026-11-30T04:59:00.250Z");
        check("90m", "2026-12-01T03:29:00.250Z");
        check("2w", "2026-11-17T04:59:00.250Z");
        check("1h 30m", "2026-12-01T03:29:00.250Z");
        check("0m", NOW);
        check("100000d", "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_names_no_instant_is_refused_with_the_forms() {
        let strange = ["", "-", "soon", "tomorrow", "7", "--7d", "+7d", "1mo", "1y", "2026-13-01", "2026-11-01T25:00"];
        for text in
            strange.into_iter().chain(["2026-11-01T10:00[Europe/Berlin]", "1969-12-31", "--to", "9999999999999d"])
        {
            let refusal = When::parse(text).unwrap_err();
            assert!(refusal.contains("2026-11-01T10:00") && refusal.contains("7d"), "{text}");
        }
    }
}
