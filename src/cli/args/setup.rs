//! What can be said to `aig-logs setup`.

use clap::Args;

/// After the list of options.
pub const HELP: &str = "\
The token is read from CF_API_TOKEN or .dev.vars, or asked for, and never printed. It needs the permission AI Gateway
Read; Workers KV Storage Edit if the namespaces are to be made; and Account Settings Read, or --account.
The settings that flags stand for are CF_ACCOUNT_ID, AIG_GATEWAY_ID, GCP_BQ_PROJECT, GCP_BQ_DATASET and GCP_BQ_TABLE.
What is made at Google is made as whoever `gcloud auth login` has logged in, or with GOOGLE_OAUTH_ACCESS_TOKEN.

Exit codes: 0 all is there, 1 failed and may pass by itself, 2 something is left for you to do: the lines with ! say what.";

/// What is to be set up, as far as it is known.
#[derive(Debug, Args)]
pub struct Setup {
    /// Ask nothing, and write without being told to: for scripts
    #[arg(long)]
    pub yes: bool,
    /// Cloudflare account id [default: the setting, or the one that the token can see]
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// Gateway ids, or * for all of the account [default: the setting, or the only one, or *]
    #[arg(long, value_name = "ID,…|*")]
    pub gateways: Option<String>,
    /// Google Cloud project id [default: the setting, or the one of gcloud]
    #[arg(long, value_name = "ID")]
    pub project: Option<String>,
    /// BigQuery dataset [default: the setting, or `ai_gateway`]
    #[arg(long, value_name = "ID")]
    pub dataset: Option<String>,
    /// The raw table [default: the setting, or `aig_logs_raw`]
    #[arg(long, value_name = "ID")]
    pub table: Option<String>,
    /// Where a new dataset is to lie, such as EU or europe-west3; it cannot be moved later [default: US]
    #[arg(long, value_name = "LOCATION")]
    pub location: Option<String>,
    /// Give the service account the role BigQuery Data Editor on its two tables, in place of a custom role
    #[arg(long)]
    pub data_editor: bool,
    /// Make a service account also where an emulator stands in for BigQuery
    #[arg(long)]
    pub service_account: bool,
}
