//! Keys: who may do what in which org. Only their hashes are stored.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    database::{Database, Statement},
    error::CallError,
    record::Cell,
    time::{self, Timestamp},
};

/// How long a key is believed without asking the database.
const KNOWN_FOR: TimeDelta = TimeDelta::seconds(60);

/// The most keys that are believed at once.
const MOST_KNOWN: usize = 10_000;

/// The most bytes of an origin: a scheme, the longest name of a host, and a port.
pub const LONGEST_ORIGIN: usize = 8 + 253 + 6;

/// The beginning of every key. A scanner of secrets finds keys by it.
const MARK: &str = "aig_";

/// The letters of a key that its list shows.
const PREFIX: usize = 12;

/// The org that stands for all orgs.
pub const ALL_ORGS: &str = "*";

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// To send events.
    Ingest,
    /// To ask questions.
    Query,
    /// To manage keys, and to erase users.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Query, Self::Admin];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Query => "query",
            Self::Admin => "admin",
        }
    }

    /// The scope of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The first letters of the key, by which people know it.
    pub prefix: String,
    /// The org; none: all orgs.
    pub org: Option<String>,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// The origins of pages that may use it in a browser.
    pub origins: Vec<String>,
}

impl Key {
    /// The org as a text: `*` for all orgs.
    #[must_use]
    pub fn org_name(&self) -> &str {
        self.org.as_deref().unwrap_or(ALL_ORGS)
    }

    /// Reads a line of the table `api_keys`.
    fn of_line(line: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| line.get(name)?.as_str();
        let origins: Option<Vec<String>> = serde_json::from_str(text("origins")?).ok();
        Some(Self {
            prefix: text("prefix")?.to_owned(),
            org: Some(text("org")?.to_owned()).filter(|org| org != ALL_ORGS),
            scopes: text("scopes")?.split(',').filter_map(Scope::parse).collect(),
            origins: origins?,
        })
    }
}

/// SHA-256 of a text, in hexadecimal digits.
#[must_use]
pub fn hash(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

/// A new key, from 32 random bytes: 43 letters, digits, `-` and `_` after its mark.
#[must_use]
pub fn new_key(random: [u8; 32]) -> String {
    format!("{MARK}{}", URL_SAFE_NO_PAD.encode(random))
}

/// The statement that keeps a new key.
#[must_use]
pub fn create(text: &str, key: &Key, now: Timestamp) -> Statement {
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.name()).collect();
    let values = [
        hash(text),
        key.prefix.clone(),
        key.org_name().to_owned(),
        scopes.join(","),
        Value::from(key.origins.clone()).to_string(),
        time::text(now),
    ];
    let insert =
        "INSERT INTO api_keys (hash, prefix, org, scopes, origins, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    Statement::Sql(insert.into(), values.map(Cell::Text).into())
}

/// The first letters of a key.
#[must_use]
pub fn prefix(key: &str) -> String {
    key.chars().take(PREFIX).collect()
}

/// The statement that revokes the key with this prefix, if an org has it. It changes a line only once.
#[must_use]
pub fn revoke(prefix: &str, org: Option<&str>, now: Timestamp) -> Statement {
    let update =
        "UPDATE api_keys SET revoked_at = ?1 WHERE prefix = ?2 AND (?3 IS NULL OR org = ?3) AND revoked_at IS NULL";
    let org = org.map_or(Cell::Null, |org| Cell::Text(org.to_owned()));
    Statement::Sql(update.into(), vec![Cell::Text(time::text(now)), Cell::Text(prefix.to_owned()), org])
}

/// The keys of an org, or of all, as `GET /keys` shows them: the oldest first.
///
/// # Errors
/// If the database does not answer.
pub async fn list(database: &impl Database, org: Option<&str>) -> Result<Vec<Value>, CallError> {
    let select = "SELECT prefix, org, scopes, origins, created_at, revoked_at FROM api_keys \
                  WHERE ?1 IS NULL OR org = ?1 ORDER BY created_at, prefix";
    let org = org.map_or(Cell::Null, |org| Cell::Text(org.to_owned()));
    let lines = database.query(select, vec![org]).await?;
    let shown = lines.iter().filter_map(|line| {
        let key = Key::of_line(line)?;
        let mut shown = shown(&key);
        shown.insert("origins".into(), key.origins.into());
        shown.insert("createdAt".into(), line.get("created_at")?.clone());
        shown.insert("revokedAt".into(), line.get("revoked_at")?.clone());
        Some(Value::Object(shown))
    });
    Ok(shown.collect())
}

/// What everybody is shown of a key.
#[must_use]
pub fn shown(key: &Key) -> Map<String, Value> {
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.name()).collect();
    let members = [("prefix", key.prefix.clone().into()), ("org", key.org_name().into()), ("scopes", scopes.into())];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The keys and origins that were looked up within the last minute.
#[derive(Debug, Default)]
pub struct KnownKeys {
    keys: Noted<Arc<Key>>,
    origins: Noted<bool>,
}

impl KnownKeys {
    /// The key of this text, if it is known and not revoked.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn find(
        &self,
        database: &impl Database,
        text: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<Key>>, CallError> {
        if !text.starts_with(MARK) {
            return Ok(None);
        }
        let hash = hash(text);
        if let Some(key) = fresh(&self.keys, &hash, now) {
            return Ok(Some(key));
        }
        let select = "SELECT prefix, org, scopes, origins FROM api_keys WHERE hash = ?1 AND revoked_at IS NULL";
        let lines = database.query(select, vec![Cell::Text(hash.clone())]).await?;
        let key = lines.first().and_then(Key::of_line).map(Arc::new);
        // An unknown key is not remembered: it may be made at any moment.
        if let Some(key) = &key {
            note(&self.keys, hash, now, Arc::clone(key));
        }
        Ok(key)
    }

    /// Whether any key names an origin.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn names_origin(
        &self,
        database: &impl Database,
        origin: &str,
        now: Timestamp,
    ) -> Result<bool, CallError> {
        if origin.len() > LONGEST_ORIGIN {
            return Ok(false);
        }
        if let Some(is_named) = fresh(&self.origins, origin, now) {
            return Ok(is_named);
        }
        let select = "SELECT 1 FROM api_keys, json_each(api_keys.origins) AS origin \
                      WHERE origin.value = ?1 AND revoked_at IS NULL LIMIT 1";
        let is_named = !database.query(select, vec![Cell::Text(origin.to_owned())]).await?.is_empty();
        note(&self.origins, origin.to_owned(), now, is_named);
        Ok(is_named)
    }

    /// Forgets all keys: one has changed.
    pub fn forget(&self) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.origins.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The values that were noted, by their names, with the instant of each note.
type Noted<T> = Mutex<HashMap<String, (Timestamp, T)>>;

/// The value noted, if that was within the last minute by a clock that may be set.
fn fresh<T: Clone>(noted: &Noted<T>, name: &str, now: Timestamp) -> Option<T> {
    let noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
    noted.get(name).filter(|(at, _)| (now - at).abs() < KNOWN_FOR).map(|(_, value)| value.clone())
}

fn note<T>(noted: &Noted<T>, name: String, now: Timestamp, value: T) {
    let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
    if noted.len() >= MOST_KNOWN {
        noted.clear();
    }
    noted.insert(name, (now, value));
}
