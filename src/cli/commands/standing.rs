//! How things stand with one gateway: in a line, in words, and for programs.

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;
use indicatif::HumanCount;
use serde_json::{Value, json};

use crate::{
    cli::show,
    foreign::clean,
    plan::{
        peak::Minute,
        slots::{AGES, Verdict},
    },
    state::{Backfill, Done, Position, RecentStretch, Status},
    time::{self, Timestamp},
};

/// Hours of the ledger, by verdict.
pub type Summary = BTreeMap<Verdict, u64>;

/// The share of entries that `SETTLE_SECONDS` is chosen for.
const NEARLY_ALL: f64 = 0.999;

/// How things stand with one gateway.
pub struct GatewayStanding<'a> {
    /// Its id.
    pub id: &'a str,
    /// How far forward has come.
    pub position: Option<&'a Position>,
    /// How far the backfill has come.
    pub backfill: Option<&'a Backfill>,
    /// `backfill_stop_at`, UTC.
    pub stop: Option<Timestamp>,
    /// What fails.
    pub status: &'a Status,
    /// The last 24 hours of its ledger.
    pub hours: Option<&'a Summary>,
    /// `SETTLE_SECONDS`, where it is known.
    pub settle: Option<Duration>,
    /// Entries that can be read in a minute, of all gateways, where it is known.
    pub readable: Option<u64>,
    /// Entries that no table has: dead letters, and those that were discarded.
    pub letters: [u64; 2],
    /// UTC.
    pub now: Timestamp,
}

impl GatewayStanding<'_> {
    /// Whether all is well, and up to where.
    pub fn in_a_line(&self) -> String {
        let complete = self
            .complete_through()
            .map_or("not counted yet".to_owned(), |through| format!("complete through {} UTC", self.clock(through)));
        let complete = format!("{complete}{}", self.but_for());
        let again = show::counted(self.read_again(), "slot");
        let last = match (self.position, self.last_entry()) {
            (None, _) => "forward has not begun".to_owned(),
            (Some(_), None) => "no entry yet".to_owned(),
            (Some(_), Some(last)) => format!("last entry {}", show::ago(self.now - last)),
        };
        let failing =
            self.status.failing.iter().map(|(job, failing)| format!("{job}, since {} UTC", self.clock(failing.since)));
        let failing: Vec<_> = failing.collect();
        let error = if failing.is_empty() { "none".to_owned() } else { failing.join(" and ") };
        format!("{}: {complete}; {again} being read again; {last}; last error {error}", clean(self.id))
    }

    /// The details.
    pub fn in_words(&self) -> String {
        let mut lines = vec![format!("Gateway {}", clean(self.id))];
        let mut line = |name: &str, text: String| lines.push(format!("  {name:<12}{text}"));
        line("forward", self.forward());
        line("backfill", self.backfill());
        let [hour, day] = [1, 24].map(|hours| HumanCount(self.delivered(TimeDelta::hours(hours))));
        line("delivered", format!("{hour} entries of the last hour, {day} of the last day, by forward"));
        line("ledger", self.ledger());
        line("history", self.history());
        line("lateness", self.lateness());
        line("headroom", self.headroom());
        lines.join("\n")
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let backfill = match (self.backfill, self.is_finished()) {
            (None, _) => "not begun",
            (Some(_), true) => "finished",
            (Some(_), false) => "under way",
        };
        let hours = |verdict| self.hours.and_then(|hours| hours.get(&verdict)).copied().unwrap_or_default();
        let ledger: BTreeMap<_, _> = Verdict::ALL.map(|verdict| (verdict.to_string(), hours(verdict))).into();
        let waits = self.waits().map(|(recent, after)| {
            json!({ "from": time::text(recent.from), "until": time::text(recent.until), "counted_after": time::text(after) })
        });
        json!({
            "gateway": self.id,
            "complete_through": self.complete_through().map(time::text),
            "rejected": self.letters[0],
            "discarded": self.letters[1],
            "slots_read_again": self.read_again(),
            "forward": self.position.map(|position| json!({
                "delivered_up_to": time::text(position.cursor.ts()),
                "last_entry_seconds_ago": self.last_entry().map(|last| (self.now - last).num_seconds()),
            })),
            "backfill": {
                "state": backfill,
                "delivered_down_to": self.backfill.map(|backfill| time::text(backfill.cursor.ts())),
            },
            "history": { "counted_down_to": self.counted_down_to().map(time::text), "waits": waits },
            "delivered_last_hour": self.delivered(TimeDelta::hours(1)),
            "delivered_last_day": self.delivered(TimeDelta::hours(24)),
            "ledger_last_day": ledger,
            "lateness_ms": self.quantiles().map(|[half, most]| {
                json!({ "p50": half.num_milliseconds(), "p99_9": most.num_milliseconds() })
            }),
            "peak": self.peak().map(|minute| json!({
                "minute": time::text(minute.start),
                "entries": minute.entries,
                "readable": self.readable,
            })),
            "settle_seconds": self.settle.map(|settle| settle.as_secs()),
            "suggested_settle_seconds": self.suggested_settle().map(|settle| settle.as_secs()),
        })
    }

    /// Entries that no table has, and that no count can find missing.
    fn but_for(&self) -> String {
        let [rejected, discarded] = self.letters;
        let words = [(rejected, "dead letter"), (discarded, "discarded log")];
        let words: Vec<_> = words.into_iter().filter(|(number, _)| *number > 0).collect();
        if words.is_empty() {
            return String::new();
        }
        let words: Vec<_> = words.into_iter().map(|(number, noun)| show::counted(number, noun)).collect();
        format!(", but for {}", words.join(" and "))
    }

    /// The time of day, and the date where it is not today's.
    fn clock(&self, instant: Timestamp) -> String {
        let today = instant.date_naive() == self.now.date_naive();
        instant.format(if today { "%H:%M" } else { "%F %H:%M" }).to_string()
    }

    /// None: nothing is counted yet.
    pub fn complete_through(&self) -> Option<Timestamp> {
        self.position?.complete_through()
    }

    /// Slots that a count has found short, and that are read again.
    fn read_again(&self) -> u64 {
        let Some(position) = self.position else { return 0 };
        let short = position.slots.iter().filter(|(_, slot)| slot.verdict == Some(Verdict::Short)).count() as u64;
        short.max(position.comparison.is_some().into())
    }

    /// When the last entry was created that forward has delivered. A pass that finds nothing leaves no trace. So on a
    /// quiet gateway this does not say how far behind forward is.
    fn last_entry(&self) -> Option<Timestamp> {
        let cursor = &self.position?.cursor;
        (!cursor.at.is_empty()).then_some(cursor.ts())
    }

    /// Entries that forward has delivered of the time since `back` before now, to ten minutes.
    fn delivered(&self, back: TimeDelta) -> u64 {
        let since = self.now - back;
        let slots = self.position.into_iter().flat_map(|position| position.slots.iter());
        slots.filter(|(start, _)| *start >= since).map(|(_, slot)| slot.delivered).sum()
    }

    fn is_finished(&self) -> bool {
        self.backfill.is_some_and(|backfill| backfill.is_done(self.stop))
    }

    fn forward(&self) -> String {
        match (self.position, self.last_entry()) {
            (None, _) => "not begun".to_owned(),
            (Some(position), None) => format!("begun at {}, no entry since", time::text(position.cursor.ts())),
            (Some(_), Some(last)) => {
                format!("delivered up to {}, the last entry ({})", time::text(last), show::ago(self.now - last))
            }
        }
    }

    fn backfill(&self) -> String {
        match self.backfill {
            None => "not begun".to_owned(),
            Some(Backfill { cursor, done, .. }) if self.is_finished() => {
                let end = match done {
                    Some(Done { stop: Some(_) }) => "backfill_stop_at",
                    Some(Done { stop: None }) | None => "the first entry",
                };
                format!("finished, down to {end} ({})", time::text(cursor.ts()))
            }
            Some(Backfill { cursor, .. }) => format!("under way, delivered down to {}", time::text(cursor.ts())),
        }
    }

    fn ledger(&self) -> String {
        let hours = |verdict| self.hours.and_then(|hours| hours.get(&verdict)).filter(|hours| **hours > 0);
        let words = Verdict::ALL.into_iter().filter_map(|verdict| Some((hours(verdict)?, verdict)));
        let words: Vec<_> =
            words.map(|(hours, verdict)| format!("{} {verdict}", show::counted(*hours, "hour"))).collect();
        if words.is_empty() { "no hour is over and counted".to_owned() } else { words.join(", ") + ", of the last 24" }
    }

    fn counted_down_to(&self) -> Option<Timestamp> {
        self.backfill?.counted_down_to()
    }

    /// The part of the history that is counted later, because entries may still appear in it; and after which instant.
    fn waits(&self) -> Option<(RecentStretch, Timestamp)> {
        let recent = self.backfill?.counted?.recent?;
        let [.., last] = AGES;
        Some((recent, recent.until + last))
    }

    fn history(&self) -> String {
        let counted = self.counted_down_to().map(|down_to| format!("counted down to {}", down_to.format("%F %H:%M")));
        let waits = self.waits().map(|(recent, after)| {
            let [from, until, after] = [recent.from, recent.until, after].map(|at| at.format("%F %H:%M"));
            format!("{from} to {until} is counted after {after}, when no new log can appear there")
        });
        let words: Vec<_> = counted.into_iter().chain(waits).collect();
        if words.is_empty() { "not counted yet".to_owned() } else { words.join("; ") }
    }

    /// The lateness that half of the entries, and nearly all entries, did not exceed when they were first seen.
    fn quantiles(&self) -> Option<[TimeDelta; 2]> {
        let lateness = &self.position?.lateness;
        Some([lateness.quantile(0.5)?, lateness.quantile(NEARLY_ALL)?])
    }

    fn peak(&self) -> Option<Minute> {
        self.position?.peak.busiest()
    }

    fn headroom(&self) -> String {
        let Some(Minute { start, entries }) = self.peak() else { return "not measured yet".to_owned() };
        let clock = self.clock(start);
        match self.readable {
            Some(readable) => show::headroom(entries, &clock, readable),
            None => format!("{} in the busiest minute, from {clock} UTC", show::counted(entries, "log")),
        }
    }

    fn suggested_settle(&self) -> Option<Duration> {
        self.quantiles()?;
        Some(self.position?.lateness.suggested_settle(self.settle?))
    }

    fn lateness(&self) -> String {
        let Some(quantiles) = self.quantiles() else { return "not measured yet".to_owned() };
        let [half, most] = quantiles.map(|late| (late.num_milliseconds() + 999) / 1_000);
        let settle = match (self.settle, self.suggested_settle()) {
            (Some(current), Some(suggested)) if current == suggested => {
                format!("; SETTLE_SECONDS {} suits that", current.as_secs())
            }
            (Some(current), Some(suggested)) => {
                format!("; SETTLE_SECONDS {} would suit that better than {}", suggested.as_secs(), current.as_secs())
            }
            (None, _) | (_, None) => String::new(),
        };
        format!("half of the entries were first seen within {half} s, 99.9 % within {most} s{settle}")
    }
}
