//! Where rows go. A sink takes a batch and says what became of each row.

#[cfg(not(target_arch = "wasm32"))]
pub mod any;
pub mod bigquery;
pub mod ndjson;
#[cfg(not(target_arch = "wasm32"))]
pub mod place;
#[cfg(not(target_arch = "wasm32"))]
pub mod sql;
#[cfg(not(target_arch = "wasm32"))]
pub mod sqlite;

use std::collections::BTreeSet;

use crate::{
    error::CallError,
    record::{Record, Table},
    time::Timestamp,
};

/// A place that rows are written to.
#[expect(async_fn_in_trait, reason = "hosts have one thread; nothing here needs to be Send")]
pub trait Sink {
    /// Its name, for reports and errors.
    fn name(&self) -> &'static str;

    /// Rows that one write should hold.
    fn batch(&self) -> usize;

    /// Whether it keeps records of a table.
    fn keeps(&self, table: &Table) -> bool {
        let _ = table;
        true
    }

    /// Writes records of one table, which it keeps. Once this returns, every record is either written durably or among the
    /// rejected.
    ///
    /// # Errors
    /// Where that cannot be said of every record. Some may be written: the same records are written again later.
    async fn write(&self, records: &[Record]) -> Result<Outcome, CallError>;

    /// How many logs of a gateway the table has of `[from, until)`, by `created_at`, UTC, each counted once; none: it cannot be
    /// asked.
    ///
    /// # Errors
    /// Where it can be asked and does not answer.
    async fn count(&self, gateway: &str, from: Timestamp, until: Timestamp) -> Result<Option<u64>, CallError> {
        let _ = (gateway, from, until);
        Ok(None)
    }

    /// Their ids; none: it cannot be asked.
    ///
    /// # Errors
    /// The same.
    async fn ids(
        &self,
        gateway: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Option<BTreeSet<String>>, CallError> {
        let _ = (gateway, from, until);
        Ok(None)
    }
}

/// What the sink said of a batch. Every row not rejected is there now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The places in the batch, from 0, of rows that were there before, where the sink can tell.
    pub known: Vec<usize>,
    /// Rows it will never take.
    pub rejected: Vec<Rejected>,
}

/// A row that a sink will never take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// The sink's words.
    pub reason: String,
}
