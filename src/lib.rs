//! Copies the logs of Cloudflare AI Gateway into BigQuery or SQLite: every log, once.
//!
//! Pure functions decide, one short async loop acts, two thin hosts provide the world. Read in this order:
//!
//! 1. [`pass`]: the jobs, forward and backfill: read → write → remember.
//! 2. [`plan`]: what they decide with: where to read next, what to retry, when to stop.
//! 3. [`source`], [`log`]: what an API gives, and what becomes of it. [`record`]: a line of any table.
//! 4. [`sink`], [`google`]: where rows go.
//! 5. [`state`]: what is remembered between passes. [`alert`]: what somebody must know of it.
//! 6. [`event`], [`ingest`], [`query`], [`api`]: events in, and questions over events and logs. [`rollup`]: what they count
//!    once. [`removal`]: what goes away again.
//! 7. [`host`]: the platform: clock, network, storage. [`config`]: the settings.
//!
//! ARCHITECTURE.md holds the laws, and which file keeps each of them.

pub mod alert;
pub mod api;
pub mod config;
pub mod database;
pub mod envelope;
pub mod error;
pub mod event;
pub mod foreign;
pub mod google;
pub mod host;
pub mod ingest;
pub mod log;
pub mod pass;
pub mod plan;
pub mod query;
pub mod record;
pub mod removal;
pub mod rollup;
pub mod secret;
pub mod sink;
pub mod source;
pub mod state;
pub mod time;
pub mod wire;

#[cfg(not(target_arch = "wasm32"))]
pub mod cli;
#[cfg(not(target_arch = "wasm32"))]
pub mod simulator;
#[cfg(target_arch = "wasm32")]
pub mod worker;
