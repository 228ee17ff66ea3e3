//! Passes that count closed hours and days: what they meet, and what they leave.

use std::cell::Cell;

use aig_logs::host::Server;
use aig_logs::{
    database::{Database, Done, Statement},
    error::CallError,
    record, rollup,
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use rusqlite::limits::Limit;
use serde_json::{Map, Value, json};

use super::{
    counted::{History, Step, some_history},
    rows::Row,
};
use crate::events::world::Memory;

/// A database to which an event comes at the worst moment: after a pass has looked for rows, and before it notes that there
/// are none.
struct Racing<'a> {
    memory: &'a Memory,
    has_come: Cell<bool>,
}

impl Database for Racing<'_> {
    async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Done>, CallError> {
        let notes =
            |statement: &Statement| matches!(statement, Statement::Sql(text, _) if text.contains("starts(start)"));
        if statements.iter().any(notes) && !self.has_come.replace(true) {
            let event = Row::event("acme", "2026-11-23T12:30:00Z", "late");
            self.memory.run(vec![Statement::Write(vec![event.record(9, event.at)])]).await?;
        }
        self.memory.run(statements).await
    }

    async fn query(&self, text: &str, values: Vec<record::Cell>) -> Result<Vec<Map<String, Value>>, CallError> {
        self.memory.query(text, values).await
    }
}

#[test]
fn a_row_that_comes_while_a_pass_looks_leaves_no_gap() {
    let mut history = History::new();
    let row = |at: &str| Row::event("acme", at, "x");
    history.act(Step::Come(vec![row("2026-11-22T01:10:00Z"), row("2026-11-24T00:59:00Z")]));
    let host = &history.world.host;
    let racing = Racing { memory: &host.memory, has_come: Cell::new(false) };
    for _ in 0..3 {
        rollup::pass(&racing, "org", TimeDelta::days(760), host.now(), 1_000).now_or_never().unwrap().unwrap();
    }
    assert!(racing.has_come.get());
    let question = json!({ "start": "2026-11-22T00:00:00Z", "end": "2026-11-24T01:00:00Z", "metrics": ["count"] });
    let answer = history.ask("/query", &question);
    assert_eq!((&answer["rows"][0]["count"], &answer["meta"]["from"]), (&3.into(), &"rollup".into()));
}

#[test]
fn what_is_counted_of_old_days_is_forgotten() {
    let mut history = some_history();
    let days = |history: &History| {
        let tables = [("rollups", "start"), ("rollup_users", "day"), ("rollup_keys", "day"), ("rollup_spans", "start")];
        tables.map(|(table, column)| {
            let days = format!("SELECT json_group_array(DISTINCT substr({column}, 9, 2)) AS days FROM {table}");
            history.world.host.memory.lines(&days, &[])[0]["days"].as_str().unwrap().to_owned()
        })
    };
    assert_eq!(days(&history)[0], r#"["23","24"]"#);
    // In the morning of 25 November, a day is kept.
    history.act(Step::Pass(24 * 60));
    history.act(Step::Count(1_000, 1));
    assert_eq!(days(&history), [r#"["24"]"#, r#"["24"]"#, "[]", r#"["24","25"]"#].map(str::to_owned));
}

#[test]
fn a_span_that_cannot_be_counted_holds_up_no_other() {
    let mut history = History::new();
    let row = |at: &str| Row::event("acme", at, "x");
    history.act(Step::Come(["21T05", "22T05", "23T05"].map(|hour| row(&format!("2026-11-{hour}:10:00Z"))).into()));
    let host = &history.world.host;
    let memory = &host.memory.connection;
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON rollups WHEN NEW.start = '2026-11-22T05:00:00.000Z' \
                  BEGIN SELECT RAISE(ABORT, 'too large'); END";
    memory.execute_batch(refuse).unwrap();
    let pass = || rollup::pass(&host.memory, "org", TimeDelta::days(760), host.now(), 1_000).now_or_never().unwrap();
    let check = |reads: u32| {
        let question = json!({ "start": "2026-11-21T00:00:00Z", "end": "2026-11-24T00:00:00Z", "metrics": ["count"] });
        let answer = history.ask("/query", &question);
        assert_eq!(answer["rows"], json!([{ "count": 3 }]));
        assert_eq!((&answer["meta"]["from"], &answer["meta"]["rowsRead"]), (&"rollup".into(), &reads.into()));
    };
    // The hour and, of the same day, nothing else are read from rows.
    for _ in 0..2 {
        assert!(pass().unwrap_err().to_string().contains("too large"));
        check(3);
    }
    memory.execute_batch("DROP TRIGGER refuse").unwrap();
    pass().unwrap();
    let states = "SELECT json_group_array(DISTINCT state) AS states FROM rollup_spans";
    assert_eq!(host.memory.lines(states, &[])[0]["states"], "[1]");
    check(3);
}

/// The users of a day are counted from its rows, and its lines from its hours. So the first day of an org can have users before
/// it has lines.
#[test]
fn a_day_that_was_counted_before_its_hour_is_counted_again() {
    let mut history = History::new();
    let user = Row { user: Some("ada".into()), ..Row::event("acme", "2026-11-22T05:10:00Z", "x") };
    history.act(Step::Come(vec![user]));
    let host = &history.world.host;
    let memory = &host.memory.connection;
    let refuse =
        "CREATE TRIGGER refuse BEFORE INSERT ON rollups WHEN NEW.grain = 'hour' BEGIN SELECT RAISE(ABORT, 'no'); END";
    memory.execute_batch(refuse).unwrap();
    let pass = || rollup::pass(&host.memory, "org", TimeDelta::days(760), host.now(), 1_000).now_or_never().unwrap();
    assert!(pass().unwrap_err().to_string().contains("no"));
    let lines = |table: &str| host.memory.lines(&format!("SELECT count(*) AS n FROM {table}"), &[])[0]["n"].clone();
    assert_eq!((lines("rollup_users"), lines("rollups")), (1.into(), 0.into()));
    memory.execute_batch("DROP TRIGGER refuse").unwrap();
    pass().unwrap();
    let question = json!({ "start": "2026-11-22T00:00:00Z", "end": "2026-11-23T00:00:00Z", "metrics": ["users"] });
    let answer = history.ask("/query", &question);
    assert_eq!((&answer["rows"], &answer["meta"]["from"]), (&json!([{ "users": 1 }]), &"rollup".into()));
}

#[test]
fn no_value_of_a_pass_is_larger_than_the_buckets_of_one_line() {
    let mut history = History::new();
    let memory = &history.world.host.memory.connection;
    // 12,000 durations, none in the bucket of another, in each of 20 hours.
    let fill = "INSERT INTO events_raw (org, created_at, id, name, duration, source, ingested_at) \
                SELECT 'acme', printf('2026-11-22T%02d:00:00.000Z', key % 20), key, 'n', value, 'http', '' \
                FROM json_each(?1)";
    let durations: Value = (0..240_000).map(|n| f64::from(n / 20 - 6_000).mul_add(0.02, 0.01).exp()).collect();
    memory.execute(fill, [durations.to_string()]).unwrap();
    // As in D1. A line of 12,000 buckets has 125 KB, the lists of all hours have 2.5 MB.
    memory.set_limit(Limit::SQLITE_LIMIT_LENGTH, 2_000_000).unwrap();
    history.act(Step::Count(1_000, 760));
    let most =
        "SELECT max(length(buckets)) AS most, sum(timed) AS timed FROM rollups WHERE level = 1 AND grain = 'day'";
    let line = &history.world.host.memory.lines(most, &[])[0];
    assert_eq!(line["timed"], 2 * 240_000);
    assert!((120_000..140_000).contains(&line["most"].as_i64().unwrap()), "{line:?}");
}

/// Up to 100,000 rows of an hour are counted in another way than more of them, and lines of up to 50 durations in another way
/// than those of more.
#[test]
fn an_hour_of_any_size_is_counted_as_its_rows() {
    for rows in [100_000, 300_000] {
        let mut history = History::new();
        let memory = &history.world.host.memory.connection;
        // Names with 1, 50, 51 and all other rows. Every seventh row has no duration.
        let fill = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)\n\
                    INSERT INTO events_raw (org, created_at, id, name, success, duration, cost, source, ingested_at) \
                    SELECT 'acme', '2026-11-22T07:00:00.000Z', n, \
                    CASE WHEN n <= 1 THEN 'a' WHEN n <= 51 THEN 'b' WHEN n <= 102 THEN 'c' ELSE 'd' END, n % 3 = 0, \
                    CASE WHEN n % 7 OR n < 103 THEN 1.0 * (n % 90) END, 0.5, 'http', '' FROM n";
        memory.execute(fill, [rows]).unwrap();
        // As in D1.
        memory.set_limit(Limit::SQLITE_LIMIT_LENGTH, 2_000_000).unwrap();
        history.act(Step::Count(1_000, 760));
        let lines = |sql: &str| history.world.host.memory.lines(sql, &[]);
        let expected = lines(
            "SELECT name, count(*) AS events, sum(success = 0) AS errors, count(duration) AS timed, sum(duration) AS duration, \
             max(duration) AS longest, sum(cost) AS cost FROM events_raw GROUP BY name ORDER BY name",
        );
        let finest = "FROM rollups WHERE grain = 'hour' AND together = 0 AND level = 3";
        let counted = format!("SELECT name, events, errors, timed, duration, longest, cost {finest} ORDER BY name");
        assert_eq!(lines(&counted), expected, "{rows} rows");
        let buckets = format!(
            "SELECT name, count(*) AS named, count(DISTINCT key) AS buckets, sum(value) AS timed \
             FROM (SELECT name, buckets {finest}) CROSS JOIN json_each(buckets) GROUP BY name ORDER BY name"
        );
        for (line, counted) in lines(&buckets).iter().zip(&expected) {
            assert_eq!(line["timed"], counted["timed"], "{line:?}");
            let is_whole = line["named"] == line["buckets"];
            assert!(is_whole || counted["timed"].as_i64().unwrap() <= 50, "{line:?}");
        }
    }
}

#[test]
fn while_counts_are_forgotten_piece_by_piece_every_answer_is_whole() {
    let mut history = some_history();
    history.act(Step::Pass(48 * 60));
    for _ in 0..20 {
        for dataset in ["events", "logs"] {
            for groups in [json!([]), json!(["organization"]), json!(["user"]), json!(["day"])] {
                let question = json!({
                    "dataset": dataset, "start": "2026-11-22T00:00:00Z", "end": "2026-11-25T00:00:00Z", "groupBy": groups,
                    "metrics": ["count"],
                });
                let answer = history.ask("/query", &question);
                let counts = answer["rows"].as_array().unwrap().iter().map(|row| row["count"].as_u64().unwrap());
                assert_eq!(counts.sum::<u64>(), if dataset == "logs" { 1 } else { 2 }, "{answer:#}");
            }
        }
        history.act(Step::Count(1, 1));
    }
    let left = "SELECT count(*) AS n FROM rollup_spans WHERE start < '2026-11-25'";
    assert_eq!(history.world.host.memory.lines(left, &[])[0]["n"], 0);
}

#[test]
fn a_row_of_somebodys_own_sql_keeps_up_no_count() {
    let mut history = History::new();
    let connection = &history.world.host.memory.connection;
    let event = "INSERT INTO events_raw (org, created_at, id, name, session_id, duration, source, ingested_at) \
                 VALUES (?1, '2026-11-23T01:10:00.000Z', ?2, 'x', ?3, ?4, 'sql', '')";
    for row in [["acme", "a", "s", "12ms"], ["acme", "b", "t", "-"], ["acme", "c", "t", "7"], ["", "d", "s", "7"]] {
        connection.execute(event, row).unwrap();
    }
    history.act(Step::Count(1_000, 760));
    let select =
        "SELECT together, org, events, timed, sessions FROM rollups WHERE grain = 'day' AND level = 1 ORDER BY 1, 2";
    let lines = history.world.host.memory.lines(select, &[]);
    let line = |together: u8, org: &str, events: u8, sessions: u8| json!({ "together": together, "org": org, "events": events, "timed": events, "sessions": sessions });
    let expected = [line(0, "", 1, 1), line(0, "acme", 3, 2), line(1, "", 4, 2)];
    let lines: Vec<_> = lines.into_iter().map(Value::from).collect();
    assert_eq!(lines, expected);
}
