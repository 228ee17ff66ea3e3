//! Why a command could not be carried out, and what its exit code says of it.

use std::{fmt::Display, io, process::ExitCode};

use thiserror::Error;

use crate::{config::ConfigError, error::CallError};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: it failed, and may pass by itself.
    Later,
    /// 2: somebody must act.
    Person,
    /// So many checks have failed.
    Checks(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Later => Self::from(1),
            Exit::Person => Self::from(2),
            Exit::Checks(failed) => Self::from(failed),
        }
    }
}

/// Why a command could not be carried out.
#[derive(Debug, Error)]
pub enum Failure {
    /// The settings do not make a poller.
    #[error(
        "the settings cannot be used:\n{}\nSet them in the environment, in .dev.vars or in [vars] of wrangler.toml (another \
         file: --vars); `aig-logs help settings` explains each",
        indented(.0)
    )]
    Settings(#[from] ConfigError),
    /// Something on this machine is not as it must be.
    #[error("{action}: {problem}. {hint}")]
    Denied {
        /// What the program was doing.
        action: String,
        /// What went wrong.
        problem: String,
        /// What a person can do.
        hint: String,
    },
    /// A call failed that belongs to no pass.
    #[error("{action}: {error}")]
    Call {
        /// What the program was doing.
        action: String,
        /// Why it could not.
        error: CallError,
    },
    /// A pass of the demo failed, or a part of the state that `status` reads.
    #[error("{}", .0.chain())]
    Core(#[from] crate::error::Error),
    /// The reader of the output is gone, so there is nobody to tell.
    #[error("nobody reads the output")]
    Unread,
}

impl Failure {
    /// A failure that a person must repair.
    pub fn denied(action: impl Into<String>, problem: impl Display, hint: impl Into<String>) -> Self {
        Self::Denied { action: action.into(), problem: problem.to_string(), hint: hint.into() }
    }

    /// A call that failed.
    pub fn call(action: impl Into<String>, error: CallError) -> Self {
        Self::Call { action: action.into(), error }
    }

    /// The platform refuses to start.
    pub fn host(error: &CallError) -> Self {
        Self::Denied { action: "starting".into(), problem: error.to_string(), hint: "Nothing was changed".into() }
    }

    /// Output that could not be written.
    pub fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Unread;
        }
        Self::denied("printing", error, "Check where the output goes")
    }

    /// What went wrong, without the hint.
    pub fn problem(&self) -> String {
        match self {
            Self::Settings(problems) => problems.to_string(),
            Self::Denied { .. } | Self::Call { .. } | Self::Core(_) | Self::Unread => self.to_string(),
        }
    }

    /// The same in one line, for a list of what could not be asked.
    pub fn one_line(&self) -> String {
        self.problem().lines().collect::<Vec<_>>().join("; ")
    }

    /// What the exit code says.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Core(error) if error.is_transient() => Exit::Later,
            Self::Call { error, .. } if error.is_transient() => Exit::Later,
            Self::Settings(_) | Self::Denied { .. } | Self::Call { .. } | Self::Core(_) => Exit::Person,
            Self::Unread => Exit::Done,
        }
    }
}

/// The lines of a message, moved in.
pub fn indented(message: &impl Display) -> String {
    let lines: Vec<_> = message.to_string().lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}
