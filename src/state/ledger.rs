//! What was proven of each hour: one value for each gateway and day.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{VERSION, of, versioned};
use crate::{
    error::Error,
    plan::slots::{Slot, Verdict},
    time::Timestamp,
};

/// The hours of a day, UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// By hour, from `00` to `23`.
    pub hours: BTreeMap<String, Hour>,
}

/// What is known of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// Entries at the source: counted there, or seen one by one where its count cannot be true.
    pub source: Option<u64>,
    /// Entries delivered.
    pub delivered: u64,
    /// What follows from that.
    pub verdict: Verdict,
    /// Since when that is known, UTC.
    pub at: Timestamp,
}

impl Ledger {
    /// The key of a gateway's day.
    #[must_use]
    pub fn key(gateway: &str, date: NaiveDate) -> String {
        format!("ledger:{gateway}:{date}")
    }

    /// Reads the stored value.
    ///
    /// # Errors
    /// [`Error::State`] where the value is not one this program knows.
    pub fn from_json(key: &str, text: &str) -> Result<Self, Error> {
        of(key, versioned(key, text)?)
    }

    /// The value to store.
    ///
    /// # Errors
    /// Never in practice: every part has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut object = serde_json::to_value(self)?;
        object["v"] = VERSION.into();
        Ok(object.to_string())
    }

    /// Notes what is known of an hour, if that is new.
    pub fn note(&mut self, hour: Timestamp, sum: &Slot, now: Timestamp) {
        let Slot { delivered, source, verdict } = *sum;
        let Some(verdict) = verdict else { return };
        let name = hour.format("%H").to_string();
        let known = self.hours.get(&name).map(|hour| (hour.source, hour.delivered, hour.verdict));
        if known != Some((source, delivered, verdict)) {
            self.hours.insert(name, Hour { source, delivered, verdict, at: now });
        }
    }
}
