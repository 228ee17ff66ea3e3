//! Every call of the database and of the queue in front of it, failing in every way: an event is acknowledged only if it is
//! kept, and a sender that tries again with the same ids has each event once.

use aig_logs::{
    event::Way,
    ingest::queued::{self, Message},
};
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::{
    queued::{Letters, Queued},
    world::{ADMIN, ALL_STRIKES, STRIKES, Strike, World, body_of, request},
};

/// A call that fails, by its place, and how; whether the calls after it fail as well.
type Fault = (usize, Strike, bool);

/// Every fault of so many calls, and of one that is never made.
fn faults(calls: usize) -> impl Iterator<Item = Fault> {
    let strikes = ALL_STRIKES.into_iter().flat_map(|strike| [(strike, false), (strike, true)]);
    strikes.flat_map(move |(strike, is_once)| (0..=calls).map(move |call| (call, strike, is_once)))
}

fn strike(world: &World, (call, strike, is_once): Fault) {
    world.host.memory.calls.set(0);
    world.host.memory.is_once.set(is_once);
    world.host.memory.strike.set(Some((call, strike)));
}

fn batch() -> String {
    let events = (0..3).map(|n| json!({ "id": n.to_string(), "event": "x", "timestamp": "2026-11-29T11:00:00Z" }));
    events.collect::<Value>().to_string()
}

#[test]
fn an_answer_of_202_comes_only_after_the_commit() {
    // The first call looks for the key, the second writes, and the third looks for the origin.
    for fault @ (call, how, is_once) in faults(3) {
        let world = World::new();
        let key = world.key("acme", &["ingest"]);
        strike(&world, fault);
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("origin", "https://app.example")];
        let response = world.send(request("POST", "/events/batch", &headers, batch()));
        let is_kept = call > 1 || (call == 1 && [Strike::FailsAfter, Strike::Silence].contains(&how));
        // Without an answer on the key nothing is written.
        let calls = if call == 0 { 2 } else { 3 };
        assert_eq!(world.host.memory.calls.get(), calls, "{fault:?}");
        assert_eq!(response.status().as_u16(), if call < 2 { 503 } else { 202 }, "{fault:?}");
        if call < 2 {
            assert_eq!(response.headers()["retry-after"], "5");
            assert!(!body_of(&response).to_string().contains("struck"), "the database's own words are told");
        }
        assert_eq!(world.events(), if is_kept { 3 } else { 0 }, "{fault:?}");
        assert_eq!(world.host.memory.strike.get().is_none(), is_once && call < calls, "{fault:?}");
        world.host.memory.strike.set(None);
        let (status, answer) = world.ask("POST", "/events/batch", &key, &batch());
        let (new, old) = if is_kept { (0, 3) } else { (3, 0) };
        assert_eq!((status, &answer["accepted"], &answer["duplicates"]), (202, &json!(new), &json!(old)));
        assert_eq!(world.events(), 3);
    }
}

#[test]
fn a_call_over_a_binding_fails_unless_its_events_are_kept() {
    let world = World::new();
    let Value::Array(events) = serde_json::from_str(&batch()).unwrap() else { panic!("no list") };
    let events: Vec<_> = events.into_iter().map(|event| Ok(event.as_object().unwrap().clone().into())).collect();
    let take = |way| world.api.take_bound(&world.host, way, events.clone()).now_or_never().unwrap();
    for fault @ (call, ..) in faults(1) {
        for way in [Way::Rpc, Way::Stream, Way::Point] {
            world.host.memory.connection.execute("DELETE FROM events_raw", []).unwrap();
            strike(&world, fault);
            let taken = take(way);
            assert_eq!(taken.is_ok(), call == 1, "{fault:?}");
            let kept = world.events();
            assert!(taken.is_err() || kept == 3, "{fault:?}");
            world.host.memory.strike.set(None);
            let again = take(way).unwrap();
            assert_eq!((again.accepted, again.duplicates, world.events()), (3 - kept, kept, 3), "{fault:?}");
        }
    }
}

#[test]
fn an_answer_of_202_comes_only_after_the_queue_has_the_events() {
    // The second call is the queue's.
    for fault @ (call, ..) in faults(2) {
        let world = World::new();
        let key = world.key("acme", &["ingest"]);
        let queue = Queued::before(&world.host);
        let bearer = format!("Bearer {key}");
        let send = || {
            let request = request("POST", "/events/batch", &[("authorization", &bearer)], batch());
            world.api.answer(&queue, request).now_or_never().unwrap().status().as_u16()
        };
        strike(&world, fault);
        let status = send();
        assert_eq!(status, if call < 2 { 503 } else { 202 }, "{fault:?}");
        assert!(status == 503 || queue.messages.borrow().len() == 1, "{fault:?}");
        world.host.memory.strike.set(None);
        assert!(status == 202 || send() == 202, "{fault:?}");
        for text in queue.messages.take() {
            assert!(deliver(&world, &Letters::default(), &text), "{fault:?}");
        }
        assert_eq!(world.events(), 3, "{fault:?}");
    }
}

/// Whether the consumer is done with a message.
fn deliver(world: &World, letters: &Letters, text: &str) -> bool {
    let message = Message { id: "m".into(), sent: world.host.now.get(), text: text.into() };
    queued::deliver(&world.host, letters, world.api.settings(), message).now_or_never().unwrap().is_ok()
}

#[test]
fn a_message_is_done_only_when_each_of_its_events_is_in_the_database_or_a_dead_letter() {
    let row = |id: &str, name: Value| {
        json!({
            "org": "acme", "created_at": "2026-11-01T00:00:00.000Z", "id": id, "name": name, "source": "http",
            "ingested_at": "2026-11-01T00:00:00.000Z",
        })
    };
    let text = json!([row("good", json!("n")), row("nameless", Value::Null)]).to_string();
    // Both together, then each alone.
    for fault @ (call, how, _) in faults(3) {
        for of_letters in [None, Some(Strike::Fails), Some(Strike::FailsAfter)] {
            let (world, letters) = (World::new(), Letters::default());
            strike(&world, fault);
            letters.1.set(of_letters);
            let is_done = deliver(&world, &letters, &text);
            let is_well = (call == 3 || how == Strike::Refuses) && of_letters.is_none();
            assert_eq!(is_done, is_well, "{fault:?} {of_letters:?}");
            world.host.memory.strike.set(None);
            letters.1.set(None);
            assert!(is_done || deliver(&world, &letters, &text), "{fault:?} {of_letters:?}");
            let letters = letters.0.take().into_values().collect::<String>();
            assert!(letters.contains("nameless"), "{fault:?} {of_letters:?}: {letters}");
            assert!(world.events() == 1 || is_done && letters.contains("good"), "{fault:?} {of_letters:?}: {letters}");
        }
    }
}

#[test]
fn health_and_keys_tell_that_the_database_is_away() {
    for strike in STRIKES {
        for (method, path, body) in [
            ("GET", "/health", String::new()),
            ("GET", "/keys", String::new()),
            ("POST", "/keys", json!({ "org": "acme", "scopes": ["ingest"] }).to_string()),
            ("DELETE", "/keys/aig_12345678", String::new()),
        ] {
            let world = World::new();
            world.host.memory.strike.set(Some((0, strike)));
            let (status, problem) = world.ask(method, path, ADMIN, &body);
            assert_eq!(status, 503, "{strike:?} {method} {path} {problem}");
        }
    }
}
