//! Questions over events and logs: each answer is what plain loops compute from the same rows.

mod answers;
mod examples;
mod loops;
mod rows;
mod seeds;
