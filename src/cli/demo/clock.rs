//! A clock by which a day passes in half a minute. It moves only with waits and calls, so nobody waits, and the speed
//! of this machine makes no difference.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::TimeDelta;

use crate::{
    error::CallError,
    google::key::PrivateKey,
    host::Host,
    time::Timestamp,
    wire::{Request, Response},
};

/// By how much a call moves the clock, as a call to Cloudflare's API may take: entries arrive and appear meanwhile.
const CALL: Duration = Duration::from_millis(200);

/// A clock for the program and for the world outside.
#[derive(Debug, Clone)]
pub struct DemoClock {
    start: Timestamp,
    /// Milliseconds since `start`.
    passed: Arc<AtomicI64>,
}

impl DemoClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { start, passed: Arc::default() }
    }

    /// What it shows, UTC.
    pub fn now(&self) -> Timestamp {
        self.start + TimeDelta::milliseconds(self.passed.load(Ordering::Relaxed))
    }

    /// Moves it.
    pub fn pass(&self, duration: Duration) {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.passed.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

/// A host that goes by such a clock. It shows no progress: there is a day of it.
#[derive(Debug)]
pub struct Hurried<'a, H> {
    /// The host behind, whose clock is not asked.
    pub inner: &'a H,
    /// The clock.
    pub clock: &'a DemoClock,
}

impl<H: Host> Host for Hurried<'_, H> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn random(&self) -> f64 {
        self.inner.random()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.pass(duration);
    }

    async fn send(&self, request: Request) -> Result<Response, CallError> {
        self.clock.pass(CALL);
        self.inner.send(request).await
    }

    async fn sign(&self, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, CallError> {
        self.inner.sign(key, message).await
    }

    fn stopping(&self) -> bool {
        self.inner.stopping()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::watch;

    use super::*;
    use crate::host::native::NativeHost;

    #[tokio::test]
    async fn waits_are_over_at_once_and_move_the_clock_that_all_share() {
        let (_stop, stop) = watch::channel(false);
        let (inner, clock) = (NativeHost::new(stop, |_| {}).unwrap(), DemoClock::new(Timestamp::UNIX_EPOCH));
        let (host, outside) = (Hurried { inner: &inner, clock: &clock }, clock.clone());
        assert_eq!(host.sleep(Duration::from_hours(26)).now_or_never(), Some(()));
        assert_eq!((host.now(), outside.now()), (outside.now(), Timestamp::UNIX_EPOCH + TimeDelta::hours(26)));
        // Nothing listens there, and asking took its time all the same.
        let request = http::Request::get("http://127.0.0.1:0/").body(Vec::new()).unwrap();
        assert!(host.send(request).await.is_err());
        assert_eq!(host.now() - Timestamp::UNIX_EPOCH, TimeDelta::hours(26) + TimeDelta::milliseconds(200));
    }
}
