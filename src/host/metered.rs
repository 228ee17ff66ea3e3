//! A host and its stores whose calls are counted, and limited by the budget of one pass.

use std::{cell::Cell, time::Duration};

use super::{Host, Listing, Progress, Put, Store};
use crate::{
    error::{CallError, StoreError},
    google::key::PrivateKey,
    plan::budget::Budget,
    time::Timestamp,
    wire::{Request, Response},
};

/// The budget of one pass, and the calls that it has used.
#[derive(Debug)]
pub struct Meter {
    /// The budget.
    pub budget: Budget,
    /// When the pass started, UTC.
    pub started: Timestamp,
    calls: Cell<u32>,
    reads: Cell<u32>,
    writes: Cell<u32>,
    clock: Cell<Clock>,
    waits_until: Cell<Timestamp>,
}

/// How this machine's clock compares with the servers' clocks in one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// No answer has told its time.
    Unknown,
    /// The clock agreed with the server's when it showed this instant, UTC.
    Confirmed(Timestamp),
    /// At least one answer has shown that the clock is wrong.
    Wrong,
}

impl Meter {
    /// A meter at zero.
    #[must_use]
    pub fn new(budget: Budget, started: Timestamp) -> Self {
        Self {
            budget,
            started,
            calls: Cell::new(0),
            reads: Cell::new(0),
            writes: Cell::new(0),
            clock: Cell::new(Clock::Unknown),
            waits_until: Cell::new(started),
        }
    }

    /// What is known about this machine's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.get()
    }

    /// Notes what an answer tells about this machine's clock.
    pub fn note_clock(&self, clock: Clock) {
        if self.clock.get() != Clock::Wrong {
            self.clock.set(clock);
        }
    }

    /// Notes that the pass waits until an instant. Returns whether it waits for nothing else: all gateways, and all pages
    /// that are asked for together, wait for the same limit.
    pub fn note_wait(&self, now: Timestamp, until: Timestamp) -> bool {
        let is_new = now >= self.waits_until.get();
        if is_new {
            self.waits_until.set(until);
        }
        is_new
    }

    /// Calls to the outside so far, stores not included.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.calls.get()
    }

    /// Reads and listings of the stores so far.
    #[must_use]
    pub fn reads(&self) -> u32 {
        self.reads.get()
    }

    /// Writes to the stores so far, deletions included.
    #[must_use]
    pub fn writes(&self) -> u32 {
        self.writes.get()
    }
}

/// A host or a store that counts the calls to it.
#[derive(Debug)]
pub struct Metered<'a, T> {
    /// The host or store that is called.
    pub inner: &'a T,
    /// The pass's meter.
    pub meter: &'a Meter,
}

impl<T> Clone for Metered<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Metered<'_, T> {}

fn count(counter: &Cell<u32>) {
    counter.set(counter.get() + 1);
}

impl<H: Host> Host for Metered<'_, H> {
    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn random(&self) -> f64 {
        self.inner.random()
    }

    async fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration).await;
    }

    async fn send(&self, request: Request) -> Result<Response, CallError> {
        if let Some(allowed) = self.meter.budget.calls.filter(|allowed| self.meter.calls() >= *allowed) {
            return Err(CallError::Refused(format!("this pass has made its {allowed} calls")));
        }
        count(&self.meter.calls);
        self.inner.send(request).await
    }

    async fn sign(&self, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, CallError> {
        self.inner.sign(key, message).await
    }

    fn stopping(&self) -> bool {
        self.inner.stopping()
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.meter.budget.deadline(self.meter.started)
    }

    fn progress(&self, progress: Progress<'_>) {
        self.inner.progress(progress);
    }
}

impl<S: Store> Store for Metered<'_, S> {
    async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreError> {
        count(&self.meter.reads);
        self.inner.get_many(keys).await
    }

    async fn put(&self, key: &str, value: &str, options: &Put) -> Result<(), StoreError> {
        count(&self.meter.writes);
        self.inner.put(key, value, options).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        count(&self.meter.writes);
        self.inner.delete(key).await
    }

    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<Listing, StoreError> {
        count(&self.meter.reads);
        self.inner.list(prefix, cursor).await
    }

    async fn expire(&self, now: Timestamp) -> Result<(), StoreError> {
        self.inner.expire(now).await
    }
}
