//! The jobs: read → write → remember. One pass is one tick of the clock, or one command.

pub mod audit;
mod backfill;
mod context;
mod copy;
mod cursors;
pub mod dead;
mod forward;
mod gateways;
mod job;
mod pace;
mod record;
mod report;

pub use self::{
    backfill::{backfill, range},
    context::{Context, Platform},
    forward::forward,
    gateways::gateways,
    job::Job,
    record::RUNS,
    report::{Completion, GatewayReport, Report},
};
