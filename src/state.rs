//! What is remembered between passes: values an operator can read, under keys the TypeScript program already used.
//! Every value carries a version. An unknown one is an error, never a fresh start.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    error::Error,
    plan::{cursor::Cursor, slots::Slots},
    row::Row,
    sink::Rejected,
    time::{self, Timestamp},
};

/// Key of the forward pass's cursors.
pub const FORWARD: &str = "forward";
/// Key of the backfill's cursors.
pub const OLDEST: &str = "oldest";
/// Key under which an operator may put an instant at which the backfill stops.
pub const BACKFILL_STOP_AT: &str = "backfill_stop_at";
/// Key of the last error of each job.
pub const STATUS: &str = "status";

/// The version of every value written here.
const VERSION: u64 = 1;

/// The forward pass, for each gateway.
pub type Forward = Gateways<Position>;

/// The backfill, for each gateway.
pub type Oldest = Gateways<Backfill>;

/// One value for each gateway under one key. The first gateway's stands at the top level, where the TypeScript program
/// has its only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateways<T> {
    /// By gateway id.
    pub by_id: BTreeMap<String, T>,
}

impl<T> Default for Gateways<T> {
    fn default() -> Self {
        Self { by_id: BTreeMap::new() }
    }
}

/// How far the forward pass has come with one gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Everything before it is delivered.
    #[serde(flatten, with = "cursor_json")]
    pub cursor: Cursor,
    /// Where this program began: it owns this instant and everything after it. Absent after a takeover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

/// A cursor as `{"ts", "id", "at"}`: `id` is one of `at`, for the TypeScript program, which has no `at`.
mod cursor_json {
    use std::collections::BTreeSet;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::{
        plan::cursor::Cursor,
        time::{self, Timestamp},
    };

    #[derive(Serialize, Deserialize)]
    struct Stored {
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

impl<T: Serialize + DeserializeOwned> Gateways<T> {
    /// Reads a stored value. `first` is the gateway that a value without a name belongs to.
    ///
    /// # Errors
    /// [`Error::State`] where the value is not one this program knows.
    pub fn from_json(key: &str, text: &str, first: &str) -> Result<Self, Error> {
        let Value::Object(mut object) = versioned(key, text)? else { return Err(unknown(key)) };
        let mut by_id = BTreeMap::new();
        if let Some(Value::Object(others)) = object.remove("gateways") {
            for (gateway, value) in others {
                by_id.insert(gateway, of(key, value)?);
            }
        }
        let gateway = object.remove("gateway").and_then(|name| name.as_str().map(str::to_owned));
        by_id.insert(gateway.unwrap_or_else(|| first.to_owned()), of(key, Value::Object(object))?);
        Ok(Self { by_id })
    }

    /// Writes the value, `first`'s at the top level where it has one.
    ///
    /// # Errors
    /// Never in practice: every part has a JSON form.
    pub fn to_json(&self, first: &str) -> Result<String, serde_json::Error> {
        let top = self.by_id.get_key_value(first).or_else(|| self.by_id.first_key_value());
        let Some((top, value)) = top else { return Ok(String::new()) };
        let mut object = serde_json::to_value(value)?;
        object["v"] = VERSION.into();
        object["gateway"] = top.as_str().into();
        for (gateway, value) in self.by_id.iter().filter(|(gateway, _)| *gateway != top) {
            object["gateways"][gateway] = serde_json::to_value(value)?;
        }
        Ok(object.to_string())
    }
}

impl Oldest {
    /// Reads the backfill's cursors, or the bare instant that the TypeScript program keeps under the same key. That one
    /// skipped entries sharing its instant, so the instant is read again.
    ///
    /// # Errors
    /// [`Error::State`] where the value is neither.
    pub fn read(text: &str, first: &str) -> Result<Self, Error> {
        let Some(ts) = time::parse(text.trim().trim_matches('"')) else {
            return Self::from_json(OLDEST, text, first);
        };
        let backfill =
            Backfill { cursor: Cursor::at_start_of(ts), start: None, done: None, day: None };
        Ok(Self { by_id: BTreeMap::from([(first.to_owned(), backfill)]) })
    }
}

/// Reads [`BACKFILL_STOP_AT`].
///
/// # Errors
/// [`Error::State`] where it is no instant.
pub fn read_stop(text: &str) -> Result<Timestamp, Error> {
    time::parse(text.trim().trim_matches('"')).ok_or_else(|| Error::State {
        key: BACKFILL_STOP_AT.into(),
        problem: format!("is {text:?}, but must be an instant such as 2026-01-01T00:00:00Z"),
    })
}

/// The last error of each job; written only when it changes what an operator would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// By job: `forward`, `backfill`.
    #[serde(flatten)]
    pub failing: BTreeMap<String, Failure>,
}

/// Why a job fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When it first failed in this way, UTC.
    pub since: Timestamp,
    /// What it was doing, and what went wrong.
    pub error: String,
    /// Whether the next tick may succeed without anybody's help.
    pub transient: bool,
}

impl Status {
    /// Reads the stored value.
    ///
    /// # Errors
    /// [`Error::State`] where the value is not one this program knows.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        of(STATUS, versioned(STATUS, text)?)
    }

    /// Notes how a job went; whether that changes what an operator would do.
    pub fn note(&mut self, job: &str, error: Option<&Error>, now: Timestamp) -> bool {
        let Some(error) = error else { return self.failing.remove(job).is_some() };
        let failure = Failure { since: now, error: error.chain(), transient: error.is_transient() };
        let known = self.failing.get(job).is_some_and(|known| known.error == failure.error);
        if !known {
            self.failing.insert(job.to_owned(), failure);
        }
        !known
    }

    /// The value to store.
    ///
    /// # Errors
    /// Never in practice: every part has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut object = serde_json::to_value(self)?;
        object["v"] = VERSION.into();
        Ok(object.to_string())
    }
}

/// Key and value that keep rows a sink will never take: `dead:<gateway>:<pass instant>`.
#[must_use]
pub fn dead_letters(
    gateway: &str,
    now: Timestamp,
    rejected: &[(Row, Rejected)],
) -> (String, String) {
    let letters: Vec<_> = rejected
        .iter()
        .map(|(row, rejected)| json!({ "id": row.id, "reason": rejected.reason, "row": row }))
        .collect();
    let value = json!({ "v": VERSION, "rows": letters });
    (format!("dead:{gateway}:{}", time::text(now)), value.to_string())
}

/// Opens a stored JSON object and takes its version off. The TypeScript program's values have none.
fn versioned(key: &str, text: &str) -> Result<Value, Error> {
    let mut value: Value = serde_json::from_str(text).map_err(|_| unknown(key))?;
    let version = value.as_object_mut().and_then(|object| object.remove("v"));
    match version.as_ref().map(Value::as_u64) {
        None | Some(Some(VERSION)) => Ok(value),
        Some(_) => {
            let problem = format!(
                "has version {}, but this program knows version {VERSION}",
                version.unwrap_or_default()
            );
            Err(Error::State { key: key.into(), problem })
        }
    }
}

fn of<T: DeserializeOwned>(key: &str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::State {
        key: key.into(),
        problem: format!("cannot be read ({error})"),
    })
}

fn unknown(key: &str) -> Error {
    Error::State {
        key: key.into(),
        problem: "cannot be read: it is not what this program writes there".into(),
    }
}
