//! An API that does not do what it says, or says no.

use aig_logs::simulator::{
    faults::{Endpoint, Fault, Refusal, When},
    options::Quirks,
};
use http::Response;
use serde_json::{Value, json};

use crate::world::{DAY, MINUTE, Work, World};

/// 130 entries forward and as many backward, of an API with quirks.
fn odd(quirks: Quirks) -> World {
    let mut world = World::new();
    *world.simulator.get_mut().quirks_mut() = quirks;
    world.add_many(130, DAY * 20, DAY);
    world.add_many(130, MINUTE * 9, MINUTE);
    world
}

/// A pass that a person must look into, and which leaves everything as it is.
fn assert_stops(world: &mut World, words: &str) {
    let before = (world.state.value("forward"), world.rows());
    let report = world.forward();
    let error = report.worst().expect("an error");
    assert!(!error.is_transient() && error.chain().contains(words), "{}", error.chain());
    assert_eq!((world.state.value("forward"), world.rows()), before);
}

#[test]
fn a_filter_that_is_ignored_stops_the_pass() {
    assert_stops(&mut odd(Quirks { ignores_filter: true, ..Quirks::default() }), "ignores the filter");
}

#[test]
fn an_order_that_is_ignored_stops_the_pass() {
    assert_stops(&mut odd(Quirks { ignores_order: true, ..Quirks::default() }), "ignores the order");
}

#[test]
fn a_missing_or_dishonest_count_and_short_pages_lose_nothing() {
    let quirks = [
        Quirks { without_total_count: true, ..Quirks::default() },
        Quirks { total_count_ignores_filter: true, ..Quirks::default() },
        Quirks { page_cap: Some(20), ..Quirks::default() },
        Quirks { page_cap: Some(7), without_total_count: true, ..Quirks::default() },
        Quirks { page_cap: Some(7), total_count_ignores_filter: true, ..Quirks::default() },
    ];
    for quirks in quirks {
        let mut world = odd(quirks);
        (0..60).for_each(|_| _ = world.add(MINUTE * 2));
        (0..60).for_each(|_| _ = world.add(DAY * 3));
        for _ in 0..2 {
            let report = world.forward();
            assert!(report.is_complete(), "{quirks:?} {}", report.to_json());
            // An empty page that counts entries does not prove the end of history.
            assert_eq!(world.backfill().is_complete(), !quirks.total_count_ignores_filter);
            world.assert_once();
            world.pass_time(MINUTE);
            world.add_many(60, MINUTE, MINUTE / 2);
        }
    }
}

#[test]
fn two_hundred_ties_in_another_order_in_each_answer_are_all_copied_once() {
    for without_total_count in [false, true] {
        let mut world = odd(Quirks { shuffles_ties: true, without_total_count, ..Quirks::default() });
        (0..200).for_each(|_| _ = world.add(MINUTE * 2));
        (0..200).for_each(|_| _ = world.add(DAY * 3));
        world.forward();
        world.backfill();
        world.assert_once();
    }
}

#[test]
fn a_server_that_ignores_the_number_of_the_page_is_never_complete_and_keeps_nothing_back() {
    let mut world = odd(Quirks { ignores_page: true, ..Quirks::default() });
    // Half of these nobody is shown.
    (0..100).for_each(|_| _ = world.add(MINUTE * 2));
    let report = world.forward();
    assert!(!report.is_complete() && report.worst().is_none(), "{}", report.to_json());
    assert_eq!(report.sum(|gateway| gateway.rows), 130 + 50, "{}", report.to_json());
}

#[test]
fn a_count_that_is_only_the_pages_own_ends_nothing() {
    let mut world = odd(Quirks { counts_the_page: true, ..Quirks::default() });
    world.forward();
    world.backfill();
    world.assert_once();
}

#[test]
fn a_short_trouble_is_over_within_the_pass() {
    let troubles = [
        Fault::Silence,
        Fault::SilenceAfter,
        Fault::Truncate,
        Fault::Refuse(Refusal::Status(500)),
        Fault::Refuse(Refusal::Html(502)),
        Fault::Refuse(Refusal::Empty(503)),
        Fault::Refuse(Refusal::Unsuccessful),
        Fault::Refuse(Refusal::TooManyRequests(7)),
    ];
    for trouble in troubles {
        let mut world = odd(Quirks::default());
        world.fault(Endpoint::List, When::Among([2, 3].into()), trouble.clone());
        assert!(world.forward().is_complete(), "{trouble:?}");
        world.assert_once_forward();
    }
}

#[test]
fn a_lasting_trouble_keeps_what_was_read_and_the_next_pass_goes_on() {
    let mut world = odd(Quirks::default());
    world.fault(Endpoint::List, When::Among([3, 4, 5].into()), Fault::Refuse(Refusal::Html(503)));
    let report = world.forward();
    // Two pages: each shows one entry of the page before.
    assert_eq!(report.sum(|gateway| gateway.rows), 50 + 49);
    assert!(report.worst().unwrap().is_transient());
    assert!(world.forward().is_complete());
    world.assert_once_forward();
}

#[test]
fn a_wait_that_is_asked_for_is_kept() {
    let mut world = odd(Quirks::default());
    let refusal = Fault::Refuse(Refusal::TooManyRequests(90));
    world.fault(Endpoint::List, When::Nth(1), refusal);
    let began = world.now();
    assert!(world.forward().is_complete());
    assert!(world.now() - began > chrono::TimeDelta::seconds(90));
}

#[test]
fn an_endless_wait_is_left_to_the_next_pass() {
    let limited = Some(std::time::Duration::from_secs(50));
    for (seconds, time) in [(u64::MAX, limited), (99_999_999_999_999, limited), (16 * 60, None)] {
        let mut world = odd(Quirks::default());
        world.budget.time = time;
        world.instead = Some(Box::new(move |_| {
            let answer = http::Response::builder().status(429).header("retry-after", seconds.to_string());
            Some(answer.body(Vec::new()).unwrap())
        }));
        assert!(world.forward().worst().unwrap().is_transient());
        world.instead = None;
        assert!(world.forward().is_complete());
        world.assert_once_forward();
    }
}

#[test]
fn a_clock_that_is_wrong_begins_nothing() {
    let mut world = odd(Quirks::default());
    world.instead = Some(Box::new(|_| {
        let answer = http::Response::builder().header("date", "Thu, 01 Jan 2026 00:00:00 GMT");
        Some(answer.body(br#"{"success":true,"result":[],"result_info":{"total_count":0}}"#.to_vec()).unwrap())
    }));
    assert_stops(&mut world, "ahead of Cloudflare's. Set it");
    world.instead = None;
    assert!(world.forward().is_complete());
    world.assert_once_forward();
}

#[test]
fn a_refusal_that_a_person_must_mend_is_not_repeated() {
    for (refusal, words) in [
        (Refusal::Status(401), "CF_API_TOKEN"),
        (Refusal::Status(403), "CF_API_TOKEN"),
        (Refusal::Status(404), "AIG_GATEWAY_ID"),
        (Refusal::Codeless, "LOGS_PER_PAGE"),
    ] {
        let mut world = odd(Quirks::default());
        world.fault(Endpoint::List, When::Always, Fault::Refuse(refusal));
        assert_stops(&mut world, words);
        assert_eq!(world.counts().list, 1);
    }
}

#[test]
fn an_empty_account_has_nothing_to_copy() {
    let mut world = World::new();
    world.config.source.gateways = aig_logs::config::Gateways::All;
    world.instead = Some(answer(&json!({ "success": true, "result": [] })));
    assert_eq!(world.cost(Work::Forward).writes(), 0);
    assert_eq!(world.cost(Work::Backfill).writes(), 0);
}

fn answer(body: &Value) -> crate::world::Instead {
    let body = body.to_string().into_bytes();
    Box::new(move |_| Some(Response::new(body.clone())))
}
