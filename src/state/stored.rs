//! How instants and cursors stand in a stored value.

use serde::{Deserialize, Deserializer, de::Error};

use crate::time::{self, Timestamp};

/// An instant to which a millisecond can be added, and from which one can be taken. A person who edits a value by hand
/// may write another instant.
pub fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    time::parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no instant")))
}

#[derive(Deserialize)]
struct Instant(#[serde(deserialize_with = "instant")] Timestamp);

/// An instant that may be absent.
pub fn optional_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map(|Instant(instant)| instant))
}

/// Three instants, or none.
pub fn instants<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[Timestamp; 3]>, D::Error> {
    let instants: Option<[Instant; 3]> = Option::deserialize(deserializer)?;
    Ok(instants.map(|instants| instants.map(|Instant(instant)| instant)))
}

/// A cursor as `{"ts", "id", "at"}`: `id` is one of `at`, for the TypeScript program, which has no `at`.
pub mod cursor {
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
}
