//! Stories, each named by what it promises.

mod backfill;
mod budgets;
mod counted;
mod forward;
mod gateways;
mod source;
