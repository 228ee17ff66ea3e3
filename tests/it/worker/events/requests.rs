//! What is in the database when the Worker has answered.

use std::{fs, io::Write as _, path::Path};

use aig_logs::{
    database::{lists, upsert_of_json},
    event::EVENTS,
    record::Record,
};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::{
    events as made,
    runtime::{ADMIN, Events, PLAIN},
};

#[test]
fn acknowledged_events_are_in_d1() {
    let Some(events) = Events::start() else { return };
    let batch = Value::from(made(500));
    let ids: Vec<_> = (0..500).map(|n| format!("event {n}")).collect();
    let first = events.ask(ADMIN, "POST", "/events/batch", &batch);
    assert_eq!(first.status, 202, "{first:?}");
    assert_eq!(first.json(), json!({ "accepted": 500, "duplicates": 0, "ids": ids, "refused": [] }));
    assert_eq!(events.count(), 500);
    let again = events.ask(ADMIN, "POST", "/events/batch", &batch);
    assert_eq!(again.json(), json!({ "accepted": 0, "duplicates": 500, "ids": ids, "refused": [] }));
    assert_eq!(events.count(), 500);

    let row = "SELECT org, name, user_id, subject, success, status_code, duration, source, metadata FROM events_raw \
               WHERE id = 'event 8' AND created_at = ingested_at OR id = 'event 8'";
    let expected = json!({
        "org": "default", "name": "api.request", "user_id": "user 1", "subject": null, "success": 1, "status_code": 200,
        "duration": 12.5, "source": "http", "metadata": r#"{"place":8,"quoted":"it's \"ä\""}"#,
    });
    assert_eq!(events.rows(row), [expected]);
}

#[test]
fn the_page_is_there_and_takes_no_path_from_the_api() {
    let Some(events) = Events::start() else { return };
    let file = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard/built");
        fs::read_to_string(folder.join(name)).unwrap()
    };
    let page = events.send(PLAIN, "GET", "/dashboard.html", &[], b"");
    assert_eq!(page.status, 200);
    assert!(page.text == file("dashboard.html"), "another page");
    for (name, value) in file("_headers").lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": ")) {
        assert_eq!(page.headers.get(name).map(String::as_str), Some(value));
    }
    let way = events.send(PLAIN, "GET", "/", &[], b"");
    assert_eq!((way.status, way.headers["location"].as_str()), (302, "/dashboard.html"));
    assert_eq!(events.ask(ADMIN, "POST", "/", &Value::from(made(1))).status, 202);
    assert_eq!(events.send(PLAIN, "GET", "/_headers", &[], b"").status, 404);
}

#[test]
fn an_event_costs_one_row_written_and_a_repeated_one_none() {
    let Some(events) = Events::start() else { return };
    let row = |n| json!({ "org": "o", "created_at": "2026-11-01", "id": format!("{n}"), "name": "n", "source": "http", "ingested_at": "2026-11-01" });
    let records: Vec<_> = (0..500).map(|n| Record::from_json(&EVENTS, row(n)).unwrap()).collect();
    let lists = lists(&records).unwrap();
    let written = [(); 2].map(|()| {
        let done = events.sql(&upsert_of_json(&EVENTS), &[lists[0].clone().into()]);
        (done["meta"]["rows_written"].as_u64(), done["meta"]["changes"].as_u64())
    });
    assert_eq!((lists.len(), written), (1, [(Some(500), Some(500)), (Some(0), Some(0))]));
}

#[test]
fn bodies_come_in_many_forms_and_have_limits() {
    let Some(events) = Events::start() else { return };
    let post = |path: &str, kind: &str, encoding: &str, body: &[u8]| {
        let bearer = format!("Bearer {ADMIN}");
        let headers = [("authorization", bearer.as_str()), ("content-type", kind), ("content-encoding", encoding)];
        let answer = events.send(PLAIN, "POST", path, &headers, body);
        (answer.status, answer.json())
    };
    let packed = |text: &str| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let check = |(status, answer): (u16, Value), expected: u16, part: &str| {
        assert_eq!(status, expected, "{answer}");
        assert!(answer.to_string().contains(part), "{answer}");
    };
    let made = made(3);
    let lines = format!("{}\nno json\n{}\n", made[0], made[1]);
    check(post("/events/batch", "application/x-ndjson", "identity", lines.as_bytes()), 202, r#""accepted":2"#);
    check(post("/", "text/plain", "gzip", &packed(&json!([made[1], made[2]]).to_string())), 202, r#""duplicates":1"#);
    assert_eq!(events.count(), 3);

    let large = |size: usize| json!({ "event": "large", "metadata": { "text": "x".repeat(size) } }).to_string();
    check(post("/events", "application/json", "identity", large(33 << 10).as_bytes()), 422, "32 KiB");
    check(post("/events", "application/json", "identity", large(1 << 20).as_bytes()), 413, "1 MiB");
    check(post("/events", "application/json", "gzip", &packed(&large(1 << 20))), 413, "1 MiB");
    check(post("/events", "application/json", "gzip", b"not gzip"), 400, "gzip");
    check(post("/events", "application/json", "identity", b"{\"event\":\"\xff\"}"), 400, "UTF-8");
    check(post("/events", "text/html", "identity", b"{}"), 415, "content-type");
    let many = Value::from(super::events(501)).to_string();
    check(post("/events/batch", "application/json", "identity", many.as_bytes()), 413, "500");
    assert_eq!(events.count(), 3, "nothing of what is refused is kept");
}
