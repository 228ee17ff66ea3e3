//! The options that all commands have.

use std::path::{self, Path, PathBuf};

use clap::Args;

use crate::{
    cli::args::{
        state::State,
        values::{pages, sink, state},
    },
    config::Destination,
};

/// The options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of most commands")]
pub struct Options {
    /// Where rows go [default: sqlite:aig-logs.sqlite]
    #[arg(long = "sink", global = true, value_name = "SINK", value_parser = sink, long_help = sinks_help())]
    pub sinks: Vec<Destination>,
    /// Where it is remembered how far the copy is
    ///
    /// A SQLite file; or kv: a deployed Worker's state, for status, verify, explain and dead-letters. [default:
    /// the sink's own file, or aig-logs-state.sqlite]
    #[arg(long, global = true, value_name = "PATH|kv", value_parser = state)]
    pub state: Option<State>,
    /// File of settings
    ///
    /// The environment wins over it. `simulate` writes it. [default: .dev.vars, and the [vars] of wrangler.toml]
    #[arg(long, global = true, value_name = "PATH")]
    pub vars: Option<PathBuf>,
    /// Print results for programs to read
    #[arg(long, global = true)]
    pub json: bool,
    /// Print the rows, write and remember nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Pages that a pass may read of each gateway
    ///
    /// A number of pages of 50 entries, or auto.
    #[arg(long, global = true, value_name = "N", value_parser = pages)]
    pub pages: Option<String>,
}

impl Options {
    /// Where rows go: into a SQLite file in this folder if nobody says.
    pub fn destinations(&self) -> Vec<Destination> {
        if self.sinks.is_empty() { vec![Destination::default()] } else { self.sinks.clone() }
    }

    /// The state that `--state` and `--sink` together mean.
    pub fn state(&self) -> State {
        self.state.clone().unwrap_or_else(|| {
            let destinations = self.destinations();
            // The order of the sinks means nothing.
            let file =
                destinations.iter().filter_map(Destination::sqlite_file).min_by_key(|path| path::absolute(path).ok());
            State::File(file.map_or_else(|| "aig-logs-state.sqlite".into(), Path::to_owned))
        })
    }
}

fn sinks_help() -> String {
    format!("Where rows go: {}; more than once: to all of these [default: sqlite:aig-logs.sqlite]", Destination::FORMS)
}
