//! The events API in process: one SQLite database in memory, a clock that stands, and calls that fail if a test wants. And on
//! this machine: a file, a server, and the commands beside it.

mod api;
mod damage;
mod database;
mod faults;
mod keys;
mod keys_command;
mod kill;
mod private;
mod properties;
mod reading;
mod send;
mod serve;
pub mod served;
mod tenants;
mod world;
