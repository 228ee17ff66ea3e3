//! The month of a report, as it is typed.

use chrono::{Datelike, NaiveDate};

use crate::time;

/// The month that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Month {
    /// The present month, as far as it is over.
    This,
    /// The month before the present one.
    Last,
    /// The month of this first day.
    Of(NaiveDate),
}

impl Month {
    /// Reads `2026-11`, `this` or `last`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "this" => Some(Self::This),
            "last" => Some(Self::Last),
            // The month before it is an instant of the program, too.
            month => time::parse_day(&format!("{month}-01")).filter(|first| first.year() > 1970).map(Self::Of),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::Month;

    #[test]
    fn a_month_is_read_to_the_letter() {
        assert_eq!(Month::parse("2026-11"), NaiveDate::from_ymd_opt(2026, 11, 1).map(Month::Of));
        assert_eq!((Month::parse("this"), Month::parse("last")), (Some(Month::This), Some(Month::Last)));
        for wrong in ["2026-13", "2026-1", "2026-11-01", "11/2026", "November", "", "1970-01", "+2026-11", "2026-11 "] {
            assert_eq!(Month::parse(wrong), None, "{wrong}");
        }
    }
}
