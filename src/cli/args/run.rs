//! The arguments of `aig-logs run`.

use std::net::SocketAddr;

use clap::Args;

/// How often to copy, and who may ask how that goes.
#[derive(Debug, Clone, Copy, Args)]
pub struct Run {
    /// Seconds from one forward pass to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub every: u64,
    /// Take over from another `run` with the same state. The other `run` ends at its next pass
    #[arg(long)]
    pub takeover: bool,
    /// Answer /healthz and /metrics (Prometheus) at this address, without a key; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
}
