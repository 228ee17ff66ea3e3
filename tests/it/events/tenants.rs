//! Tenants: a key of one org reads and writes that org alone, in every endpoint, and does what its scopes allow.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::world::{ADMIN, World};

const SCOPES: [&str; 3] = ["ingest", "query", "admin"];

/// What a key of "acme" with one scope gets for a request.
fn status(scope: &str, method: &str, path: &str, body: &Value) -> u16 {
    let world = World::new();
    let other = world.key("other", &SCOPES);
    let path = path.replace("{other}", &other[..12]);
    let key = world.key("acme", &[scope]);
    let own = world.key("acme", &SCOPES);
    let path = path.replace("{own}", &own[..12]);
    let other = "INSERT INTO events_raw (org, created_at, id, name, user_id, source, ingested_at) VALUES \
                 ('other', '2026-11-01T00:00:00.000Z', 'x', 'x', 'ada', 'http', '2026-11-01T00:00:00.000Z')";
    world.host.memory.connection.execute(other, []).unwrap();
    let status = world.ask(method, &path, &key, &body.to_string()).0;
    let deleted = world.host.memory.connection.execute("DELETE FROM events_raw WHERE org = 'other'", []).unwrap();
    assert_eq!(deleted, 1, "{method} {path} erased or wrote for another org");
    let events = world.host.memory.lines("SELECT DISTINCT org FROM events_raw", &[]);
    assert!(events.iter().all(|event| event["org"] == "acme"), "{method} {path} wrote for another org");
    let keys = world.host.memory.lines("SELECT org FROM api_keys WHERE org = 'other' AND revoked_at IS NULL", &[]);
    assert_eq!(keys.len(), 1, "{method} {path} changed the keys of another org");
    status
}

#[test]
fn an_org_never_sees_another() {
    let event = json!({ "event": "x" });
    let foreign = json!({ "event": "x", "organizationId": "other" });
    let key = |org: &str| json!({ "org": org, "scopes": ["query"] });
    // The scope that allows a request, what an own request gets, and what a foreign request gets.
    let cases: [(&str, &str, &str, Value, u16); 18] = [
        ("ingest", "POST", "/events", event.clone(), 202),
        ("ingest", "POST", "/events", foreign.clone(), 403),
        ("ingest", "POST", "/events/batch", json!([event]), 202),
        ("ingest", "POST", "/events/batch", json!([event, foreign]), 202),
        ("ingest", "POST", "/", json!([foreign]), 403),
        ("query", "GET", "/templates", Value::Null, 200),
        ("admin", "POST", "/keys", key("acme"), 201),
        ("admin", "POST", "/keys", key("other"), 403),
        ("admin", "POST", "/keys", key("*"), 403),
        ("admin", "GET", "/keys", Value::Null, 200),
        ("admin", "DELETE", "/keys/{own}", Value::Null, 204),
        ("admin", "DELETE", "/keys/{other}", Value::Null, 404),
        ("admin", "GET", "/prices", Value::Null, 200),
        ("admin", "PUT", "/prices", json!({ "rows": [] }), 403),
        ("admin", "GET", "/orgs", Value::Null, 200),
        ("admin", "PUT", "/orgs", json!({ "rows": [] }), 403),
        ("admin", "DELETE", "/users/ada?organizationId=acme", Value::Null, 200),
        ("admin", "DELETE", "/users/ada?organizationId=other", Value::Null, 403),
    ];
    for (allowing, method, path, body, expected) in cases {
        for scope in SCOPES {
            let expected = if scope == allowing { expected } else { 403 };
            assert_eq!(status(scope, method, path, &body), expected, "{scope}: {method} {path} {body}");
        }
    }
}

#[test]
fn an_org_lists_its_own_keys_and_a_key_of_all_orgs_lists_all() {
    let world = World::new();
    let key = world.key("acme", &["admin"]);
    world.key("other", &["admin"]);
    let orgs = |key: &str| {
        let (_, listed) = world.ask("GET", "/keys", key, "");
        let rows = listed["rows"].as_array().unwrap();
        rows.iter().map(|row| row["org"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let all = world.key("*", &["admin"]);
    assert_eq!(orgs(&key), BTreeSet::from(["acme".to_owned()]));
    for key in [ADMIN, &all] {
        assert_eq!(orgs(key), BTreeSet::from(["acme", "other", "*"].map(str::to_owned)));
    }
}

#[test]
fn an_event_without_an_org_is_of_the_org_of_its_key() {
    let world = World::new();
    let key = world.key("acme", &["ingest"]);
    let all = world.key("*", &["ingest"]);
    world.ask("POST", "/events", &key, "{\"event\":\"own\"}");
    world.ask("POST", "/events", &all, "{\"event\":\"named\",\"organizationId\":\"other\"}");
    world.ask("POST", "/events", &all, "{\"event\":\"unnamed\"}");
    let lines = world.host.memory.lines("SELECT org || ' ' || name AS event FROM events_raw ORDER BY org", &[]);
    assert_eq!(
        lines.into_iter().map(|mut line| line["event"].take()).collect::<Value>(),
        json!(["acme own", "default unnamed", "other named"])
    );
}
