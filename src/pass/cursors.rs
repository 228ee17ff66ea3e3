//! The cursors of one job during a pass: as they were loaded, and as they are now.

use serde::{Serialize, de::DeserializeOwned};

use super::{Context, Platform};
use crate::{error::Error, state::ByGateway};

/// The cursors of all gateways under one key.
#[derive(Clone)]
pub struct Cursors<T> {
    key: &'static str,
    /// The gateway whose cursor stands at the top level of the value.
    first: String,
    saved: ByGateway<T>,
    current: ByGateway<T>,
}

impl<T: Clone + PartialEq> Cursors<T> {
    pub fn new(key: &'static str, first: &str, stored: Option<ByGateway<T>>) -> Self {
        let saved = stored.unwrap_or_default();
        Self { key, first: first.to_owned(), current: saved.clone(), saved }
    }

    pub fn get(&self, gateway: &str) -> Option<&T> {
        self.current.by_id.get(gateway)
    }

    pub fn get_mut(&mut self, gateway: &str) -> Option<&mut T> {
        self.current.by_id.get_mut(gateway)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.current.by_id.iter()
    }

    /// The cursors, if any of them moved.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let moved = self.current != self.saved;
        self.current.by_id.values_mut().filter(move |_| moved)
    }
}

impl<T: Clone + PartialEq + Serialize + DeserializeOwned> Cursors<T> {
    pub fn set(&mut self, gateway: &str, track: &T) {
        self.current.by_id.insert(gateway.to_owned(), track.clone());
    }

    /// Saves the cursors if any of them moved.
    pub async fn save<P: Platform>(&mut self, context: &Context<'_, P>) -> Result<(), Error> {
        if self.current != self.saved {
            let value = self.current.to_json(&self.first).map_err(|error| Error::unwritable(self.key, &error))?;
            context.save(self.key, &value).await?;
            self.saved = self.current.clone();
        }
        Ok(())
    }
}
