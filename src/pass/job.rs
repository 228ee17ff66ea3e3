//! The jobs, the cron schedule of each, and the budget of a scheduled pass.

use std::fmt;

use crate::{
    config::Config,
    plan::budget::{BACKFILL_TIME, Budget, FORWARD_TIME},
};

/// The job of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Copies from the cursor to the present.
    Forward,
    /// Copies from the oldest delivered entry back to the first entry.
    Backfill,
    /// Copies an explicit range.
    Range,
}

impl Job {
    /// The job of a cron schedule: backfill if it is `BACKFILL_CRON`, whatever the spaces between its fields, and
    /// otherwise forward.
    #[must_use]
    pub fn of_cron(cron: &str, config: &Config) -> Self {
        let is_backfill = cron.split_whitespace().eq(config.backfill_cron.split_whitespace());
        if is_backfill { Self::Backfill } else { Self::Forward }
    }

    /// The budget of a scheduled pass. A range is never scheduled, so it has no limits.
    #[must_use]
    pub fn budget(self, config: &Config) -> Budget {
        let (pages, time) = match self {
            Self::Forward => (config.forward_pages, Some(FORWARD_TIME)),
            Self::Backfill => (config.backfill_pages, Some(BACKFILL_TIME)),
            Self::Range => (None, None),
        };
        Budget { pages, time, calls: None }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forward => "forward",
            Self::Backfill => "backfill",
            Self::Range => "range",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Destination;

    fn config(cron: &str) -> Config {
        let lookup = |name: &str| match name {
            "CF_API_TOKEN" => Some("token".to_owned()),
            "CF_ACCOUNT_ID" => Some("0123456789abcdef0123456789abcdef".to_owned()),
            "AIG_GATEWAY_ID" => Some("main".to_owned()),
            "BACKFILL_CRON" => Some(cron.to_owned()),
            _ => None,
        };
        Config::from_vars(lookup, &[Destination::default()]).unwrap()
    }

    #[test]
    fn a_cron_means_backfill_if_it_is_the_one_of_the_settings_however_it_is_spaced() {
        let check = |cron, setting, expected| assert_eq!(Job::of_cron(cron, &config(setting)), expected, "{cron:?}");
        check("0 * * * *", "0 * * * *", Job::Backfill);
        check("0 * * * *", "  0  *\t* * * ", Job::Backfill);
        check(" 0 *   * * *\n", "0 * * * *", Job::Backfill);
        check("* * * * *", "0 * * * *", Job::Forward);
        check("0 * * * 1", "0 * * * *", Job::Forward);
        check("0 * * *", "0 * * * *", Job::Forward);
        check("0* * * *", "0 * * * *", Job::Forward);
        check("", "0 * * * *", Job::Forward);
    }

    #[test]
    fn a_scheduled_pass_has_the_pages_of_the_settings_and_ends_in_time_for_the_next_tick() {
        let config = config("0 * * * *");
        let check = |job: Job, pages, seconds: Option<u64>| {
            assert_eq!(job.budget(&config), Budget { pages, time: seconds.map(Duration::from_secs), calls: None });
        };
        check(Job::Forward, Some(20), Some(50));
        check(Job::Backfill, Some(40), Some(13 * 60));
        check(Job::Range, None, None);
    }
}
