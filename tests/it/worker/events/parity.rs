//! One suite, asked of `aig-logs serve` and of the Worker: the same answers, byte for byte, and the same rows.

use std::io::Write as _;

use aig_logs::{host::native::now, query::template, time};
use chrono::TimeDelta;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::runtime::{ADMIN, Answer, Events, PLAIN, exchange};
use crate::events::{native::served::Place, world::line};

/// The headers that the API decides. Others are of the servers.
const HEADERS: [&str; 11] = [
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "allow",
    "cache-control",
    "content-type",
    "retry-after",
    "vary",
    "www-authenticate",
];

/// One request of the suite.
struct Ask {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn ask(method: &'static str, path: &'static str, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> Ask {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Ask { method, path, headers, body: body.into() }
}

/// The instant so many seconds ago, as an event gives it.
fn ago(seconds: i64) -> String {
    time::text(time::floor_ms(now() - TimeDelta::seconds(seconds)))
}

/// Events of every dialect, with values that are hard to keep: all have ids and times, so that both servers give them
/// the same.
fn events() -> Vec<Value> {
    let at = ago(600);
    vec![
        json!({ "id": "a", "event": "api.request", "timestamp": at, "userId": "user_123",
            "properties": { "method": "GET", "path": "/api/users" }, "performance": { "duration": 45.5, "statusCode": 200 } }),
        json!({ "id": "b", "event": "usage.tracked", "time": at, "organizationId": "org_456",
            "usage": { "quantity": 1500, "unit": "tokens", "sku": "ai-text-generation" } }),
        json!({ "messageId": "c", "event_name": "auth_ssh_failure", "timestamp": at,
            "user_id": { "login": "john", "email": "j@d", "auth_method": "ssh" }, "metadata": { "ip_address": "203.0.113.42" } }),
        json!({ "actionId": "d", "ns": "https://startups.studio", "verb": "created", "source": "Startup/acme",
            "sourceType": "Startup", "data": { "deep": [1, { "x": null }] }, "timestamp": at }),
        json!({ "id": "e", "specversion": "1.0", "source": "/orders", "type": "com.example.shipped", "time": at,
            "subject": "order-7", "data": "text" }),
        // The shortest digits of these floats have 17 places, and no float is nearer to them.
        json!({ "id": "f", "event": "x", "timestamp": at, "cost": 0.1 + 0.2, "duration": 1e-300,
            "usage": { "quantity": 9_007_199_254_740_993_i64, "unit": "b", "sku": "s" } }),
        json!({ "id": "g", "event": "x", "timestamp": at, "duration": 1.797_693_134_862_315_7e308, "cost": -0.0 }),
        json!({ "id": "h \"'\\ \u{1f980} \u{7f}", "event": "søk", "timestamp": at, "n": 18_446_744_073_709_551_615_u64,
            "metadata": { "f": 1e16, "i": i64::MIN, "quote": "\"\\/\u{8}\t", "empty": {}, "list": [], "t": true } }),
        json!({ "id": "i", "event": "x", "timestamp": at, "success": false, "error": { "message": "it \u{2028} broke" },
            "status": 500, "data": [0.5, 1e300, "\u{0}"] }),
    ]
}

fn suite() -> Vec<Ask> {
    let bearer = format!("Bearer {ADMIN}");
    let key = ("authorization", bearer.as_str());
    let events = events();
    let batch = Value::from(events.clone()).to_string();
    let lines = events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(batch.as_bytes()).unwrap();
    let packed = gzip.finish().unwrap();
    let at = ago(300);
    let unnamed = json!([{ "event": "x", "timestamp": at }, { "event": "y", "timestamp": at }]).to_string();
    let lone = format!(r#"{{"id":"lone","event":"\ud800\u0000x","timestamp":"{at}","event":"last \udfff"}}"#);
    let some_bad =
        format!(r#"[7, {{"event":"x","cost":1e999}}, {{"id":"late","event":"x","timestamp":"{at}"}}, {{"type":1}}]"#);
    let old = json!({ "id": "old", "event": "x", "timestamp": "2020-01-01T00:00:00Z" }).to_string();
    let deep = format!(r#"{{"event":"x","d":{}{}}}"#, "[".repeat(70), "]".repeat(70));
    let large = format!(r#"{{"event":"x","d":"{}"}}"#, "x".repeat(33_000));
    let many = Value::from(vec![json!({ "event": "x" }); 501]).to_string();
    let huge = format!("[{}]", " ".repeat(1 << 20));
    let json = ("content-type", "application/json");
    let page = ("origin", "https://app.example");
    vec![
        ask("GET", "/health", &[], ""),
        ask("HEAD", "/health", &[], ""),
        ask("GET", "/openapi.json", &[], ""),
        ask("GET", "/nowhere", &[], ""),
        ask("GET", "/events", &[], ""),
        ask("PUT", "/keys", &[key], ""),
        ask("OPTIONS", "/events/batch", &[page, ("access-control-request-method", "POST")], ""),
        ask("POST", "/events", &[json], "{}"),
        ask("POST", "/events", &[("authorization", "Bearer aig_no"), json, page], "{}"),
        ask("POST", "/events/batch", &[key, json], batch.clone()),
        ask("POST", "/events/batch", &[key, json], batch.clone()),
        ask("POST", "/", &[key, ("content-encoding", "gzip")], packed),
        ask("POST", "/events/batch", &[key, ("content-type", "application/x-ndjson")], lines),
        ask("POST", "/events/batch", &[key, json, ("idempotency-key", "once")], unnamed.clone()),
        ask("POST", "/events/batch", &[key, json, ("idempotency-key", "once")], unnamed),
        ask("POST", "/events", &[key, json], events[0].to_string()),
        ask("POST", "/events", &[key, json], lone),
        ask("POST", "/events/batch", &[key, json], some_bad),
        ask("POST", "/events", &[key, json], old),
        ask("POST", "/events", &[key, json], deep),
        ask("POST", "/events", &[key, json], large),
        ask("POST", "/events", &[key, json], "{"),
        ask("POST", "/events", &[key, json], &b"\"\xff\""[..]),
        ask("POST", "/events/batch", &[key, json], "[]"),
        ask("POST", "/events/batch", &[key, json], many),
        ask("POST", "/events/batch", &[key, json], huge),
        ask("POST", "/events", &[key, ("content-type", "text/html")], "{}"),
        ask("POST", "/events", &[key, json, ("content-encoding", "br")], "{}"),
        ask("POST", "/events", &[key, json, ("content-encoding", "gzip")], "{}"),
        ask("POST", "/keys", &[key, json], r#"{"org":"","scopes":[]}"#),
        ask("GET", "/keys", &[key], ""),
        ask("DELETE", "/keys/aig_12345678", &[key], ""),
    ]
}

/// Questions about what the suite has sent, in zones of whole, half and quarter hours.
fn questions() -> Vec<Ask> {
    let bearer = format!("Bearer {ADMIN}");
    let key = ("authorization", bearer.as_str());
    let (start, end) = (ago(86_400), ago(-60));
    let post = |path, members: Value| {
        let mut question = json!({ "start": start, "end": end });
        question.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        ask("POST", path, &[key], question.to_string())
    };
    let metrics =
        ["count", "errors", "errorRate", "users", "sessions", "avg", "max", "p50", "p95", "p99", "quantity", "cost"];
    let mut asks = vec![
        post("/query", json!({ "groupBy": "hour" })),
        post("/query", json!({ "metrics": metrics, "groupBy": ["name", "success", "metadata.t"], "orderBy": "-max" })),
        post("/query", json!({ "groupBy": ["user", "subject"], "dataset": "all", "limit": 3 })),
        post("/query", json!({ "filters": [{ "field": "metadata.i", "op": "exists", "values": [true] }] })),
        post("/query", json!({ "filters": [{ "field": "subject", "op": "contains", "values": ["/api"] }] })),
        post("/query", json!({ "timeZone": "Europe/Atlantis" })),
        post("/query", json!({ "groupBy": "year" })),
        post("/metrics/performance", json!({ "groupBy": ["endpoint", "hour"] })),
        post("/metrics/errors", json!({})),
        post("/metrics/users", json!({ "groupBy": "day" })),
        post("/metrics/cohorts", json!({ "period": "day" })),
        post("/billing/usage", json!({})),
        ask(
            "POST",
            "/billing/usage",
            &[key, ("accept", "text/csv")],
            json!({ "start": start, "end": end }).to_string(),
        ),
        ask("GET", "/metrics/costs?days=2", &[key], ""),
        ask("GET", "/metrics/costs?days=no", &[key], ""),
        ask("POST", "/query", &[key], "{}"),
        ask("POST", "/query", &[], "{}"),
    ];
    asks.push(ask("GET", "/templates", &[key], ""));
    for (name, _) in template::NAMED {
        let mut parameters = json!({ "start": start, "end": end });
        if *name == "spend-by-metadata" {
            parameters["key"] = "t".into();
        }
        let question = json!({ "template": name, "parameters": parameters });
        asks.push(ask("POST", "/query", &[key], question.to_string()));
    }
    for zone in ["Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"] {
        for (start, end) in
            [("2026-03-28T00:00:00Z", "2026-04-06T00:00:00Z"), ("2010-11-06T00:00:00Z", "2010-11-08T00:00:00Z")]
        {
            for unit in ["hour", "day", "week", "month"] {
                asks.push(post("/query", json!({ "timeZone": zone, "start": start, "end": end, "groupBy": unit })));
            }
        }
    }
    asks
}

/// Prices, orgs, and the erasure of a user.
fn administration() -> Vec<Ask> {
    let bearer = format!("Bearer {ADMIN}");
    let key = ("authorization", bearer.as_str());
    let usage = json!({ "start": ago(86_400), "end": ago(-60), "groupBy": ["plan", "organizationName"] });
    let price = json!({ "organizationId": "*", "sku": "s", "unit": "b", "since": "2026-01-01", "price": 2 });
    vec![
        ask("PUT", "/prices", &[key], json!({ "rows": [price] }).to_string()),
        ask("PUT", "/prices", &[key], r#"{"rows":[{}]}"#),
        ask("GET", "/prices", &[key], ""),
        ask("PUT", "/orgs", &[key], r#"{"rows":[{"organizationId":"default","plan":"free"}]}"#),
        ask("GET", "/orgs", &[key], ""),
        ask("POST", "/billing/usage", &[key], usage.to_string()),
        ask("DELETE", "/users/john?organizationId=default", &[key], ""),
        ask("DELETE", "/users/john?organizationId=default", &[key], ""),
        ask("DELETE", "/users/john", &[key], ""),
    ]
}

/// The answer without its present and its end, which are not the same for both.
fn without_present(mut answer: Answer) -> Answer {
    for mark in ["{\"events\":\"", "\"end\":\""] {
        if let Some((before, after)) = answer.text.split_once(mark) {
            answer.text = format!("{before}{}", &after["2026-11-29T12:00:00.000Z".len()..]);
        }
    }
    answer
}

/// What the API decides of an answer.
fn decided(answer: &Answer) -> (u16, Vec<(&str, &str)>, &str) {
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    (answer.status, headers.filter(|(name, _)| HEADERS.contains(name)).collect(), &answer.text)
}

/// Every column but the time of receipt.
const ROWS: &str = "SELECT org, created_at, id, name, user_id, session_id, subject, success, status_code, duration, quantity, \
                    unit, sku, cost, error, source, metadata, extra, typeof(cost) AS t FROM events_raw ORDER BY 1, 2, 3";

fn rows_of_file(place: &Place) -> Vec<Value> {
    let connection = rusqlite::Connection::open(place.db()).unwrap();
    let mut statement = connection.prepare(ROWS).unwrap();
    let names: Vec<_> = statement.column_names().map(str::to_owned).collect();
    let rows = statement.query_map([], |row| line(row, &names));
    rows.unwrap().map(|row| Value::Object(row.unwrap())).collect()
}

/// JavaScript has one type of number.
pub fn as_javascript(row: &Value) -> Value {
    let members = row.as_object().unwrap().iter();
    members
        .map(|(name, value)| (name.clone(), value.as_f64().map_or_else(|| value.clone(), |number| json!(number))))
        .collect()
}

#[test]
fn the_suite_gets_the_same_answers_from_both_servers() {
    let Some(worker) = Events::start() else { return };
    let place = Place::new();
    let served = place.serve(&[("EVENTS_ADMIN_KEY", ADMIN)]);
    for Ask { method, path, headers, body } in suite().into_iter().chain(questions()).chain(administration()) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let native = exchange(served.address, method, path, &headers, &body);
        let deployed = worker.send(PLAIN, method, path, &headers, &body);
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        let (native, deployed) = (without_present(native), without_present(deployed));
        assert_eq!(decided(&native), decided(&deployed), "{method} {path} {headers:?} {shown}");
    }
    let native: Vec<_> = rows_of_file(&place).iter().map(as_javascript).collect();
    let deployed: Vec<_> = worker.rows(ROWS).iter().map(as_javascript).collect();
    // Nine of every dialect without that of the erased user, two with an idempotency key, the one with lone surrogates, and
    // "late".
    assert_eq!(native.len(), 8 + 2 + 1 + 1);
    assert_eq!(native, deployed);
}
