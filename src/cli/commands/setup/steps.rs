//! What became of each step, a line each.

use std::{cell::Cell, fmt::Display};

use crate::cli::{
    failure::{self, Failure},
    show,
};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It was done now.
    Done,
    /// There was nothing to do.
    There,
    /// It is left for a person.
    Left,
}

impl Mark {
    fn sign(self) -> char {
        match self {
            Self::Done => '✓',
            Self::There => '=',
            Self::Left => '!',
        }
    }
}

/// The steps so far.
#[derive(Debug, Default)]
pub struct Steps {
    left: Cell<bool>,
}

impl Steps {
    /// Tells of one.
    pub fn tell(&self, mark: Mark, what: impl Display) -> Result<(), Failure> {
        if mark == Mark::Left {
            self.note_left();
        }
        show::print(&format!("{} {what}", mark.sign()))
    }

    /// Tells more of the last one, a line each.
    pub fn add(lines: &str) -> Result<(), Failure> {
        show::print(&failure::indented(&lines))
    }

    /// Remembers one that is left for a person, and that somebody else has told of.
    pub fn note_left(&self) {
        self.left.set(true);
    }

    /// Whether any is left for a person.
    pub fn any_left(&self) -> bool {
        self.left.get()
    }
}
