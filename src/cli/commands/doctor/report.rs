//! Findings in words, and for programs.

use std::io::{self, IsTerminal};

use serde_json::json;

use crate::cli::{
    commands::doctor::check::{Check, Grade},
    show::counted,
};

/// Width of the names of checks.
const WIDTH: usize = 24;

/// A line or more for each, and a last one for all.
pub fn in_words(checks: &[Check]) -> String {
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut lines = Vec::new();
    for Check { name, verdict, says, hint, fix } in checks {
        let fix = fix.as_ref().map(|fix| format!("→ {fix}"));
        let follow = says.lines().skip(1).map(str::to_owned).chain(hint.clone()).chain(fix);
        let first = says.lines().next().unwrap_or_default();
        lines.push(format!("{} {name:<WIDTH$}  {first}", mark(*verdict, colour)));
        lines.extend(follow.map(|line| format!("  {:WIDTH$}  {line}", "")));
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
