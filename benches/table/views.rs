//! How fast the views show a day and a month of the logs of a year, in a SQLite file.
#![expect(
    clippy::disallowed_methods,
    reason = "it measures how long things really take, and views ask which day it is"
)]

use std::time::{Duration, Instant, SystemTime};

use aig_logs::{
    log::metadata::MetadataKeys,
    sink::{
        sql::{BIGQUERY, Script},
        sqlite::Sqlite,
    },
    time::Timestamp,
};
use chrono::{DateTime, Days, NaiveDate, TimeDelta};
use rusqlite::Connection;

use crate::{
    line::{Goal, Line},
    questions::{at, numbers},
};

const LOGS: [u64; 2] = [1_000_000, 5_000_000];
const YEAR: TimeDelta = TimeDelta::days(365);

/// How often each view is read; the slowest time counts.
const READ: usize = 5;

/// Views that show the same days whatever the filter, and how many.
const FIXED: [(&str, &str); 3] =
    [("aig_top_users", "30 days"), ("aig_cost_anomalies", "58 days"), ("aig_models", "all days")];

/// No view of logs that are copied: it tells of the program.
const OTHERS: [&str; 2] = ["aig_logs", "aig_pipeline_by_hour"];

/// A day, a month, and what takes its days from elsewhere.
pub fn measure() -> Vec<Line> {
    LOGS.into_iter().flat_map(measure_of).collect()
}

fn measure_of(logs: u64) -> Vec<Line> {
    let folder = tempfile::tempdir().unwrap();
    let file = Connection::open(folder.path().join("views.sqlite")).unwrap();
    file.pragma_update(None, "synchronous", "OFF").unwrap();
    Sqlite::new(&file, &MetadataKeys::default()).unwrap();
    let today = DateTime::from(SystemTime::now()).date_naive();
    for gateway in ["one", "two"] {
        add_logs(&file, gateway, logs / 2, today.and_hms_opt(0, 0, 0).unwrap().and_utc());
    }
    let views = BIGQUERY.iter().filter_map(Script::bigquery_view).map(|(view, _)| view);
    let lines = views.filter(|view| !OTHERS.contains(view)).flat_map(|view| {
        if let Some((_, days)) = FIXED.iter().find(|(fixed, _)| *fixed == view) {
            let goal = (view != "aig_models").then_some(2.0);
            return vec![line(&file, view, "TRUE", days, logs, goal)];
        }
        // A key of the metadata is asked for alone: its lines add up.
        let key = if view == "aig_spend_by_metadata" { " AND key = 'team'" } else { "" };
        let since = |days| format!("day >= '{}'{key}", before(today, days));
        vec![
            line(&file, view, &since(1), "a day", logs, Some(0.3)),
            line(&file, view, &since(30), "30 days", logs, Some(2.0)),
        ]
    });
    lines.collect()
}

fn before(today: NaiveDate, days: u64) -> NaiveDate {
    today - Days::new(days)
}

fn line(file: &Connection, view: &str, filter: &str, days: &str, logs: u64, most: Option<f64>) -> Line {
    let read = || {
        let began = Instant::now();
        let mut statement = file.prepare(&format!("SELECT * FROM {view} WHERE {filter}")).unwrap();
        let mut rows = statement.query([]).unwrap();
        while rows.next().unwrap().is_some() {}
        began.elapsed()
    };
    read();
    let slowest: Duration = (0..READ).map(|_| read()).max().unwrap();
    let (what, slowest) = (format!("{view}, {days}, {logs} logs of a year"), slowest.as_secs_f64());
    match most {
        Some(most) => Line::new(what, slowest, "s", Goal::AtMost(most)),
        None => Line::without_goal(what, slowest, "s"),
    }
}

/// Adds logs of a gateway in the order of the key, evenly over a year. One of a hundred is a second attempt.
fn add_logs(file: &Connection, gateway: &str, logs: u64, end: Timestamp) {
    let at = at(logs, YEAR, end);
    // A model has one provider, and a status says whether a call was a success.
    let mixed = "(n * 2654435761 % 4294967296 / 256)";
    let sql = format!(
        "INSERT INTO aig_logs_raw (gateway, created_at, id, ingested_at, model, provider, status_code, success, cached, \
         duration, latency, cost, tokens_in, tokens_out, step, event_id, metadata) SELECT '{gateway}', {at}, \
         printf('%08x', n), {at}, 'model' || ({mixed} % 8), 'provider' || ({mixed} % 8 % 3), \
         iif({mixed} / 8 % 30 > 0, 200, 500), {mixed} / 8 % 30 > 0, {mixed} % 20 = 0, 9000.0 / (1 + abs(random()) % 1000), \
         3000.0 / (1 + abs(random()) % 1000), (abs(random()) % 1000) / 1e5, abs(random()) % 4000, abs(random()) % 900, \
         n % 100 = 1, iif(n % 100 < 40, printf('%08x', n - (n % 100 = 1)), NULL), json_object('team', 'team' || \
         (abs(random()) % 12), 'user', 'user' || (abs(random()) % 1000)) FROM numbers"
    );
    file.execute_batch(&format!("{} {sql}", numbers(logs))).unwrap();
}
