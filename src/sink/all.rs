//! Several sinks at once.

use std::{cell::Cell, collections::BTreeSet, ops::Range};

use super::{Outcome, Rejected, Sink};
use crate::{
    error::CallError,
    record::{Record, Table},
    time::Timestamp,
};

/// Several sinks at once, at least one. A record is written when all sinks that keep its table have it. If one sink fails,
/// the batch is written again, also to the sinks that have it.
pub struct All<K> {
    sinks: Vec<K>,
    /// Which sink was called last, from 0. After an error it is the sink that failed, so `name` names it.
    last: Cell<usize>,
}

impl<K: Sink> All<K> {
    /// Writes to these sinks, in this order.
    ///
    /// # Panics
    /// If there is no sink.
    #[must_use]
    pub fn new(sinks: Vec<K>) -> Self {
        assert!(!sinks.is_empty(), "at least one sink");
        Self { sinks, last: Cell::new(0) }
    }

    /// The sinks. Each is noted as the last one called.
    fn each(&self) -> impl Iterator<Item = &K> {
        self.sinks.iter().enumerate().map(|(place, sink)| {
            self.last.set(place);
            sink
        })
    }
}

impl<K: Sink> Sink for All<K> {
    /// The name of the sink that was called last.
    fn name(&self) -> &'static str {
        self.sinks[self.last.get()].name()
    }

    /// The smallest batch of all sinks.
    fn batch(&self) -> usize {
        self.sinks.iter().map(Sink::batch).min().unwrap_or(1)
    }

    fn keeps(&self, table: &Table) -> bool {
        self.sinks.iter().any(|sink| sink.keeps(table))
    }

    /// Of the sinks that keep the table: a record is known if all of them know it, and rejected if any of them rejects it.
    async fn write(&self, records: &[Record]) -> Result<Outcome, CallError> {
        let (mut times_known, mut reasons) = (vec![0; records.len()], vec![Vec::new(); records.len()]);
        let mut keepers = 0;
        for sink in self.each() {
            if records.first().is_none_or(|record| !sink.keeps(record.table)) {
                continue;
            }
            keepers += 1;
            let Outcome { known, rejected } = sink.write(records).await?;
            for index in known {
                times_known[index] += 1;
            }
            for Rejected { index, reason } in rejected {
                reasons[index].push(reason);
            }
        }
        let known = (0..records.len()).filter(|index| times_known[*index] == keepers && keepers > 0).collect();
        let rejected = reasons.into_iter().enumerate().filter(|(_, reasons)| !reasons.is_empty());
        let rejected = rejected.map(|(index, reasons)| Rejected { index, reason: reasons.join("; ") }).collect();
        Ok(Outcome { known, rejected })
    }

    /// The smallest count, of the sinks that can be asked.
    async fn count(&self, gateway: &str, time: &Range<Timestamp>) -> Result<Option<u64>, CallError> {
        let mut fewest = None;
        for sink in self.each() {
            let counted = sink.count(gateway, time).await?;
            fewest = fewest.into_iter().chain(counted).min();
        }
        Ok(fewest)
    }

    /// The ids that all sinks have, of the sinks that can be asked.
    async fn ids(&self, gateway: &str, time: &Range<Timestamp>) -> Result<Option<BTreeSet<String>>, CallError> {
        let mut common: Option<BTreeSet<String>> = None;
        for sink in self.each() {
            let Some(ids) = sink.ids(gateway, time).await? else { continue };
            common = Some(match common {
                Some(common) => common.intersection(&ids).cloned().collect(),
                None => ids,
            });
        }
        Ok(common)
    }
}
