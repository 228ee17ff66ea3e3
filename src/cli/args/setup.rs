//! The arguments of `aig-logs setup`.

use clap::Args;

use crate::cli::args::values::stage;

/// After the list of options.
pub const HELP: &str = "\
setup reads the token from CF_API_TOKEN or .dev.vars, or asks for it, and never
prints it. The token needs the permission AI Gateway Read. To make the
namespaces it also needs Workers KV Storage Edit. To find the account it also
needs Account Settings Read, or you give --account. --events and --no-google
need D1 Edit, and --queue needs Queues Edit. --account, --gateways, --project,
--dataset and --table stand for the settings CF_ACCOUNT_ID, AIG_GATEWAY_ID,
GCP_BQ_PROJECT, GCP_BQ_DATASET and GCP_BQ_TABLE. At Google, setup acts as the
account of `gcloud auth login`, or with the token in GOOGLE_OAUTH_ACCESS_TOKEN.

Exit codes: 0 all is there, 1 failed and may pass by itself, 2 some steps are
left for you: see the lines with !.";

/// What is to be set up, as far as it is known.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Setup {
    /// Ask nothing: for scripts
    ///
    /// It writes without confirmation.
    #[arg(long)]
    pub yes: bool,
    /// Cloudflare account id
    ///
    /// [default: the setting, or the one that the token can see]
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// Gateway ids, or * for all of the account
    ///
    /// [default: the setting, or the only one, or *]
    #[arg(long, value_name = "ID,…|*")]
    pub gateways: Option<String>,
    /// Google Cloud project id
    ///
    /// [default: the setting, or the one of gcloud]
    #[arg(long, value_name = "ID")]
    pub project: Option<String>,
    /// BigQuery dataset
    ///
    /// [default: the setting, or `ai_gateway`]
    #[arg(long, value_name = "ID")]
    pub dataset: Option<String>,
    /// The raw table
    ///
    /// [default: the setting, or `aig_logs_raw`]
    #[arg(long, value_name = "ID")]
    pub table: Option<String>,
    /// Set up the Worker that takes events
    ///
    /// It makes its D1 database, tables, and the key that makes keys.
    #[arg(long)]
    pub events: bool,
    /// With --events: a queue in front of the database
    ///
    /// It takes more events at once.
    #[arg(long, requires = "events")]
    pub queue: bool,
    /// Set up the poller without Google
    ///
    /// It writes into the same D1 database (SINKS = "d1").
    #[arg(long, conflicts_with_all = ["project", "dataset", "table", "location", "data_editor", "service_account"])]
    pub no_google: bool,
    /// With --events: another deployment beside the first
    ///
    /// Such as staging. It has a database and a namespace of its own.
    #[arg(long, value_name = "NAME", requires = "events", conflicts_with = "no_google", value_parser = stage)]
    pub env: Option<String>,
    /// Location of a new dataset, such as EU [default: US]
    ///
    /// Or a region such as europe-west3. A dataset cannot be moved later.
    #[arg(long, value_name = "LOCATION")]
    pub location: Option<String>,
    /// Use the role BigQuery Data Editor, no custom role
    ///
    /// The service account gets it on its two tables.
    #[arg(long)]
    pub data_editor: bool,
    /// Make a service account for an emulator, too
    ///
    /// Without this option it makes none if a BigQuery emulator is set.
    #[arg(long)]
    pub service_account: bool,
}
