//! A file or a folder for each thing that the command does.

pub mod alerts;
pub mod ask;
pub mod dead_letters;
pub mod doctor;
pub mod erase;
pub mod estimate;
pub mod explain;
pub mod keys;
pub mod looker;
pub mod manual;
pub mod prices;
pub mod report;
pub mod run;
pub mod send;
pub mod serve;
pub mod settings;
pub mod setup;
pub mod simulate;
pub mod sql;
pub mod standing;
pub mod status;
pub mod verify;
