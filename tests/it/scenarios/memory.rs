//! What is remembered: ids, dead letters, the status; and what becomes of a memory that lags behind.

use std::time::Duration;

use aig_logs::{
    simulator::{
        faults::{Endpoint, Fault, Refusal, When},
        options::Options,
    },
    time,
};
use serde_json::json;

use crate::world::{DAY, HOUR, MINUTE, SECOND, Table, Work, World};

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
    let writes = world.counts().state_writes;
    world.forward();
    let failure = world.stored("status")["forward"].clone();
    assert!(failure["error"].as_str().unwrap().contains("Data Editor"), "{failure}");
    assert_eq!(failure["transient"], false);
    world.pass_time(MINUTE);
    world.forward();
    assert_eq!(world.stored("status")["forward"], failure);
    // The border and the status, once each.
    assert!(world.counts().state_writes - writes <= 2, "{:?}", world.counts());
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
        let mut world = World::with(Options { entries: 60, live_per_minute: 6.0, ..Options::default() });
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
    let mut world = World::with(Options { entries: 10_600, history: DAY, ..Options::default() });
    world.table = Table::sqlite();
    world.forward();
    let before = world.counts();
    assert!(world.backfill().is_complete());
    let cost = world.counts() - before;
    assert_eq!((cost.ids_writes, cost.state_writes), (2, 2));
    world.assert_once();
}

#[test]
fn an_hour_without_the_store_loses_nothing() {
    let mut world = World::new();
    for minute in 0..10 {
        world.add(SECOND * 40);
        if (3..6).contains(&minute) {
            world.strike(1, crate::world::outside::Strike::Fails, u32::MAX);
        }
        let report = world.forward();
        assert_eq!(report.is_complete(), !(3..6).contains(&minute));
        world.outside.plan(None);
        world.pass_time(if minute == 5 { HOUR } else { MINUTE });
    }
    world.assert_once();
}
