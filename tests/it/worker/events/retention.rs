//! Events that are too old, in the Workers runtime: a cron deletes them from D1 after they are in R2.

use std::{fs, io::Read as _, net::SocketAddr, path::Path};

use aig_logs::{log::metadata::MetadataKeys, sink::sql::SQLITE};
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use super::runtime::{bucket, configuration, exchange};
use crate::{
    process::{receive, send},
    worker::runtime::{built, dev, wrangler},
};

fn run(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = wrangler(folder, arguments).output().unwrap();
    let words = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{arguments:?}: {}", words.concat());
    output.stdout
}

/// The rows of a statement.
pub fn sql(folder: &Path, text: &str) -> Value {
    fs::write(folder.join("given.sql"), text).unwrap();
    let told = run(folder, &["d1", "execute", "EVENTS_DB", "--local", "--json", "--file=given.sql"]);
    let results: Value = serde_json::from_slice(&told).unwrap();
    results.as_array().unwrap().last().unwrap()["results"].clone()
}

/// The statements that make the tables.
pub fn tables() -> String {
    let tables = SQLITE.iter().filter(|script| script.text.contains("CREATE TABLE"));
    tables.map(|script| script.for_sqlite(&MetadataKeys::default())).collect()
}

fn event(at: &str, id: &str) -> String {
    format!(
        "INSERT INTO events_raw (org, created_at, id, name, success, source, ingested_at, metadata) \
         VALUES ('a/b', '{at}', '{id}', 'x', 1, 'http', '{at}', '{{\"n\":1}}');"
    )
}

/// Lets the cron come.
pub fn fire(address: SocketAddr) {
    let fired = send(address, "GET", "/cdn-cgi/local/scheduled?cron=*/10+*+*+*+*&format=json", "").unwrap();
    let (status, outcome) = receive(fired).unwrap();
    assert_eq!(status, 200, "{outcome}");
}

/// The events of the object of an hour.
fn archived(folder: &Path) -> Vec<Value> {
    let name = "aig-events-archive/events/org=a%2Fb/2020-01-01/05.ndjson.gz";
    run(folder, &["r2", "object", "get", name, "--local", "--file=object.gz"]);
    let (bytes, mut text) = (fs::read(folder.join("object.gz")).unwrap(), String::new());
    MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_cron_moves_what_is_too_old_into_the_bucket() {
    let Some(built) = built("AIG_LOGS_EVENTS_WORKER") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut configuration = configuration(&built);
    configuration.insert("name".into(), "aig-events".into());
    configuration.insert("r2_buckets".into(), bucket());
    fs::write(path.join("wrangler.json"), serde_json::to_string(&configuration).unwrap()).unwrap();
    sql(path, &(tables() + &event("2020-01-01T05:00:00.000Z", "old") + &event("2100-01-01T05:00:00.000Z", "young")));
    // The object grows by what comes later.
    for (further, ids) in [("", ["old"].as_slice()), (&event("2020-01-01T05:59:59.999Z", "late"), &["old", "late"])] {
        if !further.is_empty() {
            sql(path, further);
        }
        {
            let (_group, _output, address) = dev(path, &[]);
            fire(address);
            assert_eq!(exchange(address, "GET", "/health", &[], b"").status, 200);
        }
        assert_eq!(sql(path, "SELECT id FROM events_raw;"), json!([{ "id": "young" }]));
        let found: Vec<_> = archived(path).iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(found, ids);
    }
    let first = json!({
        "org": "a/b", "created_at": "2020-01-01T05:00:00.000Z", "id": "old", "name": "x", "success": true,
        "source": "http", "ingested_at": "2020-01-01T05:00:00.000Z", "metadata": { "n": 1 },
    });
    assert_eq!(archived(path)[0], first);
}
