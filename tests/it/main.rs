//! Tests from outside the library, in one binary.
#![cfg(test)]

mod cli;
mod peer;
mod tidy;
