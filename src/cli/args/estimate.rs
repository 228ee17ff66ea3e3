//! The arguments of `aig-logs estimate`.

use clap::{Args, value_parser};

/// What month to estimate: of AI Gateway's logs, or of an application's events.
#[derive(Debug, Clone, Copy, Args)]
pub struct Estimate {
    /// Logs of all gateways in a month
    #[arg(long, value_name = "N", required_unless_present = "events_per_month", conflicts_with = "events_per_month")]
    pub logs_per_month: Option<u32>,
    /// Gateways that they come from, evenly
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    #[arg(conflicts_with = "events_per_month")]
    pub gateways: u32,
    /// Minutes from one forward pass to the next
    #[arg(long, value_name = "MINUTES", default_value_t = 1, value_parser = value_parser!(u32).range(1..=60))]
    #[arg(conflicts_with = "events_per_month")]
    pub every: u32,
    /// Events of a month
    ///
    /// The Worker `aig-events` takes them.
    #[arg(long, value_name = "N")]
    pub events_per_month: Option<u32>,
    /// Events of one request
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u32).range(1..=500))]
    #[arg(requires = "events_per_month")]
    pub per_request: u32,
    /// Days for which events are kept
    ///
    /// The setting is `EVENT_RETENTION_DAYS`.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = value_parser!(u32).range(1..))]
    #[arg(requires = "events_per_month")]
    pub days: u32,
    /// A queue stands in front of the database
    #[arg(long, requires = "events_per_month")]
    pub queue: bool,
}
