//! What `aig-logs run --listen` says of its health, and its numbers for Prometheus.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    process::ChildStdout,
};

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{World, words};
use crate::{
    metrics::Metrics,
    process::{Running, exchange},
};

/// A poller that runs and listens.
struct Poller {
    running: Running,
    address: SocketAddr,
    told: BufReader<ChildStdout>,
}

impl Poller {
    /// Starts it, with these settings beside those of the world.
    fn start(world: &World, vars: &[(&str, &str)]) -> Self {
        let mut command = world.command(&["run", "--every", "1", "--listen", "127.0.0.1:0"]);
        let mut running = Running(command.envs(vars.iter().copied()).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(running.0.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let (_, address) = line.split_once(" How it goes: http://").unwrap_or_else(|| panic!("{line}"));
        let address = address.split('/').next().unwrap().parse().unwrap();
        let told = BufReader::new(running.0.stdout.take().unwrap());
        Self { running, address, told }
    }

    /// Waits until it has told of a pass of this job.
    fn wait_for(&mut self, job: &str) {
        let mut line = String::new();
        while !line.contains(&format!("Z {job}")) {
            line.clear();
            assert!(self.told.read_line(&mut line).unwrap() > 0, "it has ended");
        }
    }

    fn health(&self) -> (u16, Value) {
        let (status, body) = exchange(self.address, "GET", "/healthz", "").unwrap();
        (status, serde_json::from_str(&body).unwrap())
    }

    fn metrics(&self) -> Metrics {
        let (status, text) = exchange(self.address, "GET", "/metrics", "").unwrap();
        assert_eq!(status, 200, "{text}");
        Metrics::read(&text)
    }
}

#[test]
fn a_poller_tells_its_health_and_what_it_has_delivered() {
    let world = World::start(&["--entries", "300", "--rate", "0", "--days", "2"]);
    let mut poller = Poller::start(&world, &[]);
    poller.wait_for("backfill");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(poller.health(), (200, json!({ "status": "ok", "reasons": [], "version": version })));
    let metrics = poller.metrics();
    let number = |name: &str| metrics.number(name);
    assert_eq!((number("aig_logs_healthy"), number("aig_logs_dead_letters")), (1.0, 0.0));
    for name in ["aig_logs_entries_total", "aig_logs_rows_total"] {
        let of = |job: &str| metrics.get(&format!("{name}{{job=\"{job}\"}}")).unwrap_or_default();
        assert!((of("forward") + of("backfill") - 300.0).abs() < 0.1, "{name}: {metrics:?}");
    }
    assert!(number("aig_logs_passes_total{job=\"forward\"}") >= 1.0);
    assert!(number("aig_logs_failures_total{job=\"forward\"}") < 0.1);
    // Behind by no more than the settle time, which is none here, and the time since the last pass.
    assert!((0.0..60.0).contains(&number("aig_logs_lag_seconds")), "{metrics:?}");
    assert!(number("aig_logs_last_pass_timestamp_seconds{job=\"forward\"}") > 1.7e9);
    let today = "SELECT coalesce(sum(cost), 0.0) FROM aig_logs WHERE created_at >= strftime('%Y-%m-%d')";
    let file = Connection::open(world.path("aig-logs.sqlite")).unwrap();
    let cost: f64 = file.query_row(today, [], |row| row.get(0)).unwrap();
    assert!((number("aig_logs_cost_today_usd") - cost).abs() < 1e-9, "{cost} {metrics:?}");
    assert_eq!(exchange(poller.address, "GET", "/", "").unwrap().0, 404);
}

#[test]
fn health_is_503_with_the_reason_where_somebody_must_act() {
    let world = World::start(&["--entries", "10", "--rate", "0"]);
    let mut poller = Poller::start(&world, &[("CF_API_TOKEN", "a-token-that-is-wrong")]);
    // It tells of a pass after it has saved what failed.
    poller.wait_for("forward");
    let (status, health) = poller.health();
    let reason = health["reasons"][0].as_str().unwrap();
    assert_eq!((status, &health["status"]), (503, &json!("failed")), "{health}");
    assert!(reason.starts_with("forward has failed since") && reason.contains("CF_API_TOKEN"), "{reason}");
    assert!(!health.to_string().contains("a-token-that-is-wrong"));
    let metrics = poller.metrics();
    assert!(metrics.number("aig_logs_failures_total{job=\"forward\"}") >= 1.0);
    assert!(metrics.number("aig_logs_healthy") < 0.1);
    // What the command says of the same state.
    let status = world.command(&["status", "--json"]).output().unwrap();
    assert_eq!(status.status.code(), Some(2), "{}", words(&status));
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert!(reason.ends_with(status["failing"]["forward"]["error"].as_str().unwrap()), "{reason}");
}

#[test]
fn an_address_in_use_is_refused_before_anything_is_copied() {
    let world = World::start(&["--entries", "10", "--rate", "0"]);
    let address = world.address().to_string();
    let output = world.command(&["run", "--listen", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
    assert!(words(&output).contains(&address) && words(&output).contains("--listen"), "{}", words(&output));
    assert!(!world.path("aig-logs.sqlite").exists());
    let output = world.command(&["run", "--listen", "127.0.0.1:0", "--dry-run"]).output().unwrap();
    assert!(output.status.code() == Some(2) && words(&output).contains("--dry-run"), "{}", words(&output));
}

#[test]
fn a_stop_ends_a_poller_that_listens() {
    let world = World::start(&["--entries", "10", "--rate", "0"]);
    let mut poller = Poller::start(&world, &[]);
    poller.wait_for("forward");
    let id = poller.running.0.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    poller.told.read_to_string(&mut String::new()).unwrap();
    assert_eq!(poller.running.0.wait().unwrap().code(), Some(0));
}

/// The commands in the systemd unit and in the Compose file.
#[test]
fn the_unit_and_the_compose_file_of_the_documentation_start_this_program() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy.md")).unwrap();
    let unit = page.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/aig-logs ")).unwrap();
    let unit: Vec<String> = unit.split(' ').map(str::to_owned).collect();
    let compose = page.lines().find_map(|line| line.strip_prefix("    command: ")).unwrap();
    let compose: Vec<String> = serde_json::from_str(compose).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for arguments in [unit, compose] {
        // With --help it only reads what stands before.
        let output = super::command(folder.path()).args(&arguments).arg("--help").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", words(&output));
    }
}
