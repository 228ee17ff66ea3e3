//! A database with SQLite's dialect: a file, or D1. Both run the same statements on the same tables.

#[cfg(target_arch = "wasm32")]
pub mod d1;
mod list;
mod refusal;
#[cfg(not(target_arch = "wasm32"))]
pub mod rest;
#[cfg(not(target_arch = "wasm32"))]
pub mod sqlite;
mod write;

use std::{borrow::Cow, time::Duration};

use serde_json::{Map, Value};

pub use self::{
    list::lists,
    refusal::{is_of_values, told},
    write::{upsert, upsert_of, upsert_of_json},
};
use crate::{
    error::CallError,
    record::{Cell, Record},
};

/// A database with SQLite's dialect.
#[expect(async_fn_in_trait, reason = "a host picks the database, and knows whether its futures are Send")]
pub trait Database {
    /// Runs statements in their order, in one transaction: all of them are committed durably, or none.
    ///
    /// # Errors
    /// If this is not certain. The same statements can be run again, because a repeated write changes nothing.
    async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Done>, CallError>;

    /// The most rows that a question may read. D1 ends a statement after 30 seconds.
    fn most_read(&self) -> u64 {
        2_000_000
    }

    /// Runs one statement that only reads.
    ///
    /// # Errors
    /// If the database does not answer.
    async fn query(&self, text: &str, values: Vec<Cell>) -> Result<Vec<Map<String, Value>>, CallError>;

    /// Runs one statement that only reads and may read much: a question. It does not keep others waiting.
    ///
    /// # Errors
    /// If the database does not answer, or [`CallError::Throttled`] if the statement takes too long.
    async fn ask(&self, text: &str, values: Vec<Cell>) -> Result<Vec<Map<String, Value>>, CallError> {
        self.query(text, values).await
    }

    /// Leaves no bytes of deleted rows in a file, nor beside it. What D1 keeps is its own affair.
    ///
    /// # Errors
    /// If some may be left.
    async fn wipe(&self) -> Result<(), CallError> {
        Ok(())
    }
}

/// How long a question may take.
const LONGEST: Duration = Duration::from_secs(10);

/// A question was ended because it took longer than this.
fn late(longest: Duration) -> CallError {
    CallError::Throttled { message: format!("the question takes longer than {} s", longest.as_secs()), wait: None }
}

/// One statement of a transaction.
#[derive(Debug, Clone)]
pub enum Statement {
    /// A statement, and the values of `?1`, `?2` and so on. It may return lines (`RETURNING`).
    Sql(Cow<'static, str>, Vec<Cell>),
    /// Records of one table to write. A record whose key is there is left alone, or replaces the older one if the table
    /// has a version.
    Write(Vec<Record>),
}

/// The effect of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Lines of tables that are new or different now.
    pub changed: u64,
    /// Rows written as D1 bills them, lines of indexes included.
    pub rows_written: u64,
    /// The lines that the statement returns.
    pub rows: Vec<Map<String, Value>>,
}
