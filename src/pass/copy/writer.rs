//! The writing half of a copy: rows wait, one batch is in hand, and what was acknowledged waits to be remembered.

use std::task::{Context, Poll};

use futures_util::{FutureExt, future::LocalBoxFuture};

use crate::{
    error::{CallError, Error},
    pass::report::GatewayReport,
    plan::segments::Segment,
    row::Row,
    sink::{Outcome, Rejected, Sink},
    state::Track,
};

/// Entries that may be written but not yet remembered. More would cost memory, and work after a crash.
const MOST_UNREMEMBERED: usize = 10_000;

/// Pages after which what was read is written even if it fills no batch: where pages are small, or known but for a few
/// entries, the platform might refuse further calls before one is full, and each pass would read the same again. Workers
/// Free allows 50 subrequests. Full pages never come to this: eleven hold a batch.
/// developers.cloudflare.com/workers/platform/limits
const MOST_UNWRITTEN_PAGES: u32 = 11;

/// Batches that wait to be written while no more is read: the memory of a Worker is small.
const MOST_UNWRITTEN_BATCHES: usize = 2;

/// What was written since it was last remembered.
#[derive(Debug, Default)]
pub struct Written {
    /// The ids.
    pub segment: Option<Segment>,
    /// The rows the sink will never take.
    pub rejected: Vec<(Row, Rejected)>,
}

/// A batch, and what the sink said of it.
pub type Wrote = (Vec<Row>, Result<Outcome, CallError>);

/// Rows on their way to a sink.
pub struct Writer<'a, K> {
    sink: &'a K,
    pending: Vec<Row>,
    /// Pages read since rows have been pending.
    pages: u32,
    in_hand: Option<LocalBoxFuture<'a, Wrote>>,
    /// What is written and not yet remembered.
    pub written: Written,
}

impl<'a, K: Sink> Writer<'a, K> {
    /// A writer with nothing to write.
    pub fn new(sink: &'a K) -> Self {
        Self { sink, pending: Vec::new(), pages: 0, in_hand: None, written: Written::default() }
    }

    /// Adds the rows of one page.
    pub fn add(&mut self, rows: impl Iterator<Item = Row>) {
        self.pending.extend(rows);
        self.pages += u32::from(!self.pending.is_empty());
    }

    /// Whether so much waits to be written that no more is to be read.
    pub fn is_full(&self) -> bool {
        self.pending.len() >= MOST_UNWRITTEN_BATCHES * self.sink.batch()
    }

    /// Whether a batch is in hand.
    pub fn is_writing(&self) -> bool {
        self.in_hand.is_some()
    }

    /// Whether all is written.
    pub fn is_done(&self) -> bool {
        self.pending.is_empty() && self.in_hand.is_none()
    }

    /// Whether it is time to remember what was written.
    pub fn has_much_to_remember(&self) -> bool {
        let segment = self.written.segment.as_ref();
        self.in_hand.is_none() && segment.is_some_and(|segment| segment.metadata.n >= MOST_UNREMEMBERED)
    }

    /// Begins to write where it is worth it.
    pub fn begin(&mut self) {
        let least = if self.pages >= MOST_UNWRITTEN_PAGES { 1 } else { self.sink.batch() };
        self.begin_with(least);
    }

    /// Begins to write a batch, where none is in hand and there are at least `least` rows.
    fn begin_with(&mut self, least: usize) {
        if self.in_hand.is_some() || self.pending.len() < least {
            return;
        }
        let sink = self.sink;
        let rows: Vec<Row> = self.pending.drain(..sink.batch().min(self.pending.len())).collect();
        self.pages = 0;
        let write = async move {
            let outcome = sink.write(&rows).await;
            (rows, outcome)
        };
        self.in_hand = Some(write.boxed_local());
    }

    /// The batch in hand, once it is written.
    pub fn poll(&mut self, task: &mut Context<'_>) -> Poll<Wrote> {
        let Some(in_hand) = &mut self.in_hand else { return Poll::Pending };
        let wrote = in_hand.poll_unpin(task);
        if wrote.is_ready() {
            self.in_hand = None;
        }
        wrote
    }

    /// Writes the batch in hand, or the next one, however small; `None` where all is written.
    pub async fn write_on(&mut self) -> Option<Wrote> {
        self.begin_with(1);
        Some(self.in_hand.take()?.await)
    }

    /// Notes a batch that was written. Nothing else moves a cursor: if we stop before this is remembered, the next pass
    /// writes the rows again, and readers see them once.
    pub fn acknowledge(
        &mut self,
        (rows, outcome): Wrote,
        track: &mut dyn Track,
        report: &mut GatewayReport,
    ) -> Result<(), Error> {
        let outcome = outcome.map_err(|error| Error::Sink { sink: self.sink.name(), error })?;
        for row in &rows {
            track.cursor().pass_over(&row.id, row.created_at);
            track.count(row);
            match &mut self.written.segment {
                Some(segment) => segment.push(&row.id, row.created_at),
                none @ None => *none = Some(Segment::of(&row.id, row.created_at)),
            }
        }
        report.known += outcome.known;
        report.rejected += outcome.rejected.len() as u64;
        report.rows += (rows.len() - outcome.rejected.len()) as u64;
        for rejected in outcome.rejected {
            let row = rows[rejected.index].clone();
            // Its reason may quote the row: that is for the dead letter alone.
            log::warn!(id = row.id.as_str(); "kept as a dead letter");
            self.written.rejected.push((row, rejected));
        }
        Ok(())
    }
}
