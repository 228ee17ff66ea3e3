//! The demo at a terminal: it ends in a page.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::Command,
};

use rusqlite::Connection;
use serde_json::{Value, json};

use super::command;
use crate::{
    events::native::served::Client,
    process::{Running, exchange},
    terminal::{Desktop, Terminal},
};

const DEMO: [&str; 5] = ["demo", "--entries", "500", "--days", "3"];

#[test]
fn the_demo_ends_in_a_page_over_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = command(folder.path());
    demo.args(DEMO);
    let (terminal, desktop) = (Terminal::of(&mut demo), Desktop::of(&mut demo, folder.path()));
    let mut running = Running(demo.spawn().unwrap());
    drop(demo);
    let mut words = BufReader::new(running.0.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("Look at it") {
        line.clear();
        assert!(words.read_line(&mut line).unwrap() > 0, "it has ended");
    }
    let page = line.trim_end().rsplit(' ').next().unwrap().to_owned();
    let (address, key) = page.strip_prefix("http://").and_then(|page| page.split_once("/#key=")).unwrap();
    let address: SocketAddr = address.parse().unwrap();
    assert!(exchange(address, "GET", "/", "").unwrap().1.contains("<html"));
    let count = |dataset: &str| {
        let question = json!({ "start": "-4d", "end": "now", "dataset": dataset, "metrics": ["count"] });
        let answer = Client::connect(address).unwrap().post("/query", key, &question.to_string()).unwrap();
        assert_eq!(answer.0, 200, "{answer:?}");
        answer.1["rows"][0]["count"].as_u64().unwrap()
    };
    // Logs, and the events of a simulated application.
    assert!(count("logs") > 500 && count("events") > 5_000, "{} {}", count("logs"), count("events"));
    let file = Connection::open(folder.path().join("aig-logs-demo.sqlite")).unwrap();
    let counted = "SELECT count(DISTINCT source) FROM rollup_spans WHERE grain = 'day'";
    assert_eq!(file.query_row(counted, [], |row| row.get::<_, u32>(0)).unwrap(), 2, "logs and events");
    while desktop.opened().is_none() {
        std::thread::yield_now();
    }
    assert_eq!(desktop.opened(), Some(page));
    let id = running.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    assert!(terminal.text().contains("Duplicated"));
}

#[test]
fn the_demo_ends_after_its_table_if_nobody_looks_or_if_once_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = command(folder.path());
    demo.args(DEMO).arg("--once");
    let (terminal, desktop) = (Terminal::of(&mut demo), Desktop::of(&mut demo, folder.path()));
    let ended = demo.spawn().unwrap().wait_with_output().unwrap();
    drop(demo);
    assert_eq!((ended.status.code(), desktop.opened()), (Some(0), None));
    let text = terminal.text();
    assert!(text.contains("Duplicated"));
    // No call of this model has a cost: its price is not known.
    let unpriced = text.lines().find(|line| line.contains("qwen3-32b")).unwrap();
    assert!(unpriced.contains('–') && !unpriced.contains("0.00"), "{unpriced}");
    // The same file again, into a pipe.
    let output = command(folder.path()).args(DEMO).env("DISPLAY", ":0").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let piped = String::from_utf8_lossy(&output.stdout);
    assert!(piped.contains("Duplicated"));
    let lines = text.lines().chain(piped.lines()).filter(|line| line.contains('│'));
    assert!(lines.clone().count() > 20 && lines.clone().all(|line| line.trim_end().chars().count() <= 80), "{text}");
    // What it says to go on with is what was typed.
    let words = piped.lines().find_map(|line| line.trim().strip_suffix(" status --state aig-logs-demo.sqlite"));
    assert_eq!(words, Some(super::BINARY));
}

#[test]
fn a_server_of_a_demo_opens_a_browser_unless_told_not_to() {
    for (no_open, expected) in [(None, true), (Some("--no-open"), false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut serve = command(folder.path());
        serve.args(["serve", "--demo", "--listen", "127.0.0.1:0"]).args(no_open);
        let (terminal, desktop) = (Terminal::of(&mut serve), Desktop::of(&mut serve, folder.path()));
        let mut running = Running(serve.spawn().unwrap());
        drop(serve);
        let mut lines = BufReader::new(running.0.stderr.take().unwrap()).lines().map(Result::unwrap);
        let page = lines.find_map(|line| line.strip_prefix("Look at them: ").map(str::to_owned)).unwrap();
        while expected && desktop.opened().is_none() {
            std::thread::yield_now();
        }
        let health: Value = {
            let address = page.strip_prefix("http://").and_then(|page| page.split('/').next()).unwrap();
            let (_, body) = exchange(address.parse().unwrap(), "GET", "/healthz", "").unwrap();
            serde_json::from_str(&body).unwrap()
        };
        assert_eq!(health["status"], "ok");
        running.0.kill().unwrap();
        running.0.wait().unwrap();
        assert_eq!(desktop.opened(), expected.then_some(page));
        drop(terminal);
    }
}
