//! What can be said of the events API on this machine.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::{
    Credential, When,
    values::{credential, when},
};

/// How a file of events looks, and what exit codes say.
pub const SEND: &str = "\
A file holds one event a line, a JSON list, an object with a list `events`, or
one event. An event that brings an id must bring its time too. An event without
an id gets one, so sending the file again makes another event of it.

Exit codes: 0 all are taken, 1 failed and may pass by itself, 2 some are
refused, or somebody must act.
`aig-logs help settings` lists every setting.";

/// What becomes of the rows of a user.
pub const ERASE: &str = "\
The rows leave no bytes in the file, nor in the log beside it. A user whose id
HASH_METADATA hashes is found with the same HASH_KEY. A server that runs on the
file keeps running. Dead letters stay: `aig-logs dead-letters` shows and
discards them.

Exit codes: 0 done, also if the user had no row, 1 failed: the same command
goes on, 2 somebody must act.
`aig-logs help settings` lists every setting.";

/// On two lines: clap would not break it.
const SET_USAGE: &str = "\
aig-logs prices set [OPTIONS] --sku <SKU> --unit <UNIT>
                           --since <TIME> --price <USD>";

/// Whom to erase.
#[derive(Debug, Args)]
pub struct Erase {
    /// SQLite file of events and logs
    #[arg(long, value_name = "PATH", default_value = "aig-logs.sqlite")]
    pub db: PathBuf,
    /// The org whose user it is; rows of other orgs stay
    #[arg(long, value_name = "ORG")]
    pub org: String,
    /// The user's id, as events and logs give it
    #[arg(long, value_name = "USER")]
    pub user: String,
    /// The archive of `serve --archive`
    ///
    /// You are told what it still holds.
    #[arg(long, value_name = "DIR")]
    pub archive: Option<PathBuf>,
    /// Do not ask first
    #[arg(long)]
    pub yes: bool,
}

/// A warehouse that answers questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Warehouse {
    /// The views of `GCP_BQ_PROJECT` and `GCP_BQ_DATASET`.
    Bigquery,
}

/// What to serve, and where.
#[derive(Debug, Args)]
pub struct Serve {
    /// SQLite file [default: aig-logs.sqlite]
    ///
    /// It holds events and keys, and is made if it is missing. With --demo it is a temporary file.
    #[arg(long, value_name = "PATH")]
    pub db: Option<PathBuf>,
    /// Address and port to listen on
    ///
    /// Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8790")]
    pub listen: SocketAddr,
    /// Answer /healthz and /metrics at this second address
    ///
    /// /metrics is for Prometheus. Neither needs a key. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics: Option<SocketAddr>,
    /// Folder that keeps events that are too old
    ///
    /// It keeps events older than `EVENT_RETENTION_DAYS`, which are deleted from the file. Without a folder they
    /// are gone.
    #[arg(long, value_name = "DIR")]
    pub archive: Option<PathBuf>,
    /// Copy AI Gateway's logs into the same file, too
    ///
    /// It does what `aig-logs run` does.
    #[arg(long)]
    pub poll: bool,
    /// Let simulated events and logs arrive
    ///
    /// They arrive in a new file. The command prints a key for it.
    #[arg(long, conflicts_with = "poll", group = "shown")]
    pub demo: bool,
    /// Show the page over BigQuery
    ///
    /// Questions are answered from there. There is no file, and nothing is taken or changed.
    #[arg(long, value_name = "bigquery", conflicts_with_all = ["db", "poll", "metrics", "archive"], group = "shown")]
    pub from: Option<Warehouse>,
    /// Whose credential reads BigQuery [default: gcloud]
    ///
    /// gcloud is you, adc the application default credentials, and FILE the key file of a service account.
    #[arg(long, value_name = "CREDENTIAL", value_parser = credential, requires = "from")]
    pub reader: Option<Credential>,
    /// Open no browser: only print the address
    ///
    /// It is for --demo and --from.
    #[arg(long, requires = "shown")]
    pub no_open: bool,
}

/// What to send, and where to.
#[derive(Debug, Args)]
pub struct Send {
    /// File of events; - is the standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Address of the server: `aig-logs serve`, or a Worker
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8790")]
    pub to: String,
    /// Key with the scope ingest [default: `AIG_EVENTS_KEY`]
    ///
    /// Other users of this machine cannot see that variable.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysAction {
    /// Make a key, and print it once
    ///
    /// Only its SHA-256 is kept.
    Create {
        /// SQLite file of events and keys, made if it is missing
        #[arg(long, value_name = "PATH", default_value = "aig-logs.sqlite")]
        db: PathBuf,
        /// The org that it is for; * is all orgs
        ///
        /// Its events are what the key sends and reads.
        #[arg(long, value_name = "ORG")]
        org: String,
        /// What it allows: ingest, query, admin
        #[arg(long, value_name = "SCOPE,…", value_delimiter = ',', required = true)]
        scopes: Vec<String>,
        /// Origin of a page that may use it in a browser
        ///
        /// With its scheme. It may be given more than once.
        #[arg(long = "origin", value_name = "ORIGIN")]
        origins: Vec<String>,
    },
    /// List the keys by their first letters
    List {
        /// SQLite file of events and keys
        #[arg(long, value_name = "PATH", default_value = "aig-logs.sqlite")]
        db: PathBuf,
    },
    /// Revoke a key
    Revoke {
        /// SQLite file of events and keys
        #[arg(long, value_name = "PATH", default_value = "aig-logs.sqlite")]
        db: PathBuf,
        /// Its first letters, as `keys list` shows them
        prefix: String,
    },
}

/// What to do with prices.
#[derive(Debug, Subcommand)]
pub enum PricesAction {
    /// Set the price of a unit from an instant on
    ///
    /// It replaces a price of the same instant.
    #[command(override_usage = SET_USAGE)]
    Set {
        /// SQLite file of events
        #[arg(long, value_name = "PATH", default_value = "aig-logs.sqlite")]
        db: PathBuf,
        /// The org; * is every org that has no price of its own
        #[arg(long, value_name = "ORG", default_value = "*")]
        org: String,
        /// What is sold, as `usage.sku` of events names it
        #[arg(long, value_name = "SKU")]
        sku: String,
        /// The unit, as `usage.unit` of events names it
        #[arg(long, value_name = "UNIT")]
        unit: String,
        /// The first instant at which the price holds
        ///
        /// A date, 2026-11-01T12:00, yesterday, today, now, or how long ago: see `aig-logs help dates`.
        #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
        since: When,
        /// USD for one unit
        #[arg(long, value_name = "USD", allow_negative_numbers = true)]
        price: f64,
    },
    /// List the prices
    List {
        /// SQLite file of events
        #[arg(long, value_name = "PATH", default_value = "aig-logs.sqlite")]
        db: PathBuf,
    },
}

/// What to check.
#[derive(Debug, Default, Args)]
pub struct Doctor {
    /// Check the events half
    ///
    /// Its settings, database, Worker and server.
    #[arg(long)]
    pub events: bool,
    /// SQLite file of events and keys
    ///
    /// [default: D1 if the settings name a database there, else aig-logs.sqlite]
    #[arg(long, value_name = "PATH", requires = "events")]
    pub db: Option<PathBuf>,
    /// Address of a server that gets a test event
    #[arg(long, value_name = "URL", requires = "events")]
    pub to: Option<String>,
    /// Key for it [default: `AIG_EVENTS_KEY`]
    ///
    /// It needs the scope ingest.
    #[arg(long, value_name = "KEY", requires = "to")]
    pub key: Option<String>,
}
