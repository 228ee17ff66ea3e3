//! What the settings withhold is nowhere: in no byte of the database, of a queue's message, of a dead letter, of an answer,
//! or of the log.

use std::sync::{Mutex, PoisonError};

use aig_logs::ingest::queued::{self, Message};
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::{
    queued::{Letters, Queued},
    world::{ADMIN, Strike, World, body_of, request},
};

/// No value that holds this may be seen again.
const PRIVATE: &str = "qzjxkvwpyh";

const SETTINGS: [(&str, &str); 5] = [
    ("EVENTS_RATE", "0"),
    ("DROP_METADATA", "email,user_agent,prompt"),
    ("HASH_METADATA", "login,userId,ip_address"),
    ("HASH_KEY", "a key of 20 letters."),
    ("EVENTS_REQUIRED", "user_id"),
];

/// Events with private values in every place that can have one. The last one is refused: it has no user.
fn events() -> Vec<Value> {
    let private = |place: &str| format!("{PRIVATE}-{place}@company.com");
    vec![
        json!({
            "event_name": "auth_ssh_success",
            "user_id": { "login": private("login"), "email": private("user"), "auth_method": "ssh" },
            "metadata": { "ip_address": private("ip"), "user_agent": private("agent"), "tool_name": "t" },
        }),
        json!({
            "event": "api.request", "userId": private("id"), "email": private("top"),
            "properties": { "email": private("properties"), "deep": [{ "prompt": { "text": private("prompt") } }] },
            "data": format!("{{\"prompt\":\"{}\"}}", private("text")),
            "other": { "login": private("other") },
        }),
        json!({ "event": "x", "metadata": { "prompt": private("refused") } }),
    ]
}

/// Everything that is logged.
struct Log(Mutex<String>);

static LOG: Log = Log(Mutex::new(String::new()));

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_str(&record.args().to_string());
        lines.push('\n');
    }

    fn flush(&self) {}
}

#[test]
fn nothing_private_reaches_store_queue_stream_or_letter() {
    let _ = log::set_logger(&LOG).map(|()| log::set_max_level(log::LevelFilter::Trace));
    let world = World::with(&SETTINGS);
    let bearer = format!("Bearer {ADMIN}");
    let body = Value::from(events()).to_string();
    assert!(body.contains(PRIVATE));
    let batch = || request("POST", "/events/batch", &[("authorization", &bearer)], body.clone());

    let answer = world.send(batch());
    assert_eq!((answer.status().as_u16(), &body_of(&answer)["accepted"]), (202, &json!(2)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy");
    world.host.memory.connection.execute("VACUUM INTO ?1", [file.to_str().unwrap()]).unwrap();

    let queued = Queued::before(&world.host);
    let accepted = world.api.answer(&queued, batch()).now_or_never().unwrap();
    let messages = queued.messages.take();

    // The database refuses each event for good, and one message is no message of ours.
    let letters = Letters::default();
    world.host.memory.strike.set(Some((0, Strike::Refuses)));
    for text in messages.iter().cloned().chain([body.clone(), format!("{{\"prompt\":\"{PRIVATE}\"}}")]) {
        let message = Message { id: "m".into(), sent: world.host.now.get(), text };
        queued::deliver(&world.host, &letters, world.api.settings(), message).now_or_never().unwrap().unwrap();
    }
    let letters = letters.0.take();
    assert!(!letters.is_empty());

    let places = [
        ("database", std::fs::read(file).unwrap()),
        ("answers", [answer.into_body(), accepted.into_body()].concat()),
        ("messages", messages.concat().into_bytes()),
        ("letters", format!("{letters:?}").into_bytes()),
        ("log", LOG.0.lock().unwrap().clone().into_bytes()),
    ];
    for (place, bytes) in places {
        assert!(!bytes.is_empty() || place == "log");
        let is_there = bytes.windows(PRIVATE.len()).any(|part| part == PRIVATE.as_bytes());
        assert!(!is_there, "{place}: {}", String::from_utf8_lossy(&bytes));
    }
}
