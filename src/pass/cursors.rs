//! The cursors of one job while a pass moves them: as they were loaded, and as they are now.

use chrono::TimeDelta;
use serde::{Serialize, de::DeserializeOwned};

use super::{Context, GatewayReport, Platform, Report, copy::Copy};
use crate::{
    error::Error,
    host::{Clock, Host},
    plan::{budget::Ended, cursor::Scan},
    state::{Gateways, Track},
    time::Timestamp,
};

/// The cursors of all gateways under one key.
pub struct Cursors<T> {
    key: &'static str,
    /// The gateway whose cursor stands at the top level of the value.
    first: String,
    saved: Gateways<T>,
    current: Gateways<T>,
    /// Rows whose ids are kept, and of which the saved cursors know nothing: a pass that dies has them written again.
    unsaved: usize,
    saved_at: Option<Timestamp>,
}

/// Rows after which the cursors of many gateways are saved before the end of a pass.
const MANY_ROWS: usize = 500;

/// KV takes one write to a key in a second. developers.cloudflare.com/kv/platform/limits
const BETWEEN_SAVES: TimeDelta = TimeDelta::seconds(1);

impl<T: Track + Clone + PartialEq + Serialize + DeserializeOwned> Cursors<T> {
    pub fn new(key: &'static str, first: &str, stored: Option<Gateways<T>>) -> Self {
        let saved = stored.unwrap_or_default();
        Self { key, first: first.to_owned(), current: saved.clone(), saved, unsaved: 0, saved_at: None }
    }

    pub fn get(&self, gateway: &str) -> Option<&T> {
        self.current.by_id.get(gateway)
    }

    pub fn set(&mut self, gateway: &str, track: T) {
        self.current.by_id.insert(gateway.to_owned(), track);
    }

    pub fn get_mut(&mut self, gateway: &str) -> Option<&mut T> {
        self.current.by_id.get_mut(gateway)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.current.by_id.iter()
    }

    /// The cursors, if any of them moved.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let moved = self.current != self.saved;
        self.current.by_id.values_mut().filter(move |_| moved)
    }

    /// Copies one stretch, remembering as it goes; the last part is remembered when the caller saves the cursors of all
    /// gateways together. Whether the pass may go on with the next gateway.
    pub async fn copy<P: Platform>(
        &mut self,
        context: &Context<'_, P>,
        gateway: &str,
        scan: Scan,
        mut track: T,
        report: &mut Report,
    ) -> bool {
        let is_idle = scan.query().is_none();
        let mut copy = Copy::new(context, gateway, scan);
        let ended = match self.begin(context, gateway, track.cursor().ts(), is_idle).await {
            Ok(()) => self.run(context, &mut copy, &mut track).await,
            Err(error) => copy.fail(error),
        };
        let own_fault = matches!(copy.report.error, Some(Error::Source { .. } | Error::Ahead { .. }));
        report.gateways.push(copy.report);
        match ended {
            Ended::Complete | Ended::Doubtful | Ended::Pages => true,
            Ended::Failed => own_fault,
            Ended::Time | Ended::Rate | Ended::Calls | Ended::Stopped => false,
        }
    }

    /// Saves what the gateways before have moved, where that is much, and makes sure that a cursor does not lie in the
    /// future: nothing would ever be read from there. Where there is nothing to read, the clock is asked for.
    async fn begin<P: Platform>(
        &mut self,
        context: &Context<'_, P>,
        gateway: &str,
        at: Timestamp,
        is_idle: bool,
    ) -> Result<(), Error> {
        let now = context.host.now();
        let is_early = self.saved_at.is_some_and(|saved_at| now - saved_at < BETWEEN_SAVES);
        if self.unsaved >= MANY_ROWS && !is_early {
            self.save(context).await?;
        }
        let is_ahead = context.is_ahead(at);
        let is_confirmed = matches!(context.host.meter.clock(), Clock::Confirmed(_));
        if is_ahead || is_idle && !is_confirmed {
            context.ask_the_time(gateway, at).await?;
        }
        if is_ahead { Err(Error::Ahead { key: self.key, gateway: gateway.to_owned(), at }) } else { Ok(()) }
    }

    /// Copies until the stretch or the budget ends, or until something cannot be remembered.
    async fn run<P: Platform>(&mut self, context: &Context<'_, P>, copy: &mut Copy<'_, '_, P>, track: &mut T) -> Ended {
        loop {
            let ended = copy.run(track).await;
            if let Err(error) = self.remember(context, copy, track, ended.is_none()).await {
                copy.report.error = Some(error);
                copy.report.ended = Ended::Failed;
                return Ended::Failed;
            }
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    /// Keeps what was written, and only then moves the cursor.
    async fn remember<P: Platform>(
        &mut self,
        context: &Context<'_, P>,
        copy: &mut Copy<'_, '_, P>,
        track: &T,
        save: bool,
    ) -> Result<(), Error> {
        let written = copy.take_written();
        self.unsaved += written.segment.as_ref().map_or(0, |segment| segment.metadata.n);
        context.keep(&mut copy.report, written).await?;
        if has_begun(&copy.report) {
            self.set(&copy.report.gateway, track.clone());
        }
        if save { self.save(context).await } else { Ok(()) }
    }

    /// Saves the cursors if any of them moved.
    pub async fn save<P: Platform>(&mut self, context: &Context<'_, P>) -> Result<(), Error> {
        if self.current != self.saved {
            let value = self.current.to_json(&self.first).map_err(|error| super::unwritable(self.key, &error))?;
            context.save(self.key, &value).await?;
            self.saved = self.current.clone();
            (self.unsaved, self.saved_at) = (0, Some(context.host.now()));
        }
        Ok(())
    }
}

/// Whether a gateway's cursor may be kept. One that is new is not begun before a page was had: nothing else has confirmed
/// this machine's clock.
fn has_begun(report: &GatewayReport) -> bool {
    match report.ended {
        Ended::Complete => true,
        Ended::Failed => report.rows + report.rejected > 0,
        Ended::Doubtful | Ended::Pages | Ended::Time | Ended::Rate | Ended::Calls | Ended::Stopped => report.pages > 0,
    }
}
