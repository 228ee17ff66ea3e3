//! D1 for an operator, over the simulated REST API: its tables, copies into it, and what is told of them.

use std::process::Output;

use serde_json::{Value, json};

use super::{Record, World, assert_same, records, words};

const SINK: [&str; 2] = ["--sink", "d1"];

impl World {
    /// Runs a statement in the database.
    fn in_d1(&self, statement: &str) -> Vec<Record> {
        records(&self.tell("POST", "/simulator/d1", statement))
    }

    fn output(&self, arguments: &[&str], code: i32) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", words(&output));
        output
    }

    /// What a command about the copy in D1 prints for programs.
    fn json(&self, arguments: &[&str], code: i32) -> Value {
        serde_json::from_slice(&self.output(&[arguments, &SINK, &["--json"]].concat(), code).stdout).unwrap()
    }
}

/// A world with half an hour of entries, whose database has its tables.
fn world() -> World {
    let world = World::start(&["--entries", "200", "--days", "0.02", "--rate", "0"]);
    world.run(&["sql", "--sink", "d1", "--apply"]);
    world
}

/// The same, with all entries copied.
fn copied() -> World {
    let world = world();
    world.run(&[&["forward"], &SINK[..]].concat());
    world.run(&[&["backfill"], &SINK[..]].concat());
    world
}

fn all_in(units: &Value, verdict: &str) -> bool {
    units.as_array().unwrap().iter().all(|unit| unit["verdict"] == verdict)
}

#[test]
fn tables_and_views_are_made_once_and_a_second_time_nothing_changes() {
    let world = World::start(&["--entries", "1", "--rate", "0"]);
    let missing = world.json(&["sql", "--check"], 2);
    let whats: Vec<_> = missing.as_array().unwrap().iter().map(|finding| finding["what"].as_str().unwrap()).collect();
    for what in ["aig_logs_raw", "aig_runs", "api_keys", "events_raw", "aig_logs", "activity", "aig_usage_by_day"] {
        assert!(whats.contains(&what), "{what}: {whats:?}");
    }
    let applied = world.output(&["sql", "--sink", "d1", "--apply"], 0);
    assert_eq!(String::from_utf8_lossy(&applied.stdout), "Table and views are as they must be\n");
    assert!(words(&applied).contains("3_activity.sql"), "{}", words(&applied));
    let version = || world.in_d1("PRAGMA schema_version")[0]["schema_version"].clone();
    let (made, schema) = (version(), world.in_d1("SELECT * FROM sqlite_master"));
    let again = world.output(&["sql", "--sink", "d1", "--apply"], 0);
    assert_eq!((version(), world.in_d1("SELECT * FROM sqlite_master")), (made, schema));
    assert!(!words(&again).contains("3_activity.sql"), "{}", words(&again));
    let file = World::start(&["--entries", "1", "--rate", "0"]);
    let printed = file.run(&["sql", "--sink", "sqlite"]);
    assert_eq!(world.run(&["sql", "--sink", "d1"]), printed, "the same statements as for a file");
}

#[test]
fn counts_of_an_older_version_get_their_new_columns_and_are_made_anew() {
    let world = world();
    world.in_d1("ALTER TABLE rollups DROP COLUMN cached");
    world.in_d1("INSERT INTO rollup_spans VALUES ('logs', 'hour', '2026-11-01T00:00:00.000Z', 1, 0)");
    let lacking = world.json(&["sql", "--check"], 2);
    assert_eq!(lacking[0]["what"], "rollups.cached", "{lacking}");
    for _ in 0..2 {
        world.output(&["sql", "--sink", "d1", "--apply"], 0);
        assert_eq!(
            world.in_d1("SELECT sum(cached) AS n, (SELECT max(state) FROM rollup_spans) AS state FROM rollups")[0]["state"],
            0
        );
    }
}

#[test]
fn what_differs_is_named_and_views_are_replaced() {
    let world = world();
    world.in_d1("DROP VIEW activity");
    world.in_d1("DROP VIEW aig_errors");
    world.in_d1("CREATE VIEW aig_errors AS SELECT 1 AS one");
    world.in_d1("ALTER TABLE events_raw DROP COLUMN sku");
    let findings = world.json(&["sql", "--check"], 2);
    let problems: Vec<_> = findings.as_array().unwrap().iter().map(|finding| finding["what"].clone()).collect();
    assert_eq!(problems, ["events_raw.sku", "activity", "aig_errors"], "{findings:#}");
    // A column is not made: the person is told so.
    let applied = world.output(&["sql", "--sink", "d1", "--apply"], 2);
    assert!(words(&applied).contains("ALTER TABLE"), "{}", words(&applied));
    world.in_d1("ALTER TABLE events_raw ADD COLUMN sku TEXT");
    world.output(&["sql", "--sink", "d1", "--check"], 0);
    // Keys of the metadata make other views.
    let mut other = world.command(&["sql", "--sink", "d1", "--check", "--json"]);
    let findings = other.env("ORG_METADATA", "team").env("METADATA_COLUMNS", "team").output().unwrap();
    let findings: Value = serde_json::from_slice(&findings.stdout).unwrap();
    let names: Vec<_> = findings.as_array().unwrap().iter().map(|finding| finding["what"].clone()).collect();
    assert_eq!(names, ["aig_logs", "activity"]);
}

#[test]
fn each_log_is_one_row_that_is_proven_explained_and_seen_in_the_activity() {
    let world = copied();
    let rows = world.in_d1("SELECT * FROM aig_logs_raw");
    assert_same(&world.entries(), rows);
    let units = world.json(&["verify"], 0);
    assert!(all_in(&units, "proven"), "{units:#}");
    let told = world.run(&["verify", "--sink", "d1"]);
    assert!(told.contains("200 at the source, 200 delivered, 200 in the table, 0 missing"), "{told}");
    let status = world.json(&["status"], 0);
    assert_eq!(status["target"], "d1:d1d1d1d1-0000-4000-8000-000000000001");
    assert!(world.run(&["status", "--sink", "d1"]).contains("rows go to d1:d1d1d1d1"));
    let id = world.entries().keys().next().unwrap().clone();
    let explained = world.run(&["explain", "--sink", "d1", &id]);
    assert!(explained.contains("D1 database d1d1d1d1-0000-4000-8000-000000000001: there since"), "{explained}");
    let [seen] = &world.in_d1("SELECT count(*) AS n FROM activity WHERE source = 'logs' AND name = 'ai.request'")[..]
    else {
        panic!("one line")
    };
    assert_eq!(seen["n"], 200);
}

#[test]
fn rows_that_d1_has_lost_are_missing_and_come_back() {
    let world = copied();
    world.in_d1("DELETE FROM aig_logs_raw WHERE id IN (SELECT id FROM aig_logs_raw ORDER BY id LIMIT 7)");
    let short = world.output(&["verify", "--sink", "d1"], 2);
    let told = String::from_utf8_lossy(&short.stdout).into_owned();
    assert!(told.contains("193 in the table, 7 missing"), "{told}");
    let id = world.entries().keys().next().unwrap().clone();
    let explained = world.output(&["explain", "--sink", "d1", &id], 2);
    assert!(String::from_utf8_lossy(&explained.stdout).contains(": not there"), "{explained:?}");
    world.output(&[&["verify", "--repair"], &SINK[..]].concat(), 0);
    assert_same(&world.entries(), world.in_d1("SELECT * FROM aig_logs_raw"));
    assert!(all_in(&world.json(&["verify"], 0), "proven"));
}

/// A person must act, and is told how; the cursors stay.
#[test]
fn a_database_without_tables_or_of_another_id_ends_the_pass_with_the_way_out() {
    let world = World::start(&["--entries", "20", "--rate", "0"]);
    let bare = world.output(&[&["backfill", "--from", "2020-01-01", "--to", "now"], &SINK[..]].concat(), 2);
    assert!(words(&bare).contains("aig-logs sql --sink d1 --apply"), "{}", words(&bare));
    let mut other = world.command(&["sql", "--sink", "d1", "--check"]);
    let other = other.env("CF_D1_DATABASE_ID", "00000000-0000-4000-8000-000000000000").output().unwrap();
    assert_eq!(other.status.code(), Some(2));
    assert!(words(&other).contains("CF_D1_DATABASE_ID"), "{}", words(&other));
    world.tell("POST", "/simulator/change", &json!({ "token": { "permissions": ["AI Gateway Read"] } }).to_string());
    let refused = world.output(&["sql", "--sink", "d1", "--check"], 2);
    assert!(words(&refused).contains("D1 Edit"), "{}", words(&refused));
}

/// The Worker of this folder has the database.
#[test]
fn the_id_of_the_database_stands_in_the_configuration_of_the_worker() {
    let world = World::start(&["--entries", "1", "--rate", "0"]);
    let vars = std::fs::read_to_string(world.path(".dev.vars")).unwrap();
    let vars: Vec<_> = vars.lines().filter(|line| !line.starts_with("CF_D1_DATABASE_ID=")).collect();
    std::fs::write(world.path(".dev.vars"), vars.join("\n")).unwrap();
    let missing = world.output(&["sql", "--sink", "d1", "--check"], 2);
    assert!(words(&missing).contains("CF_D1_DATABASE_ID is not set"), "{}", words(&missing));
    let binding = |id: &str| format!("database_name = \"x\"\nbinding = \"EVENTS_DB\"\ndatabase_id = \"{id}\"\n");
    let id = "d1d1d1d1-0000-4000-8000-000000000001";
    for table in ["d1_databases", "env.events.d1_databases"] {
        std::fs::write(world.path("wrangler.toml"), format!("[[{table}]]\n{}", binding("<id of EVENTS_DB>"))).unwrap();
        assert!(words(&world.output(&["sql", "--sink", "d1", "--check"], 2)).contains("CF_D1_DATABASE_ID is not set"));
        std::fs::write(world.path("wrangler.toml"), format!("[[{table}]]\n{}", binding(id))).unwrap();
        world.output(&["sql", "--sink", "d1", "--apply"], 0);
    }
}

#[test]
fn the_doctor_finds_the_database_and_what_it_lacks() {
    let world = World::start(&["--entries", "10", "--rate", "0", "--days", "0.1"]);
    let check = |world: &World, vars: &[(&str, &str)]| {
        let output = world.command(&["doctor", "--json", "--sink", "d1"]).envs(vars.iter().copied()).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = report["checks"].as_array().unwrap().iter().find(|check| check["check"] == "D1").cloned();
        assert!(!report.to_string().contains("BigQuery"), "{report:#}");
        found.unwrap()
    };
    let bare = check(&world, &[]);
    assert_eq!((&bare["verdict"], &bare["fix"]), (&json!("failed"), &json!("aig-logs sql --sink d1 --apply")));
    world.run(&["sql", "--sink", "d1", "--apply"]);
    assert_eq!(check(&world, &[])["verdict"], "ok");
    let other = check(&world, &[("CF_D1_DATABASE_ID", "00000000-0000-4000-8000-000000000000")]);
    assert_eq!((&other["verdict"], &other["fix"]), (&json!("failed"), &json!("CF_D1_DATABASE_ID")));
    assert_eq!(check(&world, &[("CF_D1_DATABASE_ID", " not an id ")])["verdict"], "skipped");
}
