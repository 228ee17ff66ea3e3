//! What a pass may use, and how it goes on when that is used up.

use std::time::Duration;

use aig_logs::{
    plan::budget::Ended,
    simulator::options::{Options, RateLimit},
};

use crate::world::{DAY, MINUTE, SECOND, World};

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
    assert_eq!(passes(&mut world, 9, |world| world.forward().is_complete()), 2);
    world.assert_once();
}

#[test]
fn time_used_up_ends_a_pass_and_the_next_goes_on() {
    let mut world = World::new();
    world.budget.time = Some(Duration::from_millis(50));
    world.add_many(200, MINUTE * 9, MINUTE);
    let report = world.forward();
    assert_eq!((report.gateways[0].pages, report.gateways[0].ended), (3, Ended::Time));
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

#[test]
fn a_long_catch_up_leaves_the_rest_of_the_rate_limit_to_others() {
    let rate_limit = Some(RateLimit { quota: 10, window_seconds: 60 });
    let mut world = World::with(Options { rate_limit, live_per_minute: 20.0, ..Options::default() });
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
fn a_rate_limit_that_comes_back_too_late_ends_the_pass() {
    let rate_limit = Some(RateLimit { quota: 20, window_seconds: 60 });
    let mut world = World::with(Options { rate_limit, ..Options::default() });
    world.add_many(950, MINUTE * 9, MINUTE);
    world.budget.time = Some(Duration::from_secs(30));
    let report = world.forward();
    assert_eq!((report.gateways[0].pages, report.gateways[0].ended), (16, Ended::Rate));
    world.pass_time(SECOND * 60);
    assert!(world.forward().is_complete());
    assert_eq!(world.counts().refused, 0);
    world.assert_once();
}

#[test]
fn asked_to_stop_while_it_waits_a_pass_reads_no_further_page() {
    let rate_limit = Some(RateLimit { quota: 20, window_seconds: 60 });
    let mut world = World::with(Options { rate_limit, ..Options::default() });
    world.add_many(950, MINUTE * 9, MINUTE);
    world.stop_at = Some(world.now() + SECOND * 30);
    let report = world.forward();
    assert_eq!((report.gateways[0].pages, report.gateways[0].ended), (16, Ended::Stopped));
    world.stop_at = None;
    assert!(world.forward().is_complete());
    world.assert_once();
}
