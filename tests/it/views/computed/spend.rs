//! The views of who spends it.

use std::collections::{BTreeMap, BTreeSet};

use aig_logs::time::Timestamp;
use chrono::{NaiveDate, TimeDelta};

use super::{
    Group, Lines, PLACE, View, count, float, groups,
    log::{Log, as_text},
    percentile, sum, word,
};
use crate::views::rows::age;

pub fn spend_by_metadata(logs: &[Log]) -> View {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for log in logs {
        let with_value = log.metadata().into_iter().filter(|(_, value)| !value.is_null());
        keys.entry(log.day()).or_default().extend(with_value.map(|(key, _)| key));
    }
    let mut groups: BTreeMap<Vec<String>, Group<'_>> = BTreeMap::new();
    for log in logs {
        for key in &keys[&log.day()] {
            let value = word(log.metadata().get(key).and_then(as_text).as_deref());
            groups.entry([log.place(), vec![key.clone(), value]].concat()).or_default().push(log);
        }
    }
    View {
        name: "aig_spend_by_metadata",
        words: [&PLACE[..], &["key", "value"]].concat(),
        numbers: &["requests", "tokens_in", "tokens_out", "cost", "unpriced"],
        lines: groups.into_iter().map(|(name, group)| (name, spent(&group))).collect(),
    }
}

pub fn spent(group: &[&Log]) -> Vec<Option<f64>> {
    let requests = float(group.len());
    let unpriced = count(group, Log::is_unpriced);
    vec![Some(requests), sum(group, "tokens_in"), sum(group, "tokens_out"), sum(group, "cost"), Some(unpriced)]
}

pub fn top_users(logs: &[Log], now: Timestamp) -> View {
    let recent = logs.iter().filter(|log| log.user().is_some() && log.created_at >= now - TimeDelta::days(30));
    let groups = groups(recent, |log| vec![log.user().unwrap()]);
    // What no price is known of comes last.
    let costs: Vec<_> = groups.values().map(|group| sum(group, "cost").unwrap_or(-1.0)).collect();
    let rank = |cost: Option<f64>| {
        let cost = cost.unwrap_or(-1.0);
        // Two sums of the same costs may differ in their last digit.
        1.0 + float(costs.iter().filter(|other| **other > cost + 1e-12).count())
    };
    let numbers = |group: Group<'_>| {
        let errors = count(&group, |log| log.is("success", false));
        let mut numbers = vec![Some(rank(sum(&group, "cost"))), Some(errors)];
        numbers.extend(spent(&group));
        numbers
    };
    View {
        name: "aig_top_users",
        words: vec!["user_id"],
        numbers: &["cost_rank", "errors", "requests", "tokens_in", "tokens_out", "cost", "unpriced"],
        lines: groups.into_iter().map(|(name, group)| (name, numbers(group))).collect(),
    }
}

pub fn cost_anomalies(logs: &[Log], today: NaiveDate) -> View {
    let mut days: BTreeMap<(NaiveDate, String), (f64, f64)> = BTreeMap::new();
    let with_user = logs.iter().filter(|log| log.user().is_some());
    for (_, group) in groups(with_user, |log| vec![log.day(), log.user().unwrap()]) {
        if let Some(cost) = sum(&group, "cost") {
            days.insert((group[0].date(), group[0].user().unwrap()), (float(group.len()), cost));
        }
    }
    let mut lines = Lines::new();
    for ((day, user), (requests, cost)) in days.iter().filter(|((day, _), _)| age(*day, today) < 30) {
        let before = days.iter().filter(|((other, _), _)| (1..=28).contains(&(*day - *other).num_days()));
        let own: Vec<f64> = before.clone().filter(|((_, who), _)| who == user).map(|(_, (_, cost))| *cost).collect();
        let own_days = float(own.len());
        let (own, overall) = (percentile(95, own), percentile(99, before.map(|(_, (_, cost))| *cost)));
        let (Some(own), Some(overall)) = (own, overall) else { continue };
        if *cost > 2.0 * own && (*cost > overall || *cost > own + 1.0) {
            let name = vec![day.to_string(), user.clone()];
            lines.insert(name, vec![Some(*requests), Some(*cost), Some(own_days), Some(own), Some(overall)]);
        }
    }
    View {
        name: "aig_cost_anomalies",
        words: vec!["day", "user_id"],
        numbers: &["requests", "cost", "own_days", "own_p95", "overall_p99"],
        lines,
    }
}
