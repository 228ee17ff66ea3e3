//! Alerts of the command, as a webhook on this machine gets them.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
};

use aig_logs::host::native::now;
use serde_json::{Value, json};

use super::{World, words};

/// A webhook that answers everything with a status: its address, and what it gets.
fn webhook(status: &'static str) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/secret-path-of-the-webhook", listener.local_addr().unwrap());
    let (told, got) = channel();
    let answer = move || {
        for connection in listener.incoming() {
            let mut stream = BufReader::new(connection.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while stream.read_line(&mut line).unwrap() > 2 {
                let (name, value) = line.trim().split_once(": ").unwrap_or_default();
                length = if name.eq_ignore_ascii_case("content-length") { value.parse().unwrap() } else { length };
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            write!(stream.get_mut(), "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").unwrap();
            told.send(serde_json::from_slice(&body).unwrap()).unwrap_or_default();
        }
    };
    thread::spawn(answer);
    (address, got)
}

#[test]
fn a_budget_of_this_machine_is_told_and_listed() {
    let world = World::start(&["--entries", "200", "--days", "0.003", "--rate", "0"]);
    let (address, got) = webhook("200 OK");
    let with = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env("ALERT_WEBHOOK", &address).env("BUDGET_DAY_USD", "0.0001").env("BUDGETS", "team=*:1000/month");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", words(&output));
        let said = words(&output) + &String::from_utf8(output.stdout).unwrap();
        assert!(!said.contains("secret-path"), "{said}");
        said
    };
    with(&["forward", "--dry-run"]);
    assert_eq!(got.try_iter().count(), 0, "whoever looks tells nobody");
    with(&["forward"]);
    with(&["forward"]);
    let told: Vec<_> = got.try_iter().collect();
    let [message] = told.as_slice() else { panic!("{told:?}") };
    let alert = &message["alerts"][0];
    assert!(alert["id"].as_str().unwrap().starts_with("budget:20") && alert["level"] == json!(100), "{message}");

    let list = with(&["alerts", "list"]);
    assert!(list.contains("all a day") && list.contains("Alerts that are on\n  since "), "{list}");
    let list: Value = serde_json::from_str(with(&["alerts", "list", "--json"]).trim()).unwrap();
    let rows = super::table(&world.path("aig-logs.sqlite"));
    let today = now().format("%Y-%m-%d").to_string();
    let rows = rows.iter().filter(|row| row["created_at"].as_str().unwrap().starts_with(&today));
    let sum: f64 = rows.filter_map(|row| row["cost"].as_f64()).sum();
    let [all, teams @ ..] = list["budgets"].as_array().unwrap().as_slice() else { panic!("{list}") };
    assert!((all["usd"].as_f64().unwrap() - sum).abs() < 1e-6, "{list}, but {sum}");
    assert!(teams.iter().any(|team| team["by"] == "team=search"), "{list}");

    assert!(with(&["alerts", "test"]).contains("has taken a message"));
    assert!(got.recv().unwrap()["text"].as_str().unwrap().contains("This is a test"));
}

#[test]
fn a_webhook_that_is_not_there_or_not_set_is_an_error_without_its_address() {
    let world = World::start(&["--entries", "0"]);
    let check = |settings: &[(&str, &str)], code: i32, expected: &str| {
        let output = world.command(&["alerts", "test"]).envs(settings.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", words(&output));
        assert!(words(&output).contains(expected) && !words(&output).contains("secret-path"), "{}", words(&output));
    };
    check(&[], 2, "Set ALERT_WEBHOOK");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{nobody}/secret-path-of-the-webhook");
    check(&[("ALERT_WEBHOOK", &nobody)], 1, "sending a message to ALERT_WEBHOOK");
    for (status, code, expected) in [
        ("429 Too Many Requests", 1, "it takes no more messages now"),
        ("500 Internal Server Error", 1, "it answers 500"),
        ("408 Request Timeout", 1, "it answers 408"),
        ("404 Not Found", 2, "Check the address in ALERT_WEBHOOK"),
    ] {
        check(&[("ALERT_WEBHOOK", &webhook(status).0)], code, expected);
    }
    check(&[("ALERT_WEBHOOK", &nobody), ("DIGEST", "mon 08:00 Europe/Berlim")], 2, "which is not known");
}
