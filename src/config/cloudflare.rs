//! The settings of Cloudflare: the gateways whose logs are read, and the KV of a deployed Worker.

use super::{
    settings,
    vars::{ConfigError, SettingReader, read},
};
use crate::secret::Secret;

/// The source of the logs.
#[derive(Debug, Clone)]
pub struct AiGateway {
    /// Base address of the API, without a slash at its end.
    pub base: String,
    /// Account id.
    pub account: String,
    /// API token.
    pub token: Secret,
    /// The gateways to read.
    pub gateways: Gateways,
    /// Entries asked for with each page, 1 to 50.
    pub per_page: u32,
}

impl AiGateway {
    /// Reads the settings through `lookup`, which returns the text of a name.
    ///
    /// # Errors
    /// If any setting is missing or cannot be read: all of them, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        read(lookup, SettingReader::ai_gateway)
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
    /// Reads the settings through `lookup`, which returns the text of a name.
    ///
    /// # Errors
    /// If any setting is missing or cannot be read: all of them, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        read(lookup, SettingReader::kv)
    }
}

/// A database of D1, as Cloudflare's API reaches it.
#[derive(Debug, Clone)]
pub struct D1 {
    /// Base address of the API, without a slash at its end.
    pub base: String,
    /// Account id.
    pub account: String,
    /// API token.
    pub token: Secret,
    /// Id of the database.
    pub database: String,
}

impl D1 {
    /// Reads the settings through `lookup`, which returns the text of a name.
    ///
    /// # Errors
    /// If any setting is missing or cannot be read: all of them, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        read(lookup, SettingReader::d1)
    }
}

/// The gateways to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gateways {
    /// `*`: all gateways of the account.
    All,
    /// These gateways, in the order given.
    Named(Vec<String>),
}

/// Whether a gateway can have this id, by the rule of the API's own reference. A colon would also break the keys of the
/// state, and dots an address.
#[must_use]
pub fn is_gateway_id(id: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    (1..=64).contains(&id.len()) && id.chars().all(known)
}

impl<L: Fn(&str) -> Option<String>> SettingReader<L> {
    pub fn ai_gateway(&mut self) -> AiGateway {
        let base = self.text("CLOUDFLARE_BASE_URL");
        AiGateway {
            base: self.address("CLOUDFLARE_BASE_URL", &base),
            account: self.name("CF_ACCOUNT_ID", None, ""),
            token: self.token(),
            gateways: self.gateways(),
            per_page: u32::try_from(self.number("LOGS_PER_PAGE", 1, 50)).unwrap_or(50),
        }
    }

    pub fn kv(&mut self) -> Kv {
        let base = self.text("CLOUDFLARE_BASE_URL");
        Kv {
            base: self.address("CLOUDFLARE_BASE_URL", &base),
            account: self.name("CF_ACCOUNT_ID", None, ""),
            token: self.token(),
            state: self.text("CF_KV_STATE_ID"),
            ids: self.text("CF_KV_IDS_ID"),
        }
    }

    pub fn d1(&mut self) -> D1 {
        let base = self.text("CLOUDFLARE_BASE_URL");
        D1 {
            base: self.address("CLOUDFLARE_BASE_URL", &base),
            account: self.name("CF_ACCOUNT_ID", None, ""),
            token: self.token(),
            database: self.name("CF_D1_DATABASE_ID", None, "-"),
        }
    }

    fn token(&mut self) -> Secret {
        let token = self.text("CF_API_TOKEN");
        if token.contains(|c: char| c.is_whitespace() || c.is_control()) {
            self.problem("CF_API_TOKEN", "holds a space or a line break: copy the token alone");
        }
        Secret::new(token)
    }

    fn gateways(&mut self) -> Gateways {
        let text = self.text("AIG_GATEWAY_ID");
        if text == "*" {
            return Gateways::All;
        }
        let mut ids: Vec<String> = Vec::new();
        for id in text.split(',').map(str::trim).filter(|id| !id.is_empty()) {
            if !is_gateway_id(id) {
                let rule = "but a gateway id has up to 64 lower-case letters, digits, _ and -";
                self.problem("AIG_GATEWAY_ID", format!("names {id:?}, {rule}"));
            } else if !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
        if ids.is_empty() && text.contains(',') && text.chars().all(|c| matches!(c, ',' | ' ')) {
            self.problem("AIG_GATEWAY_ID", format!("is not set: {}", settings::meaning("AIG_GATEWAY_ID")));
        }
        Gateways::Named(ids)
    }
}
