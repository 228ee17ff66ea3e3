//! What fails, and who cannot sign in.
#![expect(clippy::cast_precision_loss, reason = "a test has few rows")]

use chrono::{DurationRound, TimeDelta};
use serde_json::json;

use super::{
    loops::{Check, Key, Line, check, failures, first, groups, largest, last, now, share, users},
    rows::Row,
};

const RATE: &str = "hour requests errors clientErrors serverErrors errorRate";

pub fn checks() -> Vec<Check> {
    vec![
        check("error-rate", "all", 24, RATE, rate),
        check("top-errors", "all", 168, "name subject status error errors users lastSeen", top),
        check("new-errors", "all", 168, "name subject status error errors firstSeen", |rows| new(rows, 24)),
        check("new-errors", "all", 168, "name subject status error errors firstSeen", |rows| new(rows, 48))
            .with(json!({ "since": "2026-11-27T13:00:00+01:00" })),
        check("errors-by-type", "all", 1, "type errors share", types),
        check("brute-force", "events", 1, "user address failures lastSeen", |rows| brute_force(rows, 3)),
        check("brute-force", "events", 24, "user address failures lastSeen", |rows| brute_force(rows, 1))
            .with(json!({ "more": 1, "start": "-1d" })),
        check("auth-failures", "events", 24, "at name user address error", auth),
    ]
}

fn rate(rows: &[&Row]) -> Vec<Line> {
    let hour = |row: &Row| vec![Some(aig_logs::time::text(row.at.duration_trunc(TimeDelta::hours(1)).unwrap()))];
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let status = |range: std::ops::Range<i64>| {
            rows.iter().filter(|row| row.status.is_some_and(|status| range.contains(&status))).count()
        };
        let errors = failures(&rows);
        let [client, server] = [status(400..500), status(500..1_000)].map(|count| json!(count));
        vec![json!(key[0]), json!(rows.len()), json!(errors), client, server, share(errors, rows.len())]
    };
    groups(rows, hour).into_iter().map(line).collect()
}

/// Failures by what they are, the most frequent first.
fn kinds<'a>(rows: &[&'a Row]) -> Vec<(Key, Vec<&'a Row>)> {
    let failed: Vec<_> = rows.iter().filter(|row| row.success == Some(false)).copied().collect();
    let mut groups = groups(&failed, |row| {
        vec![
            Some(row.name.clone()),
            row.subject.clone(),
            row.status.map(|status| status.to_string()),
            row.error.clone().filter(|_| !row.is_log),
        ]
    });
    largest(&mut groups, |(_, rows)| rows.len() as f64);
    groups
}

fn kind(key: &Key, rows: &[&Row]) -> Line {
    vec![json!(key[0]), json!(key[1]), json!(rows[0].status), json!(key[3]), json!(rows.len())]
}

fn top(rows: &[&Row]) -> Vec<Line> {
    let line =
        |(key, rows): (Key, Vec<&Row>)| [kind(&key, &rows), vec![json!(users(&rows)), json!(last(&rows))]].concat();
    kinds(rows).into_iter().map(line).collect()
}

fn new(rows: &[&Row], hours: i64) -> Vec<Line> {
    let since = aig_logs::time::text(now() - TimeDelta::hours(hours));
    let is_new = kinds(rows).into_iter().filter(|(_, rows)| first(rows) >= since);
    is_new.map(|(key, rows)| [kind(&key, &rows), vec![json!(first(&rows))]].concat()).collect()
}

fn types(rows: &[&Row]) -> Vec<Line> {
    let failed: Vec<_> = rows.iter().filter(|row| row.success == Some(false)).copied().collect();
    let mut groups = groups(&failed, |row| {
        let status = row.status.map(|status| status.to_string());
        vec![row.error.clone().or(status).or_else(|| Some(row.name.clone()))]
    });
    largest(&mut groups, |(_, rows)| rows.len() as f64);
    groups
        .into_iter()
        .map(|(key, rows)| vec![json!(key[0]), json!(rows.len()), share(rows.len(), failed.len())])
        .collect()
}

/// Failed sign-ins.
fn sign_ins<'a>(rows: &[&'a Row]) -> Vec<&'a Row> {
    let failed = |row: &&&Row| {
        row.success == Some(false) && ["auth_ssh_failure", "auth.login_success"].contains(&row.name.as_str())
    };
    rows.iter().filter(failed).copied().collect()
}

fn brute_force(rows: &[&Row], more: usize) -> Vec<Line> {
    let mut groups = groups(&sign_ins(rows), |row| vec![row.user.clone(), row.text("ip_address")]);
    groups.retain(|(_, rows)| rows.len() > more);
    largest(&mut groups, |(_, rows)| rows.len() as f64);
    let line =
        |(key, rows): (Key, Vec<&Row>)| vec![json!(key[0]), json!(key[1]), json!(rows.len()), json!(last(&rows))];
    groups.into_iter().map(line).collect()
}

fn auth(rows: &[&Row]) -> Vec<Line> {
    let mut failed = sign_ins(rows);
    failed.sort_by_key(|row| (std::cmp::Reverse(row.at), row.org.clone(), row.id.clone()));
    let line = |row: &Row| {
        vec![json!(row.time()), json!(row.name), json!(row.user), json!(row.text("ip_address")), json!(row.error)]
    };
    failed.into_iter().map(line).collect()
}
