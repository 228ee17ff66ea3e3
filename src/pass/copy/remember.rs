//! The remembering half of a copy: it keeps the ids of written lines and the dead letters of refused ones, and
//! only then saves the cursors.

use std::any::Any;

use chrono::TimeDelta;
use serde_json::json;

use super::Copy;
use crate::{
    error::Error,
    host::{Clock, Host},
    pass::{Context, Platform, cursors::Cursors},
    plan::segments,
    state::{self, Backfill, DeadLetter, FORWARD, OLDEST, Position, Track},
    time::Timestamp,
};

/// The most entries that may be written, but not remembered. More would cost memory, and work after a crash.
const MOST_UNREMEMBERED: usize = 10_000;

/// After so many rows the cursors of many gateways are saved before the end of a pass.
const MANY_ROWS: usize = 500;

/// When a gateway begins, the cursors are saved only if the last save, or the start of the pass, is at least this long
/// ago. So a pass over a few dozen gateways saves once. KV takes one write to a key in a second.
/// developers.cloudflare.com/kv/platform/limits
const BETWEEN_SAVES: TimeDelta = TimeDelta::seconds(2);

/// The cursors that a copy moves. It is no type parameter of a copy: each type would double the copy's code in the
/// Worker.
pub enum Memory {
    /// None: the copy moves no cursor of a job.
    Nowhere,
    /// The cursors of forward.
    Forward(Cursors<Position>),
    /// The cursors of the backfill.
    Backfill(Cursors<Backfill>),
}

impl Memory {
    /// The key of the cursors in the store.
    fn key(&self) -> Option<&'static str> {
        match self {
            Self::Nowhere => None,
            Self::Forward(_) => Some(FORWARD),
            Self::Backfill(_) => Some(OLDEST),
        }
    }

    /// Whether the copy moves no cursor of a job.
    pub fn is_nowhere(&self) -> bool {
        self.key().is_none()
    }

    /// Notes how far a gateway has come.
    fn set(&mut self, gateway: &str, track: &dyn Track) {
        let track: &dyn Any = track;
        match self {
            Self::Nowhere => {}
            Self::Forward(cursors) => track.downcast_ref().into_iter().for_each(|track| cursors.set(gateway, track)),
            Self::Backfill(cursors) => track.downcast_ref().into_iter().for_each(|track| cursors.set(gateway, track)),
        }
    }

    /// Saves the cursors.
    async fn save<P: Platform>(&mut self, context: &Context<'_, P>) -> Result<(), Error> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Forward(cursors) => cursors.save(context).await,
            Self::Backfill(cursors) => cursors.save(context).await,
        }
    }
}

impl<P: Platform> Copy<'_, '_, P> {
    /// Begins with a gateway: saves the cursors of the gateways before, if they have written many rows, and checks the
    /// gateway's own. A copy without cursors does neither.
    pub(super) async fn begin(&mut self, gateway: &str, is_idle: bool) -> Result<(), Error> {
        let Some(key) = self.memory.key() else { return Ok(()) };
        let is_too_soon = self.context.host.now() - self.saved_at < BETWEEN_SAVES;
        if self.unsaved + self.unremembered() >= MANY_ROWS && !is_too_soon {
            self.remember().await?;
        }
        self.check_cursor(key, gateway, is_idle).await
    }

    /// Refuses a cursor in the future: nothing would ever be read from there. If there is nothing to read, and no server
    /// has confirmed the clock, one call compares the clocks.
    async fn check_cursor(&mut self, key: &'static str, gateway: &str, is_idle: bool) -> Result<(), Error> {
        let at = self.lane().read_to().ts();
        let is_ahead = self.context.is_ahead(at);
        let is_confirmed = matches!(self.context.host.meter.clock(), Clock::Confirmed(_));
        if is_ahead || is_idle && !is_confirmed {
            self.context.ask_the_time(gateway, at).await?;
        }
        if is_ahead { Err(Error::Ahead { key, gateway: gateway.to_owned(), at }) } else { Ok(()) }
    }

    /// The number of entries that are written, but not remembered.
    fn unremembered(&self) -> usize {
        self.lanes.iter().filter_map(|lane| Some(lane.segment.as_ref()?.metadata.n)).sum()
    }

    pub(super) async fn remember_if_many(&mut self) -> Result<(), Error> {
        if !self.writer.is_writing() && self.unremembered() >= MOST_UNREMEMBERED {
            self.remember().await?;
        }
        Ok(())
    }

    /// Keeps ids and dead letters, and only then saves the cursors.
    async fn remember(&mut self) -> Result<(), Error> {
        self.keep().await?;
        self.memory.save(self.context).await?;
        (self.unsaved, self.saved_at) = (0, self.context.host.now());
        Ok(())
    }

    /// Keeps the dead letters and the ids of written lines, and notes how far each gateway has come. The cursors are
    /// saved after that. If we stop in between, the next pass writes the rows again, and readers see them once.
    pub(super) async fn keep(&mut self) -> Result<(), Error> {
        let now = self.context.host.now();
        for lane in &mut self.lanes {
            keep_letters(self.context, &lane.report.gateway, now, &lane.rejected).await?;
            lane.rejected.clear();
        }
        self.unsaved += self.unremembered();
        self.keep_ids(now).await;
        for lane in &self.lanes {
            if let Some(track) = lane.begun() {
                self.memory.set(&lane.report.gateway, track);
            }
        }
        Ok(())
    }

    /// Keeps the ids. The cursors move even if this fails, because the rows are written. If the cursors stood still,
    /// each pass would write the rows again as long as the store fails. As it is, only a comparison writes them
    /// again, and readers see them once.
    async fn keep_ids(&mut self, now: Timestamp) {
        let taken = self.lanes.iter_mut().filter_map(|lane| Some((lane.segment.take()?, lane)));
        let (segments, mut lanes): (Vec<_>, Vec<_>) = taken.unzip();
        let numbers: Vec<_> = segments.iter().map(|segment| segment.metadata.n as u64).collect();
        let parts = lanes.iter().map(|lane| lane.report.gateway.as_str()).zip(segments).collect();
        let Some(mut kept) = segments::kept(parts, now) else { return };
        kept.metadata.aside = self.memory.is_nowhere();
        let mut failed = self.context.keep(&self.context.ids, &kept.key, &kept.value, json!(kept.metadata)).await.err();
        if self.context.config.alerts.is_some() {
            for lane in &mut lanes {
                lane.has_kept(&kept, failed.is_none());
            }
        }
        if failed.is_some() {
            for (lane, number) in lanes.iter_mut().zip(numbers) {
                lane.report.unremembered += number;
                lane.report.error = lane.report.error.take().or_else(|| failed.take());
            }
        }
    }
}

async fn keep_letters<P: Platform>(
    context: &Context<'_, P>,
    gateway: &str,
    now: Timestamp,
    letters: &[DeadLetter],
) -> Result<(), Error> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 65,535")]
    let tag = (context.host.random() * 65_536.0) as u16;
    for letters in state::dead_letters(gateway, now, tag, letters) {
        context.keep(&context.state, &letters.key, &letters.value, letters.metadata()).await?;
    }
    Ok(())
}
