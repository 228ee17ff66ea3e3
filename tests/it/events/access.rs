//! The access log: who asked what is an event, and nobody gets an answer without it.

use serde_json::{Value, json};

use super::world::{ADMIN, Strike, World};

/// The access log of a world: org, key, route, and whether it was allowed.
fn recorded(world: &World) -> Vec<Value> {
    let select = "SELECT json_array(org, user_id, subject, success, metadata, extra) AS line FROM events_raw \
                  WHERE name = 'api.access' AND source = 'access' ORDER BY id";
    let lines = world.host.memory.lines(select, &[]).into_iter();
    lines.map(|line| serde_json::from_str(line["line"].as_str().unwrap()).unwrap()).collect()
}

#[test]
fn who_asked_what_is_recorded() {
    // Whatever is wanted of other events, or withheld from them.
    let settings =
        [("EVENTS_NAMES", "x,api.*"), ("EVENTS_REQUIRED", "sku"), ("DROP_METADATA", "organizationId,subject,userId")];
    let world = World::with(&[&[("EVENTS_RATE", "0"), ("EVENTS_ACCESS_LOG", "true")], &settings[..]].concat());
    let key = world.key("acme", &["ingest", "query"]);
    let question = json!({ "start": "-1d", "end": "now" }).to_string();
    assert_eq!(world.ask("POST", "/query", &key, &question).0, 200);
    assert_eq!(world.ask("GET", "/keys", &key, "").0, 403);
    assert_eq!(world.ask("DELETE", "/users/ada?organizationId=acme", ADMIN, "").0, 200);
    // Whoever sends events asks nothing, also by that name, and a key that nobody knows is nobody's.
    assert_eq!(world.ask("POST", "/events", &key, r#"{"event":"x","usage":{"sku":"s"}}"#).0, 202);
    let forged = json!({ "event": "api.access", "source": "access", "userId": ADMIN, "usage": { "sku": "s" } });
    world.ask("POST", "/events", &key, &forged.to_string());
    assert_eq!(world.ask("POST", "/query", "aig_of_nobody", &question).0, 401);
    let mut lines = recorded(&world);
    lines.sort_by_key(Value::to_string);
    let (admin, own) = ("EVENTS_ADMIN_KEY", &key[..12]);
    let mut expected = [
        json!(["*", admin, "POST /keys", 1, null, null]),
        json!(["acme", own, "POST /query", 1, null, null]),
        json!(["acme", own, "GET /keys", 0, null, null]),
        json!(["*", admin, "DELETE /users/{}", 1, null, null]),
    ];
    expected.sort_by_key(Value::to_string);
    assert_eq!(lines, expected);
}

#[test]
fn nobody_is_answered_who_is_not_recorded() {
    let world = World::with(&[("EVENTS_RATE", "0"), ("EVENTS_ACCESS_LOG", "true")]);
    let key = world.key("acme", &["query"]);
    assert_eq!(world.ask("GET", "/templates", &key, "").0, 200);
    // The key is known, so the record is the first call.
    world.host.memory.strike.set(Some((0, Strike::Fails)));
    let (status, answer) = world.ask("GET", "/templates", &key, "");
    assert_eq!((status, &answer["templates"]), (503, &Value::Null), "{answer}");
    world.host.memory.strike.set(None);
    assert_eq!(recorded(&world).len(), 2, "the making of the key, and one question");
}

#[test]
fn nobody_is_recorded_unless_it_is_asked_for() {
    let world = World::new();
    world.key("acme", &["query"]);
    assert_eq!(recorded(&world), Vec::<Value>::new());
}

/// What AI Gateway counts, the application may tell too.
#[test]
fn ai_usage_is_not_counted_twice() {
    let world = World::new();
    let usage = |id: &str, further: Value| {
        let mut event = json!({ "event": "ai.usage", "id": id, "timestamp": "2026-11-29T11:30:00Z", "model": "gpt-4.1", "cost": 0.5, "organizationId": "default" });
        event.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        event
    };
    let events = json!([
        usage("named", json!({ "aigLogId": "01LOG" })),
        usage("header", json!({ "properties": { "cf-aig-log-id": "01LOG" } })),
        usage("elsewhere", json!({})),
    ]);
    let (status, answer) = world.ask("POST", "/events/batch", ADMIN, &events.to_string());
    assert_eq!(status, 202, "{answer}");
    let log = "INSERT INTO aig_logs_raw (gateway, created_at, id, model, cost, ingested_at) \
               VALUES ('main', '2026-11-29T11:00:00.000Z', '01LOG', 'gpt-4.1', 0.5, '')";
    world.host.memory.connection.execute(log, []).unwrap();
    let question = json!({ "dataset": "all", "start": "-1d", "end": "now", "metrics": ["count", "cost"] });
    let (_, answer) = world.ask("POST", "/query", ADMIN, &question.to_string());
    assert_eq!(answer["rows"], json!([{ "count": 4, "cost": 1 }]), "{answer}");
    // Nothing is lost.
    let kept =
        "SELECT json_group_array(json_extract(extra, '$.cost')) AS costs FROM (SELECT * FROM events_raw ORDER BY id)";
    assert_eq!(world.host.memory.lines(kept, &[])[0]["costs"], "[null,0.5,0.5]");
}
