//! A condition on the rows of an answer, as `--fail-if` has it.

use std::fmt;

/// How a number compares with its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    More,
    AtLeast,
    Less,
    AtMost,
    Equal,
    Other,
}

/// How comparisons are written. Of two that begin alike, the longer comes first.
const SIGNS: [(&str, Comparison); 6] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("!=", Comparison::Other),
    (">", Comparison::More),
    ("<", Comparison::Less),
    ("=", Comparison::Equal),
];

/// A condition such as `failures > 10`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The column; `rows` is the number of rows.
    pub column: String,
    comparison: Comparison,
    bound: f64,
}

impl Condition {
    /// Reads `COLUMN SIGN NUMBER`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let at = text.find(['>', '<', '!', '=']);
        let (column, rest) = at.map(|at| text.split_at(at)).unwrap_or_default();
        let sign = SIGNS.into_iter().find_map(|(sign, comparison)| Some((rest.strip_prefix(sign)?, comparison)));
        let parsed = sign.and_then(|(bound, comparison)| {
            let bound: f64 = bound.trim().parse().ok()?;
            let column = column.trim().to_owned();
            (bound.is_finite() && !column.is_empty()).then_some(Self { column, comparison, bound })
        });
        parsed.ok_or("give COLUMN, one of > >= < <= = !=, and a number, such as \"failures > 10\" or \"rows > 0\"")
    }

    /// Whether it holds for a number.
    pub fn holds(&self, number: f64) -> bool {
        let order = number.partial_cmp(&self.bound);
        order.is_some_and(|order| match self.comparison {
            Comparison::More => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Equal => order.is_eq(),
            Comparison::Other => order.is_ne(),
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = SIGNS.into_iter().find(|(_, comparison)| *comparison == self.comparison);
        write!(f, "{} {} {}", self.column, sign.map_or("", |(sign, _)| sign), self.bound)
    }
}

#[cfg(test)]
mod tests {
    use super::Condition;

    #[test]
    fn a_condition_compares_a_column_with_a_number() {
        let check = |text: &str, told: &str, [less, equal, more]: [bool; 3]| {
            let condition = Condition::parse(text).unwrap();
            assert_eq!(condition.to_string(), told);
            assert_eq!([9.0, 10.0, 11.0].map(|number| condition.holds(number)), [less, equal, more], "{text}");
        };
        check("failures > 10", "failures > 10", [false, false, true]);
        check("failures>=10", "failures >= 10", [false, true, true]);
        check(" failures <10.0", "failures < 10", [true, false, false]);
        check("failures <= 10", "failures <= 10", [true, true, false]);
        check("failures = 10", "failures = 10", [false, true, false]);
        check("failures != 10", "failures != 10", [true, false, true]);
        for wrong in ["failures", "failures > ten", "> 10", "failures ! 10", "failures > NaN", ""] {
            assert!(Condition::parse(wrong).is_err(), "{wrong}");
        }
    }
}
