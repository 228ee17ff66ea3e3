//! The arguments of `aig-logs run`.

use std::{net::SocketAddr, time::Duration};

use clap::Args;

use crate::cli::args::values::tick;

/// How often to copy, and who may ask how that goes.
#[derive(Debug, Clone, Copy, Args)]
pub struct Run {
    /// Time from one forward pass to the next
    ///
    /// Such as 60s or 5m, up to 24h. A number alone is seconds.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = tick, allow_hyphen_values = true)]
    pub every: Duration,
    /// Take over from another `run` with the same state
    ///
    /// The other `run` ends at its next pass.
    #[arg(long)]
    pub takeover: bool,
    /// Answer /healthz and /metrics at this address
    ///
    /// /metrics is for Prometheus. Neither needs a key. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
}
