//! What delivered logs have cost. The sums are kept with the cursor that moves with the same rows, in one value: a row that
//! is written again because the cursor was not saved is summed up again from the sums of that cursor, so each log counts
//! once. Only a comparison skips rows by their ids, and may write one whose cursor is long past: `counted` has the ids of
//! those. It waits until the store shows the ids that were kept just before: `recent` has their keys.

use std::mem;

use chrono::{Datelike, Days, Months, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    config::{Alerts, NANOS, Period, Scope},
    plan::{segments, slots::floor_hour},
    record::{Cell, Record},
    time::{self, Timestamp},
};

/// Days whose sums are kept: a month, and the seven days before it.
const DAYS: u64 = 40;

/// The most sums, so that the state of a gateway stays small. Further values of a key have none. A value with a budget of
/// its own always has one.
const MOST_SUMS: usize = 5_000;

/// The most bytes of a value that has a sum because each value has one.
const LONGEST_VALUE: usize = 200;

/// After so long the store shows a value that was kept. KV takes up to a minute, or more.
/// developers.cloudflare.com/kv/concepts/how-kv-works
const SLOWEST: TimeDelta = TimeDelta::minutes(10);

/// How long hours of calls are kept: the last two are compared with the day before them.
const HOURS: TimeDelta = TimeDelta::hours(26);

/// What the delivered logs of one gateway have cost, and how many calls failed. It is JSON as it is kept: a type for each
/// part would take 10 KB of the Worker.
///
/// - `sums`: billionths of a USD, by period and value. `2026-11-30` has all of a day, `2026-11-30 team=search` some of it,
///   `2026-11 team=search` some of a month, `2026-11-30+7 team=search` some of seven days
/// - `calls`, `failed`: calls, and those that failed, by the hour in which they were made, UTC
/// - `counted`: ids of summed up logs that a comparison may find unknown, or has written itself, with an instant near theirs
/// - `recent`: keys of the segments of ids that were kept in the last minutes, with the instant of the writing
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spend(Map<String, Value>);

const SUMS: &str = "sums";
const CALLS: &str = "calls";
const FAILED: &str = "failed";
const COUNTED: &str = "counted";
const RECENT: &str = "recent";

impl Spend {
    /// Whether nothing was summed up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A part, to read.
    fn part(&self, name: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.0.get(name).and_then(Value::as_object).into_iter().flatten()
    }

    /// The value under a key of a part.
    fn get(&self, part: &str, key: &str) -> Option<&Value> {
        self.0.get(part)?.get(key)
    }

    /// A part, to change.
    fn part_mut(&mut self, name: &str) -> &mut Map<String, Value> {
        let part = self.0.entry(name).or_insert(Value::Null);
        if !part.is_object() {
            *part = Value::Object(Map::new());
        }
        part.as_object_mut().unwrap_or_else(|| unreachable!("it is an object now"))
    }

    /// Sums up a delivered log.
    pub fn note(&mut self, row: &Record, alerts: &Alerts) {
        let (day, hour) = (row.at().date_naive(), time::text(floor_hour(row.at())));
        if row.cell("success") == Some(&Cell::Bool(false)) {
            add(self.part_mut(FAILED), hour.clone(), 1);
        }
        add(self.part_mut(CALLS), hour, 1);
        let Some(Cell::Float(cost)) = row.cell("cost") else { return };
        #[expect(clippy::cast_possible_truncation, reason = "a cost above 9 billion USD is none")]
        let nanos = (cost * NANOS).round() as i64;
        self.add(day.to_string(), false, nanos);
        for (name, is_of_each) in names(row, day, alerts) {
            self.add(name, is_of_each, nanos);
        }
    }

    /// Sums up a log that a comparison has written, unless it was summed up before.
    pub fn note_once(&mut self, row: &Record, alerts: &Alerts) {
        if self.part_mut(COUNTED).insert(row.id().to_owned(), time::text(row.at()).into()).is_none() {
            self.note(row, alerts);
        }
    }

    /// Adds to a sum. One of each value of a key is new only as long as there is room.
    fn add(&mut self, name: String, is_of_each: bool, nanos: i64) {
        let sums = self.part_mut(SUMS);
        if !is_of_each || sums.len() < MOST_SUMS || sums.contains_key(&name) {
            add(sums, name, nanos);
        }
    }

    /// A comparison that may write logs which these sums have already.
    #[must_use]
    pub fn begin_comparison(&self) -> Self {
        let kept = |(name, _): &(&String, &Value)| *name == COUNTED || *name == RECENT;
        let mut begun = Self::default();
        begun.0.extend(self.0.iter().filter(kept).map(|(name, part)| (name.clone(), part.clone())));
        begun
    }

    /// Whether a log was summed up by a comparison, or its id could not be kept.
    #[must_use]
    pub fn has_counted(&self, id: &str) -> bool {
        self.get(COUNTED, id).is_some()
    }

    /// Notes the key under which ids of summed up logs are kept, and drops those that the store must show by now.
    pub fn has_kept(&mut self, key: &str) {
        let Some(written) = segments::written(key) else { return };
        let recent = self.part_mut(RECENT);
        keep(recent, &is_from(written - SLOWEST));
        recent.insert(key.to_owned(), time::text(written).into());
    }

    /// The keys under some prefixes that the store may not show yet.
    pub fn recent(&self, prefixes: &[String], now: Timestamp) -> impl Iterator<Item = &str> {
        let is_new = is_from(now - SLOWEST);
        let is_there = |key: &str| prefixes.iter().any(|prefix| key.starts_with(prefix));
        let recent = self.part(RECENT).filter(move |(key, written)| is_there(key) && is_new(key, written));
        recent.map(|(key, _)| key.as_str())
    }

    /// Notes ids that no comparison sums up again: of summed up logs that the store does not have, or of logs without a row.
    pub fn has_lost(&mut self, ids: impl Iterator<Item = String>, at: Timestamp) {
        self.part_mut(COUNTED).extend(ids.map(|id| (id, time::text(at).into())));
    }

    /// Adds what a comparison has summed up.
    pub fn absorb(&mut self, comparison: &Self) {
        for (name, nanos) in comparison.part(SUMS) {
            self.add(name.clone(), false, whole(nanos));
        }
        for part in [CALLS, FAILED] {
            comparison.part(part).for_each(|(hour, calls)| add(self.part_mut(part), hour.clone(), whole(calls)));
        }
        for (id, at) in comparison.part(COUNTED) {
            self.part_mut(COUNTED).insert(id.clone(), at.clone());
        }
    }

    /// Drops what no alert needs any more at an instant. Ids are needed as long as their instants may be compared:
    /// `compared` long.
    pub fn prune(&mut self, now: Timestamp, compared: TimeDelta) {
        let (kept, hours) = (Kept::on(now.date_naive()), time::text(now - HOURS));
        let is_kept = is_from(now - compared);
        for (name, part) in &mut self.0 {
            let Some(part) = part.as_object_mut() else { continue };
            match name.as_str() {
                SUMS => keep(part, &|name, _| kept.has(name)),
                CALLS | FAILED => keep(part, &|hour, _| *hour >= *hours),
                COUNTED => keep(part, &is_kept),
                _ => {}
            }
        }
    }

    /// The sum of a period, in billionths of a USD: all of it, or what a key and value have of it.
    #[must_use]
    pub fn sum(&self, period: &str) -> i64 {
        self.get(SUMS, period).map_or(0, whole)
    }

    /// The values of a key, each with its sum of a period.
    pub fn values(&self, period: &str, key: &str) -> impl Iterator<Item = (&str, i64)> {
        let prefix = format!("{period} {key}=");
        self.part(SUMS).filter_map(move |(name, nanos)| Some((name.strip_prefix(&prefix)?, whole(nanos))))
    }

    /// Calls of `[from, until)`, and how many of them failed. Both are whole hours.
    #[must_use]
    pub fn calls(&self, from: Timestamp, until: Timestamp) -> (u64, u64) {
        let (from, until) = (time::text(from), time::text(until));
        let sum = |part| {
            let hours = self.part(part).filter(|(hour, _)| (from.as_str()..until.as_str()).contains(&hour.as_str()));
            hours.map(|(_, calls)| whole(calls).unsigned_abs()).sum()
        };
        (sum(CALLS), sum(FAILED))
    }
}

/// Adds to the number under a name.
pub fn add(sums: &mut Map<String, Value>, name: String, number: i64) {
    let sum = sums.entry(name).or_insert(Value::Null);
    *sum = whole(sum).saturating_add(number).into();
}

/// A number as it is kept.
#[must_use]
pub fn whole(number: &Value) -> i64 {
    number.as_i64().unwrap_or_default()
}

/// Whether a value is an instant from this one on. Texts of instants are in the order of the instants.
fn is_from(instant: Timestamp) -> impl Fn(&str, &Value) -> bool {
    let instant = time::text(instant);
    move |_, at| at.as_str() >= Some(instant.as_str())
}

fn keep(map: &mut Map<String, Value>, is_kept: &dyn Fn(&str, &Value) -> bool) {
    if map.iter().all(|(name, value)| is_kept(name, value)) {
        return;
    }
    let all = mem::take(map);
    map.extend(all.into_iter().filter(|(name, value)| is_kept(name, value)));
}

/// The name of a period in the sums.
#[must_use]
pub fn period_of(day: NaiveDate, period: Period) -> String {
    match period {
        Period::Day => day.to_string(),
        Period::Month => month(day),
        Period::Week(first) => format!("{}+7", day.week(first).checked_first_day().unwrap_or(day)),
    }
}

fn month(day: NaiveDate) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

/// The sums of scopes that a log belongs to, and whether each is of each value of a key.
fn names(row: &Record, day: NaiveDate, alerts: &Alerts) -> Vec<(String, bool)> {
    let Some(Cell::Text(text)) = row.cell("metadata").filter(|_| alerts.scopes().next().is_some()) else {
        return Vec::new();
    };
    let metadata: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    // Two budgets may ask for one sum.
    let mut names: Vec<(String, bool)> = Vec::new();
    for (Scope { key, value }, period) in alerts.scopes() {
        let found = match metadata.get(&key) {
            Some(Value::String(text)) => text.clone(),
            Some(found @ (Value::Number(_) | Value::Bool(_))) => found.to_string(),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => continue,
        };
        let is_of_each = value.is_none();
        if value.is_some_and(|value| value != found) || is_of_each && found.len() > LONGEST_VALUE {
            continue;
        }
        let name = format!("{} {key}={found}", period_of(day, period));
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known &= is_of_each,
            None => names.push((name, is_of_each)),
        }
    }
    names
}

/// The first periods whose sums are still of use: days for a month and a digest, their parts as long as late logs may come,
/// and the parts of weeks and months until the next one is over.
struct Kept {
    day: String,
    part_of_day: String,
    part_of_week: String,
    part_of_month: String,
}

impl Kept {
    fn on(today: NaiveDate) -> Self {
        let before = |days: u64| today.checked_sub_days(Days::new(days)).unwrap_or(today);
        Self {
            day: before(DAYS).to_string(),
            part_of_day: before(1).to_string(),
            part_of_week: before(14).to_string(),
            part_of_month: month(today.checked_sub_months(Months::new(1)).unwrap_or(today)),
        }
    }

    /// Texts of dates are in the order of the dates.
    fn has(&self, name: &str) -> bool {
        let Some((period, _)) = name.split_once(' ') else { return *name >= *self.day };
        let first = match period.len() {
            7 => &self.part_of_month,
            10 => &self.part_of_day,
            _ => &self.part_of_week,
        };
        period >= first.as_str()
    }
}
