//! Makes one outside call: sends, reads, and tries again if that may help. A write to a store is tried again too.

use std::time::Duration;

use futures_util::{FutureExt, future::LocalBoxFuture};
use serde_json::Value;

use super::{Host, Put, Store};
use crate::{
    error::{CallError, StoreError},
    plan::{
        budget::SAVING,
        retry::{self, ATTEMPTS},
    },
    time::Timestamp,
    wire::{Request, Response},
};

/// Sends `request` and reads the answer, up to three times, as long as the pass has time.
///
/// # Errors
/// The last failure.
pub async fn call<H: Host, T>(
    host: &H,
    request: &Request,
    read: impl Fn(&Response) -> Result<T, CallError>,
) -> Result<T, CallError> {
    let mut attempt = 1;
    loop {
        let result = match host.send(request.clone()).await {
            Ok(response) => read(&response),
            Err(error) => Err(error),
        };
        let Err(error) = result else { return result };
        if !waited(host, request, &error, attempt).await {
            return Err(error);
        }
        attempt += 1;
    }
}

/// Waits before another try, if one may help and the pass has time. It is in a box, so that it is not built into each
/// call.
fn waited<'a, H: Host>(
    host: &'a H,
    request: &'a Request,
    error: &'a CallError,
    attempt: u32,
) -> LocalBoxFuture<'a, bool> {
    let waited = async move {
        let wait = retry::wait(error, attempt, host.random()).filter(|wait| has_time_for(host, *wait));
        if let Some(wait) = wait {
            let (server, next) = (request.uri().host().unwrap_or_default(), attempt + 1);
            log::warn!("{error}; asking {server} again in {} s ({next} of {ATTEMPTS})", seconds(wait));
            host.sleep(wait).await;
        }
        wait.is_some()
    };
    waited.boxed_local()
}

/// Keeps a value, in up to three tries. A pass that has used up its time still saves, so a little more time is allowed
/// than for calls.
///
/// # Errors
/// The last failure.
pub async fn put<H: Host, S: Store>(
    host: &H,
    store: &S,
    key: &str,
    value: &str,
    options: &Put,
) -> Result<(), StoreError> {
    let mut attempt = 1;
    loop {
        let Err(error) = store.put(key, value, options).await else { return Ok(()) };
        let until = host.deadline().map(|deadline| deadline + SAVING);
        let wait = retry::wait_to_put(attempt, host.random());
        let Some(wait) = wait.filter(|wait| has_time_until(host, until, *wait)) else { return Err(error) };
        attempt += 1;
        log::warn!("{error}; saving {key} again in {} s ({attempt} of {ATTEMPTS})", seconds(wait));
        host.sleep(wait).await;
    }
}

/// Rounded up.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// The most pages of one listing. KV lists up to 1,000 keys on a page, so these are a million keys.
const MOST_PAGES: u32 = 1_000;

/// Shows all keys that begin with `prefix`, in order, each with its metadata.
///
/// # Errors
/// If the store does not answer, or its listing has no end.
pub async fn list<S: Store>(
    store: &S,
    prefix: &str,
    mut show: impl FnMut(String, Option<Value>),
) -> Result<(), StoreError> {
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let listing = store.list(prefix, cursor.as_deref()).await?;
        listing.keys.into_iter().for_each(|(key, metadata)| show(key, metadata));
        match listing.cursor {
            None => return Ok(()),
            next if next == cursor => break,
            next => cursor = next,
        }
    }
    Err(StoreError::Failed("the listing of keys has no end".into()))
}

/// The longest wait within a pass: three windows of Cloudflare's rate limit. If a server asks for a longer wait, a
/// later pass asks it again.
const LONGEST: Duration = Duration::from_mins(15);

/// Whether the pass still has time after a wait.
pub(crate) fn has_time_for<H: Host>(host: &H, wait: Duration) -> bool {
    has_time_until(host, host.deadline(), wait)
}

fn has_time_until<H: Host>(host: &H, until: Option<Timestamp>, wait: Duration) -> bool {
    !host.stopping()
        && wait <= LONGEST
        && until.is_none_or(|until| (until - host.now()).to_std().is_ok_and(|left| wait < left))
}
