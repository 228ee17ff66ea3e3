//! The Worker's schedules, as `wrangler.toml` has them.

use chrono::TimeDelta;
use indicatif::HumanCount;

use crate::{
    cli::{commands::doctor::check::Check, vars::settings::read_schedule},
    config::{Config, Gateways},
    time::Timestamp,
};

/// Writes that Workers Free allows KV in a day. developers.cloudflare.com/kv/platform/pricing
const FREE: u64 = 1_000;

/// Minutes between passes that divide an hour.
const EVERY: [u64; 10] = [2, 3, 4, 5, 6, 10, 12, 15, 20, 30];

/// Whether each job has its cron, and whether Workers Free could bear them.
pub fn crons(crons: &[String], config: &Config) -> Check {
    let (backfill, forward): (Vec<_>, Vec<_>) = crons.iter().partition(|cron| **cron == config.backfill_cron);
    let wrong = crons.iter().find(|cron| read_schedule(cron).is_err());
    if let Some(wrong) = wrong {
        let hint = "A schedule has five fields, such as \"*/5 * * * *\"";
        return Check::failed("crons", format!("{wrong:?} is no schedule"), hint)
            .mended_by("[triggers] of wrangler.toml");
    }
    if backfill.is_empty() {
        let says = format!("none is BACKFILL_CRON ({}): the history is never copied", config.backfill_cron);
        let hint = "BACKFILL_CRON must be the same text as one of the crons";
        return Check::failed("crons", says, hint).mended_by("[triggers] of wrangler.toml");
    }
    if forward.is_empty() {
        let hint = "Every other cron copies new logs: add one";
        let says = "BACKFILL_CRON is the only cron: new logs are never copied";
        return Check::failed("crons", says, hint).mended_by("[triggers] of wrangler.toml");
    }
    let gateways = match &config.source.gateways {
        Gateways::Named(ids) => ids.len() as u64,
        Gateways::All => 1,
    };
    let passes = forward.iter().map(|cron| passes(cron)).sum();
    let writes = writes(passes, gateways);
    let says = format!(
        "{} forward passes a day may take {} KV writes (two each; ledger and history take the rest)",
        HumanCount(passes),
        HumanCount(writes)
    );
    if writes <= FREE {
        return Check::ok("crons", says);
    }
    // The plan is not known here, and on Workers Paid all is well.
    let slower = EVERY.into_iter().find(|minutes| self::writes(24 * 60 / minutes, gateways) <= FREE);
    let there = slower.map_or("it is too little for so many gateways".to_owned(), |minutes| {
        format!("there set crons = [\"*/{minutes} * * * *\", \"{}\"]", config.backfill_cron)
    });
    let hint = format!("Workers Paid allows this schedule. Workers Free allows 1,000 KV writes a day: {there}");
    Check { hint: Some(hint), ..Check::ok("crons", says) }
}

/// Writes of a day in which each pass finds new logs: ids of each gateway, and the cursors; the ledger each hour; and what a
/// backfill writes each hour.
fn writes(passes: u64, gateways: u64) -> u64 {
    passes * (1 + gateways) + 24 * gateways + 24 * (1 + 2 * gateways)
}

/// How often a schedule comes on a Monday.
fn passes(cron: &str) -> u64 {
    // 2026-01-05T00:00:00Z
    let monday = Timestamp::UNIX_EPOCH + TimeDelta::seconds(1_767_571_200);
    let Ok(schedule) = read_schedule(cron) else { return 0 };
    let mut at = monday - TimeDelta::seconds(1);
    let mut passes = 0;
    while let Ok(next) = schedule.find_next_occurrence(&at, false) {
        if next >= monday + TimeDelta::days(1) {
            break;
        }
        at = next;
        passes += 1;
    }
    passes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_those_that_the_readme_counts() {
        assert_eq!(passes("*/1 * * * *"), 1_440);
        assert_eq!(passes("*/4 * * * *"), 360);
        assert_eq!(passes("0 * * * 3"), 0);
        // Passes, ledger and backfill.
        assert_eq!(writes(360, 1), 360 * 2 + 24 + 24 * 3);
        assert_eq!(writes(240, 2), 240 * 3 + 24 * 2 + 24 * 5);
    }
}
