//! Live traffic of which a share appears late, as long calls do: when it is there, and what finding it costs.

use aig_logs::{
    plan::slots,
    time::{self, MILLISECOND, Timestamp},
};
use chrono::TimeDelta;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::verify::minutes;
use crate::world::{MINUTE, World};

/// Minutes of traffic, and then of none until everything that is late was looked for.
const LIVE: i32 = 180;
const AFTER: i32 = 90;

/// How old the ten minutes of an entry are when it is there at the latest.
const LONGEST: TimeDelta = TimeDelta::minutes(70);

/// List calls with late entries, for each one without.
const MOST: f64 = 1.2;

#[test]
fn late_entries_of_a_quiet_gateway_are_there_in_time_at_little_cost() {
    assert_cheap(1);
}

#[test]
fn late_entries_of_ten_a_minute_are_there_in_time_at_little_cost() {
    assert_cheap(10);
}

#[test]
fn late_entries_of_a_hundred_a_minute_are_there_in_time_at_little_cost() {
    assert_cheap(100);
}

fn assert_cheap(rate: u32) {
    let (with, without) = (list_calls(rate, true), list_calls(rate, false));
    let ratio = f64::from(with) / f64::from(without);
    let words = format!("{rate} entries a minute: {with} list calls, {without} without late entries, ratio {ratio:.3}");
    assert!(ratio < MOST, "{words}");
    eprintln!("{words}");
}

/// Hours of traffic with a forward pass each minute, at 5 % of long calls if there are any. How many list calls that took.
fn list_calls(rate: u32, late: bool) -> u32 {
    let mut chance = ChaCha8Rng::seed_from_u64(rate.into());
    let mut world = World::new();
    minutes(&mut world, 1);
    let before = world.counts();
    for _ in 0..LIVE {
        for _ in 0..rate {
            let at = time::floor_ms(world.now()) + MILLISECOND * chance.gen_range(0..60_000);
            let short = MILLISECOND * chance.gen_range(200..8_000);
            let long = MILLISECOND * chance.gen_range(60_000..1_800_000);
            // The same instants, whether some entries are late or not.
            let duration = if chance.gen_bool(0.05) && late { long } else { short };
            world.add_at("main", at, at + duration, json!({ "duration": duration.num_milliseconds() }));
        }
        minutes(&mut world, 1);
    }
    minutes(&mut world, AFTER);
    if late {
        world.assert_once();
        assert_in_time(&world);
    }
    (world.counts() - before).list
}

fn assert_in_time(world: &World) {
    for row in world.table.rows(world) {
        let instant = |name: &str| -> Timestamp { time::parse(row[name].as_str().unwrap()).unwrap() };
        let waited = instant("ingested_at") - (slots::floor(instant("created_at")) + slots::LENGTH);
        // The pass that is due then begins within a minute.
        assert!(waited <= LONGEST + MINUTE, "{} min: {row}", waited.num_minutes());
    }
}
