//! Random histories against the laws: whatever arrives, if up to a day late, fails, dies, lags or runs short, once the
//! trouble is over some passes bring everything, and the ledger says so. Seeds are numbered from 0, so every run is the
//! same, and a longer one holds the shorter.
//!
//! And what comes from outside, damaged in any way.
//!
//! `AIG_LOGS_HISTORIES` is how many are lived through; `AIG_LOGS_SEED` is the one to live through alone, or the
//! first of so many. `AIG_LOGS_CASES` is
//! how many damaged answers and texts each of those tests tries.

mod answers;
mod chance;
pub mod damage;
mod history;
mod laws;
mod ledger;
mod life;
mod poison;
mod shrink;
mod spend;
mod story;
mod texts;
mod trouble;

use std::{env, ops::Range, panic};

pub use self::damage::config;
use self::{
    history::History,
    life::{Tally, live},
};

/// Lived through where nothing else is asked for.
const HISTORIES: u64 = 10_000;

/// Tests among which they are shared, so that they run side by side.
const SHARES: u64 = 4;

#[test]
fn the_first_share_of_histories_keeps_the_laws() {
    keep_the_laws(0);
}

#[test]
fn the_second_share_of_histories_keeps_the_laws() {
    keep_the_laws(1);
}

#[test]
fn the_third_share_of_histories_keeps_the_laws() {
    keep_the_laws(2);
}

#[test]
fn the_fourth_share_of_histories_keeps_the_laws() {
    keep_the_laws(3);
}

fn keep_the_laws(share: u64) {
    let mut tally = Tally::default();
    for seed in seeds().filter(|seed| seed % SHARES == share) {
        let history = History::of(seed);
        let kept = panic::catch_unwind(panic::AssertUnwindSafe(|| live(&history, &mut tally)));
        if kept.is_err() {
            fail(seed, &history);
        }
    }
    eprintln!("{tally:?}");
}

fn seeds() -> Range<u64> {
    match (number("AIG_LOGS_SEED"), number("AIG_LOGS_HISTORIES")) {
        (Some(first), histories) => first..first + histories.unwrap_or(1),
        (None, histories) => 0..histories.unwrap_or(HISTORIES),
    }
}

/// A number from the environment, such as a seed.
pub fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a whole number, not {text:?}")))
}

/// Tells the shortest history found that still breaks a law.
fn fail(seed: u64, history: &History) -> ! {
    let (history, words) = shrink::shortest(history);
    panic!("{words}\n\n{history}\n\nThe whole of it: AIG_LOGS_SEED={seed} cargo nextest run keeps_the_laws");
}
