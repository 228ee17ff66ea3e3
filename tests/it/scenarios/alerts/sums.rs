//! Each log is summed up once.

use aig_logs::state::Forward;

use super::{Hook, spend};
use crate::world::{MINUTE, Work, World, outside::Strike};

/// What a day has cost by the state of `main`, in billionths of a USD.
fn summed_up(world: &World, day: &str) -> i64 {
    let forward = Forward::from_json("forward", &world.state.value("forward").unwrap(), &[]).unwrap();
    forward.by_id["main"].spend.sum(day)
}

/// A world in which a log appears late, after some passes, and its id.
fn with_a_late_log() -> (World, String) {
    let mut world = World::new();
    let _hook = Hook::of(&mut world, &[("BUDGET_DAY_USD", "1000")]);
    spend(&mut world, 1.0, "{}");
    let late = world.add_late(MINUTE * 5);
    // With the next log, the cursor passes over the late one.
    world.pass_time(MINUTE * 2);
    spend(&mut world, 1.0, "{}");
    (world, late)
}

#[test]
fn a_late_log_is_summed_up_once_wherever_the_process_ends() {
    let (mut world, late) = with_a_late_log();
    let mut passes = 0;
    while world.copies(&late) == 0 {
        world.pass_time(MINUTE * 10);
        passes += 1;
        world.outside.plan(None);
        world.forward();
    }
    // The pass that counts, finds the late log, and writes it.
    let calls = world.outside.calls();
    for (strike, nth) in [Strike::DiesBefore, Strike::DiesAfter, Strike::FailsAfter]
        .into_iter()
        .flat_map(|strike| (1..=calls).map(move |nth| (strike, nth)))
    {
        let (mut world, late) = with_a_late_log();
        for pass in 1..passes + 20 {
            world.pass_time(MINUTE * 10);
            if pass == passes {
                world.strike(nth, strike, 1);
            }
            world.attempt(Work::Forward);
            world.outside.plan(None);
        }
        world.assert_complete();
        let cost = world.entry("main", &late)["cost"].as_f64().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "billionths of a few USD")]
        let expected = 2_000_000_000 + (cost * 1e9).round() as i64;
        assert_eq!(summed_up(&world, "2026-11-02"), expected, "{strike:?} at call {nth} of {calls}");
    }
}

#[test]
fn a_late_log_that_no_table_takes_is_one_dead_letter() {
    let (mut world, late) = with_a_late_log();
    world.simulator.get_mut().faults_mut().poison(&late);
    for _ in 0..6 * 27 {
        world.pass_time(MINUTE * 10);
        world.forward();
    }
    let letters = world.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
}
