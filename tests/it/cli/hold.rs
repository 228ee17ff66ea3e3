//! One program at a time moves the cursors of a state, and its files stay where they were opened.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _},
    process::{ChildStdout, Command},
};

use serde_json::json;

use super::{World, words};
use crate::process::Running;

fn world() -> World {
    World::start(&["--entries", "20", "--rate", "0", "--days", "0.003"])
}

/// A command, and its output, of which the first line is read: it would end if nobody were left to read on.
struct Begun {
    running: Running,
    output: BufReader<ChildStdout>,
}

fn begun(mut command: Command) -> Begun {
    let mut running = Running(command.spawn().unwrap());
    let mut output = BufReader::new(running.0.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    Begun { running, output }
}

impl Begun {
    fn id(&self) -> u32 {
        self.running.0.id()
    }

    /// What it has said when it ends by itself, and its exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let mut said = String::new();
        // It makes a pass or two before it notices.
        for _ in 0..10 {
            self.output.read_line(&mut said).unwrap();
        }
        assert_eq!(self.output.read_line(&mut said).unwrap(), 0, "it goes on: {said}");
        self.running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (said, self.running.0.wait().unwrap().code())
    }
}

fn run(world: &World, more: &[&str]) -> Command {
    world.command(&[&["run", "--json", "--every", "1s"], more].concat())
}

#[test]
fn a_second_poller_refuses_and_names_the_first() {
    let world = world();
    let first = begun(run(&world, &[]));
    for command in [run(&world, &[]), world.command(&["forward"]), world.command(&["backfill"])] {
        let refused = { command }.output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
        let said = words(&refused);
        assert!(said.contains(&format!("process {}, runs with it since 20", first.id())), "{said}");
        assert!(said.contains("--takeover") && said.contains("--state PATH"), "{said}");
    }
    // These move no cursor.
    world.run(&["backfill", "--from", "2026-01-01", "--to", "2026-01-02"]);
    world.run(&["status"]);
    world.run(&["verify"]);
    let other = ["forward", "--state", "other.sqlite", "--sink", "sqlite:other.sqlite"];
    world.run(&other);
}

#[test]
fn a_poller_takes_over_and_the_other_ends() {
    let world = world();
    let first = begun(run(&world, &[]));
    let second = begun(run(&world, &["--takeover"]));
    let (said, code) = first.end();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(&format!("process {} takes it over", second.id())), "{said}");
    let refused = run(&world, &[]).output().unwrap();
    assert!(words(&refused).contains(&format!("process {}, runs", second.id())), "{}", words(&refused));
}

#[test]
fn a_poller_that_was_killed_holds_nothing() {
    let world = world();
    let mut killed = begun(run(&world, &[]));
    killed.running.0.kill().unwrap();
    killed.running.0.wait().unwrap();
    world.run(&["forward"]);
    drop(begun(run(&world, &[])));
}

/// A state that a process of this number has, which is none.
fn held(world: &World, state: &str, runs: bool) -> File {
    let path = world.path(&format!("{state}-lock"));
    let lock = File::create(&path).unwrap();
    lock.lock().unwrap();
    fs::write(&path, json!({ "pid": 1, "since": "2026-10-06T09:15:22.417Z", "runs": runs }).to_string()).unwrap();
    lock
}

#[test]
fn a_single_pass_waits_for_another_one() {
    let world = world();
    let lock = held(&world, "aig-logs.sqlite", false);
    let mut waiting = Running(world.command(&["forward"]).spawn().unwrap());
    let mut said = String::new();
    BufReader::new(waiting.0.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains("waiting for the state") && said.contains("process 1, makes a pass with it since"), "{said}");
    assert_eq!(waiting.0.try_wait().unwrap(), None);
    drop(lock);
    assert!(waiting.0.wait().unwrap().success());
}

#[test]
fn a_program_that_is_refused_has_opened_nothing() {
    let world = world();
    let _lock = held(&world, "s.sqlite", true);
    let refused = world.command(&["forward", "--sink", "sqlite:rows.sqlite", "--state", "s.sqlite"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
    assert!(!world.path("s.sqlite").exists() && !world.path("rows.sqlite").exists());
}

#[test]
fn a_file_that_is_replaced_under_a_poller_is_told_and_left_alone() {
    let beside = (&[][..], "aig-logs.sqlite");
    let lock = (&[][..], "aig-logs.sqlite-lock");
    let apart = &["--sink", "sqlite:rows.sqlite", "--state", "s.sqlite"][..];
    let several = &["--sink", "sqlite:rows.sqlite", "--sink", "ndjson:rows.ndjson"][..];
    for ((sink, file), replaced) in [
        (beside, true),
        (beside, false),
        ((apart, "rows.sqlite"), true),
        ((apart, "s.sqlite"), false),
        ((several, "rows.ndjson"), true),
        ((several, "rows.ndjson"), false),
        (lock, false),
    ] {
        let world = world();
        let running = begun(run(&world, sink));
        fs::rename(world.path(file), world.path("elsewhere")).unwrap();
        if replaced {
            fs::write(world.path(file), "").unwrap();
        }
        let (said, code) = running.end();
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(file) && said.contains("was replaced, moved or deleted"), "{said}");
        assert_eq!(fs::read(world.path(file)).ok(), replaced.then(Vec::new), "it was written to");
    }
}
