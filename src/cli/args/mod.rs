//! What can be typed after `aig-logs`.

mod actions;
mod ask;
mod estimate;
mod events;
mod idle;
mod month;
mod options;
mod range;
mod report;
mod run;
mod setup;
mod simulated;
mod state;
mod values;
mod verify;
mod when;

use clap::{Args, Parser, Subcommand};

pub use crate::cli::args::actions::{AlertsAction, LettersAction};
pub use crate::cli::args::ask::{Ask, Condition, Credential, Place, Query};
pub use crate::cli::args::estimate::Estimate;
pub use crate::cli::args::events::{Doctor, Erase, KeysAction, PricesAction, Send, Serve};
pub use crate::cli::args::month::Month;
pub use crate::cli::args::options::Options;
pub use crate::cli::args::report::{Format, Report};
pub use crate::cli::args::run::Run;
pub use crate::cli::args::setup::Setup;
pub use crate::cli::args::simulated::Demo;
pub use crate::cli::args::simulated::PastOptions;
pub use crate::cli::args::simulated::Simulate;
pub use crate::cli::args::state::State;
pub use crate::cli::args::verify::Verify;
pub use crate::cli::args::when::When;
use crate::cli::{
    args::values::{views, when},
    vars::help,
};

const EXAMPLES: &str = "\
Examples:
  aig-logs demo                          see it work, with nothing configured
  aig-logs demo --faults 7               the same while everything fails now and then
  aig-logs simulate --vars sim.vars      a simulated Cloudflare and BigQuery to play with
  aig-logs run --vars sim.vars           copy from there into aig-logs.sqlite until Ctrl-C
  aig-logs setup                         make everything that a Worker needs, from a token and a project
  aig-logs run --sink bigquery           copy into BigQuery, settings from .dev.vars
  aig-logs forward --dry-run | jq .cost  look at rows without writing or remembering
  aig-logs status                        how far the copy is, and what fails
  aig-logs verify                        prove that every log of the last day is delivered
  aig-logs explain ID                    what became of one log or event
  aig-logs doctor                        check the set-up, and say how to fix it
  aig-logs serve --demo                  see the events API with simulated events
  aig-logs serve                         take events of applications into aig-logs.sqlite
  aig-logs keys create --org ORG --scopes ingest,query    a key for them
  aig-logs ask --by model cost count p95 what each model costs, and how fast it is
  aig-logs query                         the named questions
  aig-logs report --by team              what the last month cost, to mail to who pays
  aig-logs doctor --events               check what receives events
  aig-logs send events.ndjson            send the events of a file to that server, or to a Worker
  aig-logs dead-letters list             rows that the sink will never take
  aig-logs alerts list                   budgets, and what is spent of them
  aig-logs sql                           the statements that make table and views
  aig-logs estimate --logs-per-month N   what a month takes and costs
  aig-logs looker                        the link that opens a view in Looker Studio

Exit codes: 0 done, 1 failed and may pass by itself, 2 somebody must act: the message says how.
`aig-logs help settings` lists every setting.";

const EXPLAIN: &str = "\
Exit codes: 0 found, 1 failed and may pass by itself, 2 the id is unknown, or somebody must act.
`aig-logs help settings` lists every setting.";

const SQL: &str = "\
For BigQuery, --apply and --check sign in as you: with GOOGLE_OAUTH_ACCESS_TOKEN if it is set, else with the token
of `gcloud auth print-access-token`. They use GCP_BQ_PROJECT, GCP_BQ_DATASET and GCP_BQ_TABLE. For D1 (--sink d1)
they use CF_ACCOUNT_ID, CF_D1_DATABASE_ID, and CF_API_TOKEN with the permission D1 Edit.

Exit codes: 0 all is as it must be, 1 failed and may pass by itself, 2 something is missing or different.";

const DOCTOR: &str = "\
doctor checks BigQuery if any of its settings is given; --sink sqlite leaves it out. doctor writes nothing.

doctor --events checks the events half alone: a file (--db) or D1 (--sink d1). With --to and a key it sends one event
named aig-logs.doctor, twice, and takes it out of the database again.

ok       as it should be
warning  it works, or the check has no answer; read the hint
failed   it does not work until somebody acts
skipped  not checked: an earlier check failed, or the service gives no answer

Exit code: the number of failed checks, 100 at most.
`aig-logs help settings` lists every setting.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "aig-logs", version, about, long_about = None, after_help = EXAMPLES, max_term_width = 110)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The options of every command.
    #[command(flatten)]
    pub options: Options,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show it all at work on this machine: nothing to configure, about half a minute
    Demo(Demo),
    /// Make everything that a Worker needs: KV namespaces, table, views, service account and settings. Existing things
    /// are kept
    #[command(after_help = setup::HELP)]
    Setup(Setup),
    /// Copy until stopped: new logs each minute, and the history until it is all there
    #[command(after_help = help::table())]
    Run(Run),
    /// Copy the new logs, once, up to the present
    #[command(after_help = help::table())]
    Forward,
    /// Copy the history, newest first, down to the first log. With --from and --to, copy that time range again
    #[command(after_help = help::table())]
    Backfill(FromTo),
    /// Say how far the copy is, and what fails
    Status,
    /// Prove that every log of a time range is delivered: by the hour up to three days, by the day beyond
    #[command(after_help = verify::HELP)]
    Verify(Verify),
    /// Tell what became of one log or event: at the source, in the table, refused, or still to come
    #[command(after_help = EXPLAIN)]
    Explain(Explain),
    /// Check settings, permissions, gateways, table and Worker, and say how to fix each problem
    #[command(after_help = DOCTOR)]
    Doctor(Doctor),
    /// Show the rows that the sink will never take, write them again, or discard them
    DeadLetters {
        /// What to do with them
        #[command(subcommand)]
        action: LettersAction,
    },
    /// List budgets and alerts, or try the webhook that is told of them
    Alerts {
        /// What to do
        #[command(subcommand)]
        action: AlertsAction,
    },
    /// Take events of applications over HTTP into a SQLite file, and show the page, until stopped
    #[command(after_help = help::table())]
    Serve(Serve),
    /// Send the events of a file to a server, and again until each is taken
    #[command(after_help = events::SEND)]
    Send(Send),
    /// Ask how many, how fast, how expensive: events and logs of a SQLite file or, by --sink, of D1 or BigQuery
    #[command(after_help = ask::ASK)]
    Ask(Ask),
    /// Answer a named question, or a file with one; without a name, list them
    #[command(after_help = ask::QUERY)]
    Query(Query),
    /// Report what a month cost, beside the month before: by model, by day, and by keys of the metadata
    #[command(after_help = report::HELP)]
    Report(Report),
    /// Make, list and revoke the keys of the events API
    Keys {
        /// What to do with them
        #[command(subcommand)]
        action: KeysAction,
    },
    /// Set and list what units of usage cost
    Prices {
        /// What to do with them
        #[command(subcommand)]
        action: PricesAction,
    },
    /// Erase a user of an org: every event and log of theirs in a SQLite file
    #[command(after_help = events::ERASE)]
    Erase(Erase),
    /// Serve the simulator.
    #[command(about = "Serve a simulated AI Gateway, Google sign-in and BigQuery on this machine, until Ctrl-C")]
    Simulate(Simulate),
    /// Print the SQL that makes the table and views, for BigQuery or (--sink sqlite, --sink d1) for SQLite and D1. Run it with --apply,
    /// check the result with --check
    #[command(after_help = SQL)]
    Sql(Sql),
    /// Print the link that opens Looker Studio with a view in BigQuery as its data source
    Looker {
        /// The view
        #[arg(long, value_name = "NAME", default_value = "aig_usage_by_day", value_parser = views())]
        view: String,
    },
    /// Work out what a month of logs, or of events, takes and costs
    Estimate(Estimate),
    /// List every setting
    #[command(after_help = help::table())]
    Settings,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What to do with table and views.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Sql {
    /// Print the statements (the default)
    #[arg(long, conflicts_with_all = ["apply", "check"])]
    pub print: bool,
    /// Run the statements in BigQuery, or (--sink d1) in D1: make what is missing, and replace the views
    #[arg(long)]
    pub apply: bool,
    /// Say what is missing or different there, by name and type
    #[arg(long)]
    pub check: bool,
    /// Location of a new dataset, such as EU or europe-west3. A dataset cannot be moved later [default: US]
    #[arg(long, value_name = "LOCATION", requires = "apply")]
    pub location: Option<String>,
    /// Print the scheduled query for BigQuery that keeps usage by hour and spend by metadata in small tables, for dashboards
    #[arg(long, conflicts_with_all = ["apply", "check"])]
    pub rollups: bool,
    /// Days that each run of that query makes anew, as logs may still come late or change
    #[arg(long, value_name = "N", requires = "rollups", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=3_650))]
    pub days: u16,
    /// BigQuery's table of events and its views too. SQLite and D1 always have theirs
    #[arg(long)]
    pub events: bool,
}

/// A time range to copy.
#[derive(Debug, Args)]
pub struct FromTo {
    /// Start of the time range: a date, 2026-10-01T12:00, yesterday, today, now, or how long ago, such as 7d or 90m. The
    /// cursors do not move
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    pub from: Option<When>,
    /// End of the time range, itself not copied
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    pub to: Option<When>,
}

/// Whose life to tell.
#[derive(Debug, Args)]
pub struct Explain {
    /// The id of a log, as in the response header cf-aig-log-id, or of an event
    #[arg(value_name = "ID")]
    pub id: String,
    /// Its gateway [default: all of the settings, one after the other]
    #[arg(long, value_name = "ID")]
    pub gateway: Option<String>,
}
