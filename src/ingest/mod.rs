//! Events in: a body becomes events, the store keeps them, and the answer says what became of each.

mod body;
pub mod queued;

pub use self::body::{Element, Form, LARGEST_BODY, MOST_EVENTS, Unreadable, events, fields, unpacked};
use crate::{
    config::EventSettings,
    error::CallError,
    event::{self, Receipt, Refusal, Way},
    host::Server,
    record::Record,
};
use serde::Serialize;

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Events that are newly written.
    pub accepted: u64,
    /// Events that were there before, or earlier in the batch.
    pub duplicates: u64,
    /// The id of each event, in the order of the batch; none: it is refused.
    pub ids: Vec<Option<String>>,
    /// The events that are not taken.
    pub refused: Vec<Refused>,
    /// Whether every event names another org than its key's.
    #[serde(skip)]
    pub is_foreign: bool,
}

/// An event that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Why, as a sentence.
    pub reason: String,
}

/// Who sends a batch.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// How the events come.
    pub way: Way,
    /// The org of the sender's key; none: all orgs.
    pub org: Option<&'a str>,
    /// The text of `Idempotency-Key`.
    pub idempotency_key: Option<&'a str>,
}

/// Reads each event, keeps those that can be taken, and says what became of each.
///
/// # Errors
/// If the store did not confirm that it has the events. Some may be kept.
pub async fn ingest<S: Server>(
    server: &S,
    settings: &EventSettings,
    sender: &Sender<'_>,
    elements: impl IntoIterator<Item = Element<'_>>,
) -> Result<Taken, CallError> {
    let at = server.now();
    let mut taken = Taken::default();
    let mut foreign = 0;
    let mut events: Vec<Record> = Vec::new();
    for (place, element) in elements.into_iter().enumerate() {
        let receipt = Receipt {
            at,
            way: sender.way,
            org: sender.org,
            idempotency_key: sender.idempotency_key,
            place,
            random: random(server),
        };
        let event = element.map_err(Refusal::Reason).and_then(|fields| event::read(fields, &receipt, settings));
        match event {
            Ok(event) => {
                taken.ids.push(Some(event.id().to_owned()));
                events.push(event);
            }
            Err(refusal) => {
                foreign += usize::from(refusal == Refusal::OtherOrg);
                taken.ids.push(None);
                taken.refused.push(Refused { index: place, reason: refusal.to_string() });
            }
        }
    }
    taken.is_foreign = foreign > 0 && foreign == taken.ids.len();
    if !events.is_empty() {
        let sent = events.len() as u64;
        // A trigger of somebody else may have changed further lines.
        taken.accepted = server.keep(events).await?.min(sent);
        taken.duplicates = sent - taken.accepted;
    }
    Ok(taken)
}

/// 80 random bits.
fn random(server: &impl Server) -> u128 {
    let mut bytes = [0; 16];
    server.fill(&mut bytes[6..]);
    u128::from_be_bytes(bytes)
}
