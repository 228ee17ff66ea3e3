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
