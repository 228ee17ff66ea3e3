//! What the Worker answers over HTTP, and what is in its database then.

use serde_json::{Value, json};

use super::runtime::{ADMIN, Events};

#[test]
fn health() {
    let Some(events) = Events::start() else { return };
    let answer = events.ask("", "GET", "/health", &Value::Null);
    assert_eq!(answer.status, 200, "{answer:?}");
    println!("{answer:?}");
    println!("{:?}", events.ask(ADMIN, "POST", "/events", &json!({"event": "a"})));
    println!("{:?}", events.ask(ADMIN, "POST", "/keys", &json!({"org": "acme", "scopes": ["ingest"]})));
    println!("{:?}", events.ask(ADMIN, "GET", "/keys", &Value::Null));
    println!("{:?}", events.send("EVENTS", "HEAD", "/health", &[], b""));
    println!("{:?}", events.call("EVENTS", "ingestEvent", &json!({"event": "a"})));
    println!("{:?}", events.call("EVENTS", "send", &json!({"event": "a"})));
    println!("{}", events.output().text());
}
