//! A history lived through, and held against the laws.

use std::cell::RefCell;

use aig_logs::{
    config::Gateways,
    pass::Report,
    plan::budget::Ended,
    simulator::{
        cloudflare::RateLimit,
        faults::{Endpoint, Fault, When},
        options::{Quirks, SimulatorOptions},
    },
    time,
};
use chrono::TimeDelta;
use serde_json::json;

use super::{
    history::{Arrival, Count, History, Pass, Setting, Step},
    spend::{Received, listen},
};
use crate::world::{DAY, HOUR, MINUTE, Table, Work, World};

pub const GATEWAYS: [&str; 3] = ["main", "staging", "a-third"];

/// How much happened, over several lives.
#[derive(Debug, Default)]
pub struct Tally {
    pub histories: u64,
    pub entries: u64,
    pub passes: u64,
    /// Entries that appeared behind the forward pass.
    pub late: u64,
    /// Entries that are missing, and may be.
    pub excused: u64,
    /// Faults of the simulated services; those by the number of the call are not among them.
    pub struck: u64,
}

/// A history while it is lived through.
pub struct Life<'a> {
    pub history: &'a History,
    pub world: World,
    /// Id and gateway of each entry.
    pub ids: Vec<(String, &'static str)>,
    passes: u64,
    /// Pages read to find what a count found missing.
    pub reread: u64,
    /// What the webhook was told, if there is one.
    pub received: Option<Received>,
}

/// Lives through a history, and adds to the tally.
///
/// # Panics
/// Where a law is broken.
pub fn live(history: &History, tally: &mut Tally) {
    let mut life = Life::begin(history);
    for step in &history.steps {
        life.step(step);
    }
    life.mend();
    // The counting of the history may take hours, where it has to wait for the source.
    for forward in [false, true] {
        life.verify(forward);
    }
    life.wait_for_late_entries();
    tally.excused += life.assert_laws();
    tally.histories += 1;
    tally.entries += history.entries.len() as u64;
    tally.late += history.entries.iter().filter(|entry| entry.late > history.setting.settle).count() as u64;
    tally.passes += life.passes;
    tally.struck += life.world.simulator.get_mut().faults().struck().values().sum::<u64>();
}

impl<'a> Life<'a> {
    fn begin(history: &'a History) -> Self {
        let mut world = world(&history.setting);
        let start = world.now();
        let add = |(n, arrival): (usize, &Arrival)| {
            let gateway = GATEWAYS[arrival.gateway];
            let at = start + arrival.at;
            // A copy of each field that is not always there, so that rows differ by more than their ids.
            let duration = arrival.duration.num_milliseconds();
            let mut fields = json!({ "feedback": n % 3, "tenant": format!("t{}", n % 5), "duration": duration });
            let Some(oddity) = arrival.oddity else {
                return (world.add_at(gateway, at, at + arrival.late, fields), gateway);
            };
            fields.as_object_mut().unwrap().extend(oddity.fields().as_object().unwrap().clone());
            let id = world.add_at(gateway, at, at + arrival.late, fields);
            let shown = oddity.shown(&world.entry(gateway, &id), n);
            world.show_as(gateway, &id, shown, oddity.is_letter());
            (id, gateway)
        };
        let ids = history.entries.iter().enumerate().map(add).collect();
        let received = history.setting.alerts.then(|| listen(&mut world));
        let mut life = Self { history, world, ids, passes: 0, reread: 0, received };
        life.poison();
        life
    }

    /// Has `BigQuery` refuse what it never takes.
    fn poison(&mut self) {
        let poisoned = self.history.entries.iter().zip(&self.ids).filter(|(arrival, _)| arrival.poison);
        for (_, (id, _)) in poisoned {
            self.world.simulator.get_mut().faults_mut().poison(id);
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Wait(time) => self.world.pass_time(*time),
            Step::Delete(entries) => {
                for (id, gateway) in entries.iter().filter_map(|n| self.ids.get(*n)) {
                    self.world.simulator.get_mut().gateway_mut(gateway).unwrap().delete(id);
                }
            }
            Step::StopAt(Some(entry)) => {
                let at = self.history.entries.get(*entry).map(|entry| entry.at).unwrap_or_default();
                let instant = self.world.simulator.get_mut().options().start + at;
                self.world.state.set("backfill_stop_at", &time::text(instant));
            }
            Step::StopAt(None) => self.world.state.remove("backfill_stop_at"),
            Step::Clock(ahead) => self.world.clock = *ahead,
            Step::Revoke => self.world.simulator.get_mut().revoke_tokens(),
            Step::Pass(pass) => _ = self.pass(pass),
        }
    }

    /// One pass; none where the process died.
    pub fn pass(&mut self, pass: &Pass) -> Option<Report> {
        self.arm(pass);
        let before = self.world.counts();
        let report = self.world.attempt(if pass.forward { Work::Forward } else { Work::Backfill });
        let cost = self.world.counts() - before;
        self.passes += 1;
        self.reread += report.as_ref().map_or(0, |report| report.sum(|gateway| gateway.reread.into()));
        self.disarm();
        let is_right = self.world.clock.is_zero();
        if let Some(report) = report.as_ref().filter(|_| pass.is_calm() && is_right) {
            self.assert_cost(pass, report, cost);
        }
        report
    }

    fn arm(&mut self, pass: &Pass) {
        let world = &mut self.world;
        (world.config.forward_pages, world.config.backfill_pages) = (pass.pages, pass.pages);
        (world.budget.time, world.budget.calls) = (pass.seconds.map(std::time::Duration::from_secs), pass.calls);
        world.allowed = pass.allowed;
        world.stop_after = pass.stop_after.map(|calls| world.counts().sends + calls);
        world.random = pass.random;
        let stale = pass.stale.to_std().unwrap();
        world.state.staleness.set(stale);
        world.ids.staleness.set(stale);
        if let Some(plan) = pass.strike {
            world.strike(plan.nth, plan.strike, plan.length);
        }
        if let Some((nth, entries)) = &pass.deletion {
            let ids = entries.iter().filter_map(|n| self.ids.get(*n)).map(|(id, _)| id.clone());
            world.fault(Endpoint::List, When::Nth(*nth), Fault::Delete(ids.collect()));
        }
        for (endpoint, when, fault) in &pass.faults {
            world.fault(*endpoint, when.clone(), fault.clone());
        }
    }

    fn disarm(&mut self) {
        self.world.outside.plan(None);
        self.world.end_faults();
        self.poison();
    }

    /// All faults are over: some passes later everything is there that is in time, and nothing is left to do.
    fn mend(&mut self) {
        self.world.state.remove("backfill_stop_at");
        self.world.clock = TimeDelta::zero();
        self.world.state.staleness.set(std::time::Duration::ZERO);
        let settle = self.history.setting.settle;
        let in_time = |entry: &Arrival| entry.at + entry.late.min(settle);
        let last = self.history.entries.iter().map(in_time).max().unwrap_or_default();
        let start = self.world.simulator.get_mut().options().start;
        let wait = (start + last - self.world.now()).max(TimeDelta::zero());
        self.world.pass_time(wait + settle + MINUTE);
        for forward in [true, false] {
            self.finish(forward);
        }
    }

    /// Passes until no entry may be late any more, and all is counted.
    fn wait_for_late_entries(&mut self) {
        // Everything is created by now. The stretch it is in, the day that the law allows, and what the last count takes
        // beyond.
        let end = self.world.now() + HOUR + DAY + MINUTE * 10 + self.history.setting.settle + MINUTE;
        while self.history.has_late_entries() && self.world.now() < end {
            let wait = self.history.setting.patience.min(end - self.world.now());
            self.world.pass_time(wait);
            for forward in [true, false] {
                self.finish(forward);
            }
            for forward in [false, true] {
                self.verify(forward);
            }
        }
    }

    /// Passes of one job until it has nothing left to do. How many that may be is the law of progress: a page that shows
    /// anything new moves the cursor, and what shares a millisecond is read in one pass.
    fn finish(&mut self, forward: bool) {
        let pages = self.history.setting.last_pages;
        let most = 2 * self.history.entries.len() + 8;
        for n in 0..most {
            // Another gateway comes first each time.
            let random = [0.1, 0.5, 0.9][n % 3];
            let report = self.pass(&Pass { pages, random, ..Pass::calm(forward) }).unwrap();
            assert!(report.worst().is_none(), "nothing goes wrong, and a pass fails: {}", report.to_json());
            if report.gateways.iter().all(|gateway| matches!(gateway.ended, Ended::Complete | Ended::Doubtful)) {
                return;
            }
        }
        panic!("{most} passes with {pages:?} pages each do not come to the end (forward: {forward})");
    }

    /// Passes of one job until everything that is due is counted.
    fn verify(&mut self, forward: bool) {
        for _ in 0..200 {
            let report = self.pass(&Pass::calm(forward)).unwrap();
            if report.sum(|gateway| (gateway.counts + gateway.reread).into()) == 0 {
                return;
            }
        }
        // Where the source allows few calls, the time that a pass waits for it makes more due.
        assert!(self.history.setting.quota.is_some(), "the counting does not come to its end");
    }
}

fn world(setting: &Setting) -> World {
    let gateways = GATEWAYS[..setting.gateways].iter().map(|id| (*id).to_owned()).collect();
    let quirks = Quirks {
        page_cap: setting.page_cap,
        without_total_count: setting.count == Count::Missing,
        total_count_ignores_filter: setting.count == Count::OfTheGateway,
        shuffles_ties: setting.shuffled,
        ..Quirks::default()
    };
    let rate_limit = setting.quota.map(|quota| RateLimit { quota, window_seconds: 300 });
    let mut world = World::with(SimulatorOptions { gateways, quirks, rate_limit, ..SimulatorOptions::default() });
    if setting.sqlite {
        world.table = Table::sqlite();
    }
    if setting.star {
        world.config.source.gateways = Gateways::All;
    }
    world.config.source.per_page = setting.per_page;
    world.config.settle = setting.settle.to_std().unwrap();
    world.batch = Some(setting.batch);
    world.overlapping = setting.overlapping;
    world.heard = setting.echoes.then(RefCell::default);
    world.state.one_write_a_second.set(setting.slow_stores);
    world.ids.one_write_a_second.set(setting.slow_stores);
    world
}
