//! Keys: made, listed and revoked by the command, and known to a server for a minute.

use std::{cell::Cell, fs};

use aig_logs::{
    api::Api,
    config::EventSettings,
    database::{Database as _, sqlite::SqliteDatabase},
    host::Server,
    log::metadata::{MetadataColumn, MetadataKeys},
    sink::sqlite::Sqlite,
    time::{self, Timestamp},
};
use chrono::TimeDelta;
use rusqlite::Connection;
use serde_json::Value;

use super::served::{DB, Place};

#[test]
fn a_key_is_shown_once_and_kept_as_its_hash() {
    let place = Place::new();
    let key = place.key("acme", "query,ingest");
    assert!(key.starts_with("aig_") && key.len() == 47, "{key}");
    let origin = ["--origin", "https://app.example"];
    let create = ["keys", "create", "--db", DB, "--org", "*", "--scopes", "admin", "--json"];
    let (code, made, _) = place.run(&[&create[..], &origin].concat());
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!((code, &made["org"], &made["scopes"][0]), (Some(0), &"*".into(), &"admin".into()));
    assert_eq!(made["key"].as_str().unwrap()[..12], *made["prefix"].as_str().unwrap());

    let (code, list, _) = place.run(&["keys", "list", "--db", DB, "--json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let row = &list["rows"][0];
    assert_eq!((code, list["rows"].as_array().unwrap().len()), (Some(0), 2));
    assert_eq!((&row["org"], &row["prefix"], &row["revokedAt"]), (&"acme".into(), &key[..12].into(), &Value::Null));
    assert_eq!(row["scopes"], serde_json::json!(["ingest", "query"]));
    assert_eq!(list["rows"][1]["origins"][0], "https://app.example");
    let (_, words, _) = place.run(&["keys", "list", "--db", DB]);
    assert!(words.contains(&key[..12]) && words.contains("https://app.example"), "{words}");
    let bytes = fs::read(place.db()).unwrap();
    for secret in [&key, made["key"].as_str().unwrap()] {
        assert!(!words.contains(secret) && !list.to_string().contains(secret));
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "the file holds a key");
    }
}

#[test]
fn a_key_leaves_the_views_of_a_file_as_they_are() {
    let place = Place::new();
    let file = Connection::open(place.db()).unwrap();
    Sqlite::new(
        &file,
        &MetadataKeys { columns: vec![MetadataColumn::parse("team").unwrap()], ..MetadataKeys::default() },
    )
    .unwrap();
    place.key("acme", "ingest");
    assert!(file.prepare("SELECT team FROM aig_logs").is_ok());
}

#[test]
fn mistakes_are_named_and_change_nothing() {
    let place = Place::new();
    let check = |arguments: &[&str], named: &str| {
        let (code, output, words) = place.run(&[&["keys"], arguments].concat());
        assert_eq!((code, output.as_str()), (Some(2), ""), "{words}");
        assert!(words.contains(named), "{named} is not in: {words}");
    };
    check(&["create", "--db", DB, "--org", "acme", "--scopes", "ingest,write"], "--scopes");
    check(&["create", "--db", DB, "--org", "", "--scopes", "ingest"], "--org");
    check(&["create", "--db", DB, "--org", "a", "--scopes", "ingest", "--origin", "app.example"], "--origin");
    check(&["list", "--db", DB], "no such file");
    check(&["revoke", "--db", DB, "aig_12345678"], "no such file");
    assert!(!place.db().exists());
    let key = place.key("acme", "ingest");
    check(&["revoke", "--db", DB, "aig_12345678"], "no key");
    assert_eq!(place.run(&["keys", "revoke", "--db", DB, &key[..12]]).0, Some(0));
    check(&["revoke", "--db", DB, &key[..12]], "no key");
    assert_eq!(place.count("SELECT count(revoked_at) FROM api_keys"), 1);
}

/// A server whose clock a test moves.
struct Clocked {
    database: SqliteDatabase,
    now: Cell<Timestamp>,
}

impl Server for Clocked {
    type Database = SqliteDatabase;

    fn database(&self) -> &SqliteDatabase {
        &self.database
    }

    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }

    async fn allows(&self, _key: &str) -> bool {
        true
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_a_minute() {
    let place = Place::new();
    let (key, later) = (place.key("acme", "admin"), place.key("acme", "admin"));
    let database = SqliteDatabase::open(&place.db(), &MetadataKeys::default()).unwrap();
    let server = Clocked { database, now: Cell::new(time::parse("2026-11-28T09:00:00Z").unwrap()) };
    let api = Api::new(EventSettings::from_vars(|_| None).unwrap());
    let status = async |key: &str| {
        let request = http::Request::get("/keys").header("authorization", format!("Bearer {key}"));
        api.answer(&server, request.body(Vec::new()).unwrap()).await.status().as_u16()
    };
    assert_eq!(status(&key).await, 200);
    for revoked in [&key, &later] {
        assert_eq!(place.run(&["keys", "revoke", "--db", DB, &revoked[..12]]).0, Some(0));
    }
    assert_eq!(status(&later).await, 401, "a key that nobody has used since");
    server.now.set(server.now.get() + TimeDelta::seconds(60));
    assert_eq!(status(&key).await, 401);
    assert_eq!(server.database.query("SELECT 1 FROM api_keys", Vec::new()).await.unwrap().len(), 2);
}
