//! Who may do what, from where, and how often.

use serde_json::{Value, json};

use super::{
    events as made,
    runtime::{ADMIN, Events, PLAIN},
};

const PAGE: &str = "https://app.example";

#[test]
fn a_key_does_what_it_may_in_its_org_until_it_is_revoked() {
    let Some(events) = Events::start() else { return };
    let key = |scope: &str| {
        let wanted = json!({ "org": "acme", "scopes": [scope], "origins": [PAGE] });
        let made = events.ask(ADMIN, "POST", "/keys", &wanted);
        assert_eq!(made.status, 201, "{made:?}");
        let text = |name: &str| made.json()[name].as_str().unwrap().to_owned();
        (text("key"), text("prefix"))
    };
    let ((ingest, prefix), (query, _)) = (key("ingest"), key("query"));
    let post = |key: &str, event: Value| events.ask(key, "POST", "/events", &event).status;
    assert_eq!(post(&ingest, made(1)[0].clone()), 202);
    assert_eq!(events.rows("SELECT org FROM events_raw"), [json!({ "org": "acme" })]);
    assert_eq!(post(&ingest, json!({ "event": "a", "organizationId": "other" })), 403);
    assert_eq!(post(&query, json!({ "event": "a" })), 403);
    assert_eq!(events.ask(&ingest, "GET", "/keys", &Value::Null).status, 403);
    for unknown in ["", "aig_unknown", "an admin key of nobody"] {
        let answer = events.ask(unknown, "POST", "/events", &json!({ "event": "a" }));
        assert_eq!((answer.status, answer.headers["www-authenticate"].as_str()), (401, "Bearer"));
    }
    let kept = events.rows("SELECT * FROM api_keys");
    assert!(!Value::from(kept).to_string().contains(&ingest), "a key is kept as its hash alone");

    let page = |key: &str, origin: &str| {
        let bearer = format!("Bearer {key}");
        let answer = events.send(
            PLAIN,
            "POST",
            "/events",
            &[("authorization", &bearer), ("origin", origin)],
            b"{\"event\":\"a\"}",
        );
        (answer.status, answer.headers.get("access-control-allow-origin").cloned())
    };
    assert_eq!(page(&ingest, PAGE), (202, Some(PAGE.to_owned())));
    assert_eq!(page(&ingest, "https://evil.example"), (202, None));
    let asks = [("origin", PAGE), ("access-control-request-method", "POST")];
    let preflight = events.send(PLAIN, "OPTIONS", "/events", &asks, b"");
    assert_eq!((preflight.status, preflight.text.as_str()), (204, ""));
    assert_eq!(preflight.headers["access-control-allow-methods"], "POST");
    assert_eq!(preflight.headers["access-control-allow-origin"], PAGE);
    assert!(preflight.headers["access-control-allow-headers"].contains("authorization"));

    let revoked = events.ask(ADMIN, "DELETE", &format!("/keys/{prefix}"), &Value::Null);
    assert_eq!((revoked.status, revoked.text.as_str()), (204, ""));
    assert_eq!(post(&ingest, json!({ "event": "a" })), 401);
    let listed = events.ask(ADMIN, "GET", "/keys", &Value::Null).json();
    let states: Vec<_> = listed["rows"].as_array().unwrap().iter().map(|key| key["revokedAt"].is_string()).collect();
    assert_eq!(states, [true, false], "{listed}");
}

#[test]
fn a_key_makes_no_more_requests_than_the_rate_allows() {
    let slow = |configuration: &mut toml::Table| {
        configuration["ratelimits"][0]["simple"]["limit"] = 2.into();
        configuration["vars"]["EVENTS_RATE"] = "2".into();
    };
    let free = |configuration: &mut toml::Table| {
        configuration["ratelimits"][0]["simple"]["limit"] = 1.into();
        configuration["ratelimits"][0]["namespace_id"] = "7".into();
        configuration["vars"]["EVENTS_RATE"] = "0".into();
    };
    let Some(events) = Events::start_with(&[("SLOW", slow), ("FREE", free)]) else { return };
    let ask = |worker: &str| events.ask_of(worker, ADMIN, "POST", "/events", &json!({ "event": "a" }));
    assert_eq!([(); 2].map(|()| ask("SLOW").status), [202, 202]);
    let refused = ask("SLOW");
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "60"), "{refused:?}");
    assert!(refused.text.contains("EVENTS_RATE"), "{refused:?}");
    assert_eq!([(); 3].map(|()| ask("FREE").status), [202, 202, 202], "0 is no limit");
    assert_eq!(events.count(), 5);
}
