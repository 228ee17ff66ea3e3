//! What can go wrong: which calls can fail, and in which ways.

pub mod plan;
pub(in crate::simulator) mod struck;

use std::collections::BTreeSet;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// The endpoints whose calls can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// Cloudflare's list of gateways.
    Gateways,
    /// Cloudflare's list of a gateway's logs.
    List,
    /// Google's token endpoint.
    Token,
    /// BigQuery's `insertAll`.
    Insert,
    /// D1's `query`.
    Database,
}

/// Which calls of an endpoint, counted from 1 since the rule was added.
#[derive(Clone, Debug)]
pub enum When {
    /// Every call.
    Always,
    /// One call.
    Nth(u64),
    /// Several calls.
    Among(BTreeSet<u64>),
    /// The nth call, the 2nth, and so on.
    Every(u64),
    /// Each call with this chance, 0 to 1.
    Chance(f64),
}

/// A fault: it replaces the usual answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The call is neither carried out nor answered.
    Silence,
    /// The call is carried out, but not answered.
    SilenceAfter,
    /// The call is refused, and not carried out.
    Refuse(Refusal),
    /// The call is carried out, but the answer is a refusal.
    RefuseAfter(Refusal),
    /// The call is carried out, but the answer ends in the middle.
    Truncate,
    /// The call is carried out, but this member of the answer has another value.
    Replace(&'static str, Value),
    /// The page shows its first entry twice.
    RepeatEntry,
    /// This many of the gateway's oldest entries are deleted before the call is answered.
    DeleteOldest(usize),
    /// Entries with these ids are deleted before the call is answered.
    Delete(Vec<String>),
}

/// Ways to refuse a call.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// 429 with `retry-after` in seconds.
    TooManyRequests(u32),
    /// A status with the endpoint's own form of error.
    Status(u16),
    /// A status with an HTML page, as a proxy or front end sends it, for example 413.
    Html(u16),
    /// A status without a body.
    Empty(u16),
    /// 200 with `"success": false`.
    Unsuccessful,
    /// 400 whose errors have a message, but no code.
    Codeless,
    /// 403 with one of Google's reasons: `quotaExceeded`, `rateLimitExceeded`, `accessDenied`, `billingNotEnabled`.
    Forbidden(&'static str),
    /// 200 of `insertAll` that names only the first row, with this reason. No row is kept.
    OneRow(&'static str),
}

impl When {
    /// Whether the rule strikes the call of this number.
    pub(in crate::simulator) fn holds(&self, call: u64, rng: &mut ChaCha8Rng) -> bool {
        match self {
            Self::Always => true,
            Self::Nth(nth) => call == *nth,
            Self::Among(calls) => calls.contains(&call),
            Self::Every(n) => call.is_multiple_of(*n),
            Self::Chance(chance) => rng.gen_bool(chance.clamp(0.0, 1.0)),
        }
    }
}

impl Fault {
    /// The kind by which the fault is counted.
    pub(in crate::simulator) fn kind(&self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::SilenceAfter => "silence_after_doing",
            Self::Refuse(refusal) => refusal.kind(),
            Self::RefuseAfter(_) => "refused_after_doing",
            Self::Truncate => "truncated_answer",
            Self::Replace(..) => "altered_answer",
            Self::RepeatEntry => "repeated_entry",
            Self::DeleteOldest(_) | Self::Delete(_) => "deleted_entries",
        }
    }
}

impl Refusal {
    fn kind(&self) -> &'static str {
        match self {
            Self::TooManyRequests(_) => "too_many_requests",
            Self::Status(500..) => "server_error",
            Self::Status(_) => "client_error",
            Self::Html(_) => "html_page",
            Self::Empty(_) => "empty_answer",
            Self::Unsuccessful => "unsuccessful",
            Self::Codeless => "error_without_code",
            Self::Forbidden("quotaExceeded" | "rateLimitExceeded") => "quota_exceeded",
            Self::Forbidden(_) => "forbidden",
            Self::OneRow(_) => "rows_not_taken",
        }
    }
}
