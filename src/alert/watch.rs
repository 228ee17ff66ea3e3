//! What is the case now, of all that somebody wants to know.

use chrono::TimeDelta;

use super::{Condition, budget, kind};
use crate::{
    config::Alerts,
    plan::slots::{HOUR, Verdict, floor_hour},
    state::{Position, Spend, Status, Told},
    time::{self, Timestamp},
};

/// After so long a delay or a failure is told.
const PATIENCE: TimeDelta = TimeDelta::minutes(15);

/// Fewer calls, or failed calls, tell nothing about a rate.
const CALLS: u64 = 50;
const FAILED: u64 = 10;

/// A rate of errors is unusual from this many times the usual one on. It is usual again below three quarters of that.
const TIMES: u64 = 2;

/// A lower share of errors, in percent, is never unusual.
const PERCENT: u64 = 2;

/// A gateway is nearly full when this share of its room, in percent, is used.
const NEARLY: u64 = 90;

/// What a forward pass knows at its end.
#[derive(Debug)]
pub struct Standing<'a> {
    /// The present, UTC.
    pub now: Timestamp,
    /// What was told.
    pub told: &'a Told,
    /// The last failure of each job.
    pub status: &'a Status,
    /// How far delivery is behind; none: not known.
    pub lag: Option<TimeDelta>,
    /// The gateways in which this pass has found rows that the sink will never take, and how many.
    pub rejected: Vec<(&'a str, u64)>,
    /// How far forward has come with each gateway; none: the pass did not come so far.
    pub positions: Option<Vec<(&'a str, &'a Position)>>,
    /// What the history has cost, of each gateway.
    pub history: Vec<&'a Spend>,
}

/// What is the case, and the kinds that were looked at.
#[must_use]
pub fn conditions(alerts: &Alerts, standing: &Standing<'_>) -> (Vec<Condition>, Vec<&'static str>) {
    let mut looked = vec![kind::FAILING, kind::DEAD];
    let mut found: Vec<_> = failing(standing).chain(dead(standing)).collect();
    if let Some(lag) = standing.lag {
        looked.push(kind::LATE);
        found.extend(late(lag));
    }
    if let Some(positions) = &standing.positions {
        looked.extend([kind::BUDGET, kind::SHORT, kind::ERRORS]);
        let mut sums: Vec<_> = positions.iter().map(|(_, position)| &position.spend).collect();
        sums.extend(&standing.history);
        found.extend(budget::spent(alerts, &sums, standing.now).iter().filter_map(budget::Spent::condition));
        found.extend(positions.iter().filter_map(|(id, position)| short(id, position, standing.now)));
        found.extend(positions.iter().filter_map(|(id, position)| errors(id, position, standing)));
    }
    (found, looked)
}

fn condition(kind: &str, about: &str, text: String) -> Condition {
    Condition { id: format!("{kind}:{about}"), level: 1, text }
}

fn failing<'a>(standing: &'a Standing<'_>) -> impl Iterator<Item = Condition> + 'a {
    let long = standing.status.failing.iter().filter(|(_, failing)| standing.now - failing.since >= PATIENCE);
    long.map(|(job, failing)| {
        let (since, who) = (time::text(failing.since), if failing.transient { "" } else { " Somebody must act." });
        condition(kind::FAILING, job, format!("The {job} pass has failed since {since}: {}.{who}", failing.error))
    })
}

fn late(lag: TimeDelta) -> Option<Condition> {
    let text = format!("Logs are {} minutes behind.", lag.num_minutes());
    (lag > PATIENCE).then(|| condition(kind::LATE, "", text))
}

fn dead<'a>(standing: &'a Standing<'_>) -> impl Iterator<Item = Condition> + 'a {
    let rejected = standing.rejected.iter().filter(|(_, rows)| *rows > 0);
    rejected.map(|(gateway, rows)| {
        let way_out = "`aig-logs dead-letters list` says why";
        condition(kind::DEAD, gateway, format!("Rows of {gateway} that no table takes: {rows}. {way_out}."))
    })
}

/// Hours of the last day whose counts say that rows are missing.
fn short(gateway: &str, position: &Position, now: Timestamp) -> Option<Condition> {
    let hours = (1..=24).rev().map(|n| floor_hour(now) - HOUR * n).filter(|hour| position.is_over(*hour));
    let short: Vec<_> =
        hours.filter(|hour| position.slots.sum(*hour, *hour + HOUR).verdict == Some(Verdict::Short)).collect();
    let first = time::text(*short.first()?);
    let text = format!(
        "Hours of {gateway} with fewer rows than logs: {}, the first at {first}. `aig-logs verify` says which.",
        short.len()
    );
    Some(condition(kind::SHORT, gateway, text))
}

/// Whether far more calls fail in the last two hours than on the day before.
fn errors(gateway: &str, position: &Position, standing: &Standing<'_>) -> Option<Condition> {
    let recent = floor_hour(standing.now) - HOUR;
    let (calls, failed) = position.spend.calls(recent, recent + HOUR * 2);
    let (usual_calls, usual_failed) = position.spend.calls(recent - HOUR * 24, recent);
    let is_on = standing.told.get(&format!("{}:{gateway}", kind::ERRORS)).is_some();
    // In quarters, so that an alert that is on ends at a lower rate than it begins.
    let times = if is_on { TIMES * 3 } else { TIMES * 4 };
    let is_many = calls >= CALLS && failed >= FAILED && failed * 100 >= calls * PERCENT;
    let is_unusual = usual_calls >= CALLS && failed * usual_calls * 4 >= usual_failed * calls * times;
    let percent = |failed: u64, calls: u64| show(failed * 1_000 / calls.max(1));
    let text = format!(
        "Calls through {gateway} fail more often than usual: {} % in the last two hours, {} % on the day before.",
        percent(failed, calls),
        percent(usual_failed, usual_calls)
    );
    (is_many && is_unusual).then(|| condition(kind::ERRORS, gateway, text))
}

/// Tenths as a decimal number.
fn show(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Whether a gateway with so many logs is nearly full.
#[must_use]
pub fn room(gateway: &str, logs: u64, room: u64, forgets: bool) -> Option<Condition> {
    let what = if forgets { "deletes its oldest logs" } else { "keeps no new logs" };
    let text = format!("The gateway {gateway} has {logs} of {room} logs. A full gateway {what}, and says nothing.");
    (logs.saturating_mul(100) >= room.saturating_mul(NEARLY)).then(|| condition(kind::ROOM, gateway, text))
}
