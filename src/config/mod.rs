//! The settings: one table drives parsing, `.dev.vars.example`, docs/settings.md and `--help`. Text becomes a type once, here,
//! and all problems are reported together.

mod bigquery;
mod destination;
mod metadata;
mod settings;
mod vars;

use std::{fmt, time::Duration};

use thiserror::Error;

use self::vars::Vars;
pub use self::{
    bigquery::{BigQuery, Schema, ServiceAccount, TableName, Warehouse},
    destination::Destination,
    settings::{Need, SETTINGS, Setting},
};
use crate::{
    foreign,
    host::Request,
    log::{metadata::MetadataColumn, privacy::Privacy},
};

/// Text that never prints, and that is masked wherever foreign words hold a part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        foreign::hide(&text);
        Self(text)
    }

    /// The text itself, to be sent and nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Puts the secret on a request as its bearer token, marked so that no `Debug` output shows it.
    pub fn authorize(&self, request: &mut Request) {
        if let Ok(mut value) = http::HeaderValue::try_from(format!("Bearer {}", self.0)) {
            value.set_sensitive(true);
            request.headers_mut().insert(http::header::AUTHORIZATION, value);
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Everything a pass needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where logs come from.
    pub source: AiGateway,
    /// Where rows go when they go to BigQuery.
    pub bigquery: Option<BigQuery>,
    /// How far behind now the forward pass stops.
    pub settle: Duration,
    /// Share of the API's rate limit that a pass may use, above 0 and up to 1.
    pub api_share: f64,
    /// Pages of one forward pass for each gateway; none: all that the budgets allow.
    pub forward_pages: Option<u32>,
    /// Pages of one backfill pass for each gateway; none: all that the budgets allow.
    pub backfill_pages: Option<u32>,
    /// How long written ids and dead letters are kept.
    pub ids_ttl: Duration,
    /// Whether each pass that has something to tell is recorded in the sink.
    pub record_runs: bool,
    /// What is logged.
    pub log_level: log::LevelFilter,
    /// The cron that means backfill.
    pub backfill_cron: String,
    /// What is withheld of each log's metadata.
    pub privacy: Privacy,
    /// What the views of a SQLite file show of the metadata. Views in BigQuery are not made by passes.
    pub metadata_columns: Vec<MetadataColumn>,
}

/// Reads settings, or tells all their problems together.
fn read<L: Fn(&str) -> Option<String>, T>(lookup: L, read: impl FnOnce(&mut Vars<L>) -> T) -> Result<T, ConfigError> {
    let mut vars = Vars { lookup, problems: Vec::new() };
    let value = read(&mut vars);
    if vars.problems.is_empty() { Ok(value) } else { Err(ConfigError(vars.problems)) }
}

/// Where logs come from.
#[derive(Debug, Clone)]
pub struct AiGateway {
    /// Base address of the API, without a slash at its end.
    pub base: String,
    /// Account id.
    pub account: String,
    /// API token.
    pub token: Secret,
    /// Which gateways.
    pub gateways: Gateways,
    /// Entries asked for with each page, 1 to 50.
    pub per_page: u32,
}

impl AiGateway {
    /// Reads the settings through `lookup`, which gives the text of a name.
    ///
    /// # Errors
    /// Every setting that is missing or cannot be read, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        read(lookup, Vars::source)
    }
}

/// The KV of a deployed Worker, as Cloudflare's API shows it.
#[derive(Debug, Clone)]
pub struct Kv {
    /// Base address of the API, without a slash at its end.
    pub base: String,
    /// Account id.
    pub account: String,
    /// API token.
    pub token: Secret,
    /// Id of the namespace `STATE_KV`.
    pub state: String,
    /// Id of the namespace `IDS_KV`.
    pub ids: String,
}

impl Kv {
    /// Reads the settings through `lookup`, which gives the text of a name.
    ///
    /// # Errors
    /// Every setting that is missing or cannot be read, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        read(lookup, Vars::kv)
    }
}

/// Which gateways are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gateways {
    /// `*`: all of the account.
    All,
    /// These, in the order given.
    Named(Vec<String>),
}

/// Whether a gateway can be called so, as the API's own reference has it. A colon would also break the keys under which state
/// is kept, and dots an address.
#[must_use]
pub fn is_gateway_id(id: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    (1..=64).contains(&id.len()) && id.chars().all(known)
}

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its name.
    pub setting: &'static str,
    /// What is wrong, and the way out.
    pub problem: String,
}

/// Every setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", lines(.0))]
pub struct ConfigError(pub Vec<Problem>);

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(|Problem { setting, problem }| format!("{setting} {problem}")).collect();
    lines.join("\n")
}

impl Config {
    /// Reads the settings through `lookup`, which gives the text of a name. Which must be there depends on where rows go.
    ///
    /// # Errors
    /// Every setting that is missing or cannot be read, together.
    pub fn from_vars(
        lookup: impl Fn(&str) -> Option<String>,
        destinations: &[Destination],
    ) -> Result<Self, ConfigError> {
        let to_bigquery = destinations.iter().any(Destination::is_bigquery);
        let elsewhere = destinations.iter().any(|destination| !destination.is_bigquery());
        read(lookup, |vars| Self {
            source: vars.source(),
            bigquery: to_bigquery.then(|| vars.bigquery()),
            settle: Duration::from_secs(vars.number("SETTLE_SECONDS", 0, 3_600)),
            api_share: vars.share("API_SHARE"),
            forward_pages: vars.pages("FORWARD_MAX_PAGES"),
            backfill_pages: vars.pages("BACKFILL_MAX_PAGES"),
            ids_ttl: Duration::from_secs(vars.number("DEDUP_TTL_DAYS", 1, 3_650) * 24 * 60 * 60),
            record_runs: vars.truth("RECORD_RUNS"),
            log_level: vars.log_level(),
            backfill_cron: vars.cron("BACKFILL_CRON"),
            privacy: vars.privacy(),
            metadata_columns: if elsewhere { vars.metadata_columns() } else { Vec::new() },
        })
    }
}

#[cfg(test)]
mod tests;
