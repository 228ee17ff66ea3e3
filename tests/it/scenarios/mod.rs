//! Stories, each named by what it promises.

mod backfill;
mod bigquery;
mod budgets;
mod counted;
mod dead;
mod defects;
mod forward;
mod gateways;
mod lateness;
mod memory;
mod proven;
mod report;
mod rows;
mod source;
mod takeover;
mod verify;
