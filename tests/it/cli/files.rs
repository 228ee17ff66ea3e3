//! What the command makes of its files, its state and its options.

use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    process::Command,
};

use aig_logs::{host::native::now, time};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{World, assert_same, by_id, command, cursors, records, table, words};

/// A user who owns nothing.
const NOBODY: u32 = 65_534;

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
fn several_sinks_get_each_row_and_are_one_target() {
    let world = World::start(&["--entries", "100", "--rate", "0"]);
    let both = ["--sink", "sqlite:a.sqlite", "--sink", "ndjson:a.ndjson"];
    let with = |arguments: &[&'static str]| [arguments, &both[..]].concat();
    world.run(&with(&["forward"]));
    world.run(&with(&["backfill"]));
    let rows = table(&world.path("a.sqlite"));
    assert_eq!(rows.len(), 100);
    let lines = by_id(records(&fs::read_to_string(world.path("a.ndjson")).unwrap()));
    assert!(lines.keys().eq(by_id(rows).keys()));

    let id = lines.keys().next().unwrap();
    let told = world.command(&with(&["explain"])).arg(id).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("a.sqlite"), "{told}");
    let swapped = ["forward", "--sink", "ndjson:a.ndjson", "--sink", "sqlite:a.sqlite"];
    world.run(&swapped);
    let one = world.command(&["forward", "--sink", "sqlite:a.sqlite"]).output().unwrap();
    assert_eq!(one.status.code(), Some(2), "{}", words(&one));
    assert!(words(&one).contains("a.ndjson") && words(&one).contains("--state"), "{}", words(&one));
    let twice = world.command(&["forward", "--sink", "sqlite", "--sink", "sqlite"]).output().unwrap();
    assert_eq!(twice.status.code(), Some(2), "{}", words(&twice));
}

#[test]
fn each_of_several_tables_is_proven_and_asked() {
    let world = World::start(&["--entries", "60", "--rate", "0", "--days", "0.003"]);
    let both = ["--sink", "sqlite:b.sqlite", "--sink", "sqlite:a.sqlite"];
    let with = |arguments: &[&'static str]| [arguments, &both[..]].concat();
    world.run(&with(&["forward"]));
    world.run(&with(&["verify"]));
    let swapped = ["forward", "--sink", "sqlite:a.sqlite", "--sink", "sqlite:b.sqlite", "--json"];
    let report: Value = serde_json::from_str(&world.run(&swapped)).unwrap();
    assert_eq!(report["rows"], 0, "the order of the sinks means nothing, not even for the state");

    let second = Connection::open(world.path("b.sqlite")).unwrap();
    let id: String = second.query_row("SELECT id FROM aig_logs_raw", [], |row| row.get(0)).unwrap();
    second.execute("DELETE FROM aig_logs_raw WHERE id = ?", [&id]).unwrap();
    let short = world.command(&with(&["verify"])).output().unwrap();
    assert_eq!(short.status.code(), Some(2), "{}", words(&short));
    let told = world.command(&with(&["explain"])).arg(&id).output().unwrap();
    let told = (told.status.code(), String::from_utf8(told.stdout).unwrap());
    assert!(told.0 == Some(2) && told.1.contains("b.sqlite: not there"), "{told:?}");
    world.run(&with(&["verify", "--repair"]));
    world.run(&with(&["verify"]));
}

#[test]
fn a_row_that_one_of_several_sinks_refuses_stands_for_no_other() {
    let world = World::start(&["--entries", "60", "--rate", "0", "--days", "0.003"]);
    // BigQuery takes no row of more than 10 MB.
    let created_at = time::text(now() - chrono::TimeDelta::minutes(2));
    let huge = json!({ "id": "huge", "created_at": created_at, "path": "x".repeat(10_500_000) });
    world.tell("POST", "/simulator/entries?gateway=main", &huge.to_string());
    let both = ["--sink", "bigquery", "--sink", "sqlite:a.sqlite"];
    let with = |arguments: &[&'static str]| [arguments, &both[..]].concat();
    world.run(&with(&["forward"]));
    let proven = world.command(&with(&["verify"])).output().unwrap();
    assert!(words(&proven).contains("asked, but not bigquery:"), "{}", words(&proven));
    let proven = String::from_utf8(proven.stdout).unwrap();
    assert!(proven.contains("proven") && !proven.contains("over"), "{proven}");
    let refused = world.command(&with(&["explain", "huge"])).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "BigQuery has not got it");

    let file = Connection::open(world.path("a.sqlite")).unwrap();
    let other = "(SELECT min(id) FROM aig_logs_raw WHERE id <> 'huge')";
    assert_eq!(file.execute(&format!("DELETE FROM aig_logs_raw WHERE id = {other}"), []), Ok(1));
    let short = world.command(&with(&["verify"])).output().unwrap();
    assert_eq!(short.status.code(), Some(2), "{}", String::from_utf8_lossy(&short.stdout));
}

#[test]
fn a_stretch_alone_makes_a_state_its_targets() {
    let world = World::start(&["--entries", "60", "--rate", "0", "--days", "0.003"]);
    world.run(&["backfill", "--from", "2020-01-01", "--to", "2100-01-01", "--sink", "ndjson:a", "--state", "s"]);
    let other = world.command(&["forward", "--sink", "ndjson:b", "--state", "s"]).output().unwrap();
    assert_eq!(other.status.code(), Some(2), "{}", words(&other));
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
fn a_sink_that_fails_makes_no_line_come_twice() {
    let world = World::start(&["--entries", "60", "--rate", "0", "--days", "0.003"]);
    let sinks = ["--sink", "ndjson:a.ndjson", "--sink", "bigquery"];
    let with = |command: &'static str| [&[command], &sinks[..]].concat();
    let permit = |permissions: &[&str]| {
        let change = json!({ "table": { "permissions": permissions } });
        world.tell("POST", "/simulator/change", &change.to_string());
    };
    permit(&[]);
    let refused = world.command(&with("forward")).output().unwrap();
    let refused = (refused.status.code(), words(&refused));
    permit(&["bigquery.tables.get", "bigquery.tables.updateData"]);
    world.run(&with("forward"));
    let lines = fs::read_to_string(world.path("a.ndjson")).unwrap();
    assert_eq!(by_id(records(&lines)).len(), 60);
    assert!(refused.0 == Some(2) && refused.1.contains("BigQuery"), "{refused:?}");
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
    world.run(&["backfill", "--from", "2000-01-01", "--to", "2100-01-01"]);
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
    let again = ["backfill", "--from", "2000-01-01", "--to", "2100-01-01", "--json"];
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
fn status_says_where_things_stand() {
    let world = World::start(&["--entries", "400", "--rate", "0"]);
    let nothing = world.command(&["status"]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    assert!(words(&nothing).contains("aig-logs run"), "{}", words(&nothing));
    assert!(!world.path("aig-logs.sqlite").exists());

    world.run(&["forward"]);
    world.run(&["backfill", "--pages", "1"]);
    let status = world.run(&["status"]);
    for words in [
        "Gateway main",
        "main: not counted yet; ",
        "  forward     ",
        "under way, delivered down to",
        "Problems      none",
    ] {
        assert!(status.contains(words), "{words} is not in: {status}");
    }
    world.run(&["backfill"]);
    world.command(&["forward"]).env("CF_API_TOKEN", "wrong").output().unwrap();
    // Somebody must act.
    let status = |arguments: &[&str]| {
        let output = world.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", words(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let (status, json) = (status(&["status"]), status(&["status", "--json"]));
    for words in ["finished, down to the first entry", "forward has failed since", "somebody must act", "CF_API_TOKEN"]
    {
        assert!(status.contains(words), "{words} is not in: {status}");
    }
    let status: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(status["gateways"][0]["backfill"]["state"], "finished");
    assert_eq!(status["failing"]["forward"]["transient"], false);
}

#[test]
fn a_state_is_looked_at_where_nothing_may_be_written() {
    let world = World::start(&["--entries", "20", "--rate", "0", "--days", "0.003"]);
    world.run(&["forward"]);
    world.run(&["backfill"]);
    let file = "a#b 100%?.sqlite";
    fs::rename(world.path("aig-logs.sqlite"), world.path(file)).unwrap();
    let before = fs::read(world.path(file)).unwrap();
    let mode = |name: &str, mode| fs::set_permissions(world.path(name), Permissions::from_mode(mode)).unwrap();
    for (name, bits) in [(file, 0o444), (".dev.vars", 0o444), (".", 0o555)] {
        mode(name, bits);
    }
    let names =
        || fs::read_dir(world.path(".")).unwrap().map(|file| file.unwrap().file_name()).collect::<BTreeSet<_>>();
    let there = names();
    for look in [&["status"][..], &["verify"], &["dead-letters", "list"]] {
        let mut command = world.command(&[look, &["--sink", &format!("sqlite:{file}")]].concat());
        // Whoever runs the tests as root may write anywhere.
        if fs::metadata(world.path(".")).unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        let looked = command.output().unwrap();
        assert_eq!(looked.status.code(), Some(0), "{look:?}: {}", words(&looked));
    }
    assert_eq!((names(), fs::read(world.path(file)).unwrap()), (there, before));
    mode(".", 0o755);
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

#[test]
fn the_status_of_a_poller_that_falls_behind_says_so() {
    let world = World::start(&["--entries", "300", "--rate", "0", "--days", "0.003"]);
    world.run(&["forward", "--pages", "1"]);
    let behind = world.command(&["status"]).output().unwrap();
    let said = String::from_utf8_lossy(&behind.stdout).into_owned();
    // One page has 50 of the entries, and the source counts the others.
    assert_eq!(behind.status.code(), Some(1), "{said}");
    assert!(said.contains("Behind        the source had 250 logs more"), "{said}");
    world.run(&["forward"]);
    assert!(!world.run(&["status"]).contains("Behind"));
}

#[test]
fn the_status_of_a_poller_that_was_stopped_is_that_somebody_must_act() {
    let world = World::start(&["--entries", "20", "--rate", "0", "--days", "0.003"]);
    world.run(&["forward"]);
    world.run(&["backfill"]);
    let told = world.run(&["status"]);
    assert!(told.contains("Last pass     forward from 20") && told.contains("Problems      none"), "{told}");
    let file = Connection::open(world.path("aig-logs.sqlite")).unwrap();
    let passes = "FROM aig_logs_state WHERE store = 'native' AND key = 'passes'";
    let value: String = file.query_row(&format!("SELECT value {passes}"), [], |row| row.get(0)).unwrap();
    let mut value: Value = serde_json::from_str(&value).unwrap();
    for ended in ["began", "ended"] {
        value["last"]["forward"][ended] = json!(time::text(now() - chrono::TimeDelta::days(1)));
    }
    file.execute("UPDATE aig_logs_state SET value = ? WHERE store = 'native' AND key = 'passes'", [value.to_string()])
        .unwrap();
    let stopped = world.command(&["status"]).output().unwrap();
    assert_eq!(stopped.status.code(), Some(2), "{}", words(&stopped));
    let said = String::from_utf8_lossy(&stopped.stdout).into_owned();
    assert!(said.contains("Stalled       nothing was copied since") && said.contains("24 h ago"), "{said}");
    let json = world.command(&["status", "--json"]).output().unwrap();
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(json["stalled_since"].is_string() && json["passes"]["backfill"]["verdict"] == "complete", "{json}");
    // A state that says nothing of its passes, as the Worker's: its last count is too long ago.
    file.execute(&format!("DELETE {passes}"), []).unwrap();
    assert_eq!(world.command(&["status"]).output().unwrap().status.code(), Some(0));
    let forward: String = file
        .query_row("SELECT value FROM aig_logs_state WHERE store = 'state' AND key = 'forward'", [], |row| row.get(0))
        .unwrap();
    let mut forward: Value = serde_json::from_str(&forward).unwrap();
    let then = time::text(now() - chrono::TimeDelta::hours(3));
    forward["counted"] = json!([then, then, then]);
    file.execute("UPDATE aig_logs_state SET value = ? WHERE key = 'forward'", [forward.to_string()]).unwrap();
    let silent = world.command(&["status"]).output().unwrap();
    assert_eq!(silent.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&silent.stdout).starts_with("main: complete through "), "it was counted");
    world.run(&["forward"]);
    world.run(&["status"]);
}
