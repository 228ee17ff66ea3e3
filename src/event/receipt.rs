//! What is known of an event beside its fields, and why it may be refused.

use thiserror::Error;

use crate::time::Timestamp;

/// How an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A request.
    Http,
    /// A request of `aig-logs send`.
    Cli,
    /// A method over a service binding.
    Rpc,
    /// `send` over a service binding, as to a stream.
    Stream,
    /// `writeDataPoint` over a service binding, as to Analytics Engine.
    Point,
    /// This program's own record of who asked what. No sender can give it.
    Access,
}

impl Way {
    /// The value of the column `source`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Cli => "cli",
            Self::Rpc => "rpc",
            Self::Stream => "stream",
            Self::Point => "point",
            Self::Access => "access",
        }
    }
}

/// What is known of an event beside its fields.
#[derive(Debug, Clone, Copy)]
pub struct Receipt<'a> {
    /// When it was received, UTC.
    pub at: Timestamp,
    /// How it came.
    pub way: Way,
    /// The org of the sender's key; none: a sender that may write for all orgs.
    pub org: Option<&'a str>,
    /// The text of `Idempotency-Key`.
    pub idempotency_key: Option<&'a str>,
    /// Its place in the batch, from 0.
    pub place: usize,
    /// 80 random bits for the id of an event that has none.
    pub random: u128,
}

/// Why an event is not taken, as a sentence. It holds no value of the event, which may be private.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It names another org than its key's.
    #[error("the event names another org than its key's")]
    OtherOrg,
    /// Any other reason. It names the limit, and the setting if there is one.
    #[error("{0}")]
    Reason(String),
}

impl Refusal {
    /// A refusal for this reason.
    pub(super) fn of(reason: impl Into<String>) -> Self {
        Self::Reason(reason.into())
    }
}
