//! The objects of an archive: events of an hour of an org, a JSON object a line, packed with gzip. An object grows by
//! further members of gzip, which every reader of gzip reads on.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader},
};

use flate2::bufread::MultiGzDecoder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    event::EVENTS,
    record::Kind,
    time::{self, Timestamp},
};

/// The letters of an org that stand for themselves in the name of an object.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// The longest name of a folder, less `org=`, for systems that allow 255 bytes.
const LONGEST_NAME: usize = 200;

/// The key of an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    org: String,
    /// Its instant, as the table has it.
    pub created_at: String,
    /// Its id.
    pub id: String,
}

impl Key {
    /// The key of a row of an org.
    pub fn of(org: &str, row: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| Some(row.get(name)?.as_str()?.to_owned());
        Some(Self { org: org.to_owned(), created_at: text("created_at")?, id: text("id")? })
    }
}

/// The name of the object of an hour. Two orgs have the same folder only where a system takes letters of either case for
/// the same.
pub fn name(org: &str, hour: Timestamp) -> String {
    // 2026-11-01T05:00:00.000Z
    let text = time::text(hour);
    format!("{}/{}/{}.ndjson.gz", folder(org), &text[..10], &text[11..13])
}

/// The folder of the objects of an org.
pub fn folder(org: &str) -> String {
    let mut name = utf8_percent_encode(org, ESCAPED).to_string();
    if name.len() > LONGEST_NAME {
        name.truncate(LONGEST_NAME / 2);
        name = format!("{name}~{:x}", Sha256::digest(org));
    }
    format!("events/org={name}")
}

/// The keys of the events that an object holds.
///
/// # Errors
/// If it cannot be read to its end.
pub fn keys(bytes: &[u8]) -> io::Result<BTreeSet<Key>> {
    let mut keys = BTreeSet::new();
    if bytes.is_empty() {
        return Ok(keys);
    }
    let lines = BufReader::new(MultiGzDecoder::new(bytes)).lines();
    let key = |line: &str| {
        let row: Value = serde_json::from_str(line)?;
        let org = row["org"].as_str().unwrap_or_default();
        row.as_object().and_then(|row| Key::of(org, row)).ok_or_else(|| io::Error::other("a line has no key"))
    };
    for line in lines {
        keys.insert(key(&line?)?);
    }
    Ok(keys)
}

/// Events as lines of JSON.
///
/// # Errors
/// Never in practice: memory takes every byte.
pub fn lines<'a>(rows: impl Iterator<Item = &'a Map<String, Value>>) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, &Line(row))?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// A row of `events_raw` as JSON: its columns in their order, without those that are null.
struct Line<'a>(&'a Map<String, Value>);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for column in EVENTS.columns {
            let Some(value) = self.0.get(column.name).filter(|value| !value.is_null()) else { continue };
            match (column.kind, value) {
                (Kind::Bool, Value::Number(number)) => {
                    map.serialize_entry(column.name, &(number.as_i64() != Some(0)))?;
                }
                (Kind::Json, Value::String(text)) => {
                    let json: Option<Value> = serde_json::from_str(text).ok();
                    map.serialize_entry(column.name, json.as_ref().unwrap_or(value))?;
                }
                (_, value) => map.serialize_entry(column.name, value)?,
            }
        }
        map.end()
    }
}
