//! What can be done with dead letters and alerts.

use clap::Subcommand;

use crate::cli::vars::help;

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum LettersAction {
    /// List the keys under which they are kept
    List,
    /// Print them with their reasons, as JSON
    ///
    /// One object a line.
    Show {
        /// The key; none: all
        key: Option<String>,
    },
    /// Write the rows again
    ///
    /// A key is deleted when the sink has all its rows.
    #[command(after_long_help = help::table())]
    Replay {
        /// The keys; none: all
        #[arg(value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Discard them
    Discard {
        /// The keys
        #[arg(value_name = "KEY", required_unless_present = "all")]
        keys: Vec<String>,
        /// All of them
        #[arg(long, conflicts_with = "keys")]
        all: bool,
        /// Do not ask first
        #[arg(long)]
        yes: bool,
    },
}

/// What to do with alerts.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum AlertsAction {
    /// List the budgets, and the alerts that are on
    ///
    /// Each budget has what is spent of it.
    #[command(after_long_help = help::table())]
    List,
    /// Send a message to the webhook
    ///
    /// You see whether it arrives.
    #[command(after_long_help = help::table())]
    Test,
}
