//! Whether two ends make a range of time.

use super::When;
use crate::time::{self, Timestamp};

/// A range of time by the options that give its ends.
pub struct Range<'a> {
    /// The options of its start and its end.
    pub names: [&'a str; 2],
    /// Its ends, as far as they are given.
    pub ends: [Option<When>; 2],
    /// Whether nothing can be there after the present.
    pub ends_now: bool,
}

impl Range<'_> {
    /// Why it is no range, and the way out.
    pub fn problem(&self, now: Timestamp) -> Option<String> {
        let [from, to] = self.names;
        let [start, end] = self.ends.map(|end| end.map(|end| end.at(now)));
        let now_is = || format!("lies in the future: it is {} now", time::text(now));
        if start.is_some_and(|start| start > now) {
            return Some(format!("{from} {}. Give an earlier start, such as {from} 2026-11-01 or {from} 7d", now_is()));
        }
        if self.ends_now && end.is_some_and(|end| end > now) {
            return Some(format!("{to} {}. Give {to} now", now_is()));
        }
        let (start, end) = (start?, end?);
        (start >= end).then(|| {
            let (start, end) = (time::text(start), time::text(end));
            format!(
                "{from} must lie before {to}, but {from} is {start} and {to} is {end}. The end itself is not in the range: \
                 for one day, give {to} the day after"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Range, When};
    use crate::time;

    #[test]
    fn a_range_that_holds_nothing_is_refused_with_the_way_out() {
        let check = |from: &str, to: &str, expected: Option<&str>| {
            let ends = [from, to].map(|text| When::parse(text).ok());
            let range = Range { names: ["--from", "--to"], ends, ends_now: true };
            let problem = range.problem(time::parse("2026-12-01T12:00:00Z").unwrap());
            assert_eq!(problem.as_deref().map(|words| words.split(". ").next().unwrap()), expected, "{from} {to}");
        };
        check("yesterday", "now", None);
        check("-7d", "-", None);
        check("-", "2026-11-01", None);
        check("2026-12-01T12:00:01Z", "-", Some("--from lies in the future: it is 2026-12-01T12:00:00.000Z now"));
        check("-7d", "2026-12-02", Some("--to lies in the future: it is 2026-12-01T12:00:00.000Z now"));
        let same =
            "--from must lie before --to, but --from is 2026-11-01T00:00:00.000Z and --to is 2026-11-01T00:00:00.000Z";
        check("2026-11-01", "2026-11-01", Some(same));
        let swapped =
            "--from must lie before --to, but --from is 2026-12-01T00:00:00.000Z and --to is 2026-11-30T00:00:00.000Z";
        check("today", "yesterday", Some(swapped));
    }
}
