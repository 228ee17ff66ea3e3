//! Every call of the database, failing in every way: an event is acknowledged only if it is kept, and a sender that tries
//! again with the same ids has each event once.

use serde_json::{Value, json};

use super::world::{STRIKES, Strike, World, body_of, request};

fn batch() -> String {
    let events = (0..3).map(|n| json!({ "id": n.to_string(), "event": "x", "timestamp": "2026-11-29T11:00:00Z" }));
    events.collect::<Value>().to_string()
}

#[test]
fn an_answer_of_202_comes_only_after_the_commit() {
    for strike in STRIKES {
        // The first call looks at the key, the second writes.
        for call in 0..3 {
            let world = World::new();
            let key = world.key("acme", &["ingest"]);
            world.host.memory.strike.set(Some((call, strike)));
            let bearer = format!("Bearer {key}");
            let response = world.send(request("POST", "/events/batch", &[("authorization", &bearer)], batch()));
            let is_struck = call < 2;
            let expected = if is_struck { 503 } else { 202 };
            assert_eq!(response.status().as_u16(), expected, "{strike:?} of call {call}");
            if is_struck {
                assert_eq!(response.headers()["retry-after"], "5");
                assert!(!body_of(&response).to_string().contains("struck"), "the database's own words are told");
            }
            let is_kept = !is_struck || (call == 1 && strike != Strike::Fails);
            assert_eq!(world.events(), if is_kept { 3 } else { 0 }, "{strike:?} of call {call}");
            world.host.memory.strike.set(None);
            let (status, answer) = world.ask("POST", "/events/batch", &key, &batch());
            let (new, old) = if is_kept { (0, 3) } else { (3, 0) };
            assert_eq!((status, &answer["accepted"], &answer["duplicates"]), (202, &json!(new), &json!(old)));
            assert_eq!(world.events(), 3);
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
            let (status, problem) = world.ask(method, path, super::world::ADMIN, &body);
            assert_eq!(status, 503, "{strike:?} {method} {path} {problem}");
        }
    }
}
