//! The backfill: from where forward began down to the first entry, and then never again.

use aig_logs::{
    plan::budget::Ended,
    simulator::{
        faults::{Endpoint, Fault, When},
        options::SimulatorOptions,
    },
    state::{Backfill, Oldest},
    time,
    wire::Response,
};
use chrono::TimeDelta;

use crate::world::{DAY, HOUR, MINUTE, SECOND, Table, Work, World};

/// A gateway with `entries` in 30 days of history.
fn old(entries: usize) -> World {
    World::with(SimulatorOptions { entries, ..SimulatorOptions::default() })
}

#[test]
fn history_is_written_once_whatever_the_sink() {
    for table in [Table::BigQuery, Table::sqlite(), Table::ndjson()] {
        let mut world = old(300);
        world.table = table;
        world.forward();
        assert!(world.backfill().is_complete());
        world.assert_once();
        assert_eq!(world.rows().len(), 300);
    }
}

#[test]
fn at_the_first_entry_a_backfill_is_done_for_good() {
    let mut world = old(120);
    world.forward();
    world.backfill();
    for _ in 0..3 {
        world.pass_time(HOUR);
        let cost = world.cost(Work::Backfill);
        assert_eq!((cost.sends, cost.state_reads, cost.writes()), (0, 1, 0));
    }
    assert!(world.stored("oldest")["done"].is_object());
}

#[test]
fn a_gateway_without_history_is_done_at_once() {
    let mut world = World::new();
    world.forward();
    assert_eq!(world.cost(Work::Backfill).list, 1);
    assert_eq!(world.cost(Work::Backfill).list, 0);
}

#[test]
fn before_the_first_forward_pass_there_is_nothing_to_fill() {
    let mut world = old(50);
    assert_eq!(world.cost(Work::Backfill).writes(), 0);
    world.forward();
    world.backfill();
    world.assert_once();
}

#[test]
fn a_stop_is_kept_and_lowering_or_removing_it_lets_the_backfill_go_on() {
    let mut world = World::new();
    let ids = world.add_many(6, DAY * 6, TimeDelta::zero());
    let stop_at = |world: &World, ago| {
        world.state.set("backfill_stop_at", &time::text(world.now() - ago));
    };
    let written = |world: &World| world.copies_of(&ids);
    world.forward();
    // The entry of just that instant belongs to what is asked for.
    stop_at(&world, DAY * 4);
    let first = world.add(DAY * 4);
    world.backfill();
    assert_eq!((written(&world), world.copies(&first)), (vec![0, 0, 0, 1, 1, 1], 1));
    assert_eq!(world.cost(Work::Backfill).list, 0);
    stop_at(&world, DAY * 4 + HOUR * 12);
    world.backfill();
    assert_eq!(written(&world), [0, 0, 1, 1, 1, 1]);
    world.state.remove("backfill_stop_at");
    world.backfill();
    assert_eq!(written(&world), [1; 6]);
    assert_eq!(world.cost(Work::Backfill).list, 0);
    stop_at(&world, DAY * 9);
    assert_eq!(world.cost(Work::Backfill).list, 0);
    world.assert_once();
}

#[test]
fn while_forward_runs_the_border_has_no_gap_and_no_overlap() {
    let mut world =
        World::with(SimulatorOptions { entries: 400, live_per_minute: 30.0, ..SimulatorOptions::default() });
    world.config.backfill_pages = Some(2);
    for ago in [-1, 0, 1] {
        (0..60).for_each(|_| _ = world.add(MINUTE * 10 + TimeDelta::milliseconds(ago)));
    }
    for _ in 0..15 {
        world.forward();
        world.backfill();
        world.pass_time(MINUTE);
    }
    assert!(world.stored("oldest")["done"].is_object());
    world.assert_once();
}

#[test]
fn a_border_that_two_passes_at_once_have_lost_is_found_in_forward() {
    let mut world = old(120);
    world.forward();
    world.state.remove("oldest");
    assert!(world.backfill().is_complete());
    world.assert_once();
    assert_eq!(world.cost(Work::Backfill).list, 0);
}

#[test]
fn a_border_below_where_forward_began_leaves_no_gap() {
    let mut world = old(120);
    world.forward();
    let start = world.now() - MINUTE * 10;
    // Another first run, minutes earlier and overlapping, saved its border last.
    world.state.set(
        "oldest",
        &Oldest { by_id: [("main".into(), Backfill::before(start - MINUTE * 5))].into() }.to_json("main").unwrap(),
    );
    world.add(MINUTE * 13);
    assert!(world.backfill().is_complete());
    world.assert_once();
}

#[test]
fn an_empty_page_that_counts_entries_ends_no_history() {
    let mut world = old(120);
    world.forward();
    let body = r#"{"success":true,"result":[],"result_info":{"total_count":120}}"#;
    world.instead = Some(Box::new(move |request| {
        request.uri().path().ends_with("/logs").then(|| Response::new(body.as_bytes().to_vec()))
    }));
    let report = world.backfill();
    assert_eq!((report.gateways[0].ended, report.worst().is_none()), (Ended::Doubtful, true));
    world.instead = None;
    assert!(world.backfill().is_complete());
    world.assert_once();
}

#[test]
fn any_number_of_entries_in_one_millisecond_is_filled_in_once() {
    for ties in [49, 50, 51, 100, 120] {
        for without_total_count in [false, true] {
            let mut world = World::new();
            world.simulator.get_mut().quirks_mut().without_total_count = without_total_count;
            world.forward();
            world.add_many(30, DAY * 9, DAY * 8);
            (0..ties).for_each(|_| _ = world.add(DAY * 3));
            world.add_many(30, DAY * 2, DAY);
            assert!(world.backfill().is_complete());
            world.assert_once();
        }
    }
}

#[test]
fn entries_deleted_during_a_backfill_hide_no_others() {
    for call in 1..5 {
        let mut world = World::new();
        world.forward();
        let ids = world.add_many(200, DAY * 9, DAY);
        let some = ids.into_iter().step_by(3).collect();
        world.fault(Endpoint::List, When::Nth(call), Fault::Delete(some));
        assert!(world.backfill().is_complete());
        world.assert_once();
    }
}

#[test]
fn an_explicit_range_is_copied_and_leaves_both_cursors_alone() {
    let mut world = World::new();
    world.forward();
    let cursors = ["forward", "oldest"].map(|key| world.state.value(key));
    let ids = world.add_many(240, SECOND * 240 + HOUR, HOUR);
    let [from, to] = [180, 60].map(|seconds| world.now() - HOUR - SECOND * seconds);
    let report = world.attempt(Work::Range(from, to)).unwrap();
    assert_eq!(report.sum(|gateway| gateway.rows), 120);
    assert_eq!(world.copies_of(&ids), [[0; 60], [1; 60], [1; 60], [0; 60]].concat());
    assert_eq!(["forward", "oldest"].map(|key| world.state.value(key)), cursors);
    assert_eq!(world.ids.keys().len(), 1);
}

#[test]
fn an_unreadable_stop_is_reported_and_nothing_is_read() {
    let mut world = old(50);
    world.forward();
    world.state.set("backfill_stop_at", "last spring");
    let before = world.counts();
    let report = world.backfill();
    assert_eq!(world.counts().list, before.list);
    let error = report.worst().unwrap();
    assert!(!error.is_transient() && error.chain().contains("backfill_stop_at"), "{}", error.chain());
}
