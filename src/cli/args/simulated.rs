//! What can be said of a simulated world.

use std::path::PathBuf;

use clap::{Args, builder::ArgPredicate};

use crate::cli::args::values::{days, seconds, share};

/// What the demo shows.
#[derive(Debug, Args)]
pub struct Demo {
    /// SQLite file to fill
    ///
    /// A file that an earlier demo left is replaced.
    #[arg(long, value_name = "PATH", default_value = "aig-logs-demo.sqlite")]
    pub file: PathBuf,
    /// Let everything fail now and then
    ///
    /// It fails in the order of this seed, and the demo shows that nothing is lost.
    #[arg(long, value_name = "SEED")]
    pub faults: Option<u64>,
    /// End after the tables
    ///
    /// Without this option, and at a terminal, the demo then serves a page over the file.
    #[arg(long)]
    pub once: bool,
    /// Open no browser: only print the address
    ///
    /// The address is that of the page.
    #[arg(long)]
    pub no_open: bool,
    #[command(flatten)]
    pub history: PastOptions,
}

/// What the simulator serves.
#[derive(Debug, Args)]
pub struct Simulate {
    /// Port on this machine; 0 takes a free one
    ///
    /// The default is beside that of `wrangler dev`.
    #[arg(long, default_value_t = 8788)]
    pub port: u16,
    #[command(flatten)]
    pub history: PastOptions,
    /// New entries a minute in each gateway
    #[arg(long, value_name = "PER_MINUTE", default_value_t = 60.0)]
    pub rate: f64,
    /// Gateway ids
    #[arg(long, value_name = "ID,…", value_delimiter = ',', default_value = "main")]
    pub gateways: Vec<String>,
    /// Milliseconds by which each answer is delayed
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency: u64,
    /// Without Cloudflare's limit of calls
    ///
    /// It is 1,200 calls in five minutes.
    #[arg(long)]
    pub unlimited: bool,
    /// Share of new entries that appear late
    ///
    /// From 0 to 1. Most of them are long calls. [default: 0, or 0.05 with --faults]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub late: Option<f64>,
    /// Seconds by which these are late, at least
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds, requires = "late")]
    pub late_from: f64,
    /// Seconds by which they are late, at most
    #[arg(long, value_name = "SECONDS", default_value_t = 1_800.0, value_parser = seconds, requires = "late")]
    pub late_to: f64,
    /// Let every service fail now and then
    ///
    /// It fails in the order of this seed.
    #[arg(long, value_name = "SEED")]
    pub faults: Option<u64>,
}

/// The past that is made up.
#[derive(Debug, Clone, Copy, Args)]
pub struct PastOptions {
    /// Entries of the past in each gateway
    ///
    /// 5,000 with --faults.
    #[arg(long, value_name = "N", default_value = "20000")]
    #[arg(default_value_if("faults", ArgPredicate::IsPresent, "5000"))]
    pub entries: usize,
    /// Days of the past; 0.005 are seven minutes
    #[arg(long, value_name = "N", default_value = "30", value_parser = days)]
    pub days: f64,
    /// The same seed makes the same world
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}
