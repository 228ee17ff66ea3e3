//! Faults on the poller's own side, in the order of a seed: its state fails, a read shows an old value, and the program
//! is killed in the middle of a pass.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::pending,
    time::Duration,
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::Notify;

use crate::{
    error::{CallError, StoreError},
    google::key::PrivateKey,
    host::{Host, Listing, Progress, Put, Store},
    time::Timestamp,
    wire::{Request, Response},
};

/// Calls from one kill to the next: a pass of ten pages makes some twenty, one that finds many late entries a hundred.
const BETWEEN_KILLS: std::ops::RangeInclusive<u32> = 30..=200;

/// Of 100 reads of the state, so many fail, and so many show what was there before the last write.
const READS: [u32; 2] = [4, 6];

/// Of 100 writes to the state, so many are not done, and so many are done but reported as failed.
const WRITES: [u32; 2] = [6, 6];

/// The faults of one seed. Reads, writes, kills and the chance in waits each have an order of their own, so that one
/// more of one kind does not change the faults of the other kinds.
#[derive(Debug)]
pub struct Trouble {
    reads: RefCell<ChaCha8Rng>,
    writes: RefCell<ChaCha8Rng>,
    kills: RefCell<ChaCha8Rng>,
    waits: RefCell<ChaCha8Rng>,
    /// Calls until the next kill.
    left: Cell<u32>,
    killed: Notify,
    /// What each key held before its last write.
    before: RefCell<BTreeMap<String, Option<String>>>,
    struck: RefCell<BTreeMap<&'static str, u64>>,
}

/// What becomes of a read or write of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strike {
    /// It fails, and nothing is done.
    Fails,
    /// A read shows what was there before; a write is done, and said to have failed.
    Deceives,
}

impl Trouble {
    /// The trouble of a seed.
    pub fn new(seed: u64) -> Self {
        let order = |stream| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(stream);
            RefCell::new(rng)
        };
        let kills = order(2);
        let left = Cell::new(kills.borrow_mut().gen_range(BETWEEN_KILLS));
        Self {
            reads: order(0),
            writes: order(1),
            kills,
            waits: order(3),
            left,
            killed: Notify::new(),
            before: RefCell::default(),
            struck: RefCell::default(),
        }
    }

    /// Ready when the program is to be killed. The caller then drops the pass, which does nothing more.
    pub async fn killed(&self) {
        self.killed.notified().await;
    }

    /// How often each kind of trouble has struck.
    pub fn struck(&self) -> BTreeMap<&'static str, u64> {
        self.struck.borrow().clone()
    }

    fn count(&self, kind: &'static str) {
        *self.struck.borrow_mut().entry(kind).or_default() += 1;
    }

    /// Does something, unless the program is killed just before it, or after it and before its answer is heard.
    async fn call<T>(&self, act: impl AsyncFnOnce() -> T) -> T {
        self.left.set(self.left.get() - 1);
        if self.left.get() > 0 {
            return act().await;
        }
        let done = {
            let mut kills = self.kills.borrow_mut();
            self.left.set(kills.gen_range(BETWEEN_KILLS));
            kills.r#gen::<bool>()
        };
        if done {
            act().await;
        }
        self.count(if done { "killed_after_a_call" } else { "killed_before_a_call" });
        self.killed.notify_one();
        pending().await
    }
}

/// The fault of the next read or write, if any. Of 100 of them `fail` fail and `deceive` deceive.
fn strike(order: &RefCell<ChaCha8Rng>, [fail, deceive]: [u32; 2]) -> Option<Strike> {
    let drawn = order.borrow_mut().gen_range(0..100);
    let deceives = (drawn < fail + deceive).then_some(Strike::Deceives);
    if drawn < fail { Some(Strike::Fails) } else { deceives }
}

/// A host or a store in trouble.
#[derive(Debug)]
pub struct Troubled<'a, T> {
    /// The host or store behind.
    pub inner: &'a T,
    /// Its trouble.
    pub trouble: &'a Trouble,
}

impl<H: Host> Host for Troubled<'_, H> {
    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn random(&self) -> f64 {
        self.trouble.waits.borrow_mut().r#gen()
    }

    async fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration).await;
    }

    async fn send(&self, request: Request) -> Result<Response, CallError> {
        self.trouble.call(async || self.inner.send(request).await).await
    }

    async fn sign(&self, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, CallError> {
        self.inner.sign(key, message).await
    }

    fn stopping(&self) -> bool {
        self.inner.stopping()
    }

    fn progress(&self, progress: Progress<'_>) {
        self.inner.progress(progress);
    }
}

impl<S: Store> Store for Troubled<'_, S> {
    async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreError> {
        let get = async || {
            let strike = strike(&self.trouble.reads, READS);
            if strike == Some(Strike::Fails) {
                self.trouble.count("state_read_failed");
                return Err(failed());
            }
            let values = self.inner.get_many(keys).await?;
            Ok(if strike == Some(Strike::Deceives) { self.stale(keys, &values) } else { values })
        };
        self.trouble.call(get).await
    }

    async fn put(&self, key: &str, value: &str, options: &Put) -> Result<(), StoreError> {
        let put = async || {
            let strike = strike(&self.trouble.writes, WRITES);
            if strike == Some(Strike::Fails) {
                self.trouble.count("state_write_failed");
                return Err(failed());
            }
            let before = self.inner.get_many(&[key]).await?.pop().flatten();
            self.inner.put(key, value, options).await?;
            self.trouble.before.borrow_mut().insert(key.to_owned(), before);
            if strike == Some(Strike::Deceives) {
                self.trouble.count("state_write_failed_after_doing");
                return Err(failed());
            }
            Ok(())
        };
        self.trouble.call(put).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.trouble.call(async || self.inner.delete(key).await).await
    }

    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<Listing, StoreError> {
        self.trouble.call(async || self.inner.list(prefix, cursor).await).await
    }

    async fn expire(&self, now: Timestamp) -> Result<(), StoreError> {
        self.inner.expire(now).await
    }
}

impl<S: Store> Troubled<'_, S> {
    /// What the keys held before their last writes; counted only where that makes a difference.
    fn stale(&self, keys: &[&str], values: &[Option<String>]) -> Vec<Option<String>> {
        let before = self.trouble.before.borrow();
        let old = keys.iter().zip(values).map(|(key, value)| before.get(*key).unwrap_or(value).clone());
        let old: Vec<_> = old.collect();
        if old != values {
            self.trouble.count("state_read_stale");
        }
        old
    }
}

fn failed() -> StoreError {
    StoreError::Failed("the store does not answer".into())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use rusqlite::Connection;

    use super::*;
    use crate::host::native::SqliteStore;

    /// What a thousand reads and writes of one key come to in a seed's trouble: the values read, and what was counted.
    fn run(seed: u64) -> (Vec<String>, BTreeMap<&'static str, u64>) {
        let file = Connection::open_in_memory().unwrap();
        let (inner, trouble) = (SqliteStore::new(&file, "state").unwrap(), Trouble::new(seed));
        let store = Troubled { inner: &inner, trouble: &trouble };
        let mut answers = Vec::new();
        for n in 0..1_000 {
            let put = store.put("key", &n.to_string(), &Put::default()).now_or_never();
            let kept = inner.get_many(&["key"]).now_or_never().unwrap().unwrap().pop().flatten();
            if put == Some(Ok(())) {
                assert_eq!(kept, Some(n.to_string()), "what is said to be kept is kept");
            }
            let read = store.get_many(&["key"]).now_or_never();
            assert_eq!(put.is_none() || read.is_none(), trouble.killed().now_or_never().is_some());
            answers.push(format!("{put:?} {read:?}"));
        }
        (answers, trouble.struck())
    }

    #[test]
    fn a_seed_is_an_order_of_trouble_and_each_has_its_own() {
        assert_eq!(run(7), run(7));
        assert_ne!(run(7).0, run(8).0);
    }

    #[test]
    fn every_kind_of_trouble_strikes() {
        let (_, struck) = run(7);
        let check = |kind, expected: std::ops::RangeInclusive<u64>| {
            assert!(expected.contains(&struck[kind]), "{kind}: {}", struck[kind]);
        };
        check("state_read_failed", 20..=60);
        check("state_read_stale", 35..=90);
        check("state_write_failed", 35..=90);
        check("state_write_failed_after_doing", 35..=90);
        check("killed_before_a_call", 3..=20);
        check("killed_after_a_call", 3..=20);
        assert_eq!(struck.len(), 6);
    }

    #[test]
    fn a_stale_read_shows_the_value_before() {
        let file = Connection::open_in_memory().unwrap();
        let (inner, trouble) = (SqliteStore::new(&file, "state").unwrap(), Trouble::new(7));
        let store = Troubled { inner: &inner, trouble: &trouble };
        trouble.before.borrow_mut().insert("a".into(), Some("old".into()));
        let stale = store.stale(&["a", "b"], &[Some("new".into()), Some("only".into())]);
        assert_eq!(stale, [Some("old".to_owned()), Some("only".to_owned())]);
    }
}
