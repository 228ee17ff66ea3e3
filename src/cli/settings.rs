//! Where the settings come from: the environment first, then a file in the manner of `.dev.vars`, then the Worker's own.

use std::{collections::BTreeMap, env, fs, path::Path, str::FromStr, time::Duration};

use comfy_table::{ContentArrangement, Table, presets};
use croner::{
    Cron,
    errors::CronError,
    parser::{CronParser, Seconds, Year},
};
use serde::Deserialize;
use serde_json::Value;

use super::{args::Options, failure::Failure, target::Sink};
use crate::{
    config::{Config, ConfigError, Kv, Need, Problem, SETTINGS, Schema, TableName, Target, Warehouse},
    foreign,
    host::Host,
    plan::peak,
};

/// The file that is read where it is there and no other is named.
pub const FILE: &str = ".dev.vars";

/// The Worker's configuration. Its `[vars]` hold here as well, where no other file is named.
pub const WORKER: &str = "wrangler.toml";

/// Width of the table of settings, in characters.
const WIDTH: u16 = 100;

/// Settings by name, as text.
pub struct Vars {
    file: BTreeMap<String, String>,
    pages: Option<String>,
    crons: Option<Vec<String>>,
}

impl Vars {
    /// Reads the file of settings, if there is one.
    pub fn read(options: &Options) -> Result<Self, Failure> {
        let (file, crons) = match &options.vars {
            Some(path) => (parse(path)?, None),
            None => beside_the_worker()?,
        };
        let vars = Self { file, pages: options.pages.clone(), crons };
        // Those, too, that this command has no use for.
        SETTINGS.iter().filter(|setting| setting.secret).filter_map(|setting| vars.get(setting.name)).for_each(
            |secret| {
                foreign::hide(&secret);
            },
        );
        Ok(vars)
    }

    /// The schedules that wake the Worker of this folder; none where there is none, or other settings are named.
    pub fn crons(&self) -> Option<&[String]> {
        self.crons.as_deref()
    }

    /// Whether anything names a table in BigQuery, or who may write to it.
    pub fn names_bigquery(&self) -> bool {
        SETTINGS.iter().any(|setting| {
            setting.need == Need::BigQuery && setting.default.is_none() && self.get(setting.name).is_some()
        })
    }

    /// The settings as a value.
    pub fn config(&self, target: Target) -> Result<Config, Failure> {
        Ok(Config::from_vars(|name| self.get(name), target)?)
    }

    /// The settings of a deployed Worker's KV.
    pub fn kv(&self) -> Result<Kv, Failure> {
        Ok(Kv::from_vars(|name| self.get(name))?)
    }

    /// `SETTLE_SECONDS`, where it can be read.
    pub fn settle(&self) -> Option<Duration> {
        self.value("SETTLE_SECONDS").map(Duration::from_secs)
    }

    /// New entries that forward can read of all gateways in a minute, where the settings can be read.
    pub fn readable(&self) -> Option<u64> {
        let pages = match self.text("FORWARD_MAX_PAGES")?.as_str() {
            "auto" => None,
            number => Some(number.parse().ok()?),
        };
        Some(peak::readable(self.value("LOGS_PER_PAGE")?, self.value("API_SHARE")?, pages))
    }

    /// A setting by itself, or its default: for what must not fail for want of others.
    fn text(&self, name: &str) -> Option<String> {
        let default = SETTINGS.iter().find(|setting| setting.name == name)?.default;
        Some(self.get(name).or_else(|| default.map(str::to_owned))?.trim().to_owned())
    }

    fn value<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// The Worker's table as the settings name it, and what to fill in where they do not.
    pub fn table_or_placeholders(&self) -> String {
        let names = [("GCP_BQ_PROJECT", "PROJECT"), ("GCP_BQ_DATASET", "DATASET"), ("GCP_BQ_TABLE", "aig_logs_raw")];
        names.map(|(name, otherwise)| self.get(name).unwrap_or_else(|| otherwise.to_owned())).join(".")
    }

    /// The name of the table in `BigQuery`, without the rest.
    pub fn table(&self) -> Result<TableName, Failure> {
        Ok(TableName::from_vars(|name| self.get(name))?)
    }

    /// What table and views are called and show, without the rest.
    pub fn schema(&self, target: Target) -> Result<Schema, Failure> {
        Ok(Schema::from_vars(|name| self.get(name), target)?)
    }

    /// The table in `BigQuery`, and the service that has it.
    pub fn warehouse(&self) -> Result<Warehouse, Failure> {
        Ok(Warehouse::from_vars(|name| self.get(name))?)
    }

    /// The text of a setting, unless it is not set or empty.
    pub fn get(&self, name: &str) -> Option<String> {
        let pages = matches!(name, "FORWARD_MAX_PAGES" | "BACKFILL_MAX_PAGES");
        if pages && self.pages.is_some() {
            return self.pages.clone();
        }
        let given = |text: &String| !text.trim().is_empty();
        let environment = env::var(name).ok().filter(given);
        environment.or_else(|| self.file.get(name).cloned().filter(given)).or_else(|| pages.then(|| "auto".to_owned()))
    }

    /// Whether a file sets it, whatever the environment says.
    pub fn is_in_file(&self, name: &str) -> bool {
        self.file.get(name).is_some_and(|text| !text.trim().is_empty())
    }

    /// A key whose outside is right may still hold no key: that shows when it signs.
    pub async fn check_key(&self, host: &impl Host, config: &Config) -> Result<(), Failure> {
        let account = config.bigquery.as_ref().and_then(|table| table.account.as_ref());
        let Some(account) = account else { return Ok(()) };
        let signed = host.sign(&account.key, b"").await;
        signed.map(|_| ()).map_err(|error| {
            let whole_file = self.get("GCP_SA_KEY_JSON").is_some();
            let setting = if whole_file { "GCP_SA_KEY_JSON" } else { "GCP_SA_PRIVATE_KEY_PEM" };
            refused(setting, format!("cannot be used: {error}"))
        })
    }
}

impl From<&Sink> for Target {
    fn from(sink: &Sink) -> Self {
        match sink {
            Sink::BigQuery => Self::BigQuery,
            Sink::Sqlite(_) | Sink::Ndjson(_) => Self::Local,
        }
    }
}

/// The schedule of the backfill, read as Cloudflare reads it: five fields, Sunday is 1.
/// developers.cloudflare.com/workers/configuration/cron-triggers
pub fn schedule(config: &Config) -> Result<Cron, Failure> {
    let text = &config.backfill_cron;
    read_schedule(text).map_err(|error| {
        let rule = "but must be a cron schedule of five fields such as \"0 * * * *\"";
        refused("BACKFILL_CRON", format!("is {text:?}, {rule} ({error})"))
    })
}

/// A schedule as Cloudflare reads it.
pub fn read_schedule(text: &str) -> Result<Cron, CronError> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed);
    parser.alternative_weekdays(true).build().parse(text)
}

fn refused(setting: &'static str, problem: String) -> Failure {
    ConfigError(vec![Problem { setting, problem }]).into()
}

/// What the Worker in this folder has: its variables, and its secrets, which win; and its crons.
#[expect(clippy::type_complexity, reason = "two values of one file")]
fn beside_the_worker() -> Result<(BTreeMap<String, String>, Option<Vec<String>>), Failure> {
    let (mut vars, mut crons) = (BTreeMap::new(), None);
    if Path::new(WORKER).exists() {
        let worker = worker(Path::new(WORKER))?;
        crons = Some(worker.triggers.crons.clone());
        vars = worker.vars();
    }
    if Path::new(FILE).exists() {
        vars.extend(parse(Path::new(FILE))?.into_iter().filter(|(_, value)| !value.trim().is_empty()));
    }
    Ok((vars, crons))
}

/// The Worker's bindings of KV, and the settings that hold the ids of their namespaces.
pub const NAMESPACES: [(&str, &str); 2] = [("STATE_KV", "CF_KV_STATE_ID"), ("IDS_KV", "CF_KV_IDS_ID")];

/// What matters here of a `wrangler.toml`.
#[derive(Deserialize)]
struct Worker {
    #[serde(default)]
    vars: BTreeMap<String, Value>,
    #[serde(default)]
    kv_namespaces: Vec<Namespace>,
    #[serde(default)]
    triggers: Triggers,
}

#[derive(Deserialize)]
struct Namespace {
    binding: String,
    #[serde(default)]
    id: String,
}

#[derive(Deserialize, Default)]
struct Triggers {
    #[serde(default)]
    crons: Vec<String>,
}

impl Worker {
    /// Its `[vars]`, and the ids of its namespaces. What is no text in `[vars]` is read as its JSON.
    fn vars(self) -> BTreeMap<String, String> {
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let ids = self.kv_namespaces.into_iter().filter_map(|Namespace { binding, id }| {
            let (_, name) = NAMESPACES.iter().find(|(known, _)| *known == binding)?;
            // A placeholder is no id.
            let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_id.then(|| ((*name).to_owned(), id))
        });
        let vars = self.vars.into_iter().map(|(name, value)| (name, text(value)));
        ids.chain(vars).collect()
    }
}

fn worker(path: &Path) -> Result<Worker, Failure> {
    let action = || format!("reading the settings in {}", path.display());
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::denied(action(), error, "Make it readable, or name another file with --vars"))?;
    // Its own words would quote a line, which may hold a secret that does not belong there.
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        Failure::denied(
            action(),
            format!("line {line} cannot be understood"),
            "wrangler itself says more: npx wrangler deploy --dry-run",
        )
    })
}

/// The parser's own words would quote a line, and with it a secret: the last good name says where it failed.
fn parse(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let action = || format!("reading the settings in {}", path.display());
    let lines = dotenvy::from_path_iter(path)
        .map_err(|error| Failure::denied(action(), error, "Name another file with --vars"))?;
    let mut vars = BTreeMap::new();
    let mut place = "in the first line".to_owned();
    for line in lines {
        let (name, value) = line.map_err(|_| {
            let hint = "One NAME=value a line; put a value with spaces, quotes or # in single quotes";
            Failure::denied(action(), format!("it cannot be understood {place}"), hint)
        })?;
        place = format!("after {name}");
        vars.insert(name, value);
    }
    Ok(vars)
}

/// Every setting, for `--help`.
pub fn table() -> String {
    let groups = [
        (Need::Always, "Settings that must be there"),
        (Need::BigQuery, "Settings for --sink bigquery: one of the two ways to give a key is enough"),
        (Need::Never, "Settings that may be there"),
    ];
    let groups = groups.map(|(need, title)| format!("{title}:\n{}", group(need)));
    format!(
        "{}\n\nThey are read from the environment, then from the file of --vars; where none is named, from {FILE} and the \
         [vars] of {WORKER} in this folder. (secret): never printed.",
        groups.join("\n\n")
    )
}

fn group(need: Need) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_width(WIDTH);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    for setting in SETTINGS.iter().filter(|setting| setting.need == need) {
        let secret = if setting.secret { " (secret)" } else { "" };
        let default = setting.default.map_or(String::new(), |default| format!(" [default: {default}]"));
        table.add_row([format!(" {}", setting.name), format!("{}{secret}{default}", setting.meaning)]);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::read_schedule;
    use crate::time;

    #[test]
    fn schedules_are_read_as_cloudflare_reads_them() {
        let next = |schedule: &str, now| {
            let next = read_schedule(schedule).unwrap().find_next_occurrence(&time::parse(now).unwrap(), false);
            time::text(next.unwrap())
        };
        assert_eq!(next("0 * * * *", "2026-11-21T11:00:00Z"), "2026-11-21T12:00:00.000Z");
        assert_eq!(next("*/15 * * * *", "2026-11-21T11:59:59.5Z"), "2026-11-21T12:00:00.000Z");
        // 2026-11-22 is a Sunday, the first day of the week.
        assert_eq!(next("30 4 * * 1", "2026-11-21"), "2026-11-22T04:30:00.000Z");
        for wrong in ["", "hourly", "* * * *", "0 0 * * * *", "61 * * * *"] {
            assert!(read_schedule(wrong).is_err(), "{wrong}");
        }
    }
}
