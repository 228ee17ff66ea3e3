//! What a server of the events API has beside its database.

use crate::{
    database::{Database, Statement},
    error::CallError,
    record::Record,
    rollup,
    time::{self, Timestamp},
};

/// A server of the events API: clock, random numbers, a limit of requests, and the durable store of events.
#[expect(async_fn_in_trait, reason = "a host picks the server, and knows whether its futures are Send")]
pub trait Server {
    /// The database of events and keys.
    type Database: Database;

    /// The database of events and keys.
    fn database(&self) -> &Self::Database;

    /// The present, UTC.
    fn now(&self) -> Timestamp;

    /// Fills `bytes` with random bytes that nobody can guess.
    fn fill(&self, bytes: &mut [u8]);

    /// Up to when the events are complete in the database, UTC; none: not known, because a queue is in front of it.
    fn complete_through(&self) -> Option<Timestamp> {
        Some(time::floor_ms(self.now()))
    }

    /// What an archive still holds of a user of an org after an erase; none: there is no archive.
    fn archive_note(&self, _org: &str) -> Option<String> {
        None
    }

    /// Counts one request of a key. Whether the key may make it.
    async fn allows(&self, key: &str) -> bool;

    /// Keeps events durably: in the database, or in a queue in front of it. Returns how many were not there before; a
    /// queue cannot tell, and takes all of them for new.
    ///
    /// # Errors
    /// If this is not certain of every event. The sender sends the same events again.
    async fn keep(&self, events: Vec<Record>) -> Result<u64, CallError> {
        let note = rollup::note(&events, self.now());
        let done = self.database().run([Statement::Write(events)].into_iter().chain(note).collect()).await?;
        Ok(done.first().map_or(0, |done| done.changed))
    }
}
