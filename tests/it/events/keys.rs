//! Keys: made, listed and revoked by those who may.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::world::{ADMIN, World, body_of, request};

#[test]
fn a_key_is_shown_once_and_only_its_hash_is_kept() {
    let world = World::new();
    let wanted =
        json!({ "org": "acme", "scopes": ["query", "ingest", "query"], "origins": ["https://app.example:8443"] });
    let (status, made) = world.ask("POST", "/keys", ADMIN, &wanted.to_string());
    assert_eq!(status, 201);
    let key = made["key"].as_str().unwrap();
    // Of 32 bytes, six bits a letter.
    assert_eq!((key.starts_with("aig_"), key.len()), (true, 4 + 43));
    assert_eq!(made, json!({ "key": key, "prefix": key[..12], "org": "acme", "scopes": ["ingest", "query"] }));
    let kept = serde_json::to_string(&world.host.memory.lines("SELECT * FROM api_keys", &[])).unwrap();
    assert!(!kept.contains(&key[12..]), "{kept}");
    let (status, listed) = world.ask("GET", "/keys", ADMIN, "");
    let expected = json!({
        "prefix": key[..12], "org": "acme", "scopes": ["ingest", "query"], "origins": ["https://app.example:8443"],
        "createdAt": "2026-11-29T12:00:00.000Z", "revokedAt": null,
    });
    assert_eq!((status, listed), (200, json!({ "rows": [expected] })));
}

#[test]
fn a_revoked_key_is_refused_within_a_minute_and_at_once_where_it_was_revoked() {
    let world = World::new();
    let key = world.key("acme", &["ingest"]);
    let send = || world.ask("POST", "/events", &key, "{\"event\":\"x\"}").0;
    assert_eq!(send(), 202);
    // As another server does that has the same database.
    world.host.memory.connection.execute("UPDATE api_keys SET revoked_at = '2026-11-29T12:00:00.000Z'", []).unwrap();
    assert_eq!(send(), 202);
    world.host.now.set(world.host.now.get() + TimeDelta::seconds(60));
    assert_eq!(send(), 401);

    let key = world.key("acme", &["ingest"]);
    assert_eq!(world.ask("POST", "/events", &key, "{\"event\":\"x\"}").0, 202);
    let revoke = || world.ask("DELETE", &format!("/keys/{}", &key[..12]), ADMIN, "").0;
    assert_eq!(revoke(), 204);
    assert_eq!(world.ask("POST", "/events", &key, "{\"event\":\"x\"}").0, 401);
    assert_eq!(revoke(), 404);
}

#[test]
fn a_known_key_is_looked_up_once_a_minute() {
    let world = World::new();
    let key = world.key("acme", &["ingest"]);
    let calls = |requests: usize| {
        let before = world.host.memory.calls.get();
        for _ in 0..requests {
            assert_eq!(world.ask("POST", "/events", &key, "{\"event\":\"x\"}").0, 202);
        }
        world.host.memory.calls.get() - before
    };
    // One look at the key, and a write for each request.
    assert_eq!(calls(10), 1 + 10);
    assert_eq!(calls(10), 10);
}

#[test]
fn keys_that_cannot_be_are_refused_by_field() {
    let world = World::new();
    let check = |wanted: Value, field: Option<&str>| {
        let (status, problem) = world.ask("POST", "/keys", ADMIN, &wanted.to_string());
        assert_eq!((status, problem["field"].as_str()), (400, field), "{problem}");
    };
    check(json!({ "org": "", "scopes": ["ingest"] }), Some("org"));
    check(json!({ "org": "x".repeat(129), "scopes": ["ingest"] }), Some("org"));
    check(json!({ "org": "acme", "scopes": [] }), Some("scopes"));
    check(json!({ "org": "acme", "scopes": ["write"] }), Some("scopes"));
    for org in [" ", "a\nb", "a\0b"] {
        check(json!({ "org": org, "scopes": ["ingest"] }), Some("org"));
    }
    for origin in [
        "app.example",
        "https://app.example/",
        "https://app.example/path",
        "*",
        "https://App.example",
        "https://user@app.example",
        "https://app.example:443",
        "https://app.example:99999",
        "https://app.example#x",
        "https://*.example",
    ] {
        check(json!({ "org": "acme", "scopes": ["ingest"], "origins": [origin] }), Some("origins"));
    }
    check(json!({ "org": "acme" }), None);
    check(json!({ "org": "acme", "scopes": ["ingest"], "expires": 1 }), None);
    let (_, problem) = world.ask("POST", "/keys", ADMIN, "{\"org\":\"acme\",\"scopes\":\"a private text\"}");
    assert!(!problem.to_string().contains("private"), "{problem}");
    assert_eq!(world.ask("GET", "/keys", ADMIN, "").1, json!({ "rows": [] }));
}

#[test]
fn without_a_known_key_nothing_is_told() {
    let world = World::new();
    let unknown = format!("Bearer aig_{}", "x".repeat(43));
    for header in [None, Some("Bearer"), Some("Bearer "), Some("Basic YTpi"), Some("Bearer x"), Some(&*unknown)] {
        for (method, path) in
            [("POST", "/events"), ("GET", "/keys"), ("DELETE", "/keys/aig_12345678"), ("POST", "/keys")]
        {
            let headers: Vec<_> = header.map(|header| ("authorization", header)).into_iter().collect();
            let response = world.send(request(method, path, &headers, "{\"event\":\"x\"}"));
            assert_eq!(response.status().as_u16(), 401, "{header:?} {method} {path}");
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            assert!(!body_of(&response)["detail"].as_str().unwrap().contains("xxx"));
        }
    }
    assert_eq!(world.events(), 0);
}
