//! What `aig-logs run` says while it goes on.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command},
};

use aig_logs::time::parse_instant;
use rusqlite::Connection;

use super::World;
use crate::process::Running;

/// Its lines, from the output or from the standard error.
fn lines(from: impl Read) -> impl Iterator<Item = String> {
    BufReader::new(from).lines().map(Result::unwrap)
}

fn run(mut command: Command) -> (Running, impl Iterator<Item = String>, impl Iterator<Item = String>) {
    let mut child: Child = command.spawn().unwrap();
    let (output, error) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
    (Running(child), output, error)
}

/// The words of a line, behind its time.
#[track_caller]
fn timed(line: &str) -> &str {
    let (at, words) = line.split_once(' ').unwrap();
    assert!(at.len() == 20 && parse_instant(at).is_some(), "{line}");
    words
}

#[test]
fn each_line_has_its_time_and_json_is_left_alone() {
    let world = World::start(&["--entries", "60", "--rate", "0"]);
    let (_running, mut output, mut error) = run(world.command(&["run", "--listen", "127.0.0.1:0"]));
    assert!(timed(&error.next().unwrap()).starts_with("How it goes: http://"));
    assert!(timed(&output.next().unwrap()).starts_with("forward main: "));
    assert!(timed(&output.next().unwrap()).starts_with("backfill main: "));
    let (_running, mut output, _) = run(world.command(&["run", "--json", "--sink", "sqlite:other.sqlite"]));
    assert!(output.next().unwrap().starts_with('{'));
}

#[test]
fn a_backfill_that_fails_is_tried_again_after_a_minute_and_says_so() {
    let world = World::start(&["--entries", "60", "--rate", "0"]);
    world.run(&["forward"]);
    // The history finds no table of logs.
    let file = Connection::open(world.path("aig-logs.sqlite")).unwrap();
    file.execute_batch("CREATE TRIGGER no BEFORE INSERT ON aig_logs_raw BEGIN SELECT RAISE(ABORT, 'no'); END").unwrap();
    drop(file);
    let (_running, _output, error) = run(world.command(&["run"]));
    let told: Vec<_> = error.map(|line| timed(&line).to_owned()).take(2).collect();
    assert!(told[0].starts_with("aig-logs: backfill failed: "), "{told:?}");
    assert_eq!(told[1], "aig-logs: the backfill is tried again in 1 min");
    assert!(fs::exists(world.path("aig-logs.sqlite")).unwrap());
}
