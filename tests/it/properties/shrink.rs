//! Makes a history that breaks a law shorter, as long as it still breaks one.

use std::{any::Any, panic};

use chrono::TimeDelta;

use super::{
    history::{History, Pass, Step},
    life::{Tally, live},
};

/// Histories that are tried.
const TRIES: u32 = 2_000;

/// The shortest history found, and the words with which it breaks a law.
pub fn shortest(history: &History) -> (History, String) {
    // Each try that fails would print where it did.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let words = broken(history).unwrap_or_else(|| "a law is broken, but not a second time".into());
    let mut found = (history.clone(), words);
    let mut tries = 0;
    while let Some(shorter) = shorter(&found.0, &mut tries) {
        found = shorter;
    }
    panic::set_hook(hook);
    found
}

/// The first of all that are a little shorter and still break a law.
fn shorter(history: &History, tries: &mut u32) -> Option<(History, String)> {
    candidates(history).find_map(|candidate| {
        *tries += 1;
        let words = if *tries < TRIES { broken(&candidate) } else { None };
        words.map(|words| (candidate, words))
    })
}

fn broken(history: &History) -> Option<String> {
    let lived = panic::catch_unwind(panic::AssertUnwindSafe(|| live(history, &mut Tally::default())));
    lived.err().map(|payload| words(payload.as_ref()))
}

fn words(payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// Halves, quarters and single ones of the entries and steps left out; then passes made calm, and entries punctual and plain.
fn candidates(history: &History) -> impl Iterator<Item = History> {
    let (entries, steps) = (history.entries.len(), history.steps.len());
    let without_steps = pieces(steps).map(|(from, to)| {
        let mut shorter = history.clone();
        shorter.steps.drain(from..to);
        shorter
    });
    // The place of an entry is its name, so the last ones go first.
    let without_entries = pieces(entries).map(|(from, to)| {
        let mut shorter = history.clone();
        shorter.entries.drain(from..to);
        shorter
    });
    let calmer = (0..steps).filter_map(|n| {
        let mut calmer = history.clone();
        let Step::Pass(pass) = &mut calmer.steps[n] else { return None };
        let calm = Pass { random: pass.random, ..Pass::calm(pass.forward) };
        let is_calm = format!("{pass}") == format!("{calm}");
        *pass = calm;
        (!is_calm).then_some(calmer)
    });
    let punctual = (0..entries).filter(|n| !history.entries[*n].late.is_zero()).map(|n| {
        let mut punctual = history.clone();
        punctual.entries[n].late = TimeDelta::zero();
        punctual
    });
    let plain = (0..entries).filter(|n| history.entries[*n].oddity.is_some()).map(|n| {
        let mut plain = history.clone();
        plain.entries[n].oddity = None;
        plain
    });
    let sorted = history.setting.shuffled.then(|| {
        let mut sorted = history.clone();
        sorted.setting.shuffled = false;
        sorted
    });
    without_steps.chain(without_entries).chain(calmer).chain(punctual).chain(plain).chain(sorted)
}

/// Ranges of ever smaller size that cover `length`.
fn pieces(length: usize) -> impl Iterator<Item = (usize, usize)> {
    let sizes = std::iter::successors(Some(length), |size| (*size > 1).then_some(size.div_ceil(2)));
    sizes
        .filter(|size| *size > 0)
        .flat_map(move |size| (0..length).step_by(size).map(move |from| (from, (from + size).min(length))))
}
