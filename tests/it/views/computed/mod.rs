//! What each view must show, worked out from the rows in plain loops.

mod log;
mod quality;
mod spend;
mod usage;

use std::collections::BTreeMap;

use aig_logs::{record::Record, time::Timestamp};
use chrono::DateTime;

use self::log::Log;

/// By the words that name a line of the view, its numbers.
pub type Lines = BTreeMap<Vec<String>, Vec<Option<f64>>>;

/// A column that names a line: null is a name too.
pub fn word(text: Option<&str>) -> String {
    text.map_or_else(|| "(null)".to_owned(), str::to_owned)
}

/// A view: its name, the columns that name a line, those with numbers, and the lines.
pub struct View {
    pub name: &'static str,
    pub words: Vec<&'static str>,
    pub numbers: &'static [&'static str],
    pub lines: Lines,
}

type Group<'a> = Vec<&'a Log>;

fn groups<'a>(
    logs: impl IntoIterator<Item = &'a Log>,
    name: impl Fn(&Log) -> Vec<String>,
) -> BTreeMap<Vec<String>, Group<'a>> {
    let mut groups: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for log in logs {
        groups.entry(name(log)).or_default().push(log);
    }
    groups
}

fn count(group: &[&Log], condition: impl Fn(&Log) -> bool) -> f64 {
    float(group.iter().filter(|log| condition(log)).count())
}

fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

/// The sum of the numbers that are there; none where none is.
fn sum(group: &[&Log], column: &str) -> Option<f64> {
    group.iter().filter_map(|log| log.number(column)).reduce(|sum, number| sum + number)
}

/// The smallest number that at least `percent` of a hundred do not exceed.
fn percentile(percent: usize, numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get((percent * numbers.len()).div_ceil(100).checked_sub(1)?).copied()
}

const PLACE: [&str; 5] = ["day", "gateway", "provider", "model", "canonical_model"];

/// Every view over these rows of the raw table, copies included.
pub fn views(raw: &[Record], now: Timestamp) -> Vec<View> {
    let mut newest: BTreeMap<String, Log> = BTreeMap::new();
    for row in raw {
        let value = serde_json::to_value(row).unwrap();
        let instant = |column: &str| DateTime::parse_from_rfc3339(value[column].as_str().unwrap()).unwrap().to_utc();
        let log = Log { created_at: instant("created_at"), ingested_at: instant("ingested_at"), row: value };
        if newest.get(row.id()).is_none_or(|known| known.ingested_at < log.ingested_at) {
            newest.insert(row.id().to_owned(), log);
        }
    }
    let logs: Vec<Log> = newest.into_values().collect();
    vec![
        usage::requests(&logs),
        usage::usage_by_day(&logs),
        usage::usage_by_hour(&logs),
        usage::models(&logs),
        quality::latency_by_hour(&logs),
        quality::errors(&logs),
        quality::attempts(&logs),
        usage::cache(&logs),
        spend::spend_by_metadata(&logs),
        spend::top_users(&logs, now),
        usage::unpriced(&logs),
        spend::cost_anomalies(&logs, now.date_naive()),
    ]
}
