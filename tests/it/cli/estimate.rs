//! What a month is said to cost.

use std::fs;

use serde_json::Value;

use super::command;

fn estimate(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path()).arg("estimate").args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", super::words(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn numbers(arguments: &[&str]) -> Value {
    serde_json::from_str(&estimate(&[arguments, &["--json"]].concat())).unwrap()
}

/// What a line takes and costs.
fn line(estimate: &Value, what: &str) -> (f64, f64) {
    let line = estimate["lines"].as_array().unwrap().iter().find(|line| line["what"] == what).unwrap();
    (line["units"].as_f64().unwrap(), line["usd"].as_f64().unwrap())
}

#[test]
fn the_documentation_shows_what_the_command_says() {
    let documented = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/costs.md")).unwrap();
    let said = estimate(&["--logs-per-month", "1000000"]);
    assert!(documented.contains(&said), "Bring docs/costs.md up to:\n{said}");
    let dear = numbers(&["--logs-per-month", "100000000"])["usd"].as_f64().unwrap();
    assert!(documented.contains(&format!("100 M logs a month come to ${dear:.2}")), "{dear:.2}");
}

#[test]
fn a_million_logs_are_a_million_kilobytes_and_two_writes_a_pass() {
    let month = numbers(&["--logs-per-month", "1000000"]);
    // 23 logs a minute: there is hardly a pass without one. 43,200 passes of the one job, 720 of the other.
    let close = |(units, usd): (f64, f64), expected: f64, cost: f64| {
        assert!((units / expected - 1.0).abs() < 1e-6 && (usd - cost).abs() < 1e-3, "{units} {usd}");
    };
    close(line(&month, "Workers, passes"), 43_920.0, 0.0);
    // Two keys for each pass of either job.
    close(line(&month, "KV, keys read"), 87_840.0, 0.0);
    // 2 * 43,200 for ids and cursors, 720 for the ledger of each hour.
    close(line(&month, "KV, keys written"), 87_120.0, 0.0);
    // The rows, and a line of each pass; $0.01 for 200 MiB.
    close(line(&month, "BigQuery, streaming"), 1_043_200.0 * 1_024.0, 0.0509);
    // One for each pass, one for each page of 49 new logs, and three counts of each of the 4,320 slots.
    let calls = month["list_calls"].as_f64().unwrap();
    assert!((calls - (43_200.0 + 1e6 / 49.0 + 3.0 * 4_320.0)).abs() < 1.0, "{calls}");
    assert!((month["usd"].as_f64().unwrap() - 5.0509).abs() < 1e-3);
}

#[test]
fn in_d1_a_log_is_a_row_written() {
    let month = numbers(&["--logs-per-month", "100000000", "--sink", "d1"]);
    let (rows, usd) = line(&month, "D1, rows written");
    // The logs, and a line of each pass; 50 M are included.
    assert!((rows - 100_043_200.0).abs() < 1.0 && (usd - 50.0432).abs() < 1e-3, "{rows} {usd}");
    let (bytes, usd) = line(&month, "D1, storage");
    assert!((bytes - 50e9).abs() < 1.0 && (usd - 45.0 * 0.75).abs() < 1e-6, "{bytes} {usd}");
    let whats = |month: &Value| {
        let lines = month["lines"].as_array().unwrap().iter();
        lines.map(|line| line["what"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(!whats(&month).iter().any(|what| what.starts_with("BigQuery")), "{month:#}");
    let both = numbers(&["--logs-per-month", "1000", "--sink", "d1", "--sink", "bigquery"]);
    assert_eq!(whats(&both).len(), 10);
    // 10 GB are 20 M logs of 500 bytes.
    let told = estimate(&["--logs-per-month", "20000000", "--sink", "d1"]);
    assert!(told.contains("A database of D1 holds 10 GB: the logs of 30 days."), "{told}");
}

#[test]
fn what_is_not_free_any_more_costs_and_less_often_takes_less() {
    let month = numbers(&["--logs-per-month", "100000000", "--gateways", "2000"]);
    let (writes, usd) = line(&month, "KV, keys written");
    assert!(writes > 1e6 && (usd - (writes - 1e6) * 5e-6).abs() < 1e-9, "{writes} {usd}");
    let slower = numbers(&["--logs-per-month", "1000000", "--every", "4"]);
    assert!((line(&slower, "KV, keys written").0 - (2.0 * 10_800.0 + 720.0)).abs() < 1.0);
    // Nothing comes: each pass looks, hours are counted, nothing is written but the ledger.
    let quiet = numbers(&["--logs-per-month", "0"]);
    assert!((quiet["list_calls"].as_f64().unwrap() - (43_200.0 + 3.0 * 720.0)).abs() < 1.0);
    assert!((line(&quiet, "KV, keys written").0 - 720.0).abs() < 1e-6);
}

#[test]
fn ten_million_events_cost_what_they_take() {
    let month = numbers(&["--events-per-month", "10000000"]);
    let check = |month: &Value, what: &str, expected: f64, cost: f64| {
        let (units, usd) = line(month, what);
        assert!((units - expected).abs() < 1.0 && (usd - cost).abs() < 1e-6, "{what}: {units} {usd}");
    };
    // A request for ten events, and a tick each ten minutes.
    check(&month, "Workers, requests", 1_000_000.0 + 4_320.0, 0.0);
    // An event is written and deleted, and a hundredth of a row counts it.
    check(&month, "D1, rows written", 20_090_000.0, 0.0);
    check(&month, "D1, rows read", 70_000_000.0, 0.0);
    // 500 bytes for three months: 15 GB, of which 5 are included.
    check(&month, "D1, storage", 15e9, 7.5);
    assert!((month["usd"].as_f64().unwrap() - 12.5).abs() < 1e-6, "{month:#}");
    let queued = numbers(&["--events-per-month", "10000000", "--per-request", "1", "--queue", "--days", "30"]);
    // A message is written, read and deleted; a million operations are included.
    check(&queued, "Queues, operations", 30_000_000.0, 29.0 * 0.4);
    check(&queued, "D1, storage", 5e9, 0.0);
    let (requests, usd) = line(&queued, "Workers, requests");
    // Four messages a second: the consumer wakes up nearly each second of 2,592,000.
    assert!(requests > 12_500_000.0 && requests < 12_600_000.0, "{requests}");
    assert!((usd - (requests - 10e6) * 0.3e-6).abs() < 1e-9, "{usd}");
    check(&numbers(&["--events-per-month", "100000000"]), "D1, rows written", 200_900_000.0, 150.9);
}

#[test]
fn the_documentation_shows_what_events_cost() {
    let documented = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/costs.md")).unwrap();
    let said = estimate(&["--events-per-month", "10000000"]);
    assert!(documented.contains(&said), "Bring docs/costs.md up to:\n{said}");
    assert!(!estimate(&["--events-per-month", "10000000", "--days", "30"]).contains("10 GB"));
}
