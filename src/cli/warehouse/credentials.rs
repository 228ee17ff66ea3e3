//! Signs in to Google for an operator who makes or checks tables: as the person at this terminal, and not as the
//! poller's service account, which may insert rows and nothing else.

use std::{
    env,
    process::{Command, Stdio},
};

use crate::{cli::failure::Failure, secret::Secret};

/// A token that somebody else has fetched. Terraform's Google provider reads the same name.
const TOKEN: &str = "GOOGLE_OAUTH_ACCESS_TOKEN";

const ACTION: &str = "signing in to Google";

const HINT: &str = "Log in with `gcloud auth login`, or set GOOGLE_OAUTH_ACCESS_TOKEN; or carry out yourself what \
                    `aig-logs sql` prints";

/// A token of the person at this terminal: from `GOOGLE_OAUTH_ACCESS_TOKEN`, else from Google's own command `gcloud`.
pub fn token() -> Result<Secret, Failure> {
    if let Some(token) = env::var(TOKEN).ok().map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()) {
        return Ok(Secret::new(token));
    }
    // It asks for a password where it must, on the terminal.
    let printed = Command::new("gcloud").args(["auth", "print-access-token"]).stderr(Stdio::inherit()).output();
    let printed = printed.map_err(|error| {
        Failure::denied(ACTION, format!("{TOKEN} is not set, and gcloud cannot be started: {error}"), HINT)
    })?;
    let token = String::from_utf8_lossy(&printed.stdout).trim().to_owned();
    if !printed.status.success() || token.is_empty() {
        return Err(Failure::denied(ACTION, "gcloud gives no token", HINT));
    }
    Ok(Secret::new(token))
}
