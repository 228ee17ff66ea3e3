//! The forward pass: from ten minutes before its first run to the present.

use std::time::Duration;

use aig_logs::{
    simulator::{
        faults::{Endpoint, Fault, When},
        options::SimulatorOptions,
    },
    time,
};
use chrono::TimeDelta;
use serde_json::json;

use crate::world::{DAY, HOUR, MINUTE, SECOND, Table, World};

/// Live traffic alone.
fn busy(live_per_minute: f64) -> World {
    World::with(SimulatorOptions { live_per_minute, ..SimulatorOptions::default() })
}

#[test]
fn first_run_begins_ten_minutes_back_and_leaves_what_is_older_to_the_backfill() {
    let mut world = World::new();
    let start = world.now() - MINUTE * 10;
    let older = world.add(MINUTE * 10 + TimeDelta::milliseconds(1));
    let newer = [world.add(MINUTE * 10), world.add(MINUTE)];
    assert!(world.forward().is_complete());
    assert_eq!(world.copies(&older), 0);
    assert!(newer.iter().all(|id| world.copies(id) == 1));
    assert_eq!(world.stored("oldest")["start"], json!(start));
    assert!(world.backfill().is_complete());
    world.assert_once();
}

#[test]
fn first_run_that_finds_nothing_still_sets_the_border() {
    let mut world = World::new();
    let start = world.now() - MINUTE * 10;
    world.forward();
    world.add(MINUTE * 5);
    world.pass_time(HOUR);
    world.forward();
    assert_eq!(world.stored("oldest")["start"], json!(start));
    world.assert_once();
}

#[test]
fn steady_traffic_is_written_once_whatever_the_sink() {
    for table in [Table::BigQuery, Table::sqlite(), Table::ndjson()] {
        let mut world = busy(40.0);
        world.table = table;
        for _ in 0..10 {
            assert!(world.forward().is_complete());
            world.pass_time(MINUTE);
        }
        world.assert_once();
        assert!(world.rows().len() > 300);
    }
}

#[test]
fn the_last_seconds_wait_for_entries_that_still_appear() {
    let mut world = World::new();
    let settled = world.add(SECOND * 30 + TimeDelta::milliseconds(1));
    let fresh = world.add(SECOND * 30);
    world.forward();
    assert_eq!((world.copies(&settled), world.copies(&fresh)), (1, 0));
    // It began before the other two, and shows itself only now.
    world.add(SECOND * 29);
    world.pass_time(MINUTE);
    world.forward();
    world.assert_once();
}

#[test]
fn first_run_leaves_no_entry_that_may_still_appear_to_the_backfill() {
    let mut world = World::new();
    world.config.settle = Duration::from_hours(1);
    let now = world.now();
    world.add_at("main", now - MINUTE * 11, now + MINUTE * 40, json!({}));
    for _ in 0..2 {
        assert!(world.forward().is_complete() && world.backfill().is_complete());
        world.pass_time(HOUR);
    }
    world.assert_once();
}

#[test]
fn any_number_of_entries_in_one_millisecond_is_written_once() {
    for ties in [49, 50, 51, 99, 100, 120] {
        for without_total_count in [false, true] {
            let mut world = World::new();
            world.simulator.get_mut().quirks_mut().without_total_count = without_total_count;
            world.add_many(30, MINUTE * 5, MINUTE * 4);
            (0..ties).for_each(|_| _ = world.add(MINUTE * 3));
            world.add_many(30, MINUTE * 2, MINUTE);
            assert!(world.forward().is_complete());
            world.assert_once();
            world.pass_time(MINUTE);
            assert!(world.forward().is_complete());
            world.assert_once();
        }
    }
}

#[test]
fn entries_deleted_while_pages_are_read_hide_no_others() {
    for call in 1..5 {
        let mut world = World::new();
        let ids = world.add_many(200, MINUTE * 9, MINUTE);
        let read = Fault::Delete(ids.into_iter().step_by(3).collect());
        world.fault(Endpoint::List, When::Nth(call), read);
        assert!(world.forward().is_complete());
        world.assert_once();
    }
}

#[test]
fn entries_deleted_while_one_instant_is_read_hide_no_others() {
    for call in 1..4 {
        let mut world = World::new();
        let ids: Vec<_> = (0..120).map(|_| world.add(MINUTE)).collect();
        world.fault(Endpoint::List, When::Nth(call), Fault::Delete(ids[..40].to_vec()));
        assert!(world.forward().is_complete());
        world.assert_once();
    }
}

#[test]
fn a_page_that_repeats_an_entry_writes_it_once() {
    let mut world = World::new();
    world.add_many(120, MINUTE * 9, MINUTE);
    world.fault(Endpoint::List, When::Always, Fault::RepeatEntry);
    assert!(world.forward().is_complete());
    world.assert_once();
}

#[test]
fn after_six_hours_without_a_pass_all_is_caught_up() {
    let mut world = busy(4.0);
    world.forward();
    world.pass_time(HOUR * 6);
    assert!(world.forward().is_complete());
    assert!(world.rows().len() > 1_200);
    world.assert_once();
}

#[test]
fn a_cursor_that_rests_for_days_on_a_quiet_gateway_misses_nothing() {
    let mut world = World::new();
    world.add(MINUTE);
    world.forward();
    world.pass_time(DAY * 3);
    world.add(DAY);
    world.add(DAY * 2);
    assert!(world.forward().is_complete());
    world.assert_once();
}

#[test]
fn slots_count_what_was_delivered() {
    let mut world = World::new();
    world.pass_time(MINUTE * 5);
    world.add_many(3, MINUTE * 9, MINUTE * 6);
    world.add_many(4, MINUTE * 4, MINUTE);
    world.forward();
    let slot = |ago| time::floor_ms(world.simulator.borrow().options().start - ago);
    let expected = json!({
        slot(MINUTE * 10).to_rfc3339_opts(chrono::SecondsFormat::Secs, true): { "delivered": 3, "long": 0 },
        slot(TimeDelta::zero()).to_rfc3339_opts(chrono::SecondsFormat::Secs, true): { "delivered": 4, "long": 0 },
    });
    assert_eq!(world.stored("forward")["slots"], expected);
    world.pass_time(HOUR * 26);
    world.add(MINUTE);
    world.forward();
    assert_eq!(world.stored("forward")["slots"].as_object().unwrap().len(), 1);
}

#[test]
fn asked_to_stop_a_pass_writes_what_it_has_read_and_remembers_it() {
    let mut world = World::new();
    world.add_many(300, MINUTE * 9, MINUTE);
    world.stop_after = Some(3);
    let report = world.forward();
    // The first page has 50 new entries, each later one 49.
    assert_eq!((report.gateways[0].pages, report.sum(|gateway| gateway.rows)), (3, 50 + 2 * 49));
    world.stop_after = None;
    assert!(world.forward().is_complete());
    world.assert_once();
}
