//! The writing half of a copy: lines of all gateways wait, and one batch of them is in hand.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::LocalBoxFuture};

use crate::{
    error::CallError,
    record::{Cell, Record},
    sink::{Outcome, Sink},
    state::{Body, DeadLetter},
    time::Timestamp,
};

/// Pages after which what was read is written even if it fills no batch: where pages are small, or known but for a few
/// entries, the platform might refuse further calls before one is full, and each pass would read the same again. Workers
/// Free allows 50 subrequests: a sign-in, and three times 15 pages and an insert. Full pages never come to this: eleven hold
/// a batch.
/// developers.cloudflare.com/workers/platform/limits
const MOST_UNWRITTEN_PAGES: u32 = 15;

/// Batches that wait to be written while no more is read: the memory of a Worker is small.
const MOST_UNWRITTEN_BATCHES: usize = 2;

/// Bytes of rows after which a batch is full whatever their number, and twice of which may wait: a log may have megabytes of
/// metadata, and the memory of a Worker is small.
const MOST_UNWRITTEN_BYTES: usize = 8 << 20;

/// What one entry became.
pub enum Line {
    /// A row.
    Row(Record),
    /// No row can be made of it: no sink is asked.
    Letter(Letter),
}

/// A dead letter that no sink has seen.
pub struct Letter {
    /// The entry's id, or the one that stands in for it.
    pub id: String,
    /// The entry's instant, UTC.
    pub created_at: Timestamp,
    /// Whether that is another's.
    pub is_placed: bool,
    /// The entry's text.
    pub text: String,
    /// Why no row can be made of it.
    pub reason: String,
}

impl From<Letter> for DeadLetter {
    fn from(Letter { id, created_at, is_placed, text, reason }: Letter) -> Self {
        Self { body: Body::Text { id, created_at: (!is_placed).then_some(created_at), text }, reason }
    }
}

/// Lines in the order in which they were read, each with the number of its gateway's lane. Rows and letters lie apart.
#[derive(Default)]
pub struct Batch {
    /// The rows.
    pub rows: Vec<Record>,
    /// The lane of each row.
    pub lanes: Vec<usize>,
    /// Each letter with the number of rows before it, and its lane.
    pub letters: Vec<(usize, usize, Letter)>,
}

impl Batch {
    fn push(&mut self, number: usize, line: Line) {
        match line {
            Line::Row(row) => {
                self.rows.push(row);
                self.lanes.push(number);
            }
            Line::Letter(letter) => self.letters.push((self.rows.len(), number, letter)),
        }
    }
}

/// A batch, and what the sink said of it.
pub struct Wrote {
    /// The lines.
    pub batch: Batch,
    /// What the sink said of the rows.
    pub outcome: Result<Outcome, CallError>,
}

/// Lines on their way to a sink.
pub struct Writer<'a, K> {
    sink: &'a K,
    /// Each with its lane.
    pending: VecDeque<(usize, Line)>,
    /// Bytes of what is pending.
    bytes: usize,
    /// Pages read since lines have been pending.
    pages: u32,
    in_hand: Option<LocalBoxFuture<'a, Wrote>>,
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

    /// Whether so much waits to be written that no more is to be read.
    pub fn is_full(&self) -> bool {
        let batches = self.pending.len() / self.sink.batch() + self.bytes / MOST_UNWRITTEN_BYTES;
        batches >= MOST_UNWRITTEN_BATCHES
    }

    /// Whether a batch is in hand.
    pub fn is_writing(&self) -> bool {
        self.in_hand.is_some()
    }

    /// Begins to write where it is worth it.
    pub fn begin(&mut self) {
        let enough = self.pages >= MOST_UNWRITTEN_PAGES || self.bytes >= MOST_UNWRITTEN_BYTES;
        self.begin_with(if enough { 1 } else { self.sink.batch() });
    }

    /// Begins to write a batch, where none is in hand and there are at least `least` lines.
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
            let outcome = if batch.rows.is_empty() { Ok(Outcome::default()) } else { sink.write(&batch.rows).await };
            Wrote { batch, outcome }
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
}

/// About how many bytes a line takes.
fn size(line: &Line) -> usize {
    let text = |cell: &Cell| if let Cell::Text(text) = cell { text.len() } else { 0 };
    match line {
        Line::Row(row) => size_of_val(&row.cells[..]) + row.cells.iter().map(text).sum::<usize>(),
        Line::Letter(letter) => letter.text.len(),
    }
}
