//! Tests from outside the library, in one binary.
#![cfg(test)]

mod peer;
mod tidy;
