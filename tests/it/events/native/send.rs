//! `aig-logs send`: every event of a file comes to the server, once.

use std::{fs, io::Write as _, process::Stdio};

use serde_json::{Value, json};

use super::served::{DB, Place, Served, event, now};

struct Sent<'a> {
    place: &'a Place,
    served: &'a Served,
    key: &'a str,
}

impl Sent<'_> {
    /// Exit code, output and words of `send` with a file of this text.
    fn send(&self, text: &str, arguments: &[&str]) -> (Option<i32>, Value, String) {
        fs::write(self.place.0.path().join("events"), text).unwrap();
        let to = format!("http://{}", self.served.address);
        let mut command = self.place.command(&[&["send", "events", "--to", &to, "--json"], arguments].concat());
        let output = command.env("AIG_EVENTS_KEY", self.key).output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(!words.contains(self.key), "{words}");
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), words)
    }
}

fn counts(accepted: u64, duplicates: u64, refused: u64) -> Value {
    json!({ "accepted": accepted, "duplicates": duplicates, "refused": refused })
}

#[test]
fn a_file_is_sent_whole_and_again_without_a_copy() {
    let place = Place::new();
    let key = place.key("acme", "ingest");
    let served = place.serve(&[]);
    let sent = Sent { place: &place, served: &served, key: &key };
    let events: Vec<_> = (0..1_201).map(|n| event(&format!("{n}"))).collect();
    let lines: String = events.iter().flat_map(|event| [event.to_string(), "\n".into()]).collect();
    assert_eq!(sent.send(&lines, &[]), (Some(0), counts(1_201, 0, 0), String::new()));
    for again in [lines.clone(), format!("{:#}", json!(events)), json!({ "events": events }).to_string()] {
        assert_eq!(sent.send(&again, &[]), (Some(0), counts(0, 1_201, 0), String::new()));
    }
    assert_eq!(sent.send(&format!("{:#}", events[7]), &[]).1, counts(0, 1, 0));
    // Far more than a body may hold.
    let large: Vec<_> = (0..200)
        .map(|n| json!({ "event": "a", "id": n.to_string(), "timestamp": now(), "properties": { "b": "x".repeat(20_000) } }))
        .collect();
    assert_eq!(sent.send(&json!(large).to_string(), &[]).1, counts(200, 0, 0));
    // Of the three in the middle two have no id.
    let three = format!("{{\"event\":\"a\"}}\n{{\"type\":\"b\"}}\n{}\n", event("x"));
    assert_eq!(sent.send(&three, &[]).1, counts(3, 0, 0));
    assert_eq!(place.count("SELECT count(*) FROM events_raw WHERE length(id) = 26"), 2);
    assert_eq!(place.count("SELECT count(*) FROM events_raw WHERE source = 'cli'"), place.events());
}

#[test]
fn what_is_refused_is_told_by_its_line() {
    let place = Place::new();
    let key = place.key("acme", "ingest");
    let served = place.serve(&[]);
    let sent = Sent { place: &place, served: &served, key: &key };
    let text = format!("{}\n\nwords\n{{\"id\":\"b\"}}\n{}\n", event("a"), event("c"));
    let (code, told, words) = sent.send(&text, &[]);
    assert_eq!((code, told), (Some(2), counts(2, 0, 2)), "{words}");
    let lines: Vec<_> = words.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains("line 3: ") && lines[1].contains("line 4: "), "{words}");
    let (code, told, words) = sent.send(&format!("[{},", event("d")), &[]);
    assert_eq!((code, told), (Some(2), counts(1, 0, 1)), "{words}");
    assert!(words.contains("no end"), "{words}");
}

#[test]
fn a_wrong_key_and_a_wrong_address_are_named() {
    let place = Place::new();
    let key = place.key("acme", "query");
    let served = place.serve(&[]);
    let sent = Sent { place: &place, served: &served, key: &key };
    let line = event("a").to_string();
    let check = |arguments: &[&str], named: &str| {
        let (code, told, words) = sent.send(&line, arguments);
        assert_eq!((code, &told), (Some(2), &Value::Null), "{words}");
        assert!(words.contains(named), "{named} is not in: {words}");
    };
    check(&[], "scope ingest");
    check(&["--key", "aig_nobody"], "AIG_EVENTS_KEY");
    check(&["--sink", "sqlite"], "--to");
    let (code, _, words) = place.run(&["send", "events", "--key", "aig_1", "--to", "http://example.com"]);
    assert!(code == Some(2) && words.contains("https://"), "{words}");
    let (code, _, words) = place.run(&["send", "nowhere", "--key", "aig_1"]);
    assert!(code == Some(2) && words.contains("nowhere"), "{words}");
    let (code, _, words) = place.run(&["send", "events"]);
    assert!(code == Some(2) && words.contains("AIG_EVENTS_KEY"), "{words}");
    assert_eq!(place.events(), 0);
}

#[test]
fn a_server_that_comes_back_gets_each_event_once() {
    let place = Place::new();
    let key = place.key("acme", "ingest");
    let first = place.serve(&[]);
    let address = first.address.to_string();
    first.signal("-TERM");
    first.end();
    let to = format!("http://{address}");
    let mut command = place.command(&["send", "-", "--to", &to, "--json"]);
    let mut sending = command.env("AIG_EVENTS_KEY", &key).stdin(Stdio::piped()).spawn().unwrap();
    sending.stdin.take().unwrap().write_all(b"{\"event\":\"a\"}\n{\"event\":\"b\"}\n").unwrap();
    let mut words = std::io::BufReader::new(sending.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut words, &mut line).unwrap();
    assert!(line.contains("sending the same again"), "{line}");
    let mut serve = place.command(&["serve", "--db", DB, "--listen", &address]);
    let _second = Served::start(&mut serve);
    let output = sending.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), counts(2, 0, 0));
    assert_eq!(place.events(), 2);
}
