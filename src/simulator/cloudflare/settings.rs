//! The settings of a gateway.

use chrono::{SecondsFormat, TimeDelta};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::simulator::time::Timestamp;

/// What a full gateway does. The simulator only shows this setting: a simulated gateway keeps everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WhenFull {
    /// New entries are not kept.
    StopInserting,
    /// The oldest entries go.
    DeleteOldest,
}

/// How a gateway keeps logs, and when it was made, as its settings show it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatedSettings {
    /// Whether it keeps logs.
    pub collect_logs: bool,
    /// The most entries that it keeps. None: as many as the plan allows.
    pub log_management: Option<u64>,
    /// What the full gateway does.
    pub log_management_strategy: Option<WhenFull>,
    /// When the gateway was made, UTC.
    pub created_at: Timestamp,
}

impl Default for SimulatedSettings {
    fn default() -> Self {
        Self {
            collect_logs: true,
            log_management: Some(10_000_000),
            log_management_strategy: Some(WhenFull::DeleteOldest),
            // 2025-01-15T08:00:00Z
            created_at: Timestamp::UNIX_EPOCH + TimeDelta::seconds(1_736_928_000),
        }
    }
}

impl SimulatedSettings {
    /// A gateway with these settings, as the API shows it.
    pub(in crate::simulator) fn shown(&self, id: &str) -> Value {
        let strategy = self.log_management_strategy.map(|strategy| match strategy {
            WhenFull::StopInserting => "STOP_INSERTING",
            WhenFull::DeleteOldest => "DELETE_OLDEST",
        });
        let created_at = self.created_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({
            "id": id,
            "collect_logs": self.collect_logs,
            "cache_ttl": 300,
            "log_management": self.log_management,
            "log_management_strategy": strategy,
            "logpush": false,
            "is_default": id == "default",
            "created_at": created_at,
            "modified_at": created_at,
        })
    }
}
