//! The views of events: in both of `BigQuery`'s peers they show what they show in `SQLite`.

use aig_logs::{
    host::native,
    log::metadata::MetadataKeys,
    sink::{
        sql::{BIGQUERY_EVENTS, Script},
        sqlite::Sqlite,
    },
    time,
};
use chrono::{NaiveDateTime, TimeDelta};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    peer::{BigQuery, DATASET, PROJECT, Peer, googlesql::GoogleSql},
    templates::rows::{NOW, Row, random, write},
    world::table::select,
};

/// Instants of a SQLite view are in SQLite's own form, and those of BigQuery are instants.
const INSTANTS: [&str; 6] = ["timestamp", "created_at", "first_seen", "last_seen", "first_attempt", "last_attempt"];

/// A file with events of the last two months and a day to come.
fn file() -> Connection {
    let file = Connection::open_in_memory().unwrap();
    Sqlite::new(&file, &MetadataKeys::default()).unwrap();
    let moved = native::now() - time::parse(NOW).unwrap();
    let rows = random(5, 600).into_iter().map(|row| Row { at: row.at + moved, ..row });
    // While the test runs, no event grows older than a day.
    let border = native::now() - TimeDelta::hours(24);
    let mut rows: Vec<_> = rows.filter(|row| (row.at - border).abs() > TimeDelta::minutes(10)).collect();
    let tool = Row { name: "tool_success".into(), subject: None, duration: None, ..rows[0].clone() };
    let tool = |id: &str, metadata: Value| Row {
        id: id.into(),
        is_log: false,
        metadata: metadata.as_object().unwrap().clone(),
        ..tool.clone()
    };
    rows.extend([
        tool("own", json!({ "tool_name": "own", "execution_time_ms": 7.5, "a \"b\"": [1, null, "é"] })),
        tool("null", json!({ "tool_name": null })),
        tool("none", json!({})),
    ]);
    write(&file, &rows);
    file.execute("UPDATE events_raw SET metadata = NULL WHERE id = 'none'", []).unwrap();
    file
}

/// The lines of a view, in an order of their own.
fn lines(lines: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut lines: Vec<_> = lines.collect();
    lines.sort_by_key(Value::to_string);
    lines
}

/// A line of SQLite with the types of BigQuery, and a line of BigQuery with whole seconds.
fn alike(mut line: Value) -> Value {
    for (name, value) in line.as_object_mut().unwrap() {
        let Some(text) = value.as_str().map(str::to_owned) else {
            *value = value.as_f64().map_or(value.clone(), Value::from);
            continue;
        };
        if INSTANTS.contains(&name.as_str()) && text.contains('T') {
            *value = time::parse(&text).unwrap().format("%F %T").to_string().into();
        } else if INSTANTS.contains(&name.as_str()) {
            NaiveDateTime::parse_from_str(&text, "%F %T").unwrap();
        } else if name == "metadata" {
            *value = serde_json::from_str(&text).unwrap();
        }
    }
    line
}

fn assert_views_agree(peer: &impl BigQuery, alike: fn(Value) -> Value) {
    let file = file();
    peer.copy_of(&file);
    // What was sent again, and came later.
    let again = json!({ "org": "acme", "created_at": "2026-01-01T00:00:00.001Z", "id": "twice", "name": "auth_login",
        "user_id": "u9", "source": "http", "ingested_at": "2026-01-01T00:00:01Z" });
    let mut later = again.clone();
    later["ingested_at"] = "2026-01-01T00:00:02Z".into();
    later["user_id"] = "another".into();
    peer.insert_into("events_raw", &[later, again]);
    let first = "INSERT INTO events_raw (org, created_at, id, name, user_id, source, ingested_at) VALUES \
                 ('acme', '2026-01-01T00:00:00.001Z', 'twice', 'auth_login', 'u9', 'http', '2026-01-01T00:00:01Z')";
    file.execute(first, []).unwrap();
    let views = BIGQUERY_EVENTS.iter().filter_map(Script::bigquery_view).map(|(name, _)| name);
    let views: Vec<_> = views.filter(|name| *name != "events").collect();
    assert_eq!(views.len(), 6);
    for view in views {
        let own = lines(select(&file, view).into_iter().map(alike));
        let body = json!({ "query": format!("SELECT * FROM `{PROJECT}.{DATASET}.{view}`"), "useLegacySql": false });
        let theirs = lines(peer.lines(&body).into_iter().map(Value::Object).map(alike));
        assert!(own.len() > 3, "{view}: {own:?}");
        assert_eq!(theirs, own, "{view}");
    }
}

#[test]
fn views_of_events_in_bigquery_show_what_they_show_in_sqlite() {
    let Some(peer) = Peer::start() else { return };
    // JSON_SET there takes a key away whose new value is null.
    assert_views_agree(&peer, |line| {
        let mut line = alike(line);
        line["metadata"].as_object_mut().into_iter().for_each(|metadata| metadata.retain(|_, value| !value.is_null()));
        line
    });
}

#[test]
fn views_of_events_in_googlesql_show_what_they_show_in_sqlite() {
    let Some(peer) = GoogleSql::start() else { return };
    assert_views_agree(&peer, alike);
}
