//! The steps of an answer: minutes, hours, days, weeks or months of a time zone, between two instants.

use chrono::{DateTime, Datelike, Days, FixedOffset, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

use crate::time::Timestamp;

/// A unit of time by which an answer is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Wall-clock minutes.
    Minute,
    /// Wall-clock hours. An hour that a zone repeats is two steps.
    Hour,
    /// Local days, of 23 to 25 hours where clocks change.
    Day,
    /// Local weeks, from Monday.
    Week,
    /// Local months.
    Month,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 5] = [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month];

    /// Its name, in questions and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// One step of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The beginning of the whole step, by the clock of the zone. It may lie before the answer's first instant.
    pub label: DateTime<FixedOffset>,
    /// Its first instant in the answer, UTC.
    pub since: Timestamp,
    /// The instant after its last one in the answer, UTC.
    pub until: Timestamp,
}

/// The steps from one instant to another, in order and without gaps: none, if there are more than `most`. A zone is its
/// offset from UTC at each instant.
#[must_use]
pub fn steps(
    start: Timestamp,
    end: Timestamp,
    unit: Unit,
    zone: &impl Fn(Timestamp) -> FixedOffset,
    most: usize,
) -> Option<Vec<Span>> {
    let mut spans: Vec<Span> = Vec::new();
    let mut since = start;
    while since < end {
        if spans.len() == most {
            return None;
        }
        let (label, next) = around(since, unit, zone);
        let until = next.min(end);
        spans.push(Span { label, since, until });
        since = until;
    }
    Some(spans)
}

/// The beginning of the step that holds an instant, and the first instant after the step.
fn around(at: Timestamp, unit: Unit, zone: &impl Fn(Timestamp) -> FixedOffset) -> (DateTime<FixedOffset>, Timestamp) {
    let local = at.with_timezone(&zone(at));
    match unit {
        Unit::Minute => within_hour(&local, TimeDelta::minutes(1), local.second(), zone),
        Unit::Hour => within_hour(&local, TimeDelta::hours(1), local.minute() * 60 + local.second(), zone),
        Unit::Day | Unit::Week | Unit::Month => {
            let (mut first, mut next) = dates(local.date_naive(), unit);
            // After a midnight that comes twice the old date is shown once more.
            if beginning(next, zone) <= at {
                (first, next) = dates(next, unit);
            }
            let label = beginning(first, zone);
            (label.with_timezone(&zone(label)), beginning(next, zone))
        }
    }
}

/// A step of fixed length by the clock, so many seconds after its beginning. It ends early where the clock is changed.
fn within_hour(
    local: &DateTime<FixedOffset>,
    length: TimeDelta,
    seconds: u32,
    zone: &impl Fn(Timestamp) -> FixedOffset,
) -> (DateTime<FixedOffset>, Timestamp) {
    let label = *local - TimeDelta::seconds(seconds.into()) - TimeDelta::nanoseconds(local.nanosecond().into());
    let (at, next) = (local.to_utc(), (label + length).to_utc());
    (label, change(at, next, zone).unwrap_or(next))
}

/// The first day of the step that holds a day, and the first day after it.
fn dates(day: NaiveDate, unit: Unit) -> (NaiveDate, NaiveDate) {
    match unit {
        Unit::Minute | Unit::Hour | Unit::Day => (day, day + Days::new(1)),
        Unit::Week => {
            let monday = day - Days::new(day.weekday().num_days_from_monday().into());
            (monday, monday + Days::new(7))
        }
        Unit::Month => {
            let first = day - Days::new(day.day0().into());
            (first, first + Months::new(1))
        }
    }
}

/// The first instant of a local day: midnight, or the instant at which the clock skips it. Of a midnight that comes twice
/// it is the first.
fn beginning(day: NaiveDate, zone: &impl Fn(Timestamp) -> FixedOffset) -> Timestamp {
    let midnight = day.and_time(NaiveTime::MIN);
    let is_before = |at: Timestamp| at.with_timezone(&zone(at)).naive_local() < midnight;
    // No zone is further from UTC than this.
    let (mut before, mut after) = (utc(midnight) - TimeDelta::days(1), utc(midnight) + TimeDelta::days(1));
    // On most days the offset of hours before is that of midnight.
    let likely = utc(midnight) - offset(zone(before));
    if !is_before(likely) && is_before(likely - TimeDelta::milliseconds(1)) {
        return likely;
    }
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if is_before(middle) { before = middle } else { after = middle }
    }
    after
}

/// The instant between two at which the clock is changed; none: it is not changed. Changes are at whole seconds.
fn change(from: Timestamp, to: Timestamp, zone: &impl Fn(Timestamp) -> FixedOffset) -> Option<Timestamp> {
    let first = zone(from);
    let last = to - TimeDelta::milliseconds(1);
    if zone(last) == first {
        return None;
    }
    let (mut before, mut after) = (from.timestamp(), last.timestamp());
    while after - before > 1 {
        let middle = i64::midpoint(before, after);
        let is_first = DateTime::from_timestamp(middle, 0).is_some_and(|at| zone(at) == first);
        if is_first { before = middle } else { after = middle }
    }
    DateTime::from_timestamp(after, 0)
}

fn utc(local: NaiveDateTime) -> Timestamp {
    local.and_utc()
}

fn offset(zone: FixedOffset) -> TimeDelta {
    TimeDelta::seconds(zone.local_minus_utc().into())
}
