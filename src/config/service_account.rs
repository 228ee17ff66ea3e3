//! The settings of the account that signs in to Google.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::{
    settings,
    vars::{ConfigError, Problem, SettingReader, read},
};
use crate::google::key::PrivateKey;

/// A Google service account.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    /// `client_email`.
    pub email: String,
    /// `private_key`.
    pub key: PrivateKey,
    /// `private_key_id`, if the whole key file is given.
    pub key_id: Option<String>,
    /// The address that exchanges an assertion for a token. It is also the assertion's audience.
    pub token_uri: String,
}

/// The setting that holds a whole key file.
const JSON: &str = "GCP_SA_KEY_JSON";

impl ServiceAccount {
    /// Reads the text of a key file that no setting holds.
    ///
    /// # Errors
    /// What is wrong with it, in words that hold nothing of the key.
    pub fn of_key_file(text: &str) -> Result<Self, String> {
        let lookup = |name: &str| (name == JSON).then(|| text.to_owned());
        let words = |Problem { setting, problem }: &Problem| match *setting {
            JSON => problem.clone(),
            _ => format!("has a token_uri that {problem}"),
        };
        let account = read(lookup, |vars| vars.service_account(text.trim().is_empty()));
        let account =
            account.map_err(|ConfigError(problems)| problems.iter().map(words).collect::<Vec<_>>().join("; "));
        account?.ok_or_else(|| "is empty".to_owned())
    }
}

impl<L: Fn(&str) -> Option<String>> SettingReader<L> {
    /// The service account, from the whole key file or from its two parts. An emulator needs no account.
    pub fn service_account(&mut self, emulator: bool) -> Option<ServiceAccount> {
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
        // An absent address is already reported as absent.
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
            // An absent key is already reported as absent.
            Err(_) if pem.is_empty() => None,
            Err(problem) => {
                self.problem(name, problem);
                None
            }
        }
    }

    pub fn key_file(&self) -> Result<Option<KeyFile>, String> {
        let Some(text) = self.optional(JSON) else { return Ok(None) };
        // The parser's own message would quote the key.
        let file: KeyFile = serde_json::from_str(&json(&text)).map_err(|error| {
            format!(
                "is not a service account's key file (line {}, column {}): give the whole JSON file that Google Cloud \
                 made, with client_email and private_key",
                error.line(),
                error.column()
            )
        })?;
        match &file.universe_domain {
            // This program does not know the addresses of such a cloud.
            Some(other) if other != "googleapis.com" => {
                Err(format!("is a key for {other:?}, but aig-logs supports only googleapis.com"))
            }
            Some(_) | None => Ok(Some(file)),
        }
    }
}

/// The JSON in the forms that shells, files and dashboards make of it. They may encode it in base64, put quotes or a
/// byte order mark around it, or put real line breaks inside its texts, which JSON does not allow.
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

/// The parts of a service account's key file that this program uses.
#[derive(Deserialize)]
pub struct KeyFile {
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: Option<String>,
    pub project_id: Option<String>,
    universe_domain: Option<String>,
}
