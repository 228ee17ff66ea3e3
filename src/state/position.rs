//! How far each job has come with one gateway.

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::{
    plan::{cursor::Cursor, slots::Slots},
    time::{self, Timestamp},
};

/// How far the forward pass has come with one gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Everything before it is delivered.
    #[serde(flatten, with = "cursor_json")]
    pub cursor: Cursor,
    /// Where this program began: it owns this instant and everything after it. Absent after a takeover.
    #[serde(default, deserialize_with = "optional_instant", skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// What was delivered of the last 26 hours.
    #[serde(default)]
    pub slots: Slots,
}

impl Position {
    /// A forward pass that begins at `start`.
    #[must_use]
    pub fn starting(start: Timestamp) -> Self {
        Self { cursor: Cursor::at_start_of(start), start: Some(start), slots: Slots::default() }
    }
}

/// How far the backfill has come with one gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backfill {
    /// Everything after it, and before `start`, is delivered.
    #[serde(flatten, with = "cursor_json")]
    pub cursor: Cursor,
    /// Where the forward pass began: it owns this instant and everything after it. Absent after a takeover.
    #[serde(default, deserialize_with = "optional_instant", skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// Where the backfill came to its end, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
    /// What was delivered of the day the cursor stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
}

impl Track for Cursor {
    fn cursor(&mut self) -> &mut Cursor {
        self
    }

    fn count(&mut self, _created_at: Timestamp) {}
}

/// The end of a backfill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The `backfill_stop_at` it stopped at; none: the gateway's first entry.
    #[serde(default, deserialize_with = "optional_instant")]
    pub stop: Option<Timestamp>,
}

/// Entries delivered of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// UTC.
    pub date: NaiveDate,
    /// Entries.
    pub delivered: u64,
}

impl Backfill {
    /// A backfill of everything before `start`.
    #[must_use]
    pub fn before(start: Timestamp) -> Self {
        let cursor = Cursor::at_start_of(start - time::MILLISECOND);
        Self { cursor, start: Some(start), done: None, day: None }
    }

    /// Whether there is nothing left to read down to `stop`, or to the first entry.
    #[must_use]
    pub fn is_done(&self, stop: Option<Timestamp>) -> bool {
        match (self.done.map(|done| done.stop), stop) {
            (None, _) | (Some(Some(_)), None) => false,
            (Some(None), _) => true,
            (Some(Some(reached)), Some(stop)) => reached <= stop,
        }
    }
}

/// What a delivered row moves.
pub trait Track {
    /// The cursor.
    fn cursor(&mut self) -> &mut Cursor;

    /// Counts an entry as delivered.
    fn count(&mut self, created_at: Timestamp);
}

impl Track for Position {
    fn cursor(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    fn count(&mut self, created_at: Timestamp) {
        self.slots.deliver(created_at);
    }
}

impl Track for Backfill {
    fn cursor(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    fn count(&mut self, created_at: Timestamp) {
        let date = created_at.date_naive();
        let delivered = self.day.filter(|day| day.date == date).map_or(0, |day| day.delivered);
        self.day = Some(Day { date, delivered: delivered + 1 });
    }
}

/// An instant that a millisecond can be added to or taken from: who edits a value by hand may write another.
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    time::parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no instant")))
}

fn optional_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    #[derive(Deserialize)]
    struct Instant(#[serde(deserialize_with = "instant")] Timestamp);
    Ok(Option::deserialize(deserializer)?.map(|Instant(instant)| instant))
}

/// A cursor as `{"ts", "id", "at"}`: `id` is one of `at`, for the TypeScript program, which has no `at`.
mod cursor_json {
    use std::collections::BTreeSet;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::{
        plan::cursor::Cursor,
        time::{self, Timestamp},
    };

    #[derive(Deserialize)]
    struct Stored {
        #[serde(deserialize_with = "super::instant")]
        ts: Timestamp,
        #[serde(default)]
        id: Option<String>,
        #[serde(default)]
        at: BTreeSet<String>,
    }

    pub fn serialize<S: Serializer>(cursor: &Cursor, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            ts: String,
            id: &'a str,
            at: &'a BTreeSet<String>,
        }
        let id = cursor.at.last().map_or("", String::as_str);
        Written { ts: time::text(cursor.ts), id, at: &cursor.at }.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cursor, D::Error> {
        let Stored { ts, id, mut at } = Stored::deserialize(deserializer)?;
        at.extend(id.filter(|id| !id.is_empty()));
        Ok(Cursor { ts: time::floor_ms(ts), at })
    }
}
