//! The cursors of one job during a pass: as they were loaded, and as they are now.

use serde::{Serialize, de::DeserializeOwned};

use super::{Context, Platform};
use crate::{
    error::Error,
    state::{Backfill, ByGateway, FORWARD, OLDEST, Position},
};

/// The cursors of all gateways under one key.
#[derive(Clone)]
pub struct Cursors<T> {
    key: &'static str,
    first: String,
    saved: ByGateway<T>,
    current: ByGateway<T>,
}

impl Cursors<Position> {
    /// The cursors of forward, read from their stored value.
    pub fn of_forward(stored: Option<String>, gateways: &[String]) -> Result<Self, Error> {
        let stored = stored.map(|text| ByGateway::from_json(FORWARD, &text, gateways)).transpose()?;
        Ok(Self::new(FORWARD, gateways, stored.unwrap_or_default()))
    }
}

impl Cursors<Backfill> {
    /// The cursors of the backfill, read from their stored value.
    pub fn of_backfill(stored: Option<String>, gateways: &[String]) -> Result<Self, Error> {
        let stored = stored.map(|text| ByGateway::read(&text, gateways)).transpose()?;
        Ok(Self::new(OLDEST, gateways, stored.unwrap_or_default()))
    }
}

impl<T: Clone + PartialEq> Cursors<T> {
    /// The cursors as they are stored under `key`. The first gateway's stands at the top level of the value.
    fn new(key: &'static str, gateways: &[String], saved: ByGateway<T>) -> Self {
        Self { key, first: gateways.first().cloned().unwrap_or_default(), current: saved.clone(), saved }
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
