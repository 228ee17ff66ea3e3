//! The views of events that stand for the tables of a Pipelines stream: the statements that were written for those run
//! as they are, and tell what is right.

use std::collections::BTreeMap;

use aig_logs::{host::native, log::metadata::MetadataKeys, sink::sqlite::Sqlite, time};
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use crate::{
    events::world::{ADMIN, World},
    templates::{
        loops::{durations, mean, number, percentile},
        rows::{Row, random, write},
    },
};

const SIGN_INS: &str = "SELECT * FROM auth_events
ORDER BY timestamp DESC
LIMIT 50;";

const TOOLS: &str = "SELECT * FROM tool_performance
ORDER BY invocations DESC;";

const USERS: &str = "SELECT * FROM user_activity_summary
WHERE total_events > 10
ORDER BY last_seen DESC;";

const FAILURES: &str = "SELECT * FROM recent_auth_failures;";

const DAYS: &str = "SELECT * FROM daily_event_stats
WHERE date >= date('now', '-7 days')
ORDER BY date DESC, count DESC;";

const ATTEMPTS: &str = "SELECT
  user_id,
  COUNT(*) as failed_attempts,
  json_extract(metadata, '$.ip_address') as ip_address
FROM auth_events
WHERE event_name LIKE 'auth_%_failure'
  AND timestamp > datetime('now', '-1 hour')
GROUP BY user_id, json_extract(metadata, '$.ip_address')
HAVING failed_attempts > 3;";

const SLOW: &str = "SELECT
  json_extract(metadata, '$.tool_name') as tool_name,
  CAST(json_extract(metadata, '$.execution_time_ms') AS INTEGER) as duration_ms,
  timestamp,
  user_id
FROM tool_events
WHERE event_name = 'tool_success'
  AND CAST(json_extract(metadata, '$.execution_time_ms') AS INTEGER) > 1000
ORDER BY duration_ms DESC
LIMIT 20;";

const ACTIVE: &str = "SELECT
  user_id,
  total_events,
  tools_invoked,
  successful_logins,
  DATE(last_seen) as last_active
FROM user_activity_summary
ORDER BY total_events DESC
LIMIT 10;";

const CLEAN_UP: &str = "DELETE FROM Uu_sink
WHERE created_at < datetime('now', '-90 days');";

const COUNT: &str = "SELECT COUNT(*) FROM Uu_sink";

const COPY: &str = "INSERT INTO Uu_sink
SELECT * FROM Uu_stream;";

/// A server whose clock is that of SQLite, with the views.
fn server() -> World {
    let world = World::new();
    world.host.now.set(native::now());
    Sqlite::new(&world.host.memory.connection, &MetadataKeys::default()).unwrap();
    world
}

/// Sends events of a user to the server, so many minutes ago.
fn send(world: &World, name: &str, user: &str, minutes: &[i64], metadata: &Value) {
    let event = |minutes: &i64| {
        let at = time::text(time::floor_ms(world.host.now.get()) - TimeDelta::minutes(*minutes));
        let user = json!({ "login": user, "email": format!("{user}@company.com") });
        json!({ "user_id": user, "event_name": name, "timestamp": at, "metadata": metadata })
    };
    let events: Vec<_> = minutes.iter().map(event).collect();
    assert_eq!(world.ask("POST", "/events/batch", ADMIN, &json!(events).to_string()).0, 202);
}

/// The first columns of the lines of a statement.
fn told(world: &World, sql: &str, columns: &[&str]) -> Vec<Vec<Value>> {
    let lines = world.host.memory.lines(sql, &[]);
    lines.iter().map(|line| columns.iter().map(|column| line[*column].clone()).collect()).collect()
}

#[test]
fn seed_000_failed_attempts_are_those_of_the_last_hour() {
    let world = server();
    let from = |ip: &str| json!({ "ip_address": ip });
    send(&world, "auth_ssh_failure", "jane", &[1, 5, 20, 58], &from("203.0.113.42"));
    send(&world, "auth_github_failure", "john", &[2, 3, 4, 5, 6], &from("203.0.113.7"));
    // Three of them are in the last hour, or none: of the same day, as texts these compare otherwise.
    send(&world, "auth_login_failure", "john", &[1, 2, 3, 61, 62], &from("203.0.113.8"));
    for user in ["a", "b", "c"] {
        send(&world, "auth_ssh_failure", user, &[61, 62, 63, 64, 90], &from("203.0.113.9"));
    }
    send(&world, "auth_ssh_success", "mary", &[1, 2, 3, 4, 5], &from("203.0.113.9"));
    let found = told(&world, ATTEMPTS, &["user_id", "failed_attempts", "ip_address"]);
    assert_eq!(
        found,
        [[json!("jane"), json!(4), json!("203.0.113.42")], [json!("john"), json!(5), json!("203.0.113.7")]]
    );
    let recent = told(&world, FAILURES, &["user_id", "event_name", "ip_address", "attempts"]);
    assert_eq!(recent.len(), 6);
    assert!(recent.contains(&vec![json!("john"), json!("auth_login_failure"), json!("203.0.113.8"), json!(5)]));
}

#[test]
fn every_statement_of_seed_000_runs() {
    let world = server();
    let tool = |name: &str, time: i64| json!({ "tool_name": name, "execution_time_ms": time });
    send(&world, "tool_invoked", "jane", &[30, 20, 10], &json!({ "tool_name": "generateImage" }));
    send(&world, "tool_success", "jane", &[29, 19], &tool("generateImage", 1_250));
    send(&world, "tool_failure", "jane", &[9], &tool("generateImage", 50));
    send(&world, "tool_success", "john", &[8], &tool("search", 900));
    send(&world, "auth_login_success", "jane", &[40, 41, 42, 43, 44], &json!({}));
    let sign_ins = told(&world, SIGN_INS, &["event_name", "user_id"]);
    assert_eq!(sign_ins, vec![[json!("auth_login_success"), json!("jane")]; 5]);
    let columns = ["tool_name", "invocations", "successes", "failures", "p95_ms"];
    let tools = told(&world, TOOLS, &columns);
    assert_eq!(
        tools,
        [
            [json!("generateImage"), json!(3), json!(2), json!(1), json!(1_250.0)],
            [json!("search"), json!(1), json!(1), json!(0), json!(900.0)]
        ]
    );
    let users = told(&world, USERS, &["user_id", "total_events", "tools_invoked", "successful_logins"]);
    assert_eq!(users, [[json!("jane"), json!(11), json!(3), json!(5)]]);
    let days = told(&world, DAYS, &["event_name", "count"]);
    assert_eq!(days.iter().map(|day| day[1].as_i64().unwrap()).sum::<i64>(), 12);
    assert_eq!(told(&world, SLOW, &["tool_name", "duration_ms"]), vec![[json!("generateImage"), json!(1_250)]; 2]);
    let active = told(&world, ACTIVE, &["user_id", "total_events", "last_active"]);
    let today = |minutes: i64| (world.host.now.get() - TimeDelta::minutes(minutes)).date_naive().to_string();
    assert_eq!(active, [[json!("jane"), json!(11), json!(today(9))], [json!("john"), json!(1), json!(today(8))]]);

    // What the stream brings is an event, whichever form its instant has.
    let connection = &world.host.memory.connection;
    connection.execute_batch("CREATE TABLE Uu_stream AS SELECT * FROM Uu_sink WHERE false").unwrap();
    let rows = "INSERT INTO Uu_stream (id, user_id, event_name, timestamp, metadata, created_at) VALUES
        ('1', '{\"login\":\"mary\"}', 'auth_ssh_failure', '2026-11-24T14:32:00.123Z', '{\"ip_address\":\"192.0.2.1\",\"execution_time_ms\":\"12ms\"}', NULL),
        ('2', 'mary', 'tool_success', NULL, '{\"tool_name\":\"search\",\"execution_time_ms\":7}', datetime('now', '-91 days'))";
    connection.execute(rows, []).unwrap();
    connection.execute_batch(COPY).unwrap();
    // Without an instant a row is of the present, and so another one each time.
    connection.execute_batch("DELETE FROM Uu_stream WHERE timestamp IS NULL").unwrap();
    connection.execute_batch(COPY).unwrap();
    assert_eq!(told(&world, COUNT, &["COUNT(*)"]), [[json!(14)]], "a row that comes twice is there once");
    let columns = "SELECT user_id, created_at, subject, success, duration, org FROM events_raw WHERE id = '1'";
    let first = told(&world, columns, &["user_id", "created_at", "subject", "success", "duration", "org"]);
    let at = json!("2026-11-24T14:32:00.123Z");
    assert_eq!(first, [[json!("mary"), at, json!(null), json!(0), json!(null), json!("default")]]);
    assert_eq!(connection.execute(CLEAN_UP.trim_end_matches(';'), []).unwrap(), 0, "a view has no rows of its own");
    assert_eq!(told(&world, COUNT, &["COUNT(*)"]), [[json!(13)]]);
    assert_eq!(told(&world, "SELECT id FROM Uu_sink WHERE user_id = 'mary'", &["id"]), [[json!("1")]]);
}

/// Made-up events, and a server that has them.
fn made_up() -> (Vec<Row>, World) {
    let rows: Vec<_> = random(5, 1_500).into_iter().filter(|row| !row.is_log).collect();
    let world = server();
    write(&world.host.memory.connection, &rows);
    (rows, world)
}

fn is_tool(row: &Row) -> bool {
    ["tool_success", "mcp.tool_called"].contains(&row.name.as_str())
}

/// The calls of tools: those that began, or those that ended, if these are more.
fn invocations(rows: &[&Row]) -> usize {
    let ended = rows.iter().filter(|row| is_tool(row) && row.success.is_some()).count();
    let began = rows.iter().filter(|row| is_tool(row) && row.success.is_none()).count();
    began.max(ended)
}

/// Lines in which a whole number has no fraction.
fn whole(lines: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    let value = |value: Value| value.as_f64().map_or(value, number);
    lines.into_iter().map(|line| line.into_iter().map(|(name, it)| (name, value(it))).collect()).collect()
}

#[test]
fn tool_performance_is_what_plain_loops_compute() {
    let (rows, world) = made_up();
    let mut tools: BTreeMap<Option<&str>, Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| is_tool(row)) {
        tools.entry(row.subject.as_deref()).or_default().push(row);
    }
    let line = |(tool, rows): (Option<&str>, Vec<&Row>)| {
        let of = |success| rows.iter().filter(|row| row.success == Some(success)).count();
        let (successes, failures, durations) = (of(true), of(false), durations(&rows));
        let [p50, p95, p99] = [50, 95, 99].map(|percent| number(percentile(&durations, percent)));
        let rate = crate::templates::loops::share(successes, successes + failures);
        let line = json!({
            "tool_name": tool, "invocations": invocations(&rows), "successes": successes, "failures": failures,
            "success_rate": rate, "avg_execution_time_ms": mean(&durations), "p50_ms": p50, "p95_ms": p95, "p99_ms": p99,
        });
        line.as_object().unwrap().clone()
    };
    let expected: Vec<_> = tools.into_iter().map(line).collect();
    assert!(expected.len() > 4);
    assert_eq!(whole(world.host.memory.lines("SELECT * FROM tool_performance ORDER BY tool_name", &[])), expected);
}

#[test]
fn user_activity_is_what_plain_loops_compute() {
    let (rows, world) = made_up();
    let mut users: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        if let Some(user) = &row.user {
            users.entry(user).or_default().push(row);
        }
    }
    let line = |(user, rows): (&str, Vec<&Row>)| {
        let is_sign_in = |row: &&&Row| ["auth_ssh_failure", "auth.login_success"].contains(&row.name.as_str());
        let logins = rows.iter().filter(is_sign_in).filter(|row| row.success == Some(true)).count();
        let text = |row: &&Row| row.at.format("%Y-%m-%d %H:%M:%S").to_string();
        let line = json!({
            "user_id": user, "total_events": rows.len(), "tools_invoked": invocations(&rows), "successful_logins": logins,
            "first_seen": rows.iter().map(text).min(), "last_seen": rows.iter().map(text).max(),
        });
        line.as_object().unwrap().clone()
    };
    let expected: Vec<_> = users.into_iter().map(line).collect();
    assert_eq!(world.host.memory.lines("SELECT * FROM user_activity_summary ORDER BY user_id", &[]), expected);
    let mut days: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for row in &rows {
        *days.entry((row.at.date_naive().to_string(), &row.name)).or_default() += 1;
    }
    let expected: Vec<_> =
        days.into_iter().map(|((day, name), count)| vec![json!(day), json!(name), json!(count)]).collect();
    let days =
        told(&world, "SELECT * FROM daily_event_stats ORDER BY date, event_name", &["date", "event_name", "count"]);
    assert_eq!(days, expected);
}
