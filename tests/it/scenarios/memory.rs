//! What is remembered: ids, dead letters, the status; and what becomes of a memory that lags behind.

use std::{rc::Rc, time::Duration};

use aig_logs::{
    simulator::{
        faults::{Endpoint, Fault, Refusal, When},
        options::SimulatorOptions,
    },
    time,
};
use serde_json::json;

use crate::world::{DAY, HOUR, MINUTE, SECOND, Table, Work, World, outside::Strike};

#[test]
fn written_ids_are_kept_under_one_key_a_pass_for_the_time_to_live() {
    let mut world = World::new();
    let ids = world.add_many(120, MINUTE * 9, MINUTE);
    world.forward();
    let [key] = world.ids.keys().try_into().unwrap();
    let from = time::text(time::floor_ms(world.simulator.borrow().options().start - MINUTE * 9));
    assert!(key.starts_with(&format!("ids:main:{from}:")), "{key}");
    let (value, put) = world.ids.entry(&key).unwrap();
    assert_eq!(value.lines().collect::<Vec<_>>(), ids);
    assert_eq!(put.ttl, Some(Duration::from_hours(45 * 24)));
    let metadata = put.metadata.unwrap();
    assert_eq!((&metadata["from"], &metadata["n"]), (&json!(time::parse(&from)), &json!(120)));
    assert!(metadata.to_string().len() < 1_024);
    world.pass_time(DAY * 45);
    assert_eq!(world.ids.keys(), Vec::<String>::new());
}

#[test]
fn a_row_that_is_refused_becomes_a_dead_letter_and_the_pass_goes_on() {
    let mut world = World::new();
    let ids = world.add_many(60, MINUTE * 9, MINUTE);
    world.simulator.get_mut().faults_mut().poison(&ids[20]);
    let report = world.forward();
    assert!(report.is_complete());
    assert_eq!(report.sum(|gateway| gateway.rejected), 1);
    assert_eq!(report.sum(|gateway| gateway.rows), 59);
    assert_eq!((world.copies(&ids[20]), world.rows().len()), (0, 59));
    let key = world.state.keys().into_iter().find(|key| key.starts_with("dead:main:")).unwrap();
    let letter = &world.stored(&key)["rows"][0];
    assert_eq!(letter["id"], ids[20].as_str());
    assert!(letter["reason"].as_str().unwrap().contains("cannot be stored"));
    assert_eq!(letter["row"]["model"], "gpt-5");
    let put = world.state.entry(&key).unwrap().1;
    assert_eq!((put.ttl, put.metadata), (Some(Duration::from_hours(45 * 24)), Some(json!({ "n": 1 }))));
    // It is not asked for again.
    world.pass_time(MINUTE);
    assert_eq!(world.cost(Work::Forward).insert, 0);
}

#[test]
fn a_lone_row_that_is_refused_keeps_no_later_one_waiting() {
    let mut world = World::new();
    let id = world.add(MINUTE * 5);
    world.simulator.get_mut().faults_mut().poison(&id);
    assert!(world.forward().is_complete());
    world.pass_time(MINUTE);
    let later = world.add(MINUTE);
    assert!(world.forward().is_complete());
    assert_eq!((world.copies(&id), world.copies(&later)), (0, 1));
}

#[test]
fn the_status_is_written_when_it_changes_and_cleared_by_success() {
    let mut world = World::new();
    world.add(MINUTE);
    world.fault(Endpoint::Insert, When::Always, Fault::Refuse(Refusal::Forbidden("accessDenied")));
    world.forward();
    let failure = world.stored("status")["forward"].clone();
    assert!(failure["error"].as_str().unwrap().contains("Data Editor"), "{failure}");
    assert_eq!(failure["transient"], false);
    let writes = world.counts().writes();
    world.pass_time(MINUTE);
    world.forward();
    assert_eq!((world.stored("status")["forward"].clone(), world.counts().writes()), (failure, writes));
    world.end_faults();
    world.forward();
    assert_eq!(world.stored("status"), json!({ "v": 1 }));
}

#[test]
fn a_status_of_one_job_outlives_the_success_of_the_other() {
    let mut world = World::new();
    world.forward();
    world.fault(Endpoint::List, When::Nth(1), Fault::Refuse(Refusal::Status(403)));
    world.backfill();
    world.forward();
    assert!(world.stored("status")["backfill"].is_object());
    world.backfill();
    assert_eq!(world.stored("status"), json!({ "v": 1 }));
}

#[test]
fn reads_that_lag_behind_lose_nothing() {
    for lag in [1, 61, 150, 3_600] {
        let mut world =
            World::with(SimulatorOptions { entries: 60, live_per_minute: 6.0, ..SimulatorOptions::default() });
        world.config.backfill_pages = Some(2);
        let lag = Duration::from_secs(lag);
        (world.state.staleness, world.ids.staleness) = (lag.into(), lag.into());
        for _ in 0..20 {
            world.forward();
            world.backfill();
            world.pass_time(MINUTE);
        }
        world.state.staleness = Duration::ZERO.into();
        world.forward();
        while !world.backfill().is_complete() {}
        world.assert_complete();
    }
}

#[test]
fn ten_thousand_entries_are_remembered_before_more_are_read() {
    let mut world = World::with(SimulatorOptions { entries: 10_600, history: DAY, ..SimulatorOptions::default() });
    world.table = Table::sqlite();
    world.forward();
    let before = world.counts();
    assert!(world.backfill().is_complete());
    let cost = world.counts() - before;
    assert_eq!((cost.ids_writes, cost.state_writes), (2, 2));
    world.assert_once();
}

#[test]
fn a_store_that_refuses_a_second_write_within_a_second_fails_no_pass() {
    let mut world = World::with(SimulatorOptions { entries: 10_600, history: DAY, ..SimulatorOptions::default() });
    world.table = Table::sqlite();
    world.forward();
    world.pass_time(MINUTE);
    world.state.one_write_a_second = true.into();
    let before = world.counts();
    assert!(world.backfill().is_complete());
    assert_eq!((world.counts() - before).state_writes, 3);
    world.assert_once();
}

#[test]
fn a_write_to_the_store_that_fails_once_costs_no_row_twice() {
    let world = || {
        let mut world = World::new();
        world.add_many(30, MINUTE * 9, MINUTE);
        world
    };
    let mut whole = world();
    whole.outside.plan(None);
    whole.forward();
    let calls = whole.outside.calls();
    // The ids and both cursors, after the pass has used up its time.
    for nth in calls - 2..=calls {
        for strike in [Strike::Fails, Strike::FailsAfter] {
            let mut world = world();
            world.budget.time = Some(Duration::from_millis(50));
            world.strike(nth, strike, 1);
            assert!(world.forward().is_complete(), "{strike:?} at call {nth}");
            world.outside.plan(None);
            assert!(world.forward().is_complete());
            world.assert_once();
        }
    }
}

#[test]
fn a_store_is_waited_for_a_little_longer_than_a_pass_may_read() {
    // The third call ends after 45 seconds, and each wait takes one and a half.
    for (seconds, writes) in [(34, 1), (37, 2), (40, 3)] {
        let mut world = World::new();
        world.add(MINUTE);
        let outside = Rc::clone(&world.outside);
        world.instead = Some(Box::new(move |_| {
            outside.pass_time(SECOND * 15);
            None
        }));
        world.budget.time = Some(Duration::from_secs(seconds));
        // After reading both cursors, listing, signing in and inserting: the ids.
        world.strike(6, Strike::Fails, u32::MAX);
        let before = world.counts();
        assert!(world.forward().worst().is_some());
        assert_eq!((world.counts() - before).ids_writes, writes, "{seconds} s");
    }
}

#[test]
fn an_hour_without_the_store_loses_nothing() {
    let mut world = World::new();
    for minute in 0..10 {
        world.add(SECOND * 40);
        if (3..6).contains(&minute) {
            world.strike(1, Strike::Fails, u32::MAX);
        }
        let report = world.forward();
        assert_eq!(report.is_complete(), !(3..6).contains(&minute));
        world.outside.plan(None);
        world.pass_time(if minute == 5 { HOUR } else { MINUTE });
    }
    world.assert_once();
}

/// Each has five new logs.
fn four_hundred_gateways() -> World {
    let gateways: Vec<String> = (0..400).map(|n| format!("gateway-{n}")).collect();
    let mut world = World::with(SimulatorOptions { gateways: gateways.clone(), ..SimulatorOptions::default() });
    for gateway in &gateways {
        for n in 1..=5 {
            world.add_to(gateway, MINUTE * n, json!({}));
        }
    }
    world
}

#[test]
fn a_pass_that_dies_among_four_hundred_gateways_repeats_some_hundred_rows() {
    let mut whole = four_hundred_gateways();
    whole.outside.plan(None);
    whole.forward();
    let mut world = four_hundred_gateways();
    world.strike(whole.outside.calls() - 10, Strike::DiesBefore, 1);
    assert!(world.attempt(Work::Forward).is_none());
    world.outside.plan(None);
    assert!(world.forward().is_complete());
    world.assert_complete();
    let rows: usize = world.rows().values().map(Vec::len).sum();
    assert!((2_000..2_600).contains(&rows), "{rows} rows of 2,000 entries");
}

#[test]
fn ids_that_cannot_be_kept_are_told_and_stop_no_cursor() {
    let mut world = World::new();
    world.forward();
    world.ids.refuses.set(Some("ids:"));
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.extend(world.add_many(20, MINUTE, SECOND));
        world.pass_time(MINUTE);
        let report = world.forward();
        assert_eq!((report.sum(|gateway| gateway.rows), report.sum(|gateway| gateway.unremembered)), (20, 20));
        let error = report.worst().unwrap();
        assert!(error.is_transient() && error.chain().contains("key ids:main:"), "{}", error.chain());
        assert!(world.stored("status")["forward"]["error"].as_str().unwrap().contains("key ids:main:"));
    }
    assert_eq!(world.copies_of(&ids), [1; 100]);
    world.ids.refuses.set(None);
    assert!(world.forward().worst().is_none());
    assert_eq!(world.stored("status"), json!({ "v": 1 }));
    assert_eq!(world.copies_of(&ids), [1; 100]);
}

#[test]
fn dead_letters_that_cannot_be_kept_stop_the_cursor() {
    let mut world = World::new();
    world.forward();
    world.state.refuses.set(Some("dead:"));
    let poisoned = world.add_many(3, MINUTE, SECOND)[1].clone();
    world.simulator.get_mut().faults_mut().poison(&poisoned);
    world.pass_time(MINUTE);
    let before = world.stored("forward");
    assert!(world.forward().worst().is_some());
    assert_eq!(world.stored("forward"), before);
    world.state.refuses.set(None);
    assert!(world.forward().is_complete());
    assert_eq!(world.dead_letters(), [poisoned].into());
    world.assert_complete();
}
