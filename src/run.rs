//! One line of the table `aig_runs`: what a pass did, kept beside the logs, so that one dashboard shows the pipeline's
//! health too.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::row::{Cell, Kind};

/// The table, in the dataset of the raw table and in every SQLite file.
pub const TABLE: &str = "aig_runs";

/// Every column, in the order of the table.
pub const COLUMNS: &[(&str, Kind)] = &[
    ("run", Kind::Text),
    ("started", Kind::Instant),
    ("finished", Kind::Instant),
    ("job", Kind::Text),
    ("verdict", Kind::Text),
    ("entries", Kind::Integer),
    ("rows_written", Kind::Integer),
    ("known", Kind::Integer),
    ("rejected", Kind::Integer),
    ("late", Kind::Integer),
    ("pages", Kind::Integer),
    ("counts", Kind::Integer),
    ("calls", Kind::Integer),
    ("lag_ms", Kind::Integer),
    ("lateness_p50_ms", Kind::Integer),
    ("lateness_p95_ms", Kind::Integer),
    ("error", Kind::Text),
    ("version", Kind::Text),
];

/// One line of the table: a cell for each of [`COLUMNS`].
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id, which the first cell repeats.
    pub id: String,
    /// The values, in the order of [`COLUMNS`].
    pub cells: [Cell; COLUMNS.len()],
}

/// A run is written as an object of its cells; nulls are left out, as in a row.
impl Serialize for Run {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for ((name, _), cell) in COLUMNS.iter().zip(&self.cells) {
            if *cell != Cell::Null {
                object.serialize_entry(name, cell)?;
            }
        }
        object.end()
    }
}
