//! A history told so that a person can follow it.

use std::fmt;

use chrono::TimeDelta;

use super::history::{Arrival, History, Pass, Setting, Step};

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.setting)?;
        for (n, entry) in self.entries.iter().enumerate() {
            writeln!(f, "entry {n}: {entry}")?;
        }
        for (n, step) in (1..).zip(&self.steps) {
            writeln!(f, "{n}. {step}")?;
        }
        write!(f, "and then passes in which nothing goes wrong")
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            gateways,
            star,
            per_page,
            page_cap,
            count,
            batch,
            settle,
            quota,
            slow_stores,
            overlapping,
            shuffled,
            echoes,
            last_pages,
            patience,
            ..
        } = self;
        let table = if self.sqlite { "SQLite" } else { "BigQuery" };
        let named = if *star { "listed by *" } else { "named" };
        write!(f, "{gateways} gateways ({named}), {per_page} entries a page (the server's cap: {page_cap:?}), ")?;
        write!(
            f,
            "total_count {count:?}, {batch} rows a write into {table}, SETTLE_SECONDS {}, ",
            settle.num_seconds()
        )?;
        write!(f, "API limit {quota:?}, one write a second: {slow_stores}, calls overlap: {overlapping}, ")?;
        write!(f, "ties in any order: {shuffled}, failures echo: {echoes}, ")?;
        write!(f, "pages of the last passes: {last_pages:?}, ")?;
        write!(f, "{} h between them", patience.num_hours())
    }
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gateway {}, created at {}", self.gateway, seconds(self.at))?;
        if !self.late.is_zero() {
            let honest = if self.duration == self.late { "as it says" } else { "which it does not say" };
            write!(f, ", shown {} later, {honest}", seconds(self.late))?;
        }
        if let Some(oddity) = self.oddity {
            write!(f, ", {oddity:?}")?;
        }
        if self.poison { write!(f, ", refused by BigQuery") } else { Ok(()) }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait(time) => write!(f, "{} pass", seconds(*time)),
            Self::Delete(entries) => write!(f, "entries {entries:?} are deleted"),
            Self::StopAt(Some(entry)) => write!(f, "backfill_stop_at becomes the instant of entry {entry}"),
            Self::StopAt(None) => write!(f, "backfill_stop_at is taken away"),
            Self::Clock(ahead) => write!(f, "the clock is set {} ahead", seconds(*ahead)),
            Self::Revoke => write!(f, "all tokens are revoked"),
            Self::Pass(pass) => write!(f, "{pass}"),
        }
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { forward, pages, seconds: time, calls, allowed, stop_after, stale, random, .. } = self;
        write!(f, "{} pass", if *forward { "forward" } else { "backfill" })?;
        let limits = [
            ("pages", pages.map(u64::from)),
            ("seconds", *time),
            ("calls", calls.map(u64::from)),
            ("calls of the platform", allowed.map(u64::from)),
            ("calls until it is asked to stop", stop_after.map(u64::from)),
        ];
        for (name, limit) in limits {
            if let Some(limit) = limit {
                write!(f, ", {limit} {name}")?;
            }
        }
        if !stale.is_zero() {
            write!(f, ", stores answer as {} ago", seconds(*stale))?;
        }
        if let Some(plan) = &self.strike {
            write!(f, ", from call {} on {} go wrong: {:?}", plan.nth, plan.length, plan.strike)?;
        }
        for (endpoint, when, fault) in &self.faults {
            write!(f, ", {endpoint:?} {when:?} {fault:?}")?;
        }
        if let Some((nth, entries)) = &self.deletion {
            write!(f, ", at list call {nth} entries {entries:?} are deleted")?;
        }
        write!(f, " (chance {random:.2})")
    }
}

/// Seconds with milliseconds, and microseconds where there are any.
fn seconds(time: TimeDelta) -> String {
    let micros = time.num_microseconds().unwrap_or(i64::MAX);
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, rest) = (micros.abs() / 1_000_000, micros.abs() % 1_000_000);
    if rest % 1_000 == 0 {
        format!("{sign}{whole}.{:03} s", rest / 1_000)
    } else {
        format!("{sign}{whole}.{rest:06} s")
    }
}
