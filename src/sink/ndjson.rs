//! Writes each row as a JSON object in a line of its own, for pipes, and to look at rows before writing them elsewhere.

use std::{
    cell::RefCell,
    io::{ErrorKind, Write},
};

use super::{Outcome, Sink};
use crate::{
    error::CallError,
    log::columns::LOGS,
    record::{Record, Table},
};

/// A sink of JSON lines. Lines that its writer has taken and flushed count as durable.
#[derive(Debug)]
pub struct Ndjson<W>(RefCell<W>);

impl<W: Write> Ndjson<W> {
    /// A sink that writes to `writer`.
    pub fn new(writer: W) -> Self {
        Self(RefCell::new(writer))
    }
}

impl<W: Write> Sink for Ndjson<W> {
    fn name(&self) -> &'static str {
        "NDJSON"
    }

    fn batch(&self) -> usize {
        500
    }

    /// The lines are rows of logs, and of no other table.
    fn keeps(&self, table: &Table) -> bool {
        *table == LOGS
    }

    async fn write(&self, rows: &[Record]) -> Result<Outcome, CallError> {
        let mut lines = Vec::new();
        let encoded = rows.iter().try_for_each(|row| {
            serde_json::to_writer(&mut lines, row)?;
            lines.write_all(b"\n")
        });
        let mut writer = self.0.borrow_mut();
        let written = encoded.and_then(|()| writer.write_all(&lines)).and_then(|()| writer.flush());
        written.map_err(|error| {
            if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::Interrupted) {
                return CallError::Silent("the reader of the output has not read every row".into());
            }
            CallError::denied(error.to_string(), "Check that there is room where the rows go")
        })?;
        Ok(Outcome::default())
    }
}
