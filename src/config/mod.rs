//! The settings. One table drives parsing, `.dev.vars.example`, docs/settings.md and `--help`. Text becomes a type only
//! here, once, and all problems are reported together.

mod alerts;
mod bigquery;
mod cloudflare;
mod destination;
mod events;
mod metadata;
mod service_account;
mod settings;
mod vars;

use std::time::Duration;

use chrono::TimeDelta;

use self::vars::{SettingReader, read};
pub use self::{
    alerts::{Alerts, Budget, Digest, NANOS, Period, Scope},
    bigquery::{BigQuery, Schema, TableName, WarehouseSettings},
    cloudflare::{AiGateway, D1, Gateways, Kv, is_gateway_id},
    destination::Destination,
    events::EventSettings,
    service_account::ServiceAccount,
    settings::{Need, Program, SETTINGS, Setting},
    vars::{ConfigError, Problem},
};
use crate::log::{metadata::MetadataKeys, privacy::Privacy};

/// The settings of a pass.
#[derive(Debug, Clone)]
pub struct Config {
    /// The source of the logs.
    pub source: AiGateway,
    /// The table in BigQuery; none if no rows go there.
    pub bigquery: Option<BigQuery>,
    /// The database in D1 over the REST API; none if no rows go there.
    pub d1: Option<D1>,
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
    /// Whether the sink gets a line for each pass that has something to tell.
    pub record_runs: bool,
    /// The lowest level that is logged.
    pub log_level: log::LevelFilter,
    /// The cron schedule of the backfill.
    pub backfill_cron: String,
    /// The parts of each log's metadata that are withheld.
    pub privacy: Privacy,
    /// Who is told what somebody must know; none: nobody.
    pub alerts: Option<Alerts>,
    /// The keys of the metadata that the views of a SQLite file know. A pass makes no views elsewhere.
    pub metadata: MetadataKeys,
    /// How old may be what is counted of closed hours in a SQLite file.
    pub rollup_retention: TimeDelta,
}

impl Config {
    /// Reads the settings through `lookup`, which returns the text of a name. The destinations decide which settings
    /// are required.
    ///
    /// # Errors
    /// If any setting is missing or cannot be read: all of them, together.
    pub fn from_vars(
        lookup: impl Fn(&str) -> Option<String>,
        destinations: &[Destination],
    ) -> Result<Self, ConfigError> {
        let elsewhere = destinations.iter().any(|destination| !destination.is_bigquery());
        read(lookup, |vars| {
            let config = Self::to_bigquery(vars, destinations);
            Self {
                d1: destinations.iter().any(Destination::is_d1).then(|| vars.d1()),
                metadata: if elsewhere { vars.metadata_keys_of_views() } else { config.metadata },
                rollup_retention: vars.days("ROLLUP_RETENTION_DAYS"),
                ..config
            }
        })
    }

    /// Reads the settings of the Worker, and its sinks. It makes no views, and its database is bound to it, without settings.
    ///
    /// # Errors
    /// The same.
    pub fn of_worker(lookup: impl Fn(&str) -> Option<String>) -> Result<(Self, Vec<Destination>), ConfigError> {
        read(lookup, |vars| {
            let sinks = vars.sinks();
            (Self::to_bigquery(vars, &sinks), sinks)
        })
    }

    /// What every program reads.
    fn to_bigquery<L: Fn(&str) -> Option<String>>(vars: &mut SettingReader<L>, destinations: &[Destination]) -> Self {
        Self {
            source: vars.ai_gateway(),
            bigquery: destinations.iter().any(Destination::is_bigquery).then(|| vars.bigquery()),
            d1: None,
            settle: Duration::from_secs(vars.number("SETTLE_SECONDS", 0, 3_600)),
            api_share: vars.share("API_SHARE"),
            forward_pages: vars.pages("FORWARD_MAX_PAGES"),
            backfill_pages: vars.pages("BACKFILL_MAX_PAGES"),
            ids_ttl: Duration::from_secs(vars.number("DEDUP_TTL_DAYS", 1, 3_650) * 24 * 60 * 60),
            record_runs: vars.truth("RECORD_RUNS"),
            log_level: vars.log_level(),
            backfill_cron: vars.cron("BACKFILL_CRON"),
            privacy: vars.privacy(),
            alerts: vars.alerts(),
            metadata: MetadataKeys::default(),
            rollup_retention: TimeDelta::MAX,
        }
    }
}

#[cfg(test)]
mod tests;
