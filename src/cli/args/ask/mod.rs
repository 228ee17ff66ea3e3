//! What can be asked of events and logs.

mod condition;
mod credential;

use std::path::PathBuf;

use clap::Args;

pub use self::{condition::Condition, credential::Credential};
use crate::cli::args::{
    values::{condition, credential, when},
    when::When,
};

/// How questions are asked.
pub const ASK: &str = "\
Examples:
  aig-logs ask --by model --since 7d cost count p95
  aig-logs ask --step day --since 30d count errorRate users
  aig-logs ask --by team --where success=false count

METRIC is count, errors, errorRate, users, sessions, avg, max, p50, p95, p99,
quantity, cost, tokensIn, tokensOut, tokensCached, cached or unpriced.
FIELD is name, subject, user, session, organization, sku, unit, status, source,
success, provider, model or gateway. Any other name is a key of the metadata:
team is metadata.team.

With a step, each group and metric has a line of marks: the highest mark is its
largest number. The data are AI Gateway's logs if a field or a metric is theirs
alone (provider, model, gateway, tokensIn, tokensOut, …), and otherwise events
and logs together.";

/// What a template is.
pub const QUERY: &str = "\
Examples:
  aig-logs query                                 list the templates
  aig-logs query brute-force start=-24h more=5   one of them
  aig-logs query brute-force --fail-if 'failures > 10'
                                                 exit code 2 if it holds
  aig-logs query my-question.sql                 a file of your own
  aig-logs query --queries ./mine my-question    the same file in a folder

docs/query.md says how to write a file.";

/// A question.
#[derive(Debug, Args)]
pub struct Ask {
    /// What to compute [default: count errors errorRate avg p95]
    #[arg(value_name = "METRIC")]
    pub metrics: Vec<String>,
    /// Fields by which rows are grouped
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    pub by: Vec<String>,
    /// Divide the time
    #[arg(long, value_name = "STEP", value_parser = ["minute", "hour", "day", "week", "month"])]
    pub step: Option<String>,
    /// The first instant: a date, or how long ago
    ///
    /// A date, 2026-11-01T12:00, yesterday, today, now, or how long ago, such as 24h or 90m: see `aig-logs help
    /// dates`.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = when, allow_hyphen_values = true)]
    pub since: When,
    /// The instant after the last
    #[arg(long, value_name = "TIME", default_value = "now", value_parser = when, allow_hyphen_values = true)]
    pub until: When,
    /// Only rows with this value
    ///
    /// Also FIELD!=VALUE, or FIELD~PART for a part of it. It may be given more than once.
    #[arg(long = "where", value_name = "FIELD=VALUE")]
    pub conditions: Vec<String>,
    /// Time zone of the steps, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub tz: String,
    /// Which rows
    ///
    /// Those of events, of AI Gateway's logs, or of both.
    #[arg(long, value_name = "DATA", value_parser = ["events", "logs", "all"])]
    pub dataset: Option<String>,
    #[command(flatten)]
    pub asked: Asked,
}

/// A named question.
#[derive(Debug, Args)]
pub struct Query {
    /// Template, file, or -; none: list the templates
    ///
    /// - is the standard input.
    #[arg(value_name = "NAME|FILE|-")]
    pub name: Option<String>,
    /// Parameters of the template
    #[arg(value_name = "PARAMETER=VALUE")]
    pub parameters: Vec<String>,
    /// Folder with templates of your own
    ///
    /// NAME is the file NAME.sql there.
    #[arg(long, value_name = "DIR")]
    pub queries: Option<PathBuf>,
    /// End with exit code 2 if this holds for any row
    ///
    /// Such as "failures > 10"; "rows > 0" is about the number of rows.
    #[arg(long, value_name = "CONDITION", requires = "name", value_parser = condition)]
    pub fail_if: Option<Condition>,
    #[command(flatten)]
    pub asked: Asked,
}

/// Where a question is asked, and how the answer looks.
#[derive(Debug, Args)]
pub struct Asked {
    #[command(flatten)]
    pub place: Place,
    /// The most rows of the answer
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub limit: u64,
    /// Print the answer as CSV
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// Where a question is asked, and of whose rows.
#[derive(Debug, Args)]
pub struct Place {
    /// SQLite file [default: aig-logs.sqlite]
    ///
    /// With --sink d1 or bigquery the database there is asked.
    #[arg(long, value_name = "PATH")]
    pub db: Option<PathBuf>,
    /// Whose credential reads BigQuery [default: gcloud]
    ///
    /// gcloud is you, adc the application default credentials, and FILE the key file of a service account.
    #[arg(long, value_name = "CREDENTIAL", value_parser = credential)]
    pub reader: Option<Credential>,
    /// Only the rows of this org [default: all orgs]
    #[arg(long, value_name = "ORG")]
    pub org: Option<String>,
}
