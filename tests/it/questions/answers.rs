//! Any question over any rows: the answer is what the loops compute.

use aig_logs::time::{self, Timestamp};
use chrono::TimeDelta;
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::{
    loops,
    rows::{self, Row},
};

/// Instants at which clocks of some zone below change, and one at which none does.
const INSTANTS: [&str; 7] = [
    // Berlin and Lord Howe, which moves by half an hour.
    "2026-10-25T01:00:00Z",
    "2026-03-29T01:00:00Z",
    "2026-04-04T15:00:00Z",
    // A midnight that comes twice in St. John's, and one that is skipped in Sao Paulo.
    "2010-11-07T02:31:00Z",
    "2018-11-04T03:00:00Z",
    // A day that Apia has not had.
    "2011-12-30T10:00:00Z",
    "2026-11-27T12:00:00Z",
];

pub const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Pacific/Apia",
];

pub const METRICS: [&str; 16] = [
    "count",
    "errors",
    "errorRate",
    "users",
    "sessions",
    "avg",
    "max",
    "p50",
    "p95",
    "p99",
    "quantity",
    "cost",
    "tokensIn",
    "tokensCached",
    "cached",
    "unpriced",
];

pub fn some<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(select(values))
}

fn teams() -> Vec<Value> {
    vec![
        json!("search"),
        json!("a b"),
        json!("a!"),
        json!("a"),
        json!(5),
        json!(true),
        json!(1),
        Value::Null,
        json!("\""),
    ]
}

/// A row within two days of an instant.
pub fn row(middle: Timestamp) -> impl Strategy<Value = Row> {
    let texts = |values: &[&str]| some(values.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>());
    let first =
        (any::<bool>(), -172_800_000..172_800_000_i64, select(vec!["acme", "other"]), select(vec!["x", "y.failed"]));
    let second = (
        texts(&["u1", "u2", "u3"]),
        texts(&["s1", "s2"]),
        texts(&["é", "z", "GET /"]),
        prop::option::of(any::<bool>()),
    );
    let third =
        (some(vec![200, 404, 99]), some(vec![1.5, 2.0, 1_000.25, 7.0]), some(vec![0.5, 3.0]), some(vec![0.25, 1.0]));
    let fourth = (some(vec![1, 20]), some(teams()), some(vec![3, 5]), prop::option::of(any::<bool>()));
    (first, second, third, fourth).prop_map(move |(first, second, third, fourth)| {
        let at = time::text(middle + TimeDelta::milliseconds(first.1));
        let row = if first.0 { Row::log(first.2, &at) } else { Row::event(first.2, &at, first.3) };
        Row {
            user: second.0,
            session: second.1,
            subject: second.2,
            success: second.3,
            status: third.0,
            duration: third.1,
            quantity: third.2,
            cost: third.3,
            tokens_in: fourth.0,
            team: fourth.1,
            tokens_cached: fourth.2,
            cached: fourth.3,
            ..row
        }
    })
}

pub fn filter() -> impl Strategy<Value = Value> {
    let texts = |field: &'static str, op: &'static str, values: &'static [&'static str]| {
        prop::collection::vec(select(values), 1..3)
            .prop_map(move |values| json!({ "field": field, "op": op, "values": values }))
            .boxed()
    };
    let team =
        (select(vec!["eq", "in", "neq"]), prop::collection::vec(select(teams()), 1..3)).prop_map(|(op, values)| {
            let values: Vec<_> =
                values.into_iter().map(|value| if value.is_null() { json!("null") } else { value }).collect();
            json!({ "field": "metadata.team", "op": op, "values": values })
        });
    let exists = (select(vec!["user", "status", "success", "metadata.team", "session"]), any::<bool>())
        .prop_map(|(field, there)| json!({ "field": field, "op": "exists", "values": [there] }));
    prop_oneof![
        texts("name", "eq", &["x", "ai.request"]),
        texts("user", "neq", &["u1", "u2"]),
        texts("subject", "contains", &["z", "é", "E", "%", ""]),
        texts("metadata.team", "contains", &["a", "5", "\""]),
        Just(json!({ "field": "status", "op": "in", "values": [200, 99.0] })),
        Just(json!({ "field": "status", "op": "neq", "values": [404] })),
        Just(json!({ "field": "success", "op": "eq", "values": [false] })),
        Just(json!({ "field": "success", "op": "neq", "values": [true] })),
        team,
        exists,
    ]
}

/// A question about the two days around an instant.
pub fn question() -> impl Strategy<Value = (Value, [Timestamp; 3])> {
    let fields = vec!["name", "subject", "user", "session", "organization", "status", "success", "metadata.team"];
    let range = (-2_880..0_i64, 1..2_880_i64);
    let groups = (some(vec!["hour", "day", "week", "month"]), prop::sample::subsequence(fields, 0..3));
    let others = (prop::sample::subsequence(METRICS.to_vec(), 1..6), prop::collection::vec(filter(), 0..3));
    let rest =
        (select(ZONES.to_vec()), select(vec!["events", "logs", "all"]), prop::option::of(select(vec!["acme", "none"])));
    (select(INSTANTS.to_vec()), range, groups, others, rest).prop_map(|(middle, range, groups, others, rest)| {
        let middle = time::parse(middle).unwrap();
        let (start, end) = (middle + TimeDelta::minutes(range.0), middle + TimeDelta::minutes(range.1));
        let groups: Vec<_> = groups.0.into_iter().chain(groups.1).collect();
        let question = json!({
            "start": time::text(start), "end": time::text(end), "groupBy": groups, "metrics": others.0,
            "filters": others.1, "timeZone": rest.0, "dataset": rest.1, "organizationId": rest.2, "limit": 10_000,
        });
        (question, [start, middle, end])
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_question_is_answered_as_by_plain_loops((question, instants) in question(), of in prop::collection::vec(row(time::parse("2026-11-27T12:00:00Z").unwrap()), 0..60)) {
        // The rows are where the question is.
        let moved = instants[1] - time::parse("2026-11-27T12:00:00Z").unwrap();
        let of: Vec<_> = of.into_iter().map(|row| Row { at: row.at + moved, ..row }).collect();
        let world = rows::world(&of);
        let rows = rows::ask(&world, "/query", &question);
        let expected = loops::answer(&of, &question, instants);
        prop_assert_eq!(rows, Value::Array(expected), "{}", question);
    }
}
