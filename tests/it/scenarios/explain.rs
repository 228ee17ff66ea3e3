//! What became of one log is told truthfully.

use aig_logs::{
    pass::audit::{explain::Fate, prove::Question},
    plan::slots::Verdict,
    time,
};
use chrono::TimeDelta;
use serde_json::json;

use super::verify::minutes;
use crate::world::{DAY, HOUR, MINUTE, SECOND, World};

#[test]
fn a_delivered_log_is_told_with_its_segment_slot_and_hour() {
    let mut world = World::new();
    let id = world.add(MINUTE * 5);
    minutes(&mut world, 75);
    let life = world.explain(&id);
    assert_eq!((life.fate, life.at_source), (Fate::Delivered, true));
    let [(key, at)] = &life.segments[..] else { panic!("{life:?}") };
    let written = time::parse("2026-11-02T12:01:00Z").unwrap();
    assert!(key.starts_with("ids:main:2026-11-02T11:55:00") && at.unwrap() - written < SECOND, "{life:?}");
    assert_eq!(
        life.slot.map(|(start, slot)| (time::text(start)[11..16].to_owned(), slot.delivered)),
        Some(("11:50".into(), 1))
    );
    assert_eq!(life.hour.map(|hour| (hour.delivered, hour.verdict)), Some((1, Verdict::Proven)));

    // Without the source nobody knows when it was, and all segments are searched.
    world.simulator.get_mut().gateway_mut("main").unwrap().delete(&id);
    let gone = world.explain(&id);
    assert_eq!((gone.fate, gone.at_source, gone.created_at), (Fate::Delivered, false, None));
    assert_eq!(gone.segments, life.segments);
    // A part of an id is another one.
    assert_eq!(world.explain(&id[1..]).fate, Fate::Nowhere);
}

#[test]
fn what_is_still_to_come_is_told_with_the_instant() {
    let mut world = World::new();
    world.add(MINUTE);
    minutes(&mut world, 61);
    let (now, settle) = (world.now(), world.config.settle);
    let young = world.add(SECOND * 10);
    assert_eq!(world.explain(&young).fate, Fate::Settling(time::floor_ms(now - SECOND * 10) + settle));
    let next = world.add(MINUTE);
    assert_eq!(world.explain(&next).fate, Fate::Next);
    minutes(&mut world, 1);

    // What has no entries is counted by the hour, and what has some by ten minutes.
    let late = world.add(MINUTE * 32);
    let at = |text| time::parse(text).unwrap();
    assert_eq!(world.explain(&late).fate, Fate::Counted(at("2026-11-02T13:10:00Z")));
    minutes(&mut world, 9);
    assert_eq!(world.explain(&late).fate, Fate::Delivered);
    let later = world.add(MINUTE * 35);
    assert_eq!(world.explain(&later).fate, Fate::Counted(at("2026-11-02T13:50:00Z")));
}

#[test]
fn history_waits_for_the_backfill_and_for_its_one_count() {
    let mut world = World::new();
    let ids = world.add_many(200, DAY * 3, HOUR);
    minutes(&mut world, 1);
    world.config.backfill_pages = Some(1);
    world.backfill();
    let Fate::Backfill(down_to) = world.explain(&ids[0]).fate else { panic!("{:?}", world.explain(&ids[0])) };
    assert!(down_to < world.now() - HOUR && down_to > world.now() - DAY * 3);
    assert_eq!(world.explain(&ids[199]).fate, Fate::Delivered);
    world.config.backfill_pages = None;
    assert!(world.backfill().is_complete());
    let late = world.add(HOUR * 2);
    let start = aig_logs::state::Forward::from_json("forward", &world.stored("forward").to_string(), &[]).unwrap();
    let counted = start.by_id["main"].start.unwrap() + MINUTE * (24 * 60 + 10);
    assert_eq!(world.explain(&late).fate, Fate::Counted(counted));

    let stop = time::floor_ms(world.now() - DAY);
    world.state.set("backfill_stop_at", &time::text(stop));
    world.state.remove("oldest");
    assert!(world.backfill().is_complete());
    let excluded = world.add(DAY * 4);
    let assert_excluded = |world: &World, stop| assert_eq!(world.explain(&excluded).fate, Fate::Excluded(stop));
    assert_excluded(&world, stop);
    // An operator lets the history end later. No backfill goes on down to the log.
    let later = stop + HOUR * 2;
    world.state.set("backfill_stop_at", &time::text(later));
    assert_excluded(&world, later);
    // Or earlier, but not early enough. The backfill goes on, and ends above the log.
    let earlier = stop - HOUR * 2;
    world.state.set("backfill_stop_at", &time::text(earlier));
    assert_excluded(&world, earlier);
    world.state.remove("backfill_stop_at");
    assert!(matches!(world.explain(&excluded).fate, Fate::Backfill(_)));
}

#[test]
fn what_forward_owns_is_no_history_wherever_an_operator_has_it_end() {
    let mut world = World::new();
    world.add(MINUTE * 5);
    minutes(&mut world, 40);
    world.add(MINUTE);
    minutes(&mut world, 2);
    // As docs/workers-free.md says, where the history was copied from elsewhere.
    world.state.set("backfill_stop_at", &time::text(world.now()));
    assert!(world.backfill().is_complete());
    let late = world.add(MINUTE * 30);
    assert!(matches!(world.explain(&late).fate, Fate::Counted(_)), "{:?}", world.explain(&late));
    let proof = world.prove(&Question { from: None, until: None, repair: false });
    assert!(proof.units.iter().any(|unit| unit.missing == 1), "{proof:?}");
}

#[test]
fn what_no_pass_will_bring_is_missing_or_forgotten_or_nowhere() {
    let mut world = World::new();
    world.add(MINUTE);
    minutes(&mut world, 1);
    assert!(world.backfill().is_complete());
    let then = world.now();
    for _ in 0..26 * 6 {
        world.pass_time(MINUTE * 10);
        world.add(MINUTE);
        assert!(world.forward().is_complete());
    }
    let missing = world.add_at("main", then + MINUTE * 30, then, json!({}));
    assert_eq!(world.explain(&missing).fate, Fate::Missing);
    assert_eq!(world.explain("never").fate, Fate::Nowhere);
    world.pass_time(DAY * 50);
    assert_eq!(world.explain(&missing).fate, Fate::Forgotten);
}

#[test]
fn a_dead_letter_is_told_with_its_reason() {
    let mut world = World::new();
    let ids = world.add_many(3, MINUTE * 9, MINUTE);
    world.simulator.get_mut().faults_mut().poison(&ids[1]);
    assert!(world.forward().is_complete());
    let life = world.explain(&ids[1]);
    assert_eq!((life.fate, life.segments.len()), (Fate::Dead, 1));
    let (key, reason) = life.dead.unwrap();
    assert!(key.starts_with("dead:main:") && !reason.is_empty());
    // Its own row says when it was, even if the source does not show it.
    world.simulator.get_mut().gateway_mut("main").unwrap().delete(&ids[1]);
    assert!(world.explain(&ids[1]).created_at.is_some_and(|at| world.now() - at < TimeDelta::minutes(9)));
    assert_eq!(world.explain(&ids[0]).fate, Fate::Delivered);
}

#[test]
fn an_id_of_two_lines_is_one_log_in_what_is_remembered() {
    let mut world = World::new();
    let id = "first\nsecond\r";
    world.add_with(MINUTE * 5, json!({ "id": id }));
    world.forward();
    let written = |id: &str| world.explain(id).segments.len();
    assert_eq!([id, "first", "second"].map(written), [1, 0, 0]);
}
