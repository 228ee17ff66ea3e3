//! Events: what becomes a row, which row, and what is refused.

mod any;
mod columns;
mod dialects;
mod refusals;
mod withheld;

use aig_logs::{
    config::EventSettings,
    event::{self, Receipt, Way},
    time,
};
use serde_json::{Map, Value, json};

/// When the events of these tests are received.
const RECEIVED: &str = "2026-11-29T12:00:00.123456Z";

/// The id of an event of these tests that has none: 48 bits of the receipt's milliseconds, and its 80 random bits.
const MADE_ID: &str = "01M8KJT9KV04HMASW9NF6YY093";

/// A key for hashes.
const HASH_KEY: &str = "a key of 20 letters.";

/// The settings of a server with these variables. It takes events of ten years.
fn settings(vars: &[(&str, &str)]) -> EventSettings {
    let lookup = |name: &str| match name {
        "EVENT_RETENTION_DAYS" => Some("3650".to_owned()),
        "HASH_KEY" => Some(HASH_KEY.to_owned()),
        _ => None,
    };
    let given = |name: &str| vars.iter().find(|(given, _)| *given == name).map(|(_, text)| (*text).to_owned());
    EventSettings::from_vars(|name| given(name).or_else(|| lookup(name))).unwrap()
}

/// The receipt of an event from a sender that may write for all orgs.
fn receipt() -> Receipt<'static> {
    Receipt {
        at: time::parse(RECEIVED).unwrap(),
        way: Way::Http,
        org: None,
        idempotency_key: None,
        place: 0,
        random: 0x0123_4567_89ab_cdef_0123,
    }
}

fn fields(event: &Value) -> Map<String, Value> {
    event.as_object().unwrap().clone()
}

/// The row of an event, with its JSON as values; or the reason why it has none.
fn read(event: &Value, receipt: &Receipt<'_>, settings: &EventSettings) -> Result<Value, String> {
    let record = event::read(fields(event), receipt, settings).map_err(|refusal| refusal.to_string())?;
    let mut row = serde_json::to_value(record).unwrap();
    for column in ["metadata", "extra"] {
        if let Some(value) = row.get_mut(column) {
            *value = serde_json::from_str(value.as_str().unwrap()).unwrap();
        }
    }
    Ok(row)
}

/// The row of an event.
fn row(event: &Value) -> Value {
    read(event, &receipt(), &settings(&[])).unwrap_or_else(|reason| panic!("{event}: {reason}"))
}

/// An object with the members of both.
fn with(object: &Value, others: &Value) -> Value {
    let mut all = fields(object);
    all.extend(fields(others));
    Value::Object(all)
}

/// What every row has that is made without an org, a time and an id.
fn unnamed() -> Value {
    json!({
        "org": "default", "created_at": "2026-11-29T12:00:00.123Z", "id": MADE_ID, "source": "http",
        "ingested_at": "2026-11-29T12:00:00.123Z",
    })
}
