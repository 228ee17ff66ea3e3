//! What becomes of an entry's values. The world compares every other row with its entry too.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::world::{MINUTE, Table, World};

/// The row of an entry with these fields, the same in every sink.
fn row(fields: &Value) -> Value {
    let tables = [Table::BigQuery, Table::sqlite(), Table::ndjson()];
    let [first, second, third] = tables.map(|table| {
        let mut world = World::new();
        world.table = table;
        let id = world.add_with(MINUTE, fields.clone());
        assert!(world.forward().is_complete());
        world.assert_once();
        json!(world.row(&id))
    });
    assert_eq!((&first, &first), (&second, &third));
    first
}

#[test]
fn zero_stays_zero_and_null_stays_null() {
    let zero = row(&json!({ "tokens_in": 0, "cost": 0, "step": 0, "success": 0, "cached": false, "feedback": 0 }));
    assert_eq!((&zero["tokens_in"], &zero["cost"], &zero["step"]), (&json!(0), &json!(0.0), &json!(0)));
    assert_eq!((&zero["success"], &zero["cached"], &zero["feedback"]), (&json!(false), &json!(false), &json!(0)));
    let null = row(&json!({ "tokens_in": null, "cost": null, "metadata": null, "timings": null, "model": null }));
    for column in ["tokens_in", "cost", "metadata", "latency", "model", "extra"] {
        assert_eq!(null[column], Value::Null, "{column}");
    }
}

#[test]
fn unknown_fields_are_kept_in_extra() {
    let row = row(&json!({ "guardrails": { "prompt": "allowed" }, "timings": { "latency": 1, "total": 2 }, "a": [0] }));
    assert_eq!(row["extra"], json!({ "guardrails": { "prompt": "allowed" }, "timings": { "total": 2 }, "a": [0] }));
    assert_eq!(row["latency"], 1.0);
}

#[test]
fn a_value_of_the_wrong_type_is_kept_in_extra_and_its_column_is_null() {
    let wrong = json!({
        "model": 5, "tokens_in": "12", "tokens_out": 1.5, "success": 2, "cost": "free", "metadata": "no JSON",
        "provider": { "name": "openai" }, "timings": "slow", "location": { "region": 4 }, "step": 1e300,
    });
    let row = row(&wrong);
    assert_eq!(row["extra"], wrong);
    for column in ["model", "tokens_in", "tokens_out", "success", "cost", "metadata", "provider", "latency", "region"] {
        assert_eq!(row[column], Value::Null, "{column}");
    }
}

#[test]
fn numbers_and_texts_arrive_as_they_were() {
    let row = row(&json!({
        "tokens_in": 9_007_199_254_740_993_i64, "tokens_out": 412.0, "cost": 0.1 + 0.2, "score": 1e-320,
        "model": "a \"quoted\"\n\u{0} ünïcode 🦀 text", "metadata": { "team": "søk", "nested": [{ "a": null }] },
    }));
    assert_eq!((&row["tokens_in"], &row["tokens_out"]), (&json!(9_007_199_254_740_993_i64), &json!(412)));
    assert_eq!((&row["cost"], &row["score"]), (&json!(0.1 + 0.2), &json!(1e-320)));
    assert_eq!(row["model"], "a \"quoted\"\n\u{0} ünïcode 🦀 text");
    assert_eq!(row["metadata"], json!({ "team": "søk", "nested": [{ "a": null }] }));
}

#[test]
fn an_instant_finer_than_a_millisecond_is_kept_and_read_once() {
    for digits in ["4175", "417123", "417123987"] {
        let mut world = World::new();
        let created_at = format!("2026-11-02T11:55:22.{digits}Z");
        world.add_with(MINUTE, json!({ "created_at": created_at }));
        world.add_with(MINUTE, json!({ "created_at": "2026-11-02T11:55:22.417Z" }));
        for _ in 0..3 {
            assert!(world.forward().is_complete());
            world.assert_once();
            world.pass_time(MINUTE + TimeDelta::milliseconds(1));
        }
    }
}
