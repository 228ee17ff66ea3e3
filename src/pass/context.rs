//! The tools of a pass: the platform's three seams and the settings, and the steps that all jobs share.
//!
//! The border between forward and backfill is this machine's time at the first run, less ten minutes, or less
//! `SETTLE_SECONDS` if that is more. Before the border no entry may still appear. So each page of logs passes one gate
//! (`Context::page`). It compares the clocks before anything is decided or saved. A difference of five minutes is an
//! error.
//!
//! An answer without a `Date` confirms no clock: rows are copied, and nothing expires. A file's state never hides or
//! deletes values by itself. It learns the time at the end of a pass whose clock was confirmed.

use serde_json::Value;

use super::gateways::gateways;
use crate::{
    config::Config,
    error::{CallError, Error},
    host::{self, Clock, Host, Metered, Put, Store, call},
    plan::cursor::Query,
    sink::Sink,
    source::{self, Page, Source},
    time::{MILLISECOND, Timestamp},
};

/// A platform as a pass sees it: the types of the three seams in one program.
pub trait Platform {
    /// The clock, the network and the rest of the outside world.
    type Host: Host;
    /// The stores of the state.
    type Store: Store;
    /// The sink.
    type Sink: Sink;
}

impl<H: Host, S: Store, K: Sink> Platform for (H, S, K) {
    type Host = H;
    type Store = S;
    type Sink = K;
}

/// The tools of a pass. Calls to the host and the stores are counted, and limited by the pass's budget.
#[derive(Debug)]
pub struct Context<'a, P: Platform> {
    /// The platform.
    pub host: Metered<'a, P::Host>,
    /// `STATE_KV`.
    pub state: Metered<'a, P::Store>,
    /// `IDS_KV`.
    pub ids: Metered<'a, P::Store>,
    /// The sink.
    pub sink: &'a P::Sink,
    /// The source of the entries.
    pub source: &'a dyn Source,
    /// The settings.
    pub config: &'a Config,
}

impl<'a, H: Host, S: Store, K: Sink> Context<'a, (H, S, K)> {
    /// A context whose stores share the host's meter. The stores are `STATE_KV` and `IDS_KV`.
    pub fn new(host: Metered<'a, H>, [state, ids]: [&'a S; 2], sink: &'a K, config: &'a Config) -> Self {
        let metered = |inner| Metered { inner, meter: host.meter };
        let (state, ids) = (metered(state), metered(ids));
        Self { host, state, ids, sink, source: &config.source, config }
    }
}

impl<P: Platform> Context<'_, P> {
    /// The gateways to read, in the order of the settings, and an error about gateways that cannot be read.
    pub(super) async fn gateways(&self) -> Result<(Vec<String>, Option<Error>), Error> {
        let (ids, strange) = gateways(&self.host, self.source).await.map_err(Error::Gateways)?;
        Ok((ids, strange.map(Error::Gateways)))
    }

    /// Reads a page of logs. It is the only gate for the clock: an answer passes here before anything is decided, saved
    /// or expired by this machine's time.
    pub(super) async fn page(&self, gateway: &str, query: &Query) -> Result<Page, CallError> {
        let request = self.source.page(gateway, query);
        let page = call(&self.host, &request, |response| self.source.read_page(response, query)).await?;
        let now = self.host.now();
        let checked = source::check_clock(&page, now);
        if page.date.is_some() {
            self.host.meter.note_clock(if checked.is_ok() { Clock::Confirmed(now) } else { Clock::Wrong });
        }
        checked.map(|()| page)
    }

    /// Whether a cursor is further in the future than clocks may differ. No pass with a right clock has put it there.
    pub(super) fn is_ahead(&self, cursor: Timestamp) -> bool {
        cursor > self.host.now() + source::LARGEST_CLOCK_GAP
    }

    /// Asks for at most one entry, only to compare the clock with the answer's.
    pub(super) async fn ask_the_time(&self, gateway: &str, from: Timestamp) -> Result<(), Error> {
        match self.page(gateway, &Query::first(from, from + MILLISECOND)).await {
            // A page that is too large confirms no clock, like an answer without a `Date`.
            Ok(_) | Err(CallError::TooLarge { .. }) => Ok(()),
            Err(error) => Err(Error::Source { gateway: gateway.to_owned(), error }),
        }
    }

    /// Begins each pass with another gateway, so that even a small budget serves every gateway.
    pub(super) fn rotate(&self, gateways: &mut [String]) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the number of gateways")]
        #[expect(clippy::cast_precision_loss, reason = "an account has a few dozen gateways at most")]
        let first = (self.host.random() * gateways.len() as f64) as usize;
        gateways.rotate_left(first.min(gateways.len()));
    }

    pub(super) async fn load<const N: usize>(&self, keys: [&str; N]) -> Result<[Option<String>; N], Error> {
        let values = self.state.get_many(&keys).await;
        let values = values.map_err(|error| error.during("loading", keys.join(", ")))?;
        let mut values = values.into_iter();
        Ok(std::array::from_fn(|_| values.next().flatten()))
    }

    pub(super) async fn save(&self, key: &str, value: &str) -> Result<(), Error> {
        self.put(&self.state, key, value, &Put::default()).await
    }

    /// Keeps a value as long as ids are kept, with what listings show of it.
    pub(super) async fn keep(
        &self,
        store: &Metered<'_, P::Store>,
        key: &str,
        value: &str,
        metadata: Value,
    ) -> Result<(), Error> {
        self.put(store, key, value, &Put { ttl: Some(self.config.ids_ttl), metadata: Some(metadata) }).await
    }

    async fn put(&self, store: &Metered<'_, P::Store>, key: &str, value: &str, options: &Put) -> Result<(), Error> {
        let kept = host::put(&self.host, store, key, value, options).await;
        kept.map_err(|error| error.during("saving", key))
    }

    /// Whether the platform allows no further call. If it refuses the very first call, that is a failure: a poller that
    /// may never call must not look healthy.
    pub(super) fn is_out_of_calls(&self, error: &Error) -> bool {
        let refused = matches!(
            error,
            Error::Source { error: CallError::Refused(_), .. } | Error::Sink { error: CallError::Refused(_), .. }
        );
        refused && self.host.meter.calls() > 1
    }
}
