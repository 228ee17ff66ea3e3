//! What `aig-logs status` says, and with which exit code.

use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
};

use aig_logs::{host::native::now, time};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{World, words};

/// A user who owns nothing.
const NOBODY: u32 = 65_534;

#[test]
fn status_says_where_things_stand() {
    let world = World::start(&["--entries", "400", "--rate", "0"]);
    let nothing = world.command(&["status"]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    assert!(words(&nothing).contains("aig-logs run"), "{}", words(&nothing));
    assert!(!world.path("aig-logs.sqlite").exists());

    world.run(&["forward"]);
    world.run(&["backfill", "--pages", "1"]);
    let status = world.run(&["status"]);
    for words in [
        "Gateway main",
        "main: not counted yet; ",
        "  forward     ",
        "under way, delivered down to",
        "Problems      none",
    ] {
        assert!(status.contains(words), "{words} is not in: {status}");
    }
    world.run(&["backfill"]);
    world.command(&["forward"]).env("CF_API_TOKEN", "wrong").output().unwrap();
    // Somebody must act.
    let status = |arguments: &[&str]| {
        let output = world.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", words(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let (status, json) = (status(&["status"]), status(&["status", "--json"]));
    for words in ["finished, down to the first entry", "forward has failed since", "somebody must act", "CF_API_TOKEN"]
    {
        assert!(status.contains(words), "{words} is not in: {status}");
    }
    let status: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(status["gateways"][0]["backfill"]["state"], "finished");
    assert_eq!(status["failing"]["forward"]["transient"], false);
}

#[test]
fn a_state_is_looked_at_where_nothing_may_be_written() {
    let world = World::start(&["--entries", "20", "--rate", "0", "--days", "0.003"]);
    world.run(&["forward"]);
    world.run(&["backfill"]);
    let file = "a#b 100%?.sqlite";
    fs::rename(world.path("aig-logs.sqlite"), world.path(file)).unwrap();
    let before = fs::read(world.path(file)).unwrap();
    let mode = |name: &str, mode| fs::set_permissions(world.path(name), Permissions::from_mode(mode)).unwrap();
    for (name, bits) in [(file, 0o444), (".dev.vars", 0o444), (".", 0o555)] {
        mode(name, bits);
    }
    let names =
        || fs::read_dir(world.path(".")).unwrap().map(|file| file.unwrap().file_name()).collect::<BTreeSet<_>>();
    let there = names();
    for look in [&["status"][..], &["verify"], &["dead-letters", "list"]] {
        let mut command = world.command(&[look, &["--sink", &format!("sqlite:{file}")]].concat());
        // Whoever runs the tests as root may write anywhere.
        if fs::metadata(world.path(".")).unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        let looked = command.output().unwrap();
        assert_eq!(looked.status.code(), Some(0), "{look:?}: {}", words(&looked));
    }
    assert_eq!((names(), fs::read(world.path(file)).unwrap()), (there, before));
    mode(".", 0o755);
}

#[test]
fn the_status_of_a_poller_that_falls_behind_says_so() {
    let world = World::start(&["--entries", "300", "--rate", "0", "--days", "0.003"]);
    world.run(&["forward", "--pages", "1"]);
    let behind = world.command(&["status"]).output().unwrap();
    let said = String::from_utf8_lossy(&behind.stdout).into_owned();
    // One page has 50 of the entries, and the source counts the others.
    assert_eq!(behind.status.code(), Some(1), "{said}");
    assert!(said.contains("Behind        the source had 250 logs more"), "{said}");
    world.run(&["forward"]);
    assert!(!world.run(&["status"]).contains("Behind"));
}

#[test]
fn the_status_of_a_poller_that_was_stopped_is_that_somebody_must_act() {
    let world = World::start(&["--entries", "20", "--rate", "0", "--days", "0.003"]);
    world.run(&["forward"]);
    world.run(&["backfill"]);
    let told = world.run(&["status"]);
    assert!(told.contains("Last pass     forward from 20") && told.contains("Problems      none"), "{told}");
    let file = Connection::open(world.path("aig-logs.sqlite")).unwrap();
    let passes = "FROM aig_logs_state WHERE store = 'native' AND key = 'passes'";
    let value: String = file.query_row(&format!("SELECT value {passes}"), [], |row| row.get(0)).unwrap();
    let mut value: Value = serde_json::from_str(&value).unwrap();
    for ended in ["began", "ended"] {
        value["last"]["forward"][ended] = json!(time::text(now() - chrono::TimeDelta::days(1)));
    }
    file.execute("UPDATE aig_logs_state SET value = ? WHERE store = 'native' AND key = 'passes'", [value.to_string()])
        .unwrap();
    let stopped = world.command(&["status"]).output().unwrap();
    assert_eq!(stopped.status.code(), Some(2), "{}", words(&stopped));
    let said = String::from_utf8_lossy(&stopped.stdout).into_owned();
    assert!(said.contains("Stalled       nothing was copied since") && said.contains("24 h ago"), "{said}");
    let json = world.command(&["status", "--json"]).output().unwrap();
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(json["stalled_since"].is_string() && json["passes"]["backfill"]["verdict"] == "complete", "{json}");
    // A state that says nothing of its passes, as the Worker's: its last count is too long ago.
    file.execute(&format!("DELETE {passes}"), []).unwrap();
    assert_eq!(world.command(&["status"]).output().unwrap().status.code(), Some(0));
    let forward: String = file
        .query_row("SELECT value FROM aig_logs_state WHERE store = 'state' AND key = 'forward'", [], |row| row.get(0))
        .unwrap();
    let mut forward: Value = serde_json::from_str(&forward).unwrap();
    let then = time::text(now() - chrono::TimeDelta::hours(3));
    forward["counted"] = json!([then, then, then]);
    file.execute("UPDATE aig_logs_state SET value = ? WHERE key = 'forward'", [forward.to_string()]).unwrap();
    let silent = world.command(&["status"]).output().unwrap();
    assert_eq!(silent.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&silent.stdout).starts_with("main: complete through "), "it was counted");
    world.run(&["forward"]);
    world.run(&["status"]);
}
