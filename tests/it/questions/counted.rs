//! Histories of rows that come late, come again and go, and what is counted once of them: where it answers, and how many
//! lines it reads.

use std::collections::BTreeMap;

use aig_logs::{
    host::Server,
    rollup,
    sink::{Sink, d1::D1Sink, sqlite::Sqlite},
    time::{self, Timestamp},
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use rusqlite::limits::Limit;
use serde_json::{Map, Value, json};

use super::{
    asked::{MIDDLE, middle},
    loops,
    rows::Row,
};
use crate::events::world::{ADMIN, World};

/// What happens to the rows.
#[derive(Debug, Clone)]
pub enum Step {
    /// Rows come: new ones, or again.
    Come(Vec<Row>),
    /// Some rows that have come before come again, from this place on.
    Again(usize),
    /// Every row whose place leaves this rest, divided by three, goes.
    Go(usize),
    /// The cost of logs becomes known, where the place leaves this rest.
    Change(usize),
    /// At most so many spans are counted, and those that are older than so many days are forgotten.
    Count(usize, i64),
    /// Time passes: so many minutes.
    Pass(i64),
}

/// A history: the world, and the rows that are there by their place.
pub struct History {
    pub world: World,
    pub there: BTreeMap<usize, Row>,
    come: Vec<Row>,
}

impl History {
    pub fn new() -> Self {
        Self::of(World::new())
    }

    /// A history of a world without rows.
    pub fn of(world: World) -> Self {
        world.host.now.set(middle() - TimeDelta::hours(30));
        Self { world, there: BTreeMap::new(), come: Vec::new() }
    }

    pub fn act(&mut self, step: Step) {
        let connection = &self.world.host.memory.connection;
        match step {
            Step::Come(rows) => {
                for row in rows {
                    let place = self.come.len();
                    self.write(place, &row, row.at);
                    self.there.insert(place, row.clone());
                    self.come.push(row);
                }
            }
            Step::Again(from) => {
                for place in from..self.come.len().min(from + 5) {
                    let row = self.come[place].clone();
                    self.write(place, &row, row.at);
                    self.there.entry(place).or_insert(row);
                }
            }
            Step::Go(rest) => {
                for place in (0..self.come.len()).filter(|place| place % 3 == rest) {
                    let table = if self.come[place].is_log { "aig_logs_raw" } else { "events_raw" };
                    connection.execute(&format!("DELETE FROM {table} WHERE id = ?"), [format!("id{place}")]).unwrap();
                    self.there.remove(&place);
                }
            }
            Step::Change(rest) => {
                let logs = self.there.iter_mut().filter(|(place, row)| *place % 3 == rest && row.is_log);
                logs.for_each(|(_, row)| row.cost = Some(8.0));
                for (place, row) in self.there.iter().filter(|(place, row)| *place % 3 == rest && row.is_log) {
                    self.write(*place, row, row.at + TimeDelta::minutes(1));
                }
            }
            Step::Count(most, days) => self.count(most, days),
            Step::Pass(minutes) => {
                self.world.host.now.set(self.world.host.now.get() + TimeDelta::minutes(minutes));
            }
        }
    }

    /// An event comes through the server, a log through a sink: into the file, or into a database like D1.
    fn write(&self, place: usize, row: &Row, ingested_at: Timestamp) {
        let (host, record) = (&self.world.host, row.record(place, ingested_at));
        let written = match (row.is_log, place % 2) {
            (false, _) => host.keep(vec![record]).now_or_never().unwrap().map(drop),
            (true, 0) => Sqlite::of(&host.memory.connection).write(&[record]).now_or_never().unwrap().map(drop),
            (true, _) => D1Sink::new(&host.memory).write(&[record]).now_or_never().unwrap().map(drop),
        };
        written.unwrap();
    }

    fn count(&self, most: usize, days: i64) {
        let host = &self.world.host;
        rollup::pass(&host.memory, "org", TimeDelta::days(days), host.now(), most).now_or_never().unwrap().unwrap();
    }

    pub fn ask(&self, path: &str, question: &Value) -> Value {
        let (status, answer) = self.world.ask("POST", path, ADMIN, &question.to_string());
        assert_eq!(status, 200, "{answer} to {question}");
        answer
    }
}

/// A few rows of two days that are counted.
pub fn some_history() -> History {
    let mut history = History::new();
    let row = |at: &str| Row { duration: Some(2.0), user: Some("u".into()), ..Row::event("acme", at, "x") };
    history.act(Step::Come(vec![row("2026-11-23T01:10:00Z"), row("2026-11-24T00:59:00Z")]));
    history.act(Step::Come(vec![Row { team: Some(json!("search")), ..Row::log("acme", "2026-11-23T01:10:00Z") }]));
    history.act(Step::Count(1_000, 760));
    history
}

#[test]
fn what_is_counted_is_used_where_it_can_be() {
    let mut history = History::new();
    let row = |at: &str| Row { duration: Some(2.0), user: Some("u".into()), ..Row::event("acme", at, "x") };
    history.act(Step::Come(vec![row("2026-11-23T01:10:00Z"), row("2026-11-24T00:59:00Z")]));
    // A team for all, and a value for each.
    for id in 0..102 {
        let log = "INSERT INTO aig_logs_raw (gateway, created_at, id, cost, ingested_at, metadata) \
                   VALUES ('a', '2026-11-23T08:00:00.000Z', ?1, 1, '', json_object('team', 'search', 'id', ?1))";
        history.world.host.memory.connection.execute(log, [id]).unwrap();
    }
    // Keys of other logs, more than are counted.
    let others: Map<String, Value> = (0..25).map(|n| (format!("k{n:02}"), n.into())).collect();
    let log = "INSERT INTO aig_logs_raw (gateway, created_at, id, ingested_at, metadata) \
               VALUES ('a', '2026-11-23T09:00:00.000Z', 'other', '', ?1)";
    history.world.host.memory.connection.execute(log, [Value::from(others).to_string()]).unwrap();
    history.act(Step::Count(1_000, 760));
    let check = |path: &str, further: Value, from: &str, exact: Value, read: u32| {
        let mut question = json!({ "start": "2026-11-23T00:00:00Z", "end": "2026-11-24T02:00:00Z" });
        question.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        let answer = history.ask(path, &question);
        assert_eq!(answer["meta"]["from"], from, "{question}");
        assert_eq!(answer["meta"]["exact"], exact, "{question}");
        assert_eq!(answer["meta"]["rowsRead"], read, "{question}");
    };
    let about = json!({ "error": 0.01 });
    // A line of the day before, and one of the hour.
    check("/query", json!({}), "rollup", about.clone(), 2);
    check("/query", json!({ "metrics": ["count"], "groupBy": "hour" }), "rollup", true.into(), 2);
    check("/query", json!({ "exact": true }), "raw", true.into(), 2);
    check("/query", json!({ "groupBy": ["day", "user"] }), "raw", true.into(), 2);
    check("/query", json!({ "groupBy": ["user"], "metrics": ["count"] }), "rollup", true.into(), 2);
    check("/query", json!({ "groupBy": ["day", "subject"], "organizationId": "acme" }), "rollup", about.clone(), 2);
    check("/metrics/performance", json!({ "groupBy": ["endpoint"] }), "rollup", about, 2);
    let by_key = |key: &str, from: &str, read: u32| {
        let question = json!({ "dataset": "logs", "groupBy": format!("metadata.{key}"), "metrics": ["cost"] });
        check("/query", question, from, true.into(), read);
    };
    // A line for a value, and one for the logs without the key.
    by_key("team", "rollup", 2);
    by_key("k17", "rollup", 2);
    // Too many values, and too many keys.
    by_key("id", "raw", 103);
    by_key("k18", "raw", 103);
    check("/metrics/users", json!({ "groupBy": ["day"] }), "rollup", true.into(), 3);
    check("/metrics/cohorts", json!({ "period": "day" }), "rollup", true.into(), 3);
}

#[test]
fn a_users_month_reads_fewer_than_n_rows() {
    let mut history = History::new();
    // Thirty days, on each of which ten users do something ten times.
    let row = |day: i64, n: usize| Row {
        at: middle() - TimeDelta::days(32 - day),
        user: Some(format!("u{}", n % 10)),
        cost: Some(1.0),
        ..Row::event("acme", MIDDLE, "x")
    };
    history.act(Step::Come((0..30).flat_map(|day| (0..100).map(move |n| row(day, n))).collect()));
    history.act(Step::Count(10_000, 760));
    let question = json!({
        "start": "2026-10-24T00:00:00Z", "end": "2026-11-23T00:00:00Z", "organizationId": "acme",
        "filters": [{ "field": "user", "op": "eq", "values": ["u7"] }], "metrics": ["count", "cost"],
    });
    let answer = history.ask("/query", &question);
    assert_eq!(answer["rows"], json!([{ "count": 30 * 10, "cost": 30 * 10 }]));
    // A line a day in place of 3,000 rows. It is found by the key.
    assert_eq!(answer["meta"]["rowsRead"], 30);
    let texts = super::texts::texts(&history.world, "/query", &question);
    let mut explain =
        history.world.host.memory.connection.prepare(&format!("EXPLAIN QUERY PLAN {}", texts.last().unwrap())).unwrap();
    let nothing = std::iter::repeat_n(rusqlite::types::Null, explain.parameter_count());
    let plan = explain.query_map(rusqlite::params_from_iter(nothing), |row| row.get("detail")).unwrap();
    let plan: Vec<String> = plan.map(Result::unwrap).collect();
    let plan = plan.join("\n");
    assert!(
        plan.contains("SEARCH r USING PRIMARY KEY (source=? AND org=? AND day=? AND named=? AND user_id=?)"),
        "{plan}"
    );
}

#[test]
fn an_answer_is_ordered_by_a_percentile_of_what_is_counted() {
    let mut history = History::new();
    let row = |name: &str, duration| Row { duration, ..Row::event("acme", "2026-11-23T01:10:00Z", name) };
    let rows = [("a", Some(10.0)), ("b", None), ("c", Some(1_000.0)), ("d", Some(100.0)), ("e", Some(10.0))];
    history.act(Step::Come(rows.map(|(name, duration)| row(name, duration)).into()));
    history.act(Step::Count(1_000, 760));
    let check = |order: &str, limit: usize, expected: &[&str]| {
        let question = json!({
            "start": "2026-11-23T00:00:00Z", "end": "2026-11-24T00:00:00Z", "groupBy": ["name"], "metrics": ["count", "p95"],
            "orderBy": order, "limit": limit,
        });
        let answer = history.ask("/query", &question);
        let names: Vec<_> =
            answer["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{order}");
        assert_eq!(answer["meta"]["truncated"], limit < 5, "{order}");
        assert_eq!(answer["meta"]["from"], "rollup");
    };
    // As SQLite orders: nothing comes before everything, and last of all if the largest come first.
    check("p95", 5, &["b", "a", "e", "d", "c"]);
    check("-p95", 5, &["c", "d", "a", "e", "b"]);
    check("-p95", 2, &["c", "d"]);
}

#[test]
fn more_groups_than_fit_stand_together_and_are_asked_of_rows() {
    let mut history = History::new();
    let row = |n: usize| {
        let subject = format!("s{:03}", n % 150);
        Row { subject: Some(subject), duration: Some(1.0), ..Row::event("acme", "2026-11-23T01:10:00Z", "x") }
    };
    let rows: Vec<_> = (0..400).map(row).collect();
    history.act(Step::Come(rows.clone()));
    history.act(Step::Count(1_000, 760));
    let lines = history.world.host.memory.lines(
        "SELECT count(*) AS n, sum(events) AS events, total(rest) AS rest FROM rollups WHERE together = 0 AND level = 3 AND grain = 'day'",
        &[],
    );
    // Those that stand together in the hour, and the one more that has no place in the day.
    assert_eq!(Value::Object(lines[0].clone()), json!({ "n": 101, "events": 400, "rest": 2.0 }));
    let mut question = json!({
        "start": "2026-11-23T00:00:00Z", "end": "2026-11-24T00:00:00Z", "groupBy": ["subject"], "metrics": ["count", "p50"],
    });
    let instants = ["2026-11-23T00:00:00Z", "2026-11-23T12:00:00Z", "2026-11-24T00:00:00Z"];
    for (field, from) in [("subject", "raw"), ("name", "rollup")] {
        question["groupBy"] = json!([field]);
        let answer = history.ask("/query", &question);
        assert_eq!(answer["meta"]["from"], from);
        let expected = loops::answer(&rows, &question, instants.map(|at| time::parse(at).unwrap()));
        assert!(loops::agree(&answer, &expected), "{answer:#}");
    }
}

/// Two years of hours of events and of logs.
#[test]
fn the_values_of_a_question_fit_into_d1() {
    let history = some_history();
    let memory = &history.world.host.memory.connection;
    let question = json!({
        "dataset": "all", "start": "2024-11-01T00:30:00Z", "end": "2026-11-24T01:00:00Z", "groupBy": "hour", "limit": 1,
        "metrics": ["count"],
    });
    // D1 has 2 MB for a value.
    memory.set_limit(Limit::SQLITE_LIMIT_LENGTH, 2_000_000).unwrap();
    let answer = history.ask("/query", &question);
    assert_eq!(answer["meta"]["from"], "rollup");
}
