//! What the settings withhold is nowhere in the record.

use serde_json::{Value, json};

use super::{read, receipt, settings, unnamed, with};

/// Hashes as Python's `hmac` computes them.
const HASH_OF_JOHN_DOE: &str = "ff9c70545db1e864158249326ec1f375";
const HASH_OF_HIS_ADDRESS: &str = "58a50ec6365e10521da066b906bcb5d6";
const HASH_OF_SSH: &str = "371bc361964d7be39ab72e2b1942cbf6";
const HASH_OF_U1: &str = "23fc9088e6c82bc26842d8b09f907683";

/// Checks the row of an event named `e`, beside its name and what every row has.
fn check(vars: &[(&str, &str)], given: &Value, expected: &Value) {
    let event = with(&json!({ "event": "e" }), given);
    let row = read(&event, &receipt(), &settings(vars)).unwrap();
    assert_eq!(row, with(&with(&unnamed(), &json!({ "name": "e" })), expected), "{event}");
}

#[test]
fn nothing_private_is_in_a_record() {
    let everywhere = json!({
        "email": "a@b", "properties": { "email": "a@b", "team": { "email": "a@b", "lead": 1 } },
        "metadata": { "list": [{ "email": ["a@b"] }] }, "data": { "email": "a@b" },
        "other": { "email": { "work": "a@b" }, "n": 1 }, "user_id": { "email": "a@b" },
        "written": "{\"em\\u0061il\":\"a@b\",\"n\":1}", "cut": "{\"email\":\"a@b",
    });
    check(
        &[("DROP_METADATA", "email")],
        &everywhere,
        &json!({
            "metadata": { "team": { "lead": 1 }, "list": [{}] },
            "extra": { "other": { "n": 1 }, "written": "{\"n\":1}" },
        }),
    );
    let hash = HASH_OF_HIS_ADDRESS;
    check(
        &[("HASH_METADATA", "email")],
        &json!({
            "email": "john.doe@company.com", "data": { "email": "john.doe@company.com" },
            "user_id": { "email": "john.doe@company.com" },
        }),
        &json!({ "user_id": hash, "metadata": { "email": hash }, "extra": { "email": hash } }),
    );
}

#[test]
fn nothing_private_of_a_user_is_in_a_column() {
    let event = json!({
        "user_id": { "login": "john.doe", "email": "john.doe@company.com", "auth_method": "ssh" },
    });
    let (user, address, ssh) = ("john.doe", "john.doe@company.com", "ssh");
    let check_user = |vars: &[(&str, &str)], user_id: Value, metadata: Value| {
        let all = [("user_id", user_id), ("metadata", metadata)];
        let there = all.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value));
        check(vars, &event, &Value::Object(there.collect()));
    };
    check_user(&[], json!(user), json!({ "user_email": address, "auth_method": ssh }));
    for name in ["login", "user_login"] {
        // The next member is the user then.
        check_user(&[("DROP_METADATA", name)], json!(address), json!({ "auth_method": ssh }));
        check_user(
            &[("HASH_METADATA", name)],
            json!(HASH_OF_JOHN_DOE),
            json!({ "user_email": address, "auth_method": ssh }),
        );
    }
    for name in ["email", "user_email"] {
        check_user(&[("DROP_METADATA", name)], json!(user), json!({ "auth_method": ssh }));
        check_user(
            &[("HASH_METADATA", name)],
            json!(user),
            json!({ "user_email": HASH_OF_HIS_ADDRESS, "auth_method": ssh }),
        );
    }
    check_user(&[("DROP_METADATA", "login,email")], Value::Null, json!({ "auth_method": ssh }));
    // The whole object is the user.
    check_user(&[("DROP_METADATA", "user_id")], Value::Null, Value::Null);
    check_user(
        &[("HASH_METADATA", "user_id")],
        json!(HASH_OF_JOHN_DOE),
        json!({ "user_email": HASH_OF_HIS_ADDRESS, "auth_method": HASH_OF_SSH }),
    );
    // Hashed once, whichever of its names are listed.
    check_user(
        &[("HASH_METADATA", "user_id,login,user_login")],
        json!(HASH_OF_JOHN_DOE),
        json!({ "user_email": HASH_OF_HIS_ADDRESS, "auth_method": HASH_OF_SSH }),
    );
}

#[test]
fn to_withhold_a_column_is_to_withhold_its_fields() {
    for field in ["userId", "user_id", "actor"] {
        check(&[("DROP_METADATA", "user_id")], &json!({ field: "u1" }), &json!({}));
        check(&[("HASH_METADATA", "user_id")], &json!({ field: "u1" }), &json!({ "user_id": HASH_OF_U1 }));
    }
    check(&[("DROP_METADATA", "userId")], &json!({ "userId": "u1", "actor": "u2" }), &json!({ "user_id": "u2" }));
    check(&[("HASH_METADATA", "userId,user_id")], &json!({ "userId": "u1" }), &json!({ "user_id": HASH_OF_U1 }));
    check(
        &[("HASH_METADATA", "session_id")],
        &json!({ "sessionId": "u1", "session_id": "u1" }),
        &json!({ "session_id": HASH_OF_U1, "extra": { "session_id": HASH_OF_U1 } }),
    );
}

#[test]
fn a_subject_is_made_of_what_is_left() {
    check(
        &[("DROP_METADATA", "tool_name")],
        &json!({ "tool_name": "t", "metadata": { "tool_name": "t", "model": "m" } }),
        &json!({ "subject": "m", "metadata": { "model": "m" } }),
    );
    check(
        &[("HASH_METADATA", "path")],
        &json!({ "metadata": { "method": "GET", "path": "u1" } }),
        &json!({ "subject": format!("GET {HASH_OF_U1}"), "metadata": { "method": "GET", "path": HASH_OF_U1 } }),
    );
}

#[test]
fn a_name_within_an_event_and_an_escape_in_a_text_hide_nothing() {
    check(
        &[("DROP_METADATA", "user_id,session_id,a/b,email")],
        &json!({
            "userId": "ada", "properties": { "userId": "ada", "list": [{ "actor": "ada", "sessionId": "s", "n": 1 }] },
            "slash": "{\"a\\/b\":1,\"n\":1}", "marked": "\u{feff}{\"email\":1,\"n\":1}",
            "unseen": "\u{200b}{\"email\":1,\"n\":1}",
        }),
        &json!({
            "metadata": { "list": [{ "n": 1 }] },
            "extra": { "slash": "{\"n\":1}", "marked": "{\"n\":1}", "unseen": "{\"n\":1}" },
        }),
    );
}

#[test]
fn a_reason_holds_no_value() {
    let private = "a private text of more than 128 bytes ".repeat(4);
    let vars = [("EVENTS_NAMES", "allowed"), ("EVENTS_REQUIRED", "cost")];
    for event in [
        json!({ "event": private }),
        json!({ "event": "a private name" }),
        json!({ "event": "allowed", "userId": private }),
        json!({ "event": "allowed", "timestamp": "private" }),
        json!({ "event": "allowed", "id": "private" }),
        json!({ "event": "allowed", "subject": "private" }),
    ] {
        let reason = read(&event, &receipt(), &settings(&vars)).unwrap_err();
        assert!(!reason.contains("private"), "{reason}");
    }
}

#[test]
fn addresses_lose_their_last_part() {
    let vars = [("EVENTS_TRUNCATE_IP", "true")];
    check(
        &vars,
        &json!({
            "ip": "203.0.113.42", "clientIp": "2001:db8:85a3:8d3:1319:8a2e:370:7348",
            "X-Forwarded-For": "203.0.113.42, 198.51.100.7:443",
            "metadata": { "ip_address": "::ffff:203.0.113.42", "remote_addr": ["203.0.113.42"], "page": "10.0.0.1" },
            "user_id": { "ip": "203.0.113.42" }, "other": { "ip": "unknown", "n": 7 },
        }),
        &json!({
            "metadata": {
                "ip_address": "::ffff:203.0.113.0", "remote_addr": ["203.0.113.0"], "page": "10.0.0.1",
                "user_ip": "203.0.113.0",
            },
            "extra": {
                "ip": "203.0.113.0", "clientIp": "2001:db8:85a3::",
                "X-Forwarded-For": "203.0.113.0, 198.51.100.0:443", "other": { "ip": "unknown", "n": 7 },
            },
        }),
    );
    check(&[], &json!({ "ip": "203.0.113.42" }), &json!({ "extra": { "ip": "203.0.113.42" } }));
    // A hash is of the whole address.
    let hashed = [("EVENTS_TRUNCATE_IP", "true"), ("HASH_METADATA", "ip")];
    check(&hashed, &json!({ "ip": "u1" }), &json!({ "extra": { "ip": HASH_OF_U1 } }));
}
