//! Decisions: no await, no I/O, no clock; `now` is an argument.

pub mod ahead;
pub mod batch;
pub mod budget;
pub mod cursor;
pub mod instant;
pub mod lateness;
pub mod pace;
pub mod peak;
pub mod retry;
pub mod segments;
pub mod slots;
