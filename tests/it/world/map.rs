//! A store that is a map: with time to live, operations counted, and reads as stale as KV's may be.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use aig_logs::{
    error::StoreError,
    host::{Listing, Put, Store},
    time::Timestamp,
};

use super::{
    SECOND,
    outside::{Outside, Strike},
};

/// A key's value from some instant on.
#[derive(Debug, Clone)]
struct Version {
    since: Timestamp,
    value: Option<String>,
    put: Put,
}

/// How a listing fails to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endless {
    Same,
    New,
}

pub struct Map {
    outside: Rc<Outside>,
    versions: RefCell<BTreeMap<String, Vec<Version>>>,
    /// How old the answers to reads are; "not found" is as old.
    pub staleness: Cell<Duration>,
    /// Whether what is over stays until somebody says what time it is, as in a file.
    pub is_a_file: Cell<bool>,
    /// What it was last told.
    told: Cell<Timestamp>,
    /// What the keys begin with that it does not keep.
    pub refuses: Cell<Option<&'static str>>,
    /// Whether its listings never end: with the same cursor again and again, or with ever new ones.
    pub endless: Cell<Option<Endless>>,
    /// Whether it refuses a second write to a key within a second, as KV does.
    pub one_write_a_second: Cell<bool>,
    reads: Cell<u32>,
    writes: Cell<u32>,
}

impl Map {
    pub fn new(outside: Rc<Outside>) -> Self {
        Self {
            outside,
            versions: RefCell::default(),
            staleness: Cell::default(),
            is_a_file: Cell::default(),
            told: Cell::new(Timestamp::MIN_UTC),
            refuses: Cell::default(),
            endless: Cell::default(),
            one_write_a_second: Cell::default(),
            reads: Cell::default(),
            writes: Cell::default(),
        }
    }

    /// Reads, listings included.
    pub fn reads(&self) -> u32 {
        self.reads.get()
    }

    pub fn writes(&self) -> u32 {
        self.writes.get()
    }

    /// What an operator sees: the newest value, and how it is kept.
    pub fn entry(&self, key: &str) -> Option<(String, Put)> {
        self.at(key, self.outside.now())
    }

    pub fn value(&self, key: &str) -> Option<String> {
        self.entry(key).map(|(value, _)| value)
    }

    /// Every key that is there, in order.
    pub fn keys(&self) -> Vec<String> {
        let keys: Vec<String> = self.versions.borrow().keys().cloned().collect();
        keys.into_iter().filter(|key| self.value(key).is_some()).collect()
    }

    /// What an operator does: puts a value.
    pub fn set(&self, key: &str, value: &str) {
        self.keep(key, Some(value), Put::default());
    }

    pub fn remove(&self, key: &str) {
        self.keep(key, None, Put::default());
    }

    fn keep(&self, key: &str, value: Option<&str>, put: Put) {
        let version = Version { since: self.outside.now(), value: value.map(str::to_owned), put };
        self.versions.borrow_mut().entry(key.to_owned()).or_default().push(version);
    }

    fn at(&self, key: &str, instant: Timestamp) -> Option<(String, Put)> {
        let versions = self.versions.borrow();
        let Version { since, value, put } = versions.get(key)?.iter().rfind(|version| version.since <= instant)?;
        let now = if self.is_a_file.get() { self.told.get() } else { self.outside.now() };
        let lives = put.ttl.is_none_or(|ttl| now < *since + ttl);
        value.clone().filter(|_| lives).map(|value| (value, put.clone()))
    }
}

fn failed(strike: Strike) -> StoreError {
    StoreError::Failed(format!("{strike:?}"))
}

impl Store for Map {
    async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreError> {
        let get = || {
            let instant = self.outside.now() - self.staleness.get();
            Ok(keys.iter().map(|key| self.at(key, instant).map(|(value, _)| value)).collect())
        };
        self.reads.set(self.reads.get() + 1);
        self.outside.call(get, |strike| Err(failed(strike))).await
    }

    async fn put(&self, key: &str, value: &str, options: &Put) -> Result<(), StoreError> {
        let put = || {
            let versions = self.versions.borrow();
            let last = versions.get(key).and_then(|versions| versions.last()).map(|version| version.since);
            drop(versions);
            let is_early = last.is_some_and(|last| self.outside.now() < last + SECOND);
            if self.one_write_a_second.get() && is_early {
                return Err(StoreError::Failed("429 Too Many Requests".into()));
            }
            if self.refuses.get().is_some_and(|prefix| key.starts_with(prefix)) {
                return Err(StoreError::Failed("507 Insufficient Storage".into()));
            }
            self.keep(key, Some(value), options.clone());
            Ok(())
        };
        self.writes.set(self.writes.get() + 1);
        self.outside.call(put, |strike| Err(failed(strike))).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let delete = || {
            self.remove(key);
            Ok(())
        };
        self.writes.set(self.writes.get() + 1);
        self.outside.call(delete, |strike| Err(failed(strike))).await
    }

    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<Listing, StoreError> {
        let list = || {
            let keys = self.keys().into_iter().filter(|key| key.starts_with(prefix));
            let keys = keys.map(|key| {
                let metadata = self.entry(&key).and_then(|(_, put)| put.metadata);
                (key, metadata)
            });
            let page = cursor.map_or(1, |cursor| cursor.parse::<u32>().unwrap() + 1);
            let cursor = self.endless.get().map(|endless| match endless {
                Endless::Same => "0".to_owned(),
                Endless::New => page.to_string(),
            });
            Ok(Listing { keys: keys.collect(), cursor })
        };
        self.reads.set(self.reads.get() + 1);
        self.outside.call(list, |strike| Err(failed(strike))).await
    }

    async fn expire(&self, now: Timestamp) -> Result<(), StoreError> {
        self.told.set(now);
        Ok(())
    }
}
