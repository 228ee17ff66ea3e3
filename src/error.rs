//! Errors answer one question: who acts? The next tick, or a person.

use std::time::Duration;

use thiserror::Error;

use crate::{
    config::ConfigError,
    foreign::clean,
    time::{self, Timestamp},
};

/// Why an outside call failed. Each variant tells what the caller does next. Variants hold foreign texts as they came;
/// the messages show them clean.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// No connection, or no whole answer in time. Whether the other side acted is not known.
    #[error("no answer: {}", clean(.0))]
    Silent(String),
    /// The pass's own budget or the platform allows no further call.
    #[error("no further call is allowed: {}", clean(.0))]
    Refused(String),
    /// Too many requests. `wait` is the wait that the other side asks for.
    #[error("asked to slow down: {}", clean(.message))]
    Throttled {
        /// The other side's words.
        message: String,
        /// `retry-after`, if it was sent.
        wait: Option<Duration>,
    },
    /// The other side failed: a 5xx, a page of HTML, half a document.
    #[error("the other side failed: {}", clean(.0))]
    Broken(String),
    /// The answer is larger than the program reads. Fewer entries make a smaller answer.
    #[error("the answer is larger than {} MiB", .most >> 20)]
    TooLarge {
        /// The most bytes that are read of an answer.
        most: usize,
        /// The beginning of the answer.
        beginning: Vec<u8>,
    },
    /// The other side understood the call, and refuses it. Asking again does not help; `hint` tells what does.
    #[error("{}. {hint}", clean(.message))]
    Denied {
        /// The other side's words, or the fault of its answer.
        message: String,
        /// What a person can do, with the name of the setting.
        hint: String,
    },
}

impl CallError {
    /// A refusal that a person must deal with.
    #[must_use]
    pub fn denied(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Denied { message: message.into(), hint: hint.into() }
    }

    /// The error of a call that the Workers runtime ended with an exception. The runtime tells its own limits only by
    /// their words.
    #[must_use]
    pub fn thrown(words: &str) -> Self {
        let limits = ["too many subrequests", "too many api requests"];
        let lower = words.to_ascii_lowercase();
        let refused = limits.iter().any(|limit| lower.contains(limit));
        if refused { Self::Refused(words.to_owned()) } else { Self::Silent(words.to_owned()) }
    }

    /// Whether the next tick may succeed without a person's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Silent(_) | Self::Refused(_) | Self::Throttled { .. } | Self::Broken(_) | Self::TooLarge { .. } => {
                true
            }
            Self::Denied { .. } => false,
        }
    }
}

/// Why a store failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The store failed. The next tick may always succeed: a store never refuses by itself.
    #[error("{}", clean(.0))]
    Failed(String),
    /// The store is called over an API, and the call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl StoreError {
    /// Whether the next tick may succeed without a person's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Failed(_) => true,
            Self::Call(error) => error.is_transient(),
        }
    }

    /// The error of a pass that was `loading`, `saving`, `listing` or `deleting` the value under a key.
    #[must_use]
    pub fn during(self, action: &'static str, key: impl Into<String>) -> Error {
        Error::Store { action, key: key.into(), error: self }
    }
}

/// Why a pass, or a part of it, failed: the message tells what it was doing, and the source what went wrong.
#[derive(Debug, Error)]
pub enum Error {
    /// The settings cannot be used.
    #[error("reading the settings")]
    Config(#[from] ConfigError),
    /// `AIG_GATEWAY_ID` is `*`, and the account's gateways could not be listed.
    #[error("listing the account's gateways")]
    Gateways(#[source] CallError),
    /// A page of logs could not be read.
    #[error("reading the logs of gateway {}", clean(.gateway))]
    Source {
        /// Gateway id.
        gateway: String,
        /// The cause.
        #[source]
        error: CallError,
    },
    /// A batch could not be written. Nothing of it is remembered.
    #[error("writing rows to {sink}")]
    Sink {
        /// The sink's name.
        sink: &'static str,
        /// The cause.
        #[source]
        error: CallError,
    },
    /// The table could not be asked which rows it has.
    #[error("asking {sink} for its rows")]
    Table {
        /// The sink's name.
        sink: &'static str,
        /// The cause.
        #[source]
        error: CallError,
    },
    /// A stored value could not be read, written or deleted.
    #[error("{action} the state under key {}", clean(.key))]
    Store {
        /// `loading`, `saving`, `listing` or `deleting`.
        action: &'static str,
        /// The key.
        key: String,
        /// The cause.
        #[source]
        error: StoreError,
    },
    /// A cursor is later than the clock. Until the clock reaches it, no pass would read anything.
    #[error(
        "the cursor of gateway {gateway} under key {key} is later than this machine's clock: {}. Nothing was changed. \
         Check the clock. If the clock is right, replace the cursor by an instant up to which every log is delivered, \
         or delete the key. The program may then copy some logs again; readers see each log once",
        time::text(*at)
    )]
    Ahead {
        /// The key.
        key: &'static str,
        /// Gateway id.
        gateway: String,
        /// The instant of the cursor, UTC.
        at: Timestamp,
    },
    /// This program does not write stored values of this form. Such a value is never overwritten by a fresh start.
    #[error(
        "the state under key {} {}. Nothing was changed. Use the version of the program that wrote the value. Or keep \
         a copy of the value and delete the key: the program then starts without it",
        clean(.key),
        clean(.problem)
    )]
    State {
        /// The key.
        key: String,
        /// The problem of the value.
        problem: String,
    },
}

impl Error {
    /// The error for a value of the state that has no JSON form. It never occurs in practice.
    #[must_use]
    pub fn unwritable(key: &str, error: &serde_json::Error) -> Self {
        Self::State { key: key.into(), problem: format!("cannot be written ({error})") }
    }

    /// Whether the next tick may succeed without a person's help: exit code 1, or else 2.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Gateways(error)
            | Self::Source { error, .. }
            | Self::Sink { error, .. }
            | Self::Table { error, .. } => error.is_transient(),
            Self::Store { error, .. } => error.is_transient(),
            Self::Config(_) | Self::Ahead { .. } | Self::State { .. } => false,
        }
    }

    /// The whole chain of errors in one line, the outermost first.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            line.push_str(": ");
            line.push_str(&error.to_string());
            source = error.source();
        }
        if let Some(address) = self.silent_address() {
            line.push_str(". Check the network, and the address in ");
            line.push_str(address);
        }
        line
    }

    /// The settings that say where the other side is, if it gave no answer.
    fn silent_address(&self) -> Option<&'static str> {
        let cloudflare = Some("CLOUDFLARE_BASE_URL");
        match self {
            Self::Gateways(CallError::Silent(_))
            | Self::Source { error: CallError::Silent(_), .. }
            | Self::Store { error: StoreError::Call(CallError::Silent(_)), .. } => cloudflare,
            Self::Sink { sink, error: CallError::Silent(_) } | Self::Table { sink, error: CallError::Silent(_) } => {
                match *sink {
                    "BigQuery" => Some("GCP_TOKEN_URI and BIGQUERY_EMULATOR_HOST, if they are set"),
                    "D1" => cloudflare,
                    _ => None,
                }
            }
            Self::Config(_)
            | Self::Gateways(_)
            | Self::Source { .. }
            | Self::Sink { .. }
            | Self::Table { .. }
            | Self::Store { .. }
            | Self::Ahead { .. }
            | Self::State { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CallError, Error, StoreError};

    #[test]
    fn silence_names_the_setting_of_the_address() {
        let silent = || CallError::Silent("connection refused".into());
        let check = |error: Error, named: &str| {
            assert_eq!(
                error.chain().split_once(". Check the network, and the address in ").map_or("", |(_, named)| named),
                named
            );
        };
        check(Error::Gateways(silent()), "CLOUDFLARE_BASE_URL");
        check(Error::Source { gateway: "main".into(), error: silent() }, "CLOUDFLARE_BASE_URL");
        check(StoreError::from(silent()).during("loading", "forward"), "CLOUDFLARE_BASE_URL");
        check(Error::Sink { sink: "D1", error: silent() }, "CLOUDFLARE_BASE_URL");
        check(
            Error::Sink { sink: "BigQuery", error: silent() },
            "GCP_TOKEN_URI and BIGQUERY_EMULATOR_HOST, if they are set",
        );
        check(Error::Sink { sink: "NDJSON", error: silent() }, "");
        check(Error::Gateways(CallError::Broken("502".into())), "");
    }

    #[test]
    fn the_platforms_own_limits_are_told_from_silence() {
        let check = |words: &str, refused| {
            assert_eq!(
                matches!(CallError::thrown(words), CallError::Refused(said) if said == words),
                refused,
                "{words}"
            );
        };
        check("Error: Too many subrequests.", true);
        check("Error: Too many subrequests by single Worker invocation. To configure this limit, refer to …", true);
        check("Error: Too many API requests by single worker invocation.", true);
        check("Error: Network connection lost.", false);
        check("TimeoutError: The operation was aborted due to timeout", false);
    }
}
