//! An event: something that the application did. Five dialects become one record of [`EVENTS`], by tables and pure
//! functions.

mod address;
mod columns;
mod json;
mod key;
mod metadata;
mod place;
mod point;
mod read;
mod receipt;
mod subject;
mod withhold;

pub mod names;

pub use self::{
    columns::EVENTS,
    json::{Json, Members},
    place::LARGEST_NUMBER,
    point::of_point,
    read::read,
    receipt::{Receipt, Refusal, Way},
    withhold::withhold,
};
