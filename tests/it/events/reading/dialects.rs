//! The examples of the five dialects, whole, and the rows that they become.

use aig_logs::event::{
    self, Receipt, Way,
    names::{KNOWN, Kind},
};
use serde_json::{Value, json};

use super::{read, receipt, row, settings, unnamed, with};

/// Checks the whole row of an event, beside what every row has.
fn check(event: &Value, expected: &Value) {
    assert_eq!(row(event), with(&unnamed(), expected), "{event}");
}

#[test]
fn the_examples_of_seed_000_become_these_rows() {
    check(
        &json!({
            "user_id": { "login": "john.doe", "email": "john.doe@company.com", "auth_method": "ssh" },
            "event_name": "auth_ssh_success",
            "timestamp": "2025-11-24T14:32:00.000Z",
            "metadata": { "ip_address": "203.0.113.42", "user_agent": "Claude-Desktop/1.0" },
        }),
        &json!({
            "created_at": "2025-11-24T14:32:00.000Z",
            "name": "auth_ssh_success",
            "user_id": "john.doe",
            "success": true,
            "metadata": {
                "ip_address": "203.0.113.42", "user_agent": "Claude-Desktop/1.0",
                "user_email": "john.doe@company.com", "auth_method": "ssh",
            },
        }),
    );
    check(
        &json!({
            "user_id": { "login": "jane.smith", "email": "jane.smith@company.com" },
            "event_name": "tool_success",
            "timestamp": "2025-11-24T14:35:12.345Z",
            "metadata": { "tool_name": "generateImage", "execution_time_ms": 1250 },
        }),
        &json!({
            "created_at": "2025-11-24T14:35:12.345Z",
            "name": "tool_success",
            "user_id": "jane.smith",
            "subject": "generateImage",
            "success": true,
            "duration": 1250.0,
            "metadata": {
                "tool_name": "generateImage", "execution_time_ms": 1250, "user_email": "jane.smith@company.com",
            },
        }),
    );
    check(
        &json!({
            "user_id": { "login": "user", "email": "user@example.com" },
            "event_name": "tool_invoked",
            "metadata": { "tool_name": "myTool", "custom_data": "value" },
        }),
        &json!({
            "name": "tool_invoked",
            "user_id": "user",
            "subject": "myTool",
            "metadata": { "tool_name": "myTool", "custom_data": "value", "user_email": "user@example.com" },
        }),
    );
    check(
        &json!({ "user_id": { "example": "test" }, "event_name": "test_event" }),
        &json!({ "name": "test_event", "metadata": { "user_example": "test" } }),
    );
}

#[test]
fn all_thirteen_names_are_known() {
    let expected = [
        ("auth_login_success", Kind::Auth, Some(true)),
        ("auth_login_failure", Kind::Auth, Some(false)),
        ("auth_logout", Kind::Auth, None),
        ("auth_ssh_success", Kind::Auth, Some(true)),
        ("auth_ssh_failure", Kind::Auth, Some(false)),
        ("auth_github_success", Kind::Auth, Some(true)),
        ("auth_github_failure", Kind::Auth, Some(false)),
        ("tool_invoked", Kind::Tool, None),
        ("tool_success", Kind::Tool, Some(true)),
        ("tool_failure", Kind::Tool, Some(false)),
        ("oauth_authorize_start", Kind::Oauth, None),
        ("oauth_authorize_complete", Kind::Oauth, None),
        ("oauth_token_issued", Kind::Oauth, None),
    ];
    assert_eq!(KNOWN.map(|known| (known.name, known.kind, known.success)), expected);
    for (name, _, success) in expected {
        let user = json!({ "login": "ada" });
        let event =
            json!({ "user_id": user, "event_name": name, "metadata": { "tool_name": "t", "execution_time_ms": 5 } });
        let row = row(&event);
        assert_eq!((&row["name"], &row["success"]), (&json!(name), &json!(success)));
        assert_eq!((&row["subject"], &row["duration"]), (&json!("t"), &json!(5.0)), "{name}");
    }
}

#[test]
fn the_examples_of_seed_001_become_these_rows() {
    check(
        &json!({
            "event": "api.request",
            "userId": "user_123",
            "properties": { "method": "GET", "path": "/api/users" },
            "performance": { "duration": 45.5, "statusCode": 200 },
        }),
        &json!({
            "name": "api.request",
            "user_id": "user_123",
            "subject": "GET /api/users",
            "success": true,
            "status_code": 200,
            "duration": 45.5,
            "metadata": { "method": "GET", "path": "/api/users" },
        }),
    );
    check(
        &json!({
            "event": "usage.tracked",
            "userId": "user_123",
            "organizationId": "org_456",
            "usage": { "quantity": 1500, "unit": "tokens", "sku": "ai-text-generation" },
        }),
        &json!({
            "org": "org_456",
            "name": "usage.tracked",
            "user_id": "user_123",
            "subject": "ai-text-generation",
            "quantity": 1500.0,
            "unit": "tokens",
            "sku": "ai-text-generation",
        }),
    );
}

/// The event of seed 002.
fn of_a_durable_object() -> Value {
    json!({
        "ns": "https://startups.studio",
        "verb": "created",
        "source": "Startup/acme",
        "sourceType": "Startup",
        "data": { "raisedAt": "2024-10-01" },
        "actionId": "uuid",
        "timestamp": "2024-01-08T12:00:00Z",
    })
}

#[test]
fn the_example_of_seed_002_becomes_this_row() {
    let expected = json!({
        "org": "startups.studio",
        "created_at": "2024-01-08T12:00:00.000Z",
        "id": "uuid",
        "name": "created",
        "subject": "Startup/acme",
        "metadata": { "raisedAt": "2024-10-01" },
        // The org has the host of ns alone.
        "extra": { "ns": "https://startups.studio", "sourceType": "Startup" },
    });
    check(&of_a_durable_object(), &expected);
    let of_a_key = Receipt { org: Some("acme"), ..receipt() };
    let row = read(&of_a_durable_object(), &of_a_key, &settings(&[])).unwrap();
    assert_eq!(row, with(&with(&unnamed(), &expected), &json!({ "org": "acme" })));
}

#[test]
fn a_cloud_event_becomes_this_row() {
    check(
        &json!({
            "specversion": "1.0",
            "type": "com.github.pull_request.opened",
            "source": "https://github.com/cloudevents/spec/pull",
            "subject": "123",
            "id": "A234-1234-1234",
            "time": "2026-11-05T17:31:00Z",
            "comexampleextension1": "value",
            "datacontenttype": "application/json",
            "data": { "title": "Fix" },
        }),
        &json!({
            "created_at": "2026-11-05T17:31:00.000Z",
            "id": "A234-1234-1234",
            "name": "com.github.pull_request.opened",
            "subject": "123",
            "metadata": { "title": "Fix" },
            "extra": {
                "specversion": "1.0", "source": "https://github.com/cloudevents/spec/pull",
                "comexampleextension1": "value", "datacontenttype": "application/json",
            },
        }),
    );
    check(
        &json!({ "specversion": "1.0", "type": "t", "source": "/s", "verb": "v", "data": "text" }),
        &json!({
            "name": "t", "metadata": { "data": "text" }, "extra": { "specversion": "1.0", "source": "/s", "verb": "v" },
        }),
    );
}

/// Checks the whole row of a point, beside what every row has.
fn check_point(point: &Value, expected: &Value) {
    let event = Value::Object(event::of_point(point.as_object().unwrap()).unwrap());
    let row = read(&event, &Receipt { way: Way::Point, ..receipt() }, &settings(&[])).unwrap();
    assert_eq!(row, with(&with(&unnamed(), &json!({ "source": "point" })), expected), "{point}");
}

#[test]
fn the_six_shapes_of_seed_003_become_events() {
    check_point(
        &json!({ "blobs": ["GET", "/api/users", "503"], "doubles": [41.5, 1], "indexes": ["8f1-AMS"] }),
        &json!({
            "name": "api.request", "subject": "GET /api/users", "status_code": 503, "success": false, "duration": 41.5,
            "metadata": { "method": "GET", "path": "/api/users", "count": 1, "ray": "8f1-AMS" },
        }),
    );
    check_point(
        &json!({
            "blobs": ["POST", "/", "201", "production"], "doubles": [7, 1, 2048],
            "indexes": ["8f1-AMS", "curl/8"],
        }),
        &json!({
            "name": "api.request", "subject": "POST /", "status_code": 201, "success": true, "duration": 7.0,
            "metadata": {
                "method": "POST", "path": "/", "environment": "production", "count": 1, "bytes": 2048,
                "ray": "8f1-AMS", "user_agent": "curl/8",
            },
        }),
    );
    check_point(
        &json!({ "blobs": ["shop", "ai", "cost"], "doubles": [0.25, 1], "indexes": ["shop"] }),
        &json!({
            "name": "project.cost", "subject": "shop", "cost": 0.25,
            "metadata": { "project_id": "shop", "cost_type": "ai", "count": 1 },
        }),
    );
    check_point(
        &json!({ "blobs": ["ai-usage", "gpt-4.1", "tokens"], "doubles": [1500, 0.02, 1], "indexes": ["gpt-4.1"] }),
        &json!({
            "name": "ai.usage", "subject": "gpt-4.1", "quantity": 1500.0, "unit": "tokens", "cost": 0.02,
            "metadata": { "model": "gpt-4.1", "count": 1 },
        }),
    );
    check_point(
        &json!({ "blobs": ["error", "TypeError", "/checkout"], "doubles": [1], "indexes": ["TypeError"] }),
        &json!({
            "name": "error", "subject": "TypeError", "success": false,
            "metadata": { "error_type": "TypeError", "path": "/checkout", "count": 1 },
        }),
    );
    check_point(
        &json!({ "blobs": ["user-event", "signup", "u1"], "doubles": [1], "indexes": ["u1"] }),
        &json!({ "name": "user.event", "subject": "signup", "user_id": "u1", "metadata": { "count": 1 } }),
    );
    check_point(
        &json!({ "blobs": ["resource", "r2-storage", "shop"], "doubles": [12.5, 1], "indexes": ["shop"] }),
        &json!({
            "name": "resource.used", "subject": "r2-storage", "quantity": 12.5, "sku": "r2-storage",
            "metadata": { "project_id": "shop", "count": 1 },
        }),
    );
    check_point(
        &json!({ "blobs": ["user-login", "google-oauth"], "doubles": [1], "indexes": ["user-123"] }),
        &json!({
            "name": "user-login",
            "metadata": { "blob2": "google-oauth", "double1": 1, "index1": "user-123" },
        }),
    );
}
