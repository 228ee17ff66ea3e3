//! Any stretch is proven on demand, and repaired if somebody asks for it.

use aig_logs::{
    pass::audit::prove::{Cut, Proof, Question},
    plan::slots::Verdict,
    simulator::options::{Quirks, SimulatorOptions},
    time::{self, Timestamp},
};
use chrono::TimeDelta;
use serde_json::json;

use super::verify::minutes;
use crate::world::{DAY, HOUR, MINUTE, World};

const LAST_DAY: Question = Question { from: None, until: None, repair: false };
const REPAIR: Question = Question { repair: true, ..LAST_DAY };

/// Each unit's start, as day and time, with its source, what was delivered, what is missing, and the verdict.
fn told(proof: &Proof) -> Vec<(String, [u64; 3], Verdict)> {
    assert!(proof.errors.is_empty() && !proof.stopped, "{proof:?}");
    let unit = |unit: &aig_logs::pass::audit::prove::Proven| {
        let numbers = [unit.source, unit.delivered, unit.missing];
        (time::text(unit.from)[8..16].to_owned(), numbers, unit.verdict)
    };
    proof.units.iter().map(unit).collect()
}

fn unit(from: &str, numbers: [u64; 3], verdict: Verdict) -> (String, [u64; 3], Verdict) {
    (from.to_owned(), numbers, verdict)
}

/// Verdicts, each with whether entries are missing.
fn verdicts(proof: &Proof) -> Vec<(Verdict, bool)> {
    told(proof).into_iter().map(|(_, [.., missing], verdict)| (verdict, missing > 0)).collect()
}

const FORGOTTEN: (Verdict, bool) = (Verdict::Unprovable, true);

/// Everything that an operator could see changed.
fn remembered(world: &World) -> (Vec<Option<String>>, Vec<String>, usize) {
    let values = world.state.keys().iter().map(|key| world.state.value(key)).collect();
    (values, world.ids.keys(), world.table.rows(world).len())
}

/// Two hours with an entry a minute, from 12:00 to 14:00, and the history finished.
fn two_hours() -> World {
    let mut world = World::new();
    world.add(MINUTE * 5);
    minutes(&mut world, 1);
    assert!(world.backfill().is_complete());
    for _ in 0..120 {
        world.add(TimeDelta::seconds(40));
        minutes(&mut world, 1);
    }
    world
}

#[test]
fn what_the_state_knows_is_proven_with_one_call_an_hour_and_nothing_is_written() {
    let world = two_hours();
    let (before, counts) = (remembered(&world), world.counts());
    let proof = world.prove(&LAST_DAY);
    // The clock starts at noon, and the first pass goes ten minutes back.
    let last = told(&proof).into_iter().filter(|(_, [source, ..], _)| *source > 0).collect::<Vec<_>>();
    let expected = [
        unit("02T11:00", [1, 1, 0], Verdict::Proven),
        unit("02T12:00", [60, 60, 0], Verdict::Proven),
        unit("02T13:00", [60, 60, 0], Verdict::Proven),
    ];
    assert_eq!(last, expected);
    let counts = world.counts() - counts;
    // One for all of the time before the first entry. And the hour in which forward began is partly the backfill's: it is
    // read, on one page.
    assert_eq!(counts.list as usize, proof.units.len() + 2, "{counts:?}");
    assert_eq!((counts.insert, counts.writes()), (0, 0));
    assert_eq!(remembered(&world), before);
}

#[test]
fn what_is_missing_is_short_until_it_is_repaired_and_forward_finds_its_peace() {
    let mut world = two_hours();
    let lost: Vec<_> = (0..70).map(|n| world.add(MINUTE * 70 + TimeDelta::seconds(n))).collect();
    let before = remembered(&world);
    let short = unit("02T12:00", [130, 60, 70], Verdict::Short);
    assert!(told(&world.prove(&LAST_DAY)).contains(&short));
    assert_eq!(remembered(&world), before);

    let cursors = |world: &World| ["forward", "oldest"].map(|key| world.state.value(key));
    let before = cursors(&world);
    let repaired = unit("02T12:00", [130, 130, 70], Verdict::Proven);
    assert!(told(&world.prove(&REPAIR)).contains(&repaired));
    assert_eq!(cursors(&world), before);
    assert!(lost.iter().all(|id| world.copies(id) == 1));
    let proven = unit("02T12:00", [130, 130, 0], Verdict::Proven);
    assert!(told(&world.prove(&REPAIR)).contains(&proven));
    minutes(&mut world, 120);
    world.assert_once();
}

#[test]
fn deleted_entries_are_over_and_a_source_without_honest_counts_is_unprovable() {
    let mut world = two_hours();
    let ids: Vec<_> = world.rows().into_keys().collect();
    for (_, id) in &ids[..30] {
        world.simulator.get_mut().gateway_mut("main").unwrap().delete(id);
    }
    let over: u64 = told(&world.prove(&LAST_DAY))
        .iter()
        .filter(|(_, _, verdict)| *verdict == Verdict::Over)
        .map(|(_, [source, delivered, _], _)| delivered - source)
        .sum();
    assert!((29..=30).contains(&over), "the first hour's own count is not known: {over}");

    let quirks = Quirks { without_total_count: true, ..Quirks::default() };
    let mut world = World::with(SimulatorOptions { quirks, ..SimulatorOptions::default() });
    world.add_many(60, MINUTE * 9, MINUTE);
    minutes(&mut world, 2);
    assert_eq!(told(&world.prove(&LAST_DAY)).last().unwrap().2, Verdict::Unprovable);
    let late = world.add(MINUTE * 5);
    assert_eq!(told(&world.prove(&LAST_DAY)).iter().filter(|unit| unit.2 == Verdict::Short).count(), 1);
    assert!(told(&world.prove(&REPAIR)).iter().any(|unit| unit.2 == Verdict::Proven && unit.1[2] > 0));
    assert_eq!(world.copies(&late), 1);
}

#[test]
fn history_is_proven_by_the_day_as_soon_as_it_is_delivered() {
    let mut world = World::new();
    for day in 1..=20 {
        world.add_many(3, DAY * day, DAY * day - HOUR);
    }
    minutes(&mut world, 1);
    assert!(world.backfill().is_complete());
    let question = Question { from: Some(world.now() - DAY * 30), until: None, repair: false };
    let before = world.counts();
    let proof = world.prove(&question);
    assert!(
        told(&proof)
            .iter()
            .all(|(_, [source, delivered, _], verdict)| { *verdict == Verdict::Proven && source == delivered })
    );
    assert_eq!(proof.units.iter().map(|unit| unit.source).sum::<u64>(), 20 * 3);
    // All whole days are known, whether they are counted yet or not. One call more for all of the time before the first
    // entry.
    let counts = world.counts() - before;
    assert_eq!(counts.list as usize, proof.units.len() + 1, "{counts:?}");
    // What lies before the first entry is one call, if it is empty.
    assert!(proof.units[0].from > world.now() - DAY * 22 && matches!(proof.cuts[..], [(_, Cut::Empty(_))]));
    world.add(DAY * 12);
    assert_eq!(told(&world.prove(&question)).iter().filter(|unit| unit.2 == Verdict::Short).count(), 1);
}

#[test]
fn what_nobody_claims_to_have_delivered_is_left_out_and_told() {
    let mut world = World::of(&["main", "new"]);
    world.add_many(200, DAY * 2, DAY);
    world.config.source.gateways = aig_logs::config::Gateways::Named(vec!["main".into()]);
    minutes(&mut world, 1);
    world.config.source.gateways = aig_logs::config::Gateways::All;
    world.config.backfill_pages = Some(1);
    world.backfill();
    let now = world.now();
    let proof = world.prove(&Question { from: Some(now - DAY * 4), until: Some(now + DAY), repair: true });
    let [(_, Cut::Before(from)), (_, Cut::After(until)), (new, Cut::NotBegun)] = &proof.cuts[..] else {
        panic!("{:?}", proof.cuts)
    };
    assert!(now - DAY * 2 < *from && *from < now - DAY && *until <= now && new == "new", "{:?}", proof.cuts);
    assert!(told(&proof).iter().all(|unit| unit.2 == Verdict::Proven), "{proof:?}");
}

#[test]
fn where_ids_may_be_gone_nothing_is_called_short_or_written() {
    let mut world = two_hours();
    let then = world.now();
    world.pass_time(DAY * 50);
    world.add_at("main", then - HOUR, then, json!({}));
    let question = Question { from: Some(then - HOUR * 3), until: Some(then), repair: true };
    let before = remembered(&world);
    let verdicts = verdicts(&world.prove(&question));
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == FORGOTTEN).count(), 2, "{verdicts:?}");
    assert!(!verdicts.iter().any(|(verdict, _)| *verdict == Verdict::Short) && remembered(&world) == before);
    // What the ledger has needs no ids.
    assert!(verdicts.contains(&(Verdict::Proven, false)));
}

#[test]
fn what_another_program_delivered_is_not_called_short() {
    let mut world = World::new();
    world.add_many(300, HOUR * 5, TimeDelta::zero());
    let taken_over = json!({ "ts": time::text(world.now() - MINUTE * 95), "id": "a" });
    world.state.set("forward", &taken_over.to_string());
    world.state.set("oldest", "2026-01-01T00:00:00Z");
    minutes(&mut world, 75);
    let verdicts = verdicts(&world.prove(&REPAIR));
    assert!(verdicts.contains(&FORGOTTEN) && verdicts.contains(&(Verdict::Proven, false)), "{verdicts:?}");
    let is_wrong =
        |(verdict, missing): &(Verdict, bool)| *verdict == Verdict::Short || *verdict == Verdict::Proven && *missing;
    assert!(!verdicts.iter().any(is_wrong), "{verdicts:?}");
}

#[test]
fn a_dead_letter_is_not_missing() {
    let mut world = World::new();
    world.add(MINUTE);
    minutes(&mut world, 1);
    // No partition is old enough for it.
    let created_at: Timestamp = time::parse("2000-01-01").unwrap();
    world.add_at("main", created_at, created_at, json!({}));
    assert!(world.backfill().is_complete());
    world.ids.keys().iter().for_each(|key| world.ids.remove(key));
    world.config.ids_ttl = std::time::Duration::from_hours(24 * 365 * 40);
    let question = Question { from: Some(created_at), until: Some(created_at + HOUR), repair: true };
    assert_eq!(told(&world.prove(&question)), [unit("01T00:00", [1, 1, 0], Verdict::Proven)]);
}

#[test]
fn a_gateway_that_cannot_be_read_stops_no_other_and_a_stop_is_told() {
    let mut world = World::of(&["a", "b"]);
    world.add_to("a", MINUTE * 5, json!({}));
    world.add_to("b", MINUTE * 5, json!({}));
    minutes(&mut world, 1);
    world.instead = Some(Box::new(|request| {
        let refused = request.uri().path().contains("/gateways/a/");
        refused.then(|| http::Response::builder().status(404).body(b"{}".to_vec()).unwrap())
    }));
    let proof = world.prove(&LAST_DAY);
    assert!(proof.units.iter().all(|unit| unit.gateway == "b") && !proof.units.is_empty());
    assert_eq!(proof.worst().map(aig_logs::error::Error::is_transient), Some(false));
    world.instead = None;
    world.stop_after = Some(world.counts().sends + 1);
    let proof = world.prove(&LAST_DAY);
    assert!(proof.stopped && proof.errors.is_empty() && proof.units.len() <= 1, "{proof:?}");
}
