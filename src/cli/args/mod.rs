//! What can be typed after `aig-logs`.

mod actions;
mod ask;
mod estimate;
mod events;
pub mod idle;
mod month;
mod options;
mod range;
mod read;
mod report;
mod run;
mod setup;
mod simulated;
mod sql;
mod state;
pub mod topics;
mod values;
mod verify;
mod when;

use std::path::PathBuf;

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
pub use crate::cli::args::sql::Sql;
pub use crate::cli::args::state::State;
pub use crate::cli::args::verify::Verify;
pub use crate::cli::args::when::When;
use crate::cli::{
    args::values::{views, when},
    vars::help,
};

const EXPLAIN: &str = "\
Exit codes: 0 found, 1 failed and may pass by itself, 2 the id is unknown, or
somebody must act.
`aig-logs help settings` lists every setting.";

const DOCTOR: &str = "\
doctor checks BigQuery if any of its settings is given; --sink sqlite leaves it
out. doctor writes nothing.

doctor --events checks the events half alone: a file (--db) or D1 (--sink d1).
With --to and a key it sends one event named aig-logs.doctor, twice, and takes
it out of the database again.

ok       as it should be
warning  it works, or the check has no answer; read the hint
failed   it does not work until somebody acts
skipped  not checked: an earlier check failed, or the service gives no answer

Exit code: the number of failed checks, 100 at most.
`aig-logs help settings` lists every setting.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "aig-logs", version, about, long_about = None, after_long_help = after_help(), max_term_width = 80)]
#[command(disable_help_subcommand = true)]
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
    /// Show it all at work on this machine, in half a minute
    ///
    /// There is nothing to configure.
    Demo(Demo),
    /// Make everything that a Worker needs
    ///
    /// It makes KV namespaces, table, views, service account and settings. Existing things are kept.
    #[command(after_long_help = setup::HELP)]
    Setup(Setup),
    /// Copy until stopped: new logs each minute, and the history
    ///
    /// It copies the history until it is all there.
    #[command(after_long_help = help::table())]
    Run(Run),
    /// Copy the new logs, once, up to the present
    #[command(after_long_help = help::table())]
    Forward,
    /// Copy the history, newest first, or a time range again
    ///
    /// It goes down to the first log. With --from and --to, it copies that time range again.
    #[command(after_long_help = help::table())]
    Backfill(FromTo),
    /// Say how far the copy is, and what fails
    Status,
    /// Prove that every log of a time range is delivered
    ///
    /// It proves by the hour up to three days, and by the day beyond.
    #[command(after_long_help = verify::HELP)]
    Verify(Verify),
    /// Tell what became of one log or event
    ///
    /// It is at the source, in the table, refused, or still to come.
    #[command(after_long_help = EXPLAIN)]
    Explain(Explain),
    /// Check the set-up, and say how to fix each problem
    ///
    /// It checks settings, permissions, gateways, table and Worker.
    #[command(after_long_help = DOCTOR)]
    Doctor(Doctor),
    /// Show, write again or discard rows that the sink refuses
    ///
    /// These are rows that the sink will never take as they are.
    DeadLetters {
        /// What to do with them
        #[command(subcommand)]
        action: LettersAction,
    },
    /// List budgets and alerts, or try their webhook
    Alerts {
        /// What to do
        #[command(subcommand)]
        action: AlertsAction,
    },
    /// Take events over HTTP into a SQLite file, and show the page
    ///
    /// It takes events of applications until stopped.
    #[command(after_long_help = help::table())]
    Serve(Serve),
    /// Send the events of a file to a server
    ///
    /// It sends again until each is taken.
    #[command(after_long_help = events::SEND)]
    Send(Send),
    /// Ask how many, how fast, how expensive
    ///
    /// It asks events and logs of a SQLite file or, by --sink, of D1 or BigQuery.
    #[command(after_long_help = ask::ASK)]
    Ask(Ask),
    /// Answer a named question, or list them
    ///
    /// A question may also be a file of your own.
    #[command(after_long_help = ask::QUERY)]
    Query(Query),
    /// Report what a month cost, beside the month before
    ///
    /// It tells it by model, by day, and by keys of the metadata.
    #[command(after_long_help = report::HELP)]
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
    /// Erase a user of an org
    ///
    /// It erases every event and log of theirs in a SQLite file.
    #[command(after_long_help = events::ERASE)]
    Erase(Erase),
    /// Serve a simulated Cloudflare and Google on this machine
    ///
    /// These are AI Gateway, Google's sign-in and `BigQuery`, until Ctrl-C.
    Simulate(Simulate),
    /// Print, run or check the SQL that makes the table and views
    ///
    /// It is for BigQuery, or (--sink sqlite, --sink d1) for SQLite and D1. --apply runs it, and --check checks
    /// the result.
    #[command(after_long_help = sql::HELP)]
    Sql(Sql),
    /// Print the link that opens a view in Looker Studio
    ///
    /// The view in BigQuery is the data source there.
    Looker {
        /// The view
        #[arg(long, value_name = "NAME", default_value = "aig_usage_by_day", value_parser = views())]
        view: String,
    },
    /// Work out what a month of logs or events costs
    Estimate(Estimate),
    /// Show the value of every setting, and where it comes from
    ///
    /// It comes from the environment, a file or its default. A secret is shown as [set]. `aig-logs help settings` says
    /// what each setting means, whatever is set.
    Settings,
    /// Print the help of a command, or of a topic
    ///
    /// `aig-logs help topics` lists the topics.
    Help {
        /// Commands, or one topic; none: all commands
        #[arg(value_name = "COMMAND|TOPIC")]
        words: Vec<String>,
    },
    /// Print the manual page, or write one for each command
    Man {
        /// Folder for the pages of all commands
        ///
        /// Without a folder, the page of `aig-logs` itself is printed.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A time range to copy.
#[derive(Debug, Args)]
pub struct FromTo {
    /// Start of the time range: a date, or how long ago
    ///
    /// A date, 2026-10-01T12:00, yesterday, today, now, or how long ago, such as 7d or 90m: see `aig-logs help
    /// dates`. The cursors do not move.
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    pub from: Option<When>,
    /// End of the time range, itself not copied
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    pub to: Option<When>,
}

/// Whose life to tell.
#[derive(Debug, Args)]
pub struct Explain {
    /// The id of a log or an event
    ///
    /// That of a log is in the response header cf-aig-log-id.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Its gateway [default: all of the settings]
    #[arg(long, value_name = "ID")]
    pub gateway: Option<String>,
}

fn after_help() -> String {
    let more = "Exit codes: 0 done, 1 failed and may pass by itself, 2 somebody must act.";
    format!("{}\n\n{more}\n`aig-logs help topics` lists what else there is to read.", topics::EXAMPLES)
}
