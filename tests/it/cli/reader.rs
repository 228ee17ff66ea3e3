//! `aig-logs verify --reader` against the BigQuery peer: what the table itself says.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    process::Output,
    thread::{self, JoinHandle},
};

use aig_logs::simulator::google::SimulatedAccount;
use http::Request;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{World, verify::deploy, words};
use crate::{
    peer::{BigQuery as _, DATASET, PROJECT, Peer, TABLE},
    secrets::{Heard, assert_visible},
};

const SINK: [&str; 2] = ["--sink", "bigquery"];

/// A world that is copied, and a table with its rows. They are copied into the simulator's table, and the test brings them
/// to the peer, which takes no id twice within a minute: a repair must be the first to bring it one.
fn copied(peer: &Peer) -> World {
    let world = World::start(&["--entries", "200", "--days", "0.02", "--rate", "0"]);
    for job in ["forward", "backfill"] {
        world.run(&[job, SINK[0], SINK[1]]);
    }
    let target = format!("bigquery:{PROJECT}.{DATASET}.{TABLE}");
    let state = Connection::open(world.path("aig-logs-state.sqlite")).unwrap();
    let moved = "UPDATE aig_logs_state SET value = ? WHERE store = 'native' AND key = 'target'";
    assert_eq!(state.execute(moved, [target]).unwrap(), 1);
    let rows: Vec<_> = world.landed().into_iter().map(Value::Object).collect();
    peer.insert(&rows);
    world
}

/// What `verify` says of a table with these options.
fn verify(world: &World, peer: &Peer, options: &[&str], code: i32) -> Output {
    let mut command = world.command(&[&["verify"], options].concat());
    let output = command.envs(Peer::SETTINGS).env("BIGQUERY_EMULATOR_HOST", peer.origin()).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{options:?}: {}", words(&output));
    output
}

/// The sums of some numbers over all units, and every verdict.
fn sums(output: &Output) -> ([u64; 3], Vec<String>) {
    let units: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let sum = |name: &str| units.iter().map(|unit| unit[name].as_u64().unwrap()).sum();
    let mut verdicts: Vec<_> = units.iter().map(|unit| unit["verdict"].as_str().unwrap().to_owned()).collect();
    verdicts.sort();
    verdicts.dedup();
    (["source", "in_table", "missing"].map(sum), verdicts)
}

#[test]
fn rows_that_bigquery_has_lost_are_missing_and_come_back() {
    let Some(peer) = Peer::start() else { return };
    let world = copied(&peer);
    let reader = [&SINK[..], &["--reader", "gcloud"]].concat();
    let json = [&reader[..], &["--json"]].concat();
    let unread = verify(&world, &peer, &SINK, 0);
    assert!(words(&unread).contains("`aig-logs verify --reader gcloud` asks the table as you"), "{}", words(&unread));
    let proven = verify(&world, &peer, &json, 0);
    assert_eq!(sums(&proven), ([200, 200, 0], vec!["proven".to_owned()]));

    // Those that are there twice count once.
    let table = format!("`{PROJECT}.{DATASET}.{TABLE}`");
    peer.query(&format!("INSERT INTO {table} SELECT * FROM {table} LIMIT 20"));
    assert_eq!(sums(&verify(&world, &peer, &json, 0)).0, [200, 200, 0]);
    let last = format!("(SELECT DISTINCT id FROM {table} ORDER BY id DESC LIMIT 7)");
    peer.query(&format!("DELETE FROM {table} WHERE id IN {last}"));
    let told = verify(&world, &peer, &reader, 2);
    let shown = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(shown.contains("193 in the table, 7 missing"), "{shown}");
    verify(&world, &peer, &SINK, 0);

    let repaired = verify(&world, &peer, &[&json[..], &["--repair"]].concat(), 0);
    let (numbers, verdicts) = sums(&repaired);
    assert_eq!(numbers, [200, 200, 7]);
    assert!(verdicts.contains(&"repaired".to_owned()), "{verdicts:?}");
    assert_eq!(sums(&verify(&world, &peer, &json, 0)), ([200, 200, 0], vec!["proven".to_owned()]));
    let ids = peer.query(&format!("SELECT COUNT(DISTINCT id) AS ids FROM {table}"));
    assert_eq!(Value::from_iter(ids), json!([{ "ids": "200" }]));
}

#[test]
fn the_table_of_a_deployed_worker_is_asked_and_repaired_too() {
    let Some(peer) = Peer::start() else { return };
    let world = copied(&peer);
    deploy(&world, &world.path("aig-logs-state.sqlite"));
    let table = format!("`{PROJECT}.{DATASET}.{TABLE}`");
    peer.query(&format!("DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT 3)"));
    // Rows of the TypeScript program name no gateway: they are found by their ids.
    peer.query(&format!("UPDATE {table} SET gateway = NULL WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT 5)"));
    let kv = ["--state", "kv", "--reader", "adc", "--json"];
    assert_eq!(sums(&verify(&world, &peer, &kv, 2)).0, [200, 192, 3]);
    let repair = [&kv[..], &["--repair", "--sink", "bigquery"]].concat();
    assert_eq!(sums(&verify(&world, &peer, &repair, 0)).0, [200, 195, 3]);
    assert_eq!(sums(&verify(&world, &peer, &kv, 0)).0, [200, 195, 0]);
}

#[test]
fn a_sqlite_table_needs_no_reader() {
    let world = World::start(&["--entries", "20", "--days", "0.02", "--rate", "0"]);
    world.run(&["forward"]);
    for more in [&[][..], &["--repair"]] {
        let refused = world.command(&[&["verify", "--reader", "gcloud"], more].concat()).output().unwrap();
        assert_eq!(refused.status.code(), Some(2));
        assert!(words(&refused).contains("A SQLite table is asked without --reader"), "{}", words(&refused));
    }
}

/// Answers one sign-in with all that it was sent, and says what that was.
fn echo() -> (SocketAddr, JoinHandle<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answered = move || {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        let (mut line, mut length) = (String::new(), 0);
        while stream.read_line(&mut line).unwrap() > 2 {
            let (name, value) = line.trim().split_once(": ").unwrap_or_default();
            length = if name.eq_ignore_ascii_case("content-length") { value.parse().unwrap() } else { length };
            line.clear();
        }
        let mut request = Request::new(vec![0; length]);
        stream.read_exact(request.body_mut()).unwrap();
        let mut heard = Heard::default();
        heard.listen(&request);
        let body = json!({ "error": "invalid_grant", "error_description": heard.echo() }).to_string();
        let begin = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.get_mut().write_all((begin + &body).as_bytes()).unwrap();
        heard
    };
    (address, thread::spawn(answered))
}

#[test]
fn nobody_signed_in_is_told_how_and_no_secret_shows() {
    let world = World::start(&["--entries", "20", "--days", "0.02", "--rate", "0"]);
    world.run(&["forward", "--sink", "bigquery"]);
    // BigQuery itself, which is never reached here.
    let vars = fs::read_to_string(world.path(".dev.vars")).unwrap();
    let vars: Vec<_> = vars.lines().filter(|line| !line.starts_with("BIGQUERY_EMULATOR_HOST=")).collect();
    fs::write(world.path(".dev.vars"), vars.join("\n")).unwrap();
    let check = |reader: &str, environment: &[(&str, &str)], expected: &str| {
        let mut verify = world.command(&["verify", "--sink", "bigquery", "--reader", reader]);
        verify.env_remove("BIGQUERY_EMULATOR_HOST").env("PATH", "").envs(environment.iter().copied());
        let refused = verify.output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
        assert!(words(&refused).contains(expected), "{}", words(&refused));
        refused
    };
    check("gcloud", &[], "Log in with `gcloud auth login`, or set GOOGLE_OAUTH_ACCESS_TOKEN; or");
    check("adc", &[], "Log in with `gcloud auth application-default login`; or");
    check("nowhere.json", &[], "reading the credential in nowhere.json");

    let key = SimulatedAccount::weak(2);
    let letters: String = key.pkcs8_pem().lines().filter(|line| !line.starts_with("-----")).collect();
    for reader in ["reader.json", "adc"] {
        let (address, heard) = echo();
        let file = json!({
            "type": "service_account", "client_email": "reader@p.iam.gserviceaccount.com",
            "private_key": key.pkcs8_pem(), "token_uri": format!("http://{address}/token"),
        });
        fs::write(world.path("reader.json"), file.to_string()).unwrap();
        let default = [("GOOGLE_APPLICATION_CREDENTIALS", "reader.json")];
        let refused = check(reader, &default, "Check that the service account of the key file exists");
        let mut heard = heard.join().unwrap();
        heard.join(&Heard::of(&[&letters]));
        for told in [&refused.stdout, &refused.stderr] {
            heard.assert_hidden_in(told, reader);
            assert_visible(str::from_utf8(told).unwrap(), reader);
        }
    }
}
