//! The sinks. A sink takes a batch, and returns the outcome of each row.

pub mod all;
#[cfg(not(target_arch = "wasm32"))]
pub mod any;
pub mod bigquery;
pub mod d1;
#[cfg(not(target_arch = "wasm32"))]
pub mod ndjson;
#[cfg(not(target_arch = "wasm32"))]
pub mod place;
#[cfg(not(target_arch = "wasm32"))]
pub mod sql;
#[cfg(not(target_arch = "wasm32"))]
pub mod sqlite;

use std::{collections::BTreeSet, ops::Range};

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

    /// Whether the sink keeps records of a table.
    fn keeps(&self, table: &Table) -> bool {
        let _ = table;
        true
    }

    /// Writes records of one table that the sink keeps. When this returns, every record is either written durably or
    /// among the rejected records.
    ///
    /// # Errors
    /// If this is not certain of every record. Some records may be written: the same records are written again later.
    async fn write(&self, records: &[Record]) -> Result<Outcome, CallError>;

    /// The number of a gateway's logs in the table, of a time by `created_at`, UTC. Each log is counted once.
    /// None: the table cannot be asked.
    ///
    /// # Errors
    /// If the table can be asked, but does not answer.
    async fn count(&self, gateway: &str, time: &Range<Timestamp>) -> Result<Option<u64>, CallError> {
        let _ = (gateway, time);
        Ok(None)
    }

    /// The ids of these logs; none: the table cannot be asked.
    ///
    /// # Errors
    /// If the table can be asked, but does not answer.
    async fn ids(&self, gateway: &str, time: &Range<Timestamp>) -> Result<Option<BTreeSet<String>>, CallError> {
        let _ = (gateway, time);
        Ok(None)
    }
}

/// The outcome of a batch. Every row that was not rejected is now in the sink.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The places in the batch, from 0, of rows that the sink had before, if it can tell.
    pub known: Vec<usize>,
    /// Rows that the sink will never take.
    pub rejected: Vec<Rejected>,
}

/// A row that a sink will never take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// The sink's reason.
    pub reason: String,
}
