//! What can be said of alerts.

use clap::Subcommand;

use crate::cli::vars::help;

/// What to do with alerts.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum AlertsAction {
    /// List the budgets with what is spent of them, and the alerts that are on
    #[command(after_help = help::table())]
    List,
    /// Send a message to the webhook, to see whether it arrives
    #[command(after_help = help::table())]
    Test,
}
