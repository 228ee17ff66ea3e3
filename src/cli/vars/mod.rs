//! Settings on this machine: from the environment, from files, and whether they can be trusted together.

pub mod dotenv;
pub(super) mod events_worker;
pub(super) mod help;
pub(super) mod names;
pub(super) mod namespaces;
pub(super) mod setting_files;
pub(super) mod settings;
pub(super) mod trust;
