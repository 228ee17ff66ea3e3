//! Everything is counted at the source, and what a count finds missing is brought in.

use aig_logs::{
    pass::Completion,
    plan::budget::Ended,
    simulator::options::{Quirks, SimulatorOptions},
    time,
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::world::{HOUR, MINUTE, SECOND, World};

/// A forward pass each minute.
pub(super) fn minutes(world: &mut World, number: i32) {
    for _ in 0..number {
        world.pass_time(MINUTE);
        let report = world.forward();
        assert_eq!(report.verdict(), Completion::Complete, "{}", report.to_json());
    }
}

/// The hours of the world's days in the ledger of `main`, as `"12": [source, delivered, verdict]`.
pub(super) fn ledger(world: &World) -> Value {
    let keys = world.state.keys().into_iter().filter(|key| key.starts_with("ledger:main:"));
    let days = keys.map(|key| world.stored(&key)["hours"].as_object().unwrap().clone());
    let hours = days.flat_map(|day| {
        let hour =
            |(hour, known): (String, Value)| (hour, json!([known["source"], known["delivered"], known["verdict"]]));
        day.into_iter().map(hour).collect::<Vec<_>>()
    });
    hours.collect()
}

/// Up to where `main` is proven to be complete, as a time of day.
fn complete_through(world: &World) -> String {
    let stored = world.stored("forward").to_string();
    let forward = aig_logs::state::Forward::from_json("forward", &stored, &[]).unwrap();
    time::text(forward.by_id["main"].complete_through().unwrap())[11..16].to_owned()
}

#[test]
fn a_late_entry_is_written_by_a_later_pass() {
    for late in [MINUTE * 3, MINUTE * 45, HOUR * 20] {
        let mut world = World::new();
        world.add(MINUTE);
        minutes(&mut world, 3);
        let id = world.add_late(late);
        world.pass_time(SECOND);
        // With this one, the cursor of forward passes over the late one.
        world.add(TimeDelta::zero());
        minutes(&mut world, 2);
        assert_eq!(world.copies(&id), 0);
        for _ in 0..25 * 6 {
            world.pass_time(MINUTE * 10);
            assert!(world.forward().is_complete());
        }
        assert_eq!(world.copies(&id), 1, "{late}");
        world.assert_once();
        assert_eq!(ledger(&world)["12"], json!([2, 2, "proven"]), "{late}");
    }
}

#[test]
fn every_hour_is_in_the_ledger_and_the_last_proven_instant_is_known() {
    let mut world = World::new();
    world.add(MINUTE * 5);
    minutes(&mut world, 1);
    for _ in 0..150 {
        world.add(SECOND * 40);
        minutes(&mut world, 1);
    }
    // 14:31, and what is ten minutes old is counted.
    assert_eq!(complete_through(&world), "14:20");
    let expected = json!({ "11": [1, 1, "proven"], "12": [60, 60, "proven"], "13": [60, 60, "proven"] });
    assert_eq!(ledger(&world), expected);
    world.assert_once();
}

#[test]
fn a_quiet_gateway_is_counted_three_times_an_hour_and_saved_once() {
    let mut world = World::new();
    minutes(&mut world, 26 * 60);
    let before = world.counts();
    minutes(&mut world, 10 * 60);
    let counts = world.counts() - before;
    assert_eq!((counts.list, counts.insert), (600 + 3 * 10, 0));
    // The cursor, and the ledger of the day.
    assert_eq!((counts.state_writes, counts.ids_reads), (2 * 10, 0));
    assert_eq!(ledger(&world)["05"], json!([0, 0, "proven"]));
}

#[test]
fn entries_that_are_deleted_later_are_over_and_nothing_is_written_again() {
    let mut world = World::new();
    let ids = world.add_many(120, MINUTE * 9, MINUTE);
    minutes(&mut world, 2);
    for id in &ids[..30] {
        assert!(world.simulator.get_mut().gateway_mut("main").unwrap().delete(id));
    }
    minutes(&mut world, 30);
    assert_eq!(ledger(&world)["11"], json!([90, 120, "over"]));
    assert_eq!(world.rows().values().map(Vec::len).sum::<usize>(), 120);
    // The second count finds what the first has found, and reads nothing again.
    let before = world.counts();
    minutes(&mut world, 60);
    // Of this slot, and of the hour after it, which is empty.
    assert_eq!((world.counts() - before).list, 60 + 2);
    assert_eq!(complete_through(&world), "13:00");
}

#[test]
fn without_an_honest_count_hours_are_unprovable_and_complete_all_the_same() {
    let quirks = [
        Quirks { without_total_count: true, ..Quirks::default() },
        Quirks { total_count_ignores_filter: true, ..Quirks::default() },
    ];
    for quirks in quirks {
        let mut world = World::with(SimulatorOptions { quirks, ..SimulatorOptions::default() });
        world.add_many(60, MINUTE * 9, MINUTE);
        minutes(&mut world, 2);
        let late = world.add_late(MINUTE * 15);
        minutes(&mut world, 120);
        assert_eq!(world.copies(&late), 1);
        world.assert_once();
        assert_eq!(ledger(&world)["12"][2], "unprovable", "{}", ledger(&world));
    }
}

#[test]
fn a_comparison_goes_on_over_several_passes() {
    for (pages, per_page, allowed) in [(Some(1), 7, None), (None, 2, Some(45))] {
        let mut world = World::new();
        world.config.source.per_page = per_page;
        world.config.forward_pages = pages;
        world.allowed = allowed;
        let late: Vec<_> = (0..100)
            .map(|_| {
                world.pass_time(SECOND);
                world.add_late(MINUTE * 8)
            })
            .collect();
        world.add(TimeDelta::zero());
        for _ in 0..200 {
            world.pass_time(MINUTE);
            let report = world.forward();
            assert!(report.errors().next().is_none(), "{}", report.to_json());
        }
        assert!(late.iter().all(|id| world.copies(id) == 1));
        world.assert_once();
        // The hundred late ones, and the last one.
        assert_eq!(ledger(&world)["12"], json!([101, 101, "proven"]));
    }
}

#[test]
fn ids_that_are_not_shown_yet_cost_copies_and_nothing_else() {
    let mut world = World::new();
    world.add_many(20, MINUTE * 9, MINUTE);
    minutes(&mut world, 2);
    world.add_late(MINUTE * 3);
    world.ids.staleness.set(std::time::Duration::from_hours(1));
    minutes(&mut world, 100);
    world.assert_complete();
    assert_eq!(ledger(&world)["12"], json!([1, 1, "proven"]));
}

#[test]
fn what_is_new_comes_before_what_is_verified() {
    let mut world = World::new();
    world.add_many(60, MINUTE * 9, MINUTE);
    minutes(&mut world, 20);
    world.add_many(100, SECOND * 50, SECOND * 40);
    world.pass_time(MINUTE * 50);
    world.allowed = Some(5);
    let report = world.forward();
    assert_eq!((report.sum(|gateway| gateway.rows), report.gateways[0].ended), (100, Ended::Complete));
    // That no further call was allowed is no failure.
    assert_eq!(report.verdict(), Completion::Complete);
}
