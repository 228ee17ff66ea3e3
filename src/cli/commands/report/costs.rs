//! What a month cost, as values: numbers of groups of calls, each beside the month before.

use std::cmp::Ordering;

use serde_json::Value;

use super::period::Period;

/// What is counted of calls, beside their cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Calls.
    Calls,
    /// Failed calls.
    Errors,
    /// Tokens sent.
    TokensIn,
    /// Tokens received.
    TokensOut,
    /// Tokens sent that the provider had in its cache.
    TokensCached,
    /// Calls that the gateway answered from its cache.
    Cached,
    /// Calls that must have cost something, and have no cost.
    Unpriced,
}

impl Measure {
    /// Every measure. The first ones are those that are counted of the values of a key.
    pub const ALL: [Self; 7] =
        [Self::Calls, Self::Errors, Self::TokensIn, Self::TokensOut, Self::TokensCached, Self::Cached, Self::Unpriced];

    /// How many of them are counted of the values of a key.
    pub const OF_KEYS: usize = 4;

    /// Its name for a person.
    pub fn title(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Errors => "errors",
            Self::TokensIn => "tokens in",
            Self::TokensOut => "tokens out",
            Self::TokensCached => "cached tokens in",
            Self::Cached => "cached calls",
            Self::Unpriced => "calls without a price",
        }
    }

    /// Its name for a program.
    pub fn name(self) -> &'static str {
        if self == Self::Calls { "calls" } else { self.metric() }
    }

    /// The metric of a question that counts it.
    pub fn metric(self) -> &'static str {
        match self {
            Self::Calls => "count",
            Self::Errors => "errors",
            Self::TokensIn => "tokensIn",
            Self::TokensOut => "tokensOut",
            Self::TokensCached => "tokensCached",
            Self::Cached => "cached",
            Self::Unpriced => "unpriced",
        }
    }
}

/// What is known of a cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cost {
    /// All of it, in USD.
    Exact(f64),
    /// At least so much: there may be calls without a price.
    AtLeast(f64),
    /// Nothing: no call with tokens may have a price.
    Unknown,
}

/// Numbers of a group of calls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numbers {
    /// The sum of all known costs, in USD.
    pub sum: f64,
    /// Whether a call of the group may lack its cost.
    pub may_lack: bool,
    /// The measures, in their order; none: it is not counted.
    pub counts: [Option<u64>; Measure::ALL.len()],
}

impl Numbers {
    /// Those of no calls.
    pub const NONE: Self = Self { sum: 0.0, may_lack: false, counts: [Some(0); Measure::ALL.len()] };

    /// Those of no calls, with the measures that these have.
    pub fn nothing(&self) -> Self {
        Self { sum: 0.0, may_lack: false, counts: self.counts.map(|count| count.map(|_| 0)) }
    }

    /// A measure.
    pub fn count(&self, measure: Measure) -> Option<u64> {
        self.counts[measure as usize]
    }

    /// The number of calls.
    pub fn calls(&self) -> u64 {
        self.count(Measure::Calls).unwrap_or_default()
    }

    /// What is known of the cost.
    pub fn cost(&self) -> Cost {
        match self.sum {
            sum if !self.may_lack => Cost::Exact(sum),
            sum if sum > 0.0 => Cost::AtLeast(sum),
            _ => Cost::Unknown,
        }
    }

    /// What is left of these without `others`.
    fn without<'a>(&self, others: impl Iterator<Item = &'a Self>) -> Self {
        let mut rest = *self;
        for other in others {
            rest.sum -= other.sum;
            for (count, other) in rest.counts.iter_mut().zip(other.counts) {
                *count = count.zip(other).map(|(count, other)| count.saturating_sub(other));
            }
        }
        // What subtracting floats leaves behind is no cost.
        rest.sum = ((rest.sum * 1e9).round() / 1e9).max(0.0);
        rest.may_lack = rest.count(Measure::Unpriced).map_or(self.may_lack, |unpriced| unpriced > 0);
        rest
    }
}

/// One value of what a section divides by.
#[derive(Debug, Clone, PartialEq)]
pub enum Name {
    /// A value; null: calls without one.
    Value(Value),
    /// All that is in no line of its own.
    Other,
}

/// A line of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The values of its group.
    pub names: Vec<Name>,
    /// The numbers of the month.
    pub now: Numbers,
    /// Those of the month before; none: nobody knows, or it has no calls at all.
    pub before: Option<Numbers>,
}

impl Line {
    /// The most expensive line first, and of those that cost the same the one with the most calls.
    pub fn order(one: &Self, other: &Self) -> Ordering {
        let size = |line: &Self| (line.now.sum, line.now.calls(), line.before.map_or(0.0, |before| before.sum));
        let ((sum, calls, before), (sum_of_other, calls_of_other, before_of_other)) = (size(one), size(other));
        let by_month = sum_of_other.total_cmp(&sum).then(calls_of_other.cmp(&calls));
        by_month.then(before_of_other.total_cmp(&before))
    }
}

/// The month, divided by something.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// By what: `model`, a key, or a key and `model`.
    pub fields: Vec<String>,
    /// The lines, in their order. They add up to the whole.
    pub lines: Vec<Line>,
}

impl Section {
    /// At most `most` lines: all beyond are one, so that the lines still add up to the whole.
    pub fn folded(&self, most: usize, whole: &Line) -> Vec<Line> {
        if self.lines.len() <= most {
            return self.lines.clone();
        }
        let mut lines = self.lines[..most.saturating_sub(1)].to_vec();
        lines.push(rest(&lines, whole, self.fields.len()));
        lines
    }
}

/// What is in none of these lines.
pub fn rest(lines: &[Line], whole: &Line, fields: usize) -> Line {
    let now = whole.now.without(lines.iter().map(|line| &line.now));
    let before = whole.before.map(|before| before.without(lines.iter().filter_map(|line| line.before.as_ref())));
    Line { names: vec![Name::Other; fields], now, before }
}

/// How many hours of a period are proven complete, of those that the ledger could tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The hours of the period.
    pub hours: usize,
    /// Those of which each log is delivered.
    pub proven: usize,
    /// Those that lack logs.
    pub short: usize,
    /// Those that are not counted to the end yet.
    pub counting: usize,
}

/// What a month cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    /// What is asked, such as a file.
    pub place: String,
    /// The org, if it is of one.
    pub org: Option<String>,
    /// The month, and the month before.
    pub periods: [Period; 2],
    /// The proof of each; none: the place has no ledger.
    pub proofs: Option<[Proof; 2]>,
    /// All calls.
    pub whole: Line,
    /// The days of the month, in their order, without the month before.
    pub days: Vec<Line>,
    /// By model, and for each key: by its values, and by its values and model.
    pub sections: Vec<Section>,
}

#[cfg(test)]
mod tests {
    use super::{Line, Measure, Name, Numbers, Section};

    fn line(name: u32) -> Line {
        let numbers = |scale: u32| {
            let count = Some(u64::from(name * scale));
            Numbers { sum: f64::from(name * scale) / 10.0, may_lack: false, counts: [count; Measure::ALL.len()] }
        };
        Line {
            names: vec![Name::Value(name.into())],
            now: numbers(3),
            before: name.is_multiple_of(2).then(|| numbers(1)),
        }
    }

    #[test]
    fn folded_lines_still_add_up_to_the_whole() {
        let lines: Vec<_> = (1..=60).rev().map(line).collect();
        let sum = |lines: &[Line], of: fn(&Line) -> Option<Numbers>| {
            let numbers = || lines.iter().filter_map(of);
            let calls = numbers().map(|numbers| numbers.calls()).sum::<u64>();
            (calls, numbers().map(|numbers| numbers.sum).sum::<f64>())
        };
        let (now, before) = (sum(&lines, |line| Some(line.now)), sum(&lines, |line| line.before));
        let numbers = |(calls, sum)| Numbers { sum, may_lack: true, counts: [Some(calls); Measure::ALL.len()] };
        let whole = Line { names: Vec::new(), now: numbers(now), before: Some(numbers(before)) };
        let section = Section { fields: vec!["model".into()], lines };
        for most in [1, 2, 59] {
            let folded = section.folded(most, &whole);
            assert_eq!((folded.len(), &folded[most - 1].names), (most, &vec![Name::Other]));
            for (told, expected) in
                [(sum(&folded, |line| Some(line.now)), now), (sum(&folded, |line| line.before), before)]
            {
                assert_eq!(told.0, expected.0);
                assert!((told.1 - expected.1).abs() < 1e-6, "{told:?} {expected:?}");
            }
        }
        assert_eq!(section.folded(60, &whole), section.lines);
    }
}
