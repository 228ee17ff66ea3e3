//! The settings of alerts: where they go, what may be spent, and when the digest of a week is due.

use chrono::{NaiveTime, Weekday};
use http::Uri;

use super::vars::{ConfigError, SettingReader, number, read};
use crate::secret::Secret;

/// The most budgets of `BUDGETS`.
const MOST_BUDGETS: usize = 20;

/// The metadata key whose values the digest names, unless it says another one.
const TOP_KEY: &str = "team";

/// The days of a week, as they are written.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Billionths of a USD: sums of them do not depend on the order.
pub const NANOS: f64 = 1_000_000_000.0;

/// The settings of alerts.
#[derive(Debug, Clone)]
pub struct Alerts {
    /// The address that receives them. It holds a password, so it is never printed.
    pub webhook: Secret,
    /// What may be spent.
    pub budgets: Vec<Budget>,
    /// When a week is summed up; none: never.
    pub digest: Option<Digest>,
}

/// What may be spent in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// By whom. None: by all together.
    pub scope: Option<Scope>,
    /// Billionths of a USD.
    pub nanos: i64,
    /// The period.
    pub period: Period,
}

/// Logs with a metadata key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The key.
    pub key: String,
    /// Its value. None: each value has the budget for itself.
    pub value: Option<String>,
}

/// What is summed up together, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A day.
    Day,
    /// Seven days, the first of which is this one.
    Week(Weekday),
    /// A month.
    Month,
}

/// When the last seven days are summed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The day, in the zone.
    pub day: Weekday,
    /// The time of the day, in the zone.
    pub time: NaiveTime,
    /// The name of a time zone, as the database of IANA has it.
    pub zone: String,
    /// The metadata key whose values are named.
    pub key: String,
}

impl Alerts {
    /// Reads the settings through `lookup`, which returns the text of a name. None: nobody is told.
    ///
    /// # Errors
    /// If any setting cannot be read: all of them, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        read(lookup, SettingReader::alerts)
    }

    /// What sums are kept for, beside the days of all logs.
    pub fn scopes(&self) -> impl Iterator<Item = (Scope, Period)> {
        let budgets = self.budgets.iter().filter_map(|budget| Some((budget.scope.clone()?, budget.period)));
        let digest = self
            .digest
            .as_ref()
            .map(|digest| (Scope { key: digest.key.clone(), value: None }, Period::Week(digest.day)));
        budgets.chain(digest)
    }
}

impl<L: Fn(&str) -> Option<String>> SettingReader<L> {
    /// The settings of alerts; none if they go nowhere.
    pub fn alerts(&mut self) -> Option<Alerts> {
        let mut budgets = Vec::new();
        for (name, period) in [("BUDGET_DAY_USD", Period::Day), ("BUDGET_MONTH_USD", Period::Month)] {
            if let Some(text) = self.optional(name) {
                match nanos(&text) {
                    Some(nanos) => budgets.push(Budget { scope: None, nanos, period }),
                    None => self.problem(name, format!("is {text:?}, but must be an amount of USD such as 50")),
                }
            }
        }
        budgets.extend(self.budgets());
        let digest = self.digest();
        // A budget without an address stops no poller: the secret may be taken away for a while.
        let webhook = self.optional("ALERT_WEBHOOK")?;
        Some(Alerts { webhook: self.webhook(webhook), budgets, digest })
    }

    /// The address may hold a password, so a problem does not quote it.
    fn webhook(&mut self, text: String) -> Secret {
        let before = self.problems.len();
        self.address("ALERT_WEBHOOK", &text);
        if self.problems.len() > before || text.parse::<Uri>().is_err() {
            self.problems.truncate(before);
            self.problem(
                "ALERT_WEBHOOK",
                "is no address that begins with https:// (plain http:// only for an address of this machine)",
            );
        }
        Secret::new(text)
    }

    fn budgets(&mut self) -> Vec<Budget> {
        const NAME: &str = "BUDGETS";
        let text = self.optional(NAME).unwrap_or_default();
        let mut budgets: Vec<Budget> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match budget(part) {
                Some(budget) => budgets.push(budget),
                None => self.problem(
                    NAME,
                    format!("has {part:?}, but a budget is written like team=search:50/day or user_id=*:20/month"),
                ),
            }
        }
        let is_twice = |(place, budget): (usize, &Budget)| {
            budgets[..place].iter().any(|known| known.scope == budget.scope && known.period == budget.period)
        };
        if budgets.iter().enumerate().any(is_twice) {
            self.problem(NAME, "has two budgets of one key, value and period: leave one of them out");
        }
        if budgets.len() > MOST_BUDGETS {
            self.problem(NAME, format!("has {} budgets, but at most {MOST_BUDGETS} are watched", budgets.len()));
        }
        budgets
    }

    fn digest(&mut self) -> Option<Digest> {
        let text = self.optional("DIGEST")?;
        let digest = digest(&text);
        if digest.is_none() {
            self.problem(
                "DIGEST",
                format!("is {text:?}, but must be a day, a time and a zone such as \"mon 08:00 Europe/Berlin\""),
            );
        }
        digest
    }
}

/// An amount of USD above 0, in billionths.
fn nanos(text: &str) -> Option<i64> {
    let usd = number(text.trim())?;
    #[expect(clippy::cast_possible_truncation, reason = "at most 10^18")]
    (usd > 0.0 && usd <= NANOS).then(|| (usd * NANOS).round() as i64)
}

/// `team=search:50/day`. A value may hold colons.
fn budget(text: &str) -> Option<Budget> {
    let (scope, amount) = text.rsplit_once(':')?;
    let (key, value) = scope.split_once('=')?;
    let (amount, period) = amount.split_once('/')?;
    let period = match period.trim() {
        "day" => Period::Day,
        "month" => Period::Month,
        _ => return None,
    };
    let [key, value] = [key, value].map(|text| text.trim().to_owned());
    let is_named = !key.is_empty() && !value.is_empty();
    let scope = Scope { key, value: Some(value).filter(|value| value != "*") };
    is_named.then_some(Budget { scope: Some(scope), nanos: nanos(amount)?, period })
}

/// `mon 08:00 Europe/Berlin`, and perhaps `by team`.
fn digest(text: &str) -> Option<Digest> {
    let words: Vec<_> = text.split_whitespace().collect();
    let [day, time, rest @ ..] = words.as_slice() else { return None };
    let (zone, key) = match rest {
        [] => ("UTC", TOP_KEY),
        ["by", key] => ("UTC", *key),
        [zone] => (*zone, TOP_KEY),
        [zone, "by", key] => (*zone, *key),
        _ => return None,
    };
    let (hour, minute) = time.split_once(':')?;
    let time = NaiveTime::from_hms_opt(hour.parse().ok()?, minute.parse().ok()?, 0)?;
    let day = DAYS.iter().position(|name| name.eq_ignore_ascii_case(day))?;
    let day = Weekday::try_from(u8::try_from(day).ok()?).ok()?;
    Some(Digest { day, time, zone: zone.to_owned(), key: key.to_owned() })
}
