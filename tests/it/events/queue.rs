//! A queue in front of the database: what it has taken comes into the database, however long that is away and whatever
//! fails meanwhile.

use aig_logs::ingest::queued::{self, Message};
use chrono::TimeDelta;
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::{
    queued::{Letters, Queued},
    world::{ADMIN, STRIKES, World, body_of, request},
};

/// Takes events into a queue. Returns its messages.
fn taken(world: &World, events: &[Value]) -> Vec<String> {
    let queued = Queued::before(&world.host);
    let bearer = format!("Bearer {ADMIN}");
    let batch = request("POST", "/events/batch", &[("authorization", &bearer)], Value::from(events).to_string());
    let answer = world.api.answer(&queued, batch).now_or_never().unwrap();
    // Nobody has looked yet.
    let answer = (answer.status().as_u16(), body_of(&answer));
    assert_eq!((answer.0, &answer.1["accepted"], &answer.1["duplicates"]), (202, &json!(events.len()), &json!(0)));
    queued.messages.take()
}

/// Whether the consumer is done with a message.
fn deliver(world: &World, letters: &Letters, text: &str) -> bool {
    let message = Message { id: "m".into(), sent: world.host.now.get(), text: text.into() };
    queued::deliver(&world.host, letters, world.api.settings(), message).now_or_never().unwrap().is_ok()
}

fn events(count: usize) -> Vec<Value> {
    let event = |n: usize| json!({ "id": n.to_string(), "event": "x", "timestamp": "2026-11-29T11:00:00Z" });
    (0..count).map(event).collect()
}

#[test]
fn what_waits_for_an_hour_is_there_once_and_as_it_was_received() {
    let world = World::new();
    let letters = Letters::default();
    let sent = events(500);
    // The sender got no answer to the first, and has sent the same again.
    let mut waiting = [taken(&world, &sent), taken(&world, &sent)].concat();
    // Messages of at most 120 KB: 500 small events are one.
    assert_eq!(waiting.len(), 2);
    for minute in 0..60 {
        world.host.memory.strike.set(Some((0, STRIKES[minute % STRIKES.len()])));
        // Silence and a failure after the commit have written the rows, which nobody knows.
        waiting.retain(|text| !deliver(&world, &letters, text));
        assert_eq!(waiting.len(), 2, "it is done in minute {minute}");
        world.host.now.set(world.host.now.get() + TimeDelta::minutes(1));
    }
    world.host.memory.strike.set(None);
    waiting.retain(|text| !deliver(&world, &letters, text));
    assert!(waiting.is_empty());
    assert_eq!(world.events(), 500);
    let received = world.host.memory.lines("SELECT DISTINCT ingested_at FROM events_raw", &[]);
    assert_eq!(received[0]["ingested_at"], "2026-11-29T12:00:00.000Z");
    assert!(letters.0.take().is_empty());
}

#[test]
fn an_event_that_the_database_refuses_alone_becomes_a_dead_letter() {
    let world = World::new();
    let letters = Letters::default();
    world.host.memory.connection.execute_batch(
        "CREATE TRIGGER refusal BEFORE INSERT ON events_raw WHEN NEW.id = '7' BEGIN SELECT RAISE(ABORT, 'refused'); END",
    )
    .unwrap();
    let messages = taken(&world, &events(20));
    for strike in STRIKES {
        world.host.memory.strike.set(Some((0, strike)));
        assert!(!deliver(&world, &letters, &messages[0]));
        world.host.memory.strike.set(None);
    }
    assert!(letters.0.borrow().is_empty(), "what passes by itself makes no dead letter");
    assert!(deliver(&world, &letters, &messages[0]));
    assert_eq!(world.events(), 19);
    let letters = letters.0.take();
    assert_eq!(letters.len(), 1);
    let (key, letter) = letters.first_key_value().unwrap();
    let letter: Value = serde_json::from_str(letter).unwrap();
    assert!(key.starts_with("dead:@events:"), "{key}");
    assert_eq!((letter["rows"].as_array().unwrap().len(), &letter["rows"][0]["id"]), (1, &json!("7")));
}
