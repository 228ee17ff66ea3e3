//! Tests from outside the library, in one binary.
#![cfg(test)]

mod circles;
mod cli;
mod dotenv;
mod events;
mod faults;
mod metrics;
mod peer;
mod process;
mod properties;
mod questions;
mod scenarios;
mod secrets;
mod sinks;
mod templates;
mod terminal;
mod tidy;
mod views;
mod worker;
mod world;
