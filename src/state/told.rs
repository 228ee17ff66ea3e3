//! What a webhook was told, so that each alert is told once.

use serde::{Deserialize, Serialize};

use super::{ALERTS, of, versioned, written};
use crate::{
    error::Error,
    time::{Timestamp, stored},
};

/// The alerts that are on, and the last digest. Written only after the webhook has taken news.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// Each alert that is on.
    pub on: Vec<On>,
    /// When the last digest was due, UTC.
    #[serde(deserialize_with = "stored::optional_instant", skip_serializing_if = "Option::is_none")]
    pub digest: Option<Timestamp>,
}

/// An alert that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct On {
    /// Its id, such as `failing:forward`.
    pub id: String,
    /// How bad it is: a higher level is told again. Of a budget, percent.
    pub level: u8,
    /// When it was first told, UTC.
    #[serde(deserialize_with = "stored::instant")]
    pub since: Timestamp,
    /// When it was last seen, UTC, to the hour. Only of dead letters: others are over when they are not the case any more.
    #[serde(deserialize_with = "stored::instant")]
    pub seen: Timestamp,
    /// What was told.
    pub text: String,
}

impl Told {
    /// Reads the stored value.
    ///
    /// # Errors
    /// [`Error::State`] where the value is not one this program knows.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        of(ALERTS, versioned(ALERTS, text)?)
    }

    /// The alert of an id, if it is on.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&On> {
        self.on.iter().find(|on| on.id == id)
    }

    /// The value to store.
    ///
    /// # Errors
    /// Never in practice: every part has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        written(self)
    }
}
