//! Makes a history from a seed.

use aig_logs::time::MILLISECOND;
use chrono::TimeDelta;
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    history::{Arrival, Count, History, Pass, Setting, Step},
    poison::Oddity,
    trouble,
};
use crate::world::{DAY, HOUR, MINUTE, SECOND};

impl History {
    /// The history of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let mut setting = setting(&mut chance);
        // Few entries and passes over days, or many within minutes.
        let days = chance.gen_bool(0.12);
        let most =
            *if days { &[3, 6, 12, 30][..] } else { &[6, 6, 30, 30, 60, 60, 120, 300] }.choose(&mut chance).unwrap();
        let number = chance.gen_range(0..=most);
        let steps = if days { steps_over_days(&mut chance, number) } else { steps(&mut chance, number) };
        let end = steps.iter().map(Step::length).sum();
        let mut entries = entries(&mut chance, &setting, number, end);
        if chance.gen_bool(if days { 0.9 } else { 0.1 }) {
            delay(&mut chance, &mut entries);
        }
        let history = Self { setting: setting.clone(), entries, steps };
        // Of a page of which neither order nor instants can be read nobody can tell what it leaves out.
        setting.shuffled &= !history.hides_instants();
        // A quarter of each share.
        setting.alerts = (seed / 4).is_multiple_of(4);
        Self { setting, ..history }
    }
}

fn setting(chance: &mut ChaCha8Rng) -> Setting {
    let per_page = *[1, 2, 3, 5, 10, 50].choose(chance).unwrap();
    let page_cap = chance.gen_bool(0.2).then(|| chance.gen_range(1..=8));
    Setting {
        gateways: *[1, 1, 1, 2, 3].choose(chance).unwrap(),
        star: chance.gen_bool(0.2),
        sqlite: chance.gen_bool(0.1),
        per_page,
        page_cap,
        count: *[Count::OfTheFilter, Count::OfTheFilter, Count::OfTheFilter, Count::OfTheGateway, Count::Missing]
            .choose(chance)
            .unwrap(),
        batch: *[1, 3, 7, 20, 500].choose(chance).unwrap(),
        settle: *[TimeDelta::zero(), SECOND * 30, SECOND * 30, MINUTE * 5, HOUR].choose(chance).unwrap(),
        quota: chance.gen_bool(0.1).then(|| chance.gen_range(5..60)),
        slow_stores: chance.gen_bool(0.2),
        shuffled: chance.gen_bool(0.3),
        echoes: chance.gen_bool(0.1),
        overlapping: chance.gen_bool(0.5),
        last_pages: chance.gen_bool(0.5).then(|| chance.gen_range(1..4)),
        patience: *[HOUR * 3, HOUR * 7, HOUR * 13, HOUR * 30].choose(chance).unwrap(),
        alerts: false,
    }
}

fn entries(chance: &mut ChaCha8Rng, setting: &Setting, number: usize, end: TimeDelta) -> Vec<Arrival> {
    let before = *[MINUTE * 5, MINUTE * 30, HOUR * 6, DAY, DAY * 5].choose(chance).unwrap();
    let ties = *[0.0, 0.0, 0.2, 0.6, 0.95, 0.99].choose(chance).unwrap();
    let bursts = *[0.0, 0.2, 0.8].choose(chance).unwrap();
    let finer = chance.gen_bool(0.1);
    let late = *[0.0, 0.1, 0.5].choose(chance).unwrap();
    let poison = chance.gen_bool(0.15);
    let odd = *[0.0, 0.0, 0.05, 0.3, 1.0].choose(chance).unwrap();
    let mut poisoned = vec![false; setting.gateways];
    let mut at = TimeDelta::zero();
    let entry = |_| {
        at = if chance.gen_bool(ties) {
            at
        } else if chance.gen_bool(bursts) {
            at + MILLISECOND * chance.gen_range(1..=3)
        } else if chance.gen_bool(0.1) {
            // Where forward and backfill part, and where a pass at the beginning ends.
            let border = [-MINUTE * 10, -setting.settle].choose(chance).copied().unwrap_or_default();
            border + MILLISECOND * chance.gen_range(-2..=2)
        } else {
            MILLISECOND
                * i32::try_from(chance.gen_range(-before.num_milliseconds()..=end.num_milliseconds())).unwrap_or(0)
        };
        let gateway = chance.gen_range(0..setting.gateways);
        // Two of a batch would look like a table that is wrong.
        let is_poison = poison && chance.gen_bool(0.05) && !std::mem::replace(&mut poisoned[gateway], true);
        let micros = if finer { chance.gen_range(0..1_000) } else { 0 };
        let latest = i32::try_from(setting.settle.num_milliseconds()).unwrap();
        let late = if chance.gen_bool(late) { chance.gen_range(0..=latest) } else { 0 };
        Arrival {
            gateway,
            at: at + TimeDelta::microseconds(micros),
            late: MILLISECOND * late,
            duration: MILLISECOND * chance.gen_range(0..5_000),
            poison: is_poison,
            oddity: Oddity::of(chance, odd).filter(|_| !is_poison),
        }
    };
    (0..number).map(entry).collect()
}

/// Has a share of the entries appear up to a day late, and a few later than anybody waits for.
fn delay(chance: &mut ChaCha8Rng, entries: &mut [Arrival]) {
    let share = *[0.05, 0.3, 0.8].choose(chance).unwrap();
    let honest = *[1.0, 1.0, 0.8, 0.0].choose(chance).unwrap();
    for entry in entries {
        if !chance.gen_bool(share) {
            continue;
        }
        entry.late = if chance.gen_bool(0.03) {
            DAY + MILLISECOND * chance.gen_range(0..=20_000_000)
        } else {
            between(chance, SECOND, DAY)
        };
        if chance.gen_bool(honest) {
            entry.duration = entry.late;
        }
    }
}

/// A time of any magnitude.
fn between(chance: &mut ChaCha8Rng, least: TimeDelta, most: TimeDelta) -> TimeDelta {
    let [least, most] = [least, most].map(|time| f64::from(i32::try_from(time.num_milliseconds()).unwrap()));
    let magnitude = chance.gen_range(least.ln()..=most.ln());
    #[expect(clippy::cast_possible_truncation, reason = "no time is longer than the longest")]
    let milliseconds = magnitude.exp() as i32;
    MILLISECOND * milliseconds
}

/// Passes minutes and hours apart, so that entries are counted at every age.
fn steps_over_days(chance: &mut ChaCha8Rng, entries: usize) -> Vec<Step> {
    let storm = *[0.0, 0.0, 0.1, 0.4].choose(chance).unwrap();
    let scarce = *[0.0, 0.0, 0.3].choose(chance).unwrap();
    let number = chance.gen_range(4..16);
    let mut left = HOUR * 50;
    let mut steps = Vec::new();
    for _ in 0..number {
        let wait = between(chance, SECOND * 10, HOUR * 12).min(left);
        left -= wait;
        steps.push(Step::Wait(wait));
        steps.push(match chance.gen_range(0..30) {
            0 => Step::Delete(some(chance, entries)),
            1 => Step::Revoke,
            2 | 3 => Step::Clock(clock(chance)),
            _ => Step::Pass(Pass { forward: chance.gen_bool(0.85), ..pass(chance, entries, storm, scarce) }),
        });
    }
    steps
}

fn steps(chance: &mut ChaCha8Rng, entries: usize) -> Vec<Step> {
    let storm = *[0.0, 0.3, 0.6, 0.9, 0.9].choose(chance).unwrap();
    let scarce = *[0.0, 0.0, 0.5, 0.9].choose(chance).unwrap();
    let long = chance.gen_bool(0.15);
    let number = chance.gen_range(0..10);
    let mut steps = Vec::new();
    for _ in 0..number {
        if chance.gen_bool(0.7) {
            let most = if long { DAY } else { MINUTE * 4 };
            steps.push(Step::Wait(MILLISECOND * chance.gen_range(0..i32::try_from(most.num_milliseconds()).unwrap())));
        }
        steps.push(match chance.gen_range(0..20) {
            0 => Step::Delete(some(chance, entries)),
            1 => Step::StopAt(chance.gen_bool(0.7).then(|| chance.gen_range(0..=entries))),
            2 => Step::Revoke,
            3 => Step::Clock(clock(chance)),
            _ => Step::Pass(pass(chance, entries, storm, scarce)),
        });
    }
    steps
}

fn pass(chance: &mut ChaCha8Rng, entries: usize, storm: f64, scarce: f64) -> Pass {
    let mut pass = Pass { random: chance.r#gen(), ..Pass::calm(chance.gen_bool(0.6)) };
    if chance.gen_bool(scarce) {
        match chance.gen_range(0..5) {
            0 => pass.pages = Some(chance.gen_range(1..5)),
            1 => pass.seconds = Some(chance.gen_range(0..4)),
            2 => pass.calls = Some(chance.gen_range(0..20)),
            3 => pass.allowed = Some(chance.gen_range(0..20)),
            _ => pass.stop_after = Some(chance.gen_range(0..20)),
        }
    }
    if chance.gen_bool(storm) {
        match chance.gen_range(0..7) {
            0 | 1 => pass.strike = Some(trouble::strike(chance)),
            2 => pass.stale = *[SECOND, MINUTE, MINUTE * 11, DAY].choose(chance).unwrap(),
            3 | 4 => pass.deletion = Some((chance.gen_range(1..6), some(chance, entries))),
            _ => pass.faults = (0..chance.gen_range(1..3)).map(|_| trouble::fault(chance)).collect(),
        }
    }
    pass
}

/// How far a clock that jumps is ahead of the true time: right again, a little or far off, to either side.
fn clock(chance: &mut ChaCha8Rng) -> TimeDelta {
    let off = *[TimeDelta::zero(), SECOND * 20, MINUTE * 10, DAY, DAY * 50, DAY * 20_000].choose(chance).unwrap();
    if chance.gen_bool(0.5) { off } else { -off }
}

fn some(chance: &mut ChaCha8Rng, entries: usize) -> Vec<usize> {
    let share = *[0.05, 0.2, 0.5].choose(chance).unwrap();
    (0..entries).filter(|_| chance.gen_bool(share)).collect()
}
