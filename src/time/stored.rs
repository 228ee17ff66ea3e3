//! How instants and days stand in a stored value. A person may have written one there: it must be from 1970 to 2199. All go
//! through one reader, so that the Worker holds no other.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use chrono::NaiveDate;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::{Timestamp, parse, parse_day};

/// An instant to which a millisecond can be added, and from which one can be taken.
///
/// # Errors
/// If the value is no text of such an instant.
pub fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no instant")))
}

#[derive(Deserialize)]
struct Instant(#[serde(deserialize_with = "instant")] Timestamp);

/// An instant that may be absent.
///
/// # Errors
/// As [`instant`].
pub fn optional_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map(|Instant(instant)| instant))
}

/// Three instants, or none.
///
/// # Errors
/// As [`instant`].
pub fn instants<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[Timestamp; 3]>, D::Error> {
    let instants: Option<[Instant; 3]> = Option::deserialize(deserializer)?;
    Ok(instants.map(|instants| instants.map(|Instant(instant)| instant)))
}

/// Values by instant.
///
/// # Errors
/// As [`instant`], or if a value has another shape.
pub fn by_instant<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<Timestamp, V>, D::Error> {
    deserializer.deserialize_map(ByKey(parse, PhantomData))
}

/// Values by day, UTC.
///
/// # Errors
/// If a key is no day, or a value has another shape.
pub fn by_day<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<NaiveDate, V>, D::Error> {
    deserializer.deserialize_map(ByKey(parse_day, PhantomData))
}

/// Reads an object whose keys this function reads.
struct ByKey<K, V>(fn(&str) -> Option<K>, PhantomData<V>);

impl<'de, K: Ord, V: Deserialize<'de>> Visitor<'de> for ByKey<K, V> {
    type Value = BTreeMap<K, V>;

    fn expecting(&self, words: &mut fmt::Formatter<'_>) -> fmt::Result {
        words.write_str("an object whose keys are dates")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((text, value)) = members.next_entry::<String, V>()? {
            let key = (self.0)(&text).ok_or_else(|| A::Error::custom(format!("{text:?} is no such date")))?;
            map.insert(key, value);
        }
        Ok(map)
    }
}
