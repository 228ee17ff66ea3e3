//! What a Worker of the account calls over a service binding, also under the names of bindings that it had before.

use std::path::Path;

use aig_logs::{
    event::{Members, Way, of_point},
    host::native::now,
    time,
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::{events as made, parity::as_javascript, runtime::Events};
use crate::events::world::World;

const RECORDER: &str = "RECORDER";

/// A Worker that keeps what it is given, in the place of a stream or a dataset.
fn recorder(configuration: &mut toml::Table) {
    configuration.retain(|name, _| name == "name" || name.starts_with("compatibility"));
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/worker/events/recorder.js");
    configuration.insert("main".into(), main.to_str().unwrap().into());
}

#[test]
fn ingest_event_over_a_service_binding() {
    let Some(events) = Events::start() else { return };
    let call = |method: &str, given: &Value| events.call("ANALYTICS_INGESTION", method, given);
    let usage = json!({
        "id": "u1", "timestamp": time::text(now()), "event": "usage.tracked", "organizationId": "org-123",
        "usage": { "quantity": 100, "unit": "requests", "sku": "api-calls" },
    });
    assert_eq!(call("ingestEvent", &usage), Ok(json!({ "accepted": 1, "duplicates": 0, "ids": ["u1"] })));
    assert_eq!(call("ingestEvent", &usage), Ok(json!({ "accepted": 0, "duplicates": 1, "ids": ["u1"] })));
    let row = json!({ "org": "org-123", "name": "usage.tracked", "quantity": 100, "unit": "requests", "sku": "api-calls", "source": "rpc" });
    assert_eq!(events.rows("SELECT org, name, quantity, unit, sku, source FROM events_raw"), [row]);

    let old = json!({ "event": "old", "timestamp": time::text(now() - TimeDelta::days(91)) });
    let told = call("ingestEvents", &json!([usage, old, 7])).unwrap();
    assert_eq!((&told["duplicates"], &told["ids"]), (&json!(1), &json!(["u1", null, null])), "{told}");
    assert!(told["refused"][0]["reason"].as_str().unwrap().contains("EVENT_RETENTION_DAYS"), "{told}");
    assert_eq!(told["refused"][1]["index"], 2, "{told}");
    let check = |method: &str, given: Value, part: &str| {
        let error = call(method, &given).unwrap_err();
        assert!(error.contains(part), "{method}: {error}");
    };
    check("ingestEvent", old, "EVENT_RETENTION_DAYS");
    check("ingestEvent", json!({ "event": "large", "text": "x".repeat(33 << 10) }), "32 KiB");
    check("ingestEvent", json!([usage]), "object");
    check("ingestEvents", json!([]), "no event");
    check("ingestEvent", Value::Null, "object");
    assert_eq!(events.count(), 1);
    // More than a request may hold: all of them, at once.
    let told = call("ingestEvents", &made(1_200).into()).unwrap();
    assert_eq!((&told["accepted"], told["ids"].as_array().unwrap().len()), (&json!(1_200), 1_200));
    assert_eq!(events.count(), 1_201);
}

#[test]
fn an_old_stream_binding_keeps_its_code() {
    let Some(events) = Events::start() else { return };
    let sign_in = json!({
        "user_id": { "login": "ada", "email": "ada@example.com", "client_id": "c-1", "auth_method": "oauth" },
        "event_name": "auth_success", "timestamp": time::text(now()), "metadata": { "place": "here" },
    });
    for (binding, given) in [("UU_STREAM", json!([sign_in])), ("EVENTS_PIPELINE", sign_in)] {
        assert_eq!(events.call(binding, "send", &given), Ok(Value::Null), "{binding}");
    }
    let row = json!({ "name": "auth_success", "user_id": "ada", "success": 1, "source": "stream" });
    assert_eq!(events.rows("SELECT name, user_id, success, source FROM events_raw"), [row.clone(), row]);

    assert_eq!(events.call("UU_STREAM", "send", &json!([])), Ok(Value::Null));
    assert_eq!(events.call("UU_STREAM", "send", &json!([{ "event": "a" }, { "no": "name" }])), Ok(Value::Null));
    let told = events.output().wait(0, |text| text.contains("some events are refused").then(|| text.to_owned()));
    assert!(told.contains("refused: 1") && told.contains("of: 2"), "{told}");
    assert!(events.call("UU_STREAM", "send", &json!([{ "no": "name" }])).is_err());
    assert_eq!(events.count(), 3);
}

#[test]
fn an_old_dataset_binding_keeps_its_code() {
    let Some(events) = Events::start() else { return };
    let point =
        json!({ "blobs": ["GET", "/users", "200", "production"], "doubles": [12.5, 1, 840], "indexes": ["ray-1"] });
    assert_eq!(events.call("ANALYTICS_ENGINE", "writeDataPoint", &point), Ok(Value::Null));
    // Nobody waits for the answer.
    let error = json!({ "blobs": ["error", "Timeout", "/users"], "doubles": [1], "indexes": ["Timeout"] });
    events.caller("/forget", &json!({ "binding": "ANALYTICS_ENGINE", "method": "writeDataPoint", "given": error }));
    events.until(|| events.count() == 2);
    let expected = [
        json!({ "name": "api.request", "subject": "GET /users", "success": 1, "status_code": 200, "duration": 12.5, "source": "point" }),
        json!({ "name": "error", "subject": "Timeout", "success": 0, "status_code": null, "duration": null, "source": "point" }),
    ];
    let rows = "SELECT name, subject, success, status_code, duration, source FROM events_raw ORDER BY name";
    assert_eq!(events.rows(rows), expected);
    let refused = events.call("ANALYTICS_ENGINE", "writeDataPoint", &json!({ "blobs": "GET" })).unwrap_err();
    assert!(refused.contains("blobs"), "{refused}");
}

#[test]
fn an_application_has_the_events_of_the_calls_that_it_always_made() {
    /// What does not differ from one receipt to the next.
    const ROWS: &str = "SELECT org, iif(source = 'stream', created_at, NULL) AS created_at, iif(id = 'a-1', id, NULL) AS id, \
                        name, user_id, session_id, subject, success, status_code, duration, quantity, unit, sku, cost, error, \
                        source, metadata, extra FROM events_raw ORDER BY name";
    let Some(events) = Events::without_tables(&[(RECORDER, recorder)]) else { return };
    let at = time::text(time::floor_ms(now()));
    let acted = [true, false].map(|is_recorded| {
        let (events, at) = (&events, &at);
        move || events.caller("/act", &json!({ "isRecorded": is_recorded, "at": at }))["error"].clone()
    });
    let told = |path: &str, given: Value| events.ask_of(RECORDER, "", "POST", path, &given).json();
    // It is told of a failure.
    told("/fail", json!({ "message": "the stream is away" }));
    let failures = acted.each_ref().map(|act| act());
    assert_eq!(failures[0], "the stream is away");
    assert!(failures[1].as_str().unwrap().starts_with("the database lacks what this version"), "{}", failures[1]);
    told("/fail", json!({ "message": null }));
    events.make_tables();
    assert_eq!(acted.map(|act| act()), [Value::Null, Value::Null]);

    let world = World::new();
    world.host.now.set(now());
    let recorded = told("/recorded", json!({})).as_array().unwrap().clone();
    assert_eq!(recorded.len(), 2 + 4);
    for call in recorded {
        let object = |value: &Value| value.as_object().unwrap().clone();
        let (way, given) = if let Value::Array(list) = &call["given"] {
            (Way::Stream, list.iter().map(|event| Ok(object(event).into())).collect())
        } else {
            (Way::Point, vec![of_point(&object(&call["given"])).map(Members::from)])
        };
        let taken = world.api.take_bound(&world.host, way, given).now_or_never().unwrap().unwrap();
        assert_eq!(taken.refused, [], "{call}");
    }
    let expected = world.host.memory.lines(ROWS, &[]).into_iter().map(|row| as_javascript(&row.into()));
    let rows: Vec<_> = events.rows(ROWS).iter().map(as_javascript).collect();
    assert_eq!(rows.len(), 3 + 4);
    assert_eq!(rows, expected.collect::<Vec<_>>());
}
