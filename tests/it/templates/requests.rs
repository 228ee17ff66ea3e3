//! Requests by time, and how fast they are.
#![expect(clippy::cast_precision_loss, reason = "a test has few rows")]

use chrono::{DurationRound, TimeDelta};
use serde_json::{Value, json};

use super::{
    loops::{
        Check, Key, Line, check, day, durations, failures, groups, largest, mean, now, number, percentile, share, users,
    },
    rows::Row,
};

const BY_DAY: &str = "day requests errors users cost";
const PERFORMANCE: &str = "endpoint requests errorRate avg p50 p95 p99";

pub fn checks() -> Vec<Check> {
    vec![
        check("requests-by-minute", "all", 1, "minute requests errors avg", |rows| steps(rows, TimeDelta::minutes(1))),
        check("requests-by-hour", "all", 24, "hour requests errors avg", |rows| steps(rows, TimeDelta::hours(1))),
        check("requests-by-hour", "all", 48, "hour requests errors avg", |rows| {
            let named: Vec<_> = rows.iter().filter(|row| row.name == "ai.request").copied().collect();
            steps(&named, TimeDelta::hours(1))
        })
        .with(json!({ "name": "ai.request", "start": "-48h" })),
        check("requests-by-day", "all", 720, BY_DAY, days),
        check("ingest-by-hour", "all", 168, "hour source rows latest", came),
        check("moving-average", "all", 168, "hour requests movingAverage", |rows| moving(rows, 24)),
        check("moving-average", "all", 168, "hour requests movingAverage", |rows| moving(rows, 3))
            .with(json!({ "hours": 3 })),
        check("endpoint-performance", "all", 168, PERFORMANCE, performance),
        check("slowest-endpoints", "all", 168, "endpoint requests p95 max", |rows| slowest(rows, 1)),
        check("slowest-endpoints", "all", 168, "endpoint requests p95 max", |rows| slowest(rows, 60))
            .with(json!({ "least": 60 })),
        check("slow-tools", "events", 168, "at tool user duration", |rows| slow_tools(rows, 1_000.0)),
        check("slow-tools", "events", 168, "at tool user duration", |rows| slow_tools(rows, 2_500.0))
            .with(json!({ "slower": 2_500 })),
        check("apdex", "all", 168, "endpoint requests satisfied tolerating apdex", apdex),
        check("requests-by-path", "events", 24, "method path requests errors avg", |rows| paths(rows, None)),
        check("requests-by-path", "events", 24, "method path requests errors avg", |rows| paths(rows, Some("GET")))
            .with(json!({ "method": "GET" })),
    ]
}

fn steps(rows: &[&Row], length: TimeDelta) -> Vec<Line> {
    let step = |row: &Row| vec![Some(aig_logs::time::text(row.at.duration_trunc(length).unwrap()))];
    let line = |(key, rows): (Key, Vec<&Row>)| {
        vec![json!(key[0]), json!(rows.len()), json!(failures(&rows)), mean(&durations(&rows))]
    };
    groups(rows, step).into_iter().map(line).collect()
}

fn came(rows: &[&Row]) -> Vec<Line> {
    let hour = |row: &Row| aig_logs::time::text(row.came.duration_trunc(TimeDelta::hours(1)).unwrap());
    let source = |row: &Row| if row.is_log { "logs" } else { "events" }.to_owned();
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let latest = rows.iter().map(|row| row.came.timestamp() - row.at.timestamp()).max();
        vec![json!(key[0]), json!(key[1]), json!(rows.len()), json!(latest)]
    };
    groups(rows, |row| vec![Some(hour(row)), Some(source(row))]).into_iter().map(line).collect()
}

fn days(rows: &[&Row]) -> Vec<Line> {
    let groups = groups(rows, |row| vec![Some(day(row.at, 0))]);
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let cost = number(super::loops::cost(&rows));
        vec![json!(key[0]), json!(rows.len()), json!(failures(&rows)), json!(users(&rows)), cost]
    };
    groups.into_iter().map(line).collect()
}

fn moving(rows: &[&Row], hours: i64) -> Vec<Line> {
    let hour = |at: aig_logs::time::Timestamp| at.timestamp().div_euclid(3_600);
    let first = hour(now() - TimeDelta::days(7));
    let line = |own: i64| {
        let of = |range: std::ops::RangeInclusive<i64>| rows.iter().filter(|row| range.contains(&hour(row.at))).count();
        let before = hours.min(own - first + 1);
        let at = aig_logs::time::text(chrono::DateTime::from_timestamp(own * 3_600, 0).unwrap());
        let requests = of(own..=own);
        (requests > 0).then(|| {
            vec![json!(at), json!(requests), share(of(own - hours + 1..=own), usize::try_from(before).unwrap())]
        })
    };
    (first..=hour(now())).filter_map(line).collect()
}

/// Rows with a subject and a duration, by subject.
fn timed<'a>(rows: &[&'a Row]) -> Vec<(Key, Vec<&'a Row>)> {
    let rows: Vec<_> = rows.iter().filter(|row| row.subject.is_some() && row.duration.is_some()).copied().collect();
    groups(&rows, |row| vec![row.subject.clone()])
}

fn performance(rows: &[&Row]) -> Vec<Line> {
    let mut groups = timed(rows);
    largest(&mut groups, |(_, rows)| rows.len() as f64);
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let durations = durations(&rows);
        let percentiles = [50, 95, 99].map(|percent| number(percentile(&durations, percent)));
        let mut line = vec![json!(key[0]), json!(rows.len()), share(failures(&rows), rows.len()), mean(&durations)];
        line.extend(percentiles);
        line
    };
    groups.into_iter().map(line).collect()
}

fn slowest(rows: &[&Row], least: usize) -> Vec<Line> {
    let mut groups = timed(rows);
    groups.retain(|(_, rows)| rows.len() >= least);
    largest(&mut groups, |(_, rows)| percentile(&durations(rows), 95));
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let durations = durations(&rows);
        let max = durations[durations.len() - 1];
        vec![json!(key[0]), json!(rows.len()), number(percentile(&durations, 95)), number(max)]
    };
    groups.into_iter().map(line).collect()
}

fn slow_tools(rows: &[&Row], slower: f64) -> Vec<Line> {
    let is_tool = |row: &&&Row| ["tool_success", "mcp.tool_called"].contains(&row.name.as_str());
    let is_slow = |row: &&&Row| row.duration.is_some_and(|duration| duration > slower);
    let mut found: Vec<_> = rows.iter().filter(is_tool).filter(is_slow).collect();
    found.sort_by_key(|row| (row.at, row.org.clone(), row.id.clone()));
    largest(&mut found, |row| row.duration.unwrap());
    let line = |row: &&Row| vec![json!(row.time()), json!(row.subject), json!(row.user), number(row.duration.unwrap())];
    found.into_iter().map(line).collect()
}

fn apdex(rows: &[&Row]) -> Vec<Line> {
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let within = |most: f64| {
            let good = rows.iter().filter(|row| row.success != Some(false));
            good.filter(|row| row.duration.unwrap() <= most).count()
        };
        let (satisfied, tolerating) = (within(500.0), within(2_000.0) - within(500.0));
        let apdex = (satisfied as f64 + tolerating as f64 / 2.0) / rows.len() as f64;
        vec![json!(key[0]), json!(rows.len()), json!(satisfied), json!(tolerating), number(apdex)]
    };
    let mut lines: Vec<Line> = timed(rows).into_iter().map(line).collect();
    largest(&mut lines, |line| -line[4].as_f64().unwrap());
    lines
}

fn paths(rows: &[&Row], method: Option<&str>) -> Vec<Line> {
    let route = |row: &Row| {
        let (method, path) = row.subject.as_deref()?.split_once(' ')?;
        path.starts_with('/').then(|| vec![Some(method.to_owned()), Some(path.to_owned())])
    };
    let asked = |row: &&&Row| route(row).is_some_and(|route| method.is_none() || route[0].as_deref() == method);
    let rows: Vec<_> = rows.iter().filter(asked).copied().collect();
    let mut groups = groups(&rows, |row| route(row).unwrap());
    largest(&mut groups, |(_, rows)| rows.len() as f64);
    let line = |(key, rows): (Key, Vec<&Row>)| -> Vec<Value> {
        vec![json!(key[0]), json!(key[1]), json!(rows.len()), json!(failures(&rows)), mean(&durations(&rows))]
    };
    groups.into_iter().map(line).collect()
}
