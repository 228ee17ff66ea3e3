//! The program under measurement: a pass of its own, from any host into any sink, and a store for what it remembers.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use aig_logs::{
    config::Config,
    error::StoreError,
    host::{Host, Listing, Metered, Put, Store},
    pass::{Context, Job, Report, backfill, forward},
    sink::Sink,
};
use serde_json::Value;

/// What the program remembers between passes.
#[derive(Default)]
pub struct Memories {
    pub state: Memory,
    pub ids: Memory,
}

impl Memories {
    /// Stores whose operations take so long.
    pub fn that_take(latency: Duration) -> Self {
        let [state, ids] = [(), ()].map(|()| Memory { latency, ..Memory::default() });
        Self { state, ids }
    }
}

/// A pass, which must not fail.
pub async fn pass<H: Host, K: Sink>(
    job: Job,
    host: Metered<'_, H>,
    memories: &Memories,
    sink: &K,
    config: &Config,
) -> Report {
    let context = Context::new(host, [&memories.state, &memories.ids], sink, config);
    let report = match job {
        Job::Forward => forward(&context).await,
        Job::Backfill => backfill(&context).await,
        Job::Range => unreachable!("nothing here reads a range"),
    };
    assert!(report.errors().next().is_none(), "{report:?}");
    report
}

/// A store in memory.
#[derive(Default)]
pub struct Memory {
    latency: Duration,
    values: RefCell<BTreeMap<String, (String, Option<Value>)>>,
}

impl Store for Memory {
    async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreError> {
        wait(self.latency).await;
        let values = self.values.borrow();
        Ok(keys.iter().map(|key| values.get(*key).map(|(value, _)| value.clone())).collect())
    }

    async fn put(&self, key: &str, value: &str, options: &Put) -> Result<(), StoreError> {
        wait(self.latency).await;
        self.values.borrow_mut().insert(key.to_owned(), (value.to_owned(), options.metadata.clone()));
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        wait(self.latency).await;
        self.values.borrow_mut().remove(key);
        Ok(())
    }

    async fn list(&self, prefix: &str, _cursor: Option<&str>) -> Result<Listing, StoreError> {
        wait(self.latency).await;
        let values = self.values.borrow();
        let keys = values.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(Listing { keys: keys.map(|(key, (_, metadata))| (key.clone(), metadata.clone())).collect(), cursor: None })
    }
}

/// Lets time pass; none of it where nothing takes any.
#[expect(clippy::disallowed_methods, reason = "a world in simulated time is a host")]
pub async fn wait(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}
