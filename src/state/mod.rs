//! What is remembered between passes: values an operator can read, under keys the TypeScript program already used.
//! Every value carries a version. An unknown one is an error, never a fresh start.
//!
//! A pass makes two reads at most. One bulk read (one operation; KV bills it by key) brings a job's cursors and
//! `status` together, so an idle pass can clear an error without a second read.
//!
//! A pass that begins with a new gateway also reads and writes `oldest`. It does so before its last save of `forward`:
//! if the pass dies in between, the next one begins again at the same border. `forward` keeps the border as `start`,
//! because long passes save `forward` earlier, and because two jobs that overlap may overwrite each other's `oldest`.

mod backfill;
mod cursor;
mod dead;
mod ledger;
mod position;
mod spend;
mod status;
mod told;

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use self::{
    backfill::{Backfill, Counted, DAY, Days, Done, RecentStretch, midnight_of},
    dead::{Body, DEAD, DISCARDED, DeadLetter, DeadLetters, OF_EVENTS, dead_letters, place_of, read_dead_letters},
    ledger::{Finding, History, Ledger, LedgerLine, LedgerPage},
    position::{Comparison, Position, Track},
    spend::{Spend, add, period_of, whole},
    status::{LastFailure, Status},
    told::{On, Told},
};
use crate::{
    error::Error,
    plan::cursor::Cursor,
    time::{self, Timestamp},
};

/// Key of the forward pass's cursors.
pub const FORWARD: &str = "forward";
/// Key of the backfill's cursors.
pub const OLDEST: &str = "oldest";
/// Key under which an operator may put an instant at which the backfill stops.
pub const BACKFILL_STOP_AT: &str = "backfill_stop_at";
/// Key of the last error of each job.
pub const STATUS: &str = "status";
/// Key of what the webhook was told.
pub const ALERTS: &str = "alerts";

/// The version of every value written here.
const VERSION: u64 = 1;

/// The forward pass, for each gateway.
pub type Forward = ByGateway<Position>;

/// The backfill, for each gateway.
pub type Oldest = ByGateway<Backfill>;

/// One value for each gateway under one key. The first gateway's stands at the top level, where the TypeScript program
/// has its only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByGateway<T> {
    /// By gateway id.
    pub by_id: BTreeMap<String, T>,
}

impl<T> Default for ByGateway<T> {
    fn default() -> Self {
        Self { by_id: BTreeMap::new() }
    }
}

impl<T: Serialize + DeserializeOwned> ByGateway<T> {
    /// Reads a stored value. One without a name, as the TypeScript program writes it, belongs to the only one of
    /// `gateways`.
    ///
    /// # Errors
    /// [`Error::State`] where the value is not one this program knows, or whose it is cannot be told.
    pub fn from_json(key: &str, text: &str, gateways: &[String]) -> Result<Self, Error> {
        let Value::Object(mut object) = versioned(key, text)? else { return Err(unknown(key)) };
        let mut by_id = BTreeMap::new();
        if let Some(Value::Object(others)) = object.remove("gateways") {
            for (gateway, value) in others {
                by_id.insert(gateway, of(key, value)?);
            }
        }
        let gateway = object.remove("gateway").and_then(|name| name.as_str().map(str::to_owned));
        by_id.insert(gateway.map_or_else(|| owner(key, gateways), Ok)?, of(key, Value::Object(object))?);
        Ok(Self { by_id })
    }

    /// Writes the value, `first`'s at the top level where it has one.
    ///
    /// # Errors
    /// Never in practice: every part has a JSON form.
    pub fn to_json(&self, first: &str) -> Result<String, serde_json::Error> {
        let top = self.by_id.get_key_value(first).or_else(|| self.by_id.first_key_value());
        let Some((top, value)) = top else { return Ok(String::new()) };
        let mut object = serde_json::to_value(value)?;
        object["v"] = VERSION.into();
        object["gateway"] = top.as_str().into();
        for (gateway, value) in self.by_id.iter().filter(|(gateway, _)| *gateway != top) {
            object["gateways"][gateway] = serde_json::to_value(value)?;
        }
        Ok(object.to_string())
    }
}

impl Forward {
    /// The last counts prove that every entry of all gateways before this instant is delivered, UTC. None: of one of them
    /// nothing is counted yet.
    #[must_use]
    pub fn complete_through(&self) -> Option<Timestamp> {
        let proven: Option<Vec<_>> = self.by_id.values().map(Position::complete_through).collect();
        proven?.into_iter().min()
    }
}

impl Oldest {
    /// Reads the backfill's cursors, or the bare instant that the TypeScript program keeps under the same key. That one
    /// skipped entries sharing its instant, so the instant is read again.
    ///
    /// # Errors
    /// [`Error::State`] where the value is neither, or whose it is cannot be told.
    pub fn read(text: &str, gateways: &[String]) -> Result<Self, Error> {
        let Some(ts) = time::parse(text.trim().trim_matches('"')) else {
            return Self::from_json(OLDEST, text, gateways);
        };
        let mut oldest = Self::default();
        oldest.by_id.insert(owner(OLDEST, gateways)?, Backfill::at(Cursor::at_start_of(ts)));
        Ok(oldest)
    }
}

/// The gateway of a value that names none.
fn owner(key: &str, gateways: &[String]) -> Result<String, Error> {
    let [only] = gateways else {
        let problem = "names no gateway, as the TypeScript program writes it, but AIG_GATEWAY_ID names several: let one \
                       pass run with the gateway it belongs to alone, and add the others then";
        return Err(Error::State { key: key.into(), problem: problem.into() });
    };
    Ok(only.clone())
}

/// Reads [`BACKFILL_STOP_AT`].
///
/// # Errors
/// [`Error::State`] where it is no instant.
pub fn read_stop(text: &str) -> Result<Timestamp, Error> {
    time::parse(text.trim().trim_matches('"')).ok_or_else(|| Error::State {
        key: BACKFILL_STOP_AT.into(),
        problem: format!("is {text:?}, but must be an instant such as 2026-01-01T00:00:00Z"),
    })
}

/// Opens a stored JSON object and takes its version off. The TypeScript program's values have none.
fn versioned(key: &str, text: &str) -> Result<Value, Error> {
    let mut value: Value = serde_json::from_str(text).map_err(|_| unknown(key))?;
    let version = value.as_object_mut().and_then(|object| object.remove("v"));
    match version.as_ref().map(Value::as_u64) {
        None | Some(Some(VERSION)) => Ok(value),
        Some(_) => {
            let problem =
                format!("has version {}, but this program knows version {VERSION}", version.unwrap_or_default());
            Err(Error::State { key: key.into(), problem })
        }
    }
}

/// A value as it is stored, with the version.
fn written(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut object = serde_json::to_value(value)?;
    object["v"] = VERSION.into();
    Ok(object.to_string())
}

fn of<T: DeserializeOwned>(key: &str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value)
        .map_err(|error| Error::State { key: key.into(), problem: format!("cannot be read ({error})") })
}

fn unknown(key: &str) -> Error {
    Error::State { key: key.into(), problem: "cannot be read: it is not what this program writes there".into() }
}

#[cfg(test)]
mod tests;
