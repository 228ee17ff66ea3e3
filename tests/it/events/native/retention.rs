//! A server deletes what is too old by itself, and tells whom it erases what the archive still holds.

use std::{fs, io::Read as _};

use aig_logs::host::native::now as present;
use chrono::TimeDelta;
use flate2::read::MultiGzDecoder;
use rusqlite::Connection;
use serde_json::Value;

use super::served::{DB, Place, Served, event, exchange_delete};

#[test]
fn a_server_archives_and_deletes_what_is_too_old() {
    let place = Place::new();
    let key = place.key("acme", "ingest,admin");
    let file = Connection::open(place.db()).unwrap();
    let old = "INSERT INTO events_raw (org, created_at, id, name, source, ingested_at) \
               VALUES ('acme', '2020-01-01T05:00:00.000Z', 'old', 'x', 'http', '2020-01-01T05:00:00.000Z')";
    file.execute(old, []).unwrap();
    let mut command = place.command(&["serve", "--db", DB, "--listen", "127.0.0.1:0", "--archive", "kept"]);
    let served = Served::start(&mut command);
    assert_eq!(served.post("/events", &key, &event("young")).0, 202);
    let end = present() + TimeDelta::minutes(1);
    while place.count("SELECT count(*) FROM events_raw WHERE id = 'old'") > 0 {
        assert!(present() < end, "the old event stays");
    }
    let object = fs::read(place.0.path().join("kept/events/org=acme/2020-01-01/05.ndjson.gz")).unwrap();
    let mut line = String::new();
    MultiGzDecoder::new(&object[..]).read_to_string(&mut line).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["id"], "old");
    let (status, answer) = exchange_delete(served.address, "/users/user_1", &key);
    assert_eq!((status, &answer["erased"]), (200, &1.into()));
    let note = answer["archive"].as_str().unwrap();
    assert!(note.contains("events/org=acme/") && !note.contains("kept"), "{note}");
    served.signal("-TERM");
    assert_eq!(served.end().0, Some(0));
    assert_eq!(place.events(), 0);
}
