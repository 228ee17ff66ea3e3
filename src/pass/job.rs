//! The jobs.

use std::fmt;

/// What a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// From the cursor to the present.
    Forward,
    /// From the oldest entry delivered back to the first one.
    Backfill,
    /// An explicit range.
    Range,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forward => "forward",
            Self::Backfill => "backfill",
            Self::Range => "range",
        })
    }
}
