//! A history as a value, made from a seed: which entries appear when, which passes run, and what goes wrong in each.

use aig_logs::simulator::faults::{Endpoint, Fault, When};
use chrono::TimeDelta;
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::trouble;
use crate::world::{DAY, HOUR, MINUTE, SECOND, outside::Plan};

const MILLISECOND: TimeDelta = TimeDelta::milliseconds(1);

/// Everything that happens in one world.
#[derive(Debug, Clone)]
pub struct History {
    pub setting: Setting,
    pub entries: Vec<Arrival>,
    pub steps: Vec<Step>,
}

/// What stays as it is for a whole history.
#[derive(Debug, Clone)]
pub struct Setting {
    pub gateways: usize,
    /// `AIG_GATEWAY_ID` is `*`.
    pub star: bool,
    pub sqlite: bool,
    pub per_page: u32,
    /// The server's own cap.
    pub page_cap: Option<usize>,
    pub count: Count,
    /// Rows that one write holds.
    pub batch: usize,
    /// `SETTLE_SECONDS`.
    pub settle: TimeDelta,
    /// Calls of the list that the API allows in five minutes.
    pub quota: Option<u32>,
    /// The stores refuse a second write to a key within a second.
    pub slow_stores: bool,
    /// Pages that each of the last passes, in which nothing goes wrong, may read.
    pub last_pages: Option<u32>,
}

/// What `total_count` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    OfTheFilter,
    OfTheGateway,
    Missing,
}

/// One entry.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub gateway: usize,
    /// `created_at`, from the world's beginning.
    pub at: TimeDelta,
    /// How long after that the list shows it; no longer than the passes wait.
    pub late: TimeDelta,
    /// `BigQuery` never takes its row.
    pub poison: bool,
}

#[derive(Debug, Clone)]
pub enum Step {
    Wait(TimeDelta),
    /// These entries are deleted.
    Delete(Vec<usize>),
    /// An operator puts `backfill_stop_at` to the instant of an entry, or takes it away.
    StopAt(Option<usize>),
    /// Google forgets its tokens.
    Revoke,
    Pass(Pass),
}

/// One pass, and what goes wrong in it.
#[derive(Debug, Clone)]
pub struct Pass {
    pub forward: bool,
    pub pages: Option<u32>,
    pub seconds: Option<u64>,
    /// Calls in the pass's own budget.
    pub calls: Option<u32>,
    /// Calls after which the platform refuses.
    pub allowed: Option<u32>,
    /// Calls after which somebody asks the program to stop.
    pub stop_after: Option<u32>,
    /// How old the stores' answers are.
    pub stale: TimeDelta,
    /// What the host answers where somebody asks for chance.
    pub random: f64,
    pub strike: Option<Plan>,
    pub faults: Vec<(Endpoint, When, Fault)>,
    /// Entries that are deleted before the nth list call is answered.
    pub deletion: Option<(u64, Vec<usize>)>,
}

impl Pass {
    /// A pass in which nothing goes wrong, and that may use all it likes.
    pub fn calm(forward: bool) -> Self {
        Self {
            forward,
            pages: None,
            seconds: None,
            calls: None,
            allowed: None,
            stop_after: None,
            stale: TimeDelta::zero(),
            random: 0.5,
            strike: None,
            faults: Vec::new(),
            deletion: None,
        }
    }

    /// Whether a row may be in the table twice because of it: something was done that looked as if it was not, or
    /// something was not remembered.
    fn may_repeat_rows(&self) -> bool {
        let lost = |fault: &Fault| matches!(fault, Fault::SilenceAfter | Fault::RefuseAfter(_) | Fault::Truncate);
        let insert = |(endpoint, _, fault): &(Endpoint, When, Fault)| *endpoint == Endpoint::Insert && lost(fault);
        self.strike.is_some() || self.stale > TimeDelta::zero() || self.faults.iter().any(insert)
    }

    /// Whether it needs no more calls than a pass without any trouble.
    pub fn is_calm(&self) -> bool {
        self.strike.is_none() && self.stale.is_zero() && self.faults.is_empty() && self.deletion.is_none()
    }
}

impl History {
    /// The history of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let setting = setting(&mut chance);
        let most = *[6, 6, 30, 30, 60, 60, 120, 300].choose(&mut chance).unwrap();
        let number = chance.gen_range(0..=most);
        let steps = steps(&mut chance, number);
        let end = steps.iter().map(Step::length).sum();
        let entries = entries(&mut chance, &setting, number, end);
        Self { setting, entries, steps }
    }

    /// Whether a row may be in the table twice although nobody loses a row: see [`Pass::may_repeat_rows`]. Whoever is asked
    /// to stop does not wait for a store that refuses a second write within a second.
    pub fn may_repeat_rows(&self) -> bool {
        let stops = |pass: &Pass| pass.stop_after.is_some() && self.setting.slow_stores;
        self.passes().any(|pass| pass.may_repeat_rows() || stops(pass))
    }

    fn passes(&self) -> impl Iterator<Item = &Pass> {
        self.steps.iter().filter_map(|step| match step {
            Step::Pass(pass) => Some(pass),
            Step::Wait(_) | Step::Delete(_) | Step::StopAt(_) | Step::Revoke => None,
        })
    }
}

impl Step {
    fn length(&self) -> TimeDelta {
        match self {
            Self::Wait(time) => *time,
            Self::Delete(_) | Self::StopAt(_) | Self::Revoke | Self::Pass(_) => TimeDelta::zero(),
        }
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
        last_pages: chance.gen_bool(0.5).then(|| chance.gen_range(1..4)),
    }
}

fn entries(chance: &mut ChaCha8Rng, setting: &Setting, number: usize, end: TimeDelta) -> Vec<Arrival> {
    let before = *[MINUTE * 5, MINUTE * 30, HOUR * 6, DAY, DAY * 5].choose(chance).unwrap();
    let ties = *[0.0, 0.0, 0.2, 0.6, 0.95, 0.99].choose(chance).unwrap();
    let bursts = *[0.0, 0.2, 0.8].choose(chance).unwrap();
    let finer = chance.gen_bool(0.1);
    let late = *[0.0, 0.1, 0.5].choose(chance).unwrap();
    let poison = chance.gen_bool(0.15);
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
        let latest = setting.settle.num_milliseconds();
        let late = if chance.gen_bool(late) { chance.gen_range(0..=latest) } else { 0 };
        Arrival {
            gateway,
            at: at + TimeDelta::microseconds(micros),
            late: TimeDelta::milliseconds(late),
            poison: is_poison,
        }
    };
    (0..number).map(entry).collect()
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

fn some(chance: &mut ChaCha8Rng, entries: usize) -> Vec<usize> {
    let share = *[0.05, 0.2, 0.5].choose(chance).unwrap();
    (0..entries).filter(|_| chance.gen_bool(share)).collect()
}
