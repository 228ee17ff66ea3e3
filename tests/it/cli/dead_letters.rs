//! Rows that the sink will never take, in a SQLite file and in a deployed Worker's KV.

use std::{fs, path::Path, process::Output};

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::{Record, World, assert_same, command, records, table, words};

/// Where the dead letters of these tests are kept.
const KEY: &str = "dead:main:2026-11-02T12:00:00.000Z:002a-1";

/// The simulator's `STATE_KV`.
const STATE: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// A world with an entry that no partition of BigQuery is old enough for, and which is therefore a dead letter in
/// `aig-logs-state.sqlite`; its key and value.
fn refused() -> (World, String, String) {
    let world = World::start(&["--entries", "50", "--days", "0.005", "--rate", "0"]);
    let old =
        json!({ "id": "old", "created_at": "2000-01-01T00:00:00.000Z", "cost": 0.1, "metadata": { "team": "a" } });
    world.tell("POST", "/simulator/entries?gateway=main", &old.to_string());
    world.run(&["forward", "--sink", "bigquery"]);
    world.run(&["backfill", "--sink", "bigquery"]);
    let (key, value) = kept(&world.path("aig-logs-state.sqlite")).pop().unwrap();
    (world, key, value)
}

/// The dead letters of a state file.
fn kept(path: &Path) -> Vec<(String, String)> {
    let file = Connection::open(path).unwrap();
    let mut statement = file.prepare("SELECT key, value FROM aig_logs_state WHERE key LIKE 'dead:%'").unwrap();
    let kept = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    kept.map(Result::unwrap).collect()
}

fn keep(path: &Path, value: &str) {
    let sql = "INSERT INTO aig_logs_state (store, key, value, metadata) VALUES ('state', ?, ?, '{\"n\":1}')";
    Connection::open(path).unwrap().execute(sql, params![KEY, value]).unwrap();
}

fn output(world: &World, arguments: &[&str]) -> Output {
    world.command(arguments).output().unwrap()
}

/// What a command says that ends with exit code 2.
fn refusal(world: &World, arguments: &[&str]) -> String {
    let output = output(world, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", words(&output));
    words(&output)
}

fn with<'a>(head: &[&'a str], arguments: &[&'a str]) -> Vec<&'a str> {
    [head, arguments].concat()
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_refused_row_is_told_shown_and_brought_in_once_where_a_sink_takes_it() {
    let (world, key, value) = refused();
    let in_state = ["--sink", "bigquery"];
    let of = |action: &[&str]| world.run(&[&["dead-letters"], action, &in_state].concat());
    let status = world.run(&["status", "--sink", "bigquery"]);
    assert!(status.contains("Dead letters  1 row: `aig-logs dead-letters list`"), "{status}");
    let list = of(&["list"]);
    assert!(list.contains(&key) && list.contains("outside the allowed bounds"), "{list}");
    let list = json_of(&of(&["list", "--json"]));
    assert_eq!((&list[0]["key"], &list[0]["gateway"], &list[0]["rows"]), (&json!(key), &json!("main"), &json!(1)));
    let shown = of(&["show", &key]);
    assert_eq!(shown, of(&["show"]));
    assert_eq!((&json_of(&shown)["id"], &json_of(&shown)["row"]["cost"]), (&json!("old"), &json!(0.1)));

    // Here it is refused again.
    let again = output(&world, &["dead-letters", "replay", "--sink", "bigquery", "--json"]);
    assert_eq!(again.status.code(), Some(2), "{}", words(&again));
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&again["rows"], &again["refused"], &again["keys"][0]["key"]), (&json!(0), &json!(1), &json!(key)));
    assert_eq!(kept(&world.path("aig-logs-state.sqlite")), [(key, value.clone())]);

    // SQLite takes it, and takes it once.
    world.run(&["forward"]);
    let file = world.path("aig-logs.sqlite");
    for known in [0, 1] {
        keep(&file, &value);
        let replayed = json_of(&world.run(&["dead-letters", "replay", KEY, "--json"]));
        assert_eq!(
            (&replayed["rows"], &replayed["known"], &replayed["refused"]),
            (&json!(1), &json!(known), &json!(0))
        );
        assert_eq!(kept(&file), []);
    }
    assert_eq!(world.run(&["dead-letters", "replay"]), "0 rows brought in\n");
    assert_same(&world.entries(), table(&file));
    let (replayed, landed) = (row(table(&file), "old"), json_of(&shown)["row"].clone());
    for column in ["created_at", "ingested_at", "gateway", "cost", "metadata"] {
        assert_eq!(replayed[column], landed[column], "{column}");
    }
}

fn row(rows: Vec<Record>, id: &str) -> Record {
    rows.into_iter().find(|row| row["id"] == id).unwrap()
}

#[test]
fn dead_letters_are_thrown_away_only_when_somebody_says_so() {
    let (world, key, value) = refused();
    let discard = |arguments| with(&["dead-letters", "discard", "--sink", "bigquery"], arguments);
    let state = world.path("aig-logs-state.sqlite");
    assert!(refusal(&world, &discard(&["--all"])).contains("--yes"));
    assert!(refusal(&world, &discard(&["--yes", "dead:nothing"])).contains("aig-logs dead-letters list"));
    assert!(refusal(&world, &discard(&["--yes", "forward"])).contains("aig-logs dead-letters list"));
    refusal(&world, &discard(&["--yes"]));
    refusal(&world, &["dead-letters", "replay", "--dry-run"]);
    // What is named is seen and thrown away alone.
    keep(&state, &value);
    assert_eq!(records(&world.run(&["dead-letters", "show", KEY, "--sink", "bigquery"])).len(), 1);
    world.run(&discard(&[KEY, "--yes"]));
    assert_eq!(kept(&state), [(key.clone(), value)]);
    assert!(world.run(&discard(&[&key, "--yes"])).contains("Discarded 1 row under 1 key"));
    assert_eq!(kept(&state), []);
    let list = world.run(&["dead-letters", "list", "--sink", "bigquery"]);
    assert!(list.contains("No dead letters"), "{list}");
    let nothing = refusal(&world, &["dead-letters", "list", "--state", "nowhere.sqlite"]);
    assert!(nothing.contains("--state PATH") && !world.path("nowhere.sqlite").exists(), "{nothing}");
}

#[test]
fn the_workers_state_is_reached_over_the_api() {
    let (world, key, value) = refused();
    let put = |key: &str, metadata: &str, value: &str| {
        let path = format!("/simulator/kv?namespace={STATE}&key={key}&metadata={metadata}");
        world.tell("POST", &path, value);
    };
    let nothing = refusal(&world, &["status", "--state", "kv"]);
    assert!(nothing.contains(STATE), "{nothing}");
    for (cursor, value) in super::cursors(&world.path("aig-logs-state.sqlite")) {
        put(&cursor, "", &value);
    }
    // Two rows: BigQuery takes the one of today.
    let now = world.entries().into_values().next().unwrap()["created_at"].as_str().unwrap().to_owned();
    let mut letters = json_of(&value);
    let mut second = letters["rows"][0].clone();
    (second["id"], second["row"]["id"], second["row"]["created_at"]) = (json!("new"), json!("new"), json!(now));
    letters["rows"].as_array_mut().unwrap().push(second);
    put(KEY, "%7B%22n%22%3A2%7D", &letters.to_string());
    // What is no dead letter is none of theirs.
    put("deadline", "", "x");

    let status = |arguments: &[&str]| json_of(&world.run(&[&["status", "--json"], arguments].concat()));
    let [kv, file] = [status(&["--state", "kv"]), status(&["--sink", "bigquery"])];
    for part in ["gateway", "backfill"] {
        assert_eq!(kv["gateways"][0][part], file["gateways"][0][part]);
    }
    assert_eq!(kv["gateways"][0]["forward"]["delivered_up_to"], file["gateways"][0]["forward"]["delivered_up_to"]);
    assert_eq!(kv["dead_letters"], json!([{ "key": KEY, "rows": 2 }]));
    assert_eq!(file["dead_letters"], json!([{ "key": key, "rows": 1 }]));

    let told = world.run(&["status", "--state", "kv"]);
    assert!(told.contains("Dead letters  2 rows: `aig-logs dead-letters list --state kv`"), "{told}");
    let of = |action| with(&["dead-letters", "--state", "kv"], action);
    assert!(world.run(&of(&["list"])).contains(KEY));
    assert_eq!(records(&world.run(&of(&["show", KEY]))).len(), 2);
    assert!(refusal(&world, &of(&["replay"])).contains("--sink bigquery"));
    let before = world.landed().len();
    let replayed = output(&world, &of(&["replay", "--sink", "bigquery", "--json"]));
    assert_eq!(replayed.status.code(), Some(2), "{}", words(&replayed));
    let replayed: Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert_eq!((&replayed["rows"], &replayed["refused"]), (&json!(1), &json!(1)));
    assert_eq!(world.landed().len(), before + 1);
    let left = records(&world.ask("GET", &format!("/simulator/kv?namespace={STATE}")));
    let left = left.into_iter().find(|stored| stored["key"] == KEY).unwrap();
    assert_eq!(left["metadata"], json!({ "n": 1 }));
    // The simulator's clock is this machine's.
    let days = (left["expiration"].as_i64().unwrap() - aig_logs::host::native::now().timestamp()) / 86_400;
    assert!((44..=45).contains(&days), "{days}");
    assert_eq!(json_of(left["value"].as_str().unwrap())["rows"].as_array().unwrap().len(), 1);

    world.run(&of(&["discard", "--all", "--yes"]));
    assert!(world.run(&of(&["list"])).contains("No dead letters"));
    assert!(world.ask("GET", &format!("/simulator/kv?namespace={STATE}")).contains("deadline"));
}

/// The key of dead letters of events.
const OF_EVENTS: &str = "dead:@events:2026-11-02T12:00:00.000Z:002a-1";

#[test]
fn refused_events_of_a_worker_are_brought_into_d1_and_what_is_no_event_stays() {
    let world = World::start(&["--entries", "10", "--rate", "0"]);
    // Whoever has no gateway need not name one.
    let vars = fs::read_to_string(world.path(".dev.vars")).unwrap();
    let vars: Vec<_> = vars.lines().filter(|line| !line.starts_with("AIG_GATEWAY_ID=")).collect();
    fs::write(world.path(".dev.vars"), vars.join("\n")).unwrap();
    let event = json!({
        "org": "acme", "created_at": "2026-11-01T00:00:00.000Z", "id": "e", "name": "signed.in", "source": "http",
        "ingested_at": "2026-11-01T00:00:01.000Z", "success": true, "cost": 0.1, "metadata": "{\"plan\":\"pro\"}",
    });
    // It has no name, which no table of events takes.
    let mut nameless = event.clone();
    nameless.as_object_mut().unwrap().remove("name");
    nameless["id"] = json!("nameless");
    let letters = [&event, &nameless].map(|row| json!({ "id": row["id"], "reason": "no such table", "row": row }));
    let text = json!({ "id": "message", "reason": "no list", "created_at": null, "text": "words" });
    let keep = |rows: &[Value]| {
        let path = format!("/simulator/kv?namespace={STATE}&key={OF_EVENTS}&metadata=%7B%22n%22%3A{}%7D", rows.len());
        world.tell("POST", &path, &json!({ "rows": rows, "v": 1 }).to_string());
    };
    let replay = || {
        let replayed =
            output(&world, &["dead-letters", "replay", OF_EVENTS, "--state", "kv", "--sink", "d1", "--json"]);
        let told = serde_json::from_slice(&replayed.stdout).unwrap_or_default();
        (replayed.status.code(), told, words(&replayed))
    };
    keep(&[letters[0].clone(), letters[1].clone(), text]);
    let (code, _, words) = replay();
    assert!(code == Some(2) && words.contains("aig-logs sql --sink d1 --apply"), "{words}");

    world.run(&["sql", "--sink", "d1", "--apply"]);
    let (code, told, words) = replay();
    let numbers = |told: &Value| ["rows", "known", "refused"].map(|name| told[name].as_u64().unwrap());
    assert_eq!((code, numbers(&told)), (Some(2), [1, 0, 2]), "{words}");
    let written = records(&world.tell("POST", "/simulator/d1", "SELECT * FROM events_raw"));
    let [written] = &written[..] else { panic!("{written:?}") };
    for (column, value) in event.as_object().unwrap() {
        let expected = if column == "success" { json!(1) } else { value.clone() };
        assert_eq!(written[column], expected, "{column}");
    }
    let left = records(&world.run(&["dead-letters", "show", OF_EVENTS, "--state", "kv"]));
    let reasons: Vec<_> = left.iter().map(|letter| (&letter["id"], letter["reason"].as_str().unwrap())).collect();
    assert_eq!((reasons[0], reasons[1].0), ((&json!("message"), "no list"), &json!("nameless")));
    assert!(reasons[1].1.contains("events_raw.name"), "{reasons:?}");

    // What D1 has already is known there, and the key goes.
    keep(&letters[..1]);
    let (code, told, words) = replay();
    assert_eq!((code, numbers(&told)), (Some(0), [1, 1, 0]), "{words}");
    assert!(world.run(&["dead-letters", "list", "--state", "kv"]).contains("No dead letters"));
}

#[test]
fn the_workers_state_serves_no_second_poller_and_a_refusal_says_what_is_missing() {
    let world = World::start(&["--entries", "10", "--rate", "0"]);
    for job in ["forward", "backfill", "run"] {
        let words = refusal(&world, &[job, "--state", "kv"]);
        assert!(words.contains("two pollers with one state"), "{words}");
    }
    let refuse = |setting: &str, value: &str| {
        let output = world.command(&["status", "--state", "kv"]).env(setting, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", words(&output));
        words(&output)
    };
    assert!(refuse("CF_API_TOKEN", "wrong").contains("Workers KV Storage Read"));
    assert!(refuse("CF_KV_STATE_ID", "ff").contains("CF_KV_STATE_ID"));
}

#[test]
fn the_namespaces_are_those_of_the_workers_configuration_and_a_placeholder_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let status = |id: &str| {
        let worker = "[vars]\nCF_ACCOUNT_ID = \"a\"\nCLOUDFLARE_BASE_URL = \"http://127.0.0.1:1\"\n".to_owned();
        let namespaces =
            ["STATE_KV", "IDS_KV"].map(|name| format!("[[kv_namespaces]]\nbinding = \"{name}\"\nid = \"{id}\"\n"));
        fs::write(folder.path().join("wrangler.toml"), worker + &namespaces.concat()).unwrap();
        fs::write(folder.path().join(".dev.vars"), "CF_API_TOKEN=t\n").unwrap();
        let output = command(folder.path()).args(["status", "--state", "kv"]).output().unwrap();
        (output.status.code(), words(&output))
    };
    let (code, words) = status("<id of STATE_KV>");
    assert!(code == Some(2) && words.contains("CF_KV_STATE_ID is not set"), "{words}");
    assert!(words.contains("CF_KV_IDS_ID is not set"), "{words}");
    // A good one leads to a call, which nobody answers.
    let (code, words) = status(STATE);
    assert!(code == Some(1) && words.contains("no answer"), "{words}");
}
