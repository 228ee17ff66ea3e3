//! The history is counted at the source by day, and what a count finds missing is brought in.

use aig_logs::simulator::options::{Quirks, SimulatorOptions};
use serde_json::{Value, json};

use crate::world::{DAY, HOUR, MINUTE, Work, World};

/// The days of the world's year in the ledger of `main`, as `"MM-DD": [source, delivered, verdict]`.
fn ledger(world: &World) -> Value {
    let days = world.stored("ledger:main:2026")["days"].as_object().unwrap().clone();
    let day = |(day, known): (String, Value)| {
        (day[5..].to_owned(), json!([known["source"], known["delivered"], known["verdict"]]))
    };
    days.into_iter().map(day).collect()
}

/// A world with entries on five of the last forty days, at half past eleven, and a poller that has begun.
fn world(options: SimulatorOptions) -> World {
    let mut world = World::with(options);
    for days in [1, 2, 3, 20, 40] {
        world.add_many(4, DAY * days + MINUTE * 30, DAY * days);
    }
    world.forward();
    world
}

/// A day and ten minutes after forward began, when nothing can appear in the history any more.
fn wait_until_settled(world: &mut World) {
    world.pass_time(DAY + MINUTE * 10);
}

#[test]
fn days_of_history_are_proven_by_one_count_as_long_as_it_agrees() {
    let mut world = world(SimulatorOptions::default());
    let report = world.backfill();
    assert_eq!((report.gateways[0].counts, report.gateways[0].reread), (1, 0));
    let older = json!({ "09-23": [4, 4, "proven"], "10-13": [4, 4, "proven"], "10-30": [4, 4, "proven"], "10-31": [4, 4, "proven"] });
    assert_eq!(ledger(&world), older);
    // The last day before the start is left until nothing can appear in it any more.
    assert_eq!(world.cost(Work::Backfill).list, 0);
    wait_until_settled(&mut world);
    assert_eq!(world.cost(Work::Backfill).list, 2);
    assert_eq!(ledger(&world)["11-01"], json!([4, 4, "proven"]));
    assert_eq!((world.cost(Work::Backfill).list, world.cost(Work::Backfill).writes()), (0, 0));
    world.assert_once();
}

#[test]
fn an_entry_of_the_time_before_the_first_run_is_delivered_however_late_it_appears() {
    let mut world = world(SimulatorOptions::default());
    world.backfill();
    let (created_at, hour) = (world.now() - HOUR * 2, HOUR);
    let ids: Vec<_> = (1..=22)
        .map(|n| world.add_at("main", created_at + MINUTE * n, created_at + MINUTE * n + hour * n, json!({})))
        .collect();
    for _ in 0..26 {
        world.pass_time(HOUR);
        world.backfill();
    }
    for id in ids {
        assert_eq!(world.copies(&id), 1, "{id}");
    }
    assert_eq!(ledger(&world)["11-02"], json!([22, 22, "proven"]));
    world.assert_once();
}

#[test]
fn an_entry_that_appears_before_what_was_the_first_one_is_delivered() {
    for entries in [0, 1] {
        let mut world = World::new();
        world.add_many(entries, HOUR, MINUTE * 30);
        world.forward();
        world.backfill();
        let id = world.add_at("main", world.now() - HOUR * 13, world.now() + HOUR * 8, json!({}));
        wait_until_settled(&mut world);
        world.backfill();
        assert_eq!(world.copies(&id), 1, "{entries}");
    }
}

#[test]
fn a_deletion_on_one_day_does_not_hide_what_appeared_on_another() {
    let mut world = World::new();
    let deleted = world.add(HOUR * 14);
    world.forward();
    world.backfill();
    world.simulator.get_mut().gateway_mut("main").unwrap().delete(&deleted);
    let id = world.add_at("main", world.now() - HOUR * 2, world.now() + HOUR, json!({}));
    wait_until_settled(&mut world);
    world.backfill();
    assert_eq!(world.copies(&id), 1);
    assert_eq!(ledger(&world), json!({ "11-01": [0, 1, "over"], "11-02": [1, 1, "proven"] }));
}

#[test]
fn the_day_that_is_short_is_found_among_many_and_read_again_alone() {
    let mut world = world(SimulatorOptions::default());
    world.config.backfill_pages = Some(1);
    // What appears behind the backfill although its day is long over.
    world.backfill();
    let missed = world.add(DAY * 20 + MINUTE);
    world.config.backfill_pages = None;
    let mut reread = 0;
    for _ in 0..4 {
        reread += world.backfill().sum(|gateway| gateway.reread.into());
    }
    assert_eq!((world.copies(&missed), reread), (1, 1));
    // The four of that day, and the missed one.
    assert_eq!(ledger(&world)["10-13"], json!([5, 5, "proven"]));
    world.assert_once();
}

#[test]
fn history_that_is_deleted_at_the_source_is_over_and_not_read_again() {
    let mut world = world(SimulatorOptions::default());
    world.config.backfill_pages = Some(1);
    world.backfill();
    world.simulator.get_mut().gateway_mut("main").unwrap().delete_oldest(8);
    world.config.backfill_pages = None;
    for _ in 0..3 {
        assert_eq!(world.backfill().sum(|gateway| gateway.reread.into()), 0);
    }
    // The eight deleted ones are the four of 09-23 and the four of 10-13.
    assert_eq!(ledger(&world)["10-13"], json!([0, 4, "over"]));
    assert_eq!(ledger(&world)["10-31"], json!([4, 4, "proven"]));
}

#[test]
fn history_without_counts_is_read_again_and_called_unprovable() {
    let quirks = Quirks { without_total_count: true, ..Quirks::default() };
    let mut world = world(SimulatorOptions { quirks, ..SimulatorOptions::default() });
    for _ in 0..60 {
        world.backfill();
    }
    wait_until_settled(&mut world);
    for _ in 0..5 {
        world.backfill();
    }
    assert_eq!(ledger(&world)["10-13"], json!([4, 4, "unprovable"]));
    assert_eq!(ledger(&world)["11-01"], json!([4, 4, "unprovable"]));
    assert_eq!((world.cost(Work::Backfill).list, world.cost(Work::Backfill).writes()), (0, 0));
    world.assert_once();
}
