//! Questions that the seeds ask of their events.

use serde_json::{Value, json};

use super::rows::{ask, world};
use crate::events::world::{ADMIN, World};

/// A server that has taken these events of a morning.
fn taken(events: &[Value]) -> World {
    let world = world(&[]);
    let event = |(id, event): (usize, &Value)| {
        let mut event = event.clone();
        event["id"] = format!("{id}").into();
        event["timestamp"] = "2026-11-28T09:00:00Z".into();
        event
    };
    let events: Vec<_> = events.iter().enumerate().map(event).collect();
    assert_eq!(world.ask("POST", "/events/batch", ADMIN, &json!(events).to_string()).0, 202);
    world
}

#[test]
fn any_number_can_be_summed() {
    let sold = |plan: &str, seats: f64| json!({ "event": "seats.sold", "usage": { "quantity": seats, "unit": "seats" }, "properties": { "plan": plan } });
    let world = taken(&[sold("team", 5.0), sold("team", 2.5), sold("free", 1.0), json!({ "event": "signup" })]);
    let question = json!({
        "start": "-7d", "end": "now", "metrics": ["count", "quantity"], "groupBy": ["metadata.plan"],
        "filters": [{ "field": "name", "op": "eq", "values": ["seats.sold"] }],
    });
    let row =
        |plan: &str, count: u32, seats: Value| json!({ "metadata.plan": plan, "count": count, "quantity": seats });
    assert_eq!(ask(&world, "/query", &question), json!([row("free", 1, json!(1)), row("team", 2, json!(7.5))]));
}

#[test]
fn projects_can_be_told_apart() {
    let request = |project: &str, status: u32| {
        let performance = json!({ "duration": 12, "statusCode": status });
        let properties = json!({ "method": "GET", "path": "/", "project_id": project });
        json!({ "event": "api.request", "properties": properties, "performance": performance })
    };
    let world = taken(&[request("a", 200), request("a", 500), request("b", 200)]);
    let mut question =
        json!({ "start": "-7d", "end": "now", "metrics": ["count", "errors"], "groupBy": ["metadata.project_id"] });
    let row = |project: &str, count: u32, errors: u32| json!({ "metadata.project_id": project, "count": count, "errors": errors });
    assert_eq!(ask(&world, "/query", &question), json!([row("a", 2, 1), row("b", 1, 0)]));
    question["filters"] = json!([{ "field": "metadata.project_id", "op": "eq", "values": ["b"] }]);
    assert_eq!(ask(&world, "/query", &question), json!([row("b", 1, 0)]));
}
