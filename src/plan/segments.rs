//! The ids of one written stretch, as they are kept in `IDS_KV`: one key for thousands of entries, never changed.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::time::{self, Timestamp};

/// Where segments are filed that span several days, or may.
const DAYS: &str = "days:";

/// What was written of a stretch since the last time it was remembered.
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
    pub from: Timestamp,
    /// Last `created_at` in the segment, UTC.
    pub to: Timestamp,
    /// Number of ids.
    pub n: usize,
    /// Whether some are of entries whose own instant cannot be read: these may lie elsewhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub placed: bool,
}

impl Metadata {
    /// Whether the segment may hold entries of `[from, until)`.
    #[must_use]
    pub fn overlaps(&self, from: Timestamp, until: Timestamp) -> bool {
        self.placed || self.from < until && self.to >= from
    }
}

/// Under which beginnings of keys the segments with entries of a day are found.
#[must_use]
pub fn prefixes(gateway: &str, date: NaiveDate) -> [String; 2] {
    [format!("ids:{gateway}:{date}T"), format!("ids:{gateway}:{DAYS}")]
}

/// What all keys of a gateway's segments begin with.
#[must_use]
pub fn prefix(gateway: &str) -> String {
    format!("ids:{gateway}:")
}

/// When the segment under a key was written, UTC.
#[must_use]
pub fn written(key: &str) -> Option<Timestamp> {
    let (_, written) = key.rsplit_once("Z:")?;
    time::parse(written)
}

/// The ids in a segment's value.
pub fn ids(value: &str) -> impl Iterator<Item = Cow<'_, str>> {
    value.lines().map(|line| {
        let id = line.starts_with('"').then(|| serde_json::from_str(line).ok()).flatten();
        id.map_or(Cow::Borrowed(line), Cow::Owned)
    })
}

/// An id in a line of its own: as it is, or as JSON writes it where it would not be read again as it is.
fn written_line(id: &str) -> Cow<'_, str> {
    if id.is_empty() || id.starts_with('"') || id.contains(['\n', '\r']) {
        Cow::Owned(serde_json::Value::from(id).to_string())
    } else {
        Cow::Borrowed(id)
    }
}

impl Segment {
    /// A segment of one entry.
    #[must_use]
    pub fn of(id: &str, created_at: Timestamp) -> Self {
        let metadata = Metadata { from: created_at, to: created_at, n: 1, placed: false };
        Self { metadata, ids: written_line(id).into_owned() }
    }

    /// Adds an entry.
    pub fn push(&mut self, id: &str, created_at: Timestamp) {
        self.ids.push('\n');
        self.ids.push_str(&written_line(id));
        let Metadata { from, to, n, .. } = self.metadata;
        self.metadata = Metadata { from: from.min(created_at), to: to.max(created_at), n: n + 1, ..self.metadata };
    }

    /// The key: `ids:<gateway>:<from>`, so that the segments of a day are found by the day's prefix, or under
    /// `ids:<gateway>:days:` where it spans several, as a backfill of quiet years does, or may have ids of others. The instant of the writing makes
    /// it unique: no segment ever takes another's place.
    #[must_use]
    pub fn key(&self, gateway: &str, written: Timestamp) -> String {
        let Metadata { from, to, placed, .. } = self.metadata;
        let days = if from.date_naive() == to.date_naive() && !placed { "" } else { DAYS };
        format!("ids:{gateway}:{days}{}:{}", time::text(from), time::text(written))
    }

    /// The value: one id a line, to be read by [`ids`].
    #[must_use]
    pub fn text(&self) -> &str {
        &self.ids
    }
}

#[cfg(test)]
mod tests {
    use super::{Segment, ids, prefix, written};
    use crate::time;

    #[test]
    fn a_segment_is_filed_under_its_day_or_under_days() {
        let at = |text| time::parse(text).unwrap();
        let mut segment = Segment::of("b", at("2026-10-06T09:00:00.5Z"));
        segment.push("a", at("2026-10-06T08:00:00Z"));
        let key = segment.key("prod", at("2026-10-06T10:00:00Z"));
        assert_eq!(key, "ids:prod:2026-10-06T08:00:00.000Z:2026-10-06T10:00:00.000Z");
        assert_eq!(written(&key), Some(at("2026-10-06T10:00:00Z")));
        assert!(key.starts_with(&prefix("prod")));
        assert_eq!((segment.text(), segment.metadata.n), ("b\na", 2));

        segment.push("c", at("2026-10-07"));
        let key = segment.key("prod", at("2026-10-08"));
        assert_eq!(key, "ids:prod:days:2026-10-06T08:00:00.000Z:2026-10-08T00:00:00.000Z");
        assert_eq!(written(&key), Some(at("2026-10-08")));
        assert!(key.starts_with(&prefix("prod")));
        assert_eq!(written("ids:prod:x"), None);
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
            "søk 🦀",
        ];
        let at = time::parse("2026-10-06").unwrap();
        for id in strange {
            assert_eq!(ids(Segment::of(id, at).text()).collect::<Vec<_>>(), [id]);
        }
        let mut segment = Segment::of(strange[0], at);
        strange[1..].iter().for_each(|id| segment.push(id, at));
        assert_eq!(ids(segment.text()).collect::<Vec<_>>(), strange);
        assert_eq!(segment.text().lines().count(), segment.metadata.n);
    }

    #[test]
    fn a_segment_without_marks_is_read_as_it_stands() {
        let written = "01JA\na\\nb\n\"half\n{}\n7";
        assert_eq!(ids(written).collect::<Vec<_>>(), ["01JA", "a\\nb", "\"half", "{}", "7"]);
        assert_eq!(ids("").count(), 0);
    }
}
