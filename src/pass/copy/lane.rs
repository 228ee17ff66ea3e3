//! One gateway in a copy: the entries that were read, and which of them are written and remembered.

use std::{borrow::Cow, iter, mem};

use super::write::Line;
use crate::{
    config::Alerts,
    foreign,
    log::entry::Entry,
    pass::{Context, Platform, report::GatewayReport},
    plan::{
        budget::Ended,
        cursor::Cursor,
        segments::{self, Kept, Segment},
        slots::LONG_CALL,
    },
    record::{Cell, Record},
    state::{DeadLetter, Track},
    time::Timestamp,
};

/// One gateway in a copy.
pub struct Lane {
    track: Box<dyn Track>,
    /// Whether no cursor of a job moves with the rows.
    is_aside: bool,
    /// The report so far.
    pub report: GatewayReport,
    /// Whether the reading has ended.
    has_ended: bool,
    /// How far the reading has come.
    read_to: Cursor,
    /// The number of lines that are read, but not written.
    unwritten: usize,
    /// Ids of entries that lie somewhere at the cursor or beyond it. The next instant may show them again.
    placed: Vec<String>,
    /// The ids of rows and letters that are written, but not remembered.
    pub segment: Option<Segment>,
    /// The dead letters that are not kept yet.
    pub rejected: Vec<DeadLetter>,
}

impl Lane {
    /// The lane of a gateway that is not read yet.
    pub fn new(
        gateway: &str,
        (track, is_aside): (Box<dyn Track>, bool),
        read_to: Cursor,
        bound: Option<Timestamp>,
    ) -> Self {
        Self {
            track,
            is_aside,
            report: GatewayReport::new(gateway, read_to.ts(), bound),
            has_ended: false,
            read_to,
            unwritten: 0,
            placed: Vec::new(),
            segment: None,
            rejected: Vec::new(),
        }
    }

    /// How far the reading has come.
    pub fn read_to(&self) -> &Cursor {
        &self.read_to
    }

    /// Makes lines of the new entries of a page that came at `at`.
    pub fn lines<P: Platform>(&mut self, context: &Context<'_, P>, mut new: Vec<Entry>, at: Timestamp) -> Vec<Line> {
        new.retain(|entry| self.track.admits(entry));
        self.report.entries += new.len() as u64;
        for entry in &new {
            // A placed entry has the instant of another entry, so its lateness is not known.
            if !entry.is_placed() {
                self.report.lateness.add(at - entry.created_at);
            }
        }
        self.unwritten += new.len();
        new.into_iter().map(|entry| line(context, entry, &self.report.gateway, at)).collect()
    }

    /// Notes how far the reading has come.
    pub fn has_read_to(&mut self, cursor: &Cursor) {
        self.read_to.clone_from(cursor);
        self.settle();
    }

    /// If everything that was read is written, the writing has come as far as the reading.
    fn settle(&mut self) {
        if self.unwritten == 0 {
            self.track.settle(&self.read_to);
        }
    }

    /// Notes a row that the sink has taken, or refused with a reason.
    pub fn acknowledge_row(&mut self, row: Record, refused: Option<String>, alerts: Option<&Alerts>) {
        let created_at = row.at();
        self.note(row.id(), created_at);
        self.track.count(created_at, is_long(&row));
        match refused {
            None => {
                self.report.rows += 1;
                self.sum_up(&row, alerts);
            }
            Some(reason) => {
                self.leave_out(row.id(), created_at, alerts);
                self.reject(DeadLetter::of_row(row, reason));
            }
        }
        self.settle();
    }

    /// Notes a dead letter that no sink got. It lies at `at`.
    pub fn acknowledge_letter(&mut self, at: Timestamp, letter: DeadLetter, alerts: Option<&Alerts>) {
        self.note(letter.id(), at);
        self.leave_out(letter.id(), at, alerts);
        // A placed entry has no instant of its own. It is not counted, and its segment is marked: in the wrong slot it
        // would make up for a missing entry.
        if let Some(created_at) = letter.created_at() {
            self.track.count(created_at, None);
        } else {
            self.placed.push(letter.id().to_owned());
            self.segment.iter_mut().for_each(|segment| segment.metadata.placed = true);
        }
        self.reject(letter);
        self.settle();
    }

    fn note(&mut self, id: &str, created_at: Timestamp) {
        self.unwritten -= 1;
        let cursor = self.track.cursor();
        let before = cursor.ts();
        cursor.pass_over(id, created_at);
        if cursor.ts() != before {
            cursor.at.extend(mem::take(&mut self.placed));
        }
        match &mut self.segment {
            Some(segment) => segment.push(id, created_at),
            none @ None => *none = Some(Segment::of(id, created_at)),
        }
    }

    fn reject(&mut self, letter: DeadLetter) {
        // The log does not show the reason, because it may quote the row.
        log::warn!(id = letter.id(); "kept as a dead letter");
        self.report.rejected += 1;
        self.rejected.push(letter);
    }

    /// Notes why the reading ended.
    pub fn end(&mut self, ended: Ended) {
        self.report.ended = ended;
        self.has_ended = true;
    }

    /// Whether entries are still to be read, written or remembered.
    pub fn falls_short(&self) -> bool {
        !self.has_ended || self.unwritten > 0 || !self.is_remembered()
    }

    fn is_remembered(&self) -> bool {
        self.segment.is_none() && self.rejected.is_empty()
    }

    /// How far the writing has come, if that may be kept. A new gateway gets a cursor only after its first page was
    /// read: nothing else has confirmed this machine's clock.
    pub fn begun(&self) -> Option<&dyn Track> {
        let begun = match self.report.ended {
            _ if !self.has_ended => self.report.pages > 0,
            Ended::Complete => true,
            Ended::Failed => self.report.rows + self.report.rejected > 0,
            Ended::Doubtful | Ended::Pages | Ended::Time | Ended::Rate | Ended::Calls | Ended::Stopped => {
                self.report.pages > 0
            }
        };
        begun.then_some(&*self.track)
    }

    /// Sums up what a delivered row has cost, if somebody is told of it.
    fn sum_up(&mut self, row: &Record, alerts: Option<&Alerts>) {
        match (self.track.spend(), alerts) {
            (Some(spend), Some(alerts)) if self.is_aside => spend.note_once(row, alerts),
            (Some(spend), Some(alerts)) => spend.note(row, alerts),
            (None, _) | (_, None) => {}
        }
    }

    /// Notes an entry that has no row, and so no cost: a comparison must not take it for one that is still to be summed up.
    fn leave_out(&mut self, id: &str, at: Timestamp, alerts: Option<&Alerts>) {
        if let Some(spend) = self.track.spend().filter(|_| self.is_aside && alerts.is_some()) {
            spend.has_lost(iter::once(id.to_owned()), at);
        }
    }

    /// Notes that the ids of this segment are kept, or could not be kept.
    pub fn has_kept(&mut self, kept: &Kept, is_kept: bool) {
        let Some(spend) = self.track.spend().filter(|_| !self.is_aside) else { return };
        if is_kept {
            return spend.has_kept(&kept.key);
        }
        let ids = segments::ids(&kept.key, &kept.value, &self.report.gateway);
        spend.has_lost(ids.map(Cow::into_owned), kept.metadata.to);
    }

    /// Ends the copy of this gateway.
    pub fn finish(&mut self) {
        self.report.reached = self.track.cursor().ts();
    }

    /// How far the writing has come, unless ids or dead letters could not be kept, and the report.
    pub fn into_parts(self) -> (Option<Box<dyn Track>>, GatewayReport) {
        (self.is_remembered().then_some(self.track), self.report)
    }
}

/// Whether a row is of a long call. None: the row has no duration.
fn is_long(row: &Record) -> Option<bool> {
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let longest = LONG_CALL.num_milliseconds() as f64;
    if let Cell::Float(duration) = row.cell("duration")? { Some(*duration > longest) } else { None }
}

/// Makes the line of an entry: its row, or a dead letter.
fn line<P: Platform>(context: &Context<'_, P>, mut entry: Entry, gateway: &str, now: Timestamp) -> Line {
    let privacy = &context.config.privacy;
    let Some(unread) = entry.unread.take() else {
        return Line::Row(context.source.record(entry, gateway, now, privacy));
    };
    let text = foreign::masked(&privacy.apply_to_text(&unread.text));
    let created_at = Some(entry.created_at).filter(|_| !unread.is_placed);
    Line::Letter(entry.created_at, DeadLetter::of_text(entry.id, created_at, text, unread.reason))
}
