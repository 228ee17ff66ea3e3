//! Writes each row as a JSON object in a line of its own, for pipes, and to look at rows before writing them elsewhere.

use std::{
    cell::RefCell,
    io::{ErrorKind, Write},
};

use super::{
    Outcome, Sink,
    place::{Place, moved},
};
use crate::{
    error::CallError,
    log::columns::LOGS,
    record::{Record, Table},
};

/// A sink of JSON lines. Lines that its writer has taken and flushed count as durable.
#[derive(Debug)]
pub struct Ndjson<W> {
    writer: RefCell<W>,
    /// None: the lines go into no file that could leave its place.
    place: Option<Place>,
}

impl<W: Write> Ndjson<W> {
    /// A sink that writes to `writer`.
    pub fn new(writer: W) -> Self {
        Self { writer: RefCell::new(writer), place: None }
    }

    /// The same sink, for a file that must stay in its place: lines written elsewhere are not acknowledged.
    #[must_use]
    pub fn in_place(self, place: Option<Place>) -> Self {
        Self { place, ..self }
    }

    /// Where its file is.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
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
        let mut writer = self.writer.borrow_mut();
        let written = encoded.and_then(|()| writer.write_all(&lines)).and_then(|()| writer.flush());
        written.map_err(|error| {
            if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::Interrupted) {
                return CallError::Silent("the reader of the output has not read every row".into());
            }
            let place = self.place.as_ref().map(|place| format!(": {}", place.path().display())).unwrap_or_default();
            let full = if error.kind() == ErrorKind::StorageFull { "the disk is full: " } else { "" };
            CallError::denied(format!("{full}{error}"), format!("Check that there is room where the rows go{place}"))
        })?;
        // Lines in a file that nobody will find are not written: the cursor must not move past them.
        match &self.place {
            Some(place) if !place.holds() => Err(moved(place)),
            Some(_) | None => Ok(Outcome::default()),
        }
    }
}
