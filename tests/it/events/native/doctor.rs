//! What the doctor finds of the events half, each thing provoked.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    thread,
};

use aig_logs::host::{Put, Store as _, native::SqliteStore};
use futures_util::FutureExt as _;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::served::{DB, Place, now};
use crate::cli::World;

/// The id of the simulated database.
const DATABASE: &str = "d1d1d1d1-0000-4000-8000-000000000001";

/// What a command finds.
struct Found(Vec<Value>);

impl Found {
    #[track_caller]
    fn by(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{words}"));
        assert_eq!(report["failed"], output.status.code().unwrap(), "{report:#}");
        Self(report["checks"].as_array().unwrap().clone())
    }

    /// The one check that is a warning or has failed, with all of these words and a way out.
    #[track_caller]
    fn assert(&self, name: &str, verdict: &str, parts: &[&str]) {
        let sick: Vec<_> =
            self.0.iter().filter(|check| check["verdict"] == "warning" || check["verdict"] == "failed").collect();
        let [sick] = sick[..] else { panic!("{name}: {:#?}", self.0) };
        assert_eq!((&sick["check"], &sick["verdict"]), (&json!(name), &json!(verdict)), "{sick:#}");
        assert!(sick["hint"].is_string() && sick["fix"].is_string(), "{sick:#}");
        for part in parts {
            assert!(
                ["says", "hint", "fix"].iter().any(|text| sick[text].as_str().unwrap().contains(part)),
                "{part}: {sick:#}"
            );
        }
    }

    #[track_caller]
    fn assert_skipped(&self, names: &[&str]) {
        let skipped: Vec<_> =
            self.0.iter().filter(|check| check["verdict"] == "skipped").map(|check| &check["check"]).collect();
        assert_eq!(json!(skipped), json!(names), "{:#?}", self.0);
    }

    #[track_caller]
    fn assert_ok(&self, names: &[&str]) {
        let ok: Vec<_> = self.0.iter().filter(|check| check["verdict"] == "ok").map(|check| &check["check"]).collect();
        assert_eq!(json!(ok), json!(names), "{:#?}", self.0);
    }
}

impl Place {
    fn doctor(&self, arguments: &[&str], vars: &[(&str, &str)]) -> Found {
        let arguments = [&["doctor", "--events", "--json"], arguments].concat();
        Found::by(self.command(&arguments).envs(vars.iter().copied()))
    }

    fn execute(&self, sql: &str) {
        Connection::open(self.db()).unwrap().execute_batch(sql).unwrap();
    }
}

/// The statement that keeps an event of today with so many letters.
fn event(org: &str, id: &str, size: usize) -> String {
    format!(
        "INSERT INTO events_raw (org, created_at, id, name, source, ingested_at, error) VALUES ('{org}', '{now}', '{id}', \
         'n', 'http', '{now}', '{}');",
        "x".repeat(size),
        now = now(),
    )
}

const LETTERS: &str = "dead:@events:2026-11-02T12:00:00.000Z:002a-1";

/// What is checked where all is well.
const OF_A_FILE: [&str; 8] =
    ["settings", "database", "tables", "keys", "large events", "dead letters", "server", "test event"];
const OF_D1: [&str; 8] =
    ["settings", "EVENTS_DB", "rate", "database", "tables", "keys", "large events", "dead letters"];

#[test]
fn doctor_names_what_is_wrong_with_events() {
    let place = Place::new();
    let key = place.key("acme", "ingest");
    let served = place.serve(&[("EVENTS_REQUIRED", "user_id,quantity,success,metadata")]);
    let to = format!("http://{}", served.address);
    let required = ("EVENTS_REQUIRED", "user_id,quantity,success,metadata");
    let vars = [required, ("AIG_EVENTS_KEY", key.as_str())];
    let file = ["--db", DB];

    let whole = place.doctor(&["--db", DB, "--to", &to], &vars);
    whole.assert_ok(&OF_A_FILE);
    assert!(whole.0[7].to_string().contains("taken out again"), "{}", whole.0[7]);
    assert_eq!(place.events(), 0);
    let alone = place.doctor(&["--sink", &format!("sqlite:{DB}")], &[]);
    alone.assert_skipped(&["server", "test event"]);

    place.doctor(&file, &[("EVENTS_RATE", "many")]).assert("settings", "failed", &["EVENTS_RATE", "help settings"]);
    place.doctor(&file, &[("EVENTS_ENABLED", "false")]).assert("settings", "warning", &["EVENTS_ENABLED=true"]);

    let nowhere = place.doctor(&["--db", "nowhere.sqlite"], &[]);
    nowhere.assert("database", "failed", &["aig-logs keys create --db nowhere.sqlite"]);
    nowhere.assert_skipped(&["tables", "keys", "large events", "dead letters", "server", "test event"]);
    assert!(!place.0.path().join("nowhere.sqlite").exists());
    fs::write(place.0.path().join("words"), "words ".repeat(1_000)).unwrap();
    place.doctor(&["--db", "words"], &[]).assert("database", "failed", &["words"]);

    large_events(&place);
    dead_letters(&place);

    place.doctor(&["--db", DB, "--to", "http://127.0.0.1:1"], &vars).assert("server", "failed", &["aig-logs serve"]);
    let with = |key: &str| place.doctor(&["--db", DB, "--to", &to, "--key", key], &[required]);
    with(&place.key("acme", "query")).assert("test event", "failed", &["status 403", "scope ingest"]);
    with("aig_nobody").assert("test event", "failed", &["status 401", "AIG_EVENTS_KEY"]);
    let without = [("AIG_EVENTS_KEY", key.as_str())];
    let at_server = ["--db", DB, "--to", &to];
    place.doctor(&at_server, &without).assert("test event", "failed", &["status 422", "EVENTS_REQUIRED"]);
    let others = [vars[0], vars[1], ("EVENTS_NAMES", "auth.*")];
    place.doctor(&at_server, &others).assert_skipped(&["test event"]);
    place.run(&["keys", "create", "--db", "other.sqlite", "--org", "acme", "--scopes", "ingest"]);
    let other = place.doctor(&["--db", "other.sqlite", "--to", &to], &vars);
    other.assert("test event", "failed", &["does not have it", "--db FILE"]);
    assert_eq!(place.count("SELECT count(*) FROM events_raw WHERE name <> 'aig-logs.doctor'"), 0);

    drop(served);
    keys_and_tables(&place);
}

fn large_events(place: &Place) {
    let file = ["--db", DB];
    // A new file has pages of 16 KiB: a row spills from 4,000 bytes on.
    for (large, org) in [(1, "acme"), (2, "other")] {
        let small: String = (0..4).map(|n| event(org, &format!("{large}-{n}"), 3_000)).collect();
        place.execute(&(small + &event(org, &format!("{large}-large"), 5_000)));
        place.doctor(&file, &[]).assert_skipped(&["server", "test event"]);
    }
    place.execute(&event("third", "large", 5_000));
    let parts = ["28 % of 11 events", "more than 4,000 bytes", "16,384 bytes", "DROP_METADATA"];
    place.doctor(&file, &[]).assert("large events", "warning", &parts);
    place.execute("DELETE FROM events_raw");
}

fn dead_letters(place: &Place) {
    let file = ["--db", DB];
    let connection = Connection::open(place.db()).unwrap();
    let state = SqliteStore::new(&connection, "state").unwrap();
    let put = |key: &str, n: u32| {
        let options = Put { metadata: Some(json!({ "n": n })), ..Put::default() };
        state.put(key, "{}", &options).now_or_never().unwrap().unwrap();
    };
    put("dead:main:2026-11-02T12:00:00.000Z:002a-1", 5);
    place.doctor(&file, &[]).assert_skipped(&["server", "test event"]);
    put(LETTERS, 3);
    let parts = ["3 events", &format!("aig-logs dead-letters list --state {DB}")];
    place.doctor(&file, &[]).assert("dead letters", "warning", &parts);
    state.delete(LETTERS).now_or_never().unwrap().unwrap();
}

fn keys_and_tables(place: &Place) {
    let file = ["--db", DB];
    place.execute("UPDATE api_keys SET revoked_at = 'now'");
    place.doctor(&file, &[]).assert("keys", "failed", &[&format!("aig-logs keys create --db {DB}")]);
    place.execute("DROP VIEW activity; ALTER TABLE events_raw DROP COLUMN sku");
    let lacking = place.doctor(&file, &[]);
    assert!(lacking.0[2].to_string().contains("ADD COLUMN sku TEXT"), "{}", lacking.0[2]);
    lacking.assert_skipped(&["large events", "server", "test event"]);
    place.execute("ALTER TABLE events_raw ADD COLUMN sku TEXT; DROP TABLE api_keys");
    let fix = format!("aig-logs keys list --db {DB}");
    place.doctor(&file, &[]).assert("tables", "failed", &["api_keys is missing", &fix]);
    place.run(&["keys", "list", "--db", DB]);
    place.doctor(&file, &[]).assert("keys", "failed", &[]);
}

/// A world with a database that has its tables, and a Worker.
fn world() -> World {
    let world = World::start(&["--entries", "1", "--rate", "0"]);
    world.run(&["sql", "--sink", "d1", "--apply"]);
    in_d1(&world, "INSERT INTO api_keys VALUES ('h', 'aig_x', 'acme', 'ingest', '[]', '2026-11-01', NULL)");
    configure(&world, DATABASE, "", 1_000);
    world
}

fn in_d1(world: &World, sql: &str) {
    world.tell("POST", "/simulator/d1", sql);
}

/// Writes the configuration of the Worker.
fn configure(world: &World, id: &str, vars: &str, limit: u32) {
    let text = format!(
        "[[env.events.d1_databases]]\nbinding = \"EVENTS_DB\"\ndatabase_id = \"{id}\"\n[[env.events.ratelimits]]\n\
         name = \"EVENTS_RATE_LIMIT\"\nnamespace_id = \"1\"\nsimple = {{ limit = {limit}, period = 60 }}\n\
         [env.events.vars]\n{vars}\n"
    );
    fs::write(world.path("wrangler.toml"), text).unwrap();
}

#[track_caller]
fn doctor(world: &World, arguments: &[&str], vars: &[(&str, &str)]) -> Found {
    let arguments = [&["doctor", "--events", "--json"], arguments].concat();
    Found::by(world.command(&arguments).envs(vars.iter().copied()))
}

#[test]
fn doctor_names_what_is_wrong_with_events_in_d1() {
    let world = world();
    let check = || doctor(&world, &["--sink", "d1"], &[]);
    for arguments in [&[][..], &["--sink", "d1"]] {
        let whole = doctor(&world, arguments, &[]);
        whole.assert_ok(&OF_D1);
        whole.assert_skipped(&["server", "test event"]);
    }
    configure(&world, "<id of EVENTS_DB>", "", 1_000);
    check().assert("EVENTS_DB", "failed", &["<id of EVENTS_DB>", "npx wrangler d1 create aig-events"]);
    configure(&world, "00000000-0000-4000-8000-000000000000", "", 1_000);
    check().assert("EVENTS_DB", "warning", &["another database", "CF_D1_DATABASE_ID"]);
    configure(&world, DATABASE, "", 500);
    check().assert("rate", "warning", &["EVENTS_RATE is 1000", "500 requests a minute", "[[env.events.ratelimits]]"]);
    configure(&world, DATABASE, "EVENTS_RATE = \"500\"", 500);
    check().assert_ok(&OF_D1);
    configure(&world, DATABASE, "EVENTS_RATE = \"0\"", 500);
    check().assert_ok(&OF_D1);
    configure(&world, DATABASE, "EVENTS_REQUIRED = \"shoe_size\"\nHASH_METADATA = \"email\"", 1_000);
    check().assert("settings", "failed", &["shoe_size", "[env.events.vars]"]);
    // Only the Worker knows its HASH_KEY.
    configure(&world, DATABASE, "HASH_METADATA = \"email\"", 1_000);
    check().assert_ok(&OF_D1);
    fs::write(world.path("wrangler.toml"), "[env.events]\nname = \"aig-events\"\n").unwrap();
    let bare = check();
    let names: Vec<_> = bare.0.iter().filter(|check| check["fix"].is_string()).map(|check| &check["check"]).collect();
    assert_eq!(names, ["EVENTS_DB", "rate"]);
    fs::remove_file(world.path("wrangler.toml")).unwrap();
    check().assert_skipped(&["EVENTS_DB", "rate", "server", "test event"]);
    configure(&world, DATABASE, "", 1_000);

    let size = |id: usize, size| event("acme", &id.to_string(), size);
    for id in 0..5 {
        in_d1(&world, &size(id, if id == 0 { 1_001 } else { 800 }));
    }
    check().assert_ok(&OF_D1);
    in_d1(&world, &size(5, 1_001));
    check().assert("large events", "warning", &["34 % of 6 events", "more than 1,000 bytes", "page of its own"]);
    in_d1(&world, "DELETE FROM events_raw");

    let state = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
    let letters = format!("/simulator/kv?namespace={state}&key={LETTERS}&metadata=%7B%22n%22%3A2%7D");
    world.tell("POST", &letters, "{}");
    check().assert("dead letters", "warning", &["2 events", "aig-logs dead-letters list --state kv"]);
    world.run(&["dead-letters", "discard", "--state", "kv", "--all", "--yes"]);

    in_d1(&world, "UPDATE api_keys SET revoked_at = 'now'");
    check().assert("keys", "warning", &["EVENTS_ADMIN_KEY", "POST /keys"]);
    in_d1(&world, "UPDATE api_keys SET revoked_at = NULL");
    in_d1(&world, "DROP VIEW activity");
    in_d1(&world, "ALTER TABLE events_raw DROP COLUMN sku");
    check().assert("tables", "failed", &["sku is missing", "npx wrangler d1 execute EVENTS_DB", "ADD COLUMN sku TEXT"]);
    in_d1(&world, "DROP TABLE events_raw");
    let ways_out =
        ["events_raw is missing", "aig-logs sql --sink d1 --apply", "wrangler d1 migrations apply EVENTS_DB"];
    check().assert("tables", "failed", &ways_out);
    let other = doctor(&world, &[], &[("CF_D1_DATABASE_ID", "00000000-0000-4000-8000-000000000000")]);
    assert_eq!(other.0[3]["verdict"], "failed", "{:#?}", other.0);
    assert_eq!(other.0[3]["fix"], "CF_D1_DATABASE_ID");
    doctor(&world, &["--sink", "d1"], &[("CF_D1_DATABASE_ID", "no id")]).assert(
        "database",
        "failed",
        &["CF_D1_DATABASE_ID"],
    );
}

/// A server that takes every event as new, and gives its body to `keep` before it answers.
fn forgetful(keep: impl Fn(&Value) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = move |mut connection: TcpStream| {
        let mut lines = BufReader::new(connection.try_clone().unwrap());
        let (mut first, mut length) = (String::new(), 0);
        lines.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).unwrap();
        if let Ok(body) = serde_json::from_slice(&body) {
            keep(&body);
        }
        let (status, text) = match first.split(' ').nth(1) {
            Some("/health") => ("200 OK", r#"{"status":"ok","version":"9"}"#),
            _ => ("202 Accepted", r#"{"accepted":1,"duplicates":0,"ids":["x"]}"#),
        };
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", text.len());
        connection.write_all((head + text).as_bytes()).unwrap();
    };
    thread::spawn(move || listener.incoming().for_each(|connection| answer(connection.unwrap())));
    address
}

#[test]
fn a_server_that_takes_an_event_twice_is_told_unless_a_queue_is_in_front() {
    let world = world();
    let simulator = world.address();
    let to = format!(
        "http://{}",
        forgetful(move |event| {
            let (id, at) = (event["id"].as_str().unwrap(), event["timestamp"].as_str().unwrap());
            let sql = format!(
                "INSERT OR IGNORE INTO events_raw (org, created_at, id, name, source, ingested_at) VALUES ('acme', '{at}', \
             '{id}', 'aig-logs.doctor', 'http', '{at}')"
            );
            crate::process::exchange(simulator, "POST", "/simulator/d1", &sql).unwrap();
        })
    );
    let arguments = ["--to", &to, "--key", "aig_0123456789"];
    let parts = ["1 new and 0 known, then 1 new and 0 known", "EVENTS_QUEUE"];
    doctor(&world, &arguments, &[]).assert("test event", "failed", &parts);
    let text = fs::read_to_string(world.path("wrangler.toml")).unwrap();
    let queue = "[[env.events.queues.producers]]\nbinding = \"EVENTS_QUEUE\"\nqueue = \"q\"\n";
    fs::write(world.path("wrangler.toml"), text + queue).unwrap();
    doctor(&world, &arguments, &[]).assert_ok(&[&OF_D1[..], &["server", "test event"]].concat());
    let left = world.tell("POST", "/simulator/d1", "SELECT count(*) AS n FROM events_raw");
    assert_eq!(left.trim(), r#"{"n":0}"#);
}
