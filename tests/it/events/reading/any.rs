//! Any event at all.

use aig_logs::{
    event::{self, Refusal},
    record::Record,
};
use proptest::{prelude::*, sample::select};
use serde_json::{Map, Number, Value, json};

use super::{fields, receipt, settings};

/// Names that `read` knows, and others.
const NAMES: &[&str] = &[
    "organizationId",
    "org",
    "ns",
    "timestamp",
    "time",
    "id",
    "eventId",
    "actionId",
    "event",
    "event_name",
    "type",
    "verb",
    "userId",
    "user_id",
    "actor",
    "sessionId",
    "session_id",
    "subject",
    "tool_name",
    "usage",
    "model",
    "method",
    "path",
    "error_type",
    "source",
    "project_id",
    "success",
    "status_code",
    "status",
    "performance",
    "duration_ms",
    "duration",
    "execution_time_ms",
    "cost",
    "cost_usd",
    "error_message",
    "error",
    "properties",
    "metadata",
    "data",
    "specversion",
    "login",
    "email",
    "client_id",
    "auth_method",
    "message",
    "quantity",
    "unit",
    "sku",
    "statusCode",
    "user_login",
    "user_email",
    "other",
    "ip",
];

/// Names that settings withhold.
const WITHHELD: &[&str] = &["email", "user_id", "login", "user_email", "session_id", "tool_name", "path", "other"];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![9 => select(NAMES).prop_map(str::to_owned), 1 => any::<String>()]
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e6..1e6).prop_map(Value::from),
        any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Value::Null, Value::Number)),
        (0..600).prop_map(Value::from),
        any::<String>().prop_map(Value::String),
        "[a-z]{1,9}".prop_map(Value::String),
    ]
}

/// Any JSON object, in which known names are frequent.
fn object() -> impl Strategy<Value = Map<String, Value>> {
    let value = leaf().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(name(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(name(), value, 0..14).prop_map(|members| members.into_iter().collect())
}

/// An object that becomes a row: it has a name, and a time that can be read or none.
fn event() -> impl Strategy<Value = Map<String, Value>> {
    (object(), any::<bool>()).prop_map(|(mut event, has_time)| {
        event.insert("event".into(), "named".into());
        for name in ["timestamp", "time"] {
            event.remove(name);
        }
        if has_time {
            event.insert("timestamp".into(), json!("2026-11-28T09:30:00Z"));
        } else {
            for name in ["id", "eventId", "messageId", "actionId"] {
                event.remove(name);
            }
        }
        event
    })
}

fn read(event: Map<String, Value>, vars: &[(&str, &str)]) -> Result<Record, Refusal> {
    event::read(event, &receipt(), &settings(vars))
}

/// Calls `each` with every value that is no list and no object, and with the names that lead to it.
fn leaves<'a>(value: &'a mut Value, names: &mut Vec<String>, each: &mut impl FnMut(&[String], &'a mut Value)) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| leaves(value, names, each)),
        Value::Object(members) => {
            for (name, value) in members {
                names.push(name.clone());
                leaves(value, names, each);
                names.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => each(names, value),
    }
}

/// All leaves of a value.
fn all_leaves(mut value: Value) -> Vec<Value> {
    let mut all = Vec::new();
    leaves(&mut value, &mut Vec::new(), &mut |_, leaf| all.push(leaf.clone()));
    all
}

proptest! {
    #![proptest_config(crate::properties::config())]

    #[test]
    fn no_object_stops_the_reader(event in object()) {
        let all = [("DROP_METADATA", "email,data"), ("HASH_METADATA", "user_id,other"), ("EVENTS_TRUNCATE_IP", "true")];
        for vars in [&[][..], &all] {
            prop_assert_eq!(read(event.clone(), vars), read(event.clone(), vars));
        }
        let _ = event::of_point(&event);
    }

    #[test]
    fn no_point_stops_the_reader(blobs in prop::collection::vec(leaf(), 0..6), doubles in prop::collection::vec(leaf(), 0..5),
        first in select(&["ai-usage", "error", "user-event", "resource", "GET", "shop"][..]), third in select(&["cost", "tokens", "200"][..])) {
        let mut blobs = blobs;
        for (place, text) in [(0, first), (2, third)] {
            if blobs.len() > place {
                blobs[place] = text.into();
            }
        }
        let point = json!({ "blobs": blobs, "doubles": doubles, "indexes": [first], "other": 7 });
        if let Ok(event) = event::of_point(point.as_object().unwrap()) {
            // The kind alone is told by the name.
            let kept = Value::Object(event).to_string();
            for value in blobs.iter().skip(1).chain(&doubles).filter(|value| !value.is_null() && *value != third) {
                prop_assert!(kept.contains(&value.to_string()), "{value} of {point} in {kept}");
            }
        }
    }

    /// Each text and each number has a value of its own here, so that none can stand for another.
    #[test]
    fn every_value_is_found_again(event in event()) {
        let mut event = Value::Object(event);
        let mut count = 0;
        leaves(&mut event, &mut Vec::new(), &mut |names, leaf| {
            count += 1;
            match leaf {
                Value::String(text) if names[0] != "timestamp" && names[0] != "event" => *text = format!("text{count}."),
                // A status is small.
                Value::Number(number) => *number = Number::from(1_000 + count),
                Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {}
            }
        });
        let Ok(record) = read(fields(&event), &[]) else { return Ok(()) };
        let row = serde_json::to_value(&record).unwrap();
        let inside = |column: &str| row.get(column).map(|text| serde_json::from_str(text.as_str().unwrap()).unwrap());
        let mut kept: Vec<Value> = ["metadata", "extra"].into_iter().filter_map(inside).flat_map(all_leaves).collect();
        kept.extend(all_leaves(row.clone()));
        let is_kept = |value: &Value| match value {
            Value::Null | Value::Bool(_) => true,
            Value::Number(number) => kept.iter().any(|kept| {
                kept == value || kept.as_f64() == number.as_f64() || kept.as_str() == Some(&number.to_string())
            }),
            Value::String(text) => kept.iter().any(|kept| kept.as_str().is_some_and(|kept| kept.contains(text.as_str()))),
            Value::Array(_) | Value::Object(_) => unreachable!("a leaf is no container"),
        };
        let given = all_leaves(event.clone());
        for value in given.iter().filter(|value| **value != "2026-11-28T09:30:00Z") {
            prop_assert!(is_kept(value), "{value} of {event} in {row}");
        }
    }

    #[test]
    fn what_is_withheld_is_in_no_byte_of_the_record(
        event in event(),
        names in prop::sample::subsequence(WITHHELD, 1..WITHHELD.len()),
        dropped in 0..WITHHELD.len(),
        in_text in any::<bool>(),
    ) {
        let dropped = dropped.min(names.len());
        let lists = [names[..dropped].join(","), names[dropped..].join(",")];
        let vars = [("DROP_METADATA", lists[0].as_str()), ("HASH_METADATA", lists[1].as_str())];
        let is_withheld = |path: &[String]| {
            path.iter().any(|name| names.contains(&name.as_str()))
                || ["userId", "actor"].contains(&path[0].as_str()) && names.contains(&"user_id")
                || path[0] == "sessionId" && names.contains(&"session_id")
        };
        let mut event = Value::Object(event);
        leaves(&mut event, &mut Vec::new(), &mut |path, leaf| {
            if is_withheld(path) {
                *leaf = json!("a private value");
            } else if in_text && leaf.is_string() && path[0] != "timestamp" && path.len() > 1 {
                *leaf = json!({ names[0]: "a private value", "n": [{ names[0]: "a private value" }] }).to_string().into();
            }
        });
        match read(fields(&event), &vars) {
            Ok(record) => {
                let written = serde_json::to_string(&record).unwrap();
                prop_assert!(!written.contains("a private value"), "{event} in {written}");
            }
            Err(refusal) => prop_assert!(!refusal.to_string().contains("a private value")),
        }
    }
}
