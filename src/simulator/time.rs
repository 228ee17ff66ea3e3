//! Instants of the simulated world, and how its entries write them.

use chrono::{DateTime, Utc};

/// An instant, UTC.
pub(in crate::simulator) type Timestamp = DateTime<Utc>;

/// Milliseconds since 1970 of a time in RFC 3339; finer digits are cut off.
pub(in crate::simulator) fn parse_time(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}
