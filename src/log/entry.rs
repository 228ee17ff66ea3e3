//! A log as the API gives it: two fields that the program relies on, and all others unchanged.
//!
//! A page is read straight into cells. `Entry` puts each field that is a column into its cell, and keeps names and
//! values only of other fields, and of fields that do not fit their column. If this fails, the answer is read again log
//! by log (`source::ai_gateway::entries`). Then `raw.rs` splits it without a parser, only by brackets and quotes, so
//! that one log cannot spoil another, and makes values readable that no parser takes. Both ways must give the same
//! entries.
//!
//! A log that cannot become a row still has an id and an instant. Without a readable id, its id is a hash of its text,
//! so it is recognized again. Without a readable instant, it gets the instant of the log before it on the page
//! (`Entry::is_placed`), because the server's order puts it at or after that log. It moves like every entry, but no
//! sink gets it: it is kept with its text as a dead letter, once the rows before it are acknowledged. A placed log is
//! counted in no slot and no day: in the wrong slot it would make up for a missing entry. After a crash it may be kept
//! twice.

use std::{borrow::Cow, fmt, fmt::Write, mem};

use serde::{
    Deserialize,
    de::{Deserializer, Error, MapAccess, Visitor},
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    log::{
        columns::{FIELDS, LOGS, cell, is_own},
        raw,
        tame::tame,
    },
    record::Cell,
    time::{self, Timestamp},
};

/// The most bytes kept of the text of a log that cannot become a row. A log with prompts may have megabytes of text,
/// and KV takes values of up to 25 MiB.
const LONGEST_TEXT: usize = 1_000_000;

/// The most bytes quoted of an id or an instant that cannot be read.
const LONGEST_QUOTE: usize = 60;

/// One log of the list. Ids are opaque: they have no order, and no format to rely on.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The log's id.
    pub id: String,
    /// When the gateway logged the call, UTC.
    pub created_at: Timestamp,
    /// All other fields, as they came.
    pub fields: Fields,
    /// Set if the log cannot become a row. Its id and instant may then be substitutes.
    pub unread: Option<Box<Unread>>,
}

/// A log that cannot become a row: no sink takes it, and its text is kept as a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The log's text, or as much of it as may be kept.
    pub text: String,
    /// Why the log cannot become a row, as a sentence.
    pub reason: String,
    /// Whether `created_at` is the instant of another entry on the page, because its own cannot be read.
    pub is_placed: bool,
}

/// The fields of an entry. A field that is a column is kept as its cell, so its name is neither kept nor searched for
/// again.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// One cell for each column of [`LOGS`]; null if the column is not filled by a field.
    pub(crate) cells: Vec<Cell>,
    /// Fields of another kind than their column.
    pub(crate) misfits: Map<String, Value>,
    /// Fields without a column, as they came.
    pub(crate) others: Map<String, Value>,
}

impl Default for Fields {
    fn default() -> Self {
        Self { cells: vec![Cell::Null; LOGS.columns.len()], misfits: Map::new(), others: Map::new() }
    }
}

impl Fields {
    /// Takes the value of a column, and leaves null.
    fn take(&mut self, name: &str) -> Cell {
        let mut columns = LOGS.columns.iter().zip(&mut self.cells);
        let found = columns.find(|(column, _)| column.name == name);
        found.map_or(Cell::Null, |(_, cell)| mem::replace(cell, Cell::Null))
    }

    /// Sets a field. If two fields have the same name, the last one counts.
    fn set(&mut self, name: Cow<str>, value: Value) {
        let places = FIELDS.iter().zip(&mut self.cells);
        let Some(((column, _), place)) = places.into_iter().find(|(field, _)| is_own(field, &name)) else {
            self.others.insert(name.into_owned(), value);
            return;
        };
        self.misfits.remove(column.name);
        *place = cell(value, column.kind).unwrap_or_else(|value| {
            self.misfits.insert(name.into_owned(), value);
            Cell::Null
        });
    }
}

impl Entry {
    /// Whether its instant is the instant of another entry on the page.
    #[must_use]
    pub fn is_placed(&self) -> bool {
        self.unread.as_ref().is_some_and(|unread| unread.is_placed)
    }

    /// Reads the text of any element of the list. If its id or its instant cannot be read, the log cannot become a row.
    /// It then gets a hash of its text as its id, and the instant `beside` of the entry before it.
    #[must_use]
    pub fn read(text: &str, beside: Timestamp) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| {
            let mut fields = Fields::default();
            for (name, value) in raw::members(text).unwrap_or_default() {
                if let Value::String(name) = raw::value(name) {
                    let value = if name == "id" { own_id(value) } else { raw::value(value) };
                    fields.set(name.into(), value);
                }
            }
            Self::of(fields).unwrap_or_else(|missing| Self::unread(text, &missing, beside))
        })
    }

    /// An entry of which only the beginning of the text is known. If that has no id, `place` makes the id differ from
    /// the ids of other texts with the same beginning.
    #[must_use]
    pub fn of_beginning(text: &str, place: &str, reason: &str, beside: Timestamp) -> Self {
        let mut missing = Missing { id: None, created_at: None, reason: reason.to_owned() };
        for (name, value) in raw::first_members(text) {
            match (name, raw::value(value)) {
                ("\"id\"", Value::String(id)) => missing.id = Some(id),
                ("\"created_at\"", Value::String(text)) => missing.created_at = time::parse(&text),
                _ => {}
            }
        }
        missing.id = missing.id.or_else(|| Some(stand_in(&format!("{place} {text}"))));
        Self::unread(text, &missing, beside)
    }

    /// Gives it the instant of another entry, because its own cannot be right.
    pub fn place(&mut self, beside: Timestamp) {
        self.created_at = beside;
        self.unread.iter_mut().for_each(|unread| unread.is_placed = true);
    }

    fn unread(text: &str, missing: &Missing, beside: Timestamp) -> Self {
        let Missing { id, created_at, reason } = missing;
        let kept = raw::cut(text, LONGEST_TEXT);
        let cut = if kept.len() < text.len() {
            format!(" Only the beginning of its {} bytes is kept.", text.len())
        } else {
            String::new()
        };
        Self {
            id: id.clone().unwrap_or_else(|| stand_in(text)),
            created_at: created_at.unwrap_or(beside),
            fields: Fields::default(),
            unread: Some(Box::new(Unread {
                text: kept.to_owned(),
                reason: format!("{reason}{cut}"),
                is_placed: created_at.is_none(),
            })),
        }
    }

    /// Makes an entry of an element of the list.
    ///
    /// # Errors
    /// If the element has no id or no instant, returns what is missing: without them no later entry can be read.
    pub fn from_json(element: Value) -> Result<Self, String> {
        let mut fields = Fields::default();
        if let Value::Object(members) = element {
            members.into_iter().for_each(|(name, value)| fields.set(name.into(), value));
        }
        Self::of(fields).map_err(|missing| missing.reason)
    }

    fn of(mut fields: Fields) -> Result<Self, Missing> {
        match (fields.take(LOGS.id), fields.take(LOGS.at)) {
            (Cell::Text(id), Cell::Instant(created_at)) if !id.is_empty() => {
                Ok(Self { id, created_at, fields, unread: None })
            }
            (id, created_at) => Err(Missing::of(id, created_at, &fields.misfits)),
        }
    }
}

/// An id as it is. If it has characters that cannot be kept, a hash of them is added, so that two ids never become the
/// same.
fn own_id(text: &str) -> Value {
    match (raw::value(text), tame(text)) {
        (Value::String(id), Cow::Owned(_)) if id.contains('\u{fffd}') => {
            Value::String(format!("{id}~{}", stand_in(text)))
        }
        (id, _) => id,
    }
}

/// An id for a log without one. Equal texts have equal ids.
fn stand_in(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(16).fold("unread-".to_owned(), |mut id, byte| {
        // Writing to a string never fails.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// The two fields that an entry needs, as far as an element has them.
#[derive(Debug, Default)]
struct Missing {
    id: Option<String>,
    created_at: Option<Timestamp>,
    reason: String,
}

impl Missing {
    fn of(id: Cell, created_at: Cell, misfits: &Map<String, Value>) -> Self {
        let quoted = |name: &str| misfits.get(name).map(|value| raw::cut(&value.to_string(), LONGEST_QUOTE).to_owned());
        let mut reasons = Vec::new();
        let id = match (id, quoted("id")) {
            (Cell::Text(id), _) if !id.is_empty() => Some(id),
            (Cell::Text(_), _) | (_, None) => {
                reasons.push("It has no id.".to_owned());
                None
            }
            // Several logs may have this value: only a hash of the whole text tells them apart.
            (_, Some(other)) => {
                reasons.push(format!("Its id is {other}, but an id is a text."));
                None
            }
        };
        let created_at = match (created_at, quoted("created_at")) {
            (Cell::Instant(instant), _) => Some(instant),
            (_, Some(other)) => {
                reasons.push(format!(
                    "Its created_at is {other}, but must be an instant with a time zone, from 1970 to 2199."
                ));
                None
            }
            (_, None) => {
                reasons.push("It has no created_at.".to_owned());
                None
            }
        };
        Self { id, created_at, reason: reasons.join(" ") }
    }
}

/// Reads the same as [`Entry::from_json`], without an object of names and values in between: pages are most of what a
/// pass reads.
impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        impl<'de> Visitor<'de> for Members {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an entry")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Entry, A::Error> {
                let mut fields = Fields::default();
                while let Some(Name(name)) = members.next_key()? {
                    let value = members.next_value()?;
                    if is_wide(&value) {
                        return Err(A::Error::custom("a number whose digits are lost"));
                    }
                    fields.set(name, value);
                }
                Entry::of(fields).map_err(|missing| A::Error::custom(missing.reason))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Whether a value has a number that was read as a double, but may be an integer with more digits.
fn is_wide(value: &Value) -> bool {
    /// The parser reads no integer of this size or more as an integer.
    const TOO_WIDE: f64 = 9.2e18;
    match value {
        Value::Number(number) => number.is_f64() && number.as_f64().is_some_and(|number| number.abs() >= TOO_WIDE),
        Value::Array(values) => values.iter().any(is_wide),
        Value::Object(members) => members.values().any(is_wide),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Entry;
    use crate::time::{self, MILLISECOND, Timestamp};

    #[test]
    fn an_entry_needs_an_id_and_an_instant() {
        let check = |element: Value, expected: &str| {
            let read = serde_json::from_str::<Entry>(&element.to_string());
            assert!(read.is_err(), "{element}");
            assert_eq!(Entry::from_json(element).unwrap_err(), expected);
        };
        check(json!([]), "It has no id. It has no created_at.");
        check(json!({ "created_at": "2026-10-06T09:15:22.417Z" }), "It has no id.");
        check(
            json!({ "id": "a", "created_at": 1 }),
            "Its created_at is 1, but must be an instant with a time zone, from 1970 to 2199.",
        );
        let entry =
            Entry::from_json(json!({ "id": "a", "created_at": "2026-10-06T09:15:22.417Z", "step": 0 })).unwrap();
        assert_eq!((entry.id.as_str(), entry.created_at), ("a", time::parse("2026-10-06T09:15:22.417Z").unwrap()));
    }

    #[test]
    fn text_is_read_as_its_values_are() {
        let check = |members: &str| {
            let text = format!(r#"{{"id":"a","created_at":"2026-10-06T09:15:22.417Z",{members}}}"#);
            let values: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), Entry::from_json(values).unwrap(), "{text}");
        };
        check(r#""step":0,"new":[1,{"a":null}],"gateway":"b","extra":1,"timings":{"latency":1,"total":2}"#);
        // If two fields have the same name, the last one counts, whatever its value.
        check(r#""step":1,"step":"2","step":null,"new":1,"new":null,"timings":{"latency":1},"timings":{"total":2}"#);
        check(r#""created_at":1,"id":"b","created_at":"2026-10-06T09:15:22.5Z""#);
        check(r#""st\u0065p":3,"n\u00e9w \ud83e\udd80":"\n","cost":0.30000000000000004,"score":1e-320"#);
    }

    /// The text of an element with these members beside an id and an instant.
    fn with(members: &str) -> String {
        format!(r#"{{"id":"a","created_at":"2026-10-06T09:15:22.417Z",{members}}}"#)
    }

    #[test]
    fn what_no_parser_takes_is_kept_in_its_field() {
        let check = |members: &str, tame: &str| {
            let entry = Entry::read(&with(members), Timestamp::UNIX_EPOCH);
            let expected: Value = serde_json::from_str(&with(tame)).unwrap();
            assert_eq!(entry, Entry::from_json(expected).unwrap(), "{members}");
        };
        check(r#""user_agent":"a \ud83d","new":["\ude00\ud83d"]"#, r#""user_agent":"a \ufffd","new":["\ufffd\ufffd"]"#);
        check("\"model\":\"a\u{7}b\"", r#""model":"a\u0007b""#);
        check(r#""score":1e400,"cost":0.5"#, r#""score":"1e400","cost":0.5"#);
        check(
            r#""metadata":{"n":12345678901234567890123,"m":1e300}"#,
            r#""metadata":{"n":"12345678901234567890123","m":1e300}"#,
        );
        check(r#""new":NaN,"n\ud83d":1"#, r#""new":"NaN","n\ufffd":1"#);
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        check(&format!(r#""guardrails":{deep},"step":1"#), &format!(r#""guardrails":"{deep}","step":1"#));
    }

    #[test]
    fn ids_that_differ_in_halves_of_letters_alone_stay_apart() {
        let id = |half: &str| {
            let text = format!(r#"{{"id":"s{half}","created_at":"2026-10-06T09:15:22.417Z"}}"#);
            Entry::read(&text, Timestamp::UNIX_EPOCH).id
        };
        assert_ne!(id("\\ud83d"), id("\\ud83e"));
        assert!(id("\\ud83d").starts_with("s\u{fffd}~") && id("\\ud83d") == id("\\ud83d"));
        assert_eq!(id("\\ud83d\\ude00"), "s😀");
    }

    #[test]
    fn what_cannot_become_a_row_still_has_a_place_and_a_reason() {
        let at = time::parse("2026-10-06T09:15:22.417Z").unwrap();
        let beside = at - MILLISECOND;
        let check = |text: &str, id: Option<&str>, created_at: Option<Timestamp>, reason: &str| {
            let entry = Entry::read(text, beside);
            assert_eq!(
                (entry.created_at, entry.is_placed()),
                (created_at.unwrap_or(beside), created_at.is_none()),
                "{text}"
            );
            assert!(id.map_or(entry.id.len() == 39, |id| entry.id == id), "{}", entry.id);
            let unread = entry.unread.as_ref().unwrap();
            assert_eq!((unread.text.as_str(), unread.reason.as_str()), (text, reason));
            assert_eq!(Entry::read(text, beside), entry);
        };
        let instant = "but must be an instant with a time zone, from 1970 to 2199.";
        check(r#"{"created_at":"2026-10-06T09:15:22.417Z"}"#, None, Some(at), "It has no id.");
        check(r#"{"id":"","created_at":"2026-10-06T09:15:22.417Z"}"#, None, Some(at), "It has no id.");
        check(
            r#"{"id":42,"created_at":"2026-10-06T09:15:22.417Z"}"#,
            None,
            Some(at),
            "Its id is 42, but an id is a text.",
        );
        for given in [r#""2026-10-06T09:15:22.417""#, "1795169102", r#""0001-01-01T00:00:00Z""#, r#""2200-01-01""#] {
            let text = format!(r#"{{"id":"a","created_at":{given}}}"#);
            check(&text, Some("a"), None, &format!("Its created_at is {given}, {instant}"));
        }
        for nothing in ["7", "null", "[]", "{}", r#"{"id":null}"#, "{\"id\"}"] {
            check(nothing, None, None, "It has no id. It has no created_at.");
        }
        assert_ne!(Entry::read("7", at).id, Entry::read("8", at).id);
    }

    #[test]
    fn a_long_text_is_cut_and_what_it_begins_with_is_enough_for_a_place() {
        let text = format!("{{\"id\":1,\"path\":\"{}", "x".repeat(2_000_000));
        let entry = Entry::of_beginning(&text, "", "It is too large.", Timestamp::UNIX_EPOCH);
        let unread = entry.unread.unwrap();
        assert_eq!((unread.text.len(), unread.is_placed), (1_000_000, true));
        assert_eq!(unread.reason, format!("It is too large. Only the beginning of its {} bytes is kept.", text.len()));
        let known = Entry::of_beginning(&with("\"path\":\"xxx"), "", "It is too large.", Timestamp::UNIX_EPOCH);
        assert_eq!((known.id.as_str(), time::text(known.created_at).as_str()), ("a", "2026-10-06T09:15:22.417Z"));
    }
}
