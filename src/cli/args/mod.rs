//! What can be typed after `aig-logs`.

mod options;
mod setup;
mod simulated;
mod values;

use clap::{Args, Parser, Subcommand};

pub use crate::cli::args::options::Options;
pub use crate::cli::args::setup::Setup;
pub use crate::cli::args::simulated::Demo;
pub use crate::cli::args::simulated::History;
pub use crate::cli::args::simulated::Simulate;
use crate::{
    cli::{
        args::values::{instant, views},
        vars::settings,
    },
    time::Timestamp,
};

const EXAMPLES: &str = "\
Examples:
  aig-logs demo                          see it work, with nothing configured
  aig-logs demo --faults 7               the same while everything fails now and then
  aig-logs simulate --vars sim.vars      a simulated Cloudflare and BigQuery to play with
  aig-logs run --vars sim.vars           copy from there into aig-logs.sqlite until Ctrl-C
  aig-logs setup                         from a token and a project to a Worker that can be deployed
  aig-logs run --sink bigquery           copy into BigQuery, settings from .dev.vars
  aig-logs forward --dry-run | jq .cost  look at rows without writing or remembering
  aig-logs status                        where the copying stands
  aig-logs verify                        prove the last day, log by log where a count does not
  aig-logs explain LOG_ID                what became of one log
  aig-logs doctor                        what is wrong with the set-up, and what mends it
  aig-logs dead-letters list             rows that the sink refused for good
  aig-logs sql                           the statements that make table and views
  aig-logs estimate --logs-per-month N   what a month takes and costs
  aig-logs looker                        the link that opens a view in Looker Studio

Exit codes: 0 done, 1 failed and may pass by itself, 2 somebody must act: the message says how.
`aig-logs help settings` lists every setting.";

const VERIFY: &str = "\
Each hour or day is counted at the source. Where that is not what the state says was delivered, it is read
there, and each log looked up among the ids that were written.

proven      all that the source has is delivered
repaired    the same, and what was missing was written now
over        the same, and more was delivered: logs were deleted at the source
unprovable  all that the source shows is delivered, but it gives no count that can be true; or
            some of it is not known, and ids of its time may be gone (DEDUP_TTL_DAYS)
short       logs are missing

Exit codes: 0 nothing is missing, 1 failed and may pass by itself, 2 something is missing or cannot be known:
the message says what to do.
`aig-logs help settings` lists every setting.";

const EXPLAIN: &str = "\
Exit codes: 0 told, 1 failed and may pass by itself, 2 nobody knows such a log, or it needs somebody to act.
`aig-logs help settings` lists every setting.";

const SQL: &str = "\
--apply and --check sign in as you: with the token of `gcloud auth print-access-token`, or of
GOOGLE_OAUTH_ACCESS_TOKEN where that is set. They use GCP_BQ_PROJECT, GCP_BQ_DATASET and GCP_BQ_TABLE.

Exit codes: 0 all is as it must be, 1 failed and may pass by itself, 2 something is missing or different.";

const DOCTOR: &str = "\
BigQuery is checked where any of its settings is given; --sink sqlite leaves it out. Nothing is written anywhere.

ok       as it should be
warning  it works, or nothing can be said, and somebody should know
failed   it does not work until somebody acts
skipped  not looked at: something before failed, or nobody answers

Exit code: the number of failed checks, 100 at most.
`aig-logs help settings` lists every setting.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "aig-logs", version, about, long_about = None, after_help = EXAMPLES, max_term_width = 110)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where from, where to, and how to say it.
    #[command(flatten)]
    pub options: Options,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show it all at work on this machine: nothing to configure, about half a minute
    Demo(Demo),
    /// Make what a Worker needs: KV namespaces, table, views, service account and its settings; what is there is kept
    #[command(after_help = setup::HELP)]
    Setup(Setup),
    /// Copy until stopped: new logs each minute, and the history until it is all there
    #[command(after_help = settings::table())]
    Run {
        /// Seconds from one forward pass to the next
        #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
        every: u64,
        /// Go on in place of another `run` with the same state, which ends at its next pass
        #[arg(long)]
        takeover: bool,
    },
    /// Copy what is new, once, up to the present
    #[command(after_help = settings::table())]
    Forward,
    /// Copy the history, newest first, down to the first log; or one stretch of it again
    #[command(after_help = settings::table())]
    Backfill(Stretch),
    /// Say how far the copying has come, and what fails
    Status,
    /// Prove that every log of a stretch is delivered, by the hour up to three days, else by the day
    #[command(after_help = VERIFY)]
    Verify(Verify),
    /// Tell what became of one log: at the source, in the table, refused, or still to come
    #[command(after_help = EXPLAIN)]
    Explain(Explain),
    /// Check settings, permissions, gateways, table and Worker, and say what mends what is wrong
    #[command(after_help = DOCTOR)]
    Doctor,
    /// See rows that the sink refused for good, have them written once more, or throw them away
    DeadLetters {
        /// What to do with them
        #[command(subcommand)]
        action: DeadLetters,
    },
    /// Serve the simulator.
    #[command(about = "Serve a simulated AI Gateway, Google sign-in and BigQuery on this machine, until Ctrl-C")]
    Simulate(Simulate),
    /// Print what makes table and views, for BigQuery or with --sink sqlite for SQLite; or carry it out, or check it
    #[command(after_help = SQL)]
    Sql(Sql),
    /// Print the link that opens Looker Studio with a view in BigQuery as its data source
    Looker {
        /// The view
        #[arg(long, value_name = "NAME", default_value = "aig_usage_by_day", value_parser = views())]
        view: String,
    },
    /// Say what a month of so many logs takes and costs
    Estimate(Estimate),
    /// List every setting
    #[command(after_help = settings::table())]
    Settings,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What to do with table and views.
#[derive(Debug, Args)]
pub struct Sql {
    /// Print the statements, as is done without an option too
    #[arg(long, conflicts_with_all = ["apply", "check"])]
    pub print: bool,
    /// Carry them out in BigQuery: make what is missing, the dataset included, and each view anew
    #[arg(long)]
    pub apply: bool,
    /// Say what is missing or different in BigQuery, by name and type
    #[arg(long)]
    pub check: bool,
    /// Where a new dataset is to lie, such as EU or europe-west3; it cannot be moved later [default: US]
    #[arg(long, value_name = "LOCATION", requires = "apply")]
    pub location: Option<String>,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List the keys under which they are kept
    List,
    /// Print them with their reasons, one JSON object a line
    Show {
        /// The key; none: all
        key: Option<String>,
    },
    /// Write them once more, and take each key away whose rows are all in
    #[command(after_help = settings::table())]
    Replay {
        /// The keys; none: all
        #[arg(value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Throw them away
    Discard {
        /// The keys
        #[arg(value_name = "KEY", required_unless_present = "all")]
        keys: Vec<String>,
        /// All of them
        #[arg(long, conflicts_with = "keys")]
        all: bool,
        /// Without being asked
        #[arg(long)]
        yes: bool,
    },
}

/// An explicit stretch of time.
#[derive(Debug, Args)]
pub struct Stretch {
    /// First instant of an explicit stretch, such as 2026-10-01 or 2026-10-01T12:00:00Z; cursors are left alone
    #[arg(long, value_name = "INSTANT", requires = "to", value_parser = instant)]
    pub from: Option<Timestamp>,
    /// End of the explicit stretch; this instant itself is not copied
    #[arg(long, value_name = "INSTANT", requires = "from", value_parser = instant)]
    pub to: Option<Timestamp>,
}

/// What month to estimate.
#[derive(Debug, Clone, Copy, Args)]
pub struct Estimate {
    /// Logs of all gateways in a month
    #[arg(long, value_name = "N")]
    pub logs_per_month: u32,
    /// Gateways that they come from, evenly
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub gateways: u32,
    /// Minutes from one forward pass to the next
    #[arg(long, value_name = "MINUTES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub every: u32,
}

/// What to prove.
#[derive(Debug, Args)]
pub struct Verify {
    /// First instant, such as 2026-10-01 or 2026-10-01T12:00:00Z [default: a day before the end]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub from: Option<Timestamp>,
    /// End; this instant itself is not looked at [default: where forward has come to]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub to: Option<Timestamp>,
    /// Write what is missing; without it nothing is written anywhere
    #[arg(long)]
    pub repair: bool,
}

/// Whose life to tell.
#[derive(Debug, Args)]
pub struct Explain {
    /// The log's id, as in the response header cf-aig-log-id
    #[arg(value_name = "LOG_ID")]
    pub id: String,
    /// Its gateway [default: all of the settings, one after the other]
    #[arg(long, value_name = "ID")]
    pub gateway: Option<String>,
}
