//! Stories, each named by what it promises.

mod backfill;
mod bigquery;
mod budgets;
mod counted;
mod dead;
mod defects;
mod explain;
mod forward;
mod gateways;
mod history;
mod insert_answers;
mod large;
mod lateness;
mod long_calls;
mod memory;
mod poison;
mod privacy;
mod prove;
mod proven;
mod report;
mod rows;
mod runs;
mod secrets;
mod source;
mod takeover;
mod verify;
