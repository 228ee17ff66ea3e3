//! The writing half of a copy: lines of all gateways wait, and one batch of them is being written.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::LocalBoxFuture};

use crate::{
    error::CallError,
    record::{Cell, Record},
    sink::{Outcome, Sink},
    state::DeadLetter,
    time::Timestamp,
};

/// After so many pages the waiting lines are written even if they fill no batch. If pages are small, or have few new
/// entries, the platform might refuse further calls before a batch is full, and each pass would read the same pages
/// again. Workers Free allows 50 subrequests: a sign-in, and three times 15 pages and an insert. Full pages never reach
/// this number: eleven of them fill a batch.
/// developers.cloudflare.com/workers/platform/limits
const MOST_UNWRITTEN_PAGES: u32 = 15;

/// If so many batches wait, no more pages are asked for: the memory of a Worker is small.
const MOST_UNWRITTEN_BATCHES: usize = 2;

/// A batch with so many bytes is full, whatever the number of its rows. Twice as many bytes may wait. A log may have
/// megabytes of metadata, and the memory of a Worker is small.
const MOST_UNWRITTEN_BYTES: usize = 8 << 20;

/// The line that was made of one entry.
pub enum Line {
    /// A row.
    Row(Record),
    /// No row can be made of the entry, so no sink gets it. It lies at this instant, UTC, which may be the instant of
    /// another entry.
    Letter(Timestamp, DeadLetter),
}

/// Lines in the order in which they were read. The rows have a list of their own, for the sink.
#[derive(Default)]
pub struct Batch {
    /// The rows.
    pub rows: Vec<Record>,
    /// The number of each line's lane, and its letter with its instant. None: the line is the next of the rows.
    pub lines: Vec<(usize, Option<(Timestamp, DeadLetter)>)>,
    /// What the sink has said of the rows.
    pub outcome: Outcome,
}

impl Batch {
    fn push(&mut self, number: usize, line: Line) {
        let letter = match line {
            Line::Row(row) => {
                self.rows.push(row);
                None
            }
            Line::Letter(at, letter) => Some((at, letter)),
        };
        self.lines.push((number, letter));
    }
}

/// The lines that wait for a sink.
pub struct Writer<'a, K> {
    sink: &'a K,
    /// Each line, with the number of its lane.
    pending: VecDeque<(usize, Line)>,
    /// The bytes of the pending lines.
    bytes: usize,
    /// Pages read since the first pending line.
    pages: u32,
    in_hand: Option<LocalBoxFuture<'a, Result<Batch, CallError>>>,
}

impl<'a, K: Sink> Writer<'a, K> {
    /// A writer with nothing to write.
    pub fn new(sink: &'a K) -> Self {
        Self { sink, pending: VecDeque::new(), bytes: 0, pages: 0, in_hand: None }
    }

    /// Adds the lines of one page.
    pub fn add(&mut self, lane: usize, lines: Vec<Line>) {
        for line in lines {
            self.bytes += size(&line);
            self.pending.push_back((lane, line));
        }
        self.pages += u32::from(!self.pending.is_empty());
    }

    /// Whether so many lines wait that no more pages may be read.
    pub fn is_full(&self) -> bool {
        let batches = self.pending.len() / self.sink.batch() + self.bytes / MOST_UNWRITTEN_BYTES;
        batches >= MOST_UNWRITTEN_BATCHES
    }

    /// Whether a batch is being written.
    pub fn is_writing(&self) -> bool {
        self.in_hand.is_some()
    }

    /// Begins to write if there are enough lines.
    pub fn begin(&mut self) {
        let enough = self.pages >= MOST_UNWRITTEN_PAGES || self.bytes >= MOST_UNWRITTEN_BYTES;
        self.begin_with(if enough { 1 } else { self.sink.batch() });
    }

    /// Begins to write a batch, if no batch is being written and at least `least` lines wait.
    fn begin_with(&mut self, least: usize) {
        if self.in_hand.is_some() || self.pending.len() < least {
            return;
        }
        let sink = self.sink;
        let (mut batch, mut bytes) = (Batch::default(), 0);
        while batch.rows.len() < sink.batch()
            && let Some((lane, line)) = self.pending.pop_front()
        {
            bytes += size(&line);
            batch.push(lane, line);
            let next = self.pending.front().map_or(0, |(_, line)| size(line));
            if bytes + next > MOST_UNWRITTEN_BYTES {
                break;
            }
        }
        self.bytes -= bytes;
        self.pages = 0;
        let write = async move {
            if !batch.rows.is_empty() {
                batch.outcome = sink.write(&batch.rows).await?;
            }
            Ok(batch)
        };
        self.in_hand = Some(write.boxed_local());
    }

    /// The batch in hand, as soon as it is written.
    pub fn poll(&mut self, task: &mut Context<'_>) -> Poll<Result<Batch, CallError>> {
        let Some(in_hand) = &mut self.in_hand else { return Poll::Pending };
        let written = in_hand.poll_unpin(task);
        if written.is_ready() {
            self.in_hand = None;
        }
        written
    }

    /// Finishes the batch in hand, or else writes the next batch, however small; `None` if all lines are written.
    pub async fn write_on(&mut self) -> Option<Result<Batch, CallError>> {
        self.begin_with(1);
        Some(self.in_hand.take()?.await)
    }
}

/// The approximate size of a line in bytes.
fn size(line: &Line) -> usize {
    let text = |cell: &Cell| if let Cell::Text(text) = cell { text.len() } else { 0 };
    match line {
        Line::Row(row) => size_of_val(&row.cells[..]) + row.cells.iter().map(text).sum::<usize>(),
        Line::Letter(_, letter) => letter.text().len(),
    }
}
