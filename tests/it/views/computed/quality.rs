//! The views of how fast and how well it goes.

use std::collections::BTreeMap;

use super::{Group, Lines, PLACE, View, count, float, groups, log::Log, percentile, sum};
use crate::views::name_of;

pub fn latency_by_hour(logs: &[Log]) -> View {
    let answered = logs.iter().filter(|log| !log.is("success", false) && !log.is("cached", true));
    let groups = groups(answered, |log| [log.place(), vec![log.hour()]].concat());
    let numbers = |group: Group<'_>| {
        let mut numbers = vec![Some(float(group.len()))];
        for column in ["duration", "latency"] {
            for percent in [50, 95, 99] {
                numbers.push(percentile(percent, group.iter().filter_map(|log| log.number(column))));
            }
        }
        numbers
    };
    View {
        name: "aig_latency_by_hour",
        words: [&PLACE[..], &["hour"]].concat(),
        numbers: &[
            "requests",
            "duration_p50",
            "duration_p95",
            "duration_p99",
            "latency_p50",
            "latency_p95",
            "latency_p99",
        ],
        lines: groups.into_iter().map(|(name, group)| (name, numbers(group))).collect(),
    }
}

pub fn errors(logs: &[Log]) -> View {
    let mut lines = Lines::new();
    for (name, group) in groups(logs, |log| log.place()[..3].into()) {
        let requests = float(group.len());
        let failed = group.into_iter().filter(|log| log.is("success", false));
        for (status, failed) in groups(failed, |log| vec![name_of("status_code", &log.row["status_code"])]) {
            let errors = float(failed.len());
            lines.insert([name.clone(), status].concat(), vec![Some(errors), Some(requests), Some(errors / requests)]);
        }
    }
    View {
        name: "aig_errors",
        words: [&PLACE[..3], &["status_code"]].concat(),
        numbers: &["errors", "requests", "error_rate"],
        lines,
    }
}

pub fn attempts(logs: &[Log]) -> View {
    let mut requests: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for log in logs {
        let request = log.row["event_id"].as_str().map_or_else(|| log.text("id"), |id| format!("event {id}"));
        requests.entry((log.day(), log.text("gateway"), request)).or_default().push(log);
    }
    let mut lines = Lines::new();
    for (_, mut request) in requests {
        let step = |log: &Log| log.row["step"].as_u64().unwrap_or(0);
        request.sort_by_key(|log| (step(log), log.created_at, log.text("id")));
        let (first, last) = (request[0], request[request.len() - 1]);
        if request.len() == 1 && step(last) == 0 {
            continue;
        }
        let failed = count(&request, |log| log.is("success", false));
        let rescued = last.is("success", true) && (failed > 0.0 || step(last) > 0);
        let mut words = vec![last.day()];
        words.extend(["gateway", "provider", "model", "id", "event_id"].map(|column| last.text(column)));
        words.extend(["provider", "model"].map(|column| first.text(column)));
        words.extend([step(last).to_string(), name_of("status_code", &last.row["status_code"])]);
        words.extend([name_of("success", &last.row["success"]), rescued.to_string()]);
        let attempts = request.len().max(usize::try_from(step(last)).unwrap() + 1);
        lines
            .insert(words, vec![Some(float(attempts)), Some(failed), sum(&request, "duration"), sum(&request, "cost")]);
    }
    let words = ["id", "event_id", "first_provider", "first_model", "step", "status_code", "success", "rescued"];
    View {
        name: "aig_attempts",
        words: [&PLACE[..4], &words].concat(),
        numbers: &["attempts", "failed", "duration", "cost"],
        lines,
    }
}
