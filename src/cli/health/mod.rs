//! Whether all is well, and numbers for Prometheus, over HTTP. The poller's are those of `aig-logs status`: what the state
//! says, and what its passes have reported since the program began.

pub mod cost;
pub mod listener;
pub mod poller;
pub mod problem;
pub mod server;
pub mod text;
