//! What a pass costs, in numbers. Every pass of every test also compares its report with what the world has counted.

use aig_logs::simulator::options::SimulatorOptions;
use chrono::TimeDelta;
use serde_json::json;

use crate::world::{Counts, DAY, MINUTE, SECOND, Work, World};

#[test]
fn a_quiet_gateway_writes_nothing() {
    let mut world = World::new();
    world.add(MINUTE);
    world.forward();
    for _ in 0..3 {
        world.pass_time(MINUTE);
        let idle = Counts { sends: 1, list: 1, state_reads: 1, ..Counts::default() };
        assert_eq!(world.cost(Work::Forward), idle);
    }
}

#[test]
fn a_thousand_new_entries_cost_21_pages_two_inserts_and_two_writes() {
    let mut world = World::new();
    world.forward();
    world.pass_time(MINUTE * 8);
    world.add_many(1_000, MINUTE * 8, MINUTE);
    let cost = world.cost(Work::Forward);
    // 21 pages of 49 new entries, and two batches of 500 rows.
    let expected = Counts {
        sends: 21 + 1 + 2,
        list: 21,
        token: 1,
        insert: 2,
        state_reads: 1,
        state_writes: 1,
        ids_writes: 1,
        ..Counts::default()
    };
    assert_eq!(cost, expected);
    world.assert_once();
}

/// The rows of all gateways share batches, their ids a key, and their cursors another.
#[test]
fn sixty_gateways_with_twenty_new_entries_each_take_four_inserts_and_three_operations() {
    let gateways: Vec<String> = (0..60).map(|n| format!("gateway-{n}")).collect();
    let mut world = World::with(SimulatorOptions { gateways: gateways.clone(), ..SimulatorOptions::default() });
    world.forward();
    world.pass_time(MINUTE * 2);
    for gateway in &gateways {
        (0..20).for_each(|n| _ = world.add_to(gateway, MINUTE + SECOND * n, json!({})));
    }
    let cost = world.cost(Work::Forward);
    // Fifteen pages of twenty rows make a batch.
    let expected = Counts {
        sends: 60 + 1 + 4,
        list: 60,
        token: 1,
        insert: 4,
        state_reads: 1,
        state_writes: 1,
        ids_writes: 1,
        ..Counts::default()
    };
    assert_eq!(cost, expected);
    world.assert_once();
    world.pass_time(TimeDelta::minutes(1));
    assert_eq!(world.cost(Work::Forward).insert, 0);
}

#[test]
fn the_first_run_reads_twice_and_writes_both_cursors() {
    let mut world = World::new();
    world.add(MINUTE);
    let cost = world.cost(Work::Forward);
    let expected = Counts {
        sends: 1 + 1 + 1,
        list: 1,
        token: 1,
        insert: 1,
        state_reads: 2,
        state_writes: 2,
        ids_writes: 1,
        ..Counts::default()
    };
    assert_eq!(cost, expected);
}

#[test]
fn a_token_is_used_until_shortly_before_it_expires() {
    let mut world = World::new();
    let mut tokens = 0;
    for _ in 0..54 {
        world.add(MINUTE);
        tokens += world.cost(Work::Forward).token;
        world.pass_time(MINUTE);
    }
    assert_eq!(tokens, 1);
    for _ in 0..4 {
        world.add(MINUTE);
        tokens += world.cost(Work::Forward).token;
        world.pass_time(MINUTE);
    }
    assert_eq!((tokens, world.counts().refused), (2, 0));
    world.assert_once();
}

#[test]
fn a_history_costs_at_most_22_calls_for_a_thousand_with_all_counts() {
    for days in [1, 300] {
        let mut world = World::new();
        world.forward();
        world.add_many(10_000, DAY * (days + 2), DAY * 2);
        let before = world.counts();
        // The second pass counts what the first one has copied.
        for _ in 0..3 {
            assert!(world.backfill().is_complete());
        }
        let cost = world.counts() - before;
        assert!(cost.list <= 10 * 22, "{} calls, over {days} days", cost.list);
        let operations = cost.state_reads + cost.state_writes + cost.ids_reads + cost.ids_writes;
        assert!(operations <= 40, "{operations} operations, over {days} days");
        world.assert_once();
    }
}

#[test]
fn five_pages_are_under_way_at_once_and_never_more_than_six_calls() {
    let mut world = World::new();
    world.overlapping = true;
    world.forward();
    world.add_many(3_000, DAY * 3, DAY);
    let cost = world.cost(Work::Backfill);
    // As many calls as one after the other, although the answers come in another order.
    assert_eq!((cost.list, cost.insert), (64, 6));
    // A Worker may have six connections.
    assert!((5..=6).contains(&world.most_under_way.get()), "{}", world.most_under_way.get());
    world.assert_once();
}
