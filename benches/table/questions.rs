//! How fast questions are answered over ten million events and five million logs in a SQLite file, and what counting closed
//! hours once takes.
#![expect(clippy::disallowed_methods, reason = "it measures how long things really take")]

use std::{
    env, fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use aig_logs::{
    database::sqlite::SqliteDatabase,
    log::metadata::MetadataKeys,
    query::{self, Asker, Known, shapes},
    rollup,
    time::{self, Timestamp},
};
use chrono::TimeDelta;
use cpu_time::ProcessTime;
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::line::{Goal, Line};

const EVENTS: u64 = 10_000_000;
const LOGS: u64 = 5_000_000;
const ORGS: u64 = 20;
const DAYS: i64 = 30;

/// The instant after the last row.
const END: &str = "2026-11-28T00:00:00Z";

/// Names a file, which must not be there yet, for the events and logs; without it they are in one that goes.
const KEPT: &str = "AIG_LOGS_BENCH_FILE";

/// How often each question is asked.
const ASKED: usize = 100;

/// What the page asks, over all days.
fn questions() -> Vec<(&'static str, &'static query::Shape, Value)> {
    let of = |dataset: &str, groups: Value, metrics: Value| json!({ "dataset": dataset, "groupBy": groups, "metrics": metrics });
    vec![
        ("numbers", &shapes::QUERY, of("all", json!(["hour"]), json!(["count", "errors", "cost", "p95"]))),
        ("spend", &shapes::QUERY, of("logs", json!(["day", "model"]), json!(["cost"]))),
        ("what changed", &shapes::QUERY, of("logs", json!(["metadata.team", "model"]), json!(["cost", "count"]))),
        ("who", &shapes::QUERY, of("logs", json!(["metadata.team"]), json!(["cost", "count"]))),
        (
            "models",
            &shapes::QUERY,
            of("logs", json!(["model"]), json!(["cost", "count", "tokensIn", "tokensOut", "p95", "errors"])),
        ),
        ("latency", &shapes::QUERY, of("logs", json!(["hour"]), json!(["p50", "p95", "p99"]))),
        ("errors", &shapes::QUERY, of("logs", json!(["day", "status"]), json!(["count"]))),
        ("application", &shapes::QUERY, of("events", json!(["name"]), json!(["count", "errorRate", "p95"]))),
        ("users", &shapes::USERS, json!({ "groupBy": "day" })),
        ("usage", &shapes::QUERY, of("events", json!(["organization", "sku"]), json!(["quantity", "cost"]))),
    ]
}

/// Answers, and what it takes to count.
pub fn measure() -> Vec<Line> {
    let folder = tempfile::tempdir().unwrap();
    // Another program may look at the same file afterwards.
    let path = env::var_os(KEPT).map_or(folder.path().join("questions.sqlite"), PathBuf::from);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let database = SqliteDatabase::open(&path, &MetadataKeys::default()).unwrap();
    let file = Connection::open(&path).unwrap();
    file.pragma_update(None, "synchronous", "OFF").unwrap();
    for org in 0..ORGS {
        add_events(&file, &format!("org{org:02}"), EVENTS / ORGS, TimeDelta::days(DAYS));
    }
    let (events, memory) = first_count(&runtime, &database);
    add_logs(&file);
    let (logs, _) = first_count(&runtime, &database);
    let mut lines = vec![
        Line::new(format!("first count of {EVENTS} events: CPU"), events.as_secs_f64(), "s", Goal::AtMost(60.0)),
        Line::new(format!("first count of {EVENTS} events: most memory"), memory, "MB", Goal::AtMost(100.0)),
        Line::without_goal(format!("first count of {LOGS} logs: CPU"), logs.as_secs_f64(), "s"),
    ];
    lines.extend(counts(&runtime));
    for (name, shape, question) in questions() {
        let slowest = p99(|| ask(&runtime, &database, shape, &question, DAYS));
        let name = format!("{name}, {DAYS} days of {EVENTS} events and {LOGS} logs: p99");
        lines.push(Line::new(name, slowest, "ms", Goal::AtMost(300.0)));
    }
    let exact = json!({ "groupBy": "hour", "metrics": ["count", "p95"], "exact": true, "organizationId": "org07" });
    let slowest = p99(|| ask(&runtime, &database, &shapes::QUERY, &exact, 7));
    lines.push(Line::new("one org, 7 days, by raw rows: p99", slowest, "ms", Goal::AtMost(2_000.0)));
    lines
}

/// Counts everything that is not counted yet: the CPU time, and the most memory in MB.
fn first_count(runtime: &Runtime, database: &SqliteDatabase) -> (Duration, f64) {
    // The kernel counts the most memory anew.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let (time, _) = counted(runtime, database);
    (time, peak())
}

/// Counts an hour, and a day of one org.
fn counts(runtime: &Runtime) -> Vec<Line> {
    let of = |rows, time| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("counts.sqlite");
        let database = SqliteDatabase::open(&path, &MetadataKeys::default()).unwrap();
        add_events(&Connection::open(&path).unwrap(), "acme", rows, time);
        counted(runtime, &database)
    };
    let (hour, _) = of(100_000, TimeDelta::hours(1));
    #[expect(clippy::cast_precision_loss, reason = "a few thousand lines")]
    let written = of(240_000, TimeDelta::days(1)).1 as f64 / 240.0;
    vec![
        Line::new("count of an hour with 100000 events: CPU", hour.as_secs_f64(), "s", Goal::AtMost(1.0)),
        Line::new(
            "count of a day with 10000 events an hour: rows written for 1000 events",
            written,
            "",
            Goal::AtMost(10.0),
        ),
    ]
}

/// Counts what is due: the CPU time, and the rows written.
fn counted(runtime: &Runtime, database: &SqliteDatabase) -> (Duration, u64) {
    let before = ProcessTime::now();
    let now = end() + TimeDelta::hours(1);
    let counted = runtime.block_on(rollup::pass(database, "org", TimeDelta::days(760), now, usize::MAX)).unwrap();
    (before.elapsed(), counted.written)
}

/// The most memory since it was last counted anew, MB.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    kilobytes.unwrap().parse::<f64>().unwrap() / 1_000.0
}

fn end() -> Timestamp {
    time::parse(END).unwrap()
}

fn ask(runtime: &Runtime, database: &SqliteDatabase, shape: &query::Shape, question: &Value, days: i64) {
    let mut members: Map<String, Value> = question.as_object().unwrap().clone();
    members.insert("start".into(), time::text(end() - TimeDelta::days(days)).into());
    members.insert("end".into(), END.into());
    members.insert("limit".into(), 10_000.into());
    let question = query::read(members, shape, Asker { org: None, now: end() }).unwrap();
    let known = Known { org_metadata: "org", logs: None, events: None };
    let answer = runtime.block_on(query::ask(database, &question, known)).unwrap();
    assert!(!answer.rows.is_empty());
}

/// The time, ms, that 99 of 100 askings take at most.
fn p99(ask: impl Fn()) -> f64 {
    ask();
    let mut times: Vec<Duration> = (0..ASKED)
        .map(|_| {
            let began = Instant::now();
            ask();
            began.elapsed()
        })
        .collect();
    times.sort();
    times[ASKED * 99 / 100 - 1].as_secs_f64() * 1_000.0
}

/// Adds logs in the order of the key, evenly over the days.
fn add_logs(file: &Connection) {
    let of_gateway = LOGS / 2;
    // A model has one provider, and a status says whether a call was a success.
    let mixed = "(n * 2654435761 % 4294967296 / 256)";
    for gateway in ["one", "two"] {
        let at = at(of_gateway, TimeDelta::days(DAYS), end());
        let sql = format!(
            "INSERT INTO aig_logs_raw (gateway, created_at, id, ingested_at, model, provider, status_code, success, cached, \
             duration, cost, tokens_in, tokens_out, metadata) SELECT '{gateway}', {at}, printf('%08x', n), {at}, \
             'model' || ({mixed} % 8), 'provider' || ({mixed} % 8 % 3), iif({mixed} / 8 % 30 > 0, 200, 500), \
             {mixed} / 8 % 30 > 0, 0, 9000.0 / (1 + abs(random()) % 1000), (abs(random()) % 1000) / 1e5, \
             abs(random()) % 4000, abs(random()) % 900, json_object('org', printf('org%02d', abs(random()) % {ORGS}), \
             'team', 'team' || (abs(random()) % 12), 'user', 'user' || (abs(random()) % 1000)) FROM numbers"
        );
        file.execute_batch(&format!("{} {sql}", numbers(of_gateway))).unwrap();
    }
}

/// Adds events of an org, evenly over the time before the end.
fn add_events(file: &Connection, org: &str, rows: u64, time: TimeDelta) {
    let at = at(rows, time, end());
    let sql = format!(
        "INSERT INTO events_raw SELECT '{org}', {at}, printf('%08x', n), 'name' || (abs(random()) % 10), \
         'user' || (abs(random()) % 250), 'session' || (n / 20), 'subject' || (abs(random()) % 5), \
         abs(random()) % 20 > 0, 200, 5000.0 / (1 + abs(random()) % 1000), (abs(random()) % 100) / 4.0, 'tokens', \
         'sku', 0.001, NULL, 'http', {at}, NULL, NULL FROM numbers"
    );
    file.execute_batch(&format!("{} {sql}", numbers(rows))).unwrap();
}

/// A table of the first numbers.
pub fn numbers(rows: u64) -> String {
    format!("WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {rows})")
}

/// The instant of row `n` of so many, evenly over the time before an end.
pub fn at(rows: u64, time: TimeDelta, end: Timestamp) -> String {
    let start = (end - time).timestamp();
    format!("strftime('%Y-%m-%dT%H:%M:%fZ', {start} + n * {}.0 / {rows}, 'unixepoch')", time.num_seconds())
}
