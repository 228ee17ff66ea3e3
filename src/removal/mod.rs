//! What goes away again: the rows of a user who is erased.

pub mod erase;
