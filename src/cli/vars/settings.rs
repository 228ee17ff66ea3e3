//! Where the settings come from: the environment first, then a file in the manner of `.dev.vars`, then the Worker's own.

use std::{
    io::{self, Write},
    str::FromStr,
    time::Duration,
};

use croner::{
    Cron,
    errors::CronError,
    parser::{CronParser, Seconds, Year},
};

use crate::{
    cli::{
        args::Options,
        failure::Failure,
        vars::{
            events_worker::EventsWorker,
            names::environment,
            setting_files::{DATABASE, SettingFiles},
            trust,
        },
    },
    config::{
        Alerts, Config, ConfigError, D1, Destination, EventSettings, Kv, Need, Problem, SETTINGS, Schema, TableName,
        WarehouseSettings,
    },
    foreign,
    host::Host,
    plan::peak,
};

/// The text of a setting.
pub struct Found {
    /// The text itself.
    pub text: String,
    /// The environment, a file, an option, or the default.
    pub from: String,
}

/// Settings by name, as text.
pub struct Vars {
    files: SettingFiles,
    pages: Option<String>,
}

impl Vars {
    /// Reads the files of settings, as far as there are any, and looks whether they can be trusted beside the environment.
    pub fn read(options: &Options) -> Result<Self, Failure> {
        let files = SettingFiles::read(options.vars.as_deref())?;
        let vars = Self { files, pages: options.pages.clone() };
        // Those, too, that this command has no use for.
        let secrets = SETTINGS.iter().filter(|setting| setting.secret);
        secrets.filter_map(|setting| vars.get(setting.name)).for_each(|secret| foreign::hide(&secret));
        let mut problems = vars.files.misspelt();
        problems.extend(trust::unreadable());
        problems.extend(trust::redirected(&vars.files, |secret| environment(secret).is_some()));
        for warning in trust::misspelt_in_environment().chain(vars.files.warnings()) {
            // Nobody can be told that the standard error is gone.
            writeln!(io::stderr(), "aig-logs: {}", foreign::line(&warning)).unwrap_or_default();
        }
        if problems.is_empty() { Ok(vars) } else { Err(ConfigError(problems).into()) }
    }

    /// Refuses to use a secret of no file, such as one that was typed, with an address that a file gives.
    pub fn trust_with(&self, secret: &'static str) -> Result<(), Failure> {
        let problems = trust::redirected(&self.files, |used| used == secret);
        if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems).into()) }
    }

    /// The schedules that wake the Worker of this folder; none where there is none, or other settings are named.
    pub fn crons(&self) -> Option<&[String]> {
        self.files.crons.as_deref()
    }

    /// Whether anything names a table in BigQuery, or who may write to it.
    pub fn names_bigquery(&self) -> bool {
        SETTINGS.iter().any(|setting| {
            setting.need == Need::BigQuery && setting.default.is_none() && self.get(setting.name).is_some()
        })
    }

    /// The settings as a value.
    pub fn config(&self, destinations: &[Destination]) -> Result<Config, Failure> {
        Ok(Config::from_vars(|name| self.get(name), destinations)?)
    }

    /// The same for a task that reads no gateway: which gateways there are need not be set.
    pub fn config_without_gateways(&self, destinations: &[Destination]) -> Result<Config, Failure> {
        let all = |name: &str| (name == "AIG_GATEWAY_ID").then(|| "*".to_owned());
        Ok(Config::from_vars(|name| self.get(name).or_else(|| all(name)), destinations)?)
    }

    /// The settings of whoever receives events.
    pub fn events(&self) -> Result<EventSettings, Failure> {
        Ok(EventSettings::from_vars(|name| self.get(name))?)
    }

    /// The Worker of this folder that receives events; none where there is none, or other settings are named.
    pub fn events_worker(&self) -> Option<&EventsWorker> {
        self.files.events.as_ref()
    }

    /// The settings of that Worker. A secret that only Cloudflare knows cannot be checked, and is taken for good.
    pub fn events_of_worker(&self, worker: &EventsWorker) -> Result<EventSettings, Failure> {
        let secret = |name: &str| SETTINGS.iter().any(|setting| setting.name == name && setting.secret);
        let settings = EventSettings::from_vars(|name| match name {
            "HASH_KEY" => Some(self.get(name).unwrap_or_else(|| "known to the Worker alone".into())),
            name if secret(name) => self.get(name),
            name => worker.var(name),
        });
        Ok(settings?)
    }

    /// The settings of alerts; none where nobody is told.
    pub fn alerts(&self) -> Result<Option<Alerts>, Failure> {
        Ok(Alerts::from_vars(|name| self.get(name))?)
    }

    /// The settings of a deployed Worker's KV.
    pub fn kv(&self) -> Result<Kv, Failure> {
        Ok(Kv::from_vars(|name| self.get(name))?)
    }

    /// The settings of D1, for the database of this id, or else for that of the settings.
    pub fn d1(&self, id: Option<&str>) -> Result<D1, Failure> {
        let id = |name: &str| id.filter(|_| name == DATABASE.1).map(str::to_owned);
        Ok(D1::from_vars(|name| id(name).or_else(|| self.get(name)))?)
    }

    /// The sinks of the Worker in this folder.
    pub fn sinks_of_worker(&self) -> Result<Vec<Destination>, Failure> {
        Ok(Destination::of_worker(|name| self.get(name))?)
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

    /// One setting, or its default. It is for tasks that must not fail because other settings are missing.
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
    pub fn schema(&self, destination: &Destination) -> Result<Schema, Failure> {
        Ok(Schema::from_vars(|name| self.get(name), destination)?)
    }

    /// The table in `BigQuery`, and the service that has it.
    pub fn warehouse(&self) -> Result<WarehouseSettings, Failure> {
        Ok(WarehouseSettings::from_vars(|name| self.get(name))?)
    }

    /// The same of another table than the one of the settings, with the settings that would name it.
    pub fn warehouse_of(&self, name: [(&str, &str); 3]) -> Result<WarehouseSettings, Failure> {
        let part = |setting: &str| name.iter().find(|(part, _)| *part == setting).map(|(_, text)| (*text).to_owned());
        Ok(WarehouseSettings::from_vars(|setting| part(setting).or_else(|| self.get(setting)))?)
    }

    /// The text of a setting, unless it is not set or empty.
    pub fn get(&self, name: &str) -> Option<String> {
        self.found(name).map(|found| found.text)
    }

    /// The same, and where it comes from.
    pub fn found(&self, name: &str) -> Option<Found> {
        let found = |text: String, from: &str| Found { text, from: from.to_owned() };
        let pages = matches!(name, "FORWARD_MAX_PAGES" | "BACKFILL_MAX_PAGES");
        if let Some(number) = self.pages.as_ref().filter(|_| pages) {
            return Some(found(number.clone(), "--pages"));
        }
        let given = environment(name).map(|text| found(text, "environment"));
        let given = given.or_else(|| self.files.found(name).map(|(text, file)| found(text.to_owned(), file)));
        given.or_else(|| pages.then(|| found("auto".to_owned(), "default")))
    }

    /// Whether a file sets it, whatever the environment says.
    pub fn is_in_file(&self, name: &str) -> bool {
        self.files.get(name).is_some()
    }

    /// Checks the key by signing with it: a text in the right form may still hold no key.
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
