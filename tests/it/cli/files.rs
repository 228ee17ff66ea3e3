//! What the command makes of its files, its state and its options.

use std::{
    fs::{self},
    process::Command,
};

use aig_logs::{host::native::now, time};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{World, assert_same, by_id, command, cursors, records, table, words};

#[test]
fn a_state_serves_one_target_and_one_account() {
    let world = World::start(&["--entries", "100", "--rate", "0"]);
    world.run(&["forward"]);
    let before = cursors(&world.path("aig-logs.sqlite"));
    let refuse = |mut command: Command, named: &str| {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", words(&output));
        assert!(words(&output).contains(named) && words(&output).contains("--state"), "{}", words(&output));
    };
    refuse(world.command(&["forward", "--sink", "bigquery", "--state", "aig-logs.sqlite"]), "aig_logs_raw");
    let mut other = world.command(&["forward"]);
    other.env("CF_ACCOUNT_ID", "another");
    refuse(other, "another");
    assert_eq!(cursors(&world.path("aig-logs.sqlite")), before);

    fs::rename(world.path("aig-logs.sqlite"), world.path("moved.sqlite")).unwrap();
    world.run(&["forward", "--sink", "sqlite:moved.sqlite"]);
}

#[test]
fn a_pipe_that_nobody_reads_is_told() {
    let world = World::start(&["--entries", "1", "--rate", "0"]);
    assert!(Command::new("mkfifo").arg(world.path("pipe")).status().unwrap().success());
    let refused = world.command(&["forward", "--sink", "ndjson:pipe"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
    assert!(words(&refused).contains("nobody reads the pipe"), "{}", words(&refused));
}

#[test]
fn a_dry_run_shows_rows_and_remembers_nothing() {
    let world = World::start(&["--entries", "200", "--rate", "0", "--days", "1"]);
    let shown = world.run(&["forward", "--dry-run", "--sink", "bigquery"]);
    assert!(!world.path("aig-logs-state.sqlite").exists());
    world.run(&["forward"]);
    let (state, rows) = (cursors(&world.path("aig-logs.sqlite")), table(&world.path("aig-logs.sqlite")));
    assert_eq!(by_id(records(&shown)).len(), rows.len());

    let shown = by_id(records(&world.run(&["backfill", "--dry-run"])));
    assert_eq!(shown.len() + rows.len(), world.entries().len());
    assert_eq!(cursors(&world.path("aig-logs.sqlite")), state);
    assert_eq!(table(&world.path("aig-logs.sqlite")), rows);
}

/// The values of a state, but for the status.
fn values(path: &std::path::Path) -> Vec<(String, String, Option<String>)> {
    let file = Connection::open(path).unwrap();
    let select = "SELECT key, value, expires_at FROM aig_logs_state WHERE key <> 'status' ORDER BY store, key";
    let mut select = file.prepare(select).unwrap();
    let values = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    values.map(Result::unwrap).collect()
}

#[test]
fn a_wrong_clock_is_told_with_exit_code_2_and_leaves_the_file_as_it_is() {
    let world = World::start(&["--entries", "100", "--rate", "0", "--days", "0.003"]);
    let path = world.path("aig-logs.sqlite");
    let change = |ahead: i64| {
        world.tell("POST", "/simulator/change", &json!({ "clock_ahead_seconds": ahead }).to_string());
    };
    world.run(&["forward"]);
    world.run(&["backfill"]);
    let before = (values(&path), table(&path));
    let added = json!({ "id": "new", "created_at": time::text(now()), "cost": 0.1 });
    world.tell("POST", "/simulator/entries?gateway=main", &added.to_string());
    // The machine is a day behind, ten minutes, and fifty days ahead.
    for ahead in [86_400, 600, -50 * 86_400] {
        change(ahead);
        let output = world.command(&["forward"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", words(&output));
        assert!(words(&output).contains("Set it"), "{}", words(&output));
        assert_eq!((values(&path), table(&path)), before);
    }
    change(0);
    world.run(&["forward"]);
    assert_same(&world.entries(), table(&path));
}

#[test]
fn what_is_over_goes_with_the_next_pass_and_no_look_takes_it_away() {
    let world = World::start(&["--entries", "100", "--rate", "0", "--days", "0.003"]);
    let path = world.path("aig-logs.sqlite");
    world.run(&["forward"]);
    let over = "UPDATE aig_logs_state SET expires_at = '2026-01-01T00:00:00.000Z' WHERE expires_at IS NOT NULL";
    assert_eq!(Connection::open(&path).unwrap().execute(over, []).unwrap(), 1);
    let before = values(&path);
    for look in [&["status"][..], &["dead-letters", "list"], &["verify"], &["forward", "--dry-run"]] {
        world.run(look);
        assert_eq!(values(&path), before, "{look:?}");
    }
    world.run(&["forward"]);
    assert_eq!(values(&path).len(), before.len() - 1);
}

#[test]
fn a_dry_run_shows_no_metadata_that_is_withheld() {
    let world = World::start(&["--entries", "50", "--rate", "0", "--days", "0.003"]);
    let mut command = world.command(&["forward", "--dry-run"]);
    command.env("DROP_METADATA", "team").env("HASH_METADATA", "user_id").env("HASH_KEY", "a key of 20 letters.");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    let rows = records(str::from_utf8(&output.stdout).unwrap());
    assert_eq!(rows.len(), 50);
    let metadata = rows.iter().filter_map(|row| row.get("metadata")?.as_str());
    let metadata: Vec<Value> = metadata.map(|text| serde_json::from_str(text).unwrap()).collect();
    assert!(metadata.iter().filter(|metadata| metadata["user_id"].is_string()).count() > 10);
    for metadata in metadata {
        assert!(metadata.get("team").is_none(), "{metadata}");
        assert!(metadata["user_id"].is_null() || metadata["user_id"].as_str().unwrap().len() == 32, "{metadata}");
    }
}

#[test]
fn an_explicit_stretch_is_copied_again_without_moving_a_cursor() {
    let world = World::start(&["--entries", "200", "--rate", "0"]);
    world.run(&["forward"]);
    let before = cursors(&world.path("aig-logs.sqlite"));
    world.run(&["backfill", "--from", "2000-01-01", "--to", "now"]);
    assert_same(&world.entries(), table(&world.path("aig-logs.sqlite")));
    assert_eq!(cursors(&world.path("aig-logs.sqlite")), before);
    let backward = world.command(&["backfill", "--from", "2026-01-02", "--to", "2026-01-01"]).output().unwrap();
    assert_eq!(backward.status.code(), Some(2));
}

#[test]
fn a_cost_that_came_late_is_refreshed_by_copying_its_stretch_again() {
    let world = World::start(&["--entries", "20", "--rate", "0", "--days", "0.003"]);
    let path = world.path("aig-logs.sqlite");
    let entry =
        |cost: Value| json!({ "id": "late", "created_at": time::text(now()), "cost": cost, "model": "gpt-4.1" });
    let early = entry(Value::Null);
    world.tell("POST", "/simulator/entries?gateway=main", &early.to_string());
    world.run(&["forward"]);
    world.run(&["backfill"]);
    let before = by_id(table(&path));
    assert_eq!(before["late"]["cost"], Value::Null);

    let late =
        json!({ "cost": 0.25, "tokens_out": 7, "created_at": early["created_at"], "id": "late", "model": "gpt-4.1" });
    world.tell("POST", "/simulator/show?gateway=main&id=late", &late.to_string());
    let again = ["backfill", "--from", "2000-01-01", "--to", "now", "--json"];
    let report: Value = serde_json::from_str(&world.run(&again)).unwrap();
    // The twenty of the history, and the late one.
    assert_eq!((&report["rows"], &report["known"]), (&json!(21), &json!(20)), "{report}");
    let mut after = by_id(table(&path));
    let refreshed = after.insert("late".into(), before["late"].clone()).unwrap();
    assert_eq!((&refreshed["cost"], &refreshed["tokens_out"]), (&json!(0.25), &json!(7)));
    assert!(refreshed["ingested_at"].as_str() > before["late"]["ingested_at"].as_str());
    assert_eq!(after, before, "a row that says the same stays as it is");

    let report: Value = serde_json::from_str(&world.run(&again)).unwrap();
    assert_eq!(report["known"], 21, "{report}");
}

#[test]
fn the_demo_proves_that_nothing_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let demo = ["demo", "--entries", "500", "--days", "3", "--json"];
    for _ in 0..2 {
        let output = command(folder.path()).args(demo).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        let proof: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&proof["missing"], &proof["duplicated"]), (&json!(0), &json!(0)));
        assert!(proof["source"].as_u64().unwrap() > 500, "live traffic is among it: {proof}");
        assert_eq!(proof["source"], proof["rows"]);
        assert!(proof["models"].as_array().unwrap().len() > 1);
    }
    fs::write(folder.path().join("mine.sqlite"), "").unwrap();
    let output = command(folder.path()).args(demo).args(["--file", "mine.sqlite"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "a file of somebody else's is not replaced");
}

#[test]
fn the_simulator_overwrites_no_real_settings() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("real"), "CF_API_TOKEN=real\n").unwrap();
    let output = command(folder.path()).args(["simulate", "--port", "0", "--vars", "real"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
    assert_eq!(fs::read_to_string(folder.path().join("real")).unwrap(), "CF_API_TOKEN=real\n");
}

#[test]
fn a_broken_file_of_settings_is_told_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    for token in ["very secret token", "'secret", "\"secret", "secret'\nCF_API_TOKEN=`secret\nline"] {
        fs::write(folder.path().join(".dev.vars"), format!("CF_ACCOUNT_ID=1\nCF_API_TOKEN={token}\n")).unwrap();
        let output = command(folder.path()).arg("forward").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(words(&output).contains("CF_API_TOKEN"), "{}", words(&output));
        assert!(!words(&output).replace("the secrets in", "").contains("secret"), "{}", words(&output));
    }
}

#[test]
fn options_that_mean_nothing_are_refused_and_help_teaches() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| command(folder.path()).args(arguments).output().unwrap();
    assert_eq!(run(&["demo", "--sink", "bigquery"]).status.code(), Some(2));
    assert_eq!(run(&["forward", "--sink", "postgres"]).status.code(), Some(2));
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    assert!(help.contains("aig-logs demo") && help.contains("Exit codes"), "{help}");
    let settings = String::from_utf8(run(&["help", "settings"]).stdout).unwrap();
    assert!(settings.contains("CF_API_TOKEN") && settings.contains("(secret)"), "{settings}");
    let dates = String::from_utf8(run(&["help", "dates"]).stdout).unwrap();
    assert!(dates.contains("2026-11-01T10:00Z") && dates.contains("yesterday"), "{dates}");
    let of_command = ["help", "dead-letters", "replay"];
    assert_eq!(run(&of_command).stdout, run(&["dead-letters", "replay", "--help"]).stdout);
    let unknown = run(&["help", "dead-letters", "fly"]);
    assert!(unknown.status.code() == Some(2) && words(&unknown).contains("help topics"), "{}", words(&unknown));
    let page = String::from_utf8(run(&["man"]).stdout).unwrap();
    assert!(page.contains(".TH aig-logs 1") && page.contains("backfill"), "{page}");
    assert_eq!(run(&["man", "--dir", "pages"]).status.code(), Some(0));
    let page = fs::read_to_string(folder.path().join("pages/aig-logs-dead-letters-replay.1")).unwrap();
    assert!(page.contains("Write the rows again") && !page.contains("dry"), "{page}");
    let completions = String::from_utf8(run(&["completions", "bash"]).stdout).unwrap();
    assert!(completions.contains("_aig__logs") && completions.contains("backfill"));
}

#[test]
fn the_workers_variables_and_secrets_hold_for_the_command_too() {
    let world = World::start(&["--entries", "50", "--days", "0.005", "--rate", "0"]);
    let secrets = fs::read_to_string(world.path(".dev.vars")).unwrap();
    let (account, secrets): (Vec<_>, Vec<_>) =
        secrets.lines().partition(|line| line.starts_with("CF_ACCOUNT_ID=") || line.starts_with("AIG_GATEWAY_ID="));
    // The Worker's own value stands above the empty one beside the secrets, and below theirs.
    fs::write(world.path(".dev.vars"), format!("{}\nCF_ACCOUNT_ID=\"\"\n", secrets.join("\n"))).unwrap();
    let worker =
        format!("name = \"w\"\n[vars]\nLOGS_PER_PAGE = 10\nCF_API_TOKEN = \"wrong\"\n{}\n", account.join("\n"));
    fs::write(world.path("wrangler.toml"), worker).unwrap();
    let report: Value = serde_json::from_str(&world.run(&["forward", "--json"])).unwrap();
    // 10 + 4 * 9 + 4: the first page has ten new entries, each later one nine at most.
    assert_eq!((&report["rows"], &report["pages"]), (&json!(50), &json!(6)));

    fs::write(world.path("wrangler.toml"), "[vars]\nLOGS_PER_PAGE = 10\nCF_API_TOKEN = very secret token\n").unwrap();
    let output = world.command(&["forward"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("wrangler.toml") && words(&output).contains("line 3"), "{}", words(&output));
    assert!(!words(&output).contains("secret token"), "{}", words(&output));
}
