//! Questions and answers that a reader can check by hand.

use serde_json::{Value, json};

use super::rows::{Row, ask, world};
use crate::events::world::ADMIN;

fn at(time: &str) -> String {
    format!("2026-11-01T{time}Z")
}

#[test]
fn a_day_by_the_hour_has_24_rows() {
    let row =
        |time: &str, success| Row { success, duration: Some(10.0), ..Row::event("acme", &at(time), "api.request") };
    let world = world(&[row("00:00:00", Some(true)), row("00:59:59.999", Some(false)), row("23:00:00", None)]);
    let question = json!({ "start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z", "groupBy": "hour" });
    let (status, answer) = world.ask("POST", "/query", ADMIN, &question.to_string());
    assert_eq!(status, 200, "{answer}");
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 24);
    assert_eq!(
        rows[0],
        json!({ "hour": "2026-11-01T00:00:00.000Z", "count": 2, "errors": 1, "errorRate": 0.5, "avg": 10, "p95": 10 })
    );
    assert_eq!(
        rows[1],
        json!({ "hour": "2026-11-01T01:00:00.000Z", "count": 0, "errors": 0, "errorRate": 0, "avg": null, "p95": null })
    );
    assert_eq!(
        answer["meta"],
        json!({
            "from": "raw", "exact": true, "start": "2026-11-01T00:00:00.000Z", "end": "2026-11-02T00:00:00.000Z",
            "timeZone": "UTC", "completeThrough": { "logs": null, "events": "2026-11-29T12:00:00.000Z" }, "rowsRead": 3,
            "units": { "avg": "ms", "p95": "ms" }, "truncated": false, "warnings": []
        })
    );
}

#[test]
fn what_fails_is_told_with_its_share() {
    let failed = |name: &str, error: Option<&str>| Row {
        success: Some(false),
        status: Some(500),
        subject: error.map(Into::into),
        ..Row::event("acme", &at("10:00:00"), name)
    };
    let world = world(&[
        failed("a", None),
        failed("a", None),
        failed("b", Some("x")),
        Row { success: Some(false), ..Row::log("acme", &at("11:00:00")) },
        Row { success: Some(true), ..Row::event("acme", &at("12:00:00"), "a") },
    ]);
    let question = json!({ "start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z" });
    assert_eq!(
        ask(&world, "/metrics/errors", &question),
        json!([
            { "name": "a", "subject": null, "status": 500, "error": null, "count": 2, "share": 0.5 },
            { "name": "ai.request", "subject": null, "status": null, "error": null, "count": 1, "share": 0.25 },
            { "name": "b", "subject": "x", "status": 500, "error": null, "count": 1, "share": 0.25 }
        ])
    );
}

#[test]
fn users_are_new_once_and_come_back() {
    let seen = |user: &str, day: &str| Row {
        user: Some(user.into()),
        session: Some(format!("{user}{day}")),
        ..Row::event("acme", &format!("2026-11-{day}T08:00:00Z"), "x")
    };
    let of = [
        seen("old", "01"),
        seen("old", "03"),
        seen("a", "03"),
        seen("b", "03"),
        seen("a", "04"),
        seen("a", "05"),
        seen("c", "05"),
    ];
    let world = world(&of);
    let range = json!({ "start": "2026-11-03T00:00:00Z", "end": "2026-11-06T00:00:00Z" });
    let mut question = range.clone();
    question["groupBy"] = "day".into();
    assert_eq!(
        ask(&world, "/metrics/users", &question),
        json!([
            { "day": "2026-11-03T00:00:00.000Z", "users": 3, "sessions": 3, "newUsers": 2 },
            { "day": "2026-11-04T00:00:00.000Z", "users": 1, "sessions": 1, "newUsers": 0 },
            { "day": "2026-11-05T00:00:00.000Z", "users": 2, "sessions": 2, "newUsers": 1 }
        ])
    );
    let mut question = range;
    question["period"] = "day".into();
    let row = |cohort: &str, size: u32, period: u32, active: u32, retention: f64| json!({ "cohort": cohort, "size": size, "period": period, "active": active, "retention": super::loops::number(retention) });
    let (third, fifth) = ("2026-11-03T00:00:00.000Z", "2026-11-05T00:00:00.000Z");
    assert_eq!(
        ask(&world, "/metrics/cohorts", &question),
        json!([row(third, 2, 0, 2, 1.0), row(third, 2, 1, 1, 0.5), row(third, 2, 2, 1, 0.5), row(fifth, 1, 0, 1, 1.0)])
    );
}

#[test]
fn a_question_tells_how_many_rows_it_reads() {
    let row = |at: &str| Row { user: Some("a".into()), ..Row::event("acme", at, "x") };
    let world = world(&[row("2026-10-01T00:00:00Z"), row("2026-11-02T00:00:00Z"), row("2026-11-03T00:00:00Z")]);
    let check = |path: &str, further: &str, read: u32| {
        let question = format!(r#"{{"start":"2026-11-01T00:00:00Z","end":"2026-11-03T00:00:00Z"{further}}}"#);
        let (status, answer) = world.ask("POST", path, ADMIN, &question);
        assert_eq!((status, &answer["meta"]["rowsRead"]), (200, &read.into()), "{path} {answer}");
    };
    // Who is new is known only from all rows.
    check("/metrics/users", "", 3);
    check("/metrics/cohorts", r#","period":"day""#, 3);
    check("/query", "", 1);
}

#[test]
fn usage_is_told_as_json_and_as_csv() {
    let world = world(&[]);
    let used = |org: &str, id: u32, quantity: f64, sku: &str| {
        json!({ "organizationId": org, "id": format!("{id}"), "timestamp": at("10:00:00"), "event": "usage.tracked",
            "usage": { "quantity": quantity, "unit": "tokens", "sku": sku }, "cost": 0.5 })
    };
    let events = json!([
        used("acme", 1, 1_500.0, "=a,b"),
        used("acme", 2, 0.5, "=a,b"),
        used("other", 3, 7.0, "b"),
        used("acme", 1, 1_500.0, "=a,b")
    ]);
    assert_eq!(world.ask("POST", "/events/batch", ADMIN, &events.to_string()).0, 202);
    let question = json!({ "start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z" });
    let rows = ask(&world, "/billing/usage", &question);
    let row = |org: &str, sku: &str, quantity: Value, events: u32, cost: Value| json!({ "organizationId": org, "sku": sku, "unit": "tokens", "quantity": quantity, "events": events, "cost": cost });
    assert_eq!(
        rows,
        json!([row("acme", "=a,b", json!(1500.5), 2, json!(1)), row("other", "b", json!(7), 1, json!(0.5))])
    );
    let headers = [("authorization", format!("Bearer {ADMIN}")), ("accept", "text/html, text/csv; q=0.9".into())];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut one = question;
    one["limit"] = 1.into();
    let request = crate::events::world::request("POST", "/billing/usage", &headers, one.to_string());
    let response = world.send(request);
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
    assert_eq!(response.headers()["x-truncated"], "true");
    let csv = String::from_utf8(response.into_body()).unwrap();
    assert_eq!(csv, "organizationId,sku,unit,quantity,events,cost\r\nacme,\"'=a,b\",tokens,1500.5,2,1\r\n");
    for accept in ["text/csv;Q=0", "text/csv;q=0.1, application/json", "application/json;q=0.9, text/csv;q=0.8"] {
        let request =
            crate::events::world::request("POST", "/billing/usage", &[headers[0], ("accept", accept)], one.to_string());
        assert_eq!(world.send(request).headers()["content-type"], "application/json", "{accept}");
    }
}

#[test]
fn the_last_minutes_and_the_costs_have_the_names_of_the_seed() {
    let now = "2026-11-29T11:59:00Z";
    let event = |at: &str, duration| Row {
        duration: Some(duration),
        success: Some(duration < 20.0),
        ..Row::event("acme", at, "x")
    };
    let world = world(&[
        event(now, 10.0),
        event("2026-11-29T11:56:00Z", 30.0),
        event("2026-11-29T11:54:00Z", 99.0),
        Row { cost: Some(0.25), subject: Some("compute".into()), ..Row::event("acme", now, "x") },
        Row { cost: Some(0.5), ..Row::log("acme", "2026-11-28T00:00:00Z") },
        Row { cost: Some(2.0), ..Row::log("acme", "2026-10-01T00:00:00Z") },
    ]);
    let (status, answer) = world.ask("GET", "/metrics/realtime", ADMIN, "");
    assert_eq!(status, 200, "{answer}");
    let told = |name: &str| answer[name].clone();
    assert_eq!(
        (told("total_requests"), told("avg_response_time"), told("error_count"), told("window_seconds")),
        (json!(3), json!(20), json!(1), json!(300))
    );
    let (status, answer) = world.ask("GET", "/metrics/costs?days=30", ADMIN, "");
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer["rows"],
        json!([
            { "date": "2026-11-29", "cost_type": "compute", "total_cost": 0.25 },
            { "date": "2026-11-28", "cost_type": "ai", "total_cost": 0.5 }
        ])
    );
}

#[test]
fn a_wrong_question_says_what_to_change() {
    let world = world(&[]);
    let check = |change: Value, status: u16, field: &str, words: &str| {
        let mut question = json!({ "start": "-7d", "end": "now" });
        question.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (answered, problem) = world.ask("POST", "/query", ADMIN, &question.to_string());
        assert_eq!(
            (answered, problem["field"].as_str().unwrap_or_default()),
            (status, field),
            "{problem} to {question}"
        );
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    };
    check(json!({ "start": "yesterday" }), 400, "start", "2026-11-01T00:00:00Z");
    check(json!({ "start": null }), 400, "start", "instant");
    check(json!({ "end": "-8d" }), 400, "end", "after start");
    check(json!({ "start": "-761d" }), 400, "end", "760 days");
    check(json!({ "dataset": "all of it" }), 400, "dataset", "events, logs or all");
    check(json!({ "groupBy": ["hour", "day"] }), 400, "groupBy", "one of minute");
    check(json!({ "groupBy": "tem" }), 400, "groupBy", "metadata.KEY");
    check(json!({ "groupBy": "metadata." }), 400, "groupBy", "metadata.KEY");
    check(json!({ "groupBy": format!("metadata.{}", "k".repeat(1_025)) }), 400, "groupBy", "metadata.KEY");
    check(json!({ "groupBy": ["user", "user"] }), 400, "groupBy", "twice");
    check(json!({ "groupBy": "minute" }), 422, "groupBy", "48 hours");
    check(json!({ "metrics": ["p42"] }), 400, "metrics", "p50, p95");
    check(json!({ "metrics": [] }), 400, "metrics", "at least one");
    check(json!({ "metrics": ["count", "count"] }), 400, "metrics", "each once");
    check(json!({ "filters": {} }), 400, "filters", "list");
    check(json!({ "filters": [{ "field": "user", "op": "like", "values": ["a"] }] }), 400, "filters", "op is");
    check(json!({ "filters": [{ "field": "user", "op": "eq", "values": [true] }] }), 400, "filters", "type");
    check(json!({ "filters": [{ "field": "status", "op": "contains", "values": ["4"] }] }), 400, "filters", "texts");
    check(json!({ "filters": [{ "field": "user", "op": "exists", "values": ["yes"] }] }), 400, "filters", "[true]");
    check(json!({ "filters": [{ "field": "user", "op": "eq", "values": [] }] }), 400, "filters", "values");
    check(json!({ "timeZone": "Europe/Atlantis" }), 400, "timeZone", "Europe/Berlin");
    check(json!({ "timeZone": "+02:00" }), 400, "timeZone", "Europe/Berlin");
    check(json!({ "orderBy": "p99" }), 400, "orderBy", "column of the answer");
    check(json!({ "limit": 10_001 }), 400, "limit", "10000");
    check(json!({ "exact": "yes" }), 400, "exact", "true or false");
    check(json!({ "grupBy": "hour" }), 400, "", "grupBy");
    assert_eq!(world.ask("POST", "/query", ADMIN, "[]").0, 400);
    assert_eq!(world.ask("POST", "/query", ADMIN, "{").0, 400);
}

#[test]
fn an_answer_is_ordered_and_cut_as_asked() {
    let row = |user: &str, duration: Option<f64>| Row {
        user: Some(user.into()),
        duration,
        ..Row::event("acme", &at("10:00:00"), "x")
    };
    let world = world(&[row("a", Some(1.0)), row("b", None), row("c", Some(3.0)), row("c", Some(3.0))]);
    let check = |order: &str, limit: u32, users: &[&str]| {
        let question = json!({ "start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z", "groupBy": ["user"],
            "metrics": ["count", "max"], "orderBy": order, "limit": limit });
        let (_, answer) = world.ask("POST", "/query", ADMIN, &question.to_string());
        let found: Vec<_> =
            answer["rows"].as_array().unwrap().iter().map(|row| row["user"].as_str().unwrap()).collect();
        assert_eq!((found.as_slice(), answer["meta"]["truncated"] == true), (users, users.len() < 3), "{order}");
    };
    check("-user", 9, &["c", "b", "a"]);
    check("count", 9, &["a", "b", "c"]);
    check("-count", 2, &["c", "a"]);
    check("max", 9, &["b", "a", "c"]);
    check("-max", 9, &["c", "a", "b"]);
}

#[test]
fn an_org_never_sees_another() {
    let row = |org: &str| Row {
        user: Some("u".into()),
        success: Some(false),
        duration: Some(1.0),
        quantity: Some(1.0),
        cost: Some(1.0),
        ..Row::event(org, "2026-11-29T11:59:00Z", "x")
    };
    let log = |org: &str| Row {
        success: Some(false),
        cost: Some(1.0),
        user: Some("u".into()),
        ..Row::log(org, "2026-11-29T11:59:00Z")
    };
    let mine = world(&[row("acme"), log("acme")]);
    let both = world(&[row("acme"), log("acme"), row("other"), log("other"), row("zother"), log("default")]);
    for world in [&mine, &both] {
        world.host.now.set(aig_logs::time::parse("2026-11-29T12:00:00Z").unwrap());
    }
    let (my_key, key) = (mine.key("acme", &["query"]), both.key("acme", &["query"]));
    let asked = [
        ("POST", "/query", json!({ "groupBy": ["day", "organization"], "dataset": "all" })),
        ("POST", "/metrics/performance", json!({ "groupBy": ["endpoint"] })),
        ("POST", "/metrics/errors", json!({})),
        ("POST", "/metrics/users", json!({ "dataset": "all" })),
        ("POST", "/metrics/cohorts", json!({ "period": "week", "dataset": "all" })),
        ("POST", "/billing/usage", json!({})),
        ("GET", "/metrics/realtime", json!({})),
        ("GET", "/metrics/costs", json!({})),
    ];
    for (method, path, mut question) in asked {
        question["start"] = "-30d".into();
        question["end"] = "now".into();
        let (status, answer) = both.ask(method, path, &key, &question.to_string());
        assert_eq!((status, &answer), (200, &mine.ask(method, path, &my_key, &question.to_string()).1), "{path}");
        if method == "POST" {
            question["organizationId"] = "other".into();
            assert_eq!(both.ask(method, path, &key, &question.to_string()).0, 403, "{path}");
        }
        let sender = both.key("acme", &["ingest"]);
        assert_eq!(both.ask(method, path, &sender, &question.to_string()).0, 403, "{path}");
    }
}

#[test]
fn a_number_that_is_too_large_says_nothing_about_the_others() {
    let world = world(&[]);
    let huge = json!({ "cost": 1e308, "duration": -1e300, "usage": { "quantity": 1e16, "sku": "s", "unit": "b" } });
    for event in [huge.clone(), huge, json!({ "cost": 2, "usage": { "quantity": 3, "sku": "s", "unit": "b" } })] {
        let mut event = event;
        event["event"] = "x".into();
        let (status, answer) = world.ask("POST", "/events", ADMIN, &event.to_string());
        assert_eq!(status, 202, "{answer}");
    }
    let question =
        json!({ "start": "-1h", "end": "2026-11-29T13:00:00Z", "metrics": ["count", "cost", "quantity", "max"] });
    assert_eq!(ask(&world, "/query", &question), json!([{ "count": 3, "cost": 2, "quantity": 3, "max": null }]));
    // It is kept beside the columns.
    let kept = world.host.memory.lines("SELECT extra FROM events_raw WHERE cost IS NULL LIMIT 1", &[]);
    assert!(
        kept[0]["extra"].as_str().unwrap().contains("1e308") || kept[0]["extra"].as_str().unwrap().contains("1e+308")
    );
}
