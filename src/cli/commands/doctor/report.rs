//! Findings in words, and for programs.

use std::io::{self, IsTerminal};

use serde_json::json;

use crate::cli::{
    commands::doctor::check::{Check, Grade},
    show::counted,
    terminal,
};

/// Width of the names of checks.
const WIDTH: usize = 24;

/// A line or more for each, and a last one for all.
pub fn in_words(checks: &[Check]) -> String {
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut lines = Vec::new();
    for Check { name, verdict, says, hint, fix } in checks {
        let first = says.lines().next().unwrap_or_default();
        let line = terminal::folded(&format!("  {name:<WIDTH$}  {first}"));
        lines.push(mark(*verdict, colour) + line.get(1..).unwrap_or_default());
        let follow = says.lines().skip(1).chain(hint.as_deref());
        lines.extend(follow.map(|line| terminal::folded(&format!("  {:WIDTH$}  {line}", ""))));
        // Somebody copies it, so it stays in one piece.
        lines.extend(fix.as_ref().map(|fix| format!("  {:WIDTH$}  → {fix}", "")));
    }
    let counts = [Grade::Failed, Grade::Warning, Grade::Skipped].map(|verdict| count(checks, verdict));
    lines.push(String::new());
    lines.push(match counts {
        [0, 0, 0] => format!("All {} are ok.", counted(checks.len() as u64, "check")),
        [failed, warnings, skipped] => {
            format!(
                "{}: {failed} failed, {}, {skipped} skipped.",
                counted(checks.len() as u64, "check"),
                counted(warnings, "warning")
            )
        }
    });
    lines.join("\n")
}

fn mark(verdict: Grade, colour: bool) -> String {
    let (mark, code) = match verdict {
        Grade::Ok => ('✓', 32),
        Grade::Warning => ('!', 33),
        Grade::Failed => ('✗', 31),
        Grade::Skipped => ('-', 90),
    };
    if colour { format!("\x1b[{code}m{mark}\x1b[0m") } else { mark.to_string() }
}

/// All findings as one object.
pub fn in_json(checks: &[Check]) -> String {
    let report = json!({
        "checks": checks,
        "failed": count(checks, Grade::Failed),
        "warnings": count(checks, Grade::Warning),
    });
    format!("{report:#}")
}

fn count(checks: &[Check], verdict: Grade) -> u64 {
    checks.iter().filter(|check| check.verdict == verdict).count() as u64
}
