//! A cursor as `{"ts", "id", "at"}`: `id` is one of `at`, for the TypeScript program, which has no `at`.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    plan::cursor::Cursor,
    time::{self, Timestamp, stored},
};

#[derive(Deserialize)]
struct Stored {
    #[serde(deserialize_with = "stored::instant")]
    ts: Timestamp,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    at: BTreeSet<String>,
}

/// Writes a cursor.
pub fn serialize<S: Serializer>(cursor: &Cursor, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Written<'a> {
        ts: String,
        id: &'a str,
        at: &'a BTreeSet<String>,
    }
    let id = cursor.at.last().map_or("", String::as_str);
    Written { ts: time::text(cursor.ts()), id, at: &cursor.at }.serialize(serializer)
}

/// Reads a cursor.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cursor, D::Error> {
    let Stored { ts, id, mut at } = Stored::deserialize(deserializer)?;
    at.extend(id.filter(|id| !id.is_empty()));
    let mut cursor = Cursor::at_start_of(ts);
    cursor.at = at;
    Ok(cursor)
}
