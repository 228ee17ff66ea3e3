//! Where logs come from.

pub mod account;
pub mod ai_gateway;
pub mod envelope;
