//! What is told of an id that is an event's, or a log's, or both.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{World, command, words};

/// The simulator's `STATE_KV`.
const STATE: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// The statement that keeps an event of an org.
fn insert(org: &str, id: &str) -> String {
    format!(
        "INSERT INTO events_raw (org, created_at, id, name, source, ingested_at, user_id) VALUES ('{org}', \
         '2026-11-01T00:00:00.000Z', '{id}', 'signed.in', 'http', '2026-11-01T00:00:01.000Z', 'hush')"
    )
}

/// A file with its tables, and events of two orgs with one id.
fn events(folder: &Path, file: &str) {
    let made = command(folder).args(["keys", "create", "--db", file, "--org", "a", "--scopes", "ingest"]).output();
    assert!(made.unwrap().status.success());
    let file = Connection::open(folder.join(file)).unwrap();
    file.execute_batch(&[insert("acme", "e"), insert("other", "e")].join(";")).unwrap();
}

/// A dead letter of an event.
fn letter(id: &str) -> Value {
    let row = json!({
        "org": "acme", "created_at": "2026-11-02T00:00:00.000Z", "id": id, "name": "paid", "source": "rpc",
        "ingested_at": "2026-11-02T00:00:01.000Z",
    });
    json!({ "rows": [{ "id": id, "reason": "it is too large", "row": row }], "v": 1 })
}

/// What the command tells, in words and for programs. Both end with this exit code.
#[track_caller]
fn explain(world: &World, arguments: &[&str], code: i32) -> (String, Vec<Value>) {
    let outputs = [&[][..], &["--json"][..]].map(|json| {
        let output = world.command(&[&["explain"], arguments, json].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", words(&output));
        String::from_utf8(output.stdout).unwrap()
    });
    let [text, json] = outputs;
    (text, serde_json::from_str(&json).unwrap())
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn an_event_is_told_without_any_settings_of_cloudflare() {
    let folder = tempfile::tempdir().unwrap();
    events(folder.path(), "aig-logs.sqlite");
    events(folder.path(), "other.sqlite");
    let explain = |arguments: &[&str]| {
        let output = command(folder.path()).arg("explain").args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap(), words(&output))
    };
    for sink in [&[][..], &["--sink", "sqlite:other.sqlite"]] {
        let (code, text, said) = explain(&[&["e"], sink].concat());
        assert_eq!((code, said.as_str()), (Some(0), ""), "{text}");
        let file = if sink.is_empty() { "aig-logs.sqlite: there" } else { "other.sqlite: there" };
        let gateway = "not asked   AI Gateway's logs: CF_ACCOUNT_ID is not set";
        assert_says(&text, &["Event e of org acme", "Event e of org other", "created     2026-11-01T00:00:00.000Z"]);
        assert_says(&text, &["signed.in", "way         http", "received    2026-11-01T00:00:01.000Z", file, gateway]);
        assert!(text.ends_with("Kept.\n") && !text.contains("hush"), "{text}");
    }
    let (code, text, _) = explain(&["e", "--json"]);
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, told.as_array().unwrap().len()), (Some(0), 2));
    let event = [&told[1]["kind"], &told[1]["org"], &told[1]["source"], &told[1]["tables"], &told[1]["dead_letter"]];
    assert_eq!(json!(event), json!(["event", "other", "http", ["aig-logs.sqlite"], null]));
    assert!(told[1]["not_asked"][0].as_str().unwrap().starts_with("AI Gateway's logs: "), "{told:#}");

    // It is no event: whether it is a log cannot be said without the settings.
    let (code, text, said) = explain(&["nowhere"]);
    assert!(code == Some(2) && text.is_empty() && said.contains("CF_API_TOKEN"), "{said}");
}

#[test]
fn an_event_of_d1_and_a_dead_letter_of_the_worker_are_told() {
    let world = World::start(&["--entries", "10", "--rate", "0"]);
    world.run(&["sql", "--sink", "d1", "--apply"]);
    world.tell("POST", "/simulator/d1", &insert("acme", "e"));
    let key = "dead:@events:2026-11-02T12:00:00.000Z:002a-1";
    let path = format!("/simulator/kv?namespace={STATE}&key={key}&metadata=%7B%22n%22%3A1%7D");
    world.tell("POST", &path, &letter("late").to_string());

    let (text, _) = explain(&world, &["e", "--sink", "d1", "--state", "kv"], 0);
    assert_says(&text, &["Event e of org acme", "D1: there", "Kept."]);
    assert!(!text.contains("not asked") && !text.contains("gateway"), "{text}");

    // With the Worker's state alone, events are looked for in D1.
    let (text, told) = explain(&world, &["late", "--state", "kv"], 2);
    assert_says(
        &text,
        &["name        paid", "way         rpc", "table       in none that was asked", "it is too large"],
    );
    assert_says(&text, &[&format!("aig-logs dead-letters replay {key}")]);
    assert_eq!(told[0]["dead_letter"], json!({ "key": key, "reason": "it is too large" }));
    assert_eq!((told.len(), &told[0]["tables"]), (1, &json!([])));

    // The dead letters of another state are not known here, and that is said.
    world.run(&["keys", "create", "--org", "a", "--scopes", "ingest"]);
    let (text, _) = explain(&world, &["e", "--sink", "d1"], 0);
    assert_says(&text, &["D1: there", "not asked   dead letters: reading the state in aig-logs-state.sqlite"]);

    world.tell("POST", "/simulator/d1", &insert("acme", "late").replace("11-01", "11-02"));
    let (text, told) = explain(&world, &["late", "--state", "kv"], 2);
    assert_says(&text, &["D1: there", "it is too large", &format!("dead-letters discard {key}")]);
    assert_eq!(told.len(), 1);
}

#[test]
fn an_id_of_a_log_and_of_an_event_is_told_as_both() {
    let world = World::start(&["--entries", "10", "--rate", "0"]);
    world.run(&["forward"]);
    world.run(&["backfill"]);
    let id = world.entries().keys().next().unwrap().clone();
    let (log, told) = explain(&world, &[&id], 0);
    assert_eq!((told.len(), &told[0]["kind"]), (1, &json!("log")));
    let file = Connection::open(world.path("aig-logs.sqlite")).unwrap();
    file.execute_batch(&[insert("acme", &id), insert("acme", "e")].join(";")).unwrap();
    let (both, told) = explain(&world, &[&id], 0);
    assert!(both.starts_with(log.lines().next().unwrap()), "{both}");
    assert_says(&both, &["Delivered.", &format!("Event {id} of org acme"), "Kept."]);
    assert_eq!(told.iter().map(|life| &life["kind"]).collect::<Vec<_>>(), ["log", "event"]);
    // What no gateway knows is told as an event alone, and what nobody knows as neither.
    let (event, told) = explain(&world, &["e"], 0);
    assert!(event.starts_with("Event e") && told.len() == 1, "{event}");
    let (neither, told) = explain(&world, &["nowhere"], 2);
    assert_says(&neither, &["Not at the source", "No event has this id in aig-logs.sqlite"]);
    assert_eq!((told.len(), &told[0]["kind"]), (1, &json!("log")));
}
