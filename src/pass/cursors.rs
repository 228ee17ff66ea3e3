//! The cursors of one job while a pass moves them: as they were loaded, and as they are now.

use serde::{Serialize, de::DeserializeOwned};

use super::{Context, GatewayReport, Report, copy::Copy};
use crate::{
    error::Error,
    host::{Host, Store},
    plan::{budget::Ended, cursor::Scan},
    sink::Sink,
    state::{Gateways, Track},
};

/// The cursors of all gateways under one key.
pub struct Cursors<T> {
    key: &'static str,
    /// The gateway whose cursor stands at the top level of the value.
    first: String,
    saved: Gateways<T>,
    current: Gateways<T>,
}

impl<T: Track + Clone + PartialEq + Serialize + DeserializeOwned> Cursors<T> {
    pub fn new(key: &'static str, first: &str, stored: Option<Gateways<T>>) -> Self {
        let saved = stored.unwrap_or_default();
        Self { key, first: first.to_owned(), current: saved.clone(), saved }
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
    pub async fn copy<H: Host, S: Store, K: Sink>(
        &mut self,
        context: &Context<'_, H, S, K>,
        gateway: &str,
        scan: Scan,
        mut track: T,
        report: &mut Report,
    ) -> bool {
        let mut copy = Copy::new(context, gateway, scan);
        let ended = loop {
            let ended = copy.run(&mut track).await;
            let mut remembered = context.keep(gateway, copy.take_written()).await;
            if remembered.is_ok() && has_begun(&copy.report) {
                self.set(gateway, track.clone());
            }
            if remembered.is_ok() && ended.is_none() {
                remembered = self.save(context).await;
            }
            if let Err(error) = remembered {
                copy.report.error = Some(error);
                copy.report.ended = Ended::Failed;
                break Ended::Failed;
            }
            if let Some(ended) = ended {
                break ended;
            }
        };
        let own_fault = matches!(copy.report.error, Some(Error::Source { .. }));
        report.gateways.push(copy.report);
        match ended {
            Ended::Complete | Ended::Doubtful | Ended::Pages => true,
            Ended::Failed => own_fault,
            Ended::Time | Ended::Rate | Ended::Calls | Ended::Stopped => false,
        }
    }

    /// Saves the cursors if any of them moved.
    pub async fn save<H: Host, S: Store, K: Sink>(&mut self, context: &Context<'_, H, S, K>) -> Result<(), Error> {
        if self.current != self.saved {
            let value = self.current.to_json(&self.first).map_err(|error| super::unwritable(self.key, &error))?;
            context.save(self.key, &value).await?;
            self.saved = self.current.clone();
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
