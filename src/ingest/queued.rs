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
    event::EVENTS,
    host::{Put, Server, Store},
    plan::batch::{self, Limits},
    record::Record,
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
    let refused = write(server.database(), events).await;
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
        let text = settings.privacy.apply_to_text(&message.text);
        let body = Body::Text { id: message.id, created_at: Some(message.sent), text };
        return (events, vec![DeadLetter { body, reason: "the message of the queue is no list of events".into() }]);
    };
    for row in rows {
        match Record::from_json(&EVENTS, row.clone()) {
            Ok(event) => events.push(event),
            Err(problem) => {
                let id = row["id"].as_str().unwrap_or_default().to_owned();
                let reason = format!("the row {problem}");
                dead.push(DeadLetter { body: Body::Unknown { id, row, problem }, reason });
            }
        }
    }
    (events, dead)
}

/// Writes events in one statement. If the database refuses it for good, halves are written, so that only the events that it
/// refuses alone become dead letters.
async fn write(database: &impl Database, events: Vec<Record>) -> Result<Vec<DeadLetter>, CallError> {
    let mut refused = Vec::new();
    let mut parts = vec![events];
    while let Some(mut part) = parts.pop() {
        match database.run(vec![Statement::Write(part.clone())]).await {
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
