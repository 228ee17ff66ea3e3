//! One gateway's entries, in the order in which the API lists them, and when each becomes visible.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::simulator::{
    chance::{hash, mix},
    cloudflare::{
        settings::SimulatedSettings,
        stored::{Special, Stored},
        traffic::{Arrival, Traffic},
    },
    options::SimulatorOptions,
    time::{Timestamp, parse_time},
};

/// A simulated gateway. Times inside are milliseconds since 1970, UTC: the API compares no finer.
pub struct Gateway {
    id: String,
    /// How it keeps logs.
    pub settings: SimulatedSettings,
    /// Sorted by (`created_at`, `seed`).
    entries: Vec<Stored>,
    /// When each hidden entry becomes visible.
    hidden: BTreeMap<(i64, u64), i64>,
    /// Places of the live entries that were not visible at once.
    late: Vec<(i64, u64)>,
    traffic: Traffic,
}

/// The JSON given is not an entry: it lacks a text `id` or a `created_at` in RFC 3339.
#[derive(Debug, thiserror::Error)]
#[error("an entry needs an id and a created_at in RFC 3339")]
pub struct NotAnEntry;

impl Gateway {
    pub(in crate::simulator) fn new(id: &str, options: &SimulatorOptions) -> Self {
        let mut traffic = Traffic::new(mix(options.seed ^ hash(id)), options);
        let mut gateway = Self {
            id: id.to_owned(),
            settings: SimulatedSettings::default(),
            entries: Vec::with_capacity(options.entries),
            hidden: BTreeMap::new(),
            late: Vec::new(),
            traffic: traffic.clone(),
        };
        let history = traffic.history(options);
        gateway.traffic = traffic;
        gateway.entries.extend(history.iter().map(Stored::generated));
        gateway.entries.sort_unstable_by_key(Stored::order);
        gateway
    }

    /// The gateway's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The gateway with its settings, as the API shows it.
    pub(in crate::simulator) fn shown(&self) -> Value {
        self.settings.shown(&self.id)
    }

    /// Puts an entry in, visible from `visible_at` on, or from its `created_at` when absent.
    ///
    /// # Errors
    /// When `entry` has no `id` or `created_at`.
    pub fn insert(&mut self, entry: Value, visible_at: Option<Timestamp>) -> Result<(), NotAnEntry> {
        let id = entry["id"].as_str().ok_or(NotAnEntry)?;
        let created_at = entry["created_at"].as_str().and_then(parse_time).ok_or(NotAnEntry)?;
        let stored = Stored { created_at, seed: hash(id), special: Some(Box::new(Special::Given(entry))) };
        let place = stored.order();
        self.hidden.insert(place, visible_at.map_or(created_at, |at| at.timestamp_millis()));
        let index = self.entries.partition_point(|other| other.order() <= place);
        self.entries.insert(index, stored);
        Ok(())
    }

    /// Has the list show any bytes in place of the entry with this id. Says whether there is one.
    pub fn show_as(&mut self, id: &str, bytes: Vec<u8>) -> bool {
        self.entries.iter_mut().find(|entry| entry.has_id(id)).map(|entry| entry.show_as(bytes)).is_some()
    }

    /// Deletes the entry with this id; every entry is looked at. Says whether there was one.
    pub fn delete(&mut self, id: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| !entry.has_id(id));
        self.entries.len() < before
    }

    /// Deletes the `count` oldest entries, as a gateway with a full store does.
    pub fn delete_oldest(&mut self, count: usize) {
        self.entries.drain(..count.min(self.entries.len()));
    }

    /// Every entry visible at `now`, by (`created_at`, `id`).
    pub fn entries(&self, now: Timestamp) -> impl Iterator<Item = Value> {
        let now = now.timestamp_millis();
        self.entries.chunk_by(|a, b| a.created_at == b.created_at).flat_map(move |instant| {
            let visible = instant.iter().filter(|entry| self.is_visible(entry, now));
            let mut values: Vec<Value> = visible.map(Stored::render).collect();
            values.sort_by(|a, b| a["id"].as_str().cmp(&b["id"].as_str()));
            values
        })
    }

    /// How many entries are visible at `now`.
    #[must_use]
    pub fn count(&self, now: Timestamp) -> usize {
        self.count_between(i64::MIN, i64::MAX, now)
    }

    /// How many live entries were late, including those that are still hidden.
    #[must_use]
    pub fn late(&self) -> usize {
        self.late.len()
    }

    /// The ids of late entries that were not deleted.
    pub fn late_ids(&self) -> impl Iterator<Item = String> {
        let found = self.late.iter().filter_map(|place| self.entries.binary_search_by_key(place, Stored::order).ok());
        found.filter_map(|index| self.entry(index)["id"].as_str().map(str::to_owned))
    }

    /// Ends live traffic: no entry arrives any more.
    pub fn stop_traffic(&mut self) {
        self.traffic.stop();
    }

    /// Lets live traffic arrive, and late entries appear, up to `now`.
    pub(in crate::simulator) fn advance(&mut self, now: Timestamp) {
        let now = now.timestamp_millis();
        let arrivals = self.traffic.until(now);
        for arrival in &arrivals {
            let stored = Stored::generated(arrival);
            let index = self.entries.partition_point(|other| other.order() <= stored.order());
            self.entries.insert(index, stored);
        }
        let late = arrivals.iter().filter(|arrival| arrival.visible_at > arrival.created_at);
        self.late.extend(late.map(|arrival| (arrival.created_at, arrival.seed)));
        self.hide(&arrivals, now);
        self.hidden.retain(|_, visible_at| *visible_at > now);
    }

    /// Indices of the entries visible at `now` with `after` < `created_at` < `before`, oldest first.
    pub(in crate::simulator) fn between(
        &self,
        after: i64,
        before: i64,
        now: Timestamp,
    ) -> impl DoubleEndedIterator<Item = usize> + use<'_> {
        let now = now.timestamp_millis();
        self.window(after, before).filter(move |index| self.is_visible(&self.entries[*index], now))
    }

    /// The number of these entries. It is found by search, so it costs little in a large gateway.
    pub(in crate::simulator) fn count_between(&self, after: i64, before: i64, now: Timestamp) -> usize {
        let now = now.timestamp_millis();
        let hidden = |index: &usize| !self.is_visible(&self.entries[*index], now);
        let window = self.window(after, before);
        if self.hidden.is_empty() {
            window.len()
        } else {
            window.len() - self.hidden_in(&window).filter(hidden).count()
        }
    }

    /// The entry at an index, as it truly is.
    pub(in crate::simulator) fn entry(&self, index: usize) -> Value {
        self.stored(index).render()
    }

    /// The same, as it is kept.
    pub(in crate::simulator) fn stored(&self, index: usize) -> &Stored {
        &self.entries[index]
    }

    fn window(&self, after: i64, before: i64) -> std::ops::Range<usize> {
        let start = self.entries.partition_point(|entry| entry.created_at <= after);
        let end = self.entries.partition_point(|entry| entry.created_at < before);
        start..end.max(start)
    }

    /// Indices in a window that may be hidden.
    fn hidden_in(&self, window: &std::ops::Range<usize>) -> impl Iterator<Item = usize> {
        let window = window.clone();
        let find = |place| self.entries.binary_search_by_key(&place, Stored::order).ok();
        self.hidden.keys().filter_map(move |place| find(*place)).filter(move |index| window.contains(index))
    }

    fn is_visible(&self, entry: &Stored, now: i64) -> bool {
        self.hidden.is_empty() || self.hidden.get(&entry.order()).is_none_or(|visible_at| *visible_at <= now)
    }

    fn hide(&mut self, arrivals: &[Arrival], now: i64) {
        let late = arrivals.iter().filter(|arrival| arrival.visible_at > now);
        self.hidden.extend(late.map(|arrival| ((arrival.created_at, arrival.seed), arrival.visible_at)));
    }
}

#[cfg(test)]
pub(in crate::simulator) mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::simulator::options::LatenessRange;

    pub fn instant(ms: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(ms).unwrap()
    }

    /// A gateway with entries of these ids and times in milliseconds, all of which can be seen.
    pub fn gateway(entries: &[(&str, i64)]) -> Gateway {
        let mut gateway = Gateway::new("main", &SimulatorOptions::default());
        for (id, ms) in entries {
            gateway.insert(json!({ "id": id, "created_at": instant(*ms).to_rfc3339() }), None).unwrap();
        }
        gateway
    }

    fn ids(gateway: &Gateway, now: i64) -> Vec<String> {
        let entries = gateway.entries(instant(now));
        entries.map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn entries_appear_when_they_become_visible() {
        let mut gateway = gateway(&[("a", 1_000), ("c", 3_000)]);
        let late = json!({ "id": "b", "created_at": instant(2_000).to_rfc3339() });
        gateway.insert(late, Some(instant(9_000))).unwrap();
        assert_eq!(ids(&gateway, 999), [""; 0]);
        assert_eq!(ids(&gateway, 3_000), ["a", "c"]);
        assert_eq!(gateway.count(instant(8_999)), 2);
        gateway.advance(instant(9_000));
        assert_eq!(ids(&gateway, 9_000), ["a", "b", "c"]);
        assert_eq!(gateway.count_between(1_000, 3_000, instant(9_000)), 1);
    }

    #[test]
    fn equal_instants_are_listed_in_another_order_than_by_id() {
        let gateway = gateway(&[("a", 5), ("b", 5), ("c", 5), ("d", 5), ("e", 5), ("f", 5)]);
        let listed = gateway.between(i64::MIN, i64::MAX, instant(5));
        let listed: Vec<Value> = listed.map(|index| gateway.entry(index)["id"].clone()).collect();
        assert_eq!(ids(&gateway, 5), ["a", "b", "c", "d", "e", "f"]);
        assert_ne!(listed, ["a", "b", "c", "d", "e", "f"]);
    }

    #[test]
    fn deleted_entries_are_gone() {
        let mut gateway = gateway(&[("a", 1), ("b", 2), ("c", 3)]);
        assert!(gateway.delete("b"));
        assert!(!gateway.delete("b"));
        assert_eq!(ids(&gateway, 9), ["a", "c"]);
        gateway.delete_oldest(1);
        assert_eq!(ids(&gateway, 9), ["c"]);
    }

    #[test]
    fn what_is_not_an_entry_is_refused() {
        let mut gateway = gateway(&[]);
        assert!(gateway.insert(json!({ "id": "a" }), None).is_err());
        assert!(gateway.insert(json!({ "created_at": "2026-01-01T00:00:00Z" }), None).is_err());
    }

    #[test]
    fn live_traffic_is_the_same_however_often_it_is_asked_for() {
        let options = SimulatorOptions { live_per_minute: 30.0, entries: 100, ..SimulatorOptions::default() };
        let (mut often, mut once) = (Gateway::new("main", &options), Gateway::new("main", &options));
        let later = options.start + TimeDelta::minutes(20);
        (0..20).for_each(|minute| often.advance(options.start + TimeDelta::minutes(minute)));
        often.advance(later);
        once.advance(later);
        assert!((550..850).contains(&once.count(later)), "{}", once.count(later));
        assert!(often.entries(later).eq(once.entries(later)));
    }

    #[test]
    fn late_entries_can_be_told() {
        let lateness = LatenessRange { chance: 1.0, ..LatenessRange::default() };
        let options = SimulatorOptions {
            live_per_minute: 30.0,
            entries: 10,
            lateness: Some(lateness),
            ..SimulatorOptions::default()
        };
        let mut gateway = Gateway::new("main", &options);
        gateway.advance(options.start + TimeDelta::minutes(20));
        let later = options.start + TimeDelta::hours(2);
        let live: Vec<_> =
            gateway.entries(later).skip(10).map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
        let mut late: Vec<_> = gateway.late_ids().collect();
        assert_eq!((late.len(), gateway.late()), (live.len(), live.len()));
        assert!(gateway.delete(&late.remove(0)));
        assert!(gateway.late_ids().eq(late), "what is deleted is not told");
        // Most say themselves how late they are.
        let long = gateway.entries(later).filter(|entry| entry["duration"].as_i64() >= Some(55_000)).count();
        assert!(long > live.len() * 8 / 10, "{long} of {}", live.len());
    }

    #[test]
    fn a_million_entries_stay_small() {
        assert_eq!(size_of::<Stored>(), 24);
    }
}
