//! Bytes and texts that are almost what they should be.

use std::fmt;

use proptest::{
    prelude::*,
    sample::{Index, select},
};
use serde_json::Value;

use super::number;

/// Cases of each test where nothing else is asked for.
const CASES: u32 = 3_000;

/// No error may hold it.
pub const SECRET: &str = "cxqjzvkwpyhush";

/// What a place in a JSON document may turn into.
const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "7.5",
    "1e300",
    "18446744073709551615",
    "99999999999999999999999",
    "\"\"",
    "\"\\u0000\"",
    "\"stopped\"",
    "\"\u{1f980}\"",
    "[]",
    "{}",
    "[null]",
    "{\"v\":1}",
    "[[[[[[[[]]]]]]]]",
    "\"0000-01-01T00:00:00Z\"",
    "\"0001-01-01T00:00:00Z\"",
    "\"9999-12-31T23:59:59.999999999Z\"",
    "\"2026-12-31T23:59:60Z\"",
    "\"+262142-12-31T23:59:59.999999999Z\"",
    "\"-262143-01-01T00:00:00Z\"",
];

/// As many cases as are asked for.
pub fn config() -> ProptestConfig {
    let cases = number("AIG_LOGS_CASES").map_or(CASES, |cases| u32::try_from(cases).unwrap());
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::default() }
}

/// Any bytes, or one of some documents with places turned into others and stretches torn out, doubled or overwritten.
pub fn damaged(documents: &'static [&'static str]) -> impl Strategy<Value = Body> {
    let document = (select(documents), places(), tears()).prop_map(|(text, places, tears)| {
        let whole = serde_json::from_str(text).map_or_else(|_| text.to_owned(), |value| replaced(value, &places));
        torn(whole.into_bytes(), &tears)
    });
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..300), 6 => document].prop_map(Body)
}

/// Bytes that a failing case shows as text.
pub struct Body(pub Vec<u8>);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

fn places() -> impl Strategy<Value = Vec<(Index, &'static str)>> {
    prop::collection::vec((any::<Index>(), select(VALUES)), 0..4)
}

/// Stretches to overwrite.
pub fn tears() -> impl Strategy<Value = Vec<(Index, Index, &'static str)>> {
    let some = prop::collection::vec((any::<Index>(), any::<Index>(), select(VALUES)), 1..4);
    prop_oneof![3 => Just(Vec::new()), 1 => some]
}

fn replaced(mut value: Value, places: &[(Index, &str)]) -> String {
    for (place, new) in places {
        let mut pointers = Vec::new();
        pointers_of(&value, String::new(), &mut pointers);
        let pointer = &pointers[place.index(pointers.len())];
        *value.pointer_mut(pointer).unwrap() = serde_json::from_str(new).unwrap();
    }
    value.to_string()
}

fn pointers_of(value: &Value, here: String, all: &mut Vec<String>) {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, inner)| pointers_of(inner, format!("{here}/{}", escaped(name)), all));
        }
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(n, inner)| pointers_of(inner, format!("{here}/{n}"), all));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    all.push(here);
}

pub fn torn(mut bytes: Vec<u8>, tears: &[(Index, Index, &str)]) -> Vec<u8> {
    for (from, to, new) in tears {
        let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
        bytes.splice(from.min(to)..from.max(to), new.bytes());
    }
    bytes
}

/// Whether no output for people shows the secret.
pub fn hides_the_secret(value: &impl fmt::Debug) -> bool {
    !format!("{value:?}").contains(SECRET)
}
