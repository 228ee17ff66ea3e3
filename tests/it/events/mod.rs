//! The events API in process: one SQLite database in memory, a clock that stands, and calls that fail if a test wants.

mod access;
mod api;
mod damage;
mod erase;
mod faults;
mod keys;
pub mod native;
mod openapi;
mod private;
mod properties;
mod queue;
mod queued;
mod reading;
mod retention;
mod tenants;
pub mod world;
