//! What can go wrong in one pass, by chance.

use aig_logs::simulator::faults::{Endpoint, Fault, Refusal, When};
use rand::{Rng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::world::outside::{Plan, Strike};

/// Calls that go wrong by their number.
pub fn strike(chance: &mut ChaCha8Rng) -> Plan {
    use Strike::{DiesAfter, DiesBefore, Fails, FailsAfter, Silence, SilenceAfter};
    let strike = *[Fails, FailsAfter, Silence, SilenceAfter, DiesBefore, DiesAfter].choose(chance).unwrap();
    Plan { strike, nth: chance.gen_range(1..25), length: *[1, 2, 3, 8, u32::MAX].choose(chance).unwrap() }
}

/// A fault of one of the simulated services.
pub fn fault(chance: &mut ChaCha8Rng) -> (Endpoint, When, Fault) {
    let when = match chance.gen_range(0..5) {
        0 => When::Always,
        1 => When::Nth(chance.gen_range(1..8)),
        2 => When::Among((0..3).map(|_| chance.gen_range(1..8)).collect()),
        3 => When::Every(chance.gen_range(2..5)),
        _ => When::Chance(0.4),
    };
    let endpoints = [Endpoint::List, Endpoint::List, Endpoint::Insert, Endpoint::Insert, Endpoint::Token];
    let endpoint = if chance.gen_bool(0.1) { Endpoint::Gateways } else { *endpoints.choose(chance).unwrap() };
    // A refusal of the size is no passing trouble of an insert: a row alone that is too large is a dead letter.
    let refusal = match chance.gen_range(0..7) {
        0 => Refusal::TooManyRequests(chance.gen_range(0..100)),
        1 => Refusal::Status(*[401, 403, 404, 408, 500, 503].choose(chance).unwrap()),
        2 => Refusal::Html(502),
        3 => Refusal::Empty(500),
        4 if endpoint == Endpoint::Insert => Refusal::Forbidden("quotaExceeded"),
        4 => Refusal::Unsuccessful,
        5 if endpoint == Endpoint::List => Refusal::Codeless,
        5 if endpoint == Endpoint::Insert => Refusal::OneRow("timeout"),
        _ => Refusal::Status(500),
    };
    let fault = match chance.gen_range(0..7) {
        0 => Fault::Silence,
        1 => Fault::SilenceAfter,
        2 | 3 => Fault::Refuse(refusal),
        4 => Fault::RefuseAfter(refusal),
        5 => Fault::Truncate,
        _ if endpoint != Endpoint::List => Fault::Silence,
        _ if chance.gen_bool(0.5) => Fault::RepeatEntry,
        _ => Fault::DeleteOldest(chance.gen_range(1..4)),
    };
    (endpoint, when, fault)
}
