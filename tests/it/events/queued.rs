//! A queue in front of the database, and a store of dead letters, both in memory.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use aig_logs::{
    error::{CallError, StoreError},
    host::{Listing, Put, Server, Store},
    ingest::queued,
    record::Record,
    time::Timestamp,
};

use super::world::{Host, Memory, Strike};

/// A server with a queue in front of its database.
pub struct Queued<'a> {
    host: &'a Host,
    pub messages: RefCell<Vec<String>>,
}

impl<'a> Queued<'a> {
    pub fn before(host: &'a Host) -> Self {
        Self { host, messages: RefCell::default() }
    }
}

impl Server for Queued<'_> {
    type Database = Memory;

    fn database(&self) -> &Memory {
        &self.host.memory
    }

    fn now(&self) -> Timestamp {
        self.host.now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.host.fill(bytes);
    }

    async fn allows(&self, key: &str) -> bool {
        self.host.allows(key).await
    }

    /// The queue is struck as if it were the database.
    async fn keep(&self, events: Vec<Record>) -> Result<u64, CallError> {
        let messages = queued::messages(&events)?;
        self.host.memory.call(|| self.messages.borrow_mut().extend(messages))?;
        Ok(events.len() as u64)
    }
}

/// Dead letters by their keys, and what the next meets.
#[derive(Default)]
pub struct Letters(pub RefCell<BTreeMap<String, String>>, pub Cell<Option<Strike>>);

impl Store for Letters {
    async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreError> {
        Ok(keys.iter().map(|key| self.0.borrow().get(*key).cloned()).collect())
    }

    async fn put(&self, key: &str, value: &str, _options: &Put) -> Result<(), StoreError> {
        let strike = self.1.take();
        if strike != Some(Strike::Fails) {
            self.0.borrow_mut().insert(key.to_owned(), value.to_owned());
        }
        strike.map_or(Ok(()), |_| Err(StoreError::Failed("struck".into())))
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.borrow_mut().remove(key);
        Ok(())
    }

    async fn list(&self, _prefix: &str, _cursor: Option<&str>) -> Result<Listing, StoreError> {
        Ok(Listing::default())
    }
}
