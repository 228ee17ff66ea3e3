//! What the loops have in common: groups of rows, and lines of an answer.
#![expect(clippy::cast_precision_loss, reason = "a test has few rows")]

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use aig_logs::time::{self, Timestamp};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::rows::{NOW, Row};

/// A line of an answer, in the order of its columns.
pub type Line = Vec<Value>;

/// The texts by which rows are grouped. They are in order as in SQLite: null first, then by bytes.
pub type Key = Vec<Option<String>>;

/// What a template must tell.
pub struct Check {
    pub template: &'static str,
    /// `events`, `logs` or `all`.
    pub dataset: &'static str,
    /// The hours of its usual range.
    pub hours: i64,
    pub columns: &'static str,
    pub parameters: Value,
    pub answer: fn(&[&Row]) -> Vec<Line>,
}

/// What a template must tell by its defaults.
pub fn check(
    template: &'static str,
    dataset: &'static str,
    hours: i64,
    columns: &'static str,
    answer: fn(&[&Row]) -> Vec<Line>,
) -> Check {
    Check { template, dataset, hours, columns, parameters: json!({}), answer }
}

impl Check {
    /// The same with parameters.
    pub fn with(self, parameters: Value) -> Self {
        Self { parameters, ..self }
    }

    /// The rows of the answer to the template.
    pub fn rows(&self, rows: &[Row]) -> Value {
        let start = now() - TimeDelta::hours(self.hours);
        let is_asked = |row: &&Row| {
            let of_dataset = self.dataset == "all" || row.is_log == (self.dataset == "logs");
            of_dataset && row.at >= start && row.at < now()
        };
        let asked: Vec<_> = rows.iter().filter(is_asked).collect();
        let names: Vec<_> = self.columns.split(' ').collect();
        let line = |line: Line| {
            assert_eq!(line.len(), names.len(), "{}", self.template);
            names.iter().map(|name| (*name).to_owned()).zip(line).collect::<Value>()
        };
        (self.answer)(&asked).into_iter().map(line).collect()
    }
}

pub fn now() -> Timestamp {
    time::parse(NOW).unwrap()
}

/// Rows by a key, in the order of keys.
pub fn groups<'a>(rows: &[&'a Row], key: impl Fn(&Row) -> Key) -> Vec<(Key, Vec<&'a Row>)> {
    let mut groups: BTreeMap<Key, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(row)).or_default().push(row);
    }
    groups.into_iter().collect()
}

/// Groups by a number, the largest first, and those of equal numbers in their order.
pub fn largest<T>(groups: &mut [T], number: impl Fn(&T) -> f64) {
    groups.sort_by_key(|group| Reverse(thousandths(number(group))));
}

/// A number that can be compared. No number of these rows is finer.
#[expect(clippy::cast_possible_truncation, reason = "numbers are small")]
fn thousandths(number: f64) -> i64 {
    (number * 100_000.0).round() as i64
}

/// A number as answers write it.
pub fn number(float: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole")]
    if float.fract() == 0.0 { (float as i64).into() } else { float.into() }
}

pub fn share(part: usize, whole: usize) -> Value {
    number(part as f64 / whole as f64)
}

pub fn failures(rows: &[&Row]) -> usize {
    rows.iter().filter(|row| row.success == Some(false)).count()
}

pub fn cost(rows: &[&Row]) -> f64 {
    rows.iter().filter_map(|row| row.cost).sum()
}

pub fn quantity(rows: &[&Row]) -> f64 {
    rows.iter().filter_map(|row| row.quantity).sum()
}

pub fn distinct(rows: &[&Row], value: impl Fn(&Row) -> Option<String>) -> usize {
    rows.iter().filter_map(|row| value(row)).collect::<BTreeSet<_>>().len()
}

pub fn users(rows: &[&Row]) -> usize {
    distinct(rows, |row| row.user.clone())
}

/// The durations, in order.
pub fn durations(rows: &[&Row]) -> Vec<f64> {
    let mut durations: Vec<_> = rows.iter().filter_map(|row| row.duration).collect();
    durations.sort_by(f64::total_cmp);
    durations
}

pub fn mean(numbers: &[f64]) -> Value {
    if numbers.is_empty() { Value::Null } else { number(numbers.iter().sum::<f64>() / numbers.len() as f64) }
}

/// The nearest rank of ordered numbers.
pub fn percentile(numbers: &[f64], percent: usize) -> f64 {
    numbers[(numbers.len() * percent).div_ceil(100) - 1]
}

/// The date of an instant, so many days later.
pub fn day(at: Timestamp, later: i64) -> String {
    (at.date_naive() + TimeDelta::days(later)).to_string()
}

/// The latest and the first instant of rows.
pub fn last(rows: &[&Row]) -> String {
    rows.iter().map(|row| row.time()).max().unwrap()
}

pub fn first(rows: &[&Row]) -> String {
    rows.iter().map(|row| row.time()).min().unwrap()
}
