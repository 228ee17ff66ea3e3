//! The events API on this machine: a file, a server, and the commands beside it.

mod database;
mod doctor;
mod erase;
mod health;
mod keys;
mod kill;
mod prices;
mod retention;
mod send;
mod serve;
pub mod served;
