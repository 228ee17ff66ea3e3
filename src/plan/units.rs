//! The hours or days that a stretch of time is proven by.

use chrono::{DurationRound, TimeDelta};

use super::slots::{HOUR, Stretch};
use crate::time::Timestamp;

/// The longest stretch that is proven by the hour.
const HOURLY: TimeDelta = TimeDelta::days(3);

/// What a stretch is proven by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Hours, UTC.
    Hour,
    /// Days, UTC.
    Day,
}

impl Unit {
    /// Hours where a stretch is at most three days long, else days.
    #[must_use]
    pub fn of(from: Timestamp, until: Timestamp) -> Self {
        if until - from <= HOURLY { Self::Hour } else { Self::Day }
    }

    /// Its length.
    #[must_use]
    pub fn length(self) -> TimeDelta {
        match self {
            Self::Hour => HOUR,
            Self::Day => TimeDelta::days(1),
        }
    }

    /// Cuts `[from, until)` at full hours or midnights, oldest first; at both ends there may be a part. Nothing is
    /// expected of any.
    pub fn cut(self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Stretch> {
        let mut from = from;
        std::iter::from_fn(move || {
            // Only an instant thousands of years away cannot be rounded.
            let next = from.duration_trunc(self.length()).unwrap_or(from) + self.length();
            let stretch = Stretch { from, until: next.min(until), expected: 0 };
            from = stretch.until;
            (stretch.from < stretch.until).then_some(stretch)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    fn at(text: &str) -> Timestamp {
        time::parse(text).unwrap()
    }

    fn cut(unit: Unit, from: &str, until: &str) -> Vec<[String; 2]> {
        unit.cut(at(from), at(until)).map(|unit| [unit.from, unit.until].map(time::text)).collect()
    }

    #[test]
    fn up_to_three_days_are_proven_by_the_hour() {
        let check = |until, expected| assert_eq!(Unit::of(at("2026-10-06T09:30:00Z"), at(until)), expected, "{until}");
        check("2026-10-06T09:31:00Z", Unit::Hour);
        check("2026-10-09T09:30:00Z", Unit::Hour);
        check("2026-10-09T09:30:00.001Z", Unit::Day);
    }

    #[test]
    fn a_stretch_is_cut_at_full_hours_and_midnights_with_parts_at_its_ends() {
        let [a, b, c, d] = ["09:30:00.000Z", "10:00:00.000Z", "11:00:00.000Z", "11:00:00.001Z"]
            .map(|clock| format!("2026-10-06T{clock}"));
        let expected = [[a.clone(), b.clone()], [b, c.clone()], [c, d.clone()]];
        assert_eq!(cut(Unit::Hour, &a, &d), expected);
        let [midnight, noon] = ["00:00:00.000Z", "12:00:00.000Z"].map(|clock| format!("2026-10-07T{clock}"));
        assert_eq!(cut(Unit::Day, &a, &noon), [[a.clone(), midnight.clone()], [midnight, noon.clone()]]);
        assert_eq!(cut(Unit::Day, &a, &a), [[""; 2]; 0]);
        assert_eq!(cut(Unit::Day, &noon, &a), [[""; 2]; 0]);
    }
}
