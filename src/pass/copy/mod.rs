//! Copies from the lists to the sink. It reads one gateway after another, several pages at once. Meanwhile it writes
//! the new entries of all gateways in shared batches. Only a gateway's own written rows move its cursor.

mod lane;
mod read;
mod remember;
mod write;

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    task::{Context as Task, Poll},
};

pub use self::remember::Memory;
use self::{
    lane::Lane,
    read::{Read, Reader},
    write::{Batch, Writer},
};
use super::{Context, GatewayReport, Platform};
use crate::{
    error::{CallError, Error},
    host::{Host, Progress},
    plan::{budget::Ended, cursor::Scan},
    sink::Sink,
    state::Track,
    time::Timestamp,
};

/// A copy of one stretch of each gateway, one gateway after another.
pub struct Copy<'a, 'c, P: Platform> {
    context: &'a Context<'c, P>,
    /// The cursors of the gateways, as far as ids and dead letters are kept.
    pub memory: Memory,
    writer: Writer<'a, P::Sink>,
    /// The gateways, in the order in which they were read.
    pub lanes: Vec<Lane>,
    /// Rows whose ids are kept, but that the saved cursors do not cover yet. If the pass dies, the next pass writes
    /// them again.
    unsaved: usize,
    /// When the cursors were last saved, or the pass began.
    saved_at: Timestamp,
    /// Whether nothing more can be written or remembered.
    is_broken: bool,
    /// The error, if no gateway's report has it.
    pub error: Option<Error>,
}

impl<'a, 'c, P: Platform> Copy<'a, 'c, P> {
    /// A copy that has not begun.
    pub fn new(context: &'a Context<'c, P>, memory: Memory) -> Self {
        let (writer, saved_at) = (Writer::new(context.sink), context.host.meter.started);
        Self { context, memory, writer, lanes: Vec::new(), unsaved: 0, saved_at, is_broken: false, error: None }
    }

    /// Reads one stretch of a gateway, and writes new entries as batches fill. The last batch is written with later
    /// entries, or by [`finish`](Self::finish). Returns whether the pass may go on with the next gateway.
    pub async fn read(&mut self, gateway: &str, scan: Scan, track: Box<dyn Track>) -> bool {
        let (reached, bound, is_idle) = (scan.cursor().clone(), scan.bound(), scan.query().is_none());
        self.lanes.push(Lane::new(gateway, (track, self.memory.is_nowhere()), reached, bound));
        let mut reader = Reader::new(self.context, gateway, scan);
        let result = match self.begin(gateway, is_idle).await {
            Ok(()) => self.read_and_write(&mut reader).await,
            Err(error) => Err(error),
        };
        self.lane().report.left = reader.left().unwrap_or(0);
        match result {
            Ok(ended) => {
                self.lane().end(ended);
                matches!(ended, Ended::Complete | Ended::Doubtful | Ended::Pages)
            }
            Err(error) => self.fail(error),
        }
    }

    /// Writes all entries that were read, and keeps their ids. The caller saves the cursors.
    pub async fn finish(&mut self) {
        if !self.is_broken
            && let Err(error) = self.write_all().await
        {
            self.fail(error);
        }
        if let Err(error) = self.keep().await {
            self.fail(error);
        }
        self.lanes.iter_mut().for_each(Lane::finish);
    }

    /// The lane of the gateway that is being read, or was read last.
    fn lane(&mut self) -> &mut Lane {
        self.lanes.last_mut().unwrap_or_else(|| unreachable!("a stretch is read in a lane"))
    }

    async fn read_and_write(&mut self, reader: &mut Reader<'_, '_, P>) -> Result<Ended, Error> {
        loop {
            reader.ask(self.writer.is_full());
            self.writer.begin();
            if !poll_fn(|task| self.poll_step(reader, task)).await? {
                return Ok(reader.ended());
            }
            self.remember_if_many().await?;
        }
    }

    /// Takes the next page in order, or the batch that was written, whichever comes first. Returns false at the end of
    /// the reading.
    fn poll_step(&mut self, reader: &mut Reader<'_, '_, P>, task: &mut Task<'_>) -> Poll<Result<bool, Error>> {
        if let Poll::Ready(written) = self.writer.poll(task) {
            return Poll::Ready(self.acknowledge(written).map(|()| true));
        }
        match reader.poll_next(task) {
            Poll::Ready(Some(read)) => Poll::Ready(self.take(reader, read).map(|()| true)),
            // The reading goes on once fewer lines wait to be written.
            Poll::Ready(None) if !reader.is_done() && self.writer.is_writing() => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(Ok(false)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn take(&mut self, reader: &mut Reader<'_, '_, P>, read: Read) -> Result<(), Error> {
        let at = read.at;
        let new = reader.take(read)?;
        let (context, number) = (self.context, self.lanes.len() - 1);
        let lane = self.lane();
        lane.report.pages = reader.pages;
        let lines = new.map(|new| lane.lines(context, new, at));
        lane.has_read_to(reader.cursor());
        let Some(lines) = lines else { return Ok(()) };
        self.writer.add(number, lines);
        let report = &self.lane().report;
        context.host.progress(Progress {
            gateway: &report.gateway,
            entries: report.entries,
            left: reader.left(),
            at: reader.cursor().ts(),
        });
        Ok(())
    }

    /// Notes a batch that was written. Nothing else moves a cursor. If we stop before the cursor is saved, the next
    /// pass writes the rows again, and readers see them once.
    fn acknowledge(&mut self, written: Result<Batch, CallError>) -> Result<(), Error> {
        let Batch { rows, lines, outcome } =
            written.map_err(|error| Error::Sink { sink: self.context.sink.name(), error })?;
        // Not collected: that would sort them, and each sort of another type takes 8 KB of the Worker.
        let (mut known, mut refused) = (BTreeSet::new(), BTreeMap::new());
        known.extend(outcome.known);
        refused.extend(outcome.rejected.into_iter().map(|it| (it.index, it.reason)));
        let alerts = self.context.config.alerts.as_ref();
        let mut rows = rows.into_iter().enumerate();
        for (lane, letter) in lines {
            let lane = &mut self.lanes[lane];
            if let Some((at, letter)) = letter {
                lane.acknowledge_letter(at, letter, alerts);
            } else if let Some((index, row)) = rows.next() {
                lane.report.known += u64::from(known.contains(&index));
                lane.acknowledge_row(row, refused.remove(&index), alerts);
            }
        }
        Ok(())
    }

    async fn write_all(&mut self) -> Result<(), Error> {
        while let Some(written) = self.writer.write_on().await {
            self.acknowledge(written)?;
            self.remember_if_many().await?;
        }
        Ok(())
    }

    /// Notes the error that ends the reading of one gateway, or the writing of all. The next pass reads unwritten
    /// entries again. Returns whether the pass may go on with the next gateway.
    fn fail(&mut self, error: Error) -> bool {
        let is_own = matches!(error, Error::Source { .. } | Error::Ahead { .. });
        let is_failure = !self.context.is_out_of_calls(&error);
        let ended = if is_failure { Ended::Failed } else { Ended::Calls };
        let mut error = Some(error).filter(|_| is_failure);
        if is_own {
            let lane = self.lane();
            lane.end(ended);
            lane.report.error = error;
            return is_failure;
        }
        self.is_broken = true;
        // A gateway's own error comes first. One of the other gateways reports this error.
        for lane in self.lanes.iter_mut().rev().filter(|lane| lane.falls_short() && lane.report.error.is_none()) {
            lane.end(ended);
            lane.report.error = error.take();
        }
        self.error = self.error.take().or(error);
        false
    }
}

/// Copies one stretch of one gateway, and moves no cursor of a job. Returns how far the writing has come, if that may
/// be kept.
pub async fn alone<P: Platform, T: Track>(
    context: &Context<'_, P>,
    gateway: &str,
    scan: Scan,
    track: T,
) -> (Option<T>, GatewayReport) {
    let (track, report) = one(context, gateway, scan, Box::new(track)).await.into_parts();
    let track: Option<Box<dyn Any>> = track.map(|track| track as Box<dyn Any>);
    (track.and_then(|track| track.downcast().ok()).map(|track| *track), report)
}

async fn one<P: Platform>(context: &Context<'_, P>, gateway: &str, scan: Scan, track: Box<dyn Track>) -> Lane {
    let mut copy = Copy::new(context, Memory::Nowhere);
    copy.read(gateway, scan, track).await;
    copy.finish().await;
    copy.lanes.remove(0)
}
