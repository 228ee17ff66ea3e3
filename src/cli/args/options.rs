//! The options that all commands have, and those that one of them would ignore.

use std::path::PathBuf;

use clap::{Args, CommandFactory, error::ErrorKind};

use crate::cli::{
    args::{
        Arguments, Command, Simulate, Stretch, Verify,
        values::{pages, sink, state},
    },
    files::target::State,
};
use crate::config::Destination;

/// The options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Options {
    /// Where rows go: sqlite[:PATH], bigquery or ndjson[:PATH]; more than once: to all of these
    /// [default: sqlite:aig-logs.sqlite]
    #[arg(long = "sink", global = true, value_name = "SINK", value_parser = sink)]
    pub sinks: Vec<Destination>,
    /// SQLite file that remembers how far the copy is; or kv: a deployed Worker's state, for status, verify, explain
    /// and dead-letters [default: the sink's own file, or aig-logs-state.sqlite]
    #[arg(long, global = true, value_name = "PATH|kv", value_parser = state)]
    pub state: Option<State>,
    /// File of settings; the environment wins over it. `simulate` writes it
    /// [default: .dev.vars, and the [vars] of wrangler.toml]
    #[arg(long, global = true, value_name = "PATH")]
    pub vars: Option<PathBuf>,
    /// Print results for programs to read
    #[arg(long, global = true)]
    pub json: bool,
    /// Print the rows, write and remember nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Pages of 50 entries that a pass may read of each gateway: a number, or auto
    #[arg(long, global = true, value_name = "N", value_parser = pages)]
    pub pages: Option<String>,
}

impl Options {
    /// Where rows go: into a SQLite file in this folder if nobody says.
    pub fn destinations(&self) -> Vec<Destination> {
        if self.sinks.is_empty() { vec![Destination::default()] } else { self.sinks.clone() }
    }
}

impl Arguments {
    /// Ends the program if the command would ignore a given option, and the user would not expect that. It also ends if
    /// two options contradict each other.
    pub fn refuse_idle_options(&self) {
        let conflict = self.idle_option().map(|words| (ErrorKind::ArgumentConflict, words));
        if let Some((kind, words)) = conflict.or(self.disorder().map(|words| (ErrorKind::ValueValidation, words))) {
            Self::command().error(kind, words).exit();
        }
    }

    fn idle_option(&self) -> Option<&'static str> {
        let Options { sinks, state, dry_run, pages, vars, json } = &self.options;
        let copies = *dry_run || pages.is_some();
        let (ignored, words) = match &self.command {
            Command::Demo(_) | Command::Simulate(_) | Command::Looker { .. } | Command::Estimate(_) => (
                !sinks.is_empty() || state.is_some() || copies,
                "demo, simulate, looker and estimate do not use --sink, --state, --dry-run or --pages",
            ),
            Command::DeadLetters { .. } => {
                (copies, "dead-letters does not use --dry-run or --pages; `aig-logs dead-letters show` prints the rows")
            }
            Command::Verify(_) | Command::Explain(_) => (
                copies,
                "verify and explain do not use --dry-run or --pages: they write nothing, except verify with --repair",
            ),
            Command::Setup(_) => (
                !sinks.is_empty() || state.is_some() || copies || vars.is_some() || *json,
                "setup does not use the options of every command: it works in this folder, with its own options",
            ),
            Command::Doctor | Command::Sql(_) => {
                (state.is_some() || copies, "doctor and sql do not use --state, --dry-run or --pages")
            }
            Command::Run { .. }
            | Command::Forward
            | Command::Backfill(_)
            | Command::Status
            | Command::Settings
            | Command::Completions { .. } => return None,
        };
        ignored.then_some(words)
    }

    fn disorder(&self) -> Option<&'static str> {
        let sinks = &self.options.sinks;
        if sinks.iter().enumerate().any(|(place, sink)| sinks[..place].contains(sink)) {
            return Some("the same --sink is given twice");
        }
        if sinks.len() > 1 && matches!(self.command, Command::Sql(_)) {
            return Some("sql is of one --sink at a time");
        }
        if let Command::Backfill(Stretch { from: Some(from), to: Some(to) })
        | Command::Verify(Verify { from: Some(from), to: Some(to), .. }) = &self.command
            && from >= to
        {
            return Some("--from must lie before --to");
        }
        if let Command::Simulate(Simulate { late_from, late_to, .. }) = &self.command
            && late_from > late_to
        {
            return Some("--late-from must not exceed --late-to");
        }
        None
    }
}
