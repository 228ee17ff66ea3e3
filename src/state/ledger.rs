//! What was proven of each hour since forward began, one value for each gateway and day; and of each day of the history, one
//! value for each gateway and year.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Timelike};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{DAY, midnight_of, of, versioned, written};
use crate::{
    error::Error,
    log::columns::LEDGER,
    plan::slots::{HOUR, Slot, Verdict},
    record::{Cell, Record},
    time::{Timestamp, floor_ms, stored},
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

/// What a line of [`LEDGER`] is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LedgerLine {
    /// An hour, by its first instant, UTC.
    Hour(Timestamp, Finding),
    /// A day of the history.
    Day(NaiveDate, Finding),
    /// From the first instant on, everything before the second one is delivered by forward, as counts at the source prove.
    /// Known since the third one. All UTC.
    Forward([Timestamp; 3]),
    /// From the first instant back to the second one, every day of the history is counted. Known since the third one.
    Backfill([Timestamp; 3]),
}

impl LedgerLine {
    /// The line of a gateway.
    #[must_use]
    pub fn record(self, gateway: &str) -> Record {
        let (grain, start, until, finding) = match self {
            Self::Hour(hour, finding) => ("hour", hour, hour + HOUR, Some(finding)),
            Self::Day(day, finding) => ("day", midnight_of(day), midnight_of(day) + DAY, Some(finding)),
            Self::Forward([start, until, _]) => ("forward", start, until, None),
            Self::Backfill([start, until, _]) => ("backfill", start, until, None),
        };
        let at = match self {
            Self::Hour(_, finding) | Self::Day(_, finding) => finding.at,
            Self::Forward([.., at]) | Self::Backfill([.., at]) => at,
        };
        let number = |number: u64| Cell::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let cells = vec![
            Cell::Text(grain.into()),
            Cell::Text(gateway.into()),
            Cell::Instant(start),
            Cell::Instant(until),
            finding.and_then(|finding| finding.source).map_or(Cell::Null, number),
            finding.map_or(Cell::Null, |finding| number(finding.delivered)),
            finding.map_or(Cell::Null, |finding| Cell::Text(finding.verdict.to_string())),
            Cell::Instant(floor_ms(at)),
        ];
        Record { table: &LEDGER, cells }
    }
}
