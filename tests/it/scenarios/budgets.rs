//! What a pass may use, and how it goes on when that is used up.

use std::time::Duration;

use aig_logs::{
    pass::Report,
    plan::budget::Ended,
    simulator::{
        cloudflare::RateLimit,
        faults::{Endpoint, Fault, Refusal, When},
        options::SimulatorOptions,
    },
};
use http::Response;

use crate::world::{DAY, HOUR, MINUTE, SECOND, World};

/// Passes until nothing is left; a pass that gets nowhere would never end.
fn passes(world: &mut World, most: u32, pass: impl Fn(&mut World) -> bool) -> u32 {
    (1..=most).find(|_| pass(world)).expect("an end")
}

#[test]
fn one_page_a_pass_still_reaches_the_present() {
    for per_page in [50, 7, 1] {
        let mut world = World::new();
        world.config.forward_pages = Some(1);
        world.config.source.per_page = per_page;
        world.add_many(60, MINUTE * 9, MINUTE * 5);
        (0..60).for_each(|_| _ = world.add(MINUTE * 4));
        world.add_many(30, MINUTE * 3, MINUTE);
        passes(&mut world, 200, |world| world.forward().is_complete());
        world.assert_once();
    }
}

#[test]
fn one_page_a_pass_still_reaches_the_first_entry() {
    for per_page in [50, 7, 1] {
        let mut world = World::new();
        world.forward();
        world.config.backfill_pages = Some(1);
        world.config.source.per_page = per_page;
        world.add_many(60, DAY * 9, DAY * 5);
        (0..60).for_each(|_| _ = world.add(DAY * 4));
        world.add_many(30, DAY * 3, DAY);
        passes(&mut world, 200, |world| world.backfill().is_complete());
        world.assert_once();
    }
}

#[test]
fn the_page_budget_ends_a_pass_and_the_next_goes_on() {
    let mut world = World::new();
    world.config.forward_pages = Some(2);
    world.add_many(200, MINUTE * 9, MINUTE);
    let report = world.forward();
    assert_eq!((report.gateways[0].pages, report.gateways[0].ended), (2, Ended::Pages));
    // Five pages hold the 200 entries. Two were read; two passes read the other three.
    assert_eq!(passes(&mut world, 9, |world| world.forward().is_complete()), 2);
    world.assert_once();
}

#[test]
fn time_used_up_ends_a_pass_and_the_next_goes_on() {
    let mut world = World::new();
    world.budget.time = Some(Duration::from_millis(50));
    world.add_many(700, MINUTE * 9, MINUTE);
    let report = world.forward();
    // What is under way is read.
    assert_eq!((report.gateways[0].pages, report.gateways[0].ended), (7, Ended::Time));
    passes(&mut world, 9, |world| world.forward().is_complete());
    world.assert_once();
}

#[test]
fn calls_used_up_leave_enough_of_them_for_writing() {
    let mut world = World::new();
    world.budget.calls = Some(8);
    world.add_many(300, MINUTE * 9, MINUTE);
    let report = world.forward();
    assert_eq!((report.gateways[0].pages, report.gateways[0].ended), (4, Ended::Calls));
    assert!(report.worst().is_none());
    passes(&mut world, 9, |world| world.forward().is_complete());
    world.assert_once();
}

/// Passes that the platform cuts short until nothing is left: none of them fails.
fn passes_cut_short(world: &mut World, most: u32, pass: impl Fn(&mut World) -> Report) -> u32 {
    passes(world, most, |world| {
        let report = pass(world);
        assert_eq!(report.errors().count(), 0, "{}", report.to_json());
        let ended = report.gateways[0].ended;
        assert!(matches!(ended, Ended::Calls | Ended::Complete), "{ended}");
        report.is_complete()
    })
}

#[test]
fn small_pages_reach_the_present_and_the_first_entry_where_the_platform_refuses_further_calls() {
    let mut world = World::new();
    world.config.source.per_page = 5;
    world.add_many(500, HOUR * 90, HOUR);
    world.add_many(500, MINUTE * 9, MINUTE);
    world.allowed = Some(50);
    // A pass reads 46 pages of four new entries each, and writes 45 of them: 500 / (45 * 4) passes.
    assert_eq!(passes_cut_short(&mut world, 9, World::forward), 3);
    assert_eq!(passes_cut_short(&mut world, 9, World::backfill), 3);
    world.assert_once();
}

#[test]
fn a_refusal_by_the_platform_at_any_call_ends_the_pass_and_loses_nothing() {
    for allowed in 1..12 {
        let mut world = World::new();
        world.config.source.per_page = 10;
        world.batch = Some(25);
        world.add_many(70, MINUTE * 9, MINUTE);
        world.allowed = Some(allowed);
        let report = world.forward();
        assert_eq!((report.errors().count(), report.gateways[0].ended), (0, Ended::Calls), "{allowed} calls");
        // The fourth call signs in, the fifth and ninth insert.
        assert_eq!(report.gateways[0].rows, [0, 25, 50][usize::from(allowed > 4) + usize::from(allowed > 8)]);
        world.allowed = None;
        assert!(world.forward().is_complete());
        world.assert_once();
    }
}

#[test]
fn a_poller_that_may_never_call_fails() {
    let mut world = World::new();
    world.allowed = Some(0);
    let report = world.forward();
    assert_eq!(report.gateways[0].ended, Ended::Failed);
    assert!(report.worst().unwrap().chain().contains("too many subrequests"));
}

#[test]
fn a_refusal_hides_no_failure_of_the_source() {
    let mut world = World::new();
    world.config.source.per_page = 10;
    world.add_many(30, MINUTE * 9, MINUTE);
    world.fault(Endpoint::List, When::Nth(3), Fault::Refuse(Refusal::Status(403)));
    world.allowed = Some(3);
    let report = world.forward();
    assert!(report.worst().unwrap().chain().contains("CF_API_TOKEN"), "{}", report.to_json());
}

#[test]
fn a_refusal_goes_to_no_further_gateway_and_begins_none_it_has_not_read() {
    let mut world = World::of(&["main", "other"]);
    world.random = 0.0;
    world.allowed = Some(1);
    world.instead = Some(Box::new(|_| {
        let answer = Response::builder().header("date", "Thu, 01 Jan 2026 00:00:00 GMT");
        Some(answer.body(br#"{"success":true,"result":[],"result_info":{"total_count":0}}"#.to_vec()).unwrap())
    }));
    let report = world.forward();
    assert_eq!(report.gateways.iter().map(|gateway| gateway.ended).collect::<Vec<_>>(), [Ended::Failed, Ended::Calls]);
    assert_eq!(world.state.value("forward"), None);

    let mut world = World::of(&["main", "other", "third"]);
    world.random = 0.0;
    world.add_many(120, MINUTE * 9, MINUTE);
    world.allowed = Some(2);
    assert_eq!(world.forward().gateways.len(), 1);
}

#[test]
fn a_long_catch_up_leaves_the_rest_of_the_rate_limit_to_others() {
    let rate_limit = Some(RateLimit { quota: 10, window_seconds: 60 });
    let mut world = World::with(SimulatorOptions { rate_limit, live_per_minute: 20.0, ..SimulatorOptions::default() });
    world.forward();
    world.pass_time(MINUTE * 120);
    let (began, before) = (world.now(), world.counts());
    assert!(world.forward().is_complete());
    let (took, cost) = (world.now() - began, world.counts() - before);
    assert_eq!(cost.refused, 0);
    // 8 of 10 a minute, and it does not dawdle either.
    let windows = i32::try_from(cost.list.div_ceil(8)).unwrap();
    assert!(windows > 5 && took <= MINUTE * windows && took > MINUTE * (windows - 2), "{took}");
    world.assert_once();
}

#[test]
fn a_pass_of_few_pages_waits_for_nobody_however_much_is_left_to_read() {
    let rate_limit = Some(RateLimit { quota: 200, window_seconds: 300 });
    let mut world = World::with(SimulatorOptions { rate_limit, ..SimulatorOptions::default() });
    world.add_many(9_000, DAY * 9, HOUR);
    world.forward();
    world.config.backfill_pages = Some(40);
    let began = world.now();
    let report = world.backfill();
    assert_eq!((report.gateways[0].pages, report.gateways[0].ended), (40, Ended::Pages));
    assert!(world.now() - began < SECOND * 10, "{}", world.now() - began);
}

#[test]
fn a_rate_limit_that_comes_back_too_late_ends_the_pass() {
    let rate_limit = Some(RateLimit { quota: 20, window_seconds: 60 });
    let mut world = World::with(SimulatorOptions { rate_limit, ..SimulatorOptions::default() });
    world.add_many(950, MINUTE * 9, MINUTE);
    world.budget.time = Some(Duration::from_secs(30));
    let report = world.forward();
    // 16 of 20 a minute, spread over the minute.
    assert_eq!((report.gateways[0].pages, report.gateways[0].ended), (8, Ended::Rate));
    world.pass_time(SECOND * 60);
    passes(&mut world, 2, |world| world.forward().is_complete());
    assert_eq!(world.counts().refused, 0);
    world.assert_once();
}

#[test]
fn asked_to_stop_while_it_waits_a_pass_reads_no_further_page() {
    let rate_limit = Some(RateLimit { quota: 20, window_seconds: 60 });
    let mut world = World::with(SimulatorOptions { rate_limit, ..SimulatorOptions::default() });
    world.add_many(950, MINUTE * 9, MINUTE);
    world.stop_at = Some(world.now() + SECOND * 30);
    let report = world.forward();
    assert_eq!((report.gateways[0].pages, report.gateways[0].ended), (8, Ended::Stopped));
    world.stop_at = None;
    assert!(world.forward().is_complete());
    world.assert_once();
}
