//! Which month is reported, and how.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::{ask::Place, month::Month, values::month};

/// What a report is.
pub const HELP: &str = "\
Examples:
  aig-logs report                                the last month, by model and day
  aig-logs report --month 2026-11 --by team,user and by keys of the metadata
  aig-logs report --by team --output nov.html    a page in one file, to mail
  aig-logs report --month this --output now.csv  the month so far, every line
  aig-logs report --sink bigquery --json         of BigQuery, for programs

Months are of UTC. A month that still runs is reported through its last whole
hour, and compared with as much of the month before. ≥ stands before a sum that
lacks calls without a price, ~ before a change of such sums, and – where nothing
is known.";

/// A report of a month.
#[derive(Debug, Args)]
pub struct Report {
    /// The month: such as 2026-11, or this, or last
    #[arg(long, value_name = "MONTH", default_value = "last", value_parser = month)]
    pub month: Month,
    /// Keys by which the month is divided
    ///
    /// Beside the model: keys of the metadata, or fields such as user and gateway.
    #[arg(long, value_name = "KEY,…", value_delimiter = ',')]
    pub by: Vec<String>,
    /// How the report looks
    ///
    /// Without it: as the name of --output ends, else a table.
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    pub format: Option<Format>,
    /// Write the report into a file
    ///
    /// The file is replaced whole, or left as it is.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub place: Place,
}

/// How a report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables of at most 80 columns
    Table,
    /// Every line in one table
    Csv,
    /// A page in one file, to mail or to print
    Html,
}
