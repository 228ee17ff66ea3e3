//! The writing half of a copy: lines wait, one batch is in hand, and what was acknowledged waits to be remembered.

use std::{
    collections::VecDeque,
    mem,
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::LocalBoxFuture};

use crate::{
    error::{CallError, Error},
    pass::report::GatewayReport,
    plan::{segments::Segment, slots::LONG_CALL},
    row::{Cell, Row},
    sink::{Outcome, Rejected, Sink},
    state::{Body, DeadLetter, Track},
    time::Timestamp,
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

/// Bytes of rows after which a batch is full whatever their number, and twice of which may wait: a log may have megabytes of
/// metadata, and the memory of a Worker is small.
const MOST_UNWRITTEN_BYTES: usize = 8 << 20;

/// What was written since it was last remembered.
#[derive(Debug, Default)]
pub struct Written {
    /// The ids.
    pub segment: Option<Segment>,
    /// What the sink will never take.
    pub rejected: Vec<DeadLetter>,
}

/// What one entry became.
pub enum Line {
    /// A row.
    Row(Row),
    /// No row can be made of it: no sink is asked.
    Letter(Letter),
}

/// A dead letter that no sink has seen.
pub struct Letter {
    /// What is kept.
    pub kept: DeadLetter,
    /// The entry's instant, UTC.
    pub created_at: Timestamp,
    /// Whether that is another's.
    pub is_placed: bool,
}

/// Lines in the order of the scan, rows and letters apart.
#[derive(Default)]
pub struct Batch {
    rows: Vec<Row>,
    /// Each with how many rows stand before it.
    letters: Vec<(usize, Letter)>,
}

impl Batch {
    fn push(&mut self, line: Line) {
        match line {
            Line::Row(row) => self.rows.push(row),
            Line::Letter(letter) => self.letters.push((self.rows.len(), letter)),
        }
    }
}

/// A batch, and what the sink said of it.
pub type Wrote = (Batch, Result<Outcome, CallError>);

/// Rows on their way to a sink.
pub struct Writer<'a, K> {
    sink: &'a K,
    pending: VecDeque<Line>,
    /// Bytes of what is pending.
    bytes: usize,
    /// Pages read since rows have been pending.
    pages: u32,
    in_hand: Option<LocalBoxFuture<'a, Wrote>>,
    /// Ids whose entries lie at the cursor or farther on, nobody knows where: the next instant may show them again.
    placed: Vec<String>,
    /// What is written and not yet remembered.
    pub written: Written,
}

impl<'a, K: Sink> Writer<'a, K> {
    /// A writer with nothing to write.
    pub fn new(sink: &'a K) -> Self {
        Self {
            sink,
            pending: VecDeque::new(),
            bytes: 0,
            pages: 0,
            in_hand: None,
            placed: Vec::new(),
            written: Written::default(),
        }
    }

    /// Adds the lines of one page.
    pub fn add(&mut self, lines: impl Iterator<Item = Line>) {
        for line in lines {
            self.bytes += size(&line);
            self.pending.push_back(line);
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
        let enough = self.pages >= MOST_UNWRITTEN_PAGES || self.bytes >= MOST_UNWRITTEN_BYTES;
        self.begin_with(if enough { 1 } else { self.sink.batch() });
    }

    /// Begins to write a batch, where none is in hand and there are at least `least` rows.
    fn begin_with(&mut self, least: usize) {
        if self.in_hand.is_some() || self.pending.len() < least {
            return;
        }
        let sink = self.sink;
        let (mut batch, mut bytes) = (Batch::default(), 0);
        while batch.rows.len() < sink.batch()
            && let Some(line) = self.pending.pop_front()
        {
            bytes += size(&line);
            batch.push(line);
            let next = self.pending.front().map_or(0, size);
            if bytes + next > MOST_UNWRITTEN_BYTES {
                break;
            }
        }
        self.bytes -= bytes;
        self.pages = 0;
        let write = async move {
            let outcome = if batch.rows.is_empty() { Ok(Outcome::default()) } else { sink.write(&batch.rows).await };
            (batch, outcome)
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
        (batch, outcome): Wrote,
        track: &mut dyn Track,
        report: &mut GatewayReport,
    ) -> Result<(), Error> {
        let outcome = outcome.map_err(|error| Error::Sink { sink: self.sink.name(), error })?;
        let Batch { rows, letters } = batch;
        let mut letters = letters.into_iter().peekable();
        for place in 0..=rows.len() {
            while let Some((_, letter)) = letters.next_if(|(before, _)| *before == place) {
                let Letter { kept, created_at, is_placed } = letter;
                self.note(kept.id(), created_at, track);
                if is_placed {
                    self.placed.push(kept.id().to_owned());
                }
                // Counted where it may not lie, it would stand for another one that is missing there.
                if !is_placed {
                    track.count(created_at, None);
                }
                self.written.segment.iter_mut().for_each(|segment| segment.metadata.placed |= is_placed);
                report.rejected += 1;
                self.reject(kept);
            }
            if let Some(row) = rows.get(place) {
                self.note(&row.id, row.created_at, track);
                track.count(row.created_at, row.is_longer_than(LONG_CALL));
            }
        }
        report.known += outcome.known;
        report.rejected += outcome.rejected.len() as u64;
        report.rows += (rows.len() - outcome.rejected.len()) as u64;
        for Rejected { index, reason } in outcome.rejected {
            self.reject(DeadLetter { body: Body::Row(rows[index].clone()), reason });
        }
        Ok(())
    }

    fn note(&mut self, id: &str, created_at: Timestamp, track: &mut dyn Track) {
        let cursor = track.cursor();
        let before = cursor.ts();
        cursor.pass_over(id, created_at);
        if cursor.ts() != before {
            cursor.at.extend(mem::take(&mut self.placed));
        }
        match &mut self.written.segment {
            Some(segment) => segment.push(id, created_at),
            none @ None => *none = Some(Segment::of(id, created_at)),
        }
    }

    fn reject(&mut self, letter: DeadLetter) {
        // Its reason may quote the row: that is for the dead letter alone.
        log::warn!(id = letter.id(); "kept as a dead letter");
        self.written.rejected.push(letter);
    }
}

/// About how many bytes a line takes.
fn size(line: &Line) -> usize {
    let of_row = |row: &Row| {
        let text = |cell: &Cell| if let Cell::Text(text) = cell { text.len() } else { 0 };
        size_of_val(&row.cells[..]) + row.cells.iter().map(text).sum::<usize>()
    };
    match line {
        Line::Row(row) => of_row(row),
        Line::Letter(letter) => match &letter.kept.body {
            Body::Row(row) => of_row(row),
            Body::Text { text, .. } => text.len(),
            Body::Unknown { .. } => 0,
        },
    }
}
