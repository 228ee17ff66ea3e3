//! What the log says to people while a pass works.

use std::{
    cell::{Cell, RefCell},
    mem,
};

use aig_logs::simulator::{cloudflare::RateLimit, options::SimulatorOptions};
use http::StatusCode;
use log::{LevelFilter, Log, Metadata, Record};

use crate::world::{MINUTE, World};

thread_local! {
    /// The messages of this test.
    static TOLD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what each test's thread logs.
struct Ear;

impl Log for Ear {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        TOLD.with_borrow_mut(|told| told.push(record.args().to_string()));
    }

    fn flush(&self) {}
}

/// The messages of what is done.
fn told(work: impl FnOnce()) -> Vec<String> {
    // Another test of this process has set it.
    let _ = log::set_logger(&Ear);
    log::set_max_level(LevelFilter::Info);
    work();
    TOLD.with_borrow_mut(mem::take)
}

#[test]
fn a_call_that_is_made_again_is_told_with_the_reason_and_the_wait() {
    let mut world = World::new();
    world.random = 0.5;
    let failures = Cell::new(2_u32);
    world.instead = Some(Box::new(move |_| {
        let left = failures.get().checked_sub(1)?;
        failures.set(left);
        let answer = http::Response::builder().status(StatusCode::SERVICE_UNAVAILABLE);
        Some(answer.body(b"<html>".to_vec()).unwrap())
    }));
    let told = told(|| assert!(world.forward().is_complete()));
    let [first, second] = &told[..] else { panic!("{told:?}") };
    assert!(first.contains("503") && first.ends_with("again in 1 s (2 of 3)"), "{first}");
    assert!(second.contains("asking ") && second.ends_with("again in 1 s (3 of 3)"), "{second}");
}

#[test]
fn a_long_wait_for_the_limit_is_told_once() {
    let rate_limit = Some(RateLimit { quota: 10, window_seconds: 60 });
    let mut world = World::with(SimulatorOptions { rate_limit, ..SimulatorOptions::default() });
    world.config.api_share = 0.4;
    world.add_many(400, MINUTE * 9, MINUTE);
    let began = world.now();
    let told = told(|| assert!(world.forward().is_complete()));
    let seconds: Vec<i64> = told
        .iter()
        .map(|line| {
            let wait =
                line.strip_prefix("waiting ").and_then(|rest| rest.strip_suffix(" s for the API's limit of calls"));
            wait.unwrap_or_else(|| panic!("{told:?}")).parse().unwrap()
        })
        .collect();
    let took = (world.now() - began).num_seconds();
    let all: i64 = seconds.iter().sum();
    assert!(seconds.iter().all(|wait| *wait >= 10) && (took * 8 / 10..=took).contains(&all), "{took} {told:?}");
}
