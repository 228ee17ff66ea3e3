//! What to prove, and against which table.

use clap::Args;

use crate::cli::args::{
    ask::Credential,
    values::{credential, when},
    when::When,
};

/// How logs are proven.
pub const HELP: &str = "\
verify counts each hour or day at the source. It compares the count with the
table, or with the state if the program cannot read the table. If they differ,
verify reads the logs of that hour or day again, and looks up each of them.

A SQLite table is always asked. The poller's key cannot read BigQuery, so a
table there is asked only with --reader, which names a credential of yours.
verify keeps and prints neither key nor token.

gcloud      you: GOOGLE_OAUTH_ACCESS_TOKEN if it is set, else `gcloud auth
            print-access-token`
adc         application default credentials: the file of
            GOOGLE_APPLICATION_CREDENTIALS, else `gcloud auth
            application-default print-access-token`
FILE        a service account's key file in JSON. Its token can read, but
            change nothing

The credential needs bigquery.jobs.create on the project (role BigQuery Job
User) and bigquery.tables.getData on the table (role BigQuery Data Viewer).
Each hour or day takes a query or two, which read three columns of one day. A
query that would read more than 10 GiB is refused.

proven      every log of the source is in the table, or is a dead letter
delivered   every log of the source is delivered by the state's count; the
            table was not checked
repaired    every log is delivered; verify has just written the missing logs
over        every log of the source is delivered, and more: logs were deleted
            at the source
unprovable  every log that the source shows is delivered, but the source's
            count cannot be true; or some logs are not among the kept ids,
            which expire after DEDUP_TTL_DAYS
short       logs are missing

Exit codes: 0 nothing is missing, 1 failed and may pass by itself, 2 something is missing or cannot be known:
the message says what to do.
`aig-logs help settings` lists every setting.";

/// What to prove.
#[derive(Debug, Args)]
pub struct Verify {
    /// Start of the time range [default: a day before the end]
    ///
    /// A date, 2026-10-01T12:00, yesterday, today, now, or how long ago, such as 7d or 90m: see `aig-logs help
    /// dates`.
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    pub from: Option<When>,
    /// End of the time range, itself not checked
    ///
    /// [default: the instant that the forward pass has reached]
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    pub to: Option<When>,
    /// Write the missing logs
    ///
    /// Without this option verify writes nothing.
    #[arg(long)]
    pub repair: bool,
    /// Ask the table in BigQuery with this credential
    ///
    /// gcloud, adc, or the key file of a service account. It may read the table.
    #[arg(long, value_name = "CREDENTIAL", value_parser = credential)]
    pub reader: Option<Credential>,
}
