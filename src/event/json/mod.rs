//! The JSON of an event, as fast as it can be read: an object is a sorted list instead of a tree, and a text without escapes
//! is a part of the text that was read.

mod members;
mod read;

use std::{borrow::Cow, mem};

use serde::{Serialize, Serializer};
use serde_json::Value;

pub use self::members::Members;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// An object.
    Object(Members<'a>),
    /// Any other value: a list, a number, a truth, or null.
    Other(Value),
}

impl<'a> Json<'a> {
    /// The text of a text.
    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Other(Value::Null))
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Other(Value::Number(_)))
    }

    /// The members of an object, to change them.
    pub(crate) fn as_object_mut(&mut self) -> Option<&mut Members<'a>> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The value. Null is left in its place.
    pub(crate) fn take(&mut self) -> Self {
        mem::replace(self, Self::Other(Value::Null))
    }

    /// Whether it has more levels of nesting than these.
    pub(crate) fn is_deeper(&self, levels: usize) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Object(members) => members.is_deeper(levels),
            Self::Other(value) => is_deeper(value, levels),
        }
    }
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(list) => levels == 0 || list.iter().any(|value| is_deeper(value, levels - 1)),
        Value::Object(members) => levels == 0 || members.values().any(|value| is_deeper(value, levels - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

impl From<Value> for Json<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(Cow::Owned(text)),
            Value::Object(members) => Self::Object(members.into()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Self::Other(value),
        }
    }
}

impl From<Json<'_>> for Value {
    fn from(json: Json<'_>) -> Self {
        match json {
            Json::Text(text) => Self::String(text.into_owned()),
            Json::Object(members) => Self::Object(members.into()),
            Json::Other(value) => value,
        }
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Object(members) => members.serialize(serializer),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::{Json, Members};

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e300..1e300).prop_map(Value::from),
            "[a-z\"\\\\é\n]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 12, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-d\\\\]{0,3}", inner, 0..12)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_is_read_and_written_as_by_serde(value in value()) {
            let text = value.to_string();
            let read: Json<'_> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&serde_json::to_string(&read).unwrap(), &text);
            prop_assert_eq!(&read, &Json::from(value.clone()));
            prop_assert_eq!(Value::from(read), value);
        }

        #[test]
        fn members_are_found_as_in_a_map(
            given in prop::collection::vec(("[a-c]{0,2}", 0..9), 0..12), changes in prop::collection::vec(("[a-c]{0,2}", any::<bool>()), 0..12)
        ) {
            let texts: Vec<_> = given.iter().map(|(name, number)| format!("\"{name}\":{number}")).collect();
            let text = format!("{{{}}}", texts.join(","));
            let mut members: Members<'_> = serde_json::from_str(&text).unwrap();
            let mut map: Map<String, Value> = serde_json::from_str(&text).unwrap();
            for (name, is_added) in &changes {
                prop_assert_eq!(members.get(name).cloned().map(Value::from), map.get(name).cloned());
                if *is_added {
                    members.add(name.as_str().into(), json!(10).into());
                    map.entry(name.clone()).or_insert(json!(10));
                } else {
                    members.remove(name);
                    map.remove(name);
                }
            }
            prop_assert_eq!(members.is_empty(), map.is_empty());
            prop_assert_eq!(Map::from(members), map);
        }
    }
}
