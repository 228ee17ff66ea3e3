//! A log: what the API gives, and the row that it becomes.

pub mod columns;
pub mod entry;
pub mod metadata;
pub mod privacy;
pub mod raw;
mod row;
