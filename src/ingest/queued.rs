//! Events in a queue in front of the database: what a message holds, and how its events come into the database.
//!
//! A message is a JSON list of records, each as records are written everywhere. It is done only when each of its events is
//! in the database or a dead letter. If we stop earlier, the queue brings the same message again: a repeated write changes
//! nothing.

use serde_json::Value;

use crate::{
    config::EventSettings,
    database::{Database, Statement},
    error::{CallError, Error},
    event::{EVENTS, withhold},
    host::{Put, Server, Store},
    plan::batch::{self, Limits},
    record::Record,
    rollup,
    state::{Body, DeadLetter, OF_EVENTS, dead_letters},
    time::Timestamp,
};

/// The most of one message. A message may have 128 KB, of 1,000 bytes. developers.cloudflare.com/queues/platform/limits
const LARGEST_MESSAGE: Limits = Limits { rows: usize::MAX, bytes: 120_000 };

/// A message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// When it was sent, UTC.
    pub sent: Timestamp,
    /// Its text.
    pub text: String,
}

/// Events as the texts of messages, in order, and as few as hold them.
///
/// # Errors
/// If an event has no JSON form. It never occurs in practice.
pub fn messages(events: &[Record]) -> Result<Vec<String>, CallError> {
    let texts = events.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
    let texts = texts.map_err(|error| CallError::denied(error.to_string(), "Send it without this field"))?;
    let sizes: Vec<_> = texts.iter().map(|text| text.len() + 1).collect();
    let ranges = batch::cut(&sizes, LARGEST_MESSAGE).into_iter();
    Ok(ranges.map(|range| format!("[{}]", texts[range].join(","))).collect())
}

/// Writes the events of a message into the database. What can never be written becomes a dead letter.
///
/// # Errors
/// If an event is neither in the database nor a dead letter. The same message must come again.
pub async fn deliver<S: Server>(
    server: &S,
    store: &impl Store,
    settings: &EventSettings,
    message: Message,
) -> Result<(), Error> {
    let (events, mut dead) = read(message, settings);
    let refused = write(server.database(), events, server.now()).await;
    dead.extend(refused.map_err(|error| Error::Sink { sink: "the database of events", error })?);
    let mut tag = [0; 2];
    server.fill(&mut tag);
    for kept in dead_letters(OF_EVENTS, server.now(), u16::from_be_bytes(tag), &dead) {
        let ttl = settings.retention.to_std().ok();
        let put = store.put(&kept.key, &kept.value, &Put { ttl, metadata: Some(kept.metadata()) }).await;
        // If we stop here: the events are written, and the dead letters are made once more.
        put.map_err(|error| Error::Store { action: "saving", key: kept.key.clone(), error })?;
        log::error!(key = kept.key.as_str(), events = kept.n; "events that can never be written");
    }
    Ok(())
}

/// The events of a message, and what cannot be read of it.
fn read(message: Message, settings: &EventSettings) -> (Vec<Record>, Vec<DeadLetter>) {
    let (mut events, mut dead) = (Vec::new(), Vec::new());
    let Ok(rows) = serde_json::from_str::<Vec<Value>>(&message.text) else {
        // No Worker of ours sends such a text, so it may hold what is withheld.
        let text = match serde_json::from_str(&message.text) {
            Ok(value) => without_private(value, settings).to_string(),
            Err(_) if settings.privacy.is_active() => String::new(),
            Err(_) => message.text,
        };
        let body = Body::Text { id: message.id, created_at: Some(message.sent), text };
        return (events, vec![DeadLetter { body, reason: "the message of the queue is no list of events".into() }]);
    };
    for row in rows {
        match Record::from_json(&EVENTS, row.clone()) {
            Ok(event) => events.push(event),
            Err(problem) => {
                // A Worker of ours has withheld already, and a second hash of a hash would fit no other row.
                let row = if is_ours(&row) { row } else { without_private(row, settings) };
                let id = row["id"].as_str().unwrap_or_default().to_owned();
                let reason = format!("the row {problem}");
                dead.push(DeadLetter { body: Body::Unknown { id, row, problem }, reason });
            }
        }
    }
    (events, dead)
}

/// Whether a Worker of ours has made a row, perhaps one of another version: each of its rows has these columns.
fn is_ours(row: &Value) -> bool {
    ["org", "created_at", "id", "name", "source", "ingested_at"].iter().all(|column| row[column].is_string())
}

/// A row that no Worker of ours has sent, without what is withheld.
fn without_private(row: Value, settings: &EventSettings) -> Value {
    if let Value::Object(mut fields) = row {
        withhold(&mut fields, settings);
        return Value::Object(fields);
    }
    if settings.privacy.is_active() { format!("a value of {} bytes", row.to_string().len()).into() } else { row }
}

/// Writes events in one statement. If the database refuses it for good, halves are written, so that only the events that it
/// refuses alone become dead letters.
async fn write(database: &impl Database, events: Vec<Record>, now: Timestamp) -> Result<Vec<DeadLetter>, CallError> {
    let mut refused = Vec::new();
    let mut parts = vec![events];
    while let Some(mut part) = parts.pop() {
        let note = rollup::note(&part, now);
        match database.run([Statement::Write(part.clone())].into_iter().chain(note).collect()).await {
            Ok(_) => {}
            Err(CallError::Denied { .. }) if part.len() > 1 => {
                let half = part.split_off(part.len() / 2);
                parts.extend([half, part]);
            }
            Err(error @ CallError::Denied { .. }) => {
                let reason = error.to_string();
                let letter = |event| DeadLetter { body: Body::Row(event), reason: reason.clone() };
                refused.extend(part.into_iter().map(letter));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(id: usize, size: usize) -> Record {
        let written = json!({
            "org": "acme", "created_at": "2026-11-01T00:00:00.001Z", "id": id.to_string(), "name": "n", "source": "http",
            "ingested_at": "2026-11-01T00:00:00Z", "success": true, "cost": 0.1, "status_code": 9_007_199_254_740_993_i64,
            "metadata": json!({ "text": "\"".repeat(size) }).to_string(),
        });
        Record::from_json(&EVENTS, written).unwrap()
    }

    fn message(text: String) -> Message {
        Message { id: "m".into(), sent: Timestamp::UNIX_EPOCH, text }
    }

    fn settings(dropped: &str) -> EventSettings {
        EventSettings::from_vars(|name| (name == "DROP_METADATA").then(|| dropped.to_owned())).unwrap()
    }

    /// What is kept of a row that cannot be read, if users are hashed.
    fn left(row: &Value) -> Value {
        let lookup = |name: &str| match name {
            "HASH_METADATA" => Some("user_id".to_owned()),
            "HASH_KEY" => Some("a key of 20 letters.".to_owned()),
            _ => None,
        };
        let (events, mut dead) = read(message(json!([row]).to_string()), &EventSettings::from_vars(lookup).unwrap());
        assert_eq!(events, []);
        match dead.remove(0).body {
            Body::Unknown { row, .. } => row,
            body @ (Body::Row(_) | Body::Text { .. }) => panic!("{body:?}"),
        }
    }

    #[test]
    fn what_is_sent_is_read_as_it_was_and_no_message_is_too_large() {
        // The last one has 32 KiB of quotes, each of which is escaped twice.
        let events: Vec<_> = (0..200).map(|n| event(n, n * 10)).chain([event(200, 16 << 10)]).collect();
        let messages = messages(&events).unwrap();
        assert!(messages.len() > 1 && messages.iter().all(|text| text.len() <= 128_000));
        let read: Vec<_> = messages.into_iter().map(|text| read(message(text), &settings(""))).collect();
        assert!(read.iter().all(|(_, dead)| dead.is_empty()));
        assert_eq!(read.into_iter().flat_map(|(events, _)| events).collect::<Vec<_>>(), events);
    }

    #[test]
    fn a_row_of_another_version_is_kept_as_it_came_and_any_other_is_hashed() {
        let mut row = serde_json::to_value(event(1, 1)).unwrap();
        row["user_id"] = "5f1d".into();
        row["colour"] = "a column of a later version".into();
        assert_eq!(left(&row), row);
        for column in ["org", "created_at", "id", "name", "source", "ingested_at"] {
            let mut foreign = row.clone();
            foreign[column] = 7.into();
            let left = left(&foreign);
            assert!(left["user_id"] != "5f1d" && left["user_id"].is_string(), "{column}: {left}");
        }
    }

    #[test]
    fn what_is_no_event_hides_no_other_and_keeps_what_it_may() {
        let text = format!(r#"[{},{{"id":"x","org":"o","colour":1}},7]"#, serde_json::to_string(&event(1, 1)).unwrap());
        let (events, dead) = read(message(text), &settings(""));
        let kept: Vec<_> = dead.iter().map(|letter| (letter.id(), letter.reason.contains("colour"))).collect();
        assert_eq!((events, &kept[..]), (vec![event(1, 1)], &[("x", true), ("", false)][..]));

        let unreadable = |dropped: &str| {
            let (events, dead) = read(message(r#"{"metadata":{"email":"a@b"}"#.into()), &settings(dropped));
            assert_eq!(events, []);
            dead[0].body.clone()
        };
        let body =
            |text: &str| Body::Text { id: "m".into(), created_at: Some(Timestamp::UNIX_EPOCH), text: text.into() };
        assert_eq!(unreadable(""), body(r#"{"metadata":{"email":"a@b"}"#));
        assert_eq!(unreadable("email"), body(""), "what is withheld may be anywhere in it");
    }
}
