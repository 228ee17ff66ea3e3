//! `aig-logs report` of BigQuery and of D1: they report what a file reports.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    FEBRUARY,
    calls::{folder, open, random},
    in_json,
};
use crate::{
    cli::{World, command, words},
    peer::{BigQuery as _, Peer},
};

#[test]
fn bigquery_reports_what_the_file_reports() {
    let Some(peer) = Peer::start() else { return };
    let folder = folder(&random(3, 200));
    peer.copy_of(&open(folder.path()));
    let in_bigquery = |more: &[&str]| {
        let mut command = command(folder.path());
        command.env("BIGQUERY_EMULATOR_HOST", peer.origin()).envs(Peer::SETTINGS);
        let output = command.args(FEBRUARY).args(["--by", "team", "--sink", "bigquery"]).args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let theirs: Value = serde_json::from_str(&in_bigquery(&["--json"])).unwrap();
    let own = in_json(folder.path(), &["--by", "team"]);
    assert_eq!(theirs["rows"], own["rows"]);
    assert!(theirs["rows"].as_array().unwrap().len() > 60);
    assert_eq!([&theirs, &own].map(|report| &report["meta"]["month"]["isProven"]), [&Value::Null, &json!(false)]);
    assert!(in_bigquery(&[]).contains("BigQuery cannot prove it complete: `aig-logs status` tells."));
}

#[test]
fn d1_reports_what_the_file_reports() {
    // The last month is among these days, whatever day it is.
    let world = World::start(&["--entries", "300", "--days", "40", "--rate", "0"]);
    world.run(&["sql", "--sink", "d1", "--apply"]);
    for sink in ["d1", "sqlite:copy.sqlite"] {
        world.run(&["forward", "--sink", sink]);
        world.run(&["backfill", "--sink", sink]);
    }
    // Nobody counts the hours of D1 here.
    Connection::open(world.path("copy.sqlite")).unwrap().execute("DELETE FROM rollup_spans", []).unwrap();
    let rows = |place: &[&str]| -> Value {
        let told = world.run(&[&["report", "--by", "team", "--json"], place].concat());
        serde_json::from_str::<Value>(&told).unwrap()["rows"].clone()
    };
    let of_file = rows(&["--db", "copy.sqlite"]);
    assert!(of_file[0]["calls"].as_u64().is_some_and(|calls| calls > 20), "{of_file}");
    assert_eq!(rows(&["--sink", "d1"]), of_file);
}
