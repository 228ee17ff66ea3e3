//! What is called proven is, whatever happens while it is being counted.

use aig_logs::{
    pass::Completion,
    simulator::faults::{Endpoint, Fault, Refusal, When},
    time,
};
use chrono::TimeDelta;
use serde_json::json;

use super::verify::{ledger, minutes};
use crate::world::{DAY, HOUR, MINUTE, SECOND, World};

#[test]
fn the_ledger_of_a_takeover_begins_where_the_counts_do() {
    let mut world = World::new();
    world.add_many(300, HOUR * 5, TimeDelta::zero());
    let taken_over = json!({ "ts": time::text(world.now() - MINUTE * 95), "id": "a" });
    world.state.set("forward", &taken_over.to_string());
    minutes(&mut world, 75);
    // From 10:30 on, the first slot of which this program delivers every entry; there is one entry a minute.
    assert_eq!(ledger(&world), json!({ "10": [30, 30, "proven"], "11": [60, 60, "proven"], "12": [0, 0, "proven"] }));
}

#[test]
fn a_comparison_that_an_outage_interrupts_is_as_old_as_its_count() {
    let mut world = World::new();
    world.config.source.per_page = 10;
    world.pass_time(MINUTE);
    let night = world.add_late(HOUR * 20);
    for _ in 0..30 {
        world.pass_time(SECOND);
        world.add_late(MINUTE * 11);
    }
    // The late ones lie in the first slot of all, where no age is ahead of another.
    world.pass_time(MINUTE * 8);
    world.add(MINUTE);
    minutes(&mut world, 1);
    world.config.forward_pages = Some(1);
    until_comparing(&mut world);
    world.pass_time(DAY * 3);
    minutes_with_more(&mut world, 60);
    assert_eq!(world.copies(&night), 1);
    // 1 + 30 late ones, and the one after them.
    let noon = &world.stored("ledger:main:2026-11-02")["hours"]["12"];
    assert_eq!((&noon["source"], &noon["verdict"]), (&json!(32), &json!("proven")));
}

/// Rows that failures have written twice are delivered once: they must not stand for others.
#[test]
fn what_failures_wrote_twice_hides_no_late_entry() {
    for long_calls in [false, true] {
        let mut world = World::new();
        world.config.source.per_page = 10;
        world.batch = Some(5);
        world.forward();
        let duration = if long_calls { 600_000 } else { 1 };
        let (now, hidden) = (world.now(), MINUTE * 12);
        let late = |n: i32| world.add_at("main", now + SECOND * n, now + hidden, json!({ "duration": duration }));
        let mut ids: Vec<_> = (1..=14).map(late).collect();
        // One more, that no condition finds.
        ids.push(world.add_at("main", now + SECOND * 30, now + hidden, json!({})));
        world.pass_time(MINUTE * 2);
        world.add_many(10, MINUTE, SECOND * 50);
        world.forward();
        world.pass_time(MINUTE * 17 + SECOND * 50);
        world.add(SECOND * 50);
        world.forward();
        // Twice, a comparison fails after some of its rows, and the ids of what it wrote do not show yet.
        world.ids.staleness.set(HOUR.to_std().unwrap());
        for written in [2, 1] {
            world.fault(
                Endpoint::Insert,
                When::Among((written + 1..50).collect()),
                Fault::Refuse(Refusal::Status(503)),
            );
            world.pass_time(MINUTE);
            assert_eq!(world.forward().verdict(), Completion::Failed);
            world.end_faults();
        }
        world.ids.staleness.set(std::time::Duration::ZERO);
        for _ in 0..3 {
            world.pass_time(MINUTE);
            world.forward();
        }
        for id in &ids {
            assert!(world.copies(id) > 0, "{id} of {ids:?}, long calls: {long_calls}");
        }
        world.pass_time(HOUR * 2);
        minutes(&mut world, 2);
        assert_eq!(ledger(&world)["12"][0], json!(14 + 1 + 10 + 1));
    }
}

/// Passes that may end before they are complete.
fn minutes_with_more(world: &mut World, number: i32) {
    for _ in 0..number {
        world.pass_time(MINUTE);
        let report = world.forward();
        assert!(report.verdict() != Completion::Failed, "{}", report.to_json());
    }
}

/// Passes until one leaves a comparison to the next.
fn until_comparing(world: &mut World) {
    for _ in 0..100 {
        minutes_with_more(world, 1);
        if world.stored("forward").get("comparison").is_some() {
            return;
        }
    }
    panic!("nothing is compared over several passes");
}

#[test]
fn what_appears_between_forward_and_its_count_is_written_once() {
    let mut world = World::new();
    minutes(&mut world, 1);
    world.pass_time(MINUTE * 29);
    let late = world.add_late(MINUTE * 40 + SECOND / 33);
    // A pass at 13:10 asks for what is new 20 ms later, and counts after another 20 ms.
    world.pass_time(MINUTE * 40 - time::MILLISECOND * 20);
    while world.copies(&late) == 0 {
        assert_eq!(world.forward().verdict(), Completion::Complete);
        world.pass_time(MINUTE);
    }
    minutes(&mut world, 3);
    world.assert_once();
}

/// Without counts an instant that fills a page is left behind when the page after it is empty: the comparison then ends just
/// after the late entry, and not with it.
#[test]
fn what_appears_between_forward_and_a_comparison_of_pages_of_one_is_written_once() {
    for tenth in 0..30 {
        let mut world = World::new();
        world.config.source.per_page = 1;
        world.simulator.get_mut().quirks_mut().without_total_count = true;
        minutes(&mut world, 1);
        world.pass_time(MINUTE * 29);
        let late = world.add_late(MINUTE * 40 + time::MILLISECOND * 10 * tenth);
        world.pass_time(MINUTE * 40);
        while world.copies(&late) == 0 {
            assert_eq!(world.forward().verdict(), Completion::Complete);
            world.pass_time(MINUTE);
        }
        minutes(&mut world, 3);
        world.assert_once();
    }
}

#[test]
fn what_is_deleted_while_it_is_compared_leaves_the_rest_proven() {
    let mut world = World::new();
    minutes(&mut world, 1);
    world.config.forward_pages = Some(1);
    world.config.source.per_page = 10;
    let ids: Vec<_> = (0..30)
        .map(|_| {
            world.pass_time(SECOND);
            world.add_late(MINUTE * 8)
        })
        .collect();
    world.pass_time(SECOND);
    world.add(TimeDelta::zero());
    until_comparing(&mut world);
    world.simulator.get_mut().gateway_mut("main").unwrap().delete(&ids[29]);
    minutes_with_more(&mut world, 50);
    // Thirty late ones but the deleted one, and the last one.
    assert_eq!(ledger(&world)["12"], json!([30, 30, "proven"]));
}

#[test]
fn a_week_of_sleep_is_counted_once_not_three_times() {
    let mut world = World::new();
    world.add(MINUTE);
    minutes(&mut world, 30 * 60);
    world.pass_time(DAY * 7);
    let before = world.counts();
    assert_eq!(world.forward().sum(|gateway| gateway.counts.into()), 12, "no pass counts without end");
    minutes(&mut world, 59);
    let counts = (world.counts() - before).list;
    // One for each hour of the week and of the day before, two of each for the last, and each minute's own.
    assert!(counts <= 60 + 7 * 24 + 24 + 24 + 3, "{counts}");
    let days = world.state.keys().into_iter().filter(|key| key.starts_with("ledger:main:"));
    let hours: usize = days.map(|key| world.stored(&key)["hours"].as_object().map_or(0, serde_json::Map::len)).sum();
    assert_eq!(hours, 1 + 30 + 7 * 24);
}
