//! Answers from what is counted once: which hours and days are counted, and the statements over them and over raw rows of the
//! others.

mod closed;
mod groups;
mod keys;
mod pieces;
mod user_days;
mod users;

pub use self::{closed::Closed, groups::Plan, keys::KeyPlan, pieces::Pieces, user_days::UserDayPlan, users::UserPlan};
