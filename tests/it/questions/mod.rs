//! Questions over events and logs: each answer is what plain loops compute from the same rows.

mod answers;
mod asked;
mod counted;
mod counting;
mod dialects;
mod examples;
mod histories;
mod loops;
mod pipeline;
mod prices;
mod rows;
mod seeds;
mod texts;
