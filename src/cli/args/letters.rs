//! What can be said of dead letters.

use clap::Subcommand;

use crate::cli::vars::help;

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum LettersAction {
    /// List the keys under which they are kept
    List,
    /// Print them with their reasons, one JSON object a line
    Show {
        /// The key; none: all
        key: Option<String>,
    },
    /// Write the rows again. A key is deleted when the sink has all its rows
    #[command(after_help = help::table())]
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
