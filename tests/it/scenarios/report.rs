//! What a report tells those who watch: what came of a pass, how far behind delivery is, and how late entries appear.

use std::time::Duration;

use aig_logs::{
    pass::{Completion, Report},
    simulator::faults::{Endpoint, Fault, Refusal, When},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::world::{DAY, MINUTE, SECOND, Work, World};

fn lateness(report: &Report) -> Value {
    report.to_json()["lateness_ms"].clone()
}

fn lags(report: &Report) -> Vec<Value> {
    let report = report.to_json();
    let gateways = report["gateways"].as_array().unwrap().iter();
    [&report].into_iter().chain(gateways).map(|told| told["lag_ms"].clone()).collect()
}

#[test]
fn the_verdict_is_complete_incomplete_or_failed() {
    let mut world = World::new();
    world.add_many(120, MINUTE * 9, MINUTE);
    world.config.forward_pages = Some(1);
    let check = |report: &Report, verdict, word| {
        assert_eq!((report.verdict(), &report.to_json()["verdict"]), (verdict, &json!(word)));
    };
    check(&world.forward(), Completion::Incomplete, "incomplete");
    world.config.forward_pages = None;
    check(&world.forward(), Completion::Complete, "complete");
    world.fault(Endpoint::List, When::Always, Fault::Refuse(Refusal::Status(503)));
    check(&world.forward(), Completion::Failed, "failed");
    // A failure that is the pass's own, not a gateway's.
    world.end_faults();
    world.state.set("forward", "{}");
    check(&world.forward(), Completion::Failed, "failed");
}

#[test]
fn lateness_is_told_of_new_entries_and_of_forward_alone() {
    let mut world = World::new();
    world.config.settle = Duration::ZERO;
    world.add_many(40, DAY * 2, DAY);
    world.add(SECOND * 400);
    (0..18).for_each(|_| _ = world.add(SECOND * 40));
    world.add(SECOND * 500);
    let late = lateness(&world.forward());
    let check = |told: &Value, exact: std::ops::Range<i64>| {
        assert!((exact.start..exact.end * 9 / 8).contains(&told.as_i64().unwrap()), "{late}");
    };
    // Half of the twenty are 40 seconds late, 95 of a hundred at most 400; a page takes a moment.
    check(&late["p50"], 40_000..40_100);
    check(&late["p95"], 400_000..400_100);
    let history = world.backfill();
    assert_eq!((history.sum(|gateway| gateway.rows), lateness(&history)), (40, Value::Null));
    assert_eq!(lateness(&world.forward()), Value::Null, "nothing is new");
}

#[test]
fn lateness_is_that_of_all_gateways_together() {
    let mut world = World::of(&["main", "other"]);
    for n in 0..10 {
        world.add_to("main", SECOND * 40, json!({}));
        world.add_to("other", SECOND * (300 + n), json!({}));
    }
    let late = world.forward().lateness().unwrap();
    assert!(late.quantile(0.5).unwrap() < SECOND * 50);
    assert!(late.quantile(0.95).unwrap() > SECOND * 300);
}

#[test]
fn a_gateway_read_to_its_end_is_behind_by_what_is_left_to_settle_however_old_its_last_entry() {
    let mut world = World::new();
    world.add(MINUTE * 9);
    for _ in 0..2 {
        let report = world.forward();
        let lag = report.finished - report.started + SECOND * 30;
        assert!(lag < SECOND * 31);
        assert_eq!(lags(&report), [json!(lag.num_milliseconds()), json!(lag.num_milliseconds())]);
    }
}

#[test]
fn a_gateway_with_more_to_read_is_behind_by_all_that_is_missing_and_the_furthest_counts() {
    let mut world = World::of(&["main", "other"]);
    world.add_many(200, MINUTE * 9, MINUTE);
    world.config.forward_pages = Some(2);
    let report = world.forward();
    let missing = report.finished - report.gateways.iter().find(|gateway| gateway.gateway == "main").unwrap().reached;
    assert!(missing > MINUTE * 4);
    assert_eq!(report.lag(), Some(missing));
    let mut told: Vec<_> = lags(&report).iter().map(|lag| TimeDelta::milliseconds(lag.as_i64().unwrap())).collect();
    told.sort();
    assert!(told[0] < SECOND * 31 && told[1..] == [missing, missing], "{told:?}");
}

#[test]
fn history_has_no_lag() {
    let mut world = World::new();
    world.add(DAY);
    world.forward();
    let start = world.now() - DAY * 2;
    for work in [Work::Backfill, Work::Range(start, world.now())] {
        let report = world.attempt(work).unwrap();
        assert_eq!((lags(&report), lateness(&report)), (vec![Value::Null, Value::Null], Value::Null));
    }
}
