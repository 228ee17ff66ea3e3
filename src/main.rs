//! The command `aig-logs`: arguments in, an exit code out.

use std::process::ExitCode;

use aig_logs::cli::{self, args::Arguments};
use clap::Parser;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cli::main(Arguments::parse()).await.into()
}
