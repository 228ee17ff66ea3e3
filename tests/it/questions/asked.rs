//! Questions that what is counted can answer, and some that it cannot.

use aig_logs::time::{self, Timestamp};
use chrono::TimeDelta;
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::answers::{METRICS, ZONES, some};

/// The middle of every history.
pub const MIDDLE: &str = "2026-11-25T12:00:00Z";

/// The same as an instant.
pub fn middle() -> Timestamp {
    time::parse(MIDDLE).unwrap()
}

/// A question by fields.
pub fn question() -> impl Strategy<Value = (Value, [Timestamp; 3])> {
    let fields = vec!["name", "subject", "organization", "status", "success", "model", "provider", "session"];
    let texts = |field: &'static str, op: &'static str, values: &'static [&'static str]| json!({ "field": field, "op": op, "values": values });
    let filters = select(vec![
        texts("name", "eq", &["x", "ai.request"]),
        texts("name", "neq", &["x"]),
        texts("subject", "contains", &["z", "G"]),
        texts("organization", "in", &["acme"]),
        json!({ "field": "subject", "op": "exists", "values": [false] }),
        json!({ "field": "success", "op": "neq", "values": [true] }),
    ]);
    let range = (-50 * 60..0_i64, 1..50 * 60_i64, any::<bool>());
    let groups = (some(vec!["hour", "day", "week", "month"]), prop::sample::subsequence(fields, 0..2));
    let metrics: Vec<_> = METRICS.into_iter().filter(|metric| !["users", "sessions"].contains(metric)).collect();
    let others = (prop::sample::subsequence(metrics, 1..7), prop::collection::vec(filters, 0..2));
    let rest =
        (select(ZONES.to_vec()), select(vec!["events", "logs", "all"]), prop::option::of(select(vec!["acme", "none"])));
    (range, groups, others, rest).prop_map(|(range, groups, others, rest)| {
        let at = |minutes: i64| middle() + TimeDelta::minutes(if range.2 { minutes / 60 * 60 } else { minutes });
        let (start, end) = (at(range.0 - 60), at(range.1 + 60));
        let groups: Vec<_> = groups.0.into_iter().chain(groups.1).collect();
        let question = json!({
            "start": time::text(start), "end": time::text(end), "groupBy": groups, "metrics": others.0,
            "filters": others.1, "timeZone": rest.0, "dataset": rest.1, "organizationId": rest.2, "limit": 10_000,
        });
        (question, [start, middle(), end])
    })
}

/// A question about logs by the values of a metadata key.
pub fn of_keys() -> impl Strategy<Value = (Value, [Timestamp; 3])> {
    let filters = vec![
        json!({ "field": "metadata.team", "op": "eq", "values": ["search", 5] }),
        json!({ "field": "metadata.team", "op": "neq", "values": ["search", true] }),
        json!({ "field": "metadata.team", "op": "contains", "values": ["a"] }),
        json!({ "field": "metadata.team", "op": "exists", "values": [false] }),
        json!({ "field": "model", "op": "exists", "values": [true] }),
    ];
    of_days(vec!["metadata.team", "model", "organization", "gateway"], filters, vec!["logs"])
}

/// A question by user, or about some users.
pub fn by_user() -> impl Strategy<Value = (Value, [Timestamp; 3])> {
    let filters = vec![
        json!({ "field": "user", "op": "in", "values": ["u", "v", "none"] }),
        json!({ "field": "user", "op": "neq", "values": ["u"] }),
        json!({ "field": "user", "op": "exists", "values": [false] }),
        json!({ "field": "organization", "op": "eq", "values": ["acme"] }),
    ];
    of_days(vec!["user", "organization"], filters, vec!["events", "logs", "all"])
}

/// A question about whole hours of some days: by such fields, about rows that such a filter keeps, of one of these data sets.
fn of_days(
    fields: Vec<&'static str>,
    filters: Vec<Value>,
    datasets: Vec<&'static str>,
) -> impl Strategy<Value = (Value, [Timestamp; 3])> {
    let range = (-70..-20_i64, -10..70_i64);
    let units = select(vec![None, Some("hour"), Some("day"), Some("week")]);
    let fields = prop::sample::subsequence(fields, 0..3);
    let metrics = prop::sample::subsequence(vec!["count", "errors", "errorRate", "quantity", "cost", "tokensIn"], 1..5);
    let rest = (
        prop::collection::vec(select(filters), 0..2),
        prop::option::of(select(vec!["acme", "none"])),
        select(datasets),
    );
    (range, units, fields, metrics, rest).prop_map(|(range, unit, fields, metrics, rest)| {
        let at = |hours: i64| middle() + TimeDelta::hours(hours);
        let (start, end) = (at(range.0), at(range.1));
        let groups: Vec<_> = unit.into_iter().chain(fields).collect();
        let question = json!({
            "start": time::text(start), "end": time::text(end), "groupBy": groups, "metrics": metrics,
            "filters": rest.0, "organizationId": rest.1, "dataset": rest.2, "limit": 10_000,
        });
        (question, [start, middle(), end])
    })
}

/// A question about users, or about cohorts, of whole hours or days.
pub fn of_users() -> impl Strategy<Value = (&'static str, Value)> {
    let range = (-50..0_i64, 1..50_i64, any::<bool>());
    let rest = (
        select(vec![None, Some("hour"), Some("day"), Some("week")]),
        select(vec!["events", "logs", "all"]),
        prop::option::of(select(vec!["acme", "none"])),
    );
    (range, rest, any::<bool>()).prop_map(|(range, rest, is_cohorts)| {
        let at = |hours: i64| middle() + TimeDelta::hours(if range.2 { hours / 24 * 24 - 12 } else { hours });
        let mut question = json!({
            "start": time::text(at(range.0)), "end": time::text(at(range.1 + 24)), "dataset": rest.1,
            "organizationId": rest.2,
        });
        if is_cohorts {
            question["period"] = rest.0.filter(|unit| *unit != "hour").unwrap_or("day").into();
            return ("/metrics/cohorts", question);
        }
        question["groupBy"] = rest.0.into_iter().collect();
        ("/metrics/users", question)
    })
}
