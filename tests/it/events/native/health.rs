//! What `aig-logs serve` says of its health: in public, and to whoever runs it.

use std::{io::BufRead as _, net::SocketAddr};

use serde_json::{Value, json};

use super::served::{DB, Place, Served, event};
use crate::{metrics::Metrics, process::exchange};

/// A server with a second address.
fn serve(place: &Place, more: &[&str], vars: &[(&str, &str)]) -> (Served, SocketAddr) {
    let arguments = ["serve", "--db", DB, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    let mut command = place.command(&[&arguments, more].concat());
    let mut served = Served::start(command.envs(vars.iter().copied()));
    let mut line = String::new();
    while !line.starts_with("How it goes: ") {
        line.clear();
        assert!(served.words.read_line(&mut line).unwrap() > 0, "it has ended");
    }
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    (served, address.parse().unwrap())
}

fn health(address: SocketAddr) -> (u16, Value) {
    let (status, body) = exchange(address, "GET", "/healthz", "").unwrap();
    (status, serde_json::from_str(&body).unwrap())
}

#[test]
fn a_server_counts_what_it_answers_and_tells_it_at_its_second_address_alone() {
    let place = Place::new();
    let (served, second) = serve(&place, &[], &[]);
    let key = place.key("acme", "ingest");
    let (twice, mut costly) = (event("a"), event("b"));
    costly["cost"] = json!(0.25);
    assert_eq!(served.post("/events/batch", &key, &json!([twice, costly, { "id": "no-name" }])).0, 202);
    assert_eq!(served.post("/events", &key, &twice).0, 202);
    assert_eq!(served.post("/events", &key, &json!({ "id": "no-name" })).0, 422);
    assert_eq!(served.post("/events", "aig_nobody", &event("c")).0, 401);
    let (status, text) = exchange(second, "GET", "/metrics", "").unwrap();
    assert_eq!(status, 200, "{text}");
    let metrics = Metrics::read(&text);
    let told = ["accepted", "duplicates", "refused"].map(|of| metrics.number(&format!("aig_logs_events_{of}_total")));
    assert_eq!(told.map(|number| number.to_string()), ["2", "1", "2"]);
    assert!(metrics.number("aig_logs_cost_today_usd") <= 0.25 && metrics.number("aig_logs_healthy") > 0.9);
    let version = env!("CARGO_PKG_VERSION");
    let well = json!({ "status": "ok", "reasons": [], "version": version });
    assert_eq!((health(served.address), health(second)), ((200, well.clone()), (200, well)));
    // Prices and names of orgs are nobody's at the address of the events.
    assert_eq!(exchange(served.address, "GET", "/metrics", "").unwrap().0, 404);
    assert!(!text.contains("acme"), "{text}");
}

#[test]
fn health_is_503_if_the_file_is_gone() {
    let place = Place::new();
    let (served, second) = serve(&place, &[], &[]);
    std::fs::rename(place.db(), place.0.path().join("elsewhere")).unwrap();
    let (status, told) = health(served.address);
    assert_eq!((status, &told["reasons"][0]), (503, &json!("the database does not answer")), "{told}");
    let (status, told) = health(second);
    let reason = told["reasons"][0].as_str().unwrap();
    assert!(status == 503 && reason.starts_with("the database does not answer: "), "{told}");
}

#[test]
fn what_the_poller_beside_it_says_is_for_the_operator() {
    let world = crate::cli::World::start(&["--entries", "10", "--rate", "0"]);
    let place = Place::new();
    std::fs::copy(world.path(".dev.vars"), place.0.path().join(".dev.vars")).unwrap();
    let base = format!("http://{}", world.address());
    let vars = [
        ("CF_API_TOKEN", "wrong"),
        ("CLOUDFLARE_BASE_URL", &format!("{base}/client/v4")),
        ("GCP_TOKEN_URI", &format!("{base}/token")),
        ("BIGQUERY_EMULATOR_HOST", &base),
    ];
    let (served, second) = serve(&place, &["--poll"], &vars);
    let mut line = String::new();
    let mut words = served.words;
    while !line.contains("forward failed") {
        line.clear();
        assert!(words.read_line(&mut line).unwrap() > 0, "it has ended");
    }
    let (status, told) = health(served.address);
    let reason = told["reasons"][0].as_str().unwrap();
    assert!(status == 503 && reason.ends_with("(somebody must act)"), "{told}");
    let (status, told) = health(second);
    assert!(status == 503 && told["reasons"][0].as_str().unwrap().contains("CF_API_TOKEN"), "{told}");
    let metrics = Metrics::read(&exchange(second, "GET", "/metrics", "").unwrap().1);
    assert!(metrics.number("aig_logs_failures_total{job=\"forward\"}") >= 1.0);
}
