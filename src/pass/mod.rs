//! The jobs: read → write → remember. One pass is one tick, or one command.

pub mod audit;
mod backfill;
mod context;
mod copy;
mod cursors;
pub mod dead;
mod forward;
mod frame;
mod gateways;
mod job;
mod pace;
mod report;
mod tell;

pub use self::{
    backfill::{backfill, range},
    context::{Context, Platform},
    forward::forward,
    gateways::gateways,
    job::Job,
    report::{Completion, GatewayReport, Report, runs::RUNS},
};
