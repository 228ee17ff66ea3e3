//! From text to types, one setting at a time.

use std::net::Ipv4Addr;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Uri;
use serde::Deserialize;

use super::{
    AiGateway, BigQuery, Gateways, Kv, Problem, SETTINGS, Secret, ServiceAccount, TableName, Warehouse, is_gateway_id,
    settings,
};
use crate::google::PrivateKey;

/// The settings being read. A setting with a problem is noted, and read on with an empty value.
pub(super) struct Vars<L> {
    pub lookup: L,
    pub problems: Vec<Problem>,
}

impl<L: Fn(&str) -> Option<String>> Vars<L> {
    pub fn problem(&mut self, setting: &'static str, problem: impl Into<String>) {
        self.problems.push(Problem { setting, problem: problem.into() });
    }

    pub fn optional(&self, name: &str) -> Option<String> {
        let given = (self.lookup)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let default = SETTINGS.iter().find(|setting| setting.name == name).and_then(|setting| setting.default);
        given.or_else(|| default.map(str::to_owned))
    }

    pub fn text(&mut self, name: &'static str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problem(name, format!("is not set: {}", settings::meaning(name)));
            String::new()
        })
    }

    pub fn number(&mut self, name: &'static str, min: u64, max: u64) -> u64 {
        let text = self.text(name);
        text.parse().ok().filter(|number| (min..=max).contains(number)).unwrap_or_else(|| {
            self.problem(name, format!("is {text:?}, but must be a whole number from {min} to {max}"));
            min
        })
    }

    /// Whether each field is one is for whoever follows the schedule; what is no schedule at all would never be met.
    pub fn cron(&mut self, name: &'static str) -> String {
        let text = self.text(name);
        if text.split_whitespace().count() != 5 {
            self.problem(
                name,
                format!("is {text:?}, but must be a cron schedule of five fields such as \"0 * * * *\""),
            );
        }
        text
    }

    pub fn pages(&mut self, name: &'static str) -> Option<u32> {
        let text = self.text(name);
        if text == "auto" {
            return None;
        }
        let pages = text.parse().ok().filter(|pages| *pages > 0);
        if pages.is_none() {
            self.problem(name, format!("is {text:?}, but must be a whole number from 1, or auto"));
        }
        pages
    }

    pub fn share(&mut self, name: &'static str) -> f64 {
        let text = self.text(name);
        text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0).unwrap_or_else(|| {
            self.problem(name, format!("is {text:?}, but must be above 0 and at most 1, for example 0.8"));
            1.0
        })
    }

    pub fn truth(&mut self, name: &'static str) -> bool {
        let text = self.text(name);
        text.parse().unwrap_or_else(|_| {
            self.problem(name, format!("is {text:?}, but must be true or false"));
            false
        })
    }

    pub fn log_level(&mut self) -> log::LevelFilter {
        let text = self.text("LOG_LEVEL");
        text.parse().unwrap_or_else(|_| {
            self.problem("LOG_LEVEL", format!("is {text:?}, but must be one of error, warn, info, debug, off"));
            log::LevelFilter::Info
        })
    }

    /// An address without a slash at its end. Plain http would show tokens to the network, so it is for loopback only.
    fn address(&mut self, name: &'static str, text: &str) -> String {
        let address = text.trim_end_matches('/').to_owned();
        let uri: Option<Uri> = address.parse().ok();
        let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
        let scheme = uri.as_ref().and_then(Uri::scheme_str).unwrap_or_default();
        // The address, not how its text begins: `127.evil.example` is a name like any other.
        let loopback = matches!(host, "localhost" | "[::1]") || host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback());
        if host.is_empty() || !(scheme == "https" || scheme == "http" && loopback) {
            let rule = "but must begin with https:// (plain http:// only for an address of this machine)";
            self.problem(name, format!("is {text:?}, {rule}"));
        }
        address
    }

    pub fn source(&mut self) -> AiGateway {
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

    pub fn bigquery(&mut self) -> BigQuery {
        let emulated = self.optional("BIGQUERY_EMULATOR_HOST").is_some();
        let account = self.service_account(emulated);
        let Warehouse { base, table: TableName { project, dataset, table }, .. } = self.warehouse();
        BigQuery { base, project, dataset, table, account }
    }

    pub fn warehouse(&mut self) -> Warehouse {
        let table = self.table_name();
        let emulator = self.optional("BIGQUERY_EMULATOR_HOST");
        let emulated = emulator.is_some();
        let base = match emulator {
            Some(host) if host.contains("://") => self.address("BIGQUERY_EMULATOR_HOST", &host),
            Some(host) => self.address("BIGQUERY_EMULATOR_HOST", &format!("http://{host}")),
            None => "https://bigquery.googleapis.com".to_owned(),
        };
        Warehouse { base, emulated, table }
    }

    pub fn table_name(&mut self) -> TableName {
        let project = self.optional("GCP_BQ_PROJECT").or_else(|| self.key_file().ok()??.project_id);
        TableName {
            // A project of a domain is called example.com:project.
            project: self.name("GCP_BQ_PROJECT", project, "-.:"),
            dataset: self.name("GCP_BQ_DATASET", None, "_"),
            table: self.name("GCP_BQ_TABLE", None, "_-"),
        }
    }

    /// A name as it stands in addresses and in SQL: letters, digits and these signs. One of dots alone means a folder there.
    fn name(&mut self, name: &'static str, found: Option<String>, signs: &str) -> String {
        let text = found.unwrap_or_else(|| self.text(name));
        if text.contains(|c: char| !c.is_alphanumeric() && !signs.contains(c)) || text.starts_with('.') {
            let signs = if signs.is_empty() { String::new() } else { format!(" and {signs}") };
            self.problem(name, format!("is {text:?}, but must be a name of letters, digits{signs}"));
        }
        text
    }

    /// The service account, from the whole key file or from its two parts. An emulator needs none.
    fn service_account(&mut self, emulator: bool) -> Option<ServiceAccount> {
        const JSON: &str = "GCP_SA_KEY_JSON";
        const PEM: &str = "GCP_SA_PRIVATE_KEY_PEM";
        let token_uri = self.optional("GCP_TOKEN_URI");
        let (email, pem, key_id, file_uri, name) = match self.key_file() {
            Err(problem) => {
                self.problem(JSON, problem);
                return None;
            }
            Ok(Some(file)) => (file.client_email, file.private_key, file.private_key_id, file.token_uri, JSON),
            Ok(None) if emulator && self.optional(PEM).is_none() => return None,
            Ok(None) if self.optional(PEM).is_none() && self.optional("GCP_SA_EMAIL").is_none() => {
                self.problem(JSON, format!("is not set: {}", settings::meaning(JSON)));
                return None;
            }
            Ok(None) => (self.text("GCP_SA_EMAIL"), self.text(PEM), None, None, PEM),
        };
        // An absent one is already reported as such.
        let is_address = email.contains('@') && !email.contains(char::is_whitespace);
        if !is_address && (name == JSON || !email.is_empty()) {
            let (setting, part) = if name == JSON { (JSON, "has") } else { ("GCP_SA_EMAIL", "is") };
            self.problem(
                setting,
                format!("{part} {email:?}, but client_email is the service account's e-mail address"),
            );
        }
        let token_uri = token_uri.or(file_uri).unwrap_or_else(|| "https://oauth2.googleapis.com/token".to_owned());
        let token_uri = self.address("GCP_TOKEN_URI", &token_uri);
        match PrivateKey::parse(&pem) {
            Ok(key) => Some(ServiceAccount { email, key, key_id, token_uri }),
            // An absent key is already reported as such.
            Err(_) if pem.is_empty() => None,
            Err(problem) => {
                self.problem(name, problem);
                None
            }
        }
    }

    fn key_file(&self) -> Result<Option<KeyFile>, String> {
        let Some(text) = self.optional("GCP_SA_KEY_JSON") else { return Ok(None) };
        // The parser's own words would quote the key.
        let file: KeyFile = serde_json::from_str(&json(&text)).map_err(|error| {
            format!(
                "is not a service account's key file (line {}, column {}): give the whole JSON file that Google Cloud \
                 made, with client_email and private_key",
                error.line(),
                error.column()
            )
        })?;
        match &file.universe_domain {
            // Its tokens and tables are at addresses that are not known here.
            Some(other) if other != "googleapis.com" => {
                Err(format!("is a key for {other:?}, but aig-logs supports only googleapis.com"))
            }
            Some(_) | None => Ok(Some(file)),
        }
    }
}

/// The JSON in what shells, files and dashboards make of it: base64, quotes or a byte order mark around it, and real line
/// breaks inside its texts, which JSON does not allow.
fn json(text: &str) -> String {
    let bare = |text: &str| text.trim_matches(['\u{feff}', '"', '\'', ' ', '\r', '\n']).to_owned();
    let mut text = bare(text);
    if !text.starts_with('{') {
        let letters: String = text.split_whitespace().collect();
        let decoded = STANDARD.decode(letters).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text = decoded.map_or(text, |decoded| bare(&decoded));
    }
    let (mut inside, mut escaped) = (false, false);
    let mut json = String::with_capacity(text.len());
    for letter in text.chars() {
        inside ^= letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        match letter {
            '\n' if inside => json.push_str("\\n"),
            '\r' if inside => {}
            letter => json.push(letter),
        }
    }
    json
}

/// The parts of a service account's key file that matter here.
#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: Option<String>,
    project_id: Option<String>,
    universe_domain: Option<String>,
}
