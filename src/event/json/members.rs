//! The members of an object.

use std::{borrow::Cow, cmp::Ordering, mem};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::Json;

/// The members of an object by their names. Of a repeated name the last one counts. Most names that are looked for are not
/// there, and are found missing without a search.
#[derive(Debug, Clone, Default)]
pub struct Members<'a> {
    /// In the order of [`by_length`].
    list: Vec<(Cow<'a, str>, Json<'a>)>,
    /// The marks of all names that have ever been there. That of a name which has left costs a search, and nothing else.
    marks: u64,
}

impl<'a> Members<'a> {
    /// The members that an object has in this order. Those of the same name keep their order, and the last of them stays.
    pub(super) fn of(mut list: Vec<(Cow<'a, str>, Json<'a>)>) -> Self {
        if !list.is_sorted_by(|(name, _), (next, _)| by_length(name, next).is_lt()) {
            list.sort_by(|(name, _), (other, _)| by_length(name, other));
            list.dedup_by(|later, earlier| {
                let is_repeated = later.0 == earlier.0;
                if is_repeated {
                    mem::swap(later, earlier);
                }
                is_repeated
            });
        }
        let marks = list.iter().fold(0, |marks, (name, _)| marks | mark(name));
        Self { list, marks }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The value of a member.
    pub(crate) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.find(name).map(|place| &self.list[place].1)
    }

    /// The value of a member, to change it.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Json<'a>> {
        self.find(name).map(|place| &mut self.list[place].1)
    }

    /// Takes a member out.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(place) = self.find(name) {
            self.list.remove(place);
        }
    }

    /// Adds a member, unless there is one of this name.
    pub(crate) fn add(&mut self, name: Cow<'a, str>, value: Json<'a>) {
        if self.find(&name).is_none() {
            let place = self.list.partition_point(|(there, _)| by_length(there, &name).is_lt());
            self.marks |= mark(&name);
            self.list.insert(place, (name, value));
        }
    }

    /// Drops the members that are null.
    pub(crate) fn drop_nulls(&mut self) {
        self.list.retain(|(_, value)| !value.is_null());
    }

    fn find(&self, name: &str) -> Option<usize> {
        if self.marks & mark(name) == 0 {
            return None;
        }
        self.list.binary_search_by(|(there, _)| by_length(there, name)).ok()
    }

    /// Whether it has more levels of nesting than these, its own included.
    pub(crate) fn is_deeper(&self, levels: usize) -> bool {
        levels == 0 || self.list.iter().any(|(_, value)| value.is_deeper(levels - 1))
    }
}

/// Compares names. Most have different lengths, so their letters need not be read.
fn by_length(name: &str, other: &str) -> Ordering {
    name.len().cmp(&other.len()).then_with(|| name.cmp(other))
}

/// One of 64 bits, by the length of a name and its first and last byte. A bit that is set may be another name's; one that
/// is not set proves that the name is not there.
fn mark(name: &str) -> u64 {
    let letters = name.as_bytes();
    let letter = |letter: Option<&u8>| letter.map_or(0, |letter| u64::from(*letter));
    let sum = 7 * letters.len() as u64 + 5 * letter(letters.first()) + letter(letters.last());
    1 << (sum % 64)
}

impl PartialEq for Members<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl<'a> IntoIterator for Members<'a> {
    type Item = (Cow<'a, str>, Json<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl From<Map<String, Value>> for Members<'_> {
    fn from(map: Map<String, Value>) -> Self {
        Self::of(map.into_iter().map(|(name, value)| (Cow::Owned(name), value.into())).collect())
    }
}

impl From<Members<'_>> for Map<String, Value> {
    fn from(members: Members<'_>) -> Self {
        members.into_iter().map(|(name, value)| (name.into_owned(), value.into())).collect()
    }
}

/// In the order of the names, so that the same members are always the same text.
impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sorted: Vec<_> = self.list.iter().map(|(name, value)| (name, value)).collect();
        sorted.sort_by_key(|(name, _)| *name);
        serializer.collect_map(sorted)
    }
}
