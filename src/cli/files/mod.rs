//! The files of a poller: where rows and state are, how they are opened, and who holds them.

pub mod events;
pub mod guard;
pub mod hold;
pub mod lines;
pub mod names;
pub mod open;
pub mod passes;
pub mod rows;
pub mod state;
pub mod target;
