//! The metadata of an event: what its sender says in words of its own.

use std::{borrow::Cow, mem};

use super::json::{Json, Members};

/// The fields whose members are metadata.
const OBJECTS: [&str; 3] = ["properties", "metadata", "data"];

/// Moves the metadata out of the fields. Of members of the same name the first one counts; another value stays where
/// it is.
pub(super) fn take<'a>(fields: &mut Members<'a>) -> Members<'a> {
    let mut metadata = Members::default();
    for name in OBJECTS {
        if metadata.is_empty()
            && let Some(members) = fields.get_mut(name).and_then(Json::as_object_mut)
        {
            metadata = mem::take(members);
        }
        take_members(fields, name, &mut metadata, |name| Cow::Borrowed(name));
    }
    if let Some(data) = fields.get_mut("data").filter(|data| !data.is_null() && !matches!(data, Json::Object(_)))
        && metadata.get("data").is_none()
    {
        metadata.add("data".into(), data.take());
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

fn take_members<'a>(
    fields: &mut Members<'a>,
    object: &str,
    metadata: &mut Members<'a>,
    named: fn(&str) -> Cow<'_, str>,
) {
    let Some(members) = fields.get_mut(object).and_then(Json::as_object_mut) else { return };
    let mut left = Members::default();
    for (name, value) in mem::take(members) {
        let name_there = named(&name);
        match metadata.get(&name_there) {
            Some(there) if *there == value => {}
            Some(_) => left.add(name, value),
            None => {
                let name = match name_there {
                    Cow::Owned(other) => Cow::Owned(other),
                    Cow::Borrowed(_) => name,
                };
                metadata.add(name, value);
            }
        }
    }
    if left.is_empty() {
        fields.remove(object);
    } else {
        *members = left;
    }
}
