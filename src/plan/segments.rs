//! The ids of one written stretch, as they are kept in `IDS_KV`: one key for thousands of entries, never changed.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::time::{self, Timestamp, stored};

/// Stands in a key before the instants of a segment that spans, or may span, several days.
const DAYS: &str = "days:";

/// The ids of a stretch that were written since the last remembering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// First and last `created_at`, and number of ids.
    pub metadata: Metadata,
    ids: String,
}

/// KV metadata of a segment: a listing shows it without reading the ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// First `created_at` in the segment, UTC.
    #[serde(deserialize_with = "stored::instant")]
    pub from: Timestamp,
    /// Last `created_at` in the segment, UTC.
    #[serde(deserialize_with = "stored::instant")]
    pub to: Timestamp,
    /// Number of ids.
    pub n: usize,
    /// Whether some are of entries whose own instant cannot be read: these may lie elsewhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub placed: bool,
    /// Whether no cursor of a job moved with these rows: a comparison has written them, or a copy of a range.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aside: bool,
}

impl Metadata {
    /// Whether the segment may hold entries of `[from, until)`.
    #[must_use]
    pub fn overlaps(&self, from: Timestamp, until: Timestamp) -> bool {
        self.placed || self.from < until && self.to >= from
    }

    fn and(self, Self { from, to, n, placed, aside }: Self) -> Self {
        let (from, to) = (self.from.min(from), self.to.max(to));
        Self { from, to, n: self.n + n, placed: self.placed || placed, aside: self.aside || aside }
    }
}

/// Stands in a key for several gateways. No gateway has this id.
const SEVERAL: &str = "*";

/// In a segment of several gateways, a line that begins with this names the gateway of the ids after it.
const NAME: &str = "@";

/// The prefixes of the keys of all segments that may have entries of a day.
#[must_use]
pub fn prefixes(gateway: &str, date: NaiveDate) -> Vec<String> {
    let of = |gateway: &str| [format!("ids:{gateway}:{date}T"), format!("ids:{gateway}:{DAYS}")];
    [gateway, SEVERAL].into_iter().flat_map(of).collect()
}

/// The prefixes of the keys of all segments of a gateway.
#[must_use]
pub fn all_prefixes(gateway: &str) -> Vec<String> {
    [gateway, SEVERAL].map(|gateway| format!("ids:{gateway}:")).to_vec()
}

/// When the segment under a key was written, UTC.
#[must_use]
pub fn written(key: &str) -> Option<Timestamp> {
    let (_, written) = key.rsplit_once("Z:")?;
    time::parse(written)
}

/// The ids of a gateway in the segment under a key.
pub fn ids<'a>(key: &str, value: &'a str, gateway: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
    let is_shared = key.strip_prefix("ids:").is_some_and(|rest| rest.starts_with(SEVERAL));
    let mut is_its_own = true;
    value.lines().filter_map(move |line| {
        if let Some(name) = line.strip_prefix(NAME).filter(|_| is_shared) {
            is_its_own = name == gateway;
            return None;
        }
        let id = line.starts_with('"').then(|| serde_json::from_str(line).ok()).flatten();
        is_its_own.then(|| id.map_or(Cow::Borrowed(line), Cow::Owned))
    })
}

/// An id in a line of its own: as it is, or as JSON if the plain id would be read as something else.
fn written_line(id: &str) -> Cow<'_, str> {
    if id.is_empty() || id.starts_with('"') || id.starts_with(NAME) || id.contains(['\n', '\r']) {
        Cow::Owned(serde_json::Value::from(id).to_string())
    } else {
        Cow::Borrowed(id)
    }
}

/// A segment as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// `ids:<gateway>:<from>:<written>`, so that the segments of a day are found by the day's prefix, or
    /// `ids:<gateway>:days:…` if the segment spans several days, as in a backfill of quiet years, or may have ids of
    /// other days. The gateway is `*` in a segment of several gateways. The instant of the writing makes the key
    /// unique: no segment ever replaces another one.
    pub key: String,
    /// One id a line, to be read by [`ids`].
    pub value: String,
    /// What a listing shows.
    pub metadata: Metadata,
}

/// The segments of some gateways that were written together, under one key. None: nothing was written.
#[must_use]
pub fn kept(mut parts: Vec<(&str, Segment)>, written: Timestamp) -> Option<Kept> {
    if parts.len() == 1 {
        let (gateway, Segment { metadata, ids }) = parts.remove(0);
        return Some(Kept { key: key(gateway, metadata, written), value: ids, metadata });
    }
    let mut parts = parts.into_iter();
    let (gateway, Segment { mut metadata, ids }) = parts.next()?;
    let mut value = format!("{NAME}{gateway}\n{ids}");
    for (gateway, segment) in parts {
        metadata = metadata.and(segment.metadata);
        value.extend(["\n", NAME, gateway, "\n", &segment.ids]);
    }
    Some(Kept { key: key(SEVERAL, metadata, written), value, metadata })
}

fn key(gateway: &str, Metadata { from, to, placed, .. }: Metadata, written: Timestamp) -> String {
    let days = if from.date_naive() == to.date_naive() && !placed { "" } else { DAYS };
    format!("ids:{gateway}:{days}{}:{}", time::text(from), time::text(written))
}

impl Segment {
    /// A segment of one entry.
    #[must_use]
    pub fn of(id: &str, created_at: Timestamp) -> Self {
        let metadata = Metadata { from: created_at, to: created_at, n: 1, placed: false, aside: false };
        Self { metadata, ids: written_line(id).into_owned() }
    }

    /// Adds an entry.
    pub fn push(&mut self, id: &str, created_at: Timestamp) {
        self.ids.push('\n');
        self.ids.push_str(&written_line(id));
        self.metadata =
            self.metadata.and(Metadata { from: created_at, to: created_at, n: 1, placed: false, aside: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        time::parse(text).unwrap()
    }

    /// The only segment of a gateway, as it is kept.
    fn kept_of(gateway: &str, segment: &Segment, written: &str) -> Kept {
        kept(vec![(gateway, segment.clone())], at(written)).unwrap()
    }

    #[test]
    fn a_segment_is_filed_under_its_day_or_under_days() {
        let mut segment = Segment::of("b", at("2026-10-06T09:00:00.5Z"));
        segment.push("a", at("2026-10-06T08:00:00Z"));
        let Kept { key, value, metadata } = kept_of("prod", &segment, "2026-10-06T10:00:00Z");
        assert_eq!(key, "ids:prod:2026-10-06T08:00:00.000Z:2026-10-06T10:00:00.000Z");
        assert_eq!(written(&key), Some(at("2026-10-06T10:00:00Z")));
        assert!(key.starts_with(&all_prefixes("prod")[0]) && key.starts_with(&prefixes("prod", date())[0]));
        assert_eq!((value.as_str(), metadata.n), ("b\na", 2));

        segment.push("c", at("2026-10-07"));
        let Kept { key, .. } = kept_of("prod", &segment, "2026-10-08");
        assert_eq!(key, "ids:prod:days:2026-10-06T08:00:00.000Z:2026-10-08T00:00:00.000Z");
        assert_eq!(written(&key), Some(at("2026-10-08")));
        assert!(key.starts_with(&all_prefixes("prod")[0]) && key.starts_with(&prefixes("prod", date())[1]));
        assert_eq!(written("ids:prod:x"), None);
    }

    fn date() -> NaiveDate {
        at("2026-10-06").date_naive()
    }

    #[test]
    fn a_segment_of_several_gateways_shows_each_its_own_ids() {
        let mut one = Segment::of("a", at("2026-10-06T08:00:00Z"));
        one.push("@two", at("2026-10-06T09:00:00Z"));
        let two = Segment::of("b", at("2026-10-06T07:00:00Z"));
        let Kept { key, value, metadata } = kept(vec![("one", one), ("two", two)], at("2026-10-06T10:00:00Z")).unwrap();
        assert_eq!(key, "ids:*:2026-10-06T07:00:00.000Z:2026-10-06T10:00:00.000Z");
        assert_eq!((metadata.n, metadata.to), (3, at("2026-10-06T09:00:00Z")));
        let ids = |gateway| ids(&key, &value, gateway).collect::<Vec<_>>();
        assert_eq!((ids("one"), ids("two"), ids("three")), (vec!["a".into(), "@two".into()], vec!["b".into()], vec![]));
        for gateway in ["one", "two"] {
            assert!(prefixes(gateway, date()).iter().any(|prefix| key.starts_with(prefix)));
            assert!(all_prefixes(gateway).iter().any(|prefix| key.starts_with(prefix)));
        }
        assert_eq!(kept(Vec::new(), at("2026-10-06")), None);
    }

    #[test]
    fn whatever_an_id_holds_it_is_read_as_it_was() {
        let strange = [
            "a\nb",
            "a\r",
            "\n",
            "",
            "\"",
            "\"a\"",
            "a\\nb",
            "\\",
            "\u{1b}[2J",
            "\u{2028}",
            "null",
            "7",
            " ",
            "@",
            "@main",
            "søk 🦀",
        ];
        let read = |segment: &Segment| {
            let Kept { key, value, metadata } = kept_of("main", segment, "2026-10-06");
            assert_eq!(value.lines().count(), metadata.n);
            ids(&key, &value, "main").map(Cow::into_owned).collect::<Vec<_>>()
        };
        for id in strange {
            assert_eq!(read(&Segment::of(id, at("2026-10-06"))), [id]);
        }
        let mut segment = Segment::of(strange[0], at("2026-10-06"));
        strange[1..].iter().for_each(|id| segment.push(id, at("2026-10-06")));
        assert_eq!(read(&segment), strange);
    }

    #[test]
    fn a_segment_without_marks_is_read_as_it_stands() {
        let written = "01JA\na\\nb\n\"half\n{}\n7\n@x";
        let ids = |value| ids("ids:main:2026", value, "main").collect::<Vec<_>>();
        assert_eq!(ids(written), ["01JA", "a\\nb", "\"half", "{}", "7", "@x"]);
        assert_eq!(ids(""), Vec::<&str>::new());
    }
}
