//! Each way in which `BigQuery` fails, and what becomes of it.

use std::cell::Cell;

use aig_logs::{
    simulator::faults::{Endpoint, Fault, Refusal, When},
    wire::{Request, Response},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Instead, MINUTE, World};

/// 120 entries, in batches of 50.
fn world() -> World {
    filled(World::new())
}

fn filled(mut world: World) -> World {
    world.batch = Some(50);
    world.add_many(120, MINUTE * 9, MINUTE);
    world
}

/// Rows of an insert; none: it is another request.
fn rows(request: &Request) -> Option<usize> {
    let body: Value = serde_json::from_slice(request.body()).ok()?;
    Some(body["rows"].as_array()?.len())
}

fn answer(status: u16, body: &Value) -> Response {
    let mut response = Response::new(body.to_string().into_bytes());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// Refuses inserts above some rows.
fn refuse_above(most: usize, refusal: impl Fn() -> Response + 'static) -> Instead {
    Box::new(move |request| (rows(request)? > most).then(&refusal))
}

/// Answers one insert, the `nth`, with these faults.
fn once(nth: u32, faults: impl Fn(usize) -> Value + 'static) -> Instead {
    let inserts = Cell::new(0);
    Box::new(move |request| {
        let rows = rows(request)?;
        inserts.set(inserts.get() + 1);
        (inserts.get() == nth).then(|| answer(200, &json!({ "insertErrors": faults(rows) })))
    })
}

/// The pass stops where a person must act, and goes on by itself afterwards.
fn assert_stops(mut world: World, refusal: Refusal, words: &str) {
    world.fault(Endpoint::Insert, When::Always, Fault::Refuse(refusal));
    let report = world.forward();
    let error = report.worst().unwrap();
    assert!(!error.is_transient() && error.chain().contains(words), "{}", error.chain());
    assert_eq!((world.counts().insert, world.state.value("forward")), (1, None));
    world.end_faults();
    assert!(world.forward().is_complete());
    world.assert_once();
}

/// The trouble is over within the pass, and every row is there once.
fn assert_passes(trouble: &Fault) {
    let mut world = filled(World::that_drops_copies());
    world.fault(Endpoint::Insert, When::Among([2, 3].into()), trouble.clone());
    assert!(world.forward().is_complete(), "{trouble:?}");
    assert_eq!(world.counts().insert, 5);
    world.assert_once();
}

#[test]
fn rows_that_were_only_held_back_are_sent_again() {
    let mut world = world();
    let stopped = |index| json!({ "index": index, "errors": [{ "reason": "stopped", "message": "" }] });
    world.instead = Some(once(2, move |rows| (0..rows).map(stopped).collect()));
    assert!(world.forward().is_complete());
    world.assert_once();
}

#[test]
fn held_back_rows_and_a_refused_one_are_told_apart() {
    let mut world = world();
    let fault = |index| {
        let reason = if index == 7 { "invalid" } else { "stopped" };
        json!({ "index": index, "errors": [{ "reason": reason, "message": "bad", "location": "cost" }] })
    };
    world.instead = Some(once(1, move |rows| (0..rows).map(fault).collect()));
    let report = world.forward();
    assert_eq!((report.sum(|gateway| gateway.rows), report.sum(|gateway| gateway.rejected)), (119, 1));
    assert_eq!(world.rows().len(), 119);
    assert!(world.state.keys().iter().any(|key| key.starts_with("dead:")));
}

#[test]
fn rows_held_back_for_ever_are_left_to_the_next_pass() {
    let mut world = world();
    let stopped = |index| json!({ "index": index, "errors": [{ "reason": "stopped" }] });
    world.instead = Some(Box::new(move |request| {
        let errors: Vec<_> = (0..rows(request)?).map(stopped).collect();
        Some(answer(200, &json!({ "insertErrors": errors })))
    }));
    assert!(world.forward().worst().unwrap().is_transient());
    world.instead = None;
    assert!(world.forward().is_complete());
    world.assert_once();
}

#[test]
fn any_sign_of_size_halves_the_request() {
    let size = "Request payload size exceeds the limit: 10485760 bytes.";
    let rows = "too many rows present in the request, limit: 50000 row count: 60000.";
    let refused =
        |message: &str| json!({ "error": { "code": 400, "message": message, "errors": [{ "reason": "invalid" }] } });
    let html = || Response::new(b"<html>413</html>".to_vec());
    let with = |status, mut response: Response| {
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    };
    for answered in [
        answer(400, &refused(size)),
        answer(400, &refused(rows)),
        with(400, Response::default()),
        with(413, html()),
        answer(413, &json!({ "error": { "code": 413, "errors": [{ "reason": "requestTooLarge" }] } })),
    ] {
        let mut world = world();
        world.instead = Some(refuse_above(7, move || answered.clone()));
        assert!(world.forward().is_complete());
        world.assert_once();
    }
}

#[test]
fn a_row_too_large_for_any_request_becomes_a_dead_letter() {
    let mut world = world();
    let id = world.add_with(MINUTE * 5, json!({ "prompt": "x".repeat(9_000_001) }));
    assert!(world.forward().is_complete());
    assert_eq!((world.rows().len(), world.copies(&id)), (120, 0));
    let key = world.state.keys().into_iter().find(|key| key.starts_with("dead:")).unwrap();
    assert!(world.stored(&key)["rows"][0]["reason"].as_str().unwrap().contains("too large"));
}

#[test]
fn large_rows_share_requests_up_to_the_limit() {
    let mut world = World::new();
    (0..6).for_each(|_| _ = world.add_with(MINUTE * 5, json!({ "prompt": "x".repeat(4_000_000) })));
    assert!(world.forward().is_complete());
    assert_eq!(world.counts().insert, 3);
    world.assert_once();
}

#[test]
fn a_refused_token_is_replaced_once() {
    let mut world = world();
    world.forward();
    world.simulator.get_mut().revoke_tokens();
    world.pass_time(MINUTE);
    world.add(MINUTE);
    assert!(world.forward().is_complete());
    assert_eq!((world.counts().token, world.counts().refused), (2, 1));
    world.assert_once();
    world.fault(Endpoint::Insert, When::Always, Fault::Refuse(Refusal::Status(401)));
    world.pass_time(MINUTE);
    world.add(MINUTE);
    let report = world.forward();
    assert!(!report.worst().unwrap().is_transient());
    assert_eq!(world.counts().token, 3);
}

#[test]
fn a_token_whose_lifetime_says_nothing_is_used_for_the_pass() {
    let lifetimes = [json!(null), json!("3599"), json!(3_599.0), json!("a while"), json!(-1), json!(1e300)];
    for lifetime in lifetimes {
        let mut world = world();
        world.fault(Endpoint::Token, When::Always, Fault::Replace("expires_in", lifetime.clone()));
        assert!(world.forward().is_complete(), "{lifetime}");
        assert_eq!((world.counts().insert, world.counts().token), (3, 1), "{lifetime}");
        world.assert_once();
    }
}

#[test]
fn a_token_that_is_soon_over_is_asked_for_once_a_batch() {
    let mut world = world();
    world.fault(Endpoint::Token, When::Always, Fault::Replace("expires_in", json!(null)));
    let slow = Fault::Refuse(Refusal::TooManyRequests(200));
    world.fault(Endpoint::Insert, When::Among([1, 3, 5].into()), slow);
    assert!(world.forward().is_complete());
    assert_eq!((world.counts().insert, world.counts().token), (6, 3));
    world.assert_once();
}

#[test]
fn an_answer_without_a_token_is_for_a_person() {
    let mut world = world();
    world.fault(Endpoint::Token, When::Always, Fault::Replace("access_token", json!(null)));
    let report = world.forward();
    let error = report.worst().unwrap();
    assert!(!error.is_transient() && error.chain().contains("GCP_TOKEN_URI"), "{}", error.chain());
    assert_eq!((world.counts().token, world.counts().insert), (1, 0));
    world.end_faults();
    assert!(world.forward().is_complete());
    world.assert_once();
}

#[test]
fn a_row_that_waits_for_its_time_keeps_no_other_row_from_the_table() {
    for reason in ["timeout", "backendError", "internalError", "rateLimitExceeded", "quotaExceeded", "stopped"] {
        assert_passes(&Fault::Refuse(Refusal::OneRow(reason)));
    }
}

#[test]
fn rows_that_are_refused_one_by_one_are_all_found() {
    let mut world = world();
    world.fault(Endpoint::Insert, When::Among((1..=5).collect()), Fault::Refuse(Refusal::OneRow("invalid")));
    assert!(world.forward().is_complete());
    assert_eq!((world.dead_letters().len(), world.rows().len()), (5, 115));
    world.assert_once();
}

#[test]
fn what_a_person_must_mend_stops_the_pass_with_its_name() {
    assert_stops(world(), Refusal::Forbidden("accessDenied"), "BigQuery Data Editor");
    assert_stops(world(), Refusal::Forbidden("billingNotEnabled"), "billing");
    assert_stops(world(), Refusal::Status(404), "GCP_BQ_TABLE");
    assert_stops(world(), Refusal::Status(400), "GCP_BQ_TABLE");
}

#[test]
fn a_missing_table_stops_the_pass_until_it_is_made() {
    let mut world = world();
    let name = world.simulator.get_mut().options().table.clone();
    let schema = world.simulator.get_mut().table(&name).unwrap().schema().clone();
    world.simulator.get_mut().drop_table(&name);
    let report = world.forward();
    assert!(report.worst().unwrap().chain().contains("aig-logs sql --apply"));
    world.simulator.get_mut().create_table(&name, schema);
    assert!(world.forward().is_complete());
    world.assert_once();
}

#[test]
fn trouble_that_passes_by_itself_is_waited_for() {
    assert_passes(&Fault::Refuse(Refusal::Forbidden("quotaExceeded")));
    assert_passes(&Fault::Refuse(Refusal::Forbidden("rateLimitExceeded")));
    assert_passes(&Fault::Refuse(Refusal::TooManyRequests(2)));
    assert_passes(&Fault::Refuse(Refusal::Status(500)));
    assert_passes(&Fault::Refuse(Refusal::Html(503)));
    assert_passes(&Fault::Silence);
}

#[test]
fn a_lost_acknowledgement_is_asked_for_again_with_the_same_ids() {
    assert_passes(&Fault::SilenceAfter);
    assert_passes(&Fault::RefuseAfter(Refusal::Status(503)));
    assert_passes(&Fault::Truncate);
}

#[test]
fn a_wrong_schema_stops_the_pass_and_nothing_is_thrown_away() {
    use aig_logs::simulator::google::schema::SimulatedSchema;
    let whole = include_str!("../../../sql/bigquery/1_table.sql");
    let without = |column: &str| {
        whole.lines().filter(|line| !line.trim_start().starts_with(column)).collect::<Vec<_>>().join("\n")
    };
    let wrong = [
        (without("tokens_in "), "tokens_in"),
        (whole.replace("model STRING", "model INT64"), "model"),
        (format!("{whole}\n  tenant STRING NOT NULL"), "tenant"),
    ];
    for (schema, column) in wrong {
        let mut world = world();
        let name = world.simulator.get_mut().options().table.clone();
        world.simulator.get_mut().create_table(&name, SimulatedSchema::parse(&schema));
        let report = world.forward();
        let error = report.worst().unwrap();
        assert!(!error.is_transient() && error.chain().contains(column), "{}", error.chain());
        assert_eq!((world.state.value("forward"), world.ids.keys().len()), (None, 0));
        world.simulator.get_mut().create_table(&name, SimulatedSchema::parse(whole));
        assert!(world.forward().is_complete());
        world.assert_once();
    }
}

#[test]
fn a_missing_column_that_one_row_needs_stops_the_pass_too() {
    use aig_logs::simulator::google::schema::SimulatedSchema;
    let whole = include_str!("../../../sql/bigquery/1_table.sql");
    let mut world = world();
    world.add_with(MINUTE * 5, json!({ "dlp_action": "FLAG" }));
    let name = world.simulator.get_mut().options().table.clone();
    world.simulator.get_mut().create_table(&name, SimulatedSchema::parse(&whole.replace("dlp_action", "old_action")));
    // However often it is tried, no good row of that batch is written again and again.
    for _ in 0..3 {
        let report = world.forward();
        let error = report.worst().unwrap();
        assert!(!error.is_transient() && error.chain().contains("dlp_action"), "{}", error.chain());
    }
    assert_eq!(world.dead_letters().len(), 0);
    assert!(world.rows().values().all(|copies| copies.len() == 1));
}

#[test]
fn two_refused_rows_among_many_are_dead_letters_and_no_wrong_schema() {
    let mut world = World::new();
    let ids = world.add_many(60, MINUTE * 9, MINUTE);
    for id in [&ids[20], &ids[40]] {
        world.simulator.get_mut().faults_mut().poison(id);
    }
    assert!(world.forward().is_complete());
    assert_eq!((world.dead_letters().len(), world.rows().len()), (2, 58));
}

#[test]
fn rows_outside_of_the_partitions_become_dead_letters_even_if_all_are() {
    let mut world = World::new();
    world.forward();
    let ids = world.add_many(5, MINUTE * (60 * 24 * 365 * 12), MINUTE * (60 * 24 * 365 * 11));
    let report = world.backfill();
    assert!(report.is_complete());
    assert_eq!(report.sum(|gateway| gateway.rejected), 5);
    assert!(ids.iter().all(|id| world.copies(id) == 0));
}
