//! What is to be done with table and views.

use clap::Args;

/// What follows the options in the help.
pub const HELP: &str = "\
For BigQuery, --apply and --check sign in as you: with
GOOGLE_OAUTH_ACCESS_TOKEN if it is set, else with the token of `gcloud auth
print-access-token`. They use GCP_BQ_PROJECT, GCP_BQ_DATASET and GCP_BQ_TABLE.
For D1 (--sink d1) they use CF_ACCOUNT_ID, CF_D1_DATABASE_ID, and CF_API_TOKEN
with the permission D1 Edit.

Exit codes: 0 all is as it must be, 1 failed and may pass by itself, 2
something is missing or different.";

/// What to do with table and views.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Sql {
    /// Print the statements (the default)
    #[arg(long, conflicts_with_all = ["apply", "check"])]
    pub print: bool,
    /// Make what is missing there, and replace the views
    ///
    /// It runs the statements in BigQuery, or (--sink d1) in D1.
    #[arg(long)]
    pub apply: bool,
    /// Say what is missing or different there
    ///
    /// It compares names and types.
    #[arg(long)]
    pub check: bool,
    /// Location of a new dataset, such as EU [default: US]
    ///
    /// Or a region such as europe-west3. A dataset cannot be moved later.
    #[arg(long, value_name = "LOCATION", requires = "apply")]
    pub location: Option<String>,
    /// Print the scheduled query for small tables
    ///
    /// It is for BigQuery. It keeps usage by hour and spend by metadata in tables
    /// that dashboards read for a small part of the price.
    #[arg(long, conflicts_with_all = ["apply", "check"])]
    pub rollups: bool,
    /// Days that each run of that query makes anew
    ///
    /// Logs may still come late or change.
    #[arg(long, value_name = "N", requires = "rollups", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=3_650))]
    pub days: u16,
    /// BigQuery's table of events and its views too
    ///
    /// SQLite and D1 always have theirs.
    #[arg(long)]
    pub events: bool,
}
