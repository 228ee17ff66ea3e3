//! A user who is erased leaves no bytes in the file, nor beside it.

use std::{fs, process::Stdio};

use rusqlite::Connection;
use serde_json::{Value, json};

use super::served::{DB, Place, Served, exchange_delete, now};

const USER: &str = "qzjxkvwpyh@example.com";

/// Where the user's id stands in the file and in what is beside it.
fn traces(place: &Place) -> Vec<String> {
    let files = fs::read_dir(place.0.path()).unwrap().map(|file| file.unwrap().path());
    let holds = |bytes: &[u8]| bytes.windows(10).any(|part| part == &USER.as_bytes()[..10]);
    files.filter(|file| holds(&fs::read(file).unwrap())).map(|file| file.display().to_string()).collect()
}

/// Events of many users in no order, so that pages of the file are split and filled again, and some logs.
fn fill(served: &Served, place: &Place, key: &str) {
    let at = now();
    for batch in 0..12_u64 {
        let events = (0..250_u64).map(|n| {
            let n = (batch * 250 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            let user = if n % 3 == 0 { USER.to_owned() } else { format!("user {n}") };
            json!({ "id": n.to_string(), "timestamp": at, "event": "x", "userId": user,
                    "metadata": { "email": user, "long": "x".repeat(usize::try_from(n % 900).unwrap()) } })
        });
        let (status, answer) = served.post("/events/batch", key, &events.collect::<Value>());
        assert_eq!(status, 202, "{answer}");
    }
    let file = Connection::open(place.db()).unwrap();
    let log = "INSERT INTO aig_logs_raw (gateway, created_at, id, ingested_at, metadata) VALUES ('g', ?1, 'l', ?1, ?2)";
    file.execute(log, [&at, &json!({ "org": "acme", "user": USER }).to_string()]).unwrap();
}

#[test]
fn an_erased_user_leaves_no_bytes_in_the_file() {
    for is_by_server in [true, false] {
        let place = Place::new();
        let key = place.key("acme", "ingest,admin");
        let served = place.serve(&[]);
        fill(&served, &place, &key);
        let of_user = place.count(&format!("SELECT count(*) FROM events_raw WHERE user_id = '{USER}'"));
        assert!(of_user > 500 && !traces(&place).is_empty());
        if is_by_server {
            let path = format!("/users/{}", USER.replace('@', "%40"));
            let (status, answer) = exchange_delete(served.address, &path, &key);
            assert_eq!((status, answer), (200, json!({ "erased": of_user + 1, "archive": null })));
        } else {
            let (code, told, words) = place.run(&["erase", "--db", DB, "--org", "acme", "--user", USER, "--yes"]);
            assert_eq!((code, told), (Some(0), format!("Erased {} rows\n", of_user + 1)), "{words}");
        }
        assert_eq!(traces(&place), [] as [String; 0]);
        assert_eq!(place.events(), 3_000 - of_user);
        served.signal("-TERM");
        assert_eq!(served.end().0, Some(0));
        assert_eq!(traces(&place), [] as [String; 0]);
    }
}

#[test]
fn nobody_is_erased_without_a_confirmation() {
    let place = Place::new();
    place.key("acme", "ingest");
    let check = |arguments: &[&str], named: &str| {
        let mut command = place.command(&[&["erase", "--org", "acme", "--user", USER], arguments].concat());
        let output = command.stdin(Stdio::null()).output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains(named), "{words}");
    };
    check(&["--db", DB], "--yes");
    check(&["--db", "none.sqlite", "--yes"], "no such file");
    assert!(!place.0.path().join("none.sqlite").exists());
    let (code, told, _) = place.run(&["erase", "--db", DB, "--org", "acme", "--user", "nobody", "--yes", "--json"]);
    assert_eq!((code, told.trim()), (Some(0), r#"{"archive":null,"erased":0}"#));
}

#[test]
fn a_file_of_an_older_version_loses_the_user_too() {
    let place = Place::new();
    place.key("acme", "ingest");
    let file = Connection::open(place.db()).unwrap();
    for table in ["rollups", "rollup_keys", "rollup_users", "rollup_spans"] {
        file.execute_batch(&format!("DROP TABLE IF EXISTS {table}")).unwrap();
    }
    let triggers = "SELECT group_concat('DROP TRIGGER ' || name, ';') FROM sqlite_master WHERE type = 'trigger'";
    let triggers: Option<String> = file.query_row(triggers, [], |row| row.get(0)).unwrap();
    file.execute_batch(&triggers.unwrap_or_default()).unwrap();
    let event = "INSERT INTO events_raw (org, created_at, id, name, user_id, source, ingested_at) \
                 VALUES ('acme', ?1, 'e', 'x', ?2, 'http', ?1)";
    file.execute_batch(include_str!("../../../../sql/sqlite/1_events_raw.sql")).unwrap();
    file.execute(event, [now().as_str(), USER]).unwrap();
    drop(file);
    let (code, told, words) = place.run(&["erase", "--db", DB, "--org", "acme", "--user", USER, "--yes"]);
    assert_eq!((code, told.as_str()), (Some(0), "Erased 1 row\n"), "{words}");
    assert_eq!(traces(&place), [] as [String; 0]);
}
