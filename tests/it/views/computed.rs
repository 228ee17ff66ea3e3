//! What each view must show, worked out from the rows in plain loops.

use std::collections::BTreeMap;

use aig_logs::{record::Record, time::Timestamp};
use chrono::{DateTime, NaiveDate, TimeDelta};
use serde_json::{Map, Value};

use super::rows::age;

/// By the words that name a line of the view, its numbers.
pub type Lines = BTreeMap<Vec<String>, Vec<Option<f64>>>;

/// A column that names a line: null is a name too.
pub fn word(text: Option<&str>) -> String {
    text.map_or_else(|| "(null)".to_owned(), str::to_owned)
}

/// A view: its name, the columns that name a line, those with numbers, and the lines.
pub struct View {
    pub name: &'static str,
    pub words: &'static [&'static str],
    pub numbers: &'static [&'static str],
    pub lines: Lines,
}

/// What the views read of a row.
struct Log {
    created_at: Timestamp,
    ingested_at: Timestamp,
    row: Value,
}

impl Log {
    fn text(&self, column: &str) -> String {
        word(self.row[column].as_str())
    }

    fn number(&self, column: &str) -> Option<f64> {
        self.row[column].as_f64()
    }

    fn is(&self, column: &str, truth: bool) -> bool {
        self.row[column].as_bool() == Some(truth)
    }

    fn date(&self) -> NaiveDate {
        self.created_at.date_naive()
    }

    fn day(&self) -> String {
        self.date().to_string()
    }

    fn has_tokens(&self) -> bool {
        let tokens = |column| self.number(column).unwrap_or(0.0);
        !self.is("cached", true) && tokens("tokens_in") + tokens("tokens_out") > 0.0
    }

    fn is_unpriced(&self) -> bool {
        self.has_tokens() && self.number("cost").is_none()
    }

    fn metadata(&self) -> Map<String, Value> {
        let metadata = self.row["metadata"].as_str().map(|text| serde_json::from_str(text).unwrap());
        metadata.and_then(|value: Value| value.as_object().cloned()).unwrap_or_default()
    }

    fn user(&self) -> Option<String> {
        let metadata = self.metadata();
        metadata.get("user_id").and_then(as_text).or_else(|| metadata.get("user").and_then(as_text))
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
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
        usage_by_day(&logs),
        latency_by_hour(&logs),
        errors(&logs),
        cache(&logs),
        spend_by_metadata(&logs),
        top_users(&logs, now),
        unpriced(&logs),
        cost_anomalies(&logs, now.date_naive()),
    ]
}

fn usage_by_day(logs: &[Log]) -> View {
    let groups = groups(logs, |log| vec![log.day(), log.text("gateway"), log.text("provider"), log.text("model")]);
    let numbers = |group: Group<'_>| {
        vec![
            Some(float(group.len())),
            Some(count(&group, |log| log.is("success", false))),
            Some(count(&group, |log| log.is("cached", true))),
            sum(&group, "tokens_in"),
            sum(&group, "tokens_out"),
            sum(&group, "cost"),
            Some(count(&group, Log::is_unpriced)),
        ]
    };
    View {
        name: "aig_usage_by_day",
        words: &["day", "gateway", "provider", "model"],
        numbers: &["requests", "errors", "cached", "tokens_in", "tokens_out", "cost", "unpriced"],
        lines: groups.into_iter().map(|(name, group)| (name, numbers(group))).collect(),
    }
}

fn latency_by_hour(logs: &[Log]) -> View {
    let answered = logs.iter().filter(|log| !log.is("success", false) && !log.is("cached", true));
    let hour = |log: &Log| log.created_at.format("%Y-%m-%dT%H:00:00.000Z").to_string();
    let groups = groups(answered, |log| vec![log.day(), hour(log), log.text("provider"), log.text("model")]);
    let numbers = |group: Group<'_>| {
        let mut numbers = vec![Some(float(group.len()))];
        for column in ["duration", "latency"] {
            for percent in [50, 95, 99] {
                numbers.push(percentile(percent, group.iter().filter_map(|log| log.number(column))));
            }
        }
        numbers
    };
    View {
        name: "aig_latency_by_hour",
        words: &["day", "hour", "provider", "model"],
        numbers: &[
            "requests",
            "duration_p50",
            "duration_p95",
            "duration_p99",
            "latency_p50",
            "latency_p95",
            "latency_p99",
        ],
        lines: groups.into_iter().map(|(name, group)| (name, numbers(group))).collect(),
    }
}

fn errors(logs: &[Log]) -> View {
    let mut lines = Lines::new();
    for (name, group) in groups(logs, |log| vec![log.day(), log.text("provider")]) {
        let requests = float(group.len());
        let failed = group.into_iter().filter(|log| log.is("success", false));
        let status = |log: &Log| log.row["status_code"].as_i64().map(|status| status.to_string());
        for (status, failed) in groups(failed, |log| vec![word(status(log).as_deref())]) {
            let errors = float(failed.len());
            lines.insert([name.clone(), status].concat(), vec![Some(errors), Some(requests), Some(errors / requests)]);
        }
    }
    View {
        name: "aig_errors",
        words: &["day", "provider", "status_code"],
        numbers: &["errors", "requests", "error_rate"],
        lines,
    }
}

fn cache(logs: &[Log]) -> View {
    let numbers = |group: Group<'_>| {
        let (hits, others): (Group<'_>, Group<'_>) = group.iter().partition(|log| log.is("cached", true));
        let priced = count(&others, |log| log.number("cost").is_some());
        let average = sum(&others, "cost").map(|cost| cost / priced);
        let mut saved = Some(0.0);
        for hit in &hits {
            saved = saved.zip(average).map(|(saved, average)| saved + average - hit.number("cost").unwrap_or(0.0));
        }
        let [requests, cached] = [group.len(), hits.len()].map(float);
        vec![Some(requests), Some(cached), Some(cached / requests), average, saved]
    };
    let groups = groups(logs, |log| vec![log.day(), log.text("provider"), log.text("model")]);
    View {
        name: "aig_cache",
        words: &["day", "provider", "model"],
        numbers: &["requests", "cached", "hit_rate", "uncached_cost", "saved"],
        lines: groups.into_iter().map(|(name, group)| (name, numbers(group))).collect(),
    }
}

fn spend_by_metadata(logs: &[Log]) -> View {
    let mut groups: BTreeMap<Vec<String>, Group<'_>> = BTreeMap::new();
    for log in logs {
        for (key, value) in log.metadata() {
            let Some(value) = as_text(&value) else { continue };
            groups.entry(vec![log.day(), key, value]).or_default().push(log);
        }
    }
    View {
        name: "aig_spend_by_metadata",
        words: &["day", "key", "value"],
        numbers: &["requests", "tokens_in", "tokens_out", "cost", "unpriced"],
        lines: groups.into_iter().map(|(name, group)| (name, spent(&group))).collect(),
    }
}

fn spent(group: &[&Log]) -> Vec<Option<f64>> {
    let requests = float(group.len());
    let unpriced = count(group, Log::is_unpriced);
    vec![Some(requests), sum(group, "tokens_in"), sum(group, "tokens_out"), sum(group, "cost"), Some(unpriced)]
}

fn top_users(logs: &[Log], now: Timestamp) -> View {
    let recent = logs.iter().filter(|log| log.user().is_some() && log.created_at >= now - TimeDelta::days(30));
    let groups = groups(recent, |log| vec![log.user().unwrap()]);
    // What no price is known of comes last.
    let costs: Vec<_> = groups.values().map(|group| sum(group, "cost").unwrap_or(-1.0)).collect();
    let rank = |cost: Option<f64>| {
        let cost = cost.unwrap_or(-1.0);
        // Two sums of the same costs may differ in their last digit.
        1.0 + float(costs.iter().filter(|other| **other > cost + 1e-12).count())
    };
    let numbers = |group: Group<'_>| {
        let errors = count(&group, |log| log.is("success", false));
        let mut numbers = vec![Some(rank(sum(&group, "cost"))), Some(errors)];
        numbers.extend(spent(&group));
        numbers
    };
    View {
        name: "aig_top_users",
        words: &["user_id"],
        numbers: &["cost_rank", "errors", "requests", "tokens_in", "tokens_out", "cost", "unpriced"],
        lines: groups.into_iter().map(|(name, group)| (name, numbers(group))).collect(),
    }
}

fn unpriced(logs: &[Log]) -> View {
    let counted = logs.iter().filter(|log| log.has_tokens());
    let numbers = |group: Group<'_>| {
        let (unpriced, _): (Group<'_>, Group<'_>) = group.iter().partition(|log| log.is_unpriced());
        let tokens = |column| Some(sum(&unpriced, column).unwrap_or(0.0));
        let [requests, without] = [group.len(), unpriced.len()].map(float);
        vec![Some(requests), Some(without), Some(without / requests), tokens("tokens_in"), tokens("tokens_out")]
    };
    let groups = groups(counted, |log| vec![log.day(), log.text("provider"), log.text("model")]);
    View {
        name: "aig_unpriced",
        words: &["day", "provider", "model"],
        numbers: &["requests", "unpriced", "unpriced_share", "unpriced_tokens_in", "unpriced_tokens_out"],
        lines: groups.into_iter().map(|(name, group)| (name, numbers(group))).collect(),
    }
}

fn cost_anomalies(logs: &[Log], today: NaiveDate) -> View {
    let mut days: BTreeMap<(NaiveDate, String), (f64, f64)> = BTreeMap::new();
    let with_user = logs.iter().filter(|log| log.user().is_some());
    for (_, group) in groups(with_user, |log| vec![log.day(), log.user().unwrap()]) {
        if let Some(cost) = sum(&group, "cost") {
            days.insert((group[0].date(), group[0].user().unwrap()), (float(group.len()), cost));
        }
    }
    let mut lines = Lines::new();
    for ((day, user), (requests, cost)) in days.iter().filter(|((day, _), _)| age(*day, today) < 30) {
        let before = days.iter().filter(|((other, _), _)| (1..=28).contains(&(*day - *other).num_days()));
        let own: Vec<f64> = before.clone().filter(|((_, who), _)| who == user).map(|(_, (_, cost))| *cost).collect();
        let own_days = float(own.len());
        let (own, overall) = (percentile(95, own), percentile(99, before.map(|(_, (_, cost))| *cost)));
        if own.is_some_and(|own| *cost > own) && overall.is_some_and(|overall| *cost > overall) {
            let name = vec![day.to_string(), user.clone()];
            lines.insert(name, vec![Some(*requests), Some(*cost), Some(own_days), own, overall]);
        }
    }
    View {
        name: "aig_cost_anomalies",
        words: &["day", "user_id"],
        numbers: &["requests", "cost", "own_days", "own_p95", "overall_p99"],
        lines,
    }
}
