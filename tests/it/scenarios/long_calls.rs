//! Late entries are mostly long calls: these are read first, and the rest only where they do not explain the count.

use aig_logs::{state, time};
use chrono::TimeDelta;
use http::{Response, StatusCode};
use serde_json::json;

use crate::world::{Counts, MINUTE, SECOND, Work, World};

/// A gateway with 300 entries in ten minutes, ten of which appeared when forward had passed: calls of `duration`.
fn late(duration: TimeDelta) -> (World, Vec<String>) {
    let mut world = World::new();
    world.forward();
    world.pass_time(MINUTE * 10);
    world.add_many(300, MINUTE * 10, MINUTE);
    let fields = json!({ "duration": duration.num_milliseconds() });
    let (now, visible_at) = (world.now(), world.now() + MINUTE * 5);
    let ids = (1..=10)
        .map(|n| world.add_at("main", time::floor_ms(now - MINUTE * 9 + SECOND * n), visible_at, fields.clone()))
        .collect();
    world.forward();
    world.pass_time(MINUTE * 9 + SECOND * 55);
    world.add(SECOND * 50);
    (world, ids)
}

/// What a pass in which the late ones are found costs beyond the page for what is new.
fn cost_of_finding(world: &mut World, ids: &[String]) -> Counts {
    // Before it, nothing is due.
    assert_eq!(world.cost(Work::Forward).list, 1);
    world.add(SECOND * 40);
    world.pass_time(SECOND * 5);
    let cost = world.cost(Work::Forward);
    assert!(ids.iter().all(|id| world.copies(id) == 1), "{cost:?}");
    world.assert_once();
    cost
}

#[test]
fn late_entries_are_found_among_the_long_calls() {
    let (mut world, ids) = late(MINUTE * 6);
    let cost = cost_of_finding(&mut world, &ids);
    // The page for what is new; a count, the long calls, and a count that proves it.
    assert_eq!((cost.list, cost.insert), (1 + 3, 2));
}

#[test]
fn short_calls_that_appear_late_are_found_by_reading_everything() {
    let (mut world, ids) = late(SECOND);
    let cost = cost_of_finding(&mut world, &ids);
    // Seven pages hold 311 entries.
    assert_eq!(cost.list, 1 + 3 + 7);
}

#[test]
fn a_source_that_does_not_know_the_condition_costs_pages_and_no_entries() {
    let duration = |request: &aig_logs::wire::Request| request.uri().to_string().contains("duration");
    let refused =
        json!({ "success": false, "errors": [{ "code": 7001, "message": "Invalid enum value" }], "result": null });
    let (mut world, ids) = late(MINUTE * 6);
    world.instead = Some(Box::new(move |request| {
        let mut response = Response::new(refused.to_string().into_bytes());
        *response.status_mut() = StatusCode::BAD_REQUEST;
        duration(request).then_some(response)
    }));
    let cost = cost_of_finding(&mut world, &ids);
    assert_eq!(cost.list, 1 + 2 + 7, "the refused one is answered by another than the simulator");
}

#[test]
fn once_late_entries_were_long_calls_these_are_read_before_the_count() {
    let (mut world, ids) = late(MINUTE * 6);
    cost_of_finding(&mut world, &ids);
    // The same once more, in the ten minutes after the next.
    world.pass_time(MINUTE * 5 - SECOND * 30);
    world.add_many(200, MINUTE * 4, SECOND * 40);
    world.forward();
    let fields = json!({ "duration": 300_000 });
    let id = world.add_at("main", time::floor_ms(world.now() - MINUTE * 2), world.now(), fields);
    world.pass_time(MINUTE * 20);
    world.add(MINUTE);
    let cost = world.cost(Work::Forward);
    // The page for what is new, the count of the ten minutes between, and these two.
    assert_eq!((world.copies(&id), cost.list), (1, 1 + 1 + 2), "{cost:?}");
    world.assert_once();
}

#[test]
fn how_late_entries_are_seen_is_remembered_and_says_nothing_of_a_poller_that_slept() {
    let mut world = World::new();
    world.add_many(500, MINUTE * 10, SECOND * 30);
    // A first pass, which begins ten minutes back.
    world.forward();
    for _ in 0..20 {
        world.add_many(10, SECOND * 20, SECOND * 10);
        world.pass_time(MINUTE);
        world.forward();
    }
    world.add_late(MINUTE * 15);
    world.pass_time(SECOND);
    world.add_many(100, SECOND / 2, TimeDelta::zero());
    // It sleeps for an hour.
    world.pass_time(MINUTE * 60);
    world.forward();
    let forward = state::Forward::from_json("forward", &world.stored("forward").to_string(), &[]).unwrap();
    let quantile = |share| forward.by_id["main"].lateness.quantile(share).unwrap().num_seconds();
    // 70 and 80 seconds, each rounded up to the end of its bucket of 8,192 ms.
    assert_eq!((quantile(0.0), quantile(0.99)), (73, 81));
}

#[test]
fn a_long_call_that_was_just_delivered_does_not_count_twice() {
    let mut world = World::new();
    world.config.source.per_page = 2;
    world.forward();
    let (now, visible_at) = (world.now(), world.now() + MINUTE * 60);
    let short = world.add_at("main", now + SECOND, visible_at, json!({}));
    for n in 2..5 {
        world.add_at("main", now + SECOND * n, now, json!({}));
    }
    world.add_at("main", now + MINUTE, visible_at, json!({ "duration": 3_540_000 }));
    world.pass_time(MINUTE * 2);
    world.forward();
    world.pass_time(MINUTE * 120);
    // Forward itself comes to the long call, whose id does not show yet when its ten minutes are counted.
    world.ids.staleness.set(std::time::Duration::from_mins(1));
    world.forward();
    assert!(world.copies(&short) > 0);
}

#[test]
fn a_long_call_that_does_not_say_so_stands_for_no_other() {
    for (field, value) in [("id", json!(42)), ("duration", json!("an hour"))] {
        let mut world = World::new();
        world.config.source.per_page = 2;
        world.forward();
        let now = world.now();
        let late = world.add_at("main", now + SECOND, now + MINUTE * 60, json!({}));
        // The source knows how long it took; here it cannot be read.
        let odd = world.add_at("main", now + SECOND * 2, now, json!({ "duration": 3_540_000 }));
        let mut shown = world.entry("main", &odd);
        shown[field] = value;
        world.show_as("main", &odd, shown.to_string().into_bytes(), field == "id");
        world.add_at("main", now + SECOND * 3, now, json!({}));
        world.add_at("main", now + SECOND * 4, now, json!({}));
        world.pass_time(MINUTE * 10);
        world.forward();
        for _ in 0..3 {
            world.pass_time(MINUTE * 60);
            world.forward();
        }
        assert_eq!(world.copies(&late), 1, "{field}");
    }
}
