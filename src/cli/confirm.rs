//! Asks the user at the terminal before something is gone for good.

use std::io::{self, IsTerminal};

use crate::cli::failure::Failure;

/// Whether the user confirms: `verb` and `what` are the question. Nobody is asked where nobody can answer.
pub fn is_confirmed(verb: &str, what: &str, consequence: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let hint = format!("{consequence}. Say --yes, or run it on a terminal");
        return Err(Failure::denied(format!("{verb} {what}"), "nobody is there to confirm it", hint));
    }
    eprint!("{verb} {what}? You cannot undo this. [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::denied("reading the answer", error, "Say --yes"))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
