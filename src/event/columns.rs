//! The table of events.

use crate::record::{Column, Kind, Table};

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

/// Every column, in the order of the table. Small values come first: SQLite then reads them without what follows.
const COLUMNS: [Column; 19] = [
    column("org", Kind::Text),
    column("created_at", Kind::Instant),
    column("id", Kind::Text),
    column("name", Kind::Text),
    column("user_id", Kind::Text),
    column("session_id", Kind::Text),
    column("subject", Kind::Text),
    column("success", Kind::Bool),
    column("status_code", Kind::Integer),
    column("duration", Kind::Float),
    column("quantity", Kind::Float),
    column("unit", Kind::Text),
    column("sku", Kind::Text),
    column("cost", Kind::Float),
    column("error", Kind::Text),
    column("source", Kind::Text),
    column("ingested_at", Kind::Instant),
    column("metadata", Kind::Json),
    column("extra", Kind::Json),
];

/// The table of events. An event that is sent again has the same key, and changes nothing.
pub static EVENTS: Table = Table {
    name: "events_raw",
    columns: &COLUMNS,
    key: &["org", "created_at", "id"],
    id: "id",
    at: "created_at",
    version: None,
};
