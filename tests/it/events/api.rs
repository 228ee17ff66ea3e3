//! What the API answers: status, headers and body of every kind of request.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::world::{ADMIN, World, body_of, request};

const BEARER: (&str, &str) = ("authorization", "Bearer the-key-of-all-orgs-and-scopes");

/// An event that is taken.
fn event(id: &str) -> Value {
    json!({ "id": id, "event": "api.request", "timestamp": "2026-11-29T11:00:00Z" })
}

fn packed(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

#[test]
fn an_event_is_accepted_once() {
    let world = World::new();
    let send = || world.ask("POST", "/events", ADMIN, &event("a").to_string());
    assert_eq!(send(), (202, json!({ "accepted": 1, "duplicates": 0, "ids": ["a"] })));
    assert_eq!(send(), (202, json!({ "accepted": 0, "duplicates": 1, "ids": ["a"] })));
    assert_eq!(world.events(), 1);
}

#[test]
fn a_batch_tells_what_became_of_each_event() {
    let world = World::new();
    let sent = json!([event("a"), { "id": "b" }, event("a"), 7, event("c")]);
    let (status, answer) = world.ask("POST", "/events/batch", ADMIN, &sent.to_string());
    assert_eq!(status, 202);
    // Five are sent: "a" and "c" are new, the second "a" is a duplicate, two are refused.
    assert_eq!(answer["accepted"], 2);
    assert_eq!(answer["duplicates"], 1);
    assert_eq!(answer["ids"], json!(["a", null, "a", null, "c"]));
    let refused = answer["refused"].as_array().unwrap();
    assert_eq!(refused.iter().map(|refused| &refused["index"]).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(world.events(), 2);
}

#[test]
fn every_form_of_a_batch_is_read() {
    let list = json!([event("a"), event("b")]).to_string();
    let lines = format!("{}\n\n{}\r\n", event("a"), event("b"));
    let object = json!({ "events": [event("a"), event("b")] }).to_string();
    let cloud = |id: &str| json!({ "specversion": "1.0", "id": id, "source": "/app", "type": "t", "time": "2026-11-29T11:00:00Z" });
    let clouds = json!([cloud("a"), cloud("b")]).to_string();
    let forms: [(&str, &str); 9] = [
        ("application/json", &list),
        ("application/json; charset=UTF-8", &object),
        ("", &list),
        ("text/plain;charset=UTF-8", &list),
        ("application/x-www-form-urlencoded", &object),
        ("application/x-ndjson", &lines),
        ("application/ndjson", &lines),
        ("application/cloudevents-batch+json", &clouds),
        ("Application/JSON", &list),
    ];
    for (content_type, body) in forms {
        for path in ["/events/batch", "/"] {
            for is_packed in [false, true] {
                let world = World::new();
                let mut headers = vec![BEARER];
                headers.extend((!content_type.is_empty()).then_some(("content-type", content_type)));
                headers.extend(is_packed.then_some(("content-encoding", "gzip")));
                let body = if is_packed { packed(body) } else { body.as_bytes().to_vec() };
                let response = world.send(request("POST", path, &headers, body));
                let expected = json!({ "accepted": 2, "duplicates": 0, "ids": ["a", "b"], "refused": [] });
                assert_eq!((response.status().as_u16(), body_of(&response)), (202, expected), "{content_type} {path}");
            }
        }
    }
}

#[test]
fn problems_say_what_to_change() {
    let world = World::new();
    let good = event("a").to_string();
    let many = Value::Array((0..501).map(|n| event(&n.to_string())).collect()).to_string();
    let large = format!("[{}{}]", " ".repeat(1 << 20), good);
    // A MiB of spaces takes a thousandth of that as gzip.
    let bomb = packed(&large);
    let json = ("content-type", "application/json");
    let gzip = ("content-encoding", "gzip");
    let check = |status: u16, path: &str, headers: &[(&str, &str)], body: &[u8], words: &str| {
        let headers: Vec<_> = [BEARER].into_iter().chain(headers.iter().copied()).collect();
        let response = world.send(request("POST", path, &headers, body));
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path} {words}");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let problem = body_of(&response);
        assert_eq!(response.status().as_u16(), status, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["title"], response.status().canonical_reason().unwrap());
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail:?} lacks {words:?}");
    };
    check(400, "/events", &[json], b"{", "not JSON");
    check(400, "/events", &[json], b"", "not JSON");
    check(400, "/events/batch", &[json], b"[{\"event\":\"x\"}", "not JSON");
    check(400, "/events/batch", &[json], b"[]", "no event");
    check(400, "/events/batch", &[json], b"{\"events\":[]}", "no event");
    check(400, "/events/batch", &[("content-type", "application/x-ndjson")], b"\n\n", "no event");
    check(400, "/events", &[json], b"{\"event\":\"\xff\"}", "UTF-8");
    check(400, "/events", &[json, gzip], good.as_bytes(), "gzip");
    check(413, "/events/batch", &[json], many.as_bytes(), "500");
    check(413, "/events/batch", &[json], large.as_bytes(), "1 MiB");
    check(413, "/events/batch", &[json, gzip], &bomb, "1 MiB");
    check(415, "/events", &[("content-type", "text/html")], good.as_bytes(), "application/json");
    check(415, "/events", &[("content-type", "application/x-ndjson")], good.as_bytes(), "/events/batch");
    check(415, "/events", &[("content-type", "application/json; charset=latin1")], good.as_bytes(), "UTF-8");
    check(415, "/events", &[json, ("content-encoding", "br")], good.as_bytes(), "gzip");
    check(422, "/events", &[json], b"7", "no JSON object");
    check(422, "/events", &[json], format!("[{good}]").as_bytes(), "no JSON object");
    check(422, "/events/batch", &[json], b"[7, 8]", "none of the 2 events");
    check(404, "/event", &[json], good.as_bytes(), "path");
    check(405, "/health", &[json], good.as_bytes(), "GET, HEAD");
    assert_eq!(world.events(), 0);
}

#[test]
fn a_refused_event_has_the_members_of_a_batch() {
    let world = World::new();
    for (path, body) in [("/events", "{\"id\":\"a\"}"), ("/events/batch", "[{\"id\":\"a\"}]")] {
        let (status, problem) = world.ask("POST", path, ADMIN, body);
        assert_eq!(status, 422);
        let (accepted, duplicates) = (&problem["accepted"], &problem["duplicates"]);
        assert_eq!((accepted, duplicates, &problem["ids"]), (&json!(0), &json!(0), &json!([null])));
        assert_eq!(problem["refused"], json!([{ "index": 0, "reason": problem["detail"] }]));
    }
}

#[test]
fn a_number_that_no_float_holds_refuses_its_event_alone() {
    let world = World::new();
    let sent = format!("[{}, {{\"event\":\"x\",\"cost\":1e999}}]", event("a"));
    let (status, answer) = world.ask("POST", "/events/batch", ADMIN, &sent);
    assert_eq!((status, &answer["ids"], &answer["refused"][0]["index"]), (202, &json!(["a", null]), &json!(1)));
}

#[test]
fn what_would_not_be_known_again_is_refused() {
    let world = World::new();
    for id in [json!(1.5), json!(true), json!({}), json!([1])] {
        let event = json!({ "id": id, "event": "x", "timestamp": "2026-11-29T11:00:00Z" });
        assert_eq!(world.ask("POST", "/events", ADMIN, &event.to_string()).0, 422, "{id}");
    }
    // An empty text says nothing, as null does.
    for id in [json!(""), Value::Null] {
        let event = json!({ "id": id, "event": "x" });
        assert_eq!(world.ask("POST", "/events", ADMIN, &event.to_string()).0, 202, "{id}");
    }
    let mut batch = request("POST", "/events/batch", &[BEARER], Value::from(vec![event("a")]).to_string());
    batch.headers_mut().insert("idempotency-key", http::HeaderValue::from_bytes(b"cl\xe9").unwrap());
    let answer = world.send(batch);
    assert_eq!((answer.status().as_u16(), &body_of(&answer)["field"]), (400, &json!("idempotency-key")));
}

#[test]
fn origins_that_nobody_named_fill_no_memory() {
    let world = World::new();
    let long = format!("https://{}.example", "x".repeat(300));
    let calls = || {
        world.send(request("GET", "/nowhere", &[("origin", &long)], ""));
        world.host.memory.calls.get()
    };
    assert_eq!((calls(), calls()), (0, 0));
}

#[test]
fn methods_are_told_and_head_answers_as_get() {
    let world = World::new();
    let allowed = |method: &str, path: &str| {
        let response = world.send(request(method, path, &[BEARER], ""));
        (response.status().as_u16(), response.headers().get("allow").map(|value| value.to_str().unwrap().to_owned()))
    };
    assert_eq!(allowed("GET", "/events"), (405, Some("POST".into())));
    assert_eq!(allowed("PUT", "/keys"), (405, Some("GET, HEAD, POST".into())));
    assert_eq!(allowed("GET", "/keys/aig_12345678"), (405, Some("DELETE".into())));
    assert_eq!(allowed("GET", "/nowhere"), (404, None));
    assert_eq!(allowed("OPTIONS", "/nowhere"), (404, None));
    let get = world.send(request("GET", "/health", &[], ""));
    let head = world.send(request("HEAD", "/health", &[], ""));
    assert_eq!(get.status(), 200);
    assert_eq!(body_of(&get)["status"], "ok");
    assert!(head.body().is_empty());
    assert_eq!(head.headers()["content-length"], get.body().len().to_string());
}

#[test]
fn a_page_may_send_from_an_origin_that_a_key_names() {
    let world = World::new();
    let page = "https://app.example";
    let key = json!({ "org": "acme", "scopes": ["ingest"], "origins": [page] }).to_string();
    let (_, key) = world.ask("POST", "/keys", ADMIN, &key);
    let bearer = format!("Bearer {}", key["key"].as_str().unwrap());
    for origin in [page, "https://other.example"] {
        let preflight = [("origin", origin), ("access-control-request-method", "POST")];
        let answers = [
            world.send(request("OPTIONS", "/events", &preflight, "")),
            world.send(request(
                "POST",
                "/events",
                &[("origin", origin), ("authorization", &bearer)],
                event("a").to_string(),
            )),
            world.send(request("POST", "/events", &[("origin", origin)], event("a").to_string())),
        ];
        assert_eq!(answers.each_ref().map(|answer| answer.status().as_u16()), [204, 202, 401]);
        let allowed = (origin == page).then_some(page);
        for answer in &answers {
            let header = answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap());
            assert_eq!(header, allowed);
            assert_eq!(answer.headers()["vary"], "origin");
        }
        assert_eq!(answers[0].headers()["access-control-allow-methods"], "POST");
    }
}

#[test]
fn too_fast_is_429_and_nothing_is_written() {
    let world = World::with(&[("EVENTS_RATE", "3")]);
    let send = |id: &str| world.ask("POST", "/events", ADMIN, &event(id).to_string()).0;
    assert_eq!(["a", "b", "c", "d"].map(send), [202, 202, 202, 429]);
    let response = world.send(request("POST", "/events", &[BEARER], event("e").to_string()));
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"60".parse().unwrap()));
    assert!(body_of(&response)["detail"].as_str().unwrap().contains("EVENTS_RATE"));
    assert_eq!(world.events(), 3);
}

#[test]
fn events_that_nobody_wants_are_answered_and_dropped() {
    let world = World::with(&[("EVENTS_ENABLED", "false")]);
    assert_eq!(world.ask("POST", "/events", ADMIN, &event("a").to_string()), (204, Value::Null));
    assert_eq!(world.events(), 0);
}

#[test]
fn the_sample_events_are_all_accepted() {
    let world = World::new();
    let sample = include_str!("../../../examples/sample-events.json");
    let (status, answer) = world.ask("POST", "/events/batch", ADMIN, sample);
    let sample: Value = serde_json::from_str(sample).unwrap();
    let sent = sample["events"].as_array().unwrap().len();
    assert_eq!((status, &answer["accepted"], &answer["refused"]), (202, &json!(sent), &json!([])));
}
