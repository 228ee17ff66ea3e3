//! Which events are refused, and the sentence that says why.

use aig_logs::event::{self, Receipt, Refusal};
use serde_json::{Value, json};

use super::{fields, read, receipt, settings, with};

/// Checks the reason why an event is refused by a server with these settings.
fn check(vars: &[(&str, &str)], event: &Value, reason: &str) {
    assert_eq!(read(event, &receipt(), &settings(vars)), Err(reason.to_owned()), "{event}");
}

fn is_taken(vars: &[(&str, &str)], event: &Value) {
    read(event, &receipt(), &settings(vars)).unwrap_or_else(|reason| panic!("{event}: {reason}"));
}

#[test]
fn an_event_without_a_name_is_refused() {
    let reason = "the event has no name: send event, event_name, type or verb as text";
    for event in [json!({}), json!({ "event": "" }), json!({ "event": 7 }), json!({ "verb": ["v"], "type": null })] {
        check(&[], &event, reason);
    }
}

#[test]
fn a_number_as_type_is_refused() {
    let reason = "type is a number, and only the sender can look up its name: send the name of the type";
    for event in [json!({ "type": 1 }), json!({ "type": 1.5, "verb": "created", "ns": "https://startups.studio" })] {
        check(&[], &event, reason);
    }
    // Beside an event's name, it is a field like any other.
    is_taken(&[], &json!({ "event": "e", "type": 1 }));
}

#[test]
fn a_name_that_is_not_allowed_is_refused() {
    let vars = [("EVENTS_NAMES", "api.*, signup, *_success")];
    for name in ["api.request", "api.", "signup", "auth_login_success", "_success"] {
        is_taken(&vars, &json!({ "event": name }));
    }
    for name in ["api", "signup2", "asignup", "auth_login_success2"] {
        check(&vars, &json!({ "event": name }), "the event's name is none of those that are taken: EVENTS_NAMES");
    }
}

#[test]
fn an_event_that_lacks_a_required_column_is_refused() {
    let vars = [("EVENTS_REQUIRED", "user_id, metadata")];
    is_taken(&vars, &json!({ "event": "e", "actor": "u", "data": 1 }));
    check(&vars, &json!({ "event": "e", "data": 1 }), "the event has no user_id: EVENTS_REQUIRED");
    check(&vars, &json!({ "event": "e", "userId": "u" }), "the event has no metadata: EVENTS_REQUIRED");
}

#[test]
fn another_org_than_the_keys_is_refused() {
    let of_a_key = Receipt { org: Some("acme"), ..receipt() };
    for field in ["organizationId", "organization_id", "org"] {
        let event = json!({ "event": "e", field: "other" });
        assert_eq!(event::read(fields(&event), &of_a_key, &settings(&[])), Err(Refusal::OtherOrg), "{event}");
    }
}

#[test]
fn a_text_to_count_by_has_at_most_128_bytes() {
    let time = json!({ "event": "e", "timestamp": "2026-11-29T00:00:00Z" });
    let long = |letters: usize| "é".repeat(letters);
    for (name, event) in [
        ("id", |text: String| json!({ "id": text })),
        ("id", |text| json!({ "actionId": text })),
        ("name", |text| json!({ "event": text })),
        ("org", |text| json!({ "organizationId": text })),
        ("userId", |text| json!({ "userId": text })),
        ("userId", |text| json!({ "user_id": { "login": text } })),
        ("sessionId", |text| json!({ "session_id": text })),
        ("sku", |text| json!({ "usage": { "sku": text } })),
        ("unit", |text| json!({ "usage": { "unit": text } })),
    ] as [(&str, fn(String) -> Value); 9]
    {
        is_taken(&[], &with(&time, &event(long(64))));
        check(&[], &with(&time, &event(long(64) + "a")), &format!("{name} is longer than 128 bytes"));
    }
    is_taken(&[], &with(&time, &json!({ "subject": long(1_000), "error": long(1_000) })));
}

#[test]
fn an_id_needs_a_time() {
    let reason = "the event has an id but no time, and the time of receipt would differ when it is sent again: \
                  send timestamp too";
    // UUIDs of another version and of another variant, and texts that are no ULID: a letter too many, U, and more than 128
    // bits.
    for id in [
        "a",
        "550e8400-e29b-41d4-a716-446655440000",
        "01a2217d-76ba-4000-8000-000000000005",
        "01a2217d-76ba-7000-0000-000000000005",
        "01M8GQTXNT00000000000000070",
        "01M8GQTXNT000000000000000U",
        "81M8GQTXNT0000000000000007",
    ] {
        for field in ["id", "eventId", "messageId", "actionId"] {
            check(&[], &json!({ "event": "e", field: id }), reason);
            is_taken(&[], &json!({ "event": "e", field: id, "time": "2026-11-29T00:00:00Z" }));
        }
    }
}

#[test]
fn an_instant_that_is_none_is_refused() {
    for field in ["timestamp", "time"] {
        let reason = format!(
            "{field} is no instant from 1970 to 2199: send RFC 3339 text, or a number of seconds or milliseconds"
        );
        for given in [
            json!("yesterday"),
            json!(""),
            json!("2026-11-29"),
            json!("2026-11-29T00:00:00"),
            json!("1795953600"),
            json!("9999-01-01T00:00:00Z"),
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(true),
            json!({}),
        ] {
            check(&[], &json!({ "event": "e", field: given }), &reason);
        }
    }
    is_taken(&[], &json!({ "event": "e", "timestamp": "yesterday", "time": 1_795_953_600 }));
    is_taken(&[], &json!({ "event": "e", "timestamp": null }));
}

#[test]
fn an_event_is_not_too_old_and_not_from_the_future() {
    let vars = [("EVENT_RETENTION_DAYS", "90")];
    let at = |text: &str| json!({ "event": "e", "timestamp": text });
    is_taken(&vars, &at("2026-11-30T12:00:00.123Z"));
    check(&vars, &at("2026-11-30T12:00:00.124Z"), "the event is more than 24 h in the future");
    is_taken(&vars, &at("2026-08-31T12:00:00.123Z"));
    check(&vars, &at("2026-08-31T12:00:00.122Z"), "the event is older than 90 days: EVENT_RETENTION_DAYS");
    let old = json!({ "event": "e", "id": "01A7X7QQ000000000000000001" });
    check(&vars, &old, "the event is older than 90 days: EVENT_RETENTION_DAYS");
}

#[test]
fn a_point_that_is_none_is_refused() {
    let check = |point: Value, reason: &str| {
        assert_eq!(event::of_point(point.as_object().unwrap()), Err(reason.to_owned()), "{point}");
    };
    let reason = "the point has no text as its first blob, which would be the name of the event";
    check(json!({}), reason);
    check(json!({ "blobs": [] }), reason);
    check(json!({ "blobs": [null, "a"], "doubles": [1] }), reason);
    check(json!({ "blobs": "a" }), "blobs of the point is no list");
    check(json!({ "blobs": ["a"], "doubles": 1 }), "doubles of the point is no list");
    check(json!({ "blobs": ["a"], "indexes": {} }), "indexes of the point is no list");
}
