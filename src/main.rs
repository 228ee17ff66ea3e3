//! The command `aig-logs`.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    aig_logs::cli::main().await
}
