//! A queue in front of the database: what is acknowledged then, and what becomes of it.

use std::process::Output;

use form_urlencoded::byte_serialize;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    events as made,
    runtime::{ADMIN, Events, queues},
};
use crate::cli::World;

/// The simulator's `STATE_KV`.
const STATE: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// The Worker with a queue.
pub const QUEUED: &str = "QUEUED";

pub fn queued(configuration: &mut toml::Table) {
    configuration.insert("queues".into(), queues());
}

/// A row as a message has it, with these columns instead or besides.
pub fn row(id: &str, other: &Value) -> Value {
    let mut row = json!({
        "org": "acme", "created_at": "2026-11-01T00:00:00.000Z", "id": id, "name": "n", "source": "http",
        "ingested_at": "2026-11-01T00:00:00.000Z",
    });
    row.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    row
}

#[test]
fn what_the_queue_has_comes_into_the_database_when_it_is_there() {
    let Some(events) = Events::without_tables(&[(QUEUED, queued)]) else { return };
    let ids: Vec<_> = (0..500).map(|n| format!("event {n}")).collect();
    let batch: Value = made(500).into();
    for _ in 0..2 {
        let answer = events.ask_of(QUEUED, ADMIN, "POST", "/events/batch", &batch);
        assert_eq!(answer.status, 202, "{answer:?}");
        assert_eq!(answer.json(), json!({ "accepted": 500, "duplicates": 0, "ids": ids, "refused": [] }));
    }
    // The consumer finds no table, and gets the messages again.
    events.output().wait(0, |text| text.contains("messages of the queue come again").then_some(()));
    events.make_tables();
    events.until(|| events.count() == 500);
    let sent = "SELECT count(DISTINCT id) AS n FROM events_raw WHERE source = 'http' AND metadata ->> 'quoted' = 'it''s \"ä\"'";
    assert_eq!(events.rows(sent), [json!({ "n": 500 })]);
    assert_eq!(events.caller("/kept", &json!({})), json!([]), "no event is a dead letter");
}

#[test]
fn a_poison_message_becomes_a_dead_letter_and_replays() {
    let Some(events) = Events::start_with(&[(QUEUED, queued)]) else { return };
    // The database never takes an event without a name. This program does not know a column `colour`.
    let rows = [
        row("good 1", &json!({})),
        row("nameless", &json!({ "name": null })),
        row("good 2", &json!({ "metadata": "{\"n\":1}" })),
        row("of a later version", &json!({ "colour": "red" })),
    ];
    events.caller("/queue", &json!({ "messages": ["no json", Value::from(rows.to_vec()).to_string()] }));
    let kept = || events.caller("/kept", &json!({})).as_array().unwrap().clone();
    events.until(|| kept().len() == 2);
    assert_eq!(events.rows("SELECT id FROM events_raw"), [json!({ "id": "good 1" }), json!({ "id": "good 2" })]);

    let world = World::start(&["--entries", "0", "--rate", "0"]);
    for value in kept() {
        let [key, metadata] = [value["name"].as_str().unwrap().to_owned(), value["metadata"].to_string()]
            .map(|text| byte_serialize(text.as_bytes()).collect::<String>());
        let path = format!("/simulator/kv?namespace={STATE}&key={key}&metadata={metadata}");
        world.tell("POST", &path, value["value"].as_str().unwrap());
    }
    let listed: Value = serde_json::from_str(&world.run(&["dead-letters", "list", "--state", "kv", "--json"])).unwrap();
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(|kept| (&kept["gateway"], &kept["rows"])).collect();
    let of_events = json!("@events");
    assert!(listed.iter().all(|(gateway, _)| **gateway == of_events), "{listed:?}");
    let shown = world.run(&["dead-letters", "show", "--state", "kv"]);
    for part in ["no json", "events_raw.name", "nameless", "of a later version", "colour"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    // The schema has changed: the name may be missing. What still cannot be read stays.
    let path = world.path("events.sqlite");
    let file = Connection::open(&path).unwrap();
    let table = events.rows("SELECT sql FROM sqlite_master WHERE name = 'events_raw'")[0]["sql"].clone();
    file.execute_batch(&table.as_str().unwrap().replace("name TEXT NOT NULL", "name TEXT")).unwrap();
    let replay = |sink: &str| -> Output {
        world.command(&["dead-letters", "replay", "--state", "kv", "--sink", sink]).output().unwrap()
    };
    let output = replay("sqlite:events.sqlite");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(words.contains("1 row brought in, 2 still refused"), "{words}{}", String::from_utf8_lossy(&output.stderr));
    let ids: Vec<String> = {
        let mut statement = file.prepare("SELECT id FROM events_raw").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(ids, ["nameless"]);
    let left = world.run(&["dead-letters", "show", "--state", "kv"]);
    assert!(!left.contains("nameless") && left.contains("no json") && left.contains("of a later version"), "{left}");
}
