//! The table of settings.

/// When a setting is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Always.
    Always,
    /// If rows go to BigQuery. One of the two forms of a key is enough.
    BigQuery,
    /// Never: it has a default, or is optional.
    Never,
}

/// The programs that read a setting. The command reads all settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The Worker that copies logs.
    Poller,
    /// The Worker that receives events.
    Events,
    /// Both Workers.
    Both,
    /// Only the command.
    Command,
}

impl Program {
    /// Whether a setting for this program is also for another one.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self == other || self == Self::Both && other != Self::Command
    }
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name in the environment, in `.dev.vars` and in `wrangler.toml`.
    pub name: &'static str,
    /// Its value if none is given.
    pub default: Option<&'static str>,
    /// Whether it is a secret, which is never printed.
    pub secret: bool,
    /// When it is required.
    pub need: Need,
    /// Who reads it.
    pub program: Program,
    /// Its meaning, in one line. Empty in a Worker.
    pub meaning: &'static str,
}

/// The Workers show no help: without these texts they are 2 KB smaller.
const fn shown(meaning: &'static str) -> &'static str {
    if cfg!(target_arch = "wasm32") { "" } else { meaning }
}

const fn needed(name: &'static str, need: Need, meaning: &'static str) -> Setting {
    Setting { name, default: None, secret: false, need, program: Program::Poller, meaning: shown(meaning) }
}

const fn secret(name: &'static str, need: Need, meaning: &'static str) -> Setting {
    Setting { name, default: None, secret: true, need, program: Program::Poller, meaning: shown(meaning) }
}

const fn with_default(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting {
        name,
        default: Some(default),
        secret: false,
        need: Need::Never,
        program: Program::Poller,
        meaning: shown(meaning),
    }
}

const fn of_command(setting: Setting) -> Setting {
    Setting { program: Program::Command, ..setting }
}

const fn of_both(setting: Setting) -> Setting {
    Setting { program: Program::Both, ..setting }
}

const fn of_events(setting: Setting) -> Setting {
    Setting { program: Program::Events, ..setting }
}

/// Every setting, in the order in which people meet them.
pub const SETTINGS: &[Setting] = &[
    secret("CF_API_TOKEN", Need::Always, "Cloudflare API token with the permission AI Gateway Read"),
    needed("CF_ACCOUNT_ID", Need::Always, "Cloudflare account id, 32 characters, as in the dashboard's address"),
    needed("AIG_GATEWAY_ID", Need::Always, "gateway ids, separated by commas, or * for all of the account"),
    with_default("SINKS", "bigquery", "where the Worker writes rows: bigquery, d1, or both, separated by a comma"),
    secret("GCP_SA_KEY_JSON", Need::BigQuery, "the service account's whole JSON key file"),
    needed("GCP_SA_EMAIL", Need::BigQuery, "service account's e-mail, if GCP_SA_KEY_JSON is not given"),
    secret("GCP_SA_PRIVATE_KEY_PEM", Need::BigQuery, "service account's private key, if GCP_SA_KEY_JSON is not given"),
    needed("GCP_BQ_PROJECT", Need::BigQuery, "Google Cloud project id; default: the project in GCP_SA_KEY_JSON"),
    needed("GCP_BQ_DATASET", Need::BigQuery, "BigQuery dataset id"),
    with_default("GCP_BQ_TABLE", "aig_logs_raw", "BigQuery table id of the raw table"),
    needed(
        "GCP_TOKEN_URI",
        Need::Never,
        "address where Google issues tokens; default: as in GCP_SA_KEY_JSON, or Google's own",
    ),
    with_default("FORWARD_MAX_PAGES", "20", "pages of one forward pass for each gateway, or auto; aig-logs: auto"),
    with_default("BACKFILL_MAX_PAGES", "40", "pages of one backfill pass for each gateway, or auto; aig-logs: auto"),
    with_default("LOGS_PER_PAGE", "50", "entries asked for with each page, at most 50"),
    with_default("SETTLE_SECONDS", "30", "how far behind now a forward pass stops, so that entries can still appear"),
    with_default("API_SHARE", "0.8", "share of the API's rate limit that a pass may use"),
    with_default("DEDUP_TTL_DAYS", "45", "days for which written ids and dead letters are kept"),
    with_default(
        "RECORD_RUNS",
        "true",
        "whether passes write what they did into aig_runs, and what they proved into aig_ledger: true or false",
    ),
    secret(
        "ALERT_WEBHOOK",
        Need::Never,
        "address that is told of budgets and failures: Slack, Discord, Teams, or any other",
    ),
    needed("BUDGET_DAY_USD", Need::Never, "USD a day, UTC, of all gateways: ALERT_WEBHOOK is told at 50, 80 and 100 %"),
    needed("BUDGET_MONTH_USD", Need::Never, "the same for a month"),
    needed(
        "BUDGETS",
        Need::Never,
        "budgets by metadata, separated by commas, such as team=search:50/day,user_id=*:20/month",
    ),
    needed(
        "DIGEST",
        Need::Never,
        "when ALERT_WEBHOOK gets the sum of a week, such as mon 08:00 Europe/Berlin, or mon 08:00 Europe/Berlin by user_id",
    ),
    of_both(needed(
        "DROP_METADATA",
        Need::Never,
        "metadata keys, separated by commas, that are removed before a row is made",
    )),
    of_both(needed(
        "HASH_METADATA",
        Need::Never,
        "metadata keys, separated by commas, whose values are replaced by a keyed hash",
    )),
    of_both(secret("HASH_KEY", Need::Never, "key of the hashes, 16 characters or more; required with HASH_METADATA")),
    of_both(with_default("LOG_LEVEL", "info", "error, warn, info, debug or off")),
    with_default("BACKFILL_CRON", "0 * * * *", "the cron schedule of the backfill, UTC"),
    with_default("CLOUDFLARE_BASE_URL", "https://api.cloudflare.com/client/v4", "base address of Cloudflare's API"),
    needed("BIGQUERY_EMULATOR_HOST", Need::Never, "address of a BigQuery emulator to use instead of BigQuery"),
    of_events(secret(
        "EVENTS_ADMIN_KEY",
        Need::Never,
        "key of the events API for all orgs and scopes, 20 characters or more",
    )),
    of_events(with_default(
        "EVENTS_ENABLED",
        "true",
        "whether events are taken, or dropped with the answer 204: true or false",
    )),
    of_events(with_default(
        "EVENT_RETENTION_DAYS",
        "90",
        "days for which events are kept; older ones are refused, and deleted",
    )),
    of_events(with_default("ROLLUP_RETENTION_DAYS", "760", "days for which counts of closed hours are kept")),
    of_events(with_default("EVENTS_RATE", "1000", "requests a minute and key of the events API; 0: no limit")),
    of_events(needed(
        "EVENTS_NAMES",
        Need::Never,
        "names of events, separated by commas, that are taken; * stands for any text",
    )),
    of_events(needed(
        "EVENTS_REQUIRED",
        Need::Never,
        "columns, separated by commas, that each event must fill, such as user_id",
    )),
    of_events(with_default(
        "EVENTS_TRUNCATE_IP",
        "false",
        "whether IP addresses in events lose their last part: true or false",
    )),
    of_events(with_default(
        "EVENTS_ACCESS_LOG",
        "false",
        "whether each request but those that send events becomes an event api.access: true or false",
    )),
    of_command(secret("AIG_EVENTS_KEY", Need::Never, "key of the events API with which aig-logs sends events")),
    of_command(needed(
        "METADATA_COLUMNS",
        Need::Never,
        "metadata keys, separated by commas, that the views show as columns: key, or key:int64, :float64, :bool",
    )),
    of_events(with_default(
        "ORG_METADATA",
        "org",
        "metadata key that holds the org of a log, for the view activity and the questions about all orgs",
    )),
    of_command(needed(
        "CF_KV_STATE_ID",
        Need::Never,
        "id of the Worker's STATE_KV, for --state kv; default: as in wrangler.toml",
    )),
    of_command(needed(
        "CF_KV_IDS_ID",
        Need::Never,
        "id of the Worker's IDS_KV, for --state kv; default: as in wrangler.toml",
    )),
    of_command(needed(
        "CF_D1_DATABASE_ID",
        Need::Never,
        "id of the D1 database of --sink d1; default: as in wrangler.toml, EVENTS_DB",
    )),
];

/// The meaning of a setting; empty for an unknown name.
#[must_use]
pub fn meaning(name: &str) -> &'static str {
    SETTINGS.iter().find(|setting| setting.name == name).map_or("", |setting| setting.meaning)
}
