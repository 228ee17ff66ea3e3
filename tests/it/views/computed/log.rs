//! A row as the views read it.

use aig_logs::time::Timestamp;
use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::word;

/// What the views read of a row.
pub struct Log {
    pub created_at: Timestamp,
    pub ingested_at: Timestamp,
    pub row: Value,
}

impl Log {
    pub fn text(&self, column: &str) -> String {
        word(self.row[column].as_str())
    }

    pub fn number(&self, column: &str) -> Option<f64> {
        self.row[column].as_f64()
    }

    pub fn is(&self, column: &str, truth: bool) -> bool {
        self.row[column].as_bool() == Some(truth)
    }

    pub fn date(&self) -> NaiveDate {
        self.created_at.date_naive()
    }

    pub fn day(&self) -> String {
        self.date().to_string()
    }

    pub fn has_tokens(&self) -> bool {
        let tokens = |column| self.number(column).unwrap_or(0.0);
        tokens("tokens_in") + tokens("tokens_out") > 0.0
    }

    /// Whether somebody is paid for it: no cache answered it, and it did something.
    pub fn is_charged(&self) -> bool {
        !self.is("cached", true) && (self.has_tokens() || !self.is("success", false))
    }

    pub fn is_unpriced(&self) -> bool {
        match self.number("cost") {
            None => self.is_charged(),
            Some(0.0) => self.is_charged() && self.has_tokens() && !self.is("custom_cost", true),
            Some(_) => false,
        }
    }

    /// provider/model, whoever writes the provider.
    pub fn canonical_model(&self) -> String {
        let (provider, model) = (self.row["provider"].as_str(), self.row["model"].as_str());
        match (provider, model) {
            (Some(provider), Some(model)) if !model.starts_with(&format!("{provider}/")) => {
                format!("{provider}/{model}")
            }
            _ => word(model),
        }
    }

    /// Day, gateway, provider and both names of the model.
    pub fn place(&self) -> Vec<String> {
        let [gateway, provider, model] = ["gateway", "provider", "model"].map(|column| self.text(column));
        vec![self.day(), gateway, provider, model, self.canonical_model()]
    }

    pub fn hour(&self) -> String {
        self.created_at.format("%Y-%m-%dT%H:00:00.000Z").to_string()
    }

    pub fn metadata(&self) -> Map<String, Value> {
        let metadata = self.row["metadata"].as_str().map(|text| serde_json::from_str(text).unwrap());
        metadata.and_then(|value: Value| value.as_object().cloned()).unwrap_or_default()
    }

    pub fn user(&self) -> Option<String> {
        let metadata = self.metadata();
        metadata.get("user_id").and_then(as_text).or_else(|| metadata.get("user").and_then(as_text))
    }
}

pub fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}
