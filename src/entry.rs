//! A log as the API gives it: two fields the program relies on, and everything else untouched.

use std::{borrow::Cow, fmt, mem};

use serde::{
    Deserialize,
    de::{Deserializer, Error, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::{
    row::{COLUMNS, Cell, cell},
    time::Timestamp,
};

/// One log of the list. Ids are opaque: they carry no order and no format to rely on.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The log's id.
    pub id: String,
    /// When the gateway logged the call, UTC.
    pub created_at: Timestamp,
    /// Every other field, as it came.
    pub fields: Fields,
    /// Why it cannot become a row, where it cannot. Its id and instant may then be stand-ins.
    pub unread: Option<Box<Unread>>,
}

/// A log that cannot become a row: no sink takes it, and its text is kept as a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Its own text, or as much of it as may be kept.
    pub text: String,
    /// Why it cannot become a row: a sentence.
    pub reason: String,
    /// Whether `created_at` is that of an entry beside it on the page, because its own cannot be read.
    pub is_placed: bool,
}

/// Fields of an entry: those that are a column as its cell, so that no name of theirs is kept or searched for again.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// One for each of [`COLUMNS`]; null where something else than a field fills the column.
    pub(crate) cells: Vec<Cell>,
    /// Fields that are of another kind than their column.
    pub(crate) misfits: Map<String, Value>,
    /// Fields that are no column, as they came.
    pub(crate) others: Map<String, Value>,
}

impl Default for Fields {
    fn default() -> Self {
        Self { cells: COLUMNS.iter().map(|_| Cell::Null).collect(), misfits: Map::new(), others: Map::new() }
    }
}

impl Fields {
    /// Sets a field. Of two with one name the last one counts.
    fn set(&mut self, name: Cow<str>, value: Value) {
        let places = COLUMNS.iter().zip(&mut self.cells);
        let Some((column, place)) = places.into_iter().find(|(column, _)| column.is_of_field(&name)) else {
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
    /// Whether its instant is that of an entry beside it on the page.
    #[must_use]
    pub fn is_placed(&self) -> bool {
        self.unread.as_ref().is_some_and(|unread| unread.is_placed)
    }

    /// Takes an element of the list apart.
    ///
    /// # Errors
    /// Says what is missing where the element has no id or no instant: without them nothing can be read after it.
    pub fn from_json(element: Value) -> Result<Self, String> {
        let Value::Object(members) = element else {
            return Err("an entry is not an object".into());
        };
        let mut fields = Fields::default();
        members.into_iter().for_each(|(name, value)| fields.set(name.into(), value));
        Self::new(fields)
    }

    fn new(mut fields: Fields) -> Result<Self, String> {
        // The first two columns, as COLUMNS has them.
        let [id, created_at, ..] = &mut fields.cells[..] else { return Err("an entry has no fields".into()) };
        let Cell::Text(id) = mem::replace(id, Cell::Null) else {
            return Err("an entry has no id".into());
        };
        let Cell::Instant(created_at) = mem::replace(created_at, Cell::Null) else {
            return Err(format!("entry {id} has no created_at that can be read"));
        };
        Ok(Self { id, created_at, fields, unread: None })
    }
}

/// Reads what [`Entry::from_json`] takes apart, without the detour over an object of names and values: pages are most of
/// what a pass reads.
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
                    fields.set(name, members.next_value()?);
                }
                Entry::new(fields).map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Entry;
    use crate::time;

    #[test]
    fn an_entry_needs_an_id_and_an_instant() {
        let check = |element: Value, expected: &str| {
            let read = serde_json::from_str::<Entry>(&element.to_string());
            assert!(read.is_err(), "{element}");
            assert_eq!(Entry::from_json(element).unwrap_err(), expected);
        };
        check(json!([]), "an entry is not an object");
        check(json!({ "created_at": "2026-10-06T09:15:22.417Z" }), "an entry has no id");
        check(json!({ "id": "a", "created_at": 1 }), "entry a has no created_at that can be read");
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
        // Of two with one name the last one counts, whatever it is.
        check(r#""step":1,"step":"2","step":null,"new":1,"new":null,"timings":{"latency":1},"timings":{"total":2}"#);
        check(r#""created_at":1,"id":"b","created_at":"2026-10-06T09:15:22.5Z""#);
        check(r#""st\u0065p":3,"n\u00e9w \ud83e\udd80":"\n","cost":0.30000000000000004,"score":1e-320"#);
    }
}
