//! A clock that is wrong, or that nobody confirms, and cursors that such a clock has left behind.

use std::{collections::BTreeMap, time::Duration};

use aig_logs::{pass::Report, time};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::world::{DAY, HOUR, MINUTE, Map, SECOND, Table, Work, World};

/// A gateway whose entries are copied, but for one that is a dead letter, with a state in a file.
fn copied() -> World {
    let mut world = World::new();
    (world.state.is_a_file, world.ids.is_a_file) = (true.into(), true.into());
    world.add_many(20, DAY * 3, DAY * 2);
    let poisoned = world.add_many(10, MINUTE * 9, MINUTE)[3].clone();
    world.simulator.get_mut().faults_mut().poison(&poisoned);
    assert!(world.forward().is_complete() && world.backfill().is_complete());
    assert_eq!(world.dead_letters().len(), 1);
    world
}

/// All values, by key, but for the status.
fn values(world: &World) -> BTreeMap<String, String> {
    let of = |map: &Map| map.keys().into_iter().map(|key| (key.clone(), map.value(&key).unwrap())).collect::<Vec<_>>();
    [&world.state, &world.ids].into_iter().flat_map(of).filter(|(key, _)| key != "status").collect()
}

/// Whether a person is told to act, in these words.
fn assert_told(report: &Report, words: &[&str]) {
    let error = report.worst().expect("an error");
    assert!(!error.is_transient(), "{}", error.chain());
    for word in words {
        assert!(error.chain().contains(word), "{word} is not in: {}", error.chain());
    }
}

#[test]
fn a_wrong_clock_is_an_error_that_saves_deletes_and_hides_nothing() {
    for (off, words) in [
        (-MINUTE * 10 - SECOND * 2, "10 minutes behind"),
        (-DAY - SECOND * 2, "1440 minutes behind"),
        (-DAY * 20_000, "behind"),
        (MINUTE * 6, "6 minutes ahead"),
        (DAY * 50, "72000 minutes ahead"),
        (DAY * 365 * 100, "ahead"),
    ] {
        let mut world = copied();
        let ids = world.add_many(100, MINUTE / 2, SECOND);
        world.pass_time(SECOND);
        world.config.record_runs = true;
        let (before, rows) = (values(&world), world.rows());
        world.clock = off;
        for _ in 0..2 {
            assert_told(&world.forward(), &[words, "Set it"]);
        }
        let backfill = world.backfill();
        assert!(backfill.worst().is_none_or(|error| error.chain().contains(words)), "{}", backfill.to_json());
        assert!(world.state.value("status").is_some_and(|status| status.contains(words)));
        world.clock = TimeDelta::zero();
        assert_eq!((values(&world), world.rows()), (before, rows), "{words}");
        world.pass_time(MINUTE);
        assert!(world.forward().is_complete());
        assert_eq!(world.copies_of(&ids), [1; 100]);
        world.assert_once();
    }
}

#[test]
fn a_wrong_clock_counts_no_history() {
    for off in [DAY * 50, DAY * 3] {
        let mut world = copied();
        world.add_many(5, DAY * 3, DAY * 2);
        let before = values(&world);
        world.clock = off;
        assert_told(&world.backfill(), &["ahead of Cloudflare's"]);
        assert_eq!(values(&world), before);
    }
}

#[test]
fn without_a_date_rows_are_copied_and_nothing_expires() {
    let mut world = copied();
    let before = values(&world);
    // Google would refuse to sign in somebody of another time.
    world.table = Table::sqlite();
    world.undated = true;
    world.clock = DAY * 50;
    let ids = world.add_many(10, MINUTE / 2, SECOND);
    world.pass_time(SECOND);
    assert!(world.forward().is_complete());
    assert_eq!(world.copies_of(&ids), [1; 10]);
    let after = values(&world);
    let kept = |key: &&String| key.starts_with("dead:") || key.starts_with("ids:");
    assert!(before.keys().filter(kept).all(|key| after.contains_key(key)), "{after:?}");
}

#[test]
fn what_is_over_goes_at_the_end_of_a_pass_whose_clock_was_confirmed() {
    let mut world = copied();
    world.pass_time(DAY * 44);
    assert!(world.forward().is_complete());
    assert_eq!(world.dead_letters().len(), 1);
    world.pass_time(DAY * 2);
    assert!(world.backfill().is_complete());
    assert!(world.forward().is_complete());
    assert_eq!(world.dead_letters().len(), 0);
    assert_eq!(world.ids.keys(), Vec::<String>::new());
}

/// Changes the cursor of one gateway in a stored value.
fn move_to(world: &World, key: &str, ts: &str) {
    let mut value = world.stored(key);
    value["ts"] = ts.into();
    value["at"] = Value::Array(Vec::new());
    value["id"] = "".into();
    world.state.set(key, &value.to_string());
}

#[test]
fn a_cursor_of_the_future_is_an_error_that_says_how_to_set_it_right() {
    for undated in [false, true] {
        for (key, work) in [("forward", Work::Forward), ("oldest", Work::Backfill)] {
            let mut world = copied();
            world.undated = undated;
            move_to(&world, key, "2099-01-01T00:00:00.000Z");
            world.add_many(10, MINUTE / 2, SECOND);
            world.pass_time(SECOND);
            let (before, rows) = (values(&world), world.rows());
            let report = world.attempt(work).unwrap();
            assert_told(&report, &[&format!("key {key}"), "gateway main", "2099-01-01T00:00:00.000Z", "delete"]);
            assert_eq!((values(&world), world.rows()), (before, rows));
            // As it says.
            let now = time::text(world.now() - MINUTE * 10);
            if key == "forward" {
                move_to(&world, key, &now);
            } else {
                world.state.remove(key);
            }
            assert!(world.forward().is_complete() && world.backfill().is_complete());
            world.assert_complete();
        }
    }
}

#[test]
fn a_cursor_of_the_future_keeps_no_other_gateway_from_being_read() {
    let mut world = World::of(&["main", "other"]);
    world.forward();
    move_to(&world, "forward", "2099-01-01T00:00:00.000Z");
    let id = world.add_to("other", MINUTE, json!({}));
    assert_told(&world.forward(), &["gateway main"]);
    assert_eq!(world.copies(&id), 1);
}

#[test]
fn a_cursor_that_settling_has_overtaken_is_no_error_and_costs_one_call() {
    let mut world = World::new();
    world.config.settle = Duration::ZERO;
    world.add(SECOND);
    world.forward();
    for settle in [120, 3_600] {
        world.config.settle = Duration::from_secs(settle);
        world.pass_time(MINUTE);
        let cost = world.cost(Work::Forward);
        assert_eq!((cost.list, cost.state_reads, cost.writes()), (1, 1, 0), "{settle}");
    }
    world.pass_time(HOUR);
    world.forward();
    world.assert_once();
}

#[test]
fn an_entry_of_another_age_of_the_world_reaches_no_cursor() {
    for strange in ["1969-12-31T23:59:59.999Z", "2200-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"] {
        assert_eq!(time::parse(strange), None, "{strange}");
        let mut world = copied();
        let before = world.stored("forward")["ts"].clone();
        for key in ["forward", "oldest"] {
            move_to(&world, key, strange);
        }
        assert_told(&world.forward(), &["forward", strange]);
        assert_told(&world.backfill(), &["oldest", strange]);
        assert_ne!(before, json!(strange));
    }
}
