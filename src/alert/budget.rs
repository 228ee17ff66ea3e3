//! What was spent of each budget, and where it ends at this pace.

use chrono::{Datelike, Months, NaiveDate, TimeDelta};
use serde_json::{Map, Value};

use super::{Condition, kind};
use crate::{
    config::{Alerts, Budget, NANOS, Period, Scope},
    state::{Spend, add, midnight_of, period_of, whole},
    time::Timestamp,
};

/// Percent of a budget at which somebody is told.
const LEVELS: [u8; 3] = [100, 80, 50];

/// Before so much of a period is over, its pace tells nothing.
const SOONEST: TimeDelta = TimeDelta::hours(1);

/// What was spent of a budget in the period that is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Spent {
    /// By whom: `team=search`; empty: by all.
    pub by: String,
    /// `day` or `month`.
    pub period: &'static str,
    /// The day or month that is under way, such as `2026-11-30` or `2026-11`, UTC.
    pub of: String,
    /// USD spent.
    pub usd: f64,
    /// USD that may be spent.
    pub budget: f64,
    /// USD at the end of the period, at this pace. None: it is too early to say.
    pub forecast: Option<f64>,
}

impl Spent {
    /// How much of the budget is spent, in whole percent.
    #[must_use]
    pub fn percent(&self) -> u64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shown, and compared with 100")]
        let percent = (self.usd / self.budget * 100.0).max(0.0) as u64;
        percent
    }

    /// What somebody must know, once half of it is spent.
    pub(super) fn condition(&self) -> Option<Condition> {
        let level = LEVELS.into_iter().find(|level| self.percent() >= u64::from(*level))?;
        let by = if self.by.is_empty() { String::new() } else { format!(" of {}", self.by) };
        let when = if self.period == "day" { "on" } else { "in" };
        let (usd, budget) = (self.usd, amount(self.budget));
        let spent = format!("Spend{by} {when} {} is ${usd:.2}: {} % of {budget}.", self.of, self.percent());
        let pace = |forecast| format!(" At this pace the {} ends at ${forecast:.2}.", self.period);
        let text = spent + &self.forecast.map_or_else(String::new, pace);
        let id = format!("{}:{}:{}", kind::BUDGET, self.of, self.by);
        Some(Condition { id, level, text })
    }
}

/// What was spent of each budget by the sums of all gateways. A budget of each value has one entry for each value.
#[must_use]
pub fn spent(alerts: &Alerts, sums: &[&Spend], now: Timestamp) -> Vec<Spent> {
    alerts.budgets.iter().flat_map(|budget| of_budget(alerts, budget, sums, now)).collect()
}

fn of_budget(alerts: &Alerts, budget: &Budget, sums: &[&Spend], now: Timestamp) -> Vec<Spent> {
    let today = now.date_naive();
    let name = period_of(today, budget.period);
    let one = |by: String, nanos: i64| {
        let (usd, budget_usd) = (usd(nanos), usd(budget.nanos));
        let period = if budget.period == Period::Month { "month" } else { "day" };
        Spent { by, period, of: name.clone(), usd, budget: budget_usd, forecast: forecast(budget, usd, sums, now) }
    };
    match &budget.scope {
        None => vec![one(String::new(), of_days(sums, days(budget.period, today)))],
        Some(Scope { key, value: Some(value) }) => {
            let by = format!("{key}={value}");
            let nanos = total(sums, &format!("{name} {by}"));
            vec![one(by, nanos)]
        }
        Some(Scope { key, value: None }) => {
            // A value with a budget of its own has no share in this one.
            let scope = |value: &str| Some(Scope { key: key.clone(), value: Some(value.to_owned()) });
            let has_own =
                |value: &str| alerts.budgets.iter().any(|own| own.period == budget.period && own.scope == scope(value));
            let values = values(sums, &name, key);
            let others = values.iter().filter(|(value, _)| !has_own(value));
            others.map(|(value, nanos)| one(format!("{key}={value}"), whole(nanos))).collect()
        }
    }
}

/// The values of a key, with their sums of a period over all gateways.
pub(super) fn values(sums: &[&Spend], period: &str, key: &str) -> Map<String, Value> {
    let mut all = Map::new();
    for (value, nanos) in sums.iter().flat_map(|spend| spend.values(period, key)) {
        add(&mut all, value.to_owned(), nanos);
    }
    all
}

/// The sum of a period over all gateways.
pub(super) fn total(sums: &[&Spend], period: &str) -> i64 {
    sums.iter().fold(0, |sum, spend| sum.saturating_add(spend.sum(period)))
}

/// The sum of some days over all gateways.
pub(super) fn of_days(sums: &[&Spend], days: impl Iterator<Item = NaiveDate>) -> i64 {
    days.fold(0, |sum, day| sum.saturating_add(total(sums, &day.to_string())))
}

/// An amount of USD, with as many digits as it needs.
fn amount(usd: f64) -> String {
    if usd < 1.0 { format!("${usd}") } else { format!("${usd:.2}") }
}

/// Billionths of a USD as USD.
#[expect(clippy::cast_precision_loss, reason = "exact up to nine million USD")]
pub(super) fn usd(nanos: i64) -> f64 {
    nanos as f64 / NANOS
}

/// The days of the period up to today.
fn days(period: Period, today: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    let first = if period == Period::Month { today.with_day(1).unwrap_or(today) } else { today };
    first.iter_days().take_while(move |day| *day <= today)
}

/// What the period ends at. A month goes on as the last seven whole days did, if something was spent on them, and else as
/// the period did so far.
fn forecast(budget: &Budget, usd_so_far: f64, sums: &[&Spend], now: Timestamp) -> Option<f64> {
    let today = now.date_naive();
    let (begin, end) = match budget.period {
        Period::Month => {
            let first = today.with_day(1)?;
            (midnight_of(first), midnight_of(first.checked_add_months(Months::new(1))?))
        }
        Period::Day | Period::Week(_) => (midnight_of(today), midnight_of(today.succ_opt()?)),
    };
    let length = |from: Timestamp, until: Timestamp| (until - from).as_seconds_f64() / 86_400.0;
    let week = usd(of_days(sums, (1..=7).map(|days| today - TimeDelta::days(days))));
    let pace = if budget.period == Period::Month && budget.scope.is_none() && week > 0.0 {
        week / 7.0
    } else if now - begin >= SOONEST {
        usd_so_far / length(begin, now)
    } else {
        return None;
    };
    Some(usd_so_far + pace * length(now, end))
}
