//! Every call of a pass, failing in every way, once, as often as it is tried, and for the rest of the pass: nothing is
//! lost, and the next passes go on as if nothing had been.

use aig_logs::config::Gateways;
use serde_json::{Value, json};

use crate::world::{DAY, HOUR, MINUTE, SECOND, Table, Work, World, outside::Strike};

const STRIKES: [Strike; 6] =
    [Strike::Fails, Strike::FailsAfter, Strike::Silence, Strike::SilenceAfter, Strike::DiesBefore, Strike::DiesAfter];

/// How often one call is tried in a pass.
const TRIES: u32 = 3;

/// A gateway that forward has met: three pages of history and three of news, in two batches each.
fn known(table: Table) -> World {
    let mut world = World::new();
    world.table = table;
    world.config.source.per_page = 10;
    world.batch = Some(13);
    world.add(DAY * 9);
    world.forward();
    world.add_many(25, DAY * 8, DAY);
    world.add_many(25, MINUTE * 9, MINUTE);
    world
}

/// The same gateway before any pass.
fn unknown(table: Table) -> World {
    let world = known(table);
    for key in ["forward", "oldest"] {
        world.state.remove(key);
    }
    world
}

/// The same with two rows that become dead letters, one old and one new.
fn poisoned(table: Table) -> World {
    let mut world = known(table);
    for ago in [MINUTE * 5, DAY * 5] {
        let id = world.add(ago);
        world.simulator.get_mut().faults_mut().poison(&id);
    }
    world
}

/// Two gateways that forward has met, each with three pages of history and three of news, in two batches each. They are
/// asked for by `*`.
fn several() -> World {
    let mut world = World::of(&["main", "second"]);
    world.config.source.gateways = Gateways::All;
    world.config.source.per_page = 5;
    world.batch = Some(7);
    world.forward();
    for gateway in ["main", "second"] {
        for n in 1..=12 {
            world.add_to(gateway, HOUR * 6 * n, json!({}));
            world.add_to(gateway, SECOND * 15 * n + MINUTE, json!({}));
        }
    }
    world
}

/// Has each call of a pass go wrong, and lets the next passes mend it. `calls` is what the pass makes without faults.
fn each_call_of(work: Work, calls: u32, world: impl Fn() -> World) {
    let mut whole = world();
    whole.outside.plan(None);
    assert!(whole.attempt(work).unwrap().is_complete());
    assert_eq!(whole.outside.calls(), calls);
    for nth in 1..=calls {
        for strike in STRIKES {
            let dies = matches!(strike, Strike::DiesBefore | Strike::DiesAfter);
            let lengths: &[u32] = if dies { &[1] } else { &[1, TRIES, u32::MAX] };
            for length in lengths {
                let mut world = world();
                world.overlapping = nth % 2 == 0;
                world.strike(nth, strike, *length);
                assert_eq!(world.attempt(work).is_none(), dies);
                world.outside.plan(None);
                if let Work::Range(..) = work {
                    assert!(world.attempt(work).unwrap().is_complete());
                }
                assert_mends(&mut world, &format!("{strike:?} at call {nth}, {length} times"));
            }
        }
    }
}

fn assert_mends(world: &mut World, trouble: &str) {
    world.pass_time(MINUTE);
    let reports = [world.forward(), world.backfill()];
    assert!(reports.iter().all(aig_logs::pass::Report::is_complete), "{trouble}");
    // What the history's count finds other than expected is read again.
    assert!(world.backfill().is_complete(), "{trouble}");
    match world.table {
        Table::Sqlite(_) | Table::D1(_) => world.assert_once(),
        Table::BigQuery | Table::Ndjson(_) => world.assert_complete(),
    }
    let idle = [world.cost(Work::Forward), world.cost(Work::Backfill)];
    let gateways = u32::try_from(world.simulator.get_mut().options().gateways.len()).unwrap();
    assert_eq!(idle.map(|cost| (cost.list, cost.writes())), [(gateways, 0), (0, 0)], "{trouble}");
}

#[test]
fn no_fault_in_a_first_run_loses_anything() {
    each_call_of(Work::Forward, 11, || unknown(Table::BigQuery));
}

#[test]
fn no_fault_in_a_forward_pass_loses_anything() {
    each_call_of(Work::Forward, 11, || poisoned(Table::BigQuery));
    each_call_of(Work::Forward, 6, || known(Table::sqlite()));
    each_call_of(Work::Forward, 8, || known(Table::d1()));
}

#[test]
fn no_fault_in_a_backfill_loses_anything() {
    each_call_of(Work::Backfill, 16, || poisoned(Table::BigQuery));
    each_call_of(Work::Backfill, 10, || known(Table::sqlite()));
    each_call_of(Work::Backfill, 12, || known(Table::d1()));
}

#[test]
fn no_fault_in_a_pass_over_several_gateways_loses_anything() {
    each_call_of(Work::Forward, 15, several);
    each_call_of(Work::Backfill, 23, several);
}

/// What a range has written without a word of it, it writes again; its rows are there when it has come to its end.
#[test]
fn no_fault_in_an_explicit_range_loses_anything() {
    let world = || known(Table::BigQuery);
    let now = world().now();
    let range = Work::Range(now - DAY * 9, now);
    each_call_of(range, 13, world);
}

/// A gateway at twenty past midnight, whose last hour is to be counted: fifteen of its entries appeared late, one of them
/// poisoned.
fn late() -> (World, Vec<String>) {
    let mut world = World::new();
    world.pass_time(HOUR * 11);
    world.add(MINUTE);
    world.forward();
    world.config.source.per_page = 10;
    world.batch = Some(13);
    let mut ids = Vec::new();
    for _ in 0..15 {
        world.pass_time(SECOND);
        ids.push(world.add_late(MINUTE * 20));
    }
    world.simulator.get_mut().faults_mut().poison(&ids[7]);
    world.pass_time(SECOND);
    world.add(SECOND / 2);
    world.pass_time(MINUTE);
    world.forward();
    world.pass_time(MINUTE * 79);
    (world, ids)
}

/// A gateway whose history was copied a day ago, when fifteen of its entries had not appeared yet, one of them poisoned.
fn history() -> (World, Vec<String>) {
    let mut world = World::new();
    world.add_many(20, HOUR * 3, HOUR);
    let (now, created_at) = (world.now(), world.now() - HOUR * 2);
    let late = |n: i32| world.add_at("main", created_at + SECOND * n, now + HOUR * n, json!({}));
    let ids: Vec<_> = (1..=15).map(late).collect();
    world.simulator.get_mut().faults_mut().poison(&ids[7]);
    world.forward();
    world.backfill();
    world.config.source.per_page = 10;
    world.batch = Some(13);
    world.pass_time(DAY + MINUTE * 10);
    (world, ids)
}

/// Has each call of a pass that finds fourteen late entries, and a poisoned one, go wrong; the next passes find them.
/// `proven` says how many entries their stretch is proven to have.
fn each_call_of_a_verification(work: Work, world: fn() -> (World, Vec<String>), proven: fn(&World) -> Value, all: u64) {
    let (mut whole, _) = world();
    whole.outside.plan(None);
    assert_eq!(whole.attempt(work).unwrap().sum(|gateway| gateway.late), 14);
    let calls = whole.outside.calls();
    for nth in 1..=calls {
        for strike in STRIKES {
            for length in [1, TRIES, u32::MAX] {
                let trouble = format!("{strike:?} at call {nth} of {calls}, {length} times");
                let (mut world, ids) = world();
                world.strike(nth, strike, length);
                world.attempt(work);
                world.outside.plan(None);
                for _ in 0..3 {
                    world.pass_time(MINUTE);
                    assert!(world.attempt(work).unwrap().errors().next().is_none(), "{trouble}");
                }
                world.assert_complete();
                let dead = world.dead_letters();
                let kept = ids.iter().filter(|id| world.copies(id) > 0 || dead.contains(*id));
                assert_eq!(kept.count(), ids.len(), "{trouble}");
                let proven = proven(&world);
                assert_eq!((&proven["source"], &proven["verdict"]), (&json!(all), &json!("proven")), "{trouble}");
                assert_eq!(world.cost(work).writes(), 0, "{trouble}");
            }
        }
    }
}

#[test]
fn no_fault_in_a_verification_loses_anything() {
    let hour = |world: &World| world.stored("ledger:main:2026-11-02")["hours"]["23"].clone();
    each_call_of_a_verification(Work::Forward, late, hour, 16);
}

#[test]
fn no_fault_in_the_counting_of_the_history_loses_anything() {
    let day = |world: &World| world.stored("ledger:main:2026")["days"]["2026-11-02"].clone();
    each_call_of_a_verification(Work::Backfill, history, day, 35);
}
