//! The settings of the events half.

use chrono::TimeDelta;

use super::vars::{ConfigError, SettingReader, read};
use crate::{log::privacy::Privacy, secret::Secret};

/// The fewest characters of `EVENTS_ADMIN_KEY`.
const SHORTEST_KEY: usize = 20;

/// The settings of whoever receives events.
#[derive(Debug, Clone)]
pub struct EventSettings {
    /// Whether events are taken. If not, they are answered with 204, and dropped.
    pub enabled: bool,
    /// How old an event may be.
    pub retention: TimeDelta,
    /// How old may be what is counted of closed hours.
    pub rollup_retention: TimeDelta,
    /// Requests a minute and key; none: as many as come.
    pub rate: Option<u32>,
    /// The names that are taken: names, or patterns with `*`. Empty: all.
    pub names: Vec<String>,
    /// The fields that each event must have, by the names of columns.
    pub required: Vec<String>,
    /// Whether the last part of each address (IP) is cut off.
    pub truncate_ip: bool,
    /// Whether each request but those that send events is an event too.
    pub access_log: bool,
    /// The fields that are withheld.
    pub privacy: Privacy,
    /// The metadata key that holds the org of a log.
    pub org_metadata: String,
    /// A key of all orgs and scopes.
    pub admin_key: Option<Secret>,
    /// The lowest level that is logged.
    pub log_level: log::LevelFilter,
}

impl EventSettings {
    /// Reads the settings through `lookup`, which returns the text of a name.
    ///
    /// # Errors
    /// If any setting cannot be read: all of them, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        read(lookup, |vars| Self {
            enabled: vars.truth("EVENTS_ENABLED"),
            retention: vars.days("EVENT_RETENTION_DAYS"),
            rollup_retention: vars.days("ROLLUP_RETENTION_DAYS"),
            rate: u32::try_from(vars.number("EVENTS_RATE", 0, 1_000_000)).ok().filter(|rate| *rate > 0),
            names: vars.list("EVENTS_NAMES"),
            required: vars.required_fields(),
            truncate_ip: vars.truth("EVENTS_TRUNCATE_IP"),
            access_log: vars.truth("EVENTS_ACCESS_LOG"),
            privacy: with_aliases(vars.privacy()),
            org_metadata: vars.text("ORG_METADATA"),
            admin_key: vars.admin_key(),
            log_level: vars.log_level(),
        })
    }
}

/// Fields that become a column of another name. To withhold the column is to withhold these too.
const ALIASES: [(&str, &str); 3] = [("user_id", "userId"), ("user_id", "actor"), ("session_id", "sessionId")];

fn with_aliases(mut privacy: Privacy) -> Privacy {
    for (column, alias) in ALIASES {
        privacy.extend(column, alias);
    }
    privacy
}

impl<L: Fn(&str) -> Option<String>> SettingReader<L> {
    fn list(&self, name: &'static str) -> Vec<String> {
        let text = self.optional(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn required_fields(&mut self) -> Vec<String> {
        /// The columns that an event may lack.
        const FIELDS: [&str; 12] = [
            "user_id",
            "session_id",
            "subject",
            "success",
            "status_code",
            "duration",
            "quantity",
            "unit",
            "sku",
            "cost",
            "error",
            "metadata",
        ];
        let fields = self.list("EVENTS_REQUIRED");
        for field in fields.iter().filter(|field| !FIELDS.contains(&field.as_str())) {
            self.problem("EVENTS_REQUIRED", format!("names {field:?}, but must name some of {}", FIELDS.join(", ")));
        }
        fields
    }

    fn admin_key(&mut self) -> Option<Secret> {
        let key = self.optional("EVENTS_ADMIN_KEY")?;
        if key.chars().count() < SHORTEST_KEY {
            let way_out = "`openssl rand -hex 32` makes a good one";
            self.problem("EVENTS_ADMIN_KEY", format!("is shorter than {SHORTEST_KEY} characters: {way_out}"));
        }
        Some(Secret::new(key))
    }
}
