//! Each column: which field it is made of, and where everything else stays.

use aig_logs::event::{Receipt, Way};
use serde_json::{Value, json};

use super::{MADE_ID, read, receipt, row, settings, unnamed, with};

/// Checks the row of an event named `e` with these fields, beside its name and what every row has.
fn check(given: &Value, expected: &Value) {
    let event = with(&json!({ "event": "e" }), given);
    assert_eq!(row(&event), with(&with(&unnamed(), &json!({ "name": "e" })), expected), "{event}");
}

/// Checks that of these fields, which all are there, the first one becomes the column, and if it goes the second one,
/// and so on. The others are in `extra`.
fn check_order(column: &str, others: &Value, ordered: &[(&str, Value, Value)]) {
    for first in 0..ordered.len() {
        let mut event = with(others, &json!({}));
        for (path, value, _) in &ordered[first..] {
            let place = path.split('.').fold(&mut event, |object, name| &mut object[name]);
            *place = value.clone();
        }
        let row = row(&event);
        assert_eq!(row[column], ordered[first].2, "{column} of {event}");
        for (path, value, _) in &ordered[first + 1..] {
            let kept = path.split('.').try_fold(&row["extra"], |object, name| object.get(name));
            let in_metadata = || path.split_once('.').and_then(|(_, name)| row["metadata"].get(format!("user_{name}")));
            let named = || row["metadata"].get(path.rsplit('.').next().unwrap());
            assert_eq!(kept.or_else(in_metadata).or_else(named), Some(value), "{path} of {event} in {row}");
        }
    }
}

/// A place whose value becomes the column unchanged.
fn same(path: &'static str, value: &Value) -> (&'static str, Value, Value) {
    (path, value.clone(), value.clone())
}

fn texts(paths: &[&'static str]) -> Vec<(&'static str, Value, Value)> {
    paths.iter().map(|path| same(path, &json!(format!("in {path}")))).collect()
}

fn numbers(paths: &[&'static str]) -> Vec<(&'static str, Value, Value)> {
    (1..).zip(paths).map(|(number, path)| same(path, &json!(f64::from(number) + 0.5))).collect()
}

#[test]
fn the_first_field_that_is_there_counts() {
    let event = json!({ "event": "e" });
    let mut orgs = texts(&["organizationId", "organization_id", "org"]);
    orgs.push(("ns", json!("https://ada@Example.COM:8080/a?b#c"), json!("example.com")));
    check_order("org", &event, &orgs);
    check_order("name", &json!({}), &texts(&["event", "event_name", "type", "verb"]));
    let time = json!({ "event": "e", "timestamp": "2026-11-29T00:00:00Z" });
    check_order("id", &time, &texts(&["id", "eventId", "messageId", "actionId"]));
    check_order(
        "created_at",
        &event,
        &[
            ("timestamp", json!("2026-11-29T00:00:00Z"), json!("2026-11-29T00:00:00.000Z")),
            ("time", json!("2026-11-28T01:00:00+02:00"), json!("2026-11-27T23:00:00.000Z")),
        ],
    );
    check_order("user_id", &event, &texts(&["userId", "user_id", "actor"]));
    check_order("user_id", &event, &texts(&["userId", "user_id.login", "user_id.email", "user_id.client_id", "actor"]));
    check_order("session_id", &event, &texts(&["sessionId", "session_id"]));
    let statuses = [("performance.statusCode", 501), ("status_code", 502), ("status", 503)];
    check_order("status_code", &event, &statuses.map(|(path, status)| same(path, &json!(status))));
    check_order(
        "duration",
        &event,
        &numbers(&["performance.duration", "duration_ms", "duration", "execution_time_ms"]),
    );
    check_order("cost", &event, &numbers(&["cost", "cost_usd", "amount_usd"]));
    check_order("error", &event, &texts(&["error.message", "error_message"]));
    check_order("error", &event, &texts(&["error_message", "error"]));
    check_order("quantity", &event, &numbers(&["usage.quantity"]));
    check_order("unit", &event, &texts(&["usage.unit"]));
    check_order("sku", &event, &texts(&["usage.sku"]));
}

#[test]
fn the_first_subject_counts_and_one_in_the_metadata_stays_there() {
    let all = json!({
        "subject": "s", "tool_name": "t", "usage": { "sku": "k" }, "model": "m", "method": "GET", "path": "/p",
        "error_type": "E", "source": "Startup/acme", "project_id": "p",
    });
    let order = [
        ("subject", "s"),
        ("tool_name", "t"),
        ("usage", "k"),
        ("model", "m"),
        ("method", "GET /p"),
        ("error_type", "E"),
        ("source", "Startup/acme"),
        ("project_id", "p"),
    ];
    let mut left = all;
    for (field, subject) in order {
        let event = with(&json!({ "verb": "made" }), &left);
        assert_eq!(row(&event)["subject"], subject, "{event}");
        for object in ["properties", "metadata", "data"] {
            let event = json!({ "verb": "made", object: left });
            let row = row(&event);
            assert_eq!(row["subject"], subject, "{event}");
            assert_eq!(row["metadata"], left, "{event}");
        }
        left.as_object_mut().unwrap().remove(field);
    }
    check(&json!({ "method": "GET", "path": "/p" }), &json!({ "subject": "GET /p" }));
    // A part of a route is none, and source is a subject only beside a verb.
    check(&json!({ "method": "GET", "source": "s" }), &json!({ "extra": { "method": "GET", "source": "s" } }));
    check(
        &json!({ "model": "m", "metadata": { "subject": "s" } }),
        &json!({
            "subject": "m", "metadata": { "subject": "s" },
        }),
    );
    check(&json!({ "subject": 7, "tool_name": "t" }), &json!({ "subject": "t", "extra": { "subject": 7 } }));
}

#[test]
fn some_columns_are_also_looked_for_in_the_metadata() {
    for object in ["properties", "metadata", "data"] {
        let members = json!({
            "success": false, "status_code": 201, "duration_ms": 1.5, "cost_usd": 0.25, "error_message": "no",
        });
        check(
            &json!({ object: members }),
            &json!({
                "success": false, "status_code": 201, "duration": 1.5, "cost": 0.25, "error": "no", "metadata": members,
            }),
        );
        let members = json!({ "performance": { "duration": 2, "statusCode": 500 }, "error": { "message": "no" } });
        check(
            &json!({ object: members }),
            &json!({ "success": false, "status_code": 500, "duration": 2.0, "error": "no", "metadata": members }),
        );
        // Users, sessions and usage are not: such a field says what its sender wants.
        let members = json!({ "userId": "u", "sessionId": "s", "quantity": 1, "unit": "u", "id": "i" });
        check(&json!({ object: members }), &json!({ "metadata": members }));
    }
    check(&json!({ "cost": 1, "metadata": { "cost": 2 } }), &json!({ "cost": 1.0, "metadata": { "cost": 2 } }));
}

#[test]
fn success_is_a_field_or_a_status_or_the_end_of_the_name() {
    let check = |event: Value, success: Value| assert_eq!(row(&event)["success"], success, "{event}");
    check(json!({ "event": "a_success", "success": false }), json!(false));
    check(json!({ "event": "a_success", "status": 400 }), json!(false));
    check(json!({ "event": "a_failure", "status": 399 }), json!(true));
    check(json!({ "event": "a", "status": 500, "metadata": { "success": true } }), json!(true));
    check(json!({ "event": "a", "success": 1 }), json!(true));
    check(json!({ "event": "a.failed", "success": "yes" }), json!(false));
    for (name, success) in [
        ("a_success", json!(true)),
        ("a.success", json!(true)),
        ("a_failure", json!(false)),
        ("a.failed", json!(false)),
        ("a.failure", json!(false)),
        ("a_failed", Value::Null),
        ("success", Value::Null),
        ("a_success.b", Value::Null),
    ] {
        check(json!({ "event": name }), success);
    }
}

#[test]
fn metadata_is_one_object_and_nothing_of_it_is_lost() {
    check(
        &json!({ "properties": { "a": 1 }, "metadata": { "b": { "c": [2] } }, "data": { "d": null } }),
        &json!({ "metadata": { "a": 1, "b": { "c": [2] }, "d": null } }),
    );
    check(
        &json!({ "properties": { "a": 1 }, "metadata": { "a": 2, "b": 2 }, "data": { "a": 3, "b": 2 } }),
        &json!({ "metadata": { "a": 1, "b": 2 }, "extra": { "metadata": { "a": 2 }, "data": { "a": 3 } } }),
    );
    for data in [json!("text"), json!(7), json!(false), json!([1, 2])] {
        check(&json!({ "data": data }), &json!({ "metadata": { "data": data } }));
        check(
            &json!({ "properties": data, "metadata": data }),
            &json!({
                "extra": { "properties": data, "metadata": data },
            }),
        );
        check(
            &json!({ "properties": { "data": 0 }, "data": data }),
            &json!({
                "metadata": { "data": 0 }, "extra": { "data": data },
            }),
        );
    }
    check(&json!({ "data": null, "metadata": {}, "properties": null }), &json!({}));
    check(
        &json!({
            "userId": "u",
            "user_id": { "login": "l", "email": "e", "client_id": "c", "auth_method": "ssh", "plan": { "a": 1 } },
        }),
        &json!({
            "user_id": "u",
            "metadata": {
                "user_login": "l", "user_email": "e", "client_id": "c", "auth_method": "ssh", "user_plan": { "a": 1 },
            },
        }),
    );
    check(
        &json!({ "user_id": { "login": "l", "email": "e" }, "metadata": { "user_email": "f" } }),
        &json!({ "user_id": "l", "metadata": { "user_email": "f" }, "extra": { "user_id": { "email": "e" } } }),
    );
}

#[test]
fn what_no_column_took_is_in_extra() {
    check(
        &json!({ "new": [1, { "a": null }], "duration": "fast", "status": "ok", "success": "yes", "cost": [1] }),
        &json!({
            "extra": {
                "new": [1, { "a": null }], "duration": "fast", "status": "ok", "success": "yes", "cost": [1],
            },
        }),
    );
    check(
        &json!({ "performance": { "duration": 1, "cpu": 2, "statusCode": 1.5 }, "usage": { "unit": "t", "tier": 1 } }),
        &json!({
            "duration": 1.0, "unit": "t", "extra": { "performance": { "cpu": 2, "statusCode": 1.5 }, "usage": { "tier": 1 } },
        }),
    );
    check(
        &json!({ "error": { "message": "no", "code": 7 }, "user_id": ["u"], "sessionId": true }),
        &json!({ "error": "no", "extra": {
            "error": { "code": 7 }, "user_id": ["u"], "sessionId": true,
        } }),
    );
    check(
        &json!({ "userId": "", "sessionId": "", "id": "" }),
        &json!({
            "extra": { "userId": "", "sessionId": "", "id": "" },
        }),
    );
    check(&json!({ "userId": null, "new": null, "error": null }), &json!({}));
    // A number is a text where people number things.
    check(
        &json!({ "organizationId": 4, "userId": 7, "sessionId": 18_446_744_073_709_551_615_u64 }),
        &json!({ "org": "4", "user_id": "7", "session_id": "18446744073709551615" }),
    );
    check(&json!({ "userId": 1.5 }), &json!({ "extra": { "userId": 1.5 } }));
    check(&json!({ "status": 200.0 }), &json!({ "status_code": 200, "success": true }));
}

#[test]
fn an_org_is_named_by_the_event_or_its_key_or_is_the_default() {
    let check = |org: Option<&str>, event: Value, expected: &str| {
        let receipt = Receipt { org, ..receipt() };
        let event = with(&json!({ "event": "e" }), &event);
        assert_eq!(read(&event, &receipt, &settings(&[])).unwrap()["org"], expected, "{event}");
    };
    check(None, json!({}), "default");
    check(None, json!({ "org": "a" }), "a");
    check(None, json!({ "ns": "startups.studio" }), "startups.studio");
    check(None, json!({ "ns": "https://" }), "default");
    check(None, json!({ "ns": 7 }), "default");
    check(None, json!({ "organizationId": "a", "ns": "https://b.example" }), "a");
    check(Some("a"), json!({}), "a");
    check(Some("a"), json!({ "organizationId": "a" }), "a");
    check(Some("a"), json!({ "ns": "https://b.example" }), "a");
}

#[test]
fn each_way_has_a_name() {
    for (way, name) in
        [(Way::Http, "http"), (Way::Cli, "cli"), (Way::Rpc, "rpc"), (Way::Stream, "stream"), (Way::Point, "point")]
    {
        let row = read(&json!({ "event": "e" }), &Receipt { way, ..receipt() }, &settings(&[])).unwrap();
        assert_eq!(row["source"], name);
    }
}

#[test]
fn instants_are_texts_or_numbers_and_cut_to_milliseconds() {
    let check = |given: Value, expected: &str| {
        for field in ["timestamp", "time"] {
            let row = row(&json!({ "event": "e", field: given }));
            assert_eq!((&row["created_at"], row.get("extra")), (&json!(expected), None), "{given}");
        }
    };
    check(json!("2026-11-28T09:30:00.250999Z"), "2026-11-28T09:30:00.250Z");
    check(json!("2026-11-28T10:30:00.25+01:00"), "2026-11-28T09:30:00.250Z");
    check(json!("2026-11-28t09:30:00z"), "2026-11-28T09:30:00.000Z");
    check(json!("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00.000Z");
    check(json!(1_795_858_200), "2026-11-28T09:30:00.000Z");
    check(json!(1_795_858_200.25), "2026-11-28T09:30:00.250Z");
    check(json!(1_795_858_200.123), "2026-11-28T09:30:00.123Z");
    check(json!(1_795_858_200.123_999), "2026-11-28T09:30:00.123Z");
    check(json!(1_795_858_200_250_i64), "2026-11-28T09:30:00.250Z");
    check(json!(1_795_858_200_250.75), "2026-11-28T09:30:00.250Z");
}

#[test]
fn an_id_may_hold_the_instant() {
    let check = |id: &str, expected: &str| {
        for field in ["id", "eventId", "messageId", "actionId"] {
            let row = row(&json!({ "event": "e", field: id }));
            assert_eq!((&row["id"], &row["created_at"]), (&json!(id), &json!(expected)));
        }
    };
    check("01M8GQTXNT0000000000000007", "2026-11-28T09:30:00.250Z");
    check("01m8gqtxnt0000000000000007", "2026-11-28T09:30:00.250Z");
    check("01a2217d-76ba-7000-8000-000000000005", "2026-11-28T09:30:00.250Z");
    check("01A2217D76BA70008000000000000005", "2026-11-28T09:30:00.250Z");
    let event = json!({ "event": "e", "id": "01M8GQTXNT0000000000000007", "timestamp": "2026-11-01T00:00:00Z" });
    assert_eq!(row(&event)["created_at"], "2026-11-01T00:00:00.000Z");
}

#[test]
fn a_repeated_batch_has_the_same_ids_if_it_has_a_key_and_times() {
    let id = |event: Value, org: &str, idempotency_key: Option<&str>, place| {
        let event = with(&json!({ "event": "e", "org": org }), &event);
        let row = read(&event, &Receipt { idempotency_key, place, ..receipt() }, &settings(&[])).unwrap();
        row["id"].as_str().unwrap().to_owned()
    };
    let time = || json!({ "timestamp": "2026-11-28T00:00:00Z" });
    assert_eq!(id(time(), "acme", Some("k"), 0), "a9f8b6a5-e159-8858-a91f-22c754969b7e");
    assert_eq!(id(time(), "acme", Some("k"), 1), "b95bc4e8-b1af-8e6d-86ff-45796bbb6c57");
    assert_eq!(id(time(), "other", Some("k"), 0), "2000e1c6-31a8-8dc7-9e73-ea79bf59c6d1");
    // Parts never run into each other.
    assert_ne!(id(time(), "acmek", Some("k"), 0), id(time(), "acme", Some("kk"), 0));
    assert_ne!(id(time(), "acme", Some("k1"), 0), id(time(), "acme", Some("k"), 10));
    assert_eq!(id(json!({}), "acme", Some("k"), 0), MADE_ID);
    assert_eq!(id(time(), "acme", None, 0), MADE_ID);
    assert_eq!(id(time(), "acme", Some(""), 0), MADE_ID);
    assert_eq!(id(with(&time(), &json!({ "id": "own" })), "acme", Some("k"), 0), "own");
}
