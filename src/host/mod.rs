//! The platform: clock, random numbers, network, signatures and storage. There is one host for each platform.
//!
//! Traits have plain `async fn`. There is one thread, no `dyn` in the core, and no `spawn`. The Worker has only one
//! thread; `run` joins its two loops.

#[cfg(target_arch = "wasm32")]
pub mod bound_kv;
mod call;
#[cfg(target_arch = "wasm32")]
pub mod cloudflare;
#[cfg(not(target_arch = "wasm32"))]
pub mod folder;
#[cfg(not(target_arch = "wasm32"))]
mod iana;
#[cfg(target_arch = "wasm32")]
mod intl;
mod metered;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(target_arch = "wasm32")]
pub mod promise;
#[cfg(not(target_arch = "wasm32"))]
pub mod rest_kv;
mod server;

use std::time::Duration;

use serde_json::Value;

pub(crate) use self::call::has_time_for;
#[cfg(not(target_arch = "wasm32"))]
pub use self::iana::offset;
#[cfg(target_arch = "wasm32")]
pub use self::intl::offset;
pub use self::{
    call::{call, list, put},
    metered::{Clock, Meter, Metered},
    server::{Archive, Object, Server},
};
use crate::{
    error::{CallError, StoreError},
    google::key::PrivateKey,
    time::Timestamp,
    wire::{Request, Response},
};

/// The most bytes read of an answer, unpacked. A page of 50 entries has some 50 kB. An answer of another server must
/// not fill the memory: an instance of a Worker has 128 MB, and five pages may be under way.
pub const LARGEST_ANSWER: usize = if cfg!(target_arch = "wasm32") { 8 << 20 } else { 32 << 20 };

/// The bytes kept of a larger answer: enough to tell which log it begins with.
pub const BEGINNING: usize = 64 << 10;

/// Clock, random numbers, network and signatures.
#[expect(async_fn_in_trait, reason = "hosts have one thread; nothing here needs to be Send")]
pub trait Host {
    /// The present, UTC.
    fn now(&self) -> Timestamp;

    /// A number in [0, 1).
    fn random(&self) -> f64;

    /// Waits. It may end early if the program is asked to stop.
    async fn sleep(&self, duration: Duration);

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// [`CallError::Silent`] if no whole answer came in time, [`CallError::Refused`] if the platform allows no further
    /// call.
    async fn send(&self, request: Request) -> Result<Response, CallError>;

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256 (RS256).
    ///
    /// # Errors
    /// [`CallError::Denied`] if the key is not a key. The error quotes nothing of it.
    async fn sign(&self, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, CallError>;

    /// Whether the program was asked to stop: it then finishes the write in hand, and reads no more.
    fn stopping(&self) -> bool {
        false
    }

    /// When the pass has used up its time.
    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    /// Called after each page and each write, to show the progress.
    fn progress(&self, _progress: Progress<'_>) {}
}

/// The progress of a pass.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Gateway id.
    pub gateway: &'a str,
    /// New entries read in this pass.
    pub entries: u64,
    /// Entries that the source still has after these, if it tells.
    pub left: Option<u64>,
    /// How far the reading has come, UTC.
    pub at: Timestamp,
}

/// A key-value store: KV, a SQLite table, a map. Reads may be stale.
#[expect(async_fn_in_trait, reason = "hosts have one thread; nothing here needs to be Send")]
pub trait Store {
    /// The values of up to 100 keys, in their order: one operation.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreError>;

    /// Keeps a value.
    ///
    /// # Errors
    /// If the store does not confirm that it kept the value. It may have kept it.
    async fn put(&self, key: &str, value: &str, options: &Put) -> Result<(), StoreError>;

    /// Deletes a value. It is no error if there is no such value.
    ///
    /// # Errors
    /// If the store does not confirm that the value is gone. It may be gone.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// One page of the keys that begin with `prefix`, in order.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<Listing, StoreError>;

    /// Deletes the values that have expired at `now`, an instant that a server has confirmed. A store that deletes them
    /// by itself, by its own clock, does nothing here.
    ///
    /// # Errors
    /// If the store does not confirm that it is done.
    async fn expire(&self, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The options of a value to keep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Put {
    /// After how long the value expires; none: never. KV takes no less than 60 s.
    pub ttl: Option<Duration>,
    /// A little JSON that listings show, up to 1,024 bytes.
    pub metadata: Option<Value>,
}

/// One page of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Keys with their metadata.
    pub keys: Vec<(String, Option<Value>)>,
    /// The start of the next page; none: this page was the last.
    pub cursor: Option<String>,
}
