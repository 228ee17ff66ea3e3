//! The views over rows of every kind, in `BigQuery`'s dialect and in `SQLite`: both show what plain loops work out.

mod activity;
mod columns;
mod computed;
mod dashboard;
mod kept;
mod of_events;
mod rows;
mod runs;
mod streamed;

use std::{collections::BTreeSet, fs};

use aig_logs::{
    log::{columns::LOGS, metadata::MetadataKeys},
    pass::RUNS,
    sink::{
        Sink as _,
        sql::{BIGQUERY, Script},
        sqlite::Sqlite,
    },
    time,
};
use chrono::{DateTime, SubsecRound as _, TimeDelta};
use futures_util::FutureExt as _;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use self::{
    activity::{activity, assert_telling_of_orgs, events},
    columns::{apply_with, disturbing},
    computed::{Lines, View, views, word},
    rows::{Rows, rows},
    runs::{lines_of, pipeline_by_hour, runs},
};
use crate::{
    cli,
    peer::{BigQuery, DATASET, PROJECT, Peer, TABLE, googlesql::GoogleSql},
    world::table::select,
};

type Line = Map<String, Value>;

/// How far two sums of the same numbers may be apart, relative to their size.
const ROUNDING: f64 = 1e-9;

#[test]
fn views_in_bigquery_show_what_the_rows_say() {
    let Some(peer) = Peer::start() else { return };
    assert_views_show(&peer);
}

#[test]
fn views_in_googlesql_show_what_the_rows_say() {
    let Some(peer) = GoogleSql::start() else { return };
    assert_views_show(&peer);
}

fn assert_views_show(peer: &impl BigQuery) {
    let Rows { newest, older, now } = rows();
    let raw = [older, newest].concat();
    peer.insert(&raw.iter().map(|row| serde_json::to_value(row).unwrap()).collect::<Vec<_>>());
    // Once more over what is there: every statement may be carried out again, and with columns that are called as anything.
    apply_with(peer, &disturbing());
    let computed = views(&raw, now);
    assert_telling(&computed);
    let runs = runs(now);
    peer.insert_into(RUNS.name, &lines_of(&runs));
    for view in computed.iter().chain([&pipeline_by_hour(&runs)]) {
        view.assert_shows(peer.query(&format!("SELECT * FROM `{PROJECT}.{DATASET}.{}`", view.name)));
    }

    for example in examples() {
        peer.query(&example);
    }

    let logs = format!("SELECT id, cost, ingested_at, created_at FROM `{PROJECT}.{DATASET}.aig_logs`");
    // A whole second: the peer answers instants as seconds.
    let border = (now - TimeDelta::days(7)).trunc_subsecs(0);
    let filtered = peer.query(&format!("{logs} WHERE created_at < TIMESTAMP '{}'", time::text(border)));
    let seconds = |line: &Line| seconds_of(line["created_at"].as_str().unwrap());
    let mut whole = peer.query(&logs);
    whole.retain(|line| seconds(line) < border.timestamp());
    assert!(filtered.len() > 100);
    assert_eq!(in_order(filtered), in_order(whole));
}

#[test]
fn views_in_sqlite_show_what_the_rows_say() {
    let file = Connection::open_in_memory().unwrap();
    let Rows { newest, now, .. } = rows();
    // Many rows have the key team, and some of them a number or a list under it.
    let keys = MetadataKeys { columns: disturbing(), org: "team".into() };
    let sink = Sqlite::new(&file, &keys).unwrap();
    sink.write(&newest).now_or_never().unwrap().unwrap();
    let computed = views(&newest, now);
    assert_telling(&computed);
    let runs = runs(now);
    sink.write(&runs).now_or_never().unwrap().unwrap();
    let events = events(now);
    sink.write(&events).now_or_never().unwrap().unwrap();
    let activity = activity(&newest, &events, "team");
    assert_telling_of_orgs(&activity);
    for view in computed.iter().chain([&pipeline_by_hour(&runs), &activity]) {
        let lines = select(&file, view.name).into_iter().map(|line| line.as_object().unwrap().clone());
        view.assert_shows(lines.collect());
    }
    for example in examples() {
        file.prepare(&example.replace("ai_gateway.", "")).unwrap();
    }
}

/// A table as the TypeScript program's README has it made, its rows, and its view, become ours.
#[test]
fn the_table_of_the_typescript_program_becomes_ours_with_its_rows() {
    let Some(peer) = Peer::bare() else { return };
    let table = format!("`{PROJECT}.{DATASET}.{TABLE}`");
    peer.query(&include_str!("typescript_table.sql").replace("`your_project.your_dataset.aig_logs_raw`", &table));
    let old = json!({
        "id": "01JD", "created_at": "2026-09-01T10:00:00.123Z", "provider": "openai", "model": "gpt-4.1",
        "model_type": "text-generation", "success": true, "status_code": 200, "cached": false, "duration": 812.0,
        "tokens_in": 12, "tokens_out": 34, "cost": 0.25, "request_type": "http", "path": "chat/completions",
        "ingested_at": "2026-09-01T10:01:00Z",
    });
    peer.insert(std::slice::from_ref(&old));

    peer.apply();
    peer.apply();
    let raw = peer.query(&format!("SELECT * FROM {table} ORDER BY id"));
    assert_eq!(raw.len(), 2, "the old row, and the row of nulls that comes with the old table");
    let columns: BTreeSet<_> = raw[0].keys().map(String::as_str).collect();
    assert_eq!(columns, LOGS.columns.iter().map(|column| column.name).collect());
    let logs = format!("`{PROJECT}.{DATASET}.aig_logs`");
    let shown = peer.query(&format!("SELECT id, cost, gateway FROM {logs}"));
    assert_eq!(Value::from_iter(shown), json!([{ "id": "01JD", "cost": "0.25", "gateway": null }]));
    let usage = peer.query(&format!("SELECT day, gateway, requests, cost FROM `{PROJECT}.{DATASET}.aig_usage_by_day`"));
    let line = json!([{ "day": "2026-09-01", "gateway": null, "requests": "1", "cost": "0.25" }]);
    assert_eq!(Value::from_iter(usage), line);

    let world = cli::World::start(&["--entries", "40", "--days", "0.003", "--rate", "0"]);
    peer.copy(&world, "forward");
    let filled = format!("COUNT(gateway) AS gateways, COUNT(latency) AS latencies, COUNT(*) AS logs FROM {logs}");
    let filled = peer.query(&format!("SELECT {filled}"));
    assert_eq!(Value::from_iter(filled), json!([{ "gateways": "40", "latencies": "40", "logs": "41" }]));
}

/// What the command prints is one script for `bq query`.
#[test]
fn what_the_command_prints_makes_table_and_views() {
    let Some(peer) = Peer::bare() else { return };
    let world = cli::World::start(&["--entries", "1", "--rate", "0"]);
    let output = world.command(&["sql"]).envs(Peer::SETTINGS).output().unwrap();
    let script = String::from_utf8(output.stdout).unwrap();
    peer.query(&script);
    peer.query(&script);
    for name in ["aig_logs", "aig_usage_by_day", "aig_cost_anomalies"] {
        assert!(peer.query(&format!("SELECT * FROM `{PROJECT}.{DATASET}.{name}`")).is_empty());
    }
}

/// The questions that the documentation asks, one of each view, and those of the README.
fn examples() -> Vec<String> {
    let read = |name| fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (views, readme) = (read("docs/views.md"), read("README.md"));
    let lines = views.lines().filter(|line| line.starts_with("| `aig_"));
    let mut examples: Vec<_> =
        lines.filter_map(|line| Some(line.split_once("| `SELECT ")?.1.split_once('`')?.0)).collect();
    let views = BIGQUERY.iter().filter_map(Script::bigquery_view).count();
    assert_eq!(examples.len(), views - 1, "docs/views.md has a question for each view but aig_logs");
    let asked = readme.lines().filter_map(|line| line.strip_prefix("SELECT ")?.strip_suffix(';'));
    examples.extend(asked);
    assert_eq!(examples.len(), views + 2, "README.md asks three questions");
    examples.iter().map(|example| format!("SELECT {example}")).collect()
}

/// The rows make a difference to every view.
fn assert_telling(computed: &[View]) {
    for View { name, numbers, lines, .. } in computed {
        assert!(!lines.is_empty(), "{name}");
        for (i, number) in numbers.iter().enumerate() {
            assert!(lines.values().any(|line| line[i].is_some_and(|value| value > 0.0)), "{name}.{number}");
        }
    }
    let anomalies: Vec<_> = computed.last().unwrap().lines.keys().map(|name| name[1].as_str()).collect();
    assert!(["spike", "modest"].iter().all(|user| anomalies.contains(user)), "{anomalies:?}");
    assert!(!["rich", "small", "steady", "new"].iter().any(|user| anomalies.contains(user)), "{anomalies:?}");
}

impl View {
    #[track_caller]
    fn assert_shows(&self, shown: Vec<Line>) {
        let mut lines = Lines::new();
        for line in shown {
            let columns: BTreeSet<_> = line.keys().map(String::as_str).collect();
            assert_eq!(
                columns,
                self.words.iter().chain(self.numbers).copied().collect::<BTreeSet<_>>(),
                "{}",
                self.name
            );
            let name = self.words.iter().map(|column| name_of(column, &line[*column])).collect();
            let numbers = self.numbers.iter().map(|column| number_of(&line[*column])).collect();
            let twice = lines.insert(name, numbers);
            assert!(twice.is_none(), "{} has a line twice: {line:?}", self.name);
        }
        assert_eq!(self.lines.keys().collect::<Vec<_>>(), lines.keys().collect::<Vec<_>>(), "{}", self.name);
        for (name, expected) in &self.lines {
            let same = expected.iter().zip(&lines[name]).all(|pair| match pair {
                (Some(one), Some(other)) => (one - other).abs() <= ROUNDING * one.abs().max(1e-6),
                (one, other) => one.is_none() && other.is_none(),
            });
            assert!(
                same,
                "{} {name:?} {:?}\nexpected {expected:?}\nshown    {:?}",
                self.name, self.numbers, lines[name]
            );
        }
    }
}

/// A value as the name of a line. The peer answers instants as seconds, and SQLite has no truths.
fn name_of(column: &str, value: &Value) -> String {
    let text = if value.is_number() { value.to_string() } else { word(value.as_str()) };
    match column {
        "hour" | "created_at" if !text.contains('T') => {
            time::text(DateTime::from_timestamp_millis(millis_of(&text)).unwrap())
        }
        "success" | "cached" | "unpriced" | "rescued" => match (text.as_str(), value.as_bool()) {
            ("1", _) | (_, Some(true)) => "true".to_owned(),
            ("0", _) | (_, Some(false)) => "false".to_owned(),
            _ => text,
        },
        // BigQuery sorts the keys of an object.
        "metadata" => serde_json::from_str(&text).map_or(text, |value: Value| value.to_string()),
        _ => text,
    }
}

/// A peer's instant, in milliseconds.
fn millis_of(text: &str) -> i64 {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{seconds}{fraction:0<3.3}").parse().unwrap()
}

/// The whole ones of a peer's instant.
fn seconds_of(text: &str) -> i64 {
    text.split('.').next().unwrap().parse().unwrap()
}

/// The peer answers numbers as text.
fn number_of(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str().map(|text| text.parse().unwrap()))
}

fn in_order(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by_key(|line| line["id"].as_str().unwrap().to_owned());
    lines
}
