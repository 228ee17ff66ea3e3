//! The views of what is used, and of what has no price.

use super::{Group, Lines, PLACE, View, count, float, groups, log::Log, sum, word};
use crate::views::name_of;

const USED: &[&str] = &[
    "requests",
    "errors",
    "cached",
    "tokens_in",
    "tokens_out",
    "tokens_cached",
    "tokens_reasoning",
    "cost",
    "unpriced",
];

fn used(group: &[&Log]) -> Vec<Option<f64>> {
    vec![
        Some(float(group.len())),
        Some(count(group, |log| log.is("success", false))),
        Some(count(group, |log| log.is("cached", true))),
        sum(group, "tokens_in"),
        sum(group, "tokens_out"),
        sum(group, "input_cached_tokens"),
        sum(group, "output_reasoning_tokens"),
        sum(group, "cost"),
        Some(count(group, Log::is_unpriced)),
    ]
}

pub fn requests(logs: &[Log]) -> View {
    let mut lines = Lines::new();
    for log in logs {
        let texts = ["id", "created_at", "event_id", "step", "status_code", "success", "cached", "metadata"];
        let texts = texts.map(|column| name_of(column, &log.row[column]));
        let others = [log.hour(), log.is_unpriced().to_string(), word(log.user().as_deref())];
        let numbers = ["duration", "latency", "tokens_in", "tokens_out", "input_cached_tokens"];
        let numbers = numbers.into_iter().chain(["output_reasoning_tokens", "cost"]).map(|column| log.number(column));
        lines.insert([log.place(), texts.into(), others.into()].concat(), numbers.collect());
    }
    let words = [
        "id",
        "created_at",
        "event_id",
        "step",
        "status_code",
        "success",
        "cached",
        "metadata",
        "hour",
        "unpriced",
        "user_id",
    ];
    View {
        name: "aig_requests",
        words: [&PLACE[..], &words].concat(),
        numbers: &["duration", "latency", "tokens_in", "tokens_out", "tokens_cached", "tokens_reasoning", "cost"],
        lines,
    }
}

pub fn usage_by_day(logs: &[Log]) -> View {
    View {
        name: "aig_usage_by_day",
        words: PLACE.into(),
        numbers: USED,
        lines: groups(logs, Log::place).into_iter().map(|(name, group)| (name, used(&group))).collect(),
    }
}

pub fn usage_by_hour(logs: &[Log]) -> View {
    let groups = groups(logs, |log| [log.place(), vec![log.hour()]].concat());
    View {
        name: "aig_usage_by_hour",
        words: [&PLACE[..], &["hour"]].concat(),
        numbers: USED,
        lines: groups.into_iter().map(|(name, group)| (name, used(&group))).collect(),
    }
}

pub fn models(logs: &[Log]) -> View {
    let line = |(name, group): (Vec<String>, Group<'_>)| {
        let days = group.iter().map(|log| log.day());
        ([name, vec![days.clone().min().unwrap(), days.max().unwrap()]].concat(), used(&group))
    };
    View {
        name: "aig_models",
        words: [&PLACE[1..], &["first_day", "last_day"]].concat(),
        numbers: USED,
        lines: groups(logs, |log| log.place()[1..].into()).into_iter().map(line).collect(),
    }
}

pub fn cache(logs: &[Log]) -> View {
    let numbers = |group: Group<'_>| {
        let (hits, others): (Group<'_>, Group<'_>) = group.iter().partition(|log| log.is("cached", true));
        let priced = count(&others, |log| log.number("cost").is_some());
        let average = sum(&others, "cost").map(|cost| cost / priced);
        let mut saved = Some(0.0);
        for hit in &hits {
            saved = saved.zip(average).map(|(saved, average)| saved + average - hit.number("cost").unwrap_or(0.0));
        }
        let [requests, cached] = [group.len(), hits.len()].map(float);
        vec![Some(requests), Some(cached), Some(cached / requests), average, saved]
    };
    View {
        name: "aig_cache",
        words: PLACE.into(),
        numbers: &["requests", "cached", "hit_rate", "uncached_cost", "saved"],
        lines: groups(logs, Log::place).into_iter().map(|(name, group)| (name, numbers(group))).collect(),
    }
}

pub fn unpriced(logs: &[Log]) -> View {
    let numbers = |group: Group<'_>| {
        let (unpriced, _): (Group<'_>, Group<'_>) = group.iter().partition(|log| log.is_unpriced());
        let tokens = |column| Some(sum(&unpriced, column).unwrap_or(0.0));
        let [requests, without] = [group.len(), unpriced.len()].map(float);
        vec![Some(requests), Some(without), Some(without / requests), tokens("tokens_in"), tokens("tokens_out")]
    };
    let groups = groups(logs.iter().filter(|log| log.is_charged()), Log::place);
    View {
        name: "aig_unpriced",
        words: PLACE.into(),
        numbers: &["requests", "unpriced", "unpriced_share", "unpriced_tokens_in", "unpriced_tokens_out"],
        lines: groups.into_iter().map(|(name, group)| (name, numbers(group))).collect(),
    }
}
