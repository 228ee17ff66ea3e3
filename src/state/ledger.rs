//! What was proven of each hour since forward began, one value for each gateway and day; and of each day of the history, one
//! value for each gateway and year.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Timelike};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{of, versioned, written};
use crate::{
    error::Error,
    plan::slots::{Slot, Verdict},
    time::{Timestamp, stored},
};

/// The hours of a day, UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// By hour, from `00` to `23`.
    pub hours: BTreeMap<String, Finding>,
}

/// The days of a year, UTC, that the backfill has delivered. A day without entries is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// By date.
    #[serde(deserialize_with = "stored::by_day")]
    pub days: BTreeMap<NaiveDate, Finding>,
}

/// What is known of an hour or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Entries at the source: counted there, or seen one by one where its count cannot be true.
    pub source: Option<u64>,
    /// Entries delivered.
    pub delivered: u64,
    /// What follows from that.
    pub verdict: Verdict,
    /// Since when that is known, UTC.
    #[serde(deserialize_with = "stored::instant")]
    pub at: Timestamp,
}

impl Ledger {
    /// The key of a gateway's day.
    #[must_use]
    pub fn key(gateway: &str, date: NaiveDate) -> String {
        format!("ledger:{gateway}:{date}")
    }

    /// The name of an hour within its day.
    #[must_use]
    pub fn name(hour: Timestamp) -> String {
        format!("{:02}", hour.hour())
    }

    /// Notes what is known of an hour, if that is new.
    pub fn note(&mut self, hour: Timestamp, sum: &Slot, now: Timestamp) {
        note(&mut self.hours, Self::name(hour), sum, now);
    }
}

impl History {
    /// The key of the year that a gateway's day lies in.
    #[must_use]
    pub fn key(gateway: &str, day: NaiveDate) -> String {
        format!("ledger:{gateway}:{:04}", day.year())
    }

    /// Notes what is known of a day, if that is new.
    pub fn note(&mut self, day: NaiveDate, sum: &Slot, now: Timestamp) {
        note(&mut self.days, day, sum, now);
    }
}

fn note<K: Ord>(findings: &mut BTreeMap<K, Finding>, of: K, sum: &Slot, now: Timestamp) {
    let Slot { delivered, source, verdict, long: _ } = *sum;
    let Some(verdict) = verdict else { return };
    let known = findings.get(&of).map(|known| (known.source, known.delivered, known.verdict));
    if known != Some((source, delivered, verdict)) {
        findings.insert(of, Finding { source, delivered, verdict, at: now });
    }
}

/// A stored page of the ledger.
pub trait LedgerPage: Default + Clone + PartialEq + Serialize + DeserializeOwned {
    /// Reads the stored value, if there is one.
    ///
    /// # Errors
    /// [`Error::State`] where the value is not one this program knows.
    fn read(key: &str, stored: Option<&str>) -> Result<Self, Error> {
        stored.map_or_else(|| Ok(Self::default()), |text| of(key, versioned(key, text)?))
    }

    /// The value to store.
    ///
    /// # Errors
    /// Never in practice: every part has a JSON form.
    fn to_json(&self) -> Result<String, serde_json::Error> {
        written(self)
    }
}

impl LedgerPage for Ledger {}
impl LedgerPage for History {}
