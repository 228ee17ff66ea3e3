//! What the command prints in 80 columns, letter by letter, with and without colours.

use std::{fs, path::Path};

use super::{command, words};

/// A text that was looked at: how it is asked for, and its file.
const SNAPSHOTS: [(&[&str], &str); 5] = [
    (&["-h"], "short.txt"),
    (&["--help"], "long.txt"),
    (&["run", "-h"], "run.txt"),
    (&["help", "topics"], "topics.txt"),
    (&["settings"], "settings.txt"),
];

/// Escapes begin so.
const ESCAPE: char = '\u{1b}';

fn snapshot(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/help").join(file);
    fs::read_to_string(&path).unwrap()
}

/// What is printed in an empty folder with this environment alone.
fn printed(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path()).args(arguments).envs(environment.iter().copied()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn texts_are_as_somebody_has_seen_them() {
    for (arguments, file) in SNAPSHOTS {
        let way_out = format!("If it is better now: aig-logs {} > tests/fixtures/help/{file}", arguments.join(" "));
        assert_eq!(printed(arguments, &[]), snapshot(file), "{way_out}");
        assert_eq!(printed(arguments, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), snapshot(file), "{way_out}");
    }
}

#[test]
fn colours_change_no_letter() {
    for (arguments, file) in SNAPSHOTS {
        let coloured = printed(arguments, &[("CLICOLOR_FORCE", "1")]);
        // Only clap's own help has colours: a topic and settings are as plain as without.
        assert_eq!(coloured.contains(ESCAPE), ["short.txt", "long.txt", "run.txt"].contains(&file), "{file}");
        assert_eq!(without_escapes(&coloured), snapshot(file), "{file}");
    }
}

/// Each escape ends with its first `m`.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split(ESCAPE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').unwrap().1)
}
