//! Whether the table holds what the source holds: at least once, or once, and value by value.

use std::collections::{BTreeMap, BTreeSet};

use aig_logs::time::{self, Timestamp};
use serde_json::Value;

use super::{
    MINUTE, World,
    expected::{self, Plain},
};

impl World {
    /// Every entry that a forward pass had to come to is there, once and with the right values, or is a dead letter.
    pub fn assert_once(&self) {
        self.assert_all_but(&BTreeSet::new(), |copies| copies == 1);
    }

    /// The same, at least once.
    pub fn assert_complete(&self) {
        self.assert_all_but(&BTreeSet::new(), |copies| copies > 0);
    }

    /// Every entry that was added at most ten minutes before the world began is there once.
    pub fn assert_once_forward(&self) {
        let first = self.simulator.borrow().options().start - MINUTE * 10;
        self.check(first, &BTreeSet::new(), |copies| copies == 1);
    }

    /// Every entry that a forward pass had to come to is there in as many copies as is right, with the right values and
    /// remembered unless a report says otherwise, or is a dead letter. Those that are `excused` may also be missing.
    pub fn assert_all_but(&self, excused: &BTreeSet<String>, is_right: impl Fn(usize) -> bool) {
        self.check(Timestamp::MIN_UTC, excused, is_right);
    }

    fn check(&self, first: Timestamp, excused: &BTreeSet<String>, is_right: impl Fn(usize) -> bool) {
        let simulator = self.simulator.borrow();
        let (rows, dead, remembered) = (self.rows(), self.dead_letters(), self.remembered());
        let texts: Vec<_> =
            self.letters().iter().filter_map(|letter| Some(letter["text"].as_str()?.to_owned())).collect();
        let mut forgotten = 0;
        for gateway in &simulator.options().gateways {
            let entries = simulator.gateway(gateway).unwrap().entries(self.now());
            for entry in entries.filter(|entry| (first..self.due).contains(&created_at(entry))) {
                let id = entry["id"].as_str().unwrap().to_owned();
                if dead.contains(&id) {
                    continue;
                }
                let key = (gateway.clone(), id);
                if let Some(text) = self.shown.get(&key) {
                    let copies = texts.iter().filter(|kept| *kept == text).count();
                    let is_excused = copies == 0 && excused.contains(&key.1);
                    let is_kept = is_right(copies) || self.letters_may_repeat && copies > 0;
                    assert!(is_excused || is_kept, "{copies} dead letters of {text}");
                    continue;
                }
                let expected = expected::expected(&entry, gateway);
                let found = rows.get(&key);
                let copies = found.map_or(0, Vec::len);
                if copies == 0 && excused.contains(&key.1) {
                    continue;
                }
                assert!(is_right(copies), "{copies} rows of {entry}");
                // Ties in any order, two a page, may take longer than ids are kept.
                let is_kept = self.now() < created_at(&entry) + self.config.ids_ttl;
                forgotten += u64::from(is_kept && !remembered.contains(&key));
                let told = self.unremembered;
                assert!(forgotten <= told, "written, not remembered, and not told of, as {told} others are: {entry}");
                found.into_iter().flatten().for_each(|row| assert_eq!(*row, expected));
            }
        }
    }

    /// The table: rows by gateway and id.
    pub fn rows(&self) -> BTreeMap<(String, String), Vec<Plain>> {
        let mut rows: BTreeMap<_, Vec<Plain>> = BTreeMap::new();
        for row in self.table.rows(self) {
            let ingested_at = row["ingested_at"].as_str().and_then(time::parse);
            assert!(ingested_at.is_some_and(|at| at <= self.now()), "{row}");
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            rows.entry((text("gateway"), text("id"))).or_default().push(expected::of_sink(&row));
        }
        rows
    }

    /// The dead letters.
    pub fn letters(&self) -> Vec<Value> {
        let keys = self.state.keys().into_iter().filter(|key| key.starts_with("dead:"));
        keys.flat_map(|key| self.stored(&key)["rows"].as_array().unwrap().clone()).collect()
    }

    /// Whether a dead letter is of a log that the list shows in a way that no row can be made of.
    pub fn is_of_shown(&self, letter: &Value) -> bool {
        letter["text"].as_str().is_some_and(|text| self.shown.values().any(|shown| shown == text))
    }

    /// Ids of the dead letters.
    pub fn dead_letters(&self) -> BTreeSet<String> {
        self.letters().iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Gateway and id of every entry in `IDS_KV`.
    fn remembered(&self) -> BTreeSet<(String, String)> {
        let mut remembered = BTreeSet::new();
        for key in self.ids.keys() {
            let of = key.split(':').nth(1).unwrap();
            let mut gateway = of.to_owned();
            for line in self.ids.value(&key).unwrap().lines() {
                match line.strip_prefix('@') {
                    Some(name) if of == "*" => gateway = name.to_owned(),
                    _ => _ = remembered.insert((gateway.clone(), line.to_owned())),
                }
            }
        }
        remembered
    }

    /// Copies of an entry in the table.
    pub fn copies(&self, id: &str) -> usize {
        self.table.rows(self).iter().filter(|row| row["id"] == id).count()
    }

    /// Copies of several.
    pub fn copies_of(&self, ids: &[String]) -> Vec<usize> {
        let rows = self.table.rows(self);
        ids.iter().map(|id| rows.iter().filter(|row| row["id"] == *id).count()).collect()
    }

    /// The only row of an entry.
    pub fn row(&self, id: &str) -> Plain {
        let rows = self.rows();
        let mut found = rows.iter().filter(|((_, found), _)| found == id).flat_map(|(_, rows)| rows);
        let row = found.next().expect("a row").clone();
        assert_eq!(found.next(), None);
        row
    }
}

fn created_at(entry: &Value) -> Timestamp {
    time::parse(entry["created_at"].as_str().unwrap()).unwrap()
}
