//! The stretch of time that a report is about, and the stretch of the month before that it is compared with.

use chrono::{Datelike, Months};

use crate::{
    cli::{args::Month, failure::Failure},
    rollup::Grain,
    time::Timestamp,
};

/// A month of UTC from its beginning: whole, or as far as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first instant, UTC.
    pub start: Timestamp,
    /// The instant after its last one, UTC.
    pub end: Timestamp,
    /// Whether this is the end of the month.
    pub is_whole: bool,
}

impl Period {
    /// Its name, such as `2026-11`.
    pub fn name(&self) -> String {
        self.start.format("%Y-%m").to_string()
    }
}

/// The period of a month, and as much of the month before. A month that runs ends with its last whole hour: hours are counted,
/// and the same report can be made again.
pub fn periods(month: Month, now: Timestamp) -> Result<[Period; 2], Failure> {
    let one = Months::new(1);
    let first = |date: chrono::NaiveDate| date.and_time(chrono::NaiveTime::MIN).and_utc();
    let present = first(now.date_naive()) - chrono::TimeDelta::days(i64::from(now.day0()));
    let start = match month {
        Month::This => present,
        Month::Last => present - one,
        Month::Of(day) => first(day),
    };
    let refused = |problem: &str| {
        let problem = format!("{} {problem}", start.format("%Y-%m"));
        Err(Failure::denied("reporting a month", problem, "Give an earlier month, or --month last"))
    };
    if start > present {
        return refused("has not begun");
    }
    let next = start + one;
    let end = next.min(Grain::Hour.floor(now));
    if end <= start {
        return refused("has no whole hour yet");
    }
    let (before, is_whole) = (start - one, end == next);
    let end_before = if is_whole { start } else { start.min(before + (end - start)) };
    Ok([
        Period { start, end, is_whole },
        // The end of a shorter month comes sooner.
        Period { start: before, end: end_before, is_whole: end_before == start },
    ])
}

#[cfg(test)]
mod tests {
    use super::periods;
    use crate::{cli::args::Month, time};

    #[test]
    fn a_month_is_compared_with_as_much_of_the_month_before() {
        let check = |month: &str, now: &str, expected: [(&str, &str, bool); 2]| {
            let periods = periods(Month::parse(month).unwrap(), time::parse(now).unwrap()).unwrap();
            let told = periods.map(|period| {
                let [start, end] = [period.start, period.end].map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string());
                (start, end, period.is_whole)
            });
            let day = |text: &str| if text.len() == 10 { format!("{text}T00:00:00") } else { text.to_owned() };
            assert_eq!(told, expected.map(|(start, end, whole)| (day(start), day(end), whole)), "{month} at {now}");
        };
        let november = [("2026-11-01", "2026-12-01", true), ("2026-10-01", "2026-11-01", true)];
        check("last", "2026-12-01T00:00:00Z", november);
        check("2026-11", "2027-03-31T23:59:59.999Z", november);
        let running = [("2026-11-01", "2026-11-21T10:00:00", false), ("2026-10-01", "2026-10-21T10:00:00", false)];
        check("this", "2026-11-21T10:59:59.999Z", running);
        check("2026-11", "2026-11-21T10:00:00Z", running);
        // February is over before the 30th.
        check(
            "this",
            "2026-03-30T05:00:00Z",
            [("2026-03-01", "2026-03-30T05:00:00", false), ("2026-02-01", "2026-03-01", true)],
        );
        check("last", "2027-01-15T00:00:00Z", [("2026-12-01", "2027-01-01", true), ("2026-11-01", "2026-12-01", true)]);
    }

    #[test]
    fn a_month_without_a_whole_hour_is_refused() {
        let check = |month: &str, now: &str, words: &str| {
            let refused = periods(Month::parse(month).unwrap(), time::parse(now).unwrap()).unwrap_err().to_string();
            assert!(refused.contains(words), "{refused}");
        };
        check("2026-12", "2026-11-30T23:59:59Z", "2026-12 has not begun. Give an earlier month");
        check("this", "2026-12-01T00:59:59Z", "2026-12 has no whole hour yet");
    }
}
