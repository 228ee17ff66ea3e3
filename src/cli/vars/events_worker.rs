//! The Worker that receives events, as `[env.events]` of `wrangler.toml` has it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// What matters here of `[env.events]`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct EventsWorker {
    /// Its databases.
    #[serde(default)]
    pub d1_databases: Vec<Database>,
    /// The runtime's limits of requests.
    #[serde(default)]
    pub ratelimits: Vec<RateLimit>,
    #[serde(default)]
    vars: BTreeMap<String, Value>,
    #[serde(default)]
    queues: Queues,
}

/// A binding of a database.
#[derive(Debug, Clone, Deserialize)]
pub struct Database {
    /// The name of the binding.
    pub binding: String,
    /// Its id, or a placeholder.
    #[serde(default)]
    pub database_id: String,
}

/// A limit of requests.
#[derive(Debug, Clone, Deserialize)]
pub struct RateLimit {
    /// The name of the binding.
    #[serde(default)]
    pub name: String,
    simple: Option<Simple>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Simple {
    limit: u64,
    period: u64,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Queues {
    #[serde(default)]
    producers: Vec<Producer>,
}

#[derive(Debug, Clone, Deserialize)]
struct Producer {
    binding: String,
}

impl Database {
    /// Whether the id can be one: a placeholder is none.
    pub fn has_id(&self) -> bool {
        let id = &self.database_id;
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    }
}

impl RateLimit {
    /// Requests a minute, if the limit says how many.
    pub fn a_minute(&self) -> Option<u64> {
        self.simple.and_then(|Simple { limit, period }| (limit * 60).checked_div(period))
    }
}

impl EventsWorker {
    /// The text of a setting in its `[vars]`, unless it is empty.
    pub fn var(&self, name: &str) -> Option<String> {
        let value = self.vars.get(name)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Some(text).filter(|text| !text.trim().is_empty())
    }

    /// Whether a queue is in front of its database.
    pub fn has_queue(&self) -> bool {
        self.queues.producers.iter().any(|producer| producer.binding == "EVENTS_QUEUE")
    }
}
