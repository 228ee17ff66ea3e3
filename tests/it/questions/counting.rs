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
            self.memory.run(vec![Statement::Write(vec![event.record(9)])]).await?;
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
