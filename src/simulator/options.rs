//! The options of a simulated world. Every field has a default. Equal options give equal answers.

use chrono::TimeDelta;

use serde::Deserialize;

use crate::simulator::{
    cloudflare::{RateLimit, access::Access},
    google::{SimulatedAccount, bigquery},
    time::Timestamp,
};

/// More entries in one millisecond than two pages hold.
const BURSTS: Bursts = Bursts { chance: 0.005, most: 120 };
/// Short, so that callers spend their time on retries and not on silence.
const SILENCE_MS: u64 = 200;

/// How to build a [`Simulator`](crate::simulator::Simulator).
#[derive(Clone)]
pub struct SimulatorOptions {
    /// Source of every random choice.
    pub seed: u64,
    /// Cloudflare account id.
    pub account: String,
    /// The one API token that may read the account's logs, and use its KV.
    pub api_token: String,
    /// The account, and the permissions of that token.
    pub access: Access,
    /// Id of the KV namespace `STATE_KV`.
    pub state_namespace: String,
    /// Id of the KV namespace `IDS_KV`.
    pub ids_namespace: String,
    /// Id of the one database of D1, which has no tables at first.
    pub database: String,
    /// Gateway ids, each with its own history and traffic.
    pub gateways: Vec<String>,
    /// When history ends and live traffic begins, UTC.
    pub start: Timestamp,
    /// Entries in each gateway before `start`.
    pub entries: usize,
    /// How far before `start` history reaches.
    pub history: TimeDelta,
    /// Mean arrivals per minute in each gateway from `start` on; 0 for none.
    pub live_per_minute: f64,
    /// How entries come to share a millisecond.
    pub bursts: Bursts,
    /// How live entries become visible late; none when absent. History is all there when the world begins.
    pub lateness: Option<LatenessRange>,
    /// Limit of Cloudflare's API; none when absent.
    pub rate_limit: Option<RateLimit>,
    /// Departures of the list API from what is documented.
    pub quirks: Quirks,
    /// Google Cloud project of the table.
    pub project: String,
    /// Dataset of the table.
    pub dataset: String,
    /// The table that exists from the start, with the columns of `sql/bigquery/1_table.sql`; so does `aig_runs`.
    pub table: String,
    /// The service account's permissions on tables.
    pub table_permissions: Vec<String>,
    /// Whether BigQuery drops rows whose `insertId` it saw less than a minute ago. It does so as best effort only.
    pub dedup: bool,
    /// The account that may sign in to Google. Made from `seed` when absent.
    pub service_account: Option<SimulatedAccount>,
    /// Seconds by which the clock that the server's answers show is ahead of the world's.
    pub clock_ahead_seconds: i64,
    /// Milliseconds by which the server delays each answer.
    pub latency_ms: u64,
    /// Milliseconds for which the server leaves a caller without an answer before it closes the connection.
    pub silence_ms: u64,
    /// Seed of a storm of faults that rages from the first call on ([`plan`](crate::simulator::faults::plan)); none when absent.
    pub storm: Option<u64>,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            account: "0123456789abcdef0123456789abcdef".into(),
            api_token: "simulated-api-token".into(),
            access: Access::default(),
            state_namespace: "5a".repeat(16),
            ids_namespace: "1d".repeat(16),
            database: "d1d1d1d1-0000-4000-8000-000000000001".into(),
            gateways: vec!["main".into()],
            // Monday 2026-11-02T12:00:00Z
            start: Timestamp::UNIX_EPOCH + TimeDelta::seconds(1_793_620_800),
            entries: 0,
            history: TimeDelta::days(30),
            live_per_minute: 0.0,
            bursts: Bursts::default(),
            lateness: None,
            rate_limit: Some(RateLimit::default()),
            quirks: Quirks::default(),
            project: "simulated-project".into(),
            dataset: "ai_gateway".into(),
            table: "aig_logs_raw".into(),
            table_permissions: bigquery::PERMISSIONS.map(str::to_owned).into(),
            dedup: true,
            service_account: None,
            clock_ahead_seconds: 0,
            latency_ms: 0,
            silence_ms: 0,
            storm: None,
        }
    }
}

/// The same world in a storm. Everything fails now and then. Some entries are late, by 1 to 30 minutes unless the
/// options say otherwise, and some share a millisecond. BigQuery keeps every copy of a row.
#[must_use]
pub fn stormy(seed: u64, options: SimulatorOptions) -> SimulatorOptions {
    SimulatorOptions {
        storm: Some(seed),
        lateness: options.lateness.or(Some(LatenessRange::default())),
        bursts: BURSTS,
        dedup: false,
        silence_ms: SILENCE_MS,
        ..options
    }
}

/// Calls that fan out: several entries share one millisecond.
#[derive(Clone, Copy, Debug)]
pub struct Bursts {
    /// Share of calls that fan out, 0 to 1.
    pub chance: f64,
    /// How many more entries come with such a call, at most.
    pub most: u32,
}

impl Default for Bursts {
    fn default() -> Self {
        Self { chance: 0.02, most: 3 }
    }
}

/// Entries that the API shows only some time after their `created_at`. Most are long calls, which are logged when they
/// end.
#[derive(Clone, Copy, Debug)]
pub struct LatenessRange {
    /// Share of late entries, 0 to 1.
    pub chance: f64,
    /// Shortest lateness of those, seconds.
    pub shortest_seconds: f64,
    /// Median lateness, seconds; log-normal.
    pub median_seconds: f64,
    /// Longest lateness, seconds.
    pub longest_seconds: f64,
    /// Share of long calls among late entries, 0 to 1. The `duration` of the others does not tell why they are late.
    pub long_calls: f64,
}

impl LatenessRange {
    /// A share of entries is late by `shortest` to `longest` seconds, as many below as above their geometric mean.
    #[must_use]
    pub fn between(chance: f64, shortest: f64, longest: f64) -> Self {
        let median_seconds = (shortest * longest).sqrt();
        Self { chance, shortest_seconds: shortest, median_seconds, longest_seconds: longest, ..Self::default() }
    }
}

impl Default for LatenessRange {
    /// 1 to 30 minutes.
    fn default() -> Self {
        Self { chance: 0.05, shortest_seconds: 60.0, median_seconds: 300.0, longest_seconds: 1_800.0, long_calls: 0.9 }
    }
}

/// Departures of the list API from what is documented, all seen or feared.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Quirks {
    /// `result_info` lacks `total_count`.
    pub without_total_count: bool,
    /// `total_count` counts the whole gateway, whatever the filter.
    pub total_count_ignores_filter: bool,
    /// Every entry is listed, whatever the filter.
    pub ignores_filter: bool,
    /// Entries come newest first, whatever the order asked for.
    pub ignores_order: bool,
    /// Entries of one millisecond come in another order in each answer.
    pub shuffles_ties: bool,
    /// Every page is the first one.
    pub ignores_page: bool,
    /// `total_count` counts what the page shows.
    pub counts_the_page: bool,
    /// The most entries on a page, below what was asked for.
    pub page_cap: Option<usize>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::simulator::Simulator;

    #[test]
    fn entries_of_a_stormy_world_share_milliseconds_and_are_late() {
        let options = stormy(
            7,
            SimulatorOptions { entries: 3_000, live_per_minute: 600.0, ..crate::simulator::tests::options() },
        );
        let later = options.start + chrono::TimeDelta::minutes(10);
        let mut world = Simulator::new(options);
        world.advance(later);
        let gateway = world.gateway("main").unwrap();
        let mut instants = BTreeMap::<_, usize>::new();
        for entry in gateway.entries(later + chrono::TimeDelta::hours(1)) {
            *instants.entry(entry["created_at"].to_string()).or_default() += 1;
        }
        assert!(instants.values().any(|entries| *entries > 50), "{:?}", instants.values().max());
        // Of some 6,000 that have arrived.
        assert!((200..=400).contains(&gateway.late()), "{}", gateway.late());
    }

    #[test]
    fn a_storm_keeps_the_lateness_that_was_asked_for() {
        let lateness =
            |given| stormy(7, SimulatorOptions { lateness: given, ..SimulatorOptions::default() }).lateness.unwrap();
        let told = |lateness| format!("{lateness:?}");
        assert_eq!(told(lateness(None)), told(LatenessRange::default()));
        let short = LatenessRange::between(0.5, 1.0, 4.0);
        assert_eq!(told(lateness(Some(short))), told(short));
        assert!((short.median_seconds - 2.0).abs() < 1e-9);
    }
}
