//! A log: the entry as the API gives it, and its row.

pub mod columns;
pub mod entry;
pub mod metadata;
pub mod privacy;
pub mod raw;
mod row;
pub mod tame;
