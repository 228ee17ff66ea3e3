//! Proof and explanation on demand, over a file and over a deployed Worker's KV.

use std::{path::Path, process::Output};

use aig_logs::{host::native::now, time};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{World, assert_same, table, words};

/// The simulator's `STATE_KV` and `IDS_KV`.
const NAMESPACES: [(&str, &str); 2] =
    [("state", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"), ("ids", "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d")];

/// A world with half an hour of entries, all of them copied.
fn copied(sink: &[&str]) -> World {
    let world = World::start(&["--entries", "200", "--days", "0.02", "--rate", "0"]);
    world.run(&[&["forward"], sink].concat());
    world.run(&[&["backfill"], sink].concat());
    world
}

/// Adds an entry that no pass will look for within minutes: a fifth of the way from the first to the last.
fn lose(world: &World) -> String {
    let entries: Vec<_> = world.entries().into_values().collect();
    let mut instants: Vec<_> = entries.iter().map(|entry| entry["created_at"].as_str().unwrap()).collect();
    instants.sort_unstable();
    let lost = json!({ "id": "lost", "created_at": instants[40], "cost": 0.1 });
    world.tell("POST", "/simulator/entries?gateway=main", &lost.to_string());
    instants[40].to_owned()
}

/// All values of a state file, by store and key.
fn values(path: &Path) -> Vec<(String, String, String, Option<String>)> {
    let file = Connection::open(path).unwrap();
    let mut statement =
        file.prepare("SELECT store, key, value, metadata FROM aig_logs_state ORDER BY store, key").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Gives the Worker the state of a file.
pub(super) fn deploy(world: &World, path: &Path) {
    for (store, key, value, metadata) in values(path) {
        let Some((_, namespace)) = NAMESPACES.iter().find(|(name, _)| *name == store) else { continue };
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("namespace", namespace)
            .append_pair("key", &key)
            .append_pair("metadata", &metadata.unwrap_or_default())
            .finish();
        world.tell("POST", &format!("/simulator/kv?{query}"), &value);
    }
}

fn output(world: &World, arguments: &[&str], code: i32) -> Output {
    let output = world.command(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", words(&output));
    output
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn sum(units: &Value, name: &str) -> u64 {
    units.as_array().unwrap().iter().map(|unit| unit[name].as_u64().unwrap()).sum()
}

fn verdicts(units: &Value) -> Vec<&str> {
    units.as_array().unwrap().iter().map(|unit| unit["verdict"].as_str().unwrap()).collect()
}

#[test]
fn what_is_missing_is_told_with_exit_code_2_and_repaired_when_somebody_says_so() {
    let world = copied(&[]);
    let file = world.path("aig-logs.sqlite");
    let units = json_of(&output(&world, &["verify", "--json"], 0));
    assert!(verdicts(&units).iter().all(|verdict| *verdict == "proven"), "{units}");
    assert_eq!((sum(&units, "source"), sum(&units, "delivered"), sum(&units, "missing")), (200, 200, 0));
    let told = world.run(&["verify"]);
    assert!(
        told.contains("when (UTC)") && told.contains("200 at the source, 200 delivered, 200 in the table, 0 missing"),
        "{told}"
    );

    lose(&world);
    let before = (values(&file), table(&file));
    let short = output(&world, &["verify"], 2);
    assert!(
        String::from_utf8_lossy(&short.stdout)
            .contains("201 at the source, 200 delivered, 200 in the table, 1 missing")
    );
    assert!(words(&short).contains("aig-logs verify --repair"), "{}", words(&short));
    assert_eq!((values(&file), table(&file)), before);

    let repaired = json_of(&output(&world, &["verify", "--repair", "--json"], 0));
    assert!(verdicts(&repaired).contains(&"repaired"), "{repaired}");
    assert_eq!((sum(&repaired, "delivered"), sum(&repaired, "missing")), (201, 1));
    assert_same(&world.entries(), table(&file));
    assert_eq!(super::cursors(&file).len(), 2);
    assert!(verdicts(&json_of(&output(&world, &["verify", "--json"], 0))).iter().all(|verdict| *verdict == "proven"));
}

#[test]
fn rows_that_the_table_has_lost_are_missing_and_come_back() {
    for (sink, file) in
        [(&[][..], "aig-logs.sqlite"), (&["--sink", "sqlite:rows.sqlite", "--state", "s.sqlite"], "rows.sqlite")]
    {
        let world = copied(sink);
        let verify = |more: &[&str], code| output(&world, &[&["verify"], sink, more].concat(), code);
        verify(&[], 0);
        let rows = Connection::open(world.path(file)).unwrap();
        let lost = "DELETE FROM aig_logs_raw WHERE id IN (SELECT id FROM aig_logs_raw ORDER BY id LIMIT 7)";
        assert_eq!(rows.execute(lost, []).unwrap(), 7);
        let told = verify(&[], 2);
        let sums = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(sums.contains("193 in the table, 7 missing"), "{sums}");
        let repaired = json_of(&verify(&["--repair", "--json"], 0));
        assert_eq!((sum(&repaired, "in_table"), sum(&repaired, "missing")), (200, 7));
        assert_same(&world.entries(), table(&world.path(file)));
        verify(&[], 0);
        rows.execute("DELETE FROM aig_logs_raw", []).unwrap();
        assert_eq!(sum(&json_of(&verify(&["--json"], 2)), "missing"), 200, "an empty table proves nothing");
    }
}

/// Before passes began, the file had the table of an older version of the program, whose key has no instant.
#[test]
fn rows_in_a_file_with_an_older_key_are_copied_and_proven() {
    let world = World::start(&["--entries", "200", "--days", "0.02", "--rate", "0"]);
    let file = world.path("aig-logs.sqlite");
    let table_now = include_str!("../../../sql/sqlite/1_table.sql");
    let [key, end] = ["(gateway, created_at, id)", ") WITHOUT ROWID;"];
    assert!(table_now.contains(key) && table_now.contains(end));
    let older = table_now.replace(key, "(gateway, id)").replace(end, ");");
    Connection::open(&file).unwrap().execute_batch(&older).unwrap();
    world.run(&["forward"]);
    world.run(&["backfill"]);
    assert_same(&world.entries(), table(&file));
    let units = json_of(&output(&world, &["verify", "--json"], 0));
    assert!(verdicts(&units).iter().all(|verdict| *verdict == "proven"), "{units}");
    assert_eq!((sum(&units, "source"), sum(&units, "in_table")), (200, 200));
}

#[test]
fn dead_letters_and_discarded_ones_are_told_apart_from_rows() {
    let world = copied(&[]);
    let file = world.path("aig-logs.sqlite");
    let (mut letters, rows) = (Vec::new(), Connection::open(&file).unwrap());
    for row in table(&file).into_iter().take(3) {
        letters.push(json!({ "id": row["id"], "created_at": row["created_at"], "text": "{}", "reason": "invalid" }));
        rows.execute("DELETE FROM aig_logs_raw WHERE id = ?", [row["id"].as_str().unwrap()]).unwrap();
    }
    let put = "INSERT INTO aig_logs_state (store, key, value, metadata) VALUES ('state', ?, ?, ?)";
    for (n, letters) in [&letters[..1], &letters[1..]].into_iter().enumerate() {
        let value = json!({ "rows": letters, "v": 1 }).to_string();
        let metadata = json!({ "n": letters.len() }).to_string();
        rows.execute(put, [format!("dead:main:2026-10-06T09:15:22.417Z:002a-{n}"), value, metadata]).unwrap();
    }
    let sums = |name| {
        let units = json_of(&output(&world, &["verify", "--json"], 0));
        assert_eq!((sum(&units, "source"), sum(&units, "in_table"), sum(&units, "missing")), (200, 197, 0));
        sum(&units, name)
    };
    assert_eq!((sums("rejected"), sums("discarded")), (3, 0));
    world.run(&["dead-letters", "discard", "dead:main:2026-10-06T09:15:22.417Z:002a-1", "--yes"]);
    assert_eq!((sums("rejected"), sums("discarded")), (1, 2));
    assert!(world.run(&["verify"]).contains("197 in the table, 1 rejected, 2 discarded, 0 missing"));
    let status = world.run(&["status"]);
    assert!(status.contains("not counted yet, but for 1 dead letter and 2 discarded logs; "), "{status}");
}

#[test]
fn a_time_that_nobody_has_copied_is_not_proven() {
    let world = World::start(&["--entries", "200", "--days", "3", "--rate", "0"]);
    world.run(&["forward"]);
    let (day, end) = (now() - chrono::TimeDelta::days(2), now() - chrono::TimeDelta::days(1));
    let (from, to) = (time::text(day), time::text(end));
    let told = output(&world, &["verify", "--from", &from, "--to", &to], 2);
    assert!(
        words(&told).contains("is not delivered by the backfill") || words(&told).contains("backfill"),
        "{}",
        words(&told)
    );
    world.run(&["backfill"]);
    output(&world, &["verify", "--from", &from, "--to", &to], 0);
}

#[test]
fn a_copy_that_has_not_begun_is_told_from_one_with_nothing_to_prove() {
    let world = World::start(&["--entries", "50", "--days", "0.01", "--rate", "0"]);
    let check = |arguments: &[&str], code: i32, told: &str| {
        let output = output(&world, arguments, code);
        let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), words(&output));
        assert!(all.contains(told), "{arguments:?}: {all}");
    };
    check(&["status"], 2, "not begun");
    check(&["verify"], 2, "not begun");
    // A pass that reads nothing makes the state, and no cursor.
    let failed = world.command(&["forward"]).env("CLOUDFLARE_BASE_URL", "http://127.0.0.1:1").output().unwrap();
    assert_eq!(failed.status.code(), Some(1), "{}", words(&failed));
    check(&["verify"], 2, "Not begun");
    world.run(&["forward"]);
    world.run(&["backfill"]);
    check(&["verify", "--from", "2020-01-01", "--to", "2020-01-02"], 0, "Nothing to prove");
}

#[test]
fn only_what_is_claimed_to_be_delivered_is_looked_at() {
    let world = copied(&[]);
    let days = ["verify", "--from", "2020-01-01", "--to", "2099-01-01"];
    let looked_at = output(&world, &[&days[..], &["--json"]].concat(), 0);
    assert!(words(&looked_at).contains("the forward pass has copied no further"), "{}", words(&looked_at));
    assert_eq!(sum(&json_of(&looked_at), "source"), 200);
    assert!(words(&looked_at).contains("the source has nothing before"), "{}", words(&looked_at));
    assert!(json_of(&looked_at).as_array().unwrap().len() <= 2, "years without logs are no units");
    for refused in [&["verify", "--from", "2026-01-02", "--to", "2026-01-01"][..], &["verify", "--dry-run"]] {
        output(&world, refused, 2);
    }
    output(&world, &["verify", "--state", "nowhere.sqlite"], 2);
    assert!(!world.path("nowhere.sqlite").exists());
    let other = world.command(&["verify"]).env("CF_ACCOUNT_ID", "0".repeat(32)).output().unwrap();
    assert!(other.status.code() == Some(2) && words(&other).contains("it belongs to the account"), "{}", words(&other));
    let wrong = world.command(&["verify"]).env("CF_API_TOKEN", "wrong").output().unwrap();
    assert!(wrong.status.code() == Some(2) && words(&wrong).contains("CF_API_TOKEN"), "{}", words(&wrong));
    let silent = world.command(&["verify"]).env("CLOUDFLARE_BASE_URL", "http://127.0.0.1:1").output().unwrap();
    assert_eq!(silent.status.code(), Some(1), "{}", words(&silent));
}

#[test]
fn a_file_and_the_workers_state_show_the_same_ledger() {
    let sink = ["--sink", "bigquery"];
    let world = copied(&sink);
    let file = world.path("aig-logs-state.sqlite");
    let created_at = lose(&world);
    deploy(&world, &file);
    let both = |arguments: &[&str], code| {
        [&sink[..], &["--state", "kv"]].map(|place| json_of(&output(&world, &[arguments, place].concat(), code)))
    };
    let [in_file, in_kv] = both(&["verify", "--json"], 2);
    assert_eq!(in_file, in_kv);
    assert_eq!((sum(&in_kv, "source"), sum(&in_kv, "missing")), (201, 1));
    let [in_file, in_kv] = both(&["status", "--json"], 0).map(|mut status| {
        status["gateways"][0]["forward"]["last_entry_seconds_ago"].take();
        status["gateways"].take()
    });
    assert_eq!(in_file, in_kv);
    assert_eq!(in_kv[0]["backfill"]["state"], "finished");

    let known = world.landed()[0]["id"].as_str().unwrap().to_owned();
    let [mut in_file, mut in_kv] = both(&["explain", &known, "--json"], 0);
    assert_eq!((&in_kv[0]["fate"], &in_kv[0]["at_source"]), (&json!("delivered"), &json!(true)));
    let [in_file_asks, in_kv_asks] = [&mut in_file, &mut in_kv].map(|life| life[0]["query"].take());
    assert!(in_kv_asks.as_str().unwrap().contains(&format!("WHERE id = '{known}' AND created_at = TIMESTAMP '20")));
    assert_eq!((in_file, in_file_asks), (in_kv, in_kv_asks));

    let nothing = output(&world, &["verify", "--repair", "--state", "kv"], 2);
    assert!(words(&nothing).contains("--sink bigquery"), "{}", words(&nothing));
    let before = (values(&file), world.landed().len());
    let repair = ["verify", "--repair", "--state", "kv", "--sink", "bigquery", "--json"];
    assert!(verdicts(&json_of(&output(&world, &repair, 0))).contains(&"repaired"));
    assert_eq!((values(&file), world.landed().len()), (before.0, before.1 + 1));
    let [_, in_kv] = [2, 0].map(|code| {
        let place = if code == 2 { &sink[..] } else { &["--state", "kv"] };
        json_of(&output(&world, &[&["verify", "--json"], place].concat(), code))
    });
    assert_eq!((sum(&in_kv, "missing"), sum(&in_kv, "delivered")), (0, 201));
    assert_eq!(world.landed().iter().find(|row| row["id"] == "lost").unwrap()["created_at"], created_at.as_str());
}

#[test]
fn the_life_of_a_log_is_told_in_words() {
    let world = copied(&[]);
    let id = world.entries().keys().next().unwrap().clone();
    let told = world.run(&["explain", &id]);
    for words in
        [&format!("Log {id} of gateway main"), "source      shown", "segment ids:main:", "readers see it 1 time\n"]
    {
        assert!(told.contains(words), "{words} is not in: {told}");
    }
    assert!(told.ends_with("Delivered.\n"), "{told}");
    world.ask("POST", &format!("/simulator/delete?gateway=main&id={id}"));
    let told = world.run(&["explain", &id, "--gateway", "main"]);
    assert!(told.contains("not shown") && told.contains("the source does not show it any more"), "{told}");
    let nowhere = output(&world, &["explain", "nobody's"], 2);
    assert!(String::from_utf8_lossy(&nowhere.stdout).contains("Not at the source and never written"));
    lose(&world);
    let late = output(&world, &["explain", "lost"], 0);
    assert!(String::from_utf8_lossy(&late.stdout).contains("Late: the source is counted again after "), "{late:?}");
}

#[test]
fn status_leads_with_what_is_proven() {
    let world = copied(&[]);
    // What a first pass reads says nothing of how late entries are.
    let new = json!({ "id": "new", "created_at": time::text(now()), "cost": 0.1 });
    world.tell("POST", "/simulator/entries?gateway=main", &new.to_string());
    world.run(&["forward"]);
    let status = world.run(&["status"]);
    let first = status.lines().next().unwrap();
    assert!(first.starts_with("main: not counted yet; 0 slots being read again; last entry "), "{first}");
    assert!(first.ends_with("; last error none"), "{first}");
    for words in [
        "delivered up to ",
        "ledger  ",
        "is counted after",
        "half of the entries were first seen within",
        "SETTLE_SECONDS ",
    ] {
        assert!(status.contains(words), "{words} is not in: {status}");
    }
    let json: Value = serde_json::from_str(&world.run(&["status", "--json"])).unwrap();
    assert_eq!(json["gateways"][0]["settle_seconds"], 0, "{json}");
}

#[test]
fn status_says_how_close_the_busiest_minute_comes_to_what_can_be_read() {
    let world = copied(&[]);
    let at = time::text(now());
    for n in 0..70 {
        let new = json!({ "id": format!("new-{n}"), "created_at": at, "cost": 0.1 });
        world.tell("POST", "/simulator/entries?gateway=main", &new.to_string());
    }
    world.run(&["forward"]);
    let status = |arguments: &[&str]| {
        let status = world.command(&[&["status"], arguments].concat()).env("FORWARD_MAX_PAGES", "20").output().unwrap();
        String::from_utf8(status.stdout).unwrap()
    };
    let json: Value = serde_json::from_str(&status(&["--json"])).unwrap();
    let peak = &json["gateways"][0]["peak"];
    let entries = peak["entries"].as_u64().unwrap();
    // Whatever the history has of the same minute, forward has read too: it reaches back no further than ten of them.
    let same = world.entries().values().filter(|entry| entry["created_at"].as_str().unwrap()[..16] == at[..16]).count();
    assert!(same >= 70 && entries == same as u64, "{same} at the source, {peak}");
    assert!(at.starts_with(&peak["minute"].as_str().unwrap()[..16]), "{peak}");
    // Twenty pages of fifty, each of which shows one again.
    assert_eq!(peak["readable"], 980);
    let words = format!("headroom    {entries} logs in the busiest minute, from ");
    // With its date, if it is yesterday's by now.
    let minute = format!("{} UTC: {} % of the 980 that can be read\n", &at[11..16], (100 * entries).div_ceil(980));
    let told = status(&[]);
    assert!(told.contains(&words) && told.contains(&minute), "{told}");
    let all: Value = serde_json::from_str(&world.run(&["status", "--json"])).unwrap();
    assert_eq!(all["gateways"][0]["peak"]["readable"], 192 * 49);
}
