//! The metadata of an event: what its sender says in words of its own.

use std::{borrow::Cow, mem};

use serde_json::{Map, Value, map::Entry};

use super::place::Members;

/// The fields whose members are metadata.
const OBJECTS: [&str; 3] = ["properties", "metadata", "data"];

/// Moves the metadata out of the fields. Of members of the same name the first one counts; another value stays where
/// it is.
pub(super) fn take(fields: &mut Members) -> Map<String, Value> {
    let mut metadata = Map::new();
    for name in OBJECTS {
        if metadata.is_empty()
            && let Some(Value::Object(members)) = fields.get_mut(name)
        {
            metadata = mem::take(members);
        }
        take_members(fields, name, &mut metadata, |name| Cow::Borrowed(name));
    }
    if let Some(data) = fields.get_mut("data").filter(|data| !data.is_null() && !data.is_object())
        && let Entry::Vacant(free) = metadata.entry("data")
    {
        free.insert(data.take());
    }
    take_members(fields, "user_id", &mut metadata, of_user);
    metadata
}

/// The name in the metadata of a member of the object `user_id`.
pub(super) fn of_user(member: &str) -> Cow<'_, str> {
    match member {
        "client_id" | "auth_method" => Cow::Borrowed(member),
        _ => Cow::Owned(format!("user_{member}")),
    }
}

fn take_members(
    fields: &mut Members,
    object: &str,
    metadata: &mut Map<String, Value>,
    named: fn(&str) -> Cow<'_, str>,
) {
    let Some(Value::Object(members)) = fields.get_mut(object) else { return };
    let mut left = Map::new();
    for (name, value) in mem::take(members) {
        let name_there = named(&name);
        match metadata.get(&*name_there) {
            Some(there) if *there == value => {}
            Some(_) => {
                left.insert(name, value);
            }
            None => {
                let name = match name_there {
                    Cow::Owned(other) => other,
                    Cow::Borrowed(_) => name,
                };
                metadata.insert(name, value);
            }
        }
    }
    if left.is_empty() {
        fields.remove(object);
    } else {
        *members = left;
    }
}
