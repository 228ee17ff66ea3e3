//! Time zones of this machine: the offset of each from UTC, by the database of IANA that is built in.

use std::sync::LazyLock;

use chrono::{FixedOffset, Offset, Utc};
use jiff::tz::TimeZoneDatabase;

use crate::time::Timestamp;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The offset of a zone from UTC at an instant; none: there is no zone of this name.
#[must_use]
pub fn offset(zone: &str, at: Timestamp) -> Option<FixedOffset> {
    if zone == "UTC" {
        return Some(Utc.fix());
    }
    let at = jiff::Timestamp::from_second(at.timestamp()).ok()?;
    FixedOffset::east_opt(ZONES.get(zone).ok()?.to_offset(at).seconds())
}
