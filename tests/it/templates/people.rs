//! Users: how many, what they do, and whether they come back.
#![expect(clippy::cast_precision_loss, reason = "a test has few rows")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, TimeDelta};
use serde_json::{Value, json};

use super::{
    loops::{
        Check, Key, Line, check, cost, day, distinct, failures, groups, largest, last, mean, now, number, percentile,
        users,
    },
    rows::Row,
};

const ANOMALIES: &str = "organization user cost ownDays ownAverage ownP95";

pub fn checks() -> Vec<Check> {
    vec![
        check("active-users", "all", 60 * 24, "day daily weekly monthly", active),
        check("sessions", "events", 168, "day sessions users eventsPerSession seconds", sessions),
        check("top-users", "all", 168, "user events errors sessions cost lastSeen", top),
        check("stickiness", "all", 90 * 24, "month daily monthly stickiness", stickiness),
        check("weekly-retention", "all", 56 * 24, "cohort size week active retention", retention),
        check("cost-anomalies", "all", 29 * 24, ANOMALIES, |rows| anomalies(rows, 7, 2.0)),
        check("cost-anomalies", "all", 29 * 24, ANOMALIES, |rows| anomalies(rows, 14, 1.0))
            .with(json!({ "least": 14, "times": 1 })),
    ]
}

fn known<'a>(rows: &[&'a Row]) -> Vec<&'a Row> {
    rows.iter().filter(|row| row.user.is_some()).copied().collect()
}

fn active(rows: &[&Row]) -> Vec<Line> {
    let rows = known(rows);
    let start = aig_logs::time::text(now() - TimeDelta::days(60));
    let line = |(key, of_day): (Key, Vec<&Row>)| {
        let of = |days: i64| {
            let first = day(of_day[0].at, 1 - days);
            let within = |row: &&&Row| day(row.at, 0) >= first && Some(day(row.at, 0)) <= key[0];
            let found: Vec<_> = rows.iter().filter(within).copied().collect();
            if format!("{first}T00:00:00.000Z") >= start { json!(users(&found)) } else { Value::Null }
        };
        vec![json!(key[0]), json!(users(&of_day)), of(7), of(30)]
    };
    groups(&rows, |row| vec![Some(day(row.at, 0))]).into_iter().map(line).collect()
}

fn sessions(rows: &[&Row]) -> Vec<Line> {
    let with: Vec<_> = rows.iter().filter(|row| row.session.is_some()).copied().collect();
    let mut days: BTreeMap<String, Vec<Vec<&Row>>> = BTreeMap::new();
    for (_, mut rows) in groups(&with, |row| vec![Some(row.org.clone()), row.session.clone()]) {
        rows.sort_by_key(|row| row.at);
        days.entry(day(rows[0].at, 0)).or_default().push(rows);
    }
    let line = |(day, sessions): (String, Vec<Vec<&Row>>)| {
        let user = |rows: &Vec<&Row>| rows.iter().filter_map(|row| row.user.clone()).max();
        let users: BTreeSet<_> = sessions.iter().filter_map(user).collect();
        let events: Vec<_> = sessions.iter().map(|rows| rows.len() as f64).collect();
        let seconds = |rows: &Vec<&Row>| (rows[rows.len() - 1].at.timestamp() - rows[0].at.timestamp()) as f64;
        let seconds: Vec<_> = sessions.iter().map(seconds).collect();
        vec![json!(day), json!(sessions.len()), json!(users.len()), mean(&events), mean(&seconds)]
    };
    days.into_iter().map(line).collect()
}

fn top(rows: &[&Row]) -> Vec<Line> {
    let mut groups = groups(&known(rows), |row| vec![row.user.clone()]);
    largest(&mut groups, |(_, rows)| rows.len() as f64);
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let sessions = distinct(&rows, |row| row.session.clone());
        let counts = [rows.len(), failures(&rows), sessions].map(|count| json!(count));
        [vec![json!(key[0])], counts.into(), vec![number(cost(&rows)), json!(last(&rows))]].concat()
    };
    groups.into_iter().map(line).collect()
}

fn stickiness(rows: &[&Row]) -> Vec<Line> {
    let rows = known(rows);
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let pairs = distinct(&rows, |row| Some(format!("{} {:?}", day(row.at, 0), row.user)));
        let daily = pairs as f64 / distinct(&rows, |row| Some(day(row.at, 0))) as f64;
        vec![json!(key[0]), number(daily), json!(users(&rows)), number(daily / users(&rows) as f64)]
    };
    groups(&rows, |row| vec![Some(day(row.at, 0)[..7].to_owned())]).into_iter().map(line).collect()
}

fn retention(rows: &[&Row]) -> Vec<Line> {
    let monday = |row: &Row| row.at.date_naive() - TimeDelta::days(row.at.weekday().num_days_from_monday().into());
    let mut weeks: BTreeMap<&String, BTreeSet<chrono::NaiveDate>> = BTreeMap::new();
    for row in rows {
        if let Some(user) = &row.user {
            weeks.entry(user).or_default().insert(monday(row));
        }
    }
    let mut active: BTreeMap<chrono::NaiveDate, BTreeMap<i64, usize>> = BTreeMap::new();
    for weeks in weeks.values() {
        let first = *weeks.first().unwrap();
        for week in weeks {
            *active.entry(first).or_default().entry((*week - first).num_weeks()).or_default() += 1;
        }
    }
    let lines = active.into_iter().flat_map(|(cohort, weeks)| {
        let size = weeks[&0];
        weeks.into_iter().map(move |(week, active)| {
            let retention = number(active as f64 / size as f64);
            vec![json!(cohort.to_string()), json!(size), json!(week), json!(active), retention]
        })
    });
    lines.collect()
}

fn anomalies(rows: &[&Row], least: usize, times: f64) -> Vec<Line> {
    let paid: Vec<_> = known(rows).into_iter().filter(|row| row.cost.is_some()).collect();
    let mut lines = Vec::new();
    for (key, rows) in groups(&paid, |row| vec![Some(row.org.clone()), row.user.clone()]) {
        let of_day = |later: i64| {
            let day = day(now(), later);
            let rows: Vec<_> = rows.iter().filter(|row| super::loops::day(row.at, 0) == day).copied().collect();
            (!rows.is_empty()).then(|| cost(&rows))
        };
        let mut own: Vec<_> = (-28..0).filter_map(of_day).collect();
        own.sort_by(f64::total_cmp);
        let Some(today) = of_day(0).filter(|_| own.len() >= least) else { continue };
        let p95 = percentile(&own, 95);
        if today > times * p95 {
            lines.push(vec![json!(key[0]), json!(key[1]), number(today), json!(own.len()), mean(&own), number(p95)]);
        }
    }
    largest(&mut lines, |line| line[2].as_f64().unwrap());
    lines
}
