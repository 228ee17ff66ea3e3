//! Stories, each named by what it promises.

mod backfill;
mod bigquery;
mod budgets;
mod clock;
mod counted;
mod dead;
mod defects;
mod explain;
mod forward;
mod gateways;
mod history;
mod lateness;
mod long_calls;
mod memory;
mod privacy;
mod prove;
mod proven;
mod report;
mod rows;
mod runs;
mod source;
mod takeover;
mod verify;
