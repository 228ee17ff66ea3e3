//! Tokens of Google for an operator: of the person at this terminal, or of the application default credentials. None of
//! them is of the poller's service account, which may insert rows and nothing else.

use std::{
    env,
    process::{Command, Stdio},
};

use crate::{error::CallError, secret::Secret};

/// A token that somebody else has fetched. Terraform's Google provider reads the same name.
const TOKEN: &str = "GOOGLE_OAUTH_ACCESS_TOKEN";

/// A token of the person at this terminal: from `GOOGLE_OAUTH_ACCESS_TOKEN`, else from Google's own command `gcloud`.
/// `hint` says what else there is.
pub fn of_person(hint: &str) -> Result<Secret, CallError> {
    if let Some(token) = env::var(TOKEN).ok().map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()) {
        return Ok(Secret::new(token));
    }
    let hint = format!("Log in with `gcloud auth login`, or set {TOKEN}; {hint}");
    printed(&["auth", "print-access-token"], &format!("{TOKEN} is not set, and "), &hint)
}

/// A token of the application default credentials. `gcloud` reads the file of `GOOGLE_APPLICATION_CREDENTIALS` too.
pub fn of_default(hint: &str) -> Result<Secret, CallError> {
    let hint = format!("Log in with `gcloud auth application-default login`; {hint}");
    printed(&["auth", "application-default", "print-access-token"], "", &hint)
}

fn printed(arguments: &[&str], before: &str, hint: &str) -> Result<Secret, CallError> {
    // It asks for a password where it must, on the terminal.
    let printed = Command::new("gcloud").args(arguments).stderr(Stdio::inherit()).output();
    let printed =
        printed.map_err(|error| CallError::denied(format!("{before}gcloud cannot be started: {error}"), hint))?;
    let token = String::from_utf8_lossy(&printed.stdout).trim().to_owned();
    if !printed.status.success() || token.is_empty() {
        return Err(CallError::denied("gcloud gives no token", hint));
    }
    Ok(Secret::new(token))
}
