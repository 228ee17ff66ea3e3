//! The answers to questions, by plain loops over rows.
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a test has few rows")]

use std::collections::{BTreeMap, BTreeSet};

use aig_logs::time::Timestamp;
use chrono::{DurationRound, TimeDelta};
use jiff::{Zoned, civil::Weekday, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::rows::Row;

/// The beginning of the step that holds an instant, as an answer shows it.
pub fn label(at: Timestamp, unit: &str, zone: &str) -> String {
    let zoned =
        jiff::Timestamp::from_millisecond(at.timestamp_millis()).unwrap().to_zoned(TimeZone::get(zone).unwrap());
    let clock = |minutes: i64| {
        // The clock's own minutes and hours: no step crosses a change of the offset.
        let since = i64::from(zoned.minute()) % minutes * 60_000
            + i64::from(zoned.second()) * 1_000
            + i64::from(zoned.millisecond());
        let local = zoned.datetime() - jiff::SignedDuration::from_millis(since);
        format!("{}.000{}", local.strftime("%Y-%m-%dT%H:%M:%S"), offset(&zoned, zone))
    };
    let day = |zoned: Zoned| {
        let first = zoned.start_of_day().unwrap();
        format!("{}.000{}", first.datetime().strftime("%Y-%m-%dT%H:%M:%S"), offset(&first, zone))
    };
    let next = zoned.tomorrow().unwrap().start_of_day().unwrap();
    // After a midnight that comes twice it is the new day, although the clock shows the old one once more.
    let date = if next.timestamp() <= zoned.timestamp() { next } else { zoned.clone() };
    match unit {
        "minute" => clock(1),
        "hour" => clock(60),
        "day" => day(date),
        "week" => {
            let mut monday = date.date();
            while monday.weekday() != Weekday::Monday {
                monday = monday.yesterday().unwrap();
            }
            day(monday.to_zoned(date.time_zone().clone()).unwrap())
        }
        "month" => day(date.first_of_month().unwrap()),
        other => panic!("{other}"),
    }
}

fn offset(zoned: &Zoned, zone: &str) -> String {
    let minutes = zoned.offset().seconds() / 60;
    if zone == "UTC" {
        return "Z".into();
    }
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// The value of a field of a row.
pub fn field(row: &Row, name: &str) -> Value {
    match name {
        "name" => row.name.as_str().into(),
        "subject" | "endpoint" => json!(row.subject),
        "user" => json!(row.user),
        "session" if row.is_log => Value::Null,
        "session" => json!(row.session),
        "organization" => row.org.as_str().into(),
        "status" => json!(row.status),
        "success" => json!(row.success),
        "model" if row.is_log => json!(row.subject),
        "model" | "provider" => Value::Null,
        "gateway" if row.is_log => row.gateway().into(),
        "metadata.team" => row.team.clone().unwrap_or_default(),
        other => panic!("{other}"),
    }
}

/// Whether a row fulfils a filter.
pub fn passes(row: &Row, filter: &Value) -> bool {
    let value = field(row, filter["field"].as_str().unwrap());
    let values = filter["values"].as_array().unwrap();
    let same = |other: &Value| match (&value, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (one, other) => one == other,
    };
    match filter["op"].as_str().unwrap() {
        "eq" | "in" => values.iter().any(same),
        "neq" => !values.iter().any(same),
        "contains" => {
            value.as_str().is_some_and(|text| values.iter().any(|part| text.contains(part.as_str().unwrap())))
        }
        "exists" => value.is_null() != (values[0] == true),
        other => panic!("{other}"),
    }
}

/// The value of a metric of a group.
fn metric(rows: &[&Row], name: &str) -> Value {
    let mut durations: Vec<f64> = rows.iter().filter_map(|row| row.duration).collect();
    durations.sort_by(f64::total_cmp);
    let rank = |percent: usize| match durations.len() {
        0 => Value::Null,
        len => number(durations[(len * percent).div_ceil(100) - 1]),
    };
    let distinct =
        |value: fn(&Row) -> Option<&String>| rows.iter().filter_map(|row| value(row)).collect::<BTreeSet<_>>().len();
    let errors = rows.iter().filter(|row| row.success == Some(false)).count();
    match name {
        "count" => rows.len().into(),
        "errors" => errors.into(),
        "errorRate" if rows.is_empty() => 0.into(),
        "errorRate" => number(errors as f64 / rows.len() as f64),
        "users" => distinct(|row| row.user.as_ref()).into(),
        "sessions" => distinct(|row| row.session.as_ref().filter(|_| !row.is_log)).into(),
        "avg" if durations.is_empty() => Value::Null,
        "avg" => number(durations.iter().sum::<f64>() / durations.len() as f64),
        "max" => durations.last().copied().map_or(Value::Null, number),
        "p50" => rank(50),
        "p95" => rank(95),
        "p99" => rank(99),
        "quantity" => number(rows.iter().filter(|row| !row.is_log).filter_map(|row| row.quantity).sum()),
        "cost" => number(rows.iter().filter_map(|row| row.cost).sum()),
        "tokensIn" => rows.iter().filter(|row| row.is_log).filter_map(|row| row.tokens_in).sum::<i64>().into(),
        "tokensCached" => rows.iter().filter(|row| row.is_log).filter_map(|row| row.tokens_cached).sum::<i64>().into(),
        "cached" => rows.iter().filter(|row| row.is_log && row.cached == Some(true)).count().into(),
        "unpriced" => {
            let is_unpriced = |row: &&&Row| {
                let has_tokens = row.tokens_in.is_some_and(|tokens| tokens > 0);
                match row.cost {
                    None => has_tokens || row.success != Some(false),
                    Some(cost) => cost == 0.0 && has_tokens,
                }
            };
            let asked = rows.iter().filter(|row| row.is_log && row.cached != Some(true));
            asked.filter(is_unpriced).count().into()
        }
        other => panic!("{other}"),
    }
}

/// A number as answers write it.
pub fn number(float: f64) -> Value {
    if float.fract() == 0.0 { (float as i64).into() } else { float.into() }
}

/// The order of values: null first, then texts by their bytes, and numbers and truths as texts.
fn rank(value: &Value) -> (bool, String) {
    (!value.is_null(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// The place of a row of an answer: its step, and the order of its fields.
type Place = (usize, Vec<(bool, String)>);

/// The rows of the answer to `POST /query`, in its usual order. In the middle a clock may be changed.
pub fn answer(rows: &[Row], question: &Value, [start, middle, end]: [Timestamp; 3]) -> Vec<Value> {
    let texts = |name: &str| -> Vec<&str> {
        question[name].as_array().map(|list| list.iter().map(|it| it.as_str().unwrap()).collect()).unwrap_or_default()
    };
    let units = ["minute", "hour", "day", "week", "month"];
    let groups = texts("groupBy");
    let unit = groups.iter().find(|name| units.contains(name)).copied();
    let fields: Vec<_> = groups.iter().filter(|name| !units.contains(name)).copied().collect();
    let zone = question["timeZone"].as_str().unwrap_or("UTC");
    let dataset = question["dataset"].as_str().unwrap_or("events");

    // The steps in their order, found minute by minute where a clock may be changed.
    let mut steps: Vec<String> = Vec::new();
    let mut at = start;
    while let Some(unit) = unit.filter(|_| at < end) {
        let label = label(at, unit, zone);
        if steps.last() != Some(&label) {
            steps.push(label);
        }
        at += TimeDelta::minutes(if (at - middle).abs() < TimeDelta::hours(2) { 1 } else { 15 });
        at = at.duration_trunc(TimeDelta::minutes(1)).unwrap();
    }
    let mut found: BTreeMap<Place, (Vec<Value>, Vec<&Row>)> = BTreeMap::new();
    if fields.is_empty() {
        for place in 0..steps.len().max(1) {
            found.insert((place, Vec::new()), (Vec::new(), Vec::new()));
        }
    }
    for row in rows {
        let is_asked = match dataset {
            "events" => !row.is_log,
            "logs" => row.is_log,
            _ => true,
        };
        let filters = question["filters"].as_array().cloned().unwrap_or_default();
        if !is_asked || row.at < start || row.at >= end || !filters.iter().all(|filter| passes(row, filter)) {
            continue;
        }
        if question["organizationId"].as_str().is_some_and(|org| org != row.org) {
            continue;
        }
        let step = unit.map_or(0, |unit| {
            let label = label(row.at, unit, zone);
            steps.iter().position(|step| *step == label).unwrap()
        });
        let values: Vec<_> = fields.iter().map(|name| field(row, name)).collect();
        let key = (step, values.iter().map(rank).collect());
        found.entry(key).or_insert_with(|| (values, Vec::new())).1.push(row);
    }
    let lines = found.into_iter().map(|((step, _), (values, group))| {
        let mut line = Map::new();
        if let Some(unit) = unit {
            line.insert(unit.into(), steps[step].as_str().into());
        }
        for (name, value) in fields.iter().zip(values) {
            line.insert((*name).into(), value);
        }
        for name in texts("metrics") {
            line.insert(name.into(), metric(&group, name));
        }
        Value::Object(line)
    });
    lines.collect()
}

/// Whether two answers are the same: percentiles to 1 %, sums of floats to their last bits, and all else to the letter.
pub fn agree(answer: &Value, expected: &[Value]) -> bool {
    let is_near = |name: &str, left: &Value, right: &Value| {
        let tolerance = match name {
            "p50" | "p95" | "p99" if answer["meta"]["from"] == "rollup" => 0.01,
            "avg" | "quantity" | "cost" => 1e-12,
            _ => return left == right,
        };
        match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => (left - right).abs() <= tolerance * right.abs(),
            _ => left == right,
        }
    };
    let rows = answer["rows"].as_array().unwrap();
    rows.len() == expected.len()
        && rows.iter().zip(expected).all(|(row, expected)| {
            let (row, expected) = (row.as_object().unwrap(), expected.as_object().unwrap());
            row.len() == expected.len() && row.iter().all(|(name, value)| is_near(name, value, &expected[name]))
        })
}
