//! Takes out of an event what nobody may read. This happens before anything else is done with its fields.

use std::mem;

use serde_json::{Map, Value};

use super::{address, json::Members, metadata::of_user};
use crate::{config::EventSettings, log::privacy::Privacy};

const USER_ID: &str = "user_id";

/// The fields without what nobody may read. Most servers withhold nothing.
pub(super) fn without_private<'a>(fields: Members<'a>, settings: &EventSettings) -> Members<'a> {
    if !settings.privacy.is_active() && !settings.truncate_ip {
        return fields;
    }
    let mut fields = Map::from(fields);
    withhold(&mut fields, settings);
    fields.into()
}

/// Removes and hashes fields as the settings say, and cuts addresses.
pub fn withhold(fields: &mut Map<String, Value>, settings: &EventSettings) {
    let privacy = &settings.privacy;
    if privacy.is_active() {
        let user = user(fields, privacy);
        privacy.apply_deeply(fields);
        fields.extend(user.map(|user| (USER_ID.to_owned(), user)));
    }
    if settings.truncate_ip {
        truncate(fields);
    }
}

/// Moves the object `user_id` out of the fields, without what is withheld. Each member goes by its own name, by its
/// name in the metadata, and by the name of the object: any of them may become the column `user_id`.
fn user(fields: &mut Map<String, Value>, privacy: &Privacy) -> Option<Value> {
    let members = fields.get_mut(USER_ID)?.as_object_mut().map(mem::take)?;
    fields.remove(USER_ID);
    let left = members.into_iter().filter_map(|(name, value)| {
        let value = privacy.left(&[&name, &of_user(&name), USER_ID], value)?;
        Some((name, value))
    });
    let left: Map<_, _> = left.collect();
    (!left.is_empty()).then_some(Value::Object(left))
}

/// Cuts the last part off each address in a field that has the name of one, at every level.
fn truncate(fields: &mut Map<String, Value>) {
    for (name, value) in fields {
        if address::is_name(name) {
            address::truncate(value);
        } else {
            truncate_within(value);
        }
    }
}

fn truncate_within(value: &mut Value) {
    match value {
        Value::Object(members) => truncate(members),
        Value::Array(list) => list.iter_mut().for_each(truncate_within),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
