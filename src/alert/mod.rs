//! Alerts: what somebody must know before the bill, or before a row is missed. Pure functions: a pass sends what they say.

mod budget;
pub mod digest;
mod message;
mod watch;

use chrono::TimeDelta;

pub use self::{
    budget::{Spent, spent},
    message::message,
    watch::{Standing, conditions, room},
};
use crate::{
    plan::slots::floor_hour,
    state::{On, Told},
    time::Timestamp,
};

/// The kinds of alerts, as an id begins with one.
pub mod kind {
    /// A budget is used up to 50, 80 or 100 %.
    pub const BUDGET: &str = "budget";
    /// Delivery is behind.
    pub const LATE: &str = "late";
    /// A job fails.
    pub const FAILING: &str = "failing";
    /// Hours have fewer rows than the source has logs.
    pub const SHORT: &str = "short";
    /// Rows that the sink will never take.
    pub const DEAD: &str = "dead";
    /// More calls fail than usual.
    pub const ERRORS: &str = "errors";
    /// A gateway has little room for further logs.
    pub const ROOM: &str = "room";
}

/// Something that is the case, and that somebody wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its kind and what it is about, such as `failing:forward`.
    pub id: String,
    /// How bad it is. Of a budget, percent; else 1.
    pub level: u8,
    /// One sentence or two.
    pub text: String,
}

/// News for the webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The id of the alert.
    pub id: String,
    /// Whether the alert is on now. If not, it is over.
    pub is_on: bool,
    /// How bad it is, or was.
    pub level: u8,
    /// Since when it is, or was, on, UTC.
    pub since: Timestamp,
    /// What is, or was, the case.
    pub text: String,
}

/// Compares what is the case with what was told. Returns the news, and what is told once the webhook has taken them.
/// `looked` are the kinds that were looked at: others stay as they are.
#[must_use]
pub fn news(told: &Told, conditions: Vec<Condition>, looked: &[&str], now: Timestamp) -> (Vec<News>, Told) {
    /// Dead letters are over when no further one came for so long.
    const QUIET: TimeDelta = TimeDelta::hours(24);
    let (mut news, mut after) = (Vec::new(), Told { on: Vec::new(), ..told.clone() });
    let seen = floor_hour(now);
    for on in &told.on {
        let kind = on.id.split(':').next().unwrap_or_default();
        let is_found = conditions.iter().any(|condition| condition.id == on.id);
        let is_quiet = kind != kind::DEAD || now - on.seen > QUIET;
        if !looked.contains(&kind) || !is_found && !is_quiet {
            after.on.push(on.clone());
        } else if !is_found {
            let On { id, level, since, text, .. } = on.clone();
            news.push(News { id, is_on: false, level, since, text });
        }
    }
    for Condition { id, level, text } in conditions {
        match told.get(&id) {
            Some(on) if on.level >= level => {
                let seen = if id.starts_with(kind::DEAD) { seen } else { on.seen };
                // A budget that was raised is told again when it is used up.
                let text = if on.level > level { text } else { on.text.clone() };
                after.on.push(On { level, seen, text, ..on.clone() });
            }
            known => {
                let since = known.map_or(now, |on| on.since);
                after.on.push(On { id: id.clone(), level, since, seen, text: text.clone() });
                news.push(News { id, is_on: true, level, since, text });
            }
        }
    }
    (news, after)
}
