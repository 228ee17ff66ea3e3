//! How many calls and operations of the stores new entries take, and how long a tick waits for them.

use std::time::Duration;

use aig_logs::{
    host::Host,
    pass::Job,
    simulator::{Simulator, options::SimulatorOptions},
    time,
};
use chrono::TimeDelta;
use serde_json::Value;

use crate::{
    line::{Goal, Line},
    world::{Latency, Spent, World},
};

const MINUTE: Duration = Duration::from_mins(1);

/// Ticks of an hour.
const HOUR: u32 = 60;

/// New entries of a full tick.
const FULL: usize = 1_000;

/// Ticks with so many, of which the one in the middle is told.
const FULL_TICKS: u32 = 5;

/// Calls and operations, forward and backfill.
pub async fn measure() -> Vec<Line> {
    let mut lines = ticks().await;
    lines.extend(history("one day", TimeDelta::days(1)).await);
    lines.extend(history("a year", TimeDelta::days(365)).await);
    lines
}

/// An hour without entries, one with 100 in each minute, and some minutes with 1,000.
async fn ticks() -> Vec<Line> {
    let latency = Latency { call: Duration::from_millis(100), store: Duration::from_millis(5) };
    let world = World::new(SimulatorOptions { rate_limit: None, ..SimulatorOptions::default() }, latency, &[]);
    let mut clock = Clock { world, minute: 0, samples: samples() };
    clock.tick(0).await;
    let mut idle = Sum::default();
    let mut busy = Sum::default();
    for _ in 0..HOUR {
        idle.add(&clock.tick(0).await);
    }
    for _ in 0..HOUR {
        busy.add(&clock.tick(100).await);
    }
    let mut full = Vec::new();
    for _ in 0..FULL_TICKS {
        clock.world.forget_token();
        full.push(clock.tick(FULL).await);
    }
    clock.world.assert_complete_and_once();
    let busy = busy.lines("Forward, an hour with 100 new entries a minute");
    full_lines(full).into_iter().chain(busy).chain(idle.lines("Forward, an idle hour")).collect()
}

/// A tick with 1,000 new entries, sign-in included.
fn full_lines(mut ticks: Vec<Spent>) -> Vec<Line> {
    ticks.sort_by_key(|spent| spent.time);
    let middle = &ticks[ticks.len() / 2];
    let what = "Forward, a tick with 1,000 new entries";
    vec![
        Line::new(format!("{what}: list calls"), middle.lists(), "", Goal::AtMost(21.0)),
        Line::without_goal(format!("{what}: all calls"), f64::from(middle.report.calls), ""),
        Line::new(format!("{what}: KV operations"), middle.operations(), "", Goal::AtMost(4.0)),
        Line::new(format!("{what}: wall time at 100 ms latency"), middle.time.as_secs_f64(), "s", Goal::AtMost(1.0)),
    ]
}

/// A gateway's history of 100,000 entries, and the counts that prove it when its last day is over.
async fn history(name: &str, length: TimeDelta) -> Vec<Line> {
    let options =
        SimulatorOptions { entries: 100_000, history: length, rate_limit: None, ..SimulatorOptions::default() };
    let world = World::new(options, Latency::default(), &[]);
    let budget = Job::Range.budget(&world.config);
    world.pass(Job::Forward, budget).await;
    let mut sum = Sum::default();
    for day in 1.. {
        let spent = world.pass(Job::Backfill, budget).await;
        if spent.report.calls == 0 {
            break;
        }
        assert!(day < 5, "still calling: {:?}", spent.report);
        sum.add(&spent);
        world.wait_until(MINUTE * 60 * 26 * day).await;
    }
    world.assert_complete_and_once();
    let what = format!("Backfill of 100,000 entries in {name}, per 1,000");
    let goal = Goal::AtMost(22.0);
    vec![
        Line::new(format!("{what}: list calls, counts included"), sum.per_thousand(sum.lists), "", goal),
        Line::without_goal(format!("{what}: all calls"), sum.per_thousand(sum.calls), ""),
        Line::without_goal(format!("{what}: KV operations"), sum.per_thousand(sum.operations), ""),
    ]
}

/// What some passes took together.
#[derive(Default)]
struct Sum {
    passes: f64,
    rows: f64,
    lists: f64,
    calls: f64,
    operations: f64,
}

impl Sum {
    fn add(&mut self, spent: &Spent) {
        self.passes += 1.0;
        self.rows += spent.rows();
        self.lists += spent.lists();
        self.calls += f64::from(spent.report.calls);
        self.operations += spent.operations();
    }

    fn per_thousand(&self, amount: f64) -> f64 {
        1_000.0 * amount / self.rows
    }

    fn lines(&self, what: &str) -> Vec<Line> {
        let amounts = [("list calls", self.lists), ("all calls", self.calls), ("KV operations", self.operations)];
        let line = |(name, amount)| Line::without_goal(format!("{what}, per tick: {name}"), amount / self.passes, "");
        amounts.into_iter().map(line).collect()
    }
}

/// A world that is ticked each minute.
struct Clock {
    world: World,
    minute: u32,
    samples: Vec<Value>,
}

impl Clock {
    /// The next tick, to which so many entries are new: they are spread over the minute that has just settled.
    async fn tick(&mut self, entries: usize) -> Spent {
        self.minute += 1;
        self.world.wait_until(MINUTE * self.minute).await;
        let settled = self.world.now() - self.world.config.settle;
        let apart = TimeDelta::from_std(MINUTE).unwrap() / i32::try_from(entries.max(1)).unwrap();
        let mut at = settled;
        for sample in &self.samples[..entries] {
            at -= apart;
            let mut entry = sample.clone();
            entry["id"] = format!("{}-{}", self.minute, sample["id"].as_str().unwrap()).into();
            entry["created_at"] = time::text(at).into();
            self.world.simulator.borrow_mut().gateway_mut("main").unwrap().insert(entry, None).unwrap();
        }
        let spent = self.world.pass(Job::Forward, Job::Forward.budget(&self.world.config)).await;
        assert!(spent.report.is_complete(), "{:?}", spent.report);
        spent
    }
}

/// Entries as a gateway has them.
fn samples() -> Vec<Value> {
    let options = SimulatorOptions { entries: FULL, ..SimulatorOptions::default() };
    let now = options.start;
    Simulator::new(options).gateway("main").unwrap().entries(now).collect()
}
