//! `aig-logs serve`: what a sender sees, and what is in the file then.

use std::{net::TcpListener, path::Path, process::Command};

use serde_json::{Value, json};

use super::served::{DB, Place, Served, event, head, now};

#[test]
fn events_are_taken_once_under_a_key() {
    let place = Place::new();
    let served = place.serve(&[]);
    // A key that is made while the server runs.
    let key = place.key("demo", "ingest");
    let batch = json!([event("a"), event("b")]);
    let (status, answer) = served.post("/events/batch", &key, &batch);
    assert_eq!((status, answer), (202, json!({ "accepted": 2, "duplicates": 0, "ids": ["a", "b"], "refused": [] })));
    let (status, answer) = served.post("/events/batch", &key, &batch);
    assert_eq!((status, &answer["accepted"], &answer["duplicates"]), (202, &json!(0), &json!(2)));
    assert_eq!(served.post("/events", "aig_nobody", &event("c")).0, 401);
    assert_eq!(place.events(), 2);
    served.signal("-TERM");
    let (code, said) = served.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("keys create --db events.sqlite"), "{said}");
}

/// The commands of the seeds, with a key.
#[test]
fn seed_001_curl_commands_work() {
    let place = Place::new();
    let (key, of_all) = (place.key("demo", "ingest"), place.key("*", "query"));
    let served = place.serve(&[]);
    std::fs::write(place.0.path().join("events.json"), json!([event("a"), event("b")]).to_string()).unwrap();
    let curl_with = |key: &str, path: &str, data: &str| -> Value {
        let address = format!("http://{}{path}", served.address);
        let authorization = format!("authorization: Bearer {key}");
        let arguments = ["-s", "-S", "-f", "-X", "POST", &address, "-H", &authorization];
        let mut command = place.command_of(Path::new("curl"), &arguments);
        let output = command.args(["-H", "Content-Type: application/json", "-d", data]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let curl = |path: &str, data: &str| curl_with(&key, path, data);
    let single = r#"{
    "event": "api.request",
    "userId": "user_123",
    "properties": {
      "method": "GET",
      "path": "/api/users"
    },
    "performance": {
      "duration": 45.5,
      "statusCode": 200
    }
  }"#;
    assert_eq!(curl("/events", single)["accepted"], 1);
    let batch = curl("/events/batch", "@events.json");
    assert_eq!((&batch["accepted"], &batch["duplicates"]), (&json!(2), &json!(0)));
    let again = curl("/events/batch", "@events.json");
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(2)));
    // An event without an id is another one each time.
    assert_eq!(curl("/events", single)["accepted"], 1);
    assert_eq!(place.events(), 4);

    let by_hour = r#"{
    "start": "2025-10-03T00:00:00Z",
    "end": "2025-10-03T23:59:59Z",
    "groupBy": "hour"
  }"#;
    for path in ["/query", "/metrics/performance"] {
        let answer = curl_with(&of_all, path, by_hour);
        assert_eq!(answer["rows"].as_array().map(Vec::len), Some(24), "{path}: {answer}");
    }
    let usage = r#"{
    "organizationId": "org_456",
    "start": "2025-10-01T00:00:00Z",
    "end": "2025-10-31T23:59:59Z"
  }"#;
    let answer = curl_with(&of_all, "/billing/usage", usage);
    assert_eq!((&answer["rows"], &answer["meta"]["timeZone"]), (&json!([]), &json!("UTC")), "{answer}");
}

#[test]
fn too_fast_is_429_and_nothing_is_written() {
    let place = Place::new();
    let (key, other) = (place.key("acme", "ingest"), place.key("acme", "ingest"));
    let served = place.serve(&[("EVENTS_RATE", "3")]);
    for id in ["a", "b", "c"] {
        assert_eq!(served.post("/events", &key, &event(id)).0, 202);
    }
    let (status, answer) = served.post("/events", &key, &event("d"));
    assert_eq!((status, &answer["status"]), (429, &json!(429)), "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains("EVENTS_RATE"), "{answer}");
    assert_eq!(place.events(), 3);
    assert_eq!(served.post("/events", &other, &event("e")).0, 202, "another key");
}

#[test]
fn a_stop_finishes_what_was_asked_and_takes_nothing_more() {
    let place = Place::new();
    let key = place.key("acme", "ingest");
    for signal in ["-TERM", "-INT"] {
        let served = place.serve(&[]);
        let (mut begun, mut idle) = (served.connect(), served.connect());
        assert_eq!(idle.post("/events", &key, &event("idle").to_string()).unwrap().0, 202);
        let body = event(signal).to_string();
        let (first, rest) = body.split_at(10);
        // The server reads the head, and asks for the rest of the body.
        let asks = format!("\r\nexpect: 100-continue\r\n\r\n{first}");
        begun.write(&head("/events", &key, body.len()).replace("\r\n\r\n", &asks)).unwrap();
        assert_eq!(begun.answer().unwrap().0, 100);
        served.signal(signal);
        // The end of an idle connection shows that the stop has begun.
        assert!(idle.answer().is_err());
        assert!(super::served::Client::connect(served.address).is_err(), "it still listens");
        begun.write(rest).unwrap();
        assert_eq!(begun.answer().unwrap().0, 202);
        let (code, said) = served.end();
        assert_eq!(code, Some(0), "{said}");
    }
    assert_eq!(place.events(), 4);
    assert_eq!(std::fs::read_dir(place.0.path()).unwrap().count(), 1, "the file is not whole");
}

#[test]
fn an_address_in_use_and_wrong_settings_are_named_and_change_nothing() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let check = |arguments: &[&str], vars: &[(&str, &str)], named: &[&str]| {
        let mut command = place.command(&[&["serve", "--db", DB], arguments].concat());
        let output = command.envs(vars.iter().copied()).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(named.iter().all(|named| words.contains(named)), "{words}");
        assert!(!place.db().exists(), "{words}");
    };
    check(&["--listen", &address], &[], &[&address, "--listen"]);
    check(&["--listen", "127.0.0.1:0"], &[("EVENTS_RATE", "fast")], &["EVENTS_RATE"]);
    check(&["--listen", "127.0.0.1:0", "--poll"], &[], &["CF_API_TOKEN"]);
    check(&["--sink", "sqlite"], &[], &["--db"]);
}

#[test]
fn a_file_that_was_replaced_is_noticed() {
    let place = Place::new();
    let key = place.key("acme", "ingest");
    let served = place.serve(&[]);
    assert_eq!(served.post("/events", &key, &event("a")).0, 202);
    std::fs::rename(place.db(), place.0.path().join("elsewhere")).unwrap();
    let (status, answer) = served.post("/events", &key, &event("b"));
    assert_eq!(status, 503);
    assert!(!answer.to_string().contains("sqlite"), "{answer}");
    assert_eq!(crate::process::exchange(served.address, "GET", "/health", "").unwrap().0, 503);
}

/// The system refuses to let a file grow beyond a limit, as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_503_and_loses_nothing_and_room_is_enough_to_go_on() {
    /// Bytes that a file may have: enough for the tables, and for some rows.
    const LIMIT: &str = "1200000";
    let place = Place::new();
    let key = place.key("acme", "ingest");
    // The signal that comes with the refusal would end the process.
    let script = format!("trap '' XFSZ; exec prlimit --fsize={LIMIT}: {:?} \"$@\"", super::served::BINARY);
    let arguments = ["-c", &script, "sh", "serve", "--db", DB, "--listen", "127.0.0.1:0"];
    let mut command = place.command_of(Path::new("sh"), &arguments);
    let served = Served::start(command.env("EVENTS_RATE", "0").env("PATH", std::env::var("PATH").unwrap()));
    let filler = "x".repeat(20_000);
    let send = |n: usize| {
        let event = json!({ "event": "a", "id": format!("{n}"), "timestamp": now(), "properties": { "a": filler } });
        served.post("/events", &key, &event).0
    };
    let mut kept: Vec<usize> = Vec::new();
    let full = (0..1_000).find(|n| {
        let status = send(*n);
        kept.extend((status == 202).then_some(*n));
        status != 202
    });
    let full = full.expect("it never was full");
    assert_eq!((send(full), kept.len() > 5), (503, true), "{full}");
    assert_eq!(crate::process::exchange(served.address, "GET", "/health", "").unwrap().0, 200, "it still reads");
    let id = served.running.0.id().to_string();
    assert!(Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited"]).status().unwrap().success());
    assert_eq!(send(full), 202, "there is room again");
    kept.push(full);
    served.signal("-KILL");
    served.end();
    let ids = format!("SELECT count(*) FROM events_raw WHERE CAST(id AS INTEGER) <= {full}");
    assert_eq!(place.count(&ids), i64::try_from(kept.len()).unwrap());
    assert_eq!(place.count("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}

#[test]
fn the_demo_is_alive_within_seconds_and_its_curl_commands_work() {
    let place = Place::new();
    let mut served = Served::start(&mut place.command(&["serve", "--demo", "--db", DB, "--listen", "127.0.0.1:0"]));
    let line = |served: &mut Served| {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut served.words, &mut line).unwrap();
        line
    };
    // The key stands alone on its line, before the commands.
    let key = (0..5).map(|_| line(&mut served)).find(|line| line.trim().starts_with("aig_")).unwrap();
    let key = key.trim().to_owned();
    for path in ["/events", "/"] {
        let mut curl = String::new();
        while !curl.trim_end().ends_with('\'') {
            let line = line(&mut served);
            curl.push_str(if curl.is_empty() && !line.starts_with("curl") { "" } else { &line });
        }
        assert!(curl.contains(&format!("http://{}{path} ", served.address)) && curl.contains(&key), "{curl}");
        let mut shell = place.command_of(Path::new("sh"), &["-c", &format!("{} -s", curl.trim_end())]);
        let output = shell.env("PATH", std::env::var("PATH").unwrap()).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["accepted"], 1, "{curl} {answer}");
    }
    // The past is there, then events and logs that arrive.
    let waited = |sql: &str| {
        let began = aig_logs::host::native::now();
        while place.count(sql) == 0 {
            assert!(aig_logs::host::native::now() - began < chrono::TimeDelta::minutes(1), "{sql}");
            std::thread::yield_now();
        }
    };
    waited("SELECT count(*) > 5000 FROM events_raw WHERE ingested_at > created_at");
    waited("SELECT count(DISTINCT org) >= 4 FROM events_raw");
    waited("SELECT count(*) > 1000 FROM aig_logs");
    waited("SELECT count(*) > 10 FROM events_raw WHERE julianday(ingested_at) - julianday(created_at) < 0.0001");
    served.signal("-TERM");
    let (code, said) = served.end();
    assert_eq!(code, Some(0), "{said}");
    let again = place.run(&["serve", "--demo", "--db", DB]);
    assert!(again.0 == Some(2) && again.2.contains("--db"), "{}", again.2);
}
