//! What the Worker asks of others for a batch, and that it answers when they have.

use std::{path::Path, thread};

use serde_json::{Value, json};

use super::{
    events as made,
    runtime::{ADMIN, Events},
};

const WATCHED: &str = "WATCHED";

/// The Worker in an entry that tells its calls and answers.
fn watched(configuration: &mut toml::Table) {
    let entry = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/worker/events/watched.js");
    let built = configuration.insert("main".into(), entry.to_str().unwrap().into()).unwrap();
    configuration.insert("alias".into(), toml::Table::from_iter([("built".to_owned(), built)]).into());
}

/// What the entry answers to one of its controls.
fn control(events: &Events, path: &str, given: &Value) -> Value {
    events.ask_of(WATCHED, "", "POST", path, given).json()
}

/// The calls and answers since the last time that somebody asked.
fn told(events: &Events) -> Vec<String> {
    serde_json::from_value(control(events, "/told", &json!({}))).unwrap()
}

/// The limit of requests is counted where the Worker runs: it is no call of another service.
#[test]
fn a_batch_with_a_known_key_takes_one_call_of_d1_and_no_other() {
    let Some(events) = Events::start_with(&[(WATCHED, watched)]) else { return };
    let key = events.ask(ADMIN, "POST", "/keys", &json!({ "org": "acme", "scopes": ["ingest"] })).json();
    let calls = || {
        let answer = events.ask_of(WATCHED, key["key"].as_str().unwrap(), "POST", "/events/batch", &made(100).into());
        assert_eq!(answer.status, 202, "{answer:?}");
        told(&events)
    };
    let cold = ["EVENTS_DB.all", "EVENTS_RATE_LIMIT.limit", "EVENTS_DB.batch", "answered 202"];
    assert_eq!(calls(), cold);
    assert_eq!([calls(), calls()], [&cold[1..], &cold[1..]]);
    assert_eq!(events.count(), 300);
}

#[test]
fn an_answer_waits_for_that_of_d1() {
    let Some(events) = Events::start_with(&[(WATCHED, watched)]) else { return };
    let batch: Value = made(3).into();
    let post = || events.ask_of(WATCHED, ADMIN, "POST", "/events/batch", &batch).status == 202;
    let call = || events.call(WATCHED, "ingestEvents", &batch).is_ok();
    let check = |ask: &(dyn Fn() -> bool + Sync), release: Value, is_kept: bool, after: &[&str]| {
        control(&events, "/hold", &json!({}));
        thread::scope(|scope| {
            let asked = scope.spawn(ask);
            let mut before = Vec::new();
            events.until(|| {
                before.extend(told(&events));
                before.iter().any(|call| call == "EVENTS_DB.batch")
            });
            assert_eq!(before.last().unwrap(), "EVENTS_DB.batch");
            control(&events, "/release", &release);
            assert_eq!(asked.join().unwrap(), is_kept);
        });
        assert_eq!(told(&events), after);
    };
    let fails = json!({ "error": "D1_ERROR: Network connection lost." });
    check(&post, json!({}), true, &["answered 202"]);
    check(&post, fails.clone(), false, &["answered 503"]);
    check(&call, json!({}), true, &["answered ingestEvents"]);
    check(&call, fails, false, &[]);
}
