//! What a server of the events API has: a database, and an archive where events go before they are deleted from it.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use crate::{
    database::{Database, Statement},
    error::CallError,
    query::{self, Known, NoAnswer, Table, What},
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

    /// Up to when the logs are complete in the database, UTC; none: not known.
    async fn logs_complete_through(&self) -> Option<Timestamp> {
        query::pipeline::complete_through(self.database()).await
    }

    /// What an archive still holds of a user of an org after an erase; none: there is no archive.
    fn archive_note(&self, _org: &str) -> Option<String> {
        None
    }

    /// Counts one request of a key. Whether the key may make it.
    async fn allows(&self, key: &str) -> bool;

    /// Answers what is asked.
    ///
    /// # Errors
    /// If it would read too much, or nobody answers.
    async fn ask(&self, what: What<'_>, known: Known<'_>) -> Result<Table, NoAnswer> {
        query::answer(self.database(), what, known).await
    }

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

/// An object of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What tells this version of it from any other.
    pub version: String,
}

/// A durable store of objects by name.
#[expect(async_fn_in_trait, reason = "a host picks the archive, and knows whether its futures are Send")]
pub trait Archive {
    /// The object of this name, as it was last kept.
    ///
    /// # Errors
    /// If the archive does not answer.
    async fn get(&self, name: &str) -> Result<Option<Object>, CallError>;

    /// Keeps an object durably, in place of the version that the caller has read; none: there was no such object. Two
    /// callers never replace what the other has kept.
    ///
    /// # Errors
    /// If this is not certain, or another version is there now.
    async fn put(&self, name: &str, bytes: Vec<u8>, replaces: Option<&str>) -> Result<(), CallError>;

    /// A member of gzip that holds these bytes.
    ///
    /// # Errors
    /// If the host cannot pack.
    async fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, CallError> {
        let mut member = GzEncoder::new(Vec::new(), Compression::default());
        let packed = member.write_all(bytes).and_then(|()| member.finish());
        packed.map_err(|error| CallError::Broken(error.to_string()))
    }
}
