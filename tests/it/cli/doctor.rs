//! What the doctor finds, each thing provoked.

use std::{collections::BTreeMap, fs, process::Output};

use aig_logs::log::columns::LOGS;
use serde_json::{Value, json};

use super::{World, command, words};
use crate::peer::{BigQuery as _, DATASET, PROJECT, Peer, TABLE};

/// A world with logs, in which all is well.
fn world() -> World {
    World::start(&["--entries", "120", "--rate", "0", "--days", "1"])
}

impl World {
    fn change(&self, change: &Value) {
        self.tell("POST", "/simulator/change", &change.to_string());
    }

    fn doctor(&self, arguments: &[&str], vars: &[(&str, &str)]) -> Output {
        self.command(&[&["doctor"], arguments].concat()).envs(vars.iter().copied()).output().unwrap()
    }

    /// What it finds, for programs, and its exit code.
    fn checks(&self, vars: &[(&str, &str)]) -> (Vec<Value>, i32) {
        let output = self.doctor(&["--json"], vars);
        let code = output.status.code().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", words(&output)));
        assert_eq!(report["failed"], code, "{report:#}");
        (report["checks"].as_array().unwrap().clone(), code)
    }

    /// The one check that is not ok, or skipped because of it.
    #[track_caller]
    fn assert_finds(&self, vars: &[(&str, &str)], name: &str, verdict: &str, parts: &[&str]) {
        let (checks, _) = self.checks(vars);
        let sick: Vec<_> =
            checks.iter().filter(|check| check["verdict"] == "warning" || check["verdict"] == "failed").collect();
        let [sick] = sick[..] else { panic!("{name}: {checks:#?}") };
        assert_eq!((&sick["check"], &sick["verdict"]), (&json!(name), &json!(verdict)), "{sick:#}");
        for part in parts {
            assert!(sick.to_string().contains(part), "{part} is not in: {sick:#}");
        }
    }
}

/// A session, without blanks at the ends of lines.
fn session(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

#[test]
fn a_healthy_set_up_is_all_ok() {
    let world = world();
    let output = world.doctor(&[], &[]);
    assert_eq!(session(&output), include_str!("doctor/healthy.txt"), "{}", words(&output));
    assert_eq!(output.status.code(), Some(0));
    let (checks, code) = world.checks(&[]);
    assert!(code == 0 && checks.iter().all(|check| check["verdict"] == "ok"));
    let first = json!({ "check": "settings", "verdict": "ok", "says": "complete", "hint": null, "fix": null });
    assert_eq!(checks[0], first);
}

#[test]
fn a_sick_set_up_says_what_is_wrong_and_what_mends_it() {
    let world = world();
    world.change(&json!({
        "gateways": { "main": {
            "collect_logs": false,
            "log_management": 120,
            "log_management_strategy": "STOP_INSERTING",
            "created_at": "2026-10-01T00:00:00Z",
        } },
        "table": { "schema": "id STRING\ncreated_at STRING", "permissions": ["bigquery.tables.get"] },
    }));
    let output = world.doctor(&[], &[]);
    let text = session(&output);
    assert_eq!(text, include_str!("doctor/sick.txt"), "{}", words(&output));
    assert_eq!(output.status.code(), Some(4));
    assert!(!text.contains("simulated-api-token") && !text.contains('\u{1b}'));
}

#[test]
fn settings_are_told_together_and_the_source_is_looked_at_all_the_same() {
    let world = world();
    let (checks, code) = world.checks(&[("GCP_BQ_DATASET", "a b"), ("GCP_SA_PRIVATE_KEY_PEM", "hush")]);
    assert_eq!((code, &checks[0]["verdict"]), (1, &json!("failed")));
    let says = checks[0]["says"].as_str().unwrap();
    assert!(says.contains("GCP_BQ_DATASET") && says.contains("GCP_SA_PRIVATE_KEY_PEM") && !says.contains("hush"));
    let verdict = |name: &str| &checks.iter().find(|check| check["check"] == name).unwrap()["verdict"];
    assert_eq!([verdict("main: logs"), verdict("table")], ["ok", "skipped"]);
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path()).args(["doctor"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    for name in ["CF_API_TOKEN", "CF_ACCOUNT_ID", "AIG_GATEWAY_ID", "aig-logs help settings"] {
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn the_source_alone_needs_no_google() {
    let world = world();
    let output = world.doctor(&["--sink", "sqlite"], &[]);
    let text = session(&output);
    assert!(output.status.success() && !text.contains("Google key") && !text.contains("table"), "{text}");
}

#[test]
fn a_token_that_is_not_good_is_told_and_nothing_more_is_asked() {
    let world = world();
    world.assert_finds(&[("CF_API_TOKEN", "hush")], "token", "failed", &["does not know it", "AI Gateway Read"]);
    for status in ["disabled", "expired"] {
        world.change(&json!({ "token": { "status": status } }));
        world.assert_finds(&[], "token", "failed", &[status, "CF_API_TOKEN"]);
    }
    let (checks, _) = world.checks(&[]);
    let skipped: Vec<_> =
        checks.iter().filter(|check| check["verdict"] == "skipped").map(|check| &check["check"]).collect();
    assert_eq!(skipped, ["log system", "gateways", "KV"]);
    world.change(&json!({ "token": { "status": "active", "owner": "account" } }));
    assert_eq!(world.checks(&[]).1, 0, "a token of the account is as good");
}

#[test]
fn a_permission_that_is_missing_is_named() {
    let world = world();
    let all = ["Account Settings Read", "AI Gateway Read", "Workers KV Storage Read"];
    let without = |name: &str| {
        let left: Vec<_> = all.iter().filter(|permission| **permission != name).collect();
        world.change(&json!({ "token": { "permissions": left } }));
    };
    without("AI Gateway Read");
    world.assert_finds(&[], "gateway main", "failed", &["AI Gateway Read", "CF_API_TOKEN"]);
    world.assert_finds(&[("AIG_GATEWAY_ID", "*")], "gateways", "failed", &["AI Gateway Read"]);
    without("Workers KV Storage Read");
    world.assert_finds(&[], "KV", "warning", &["Workers KV Storage Read"]);
    without("Account Settings Read");
    let (checks, code) = world.checks(&[]);
    assert!(code == 0 && checks.iter().all(|check| check["verdict"] == "ok"), "{checks:#?}");
    without("");
    for (left, missing, name) in [
        (json!(["bigquery.tables.get"]), "bigquery.tables.updateData", "insert"),
        (json!(["bigquery.tables.updateData"]), "bigquery.tables.get", "table"),
    ] {
        world.change(&json!({ "table": { "permissions": left } }));
        world.assert_finds(&[], name, "failed", &[missing, "roles/bigquery.dataEditor", "BigQuery Data Editor"]);
    }
}

#[test]
fn account_and_gateways_are_compared_with_the_settings() {
    let world = world();
    world.assert_finds(&[("AIG_GATEWAY_ID", "main,nowhere")], "gateway nowhere", "failed", &["AIG_GATEWAY_ID"]);
}

#[test]
fn the_first_gateway_says_where_the_logs_are() {
    let old = json!({ "created_at": "2026-09-23T23:59:59Z" });
    let young = json!({ "created_at": "2026-09-24T00:00:00Z" });
    // More gateways than a page shows; the old one is on the second page, and its logs are not asked for.
    let ids: Vec<_> = (10..70).map(|number| format!("g{number}")).collect();
    let world = World::start(&["--entries", "1", "--rate", "0", "--days", "1", "--gateways", &ids.join(",")]);
    let vars = [("AIG_GATEWAY_ID", "g10")];
    let mut gateways: BTreeMap<_, _> = ids.iter().map(|id| (id, young.clone())).collect();
    world.change(&json!({ "gateways": gateways }));
    world.assert_finds(
        &vars,
        "log system",
        "warning",
        &["2026-09-24", "Workers Observability", "docs/alternatives.md"],
    );
    gateways.insert(&ids[59], old);
    world.change(&json!({ "gateways": gateways }));
    let (checks, code) = world.checks(&vars);
    let log_system = checks.iter().find(|check| check["check"] == "log system").unwrap();
    assert_eq!((code, &log_system["verdict"]), (0, &json!("ok")), "{log_system:#}");
    let none: BTreeMap<_, _> = ids.iter().map(|id| (id, Value::Null)).collect();
    world.change(&json!({ "gateways": none }));
    let (checks, _) = world.checks(&[("AIG_GATEWAY_ID", "*")]);
    let says = |name: &str| checks.iter().find(|check| check["check"] == name).unwrap()["says"].to_string();
    assert!(says("log system").contains("no gateway") && says("gateways").contains("has none"), "{checks:#?}");
}

#[test]
fn a_gateway_that_keeps_no_logs_is_told() {
    let world = world();
    world.change(&json!({ "gateways": { "main": { "collect_logs": false } } }));
    world.assert_finds(&[], "main: collecting", "failed", &["no logs", "Collect Logs"]);
    for (room, strategy, verdict, words) in [
        (120, "STOP_INSERTING", "failed", "The gateway keeps no new logs"),
        (130, "STOP_INSERTING", "warning", "A full gateway keeps no new logs"),
        (130, "DELETE_OLDEST", "warning", "deletes its oldest logs"),
    ] {
        let settings = json!({ "log_management": room, "log_management_strategy": strategy });
        world.change(&json!({ "gateways": { "main": settings } }));
        world.assert_finds(&[], "main: room", verdict, &[&format!("120 of {room} logs"), strategy, words]);
    }
}

#[test]
fn an_api_that_does_not_obey_is_told() {
    let world = world();
    for (quirks, name, verdict, words) in [
        (json!({ "ignores_filter": true }), "main: logs", "failed", "ignores the filter"),
        (json!({ "ignores_order": true }), "main: logs", "failed", "ignores the order"),
        (json!({ "page_cap": 20 }), "main: logs", "warning", "LOGS_PER_PAGE=20"),
        (json!({ "total_count_ignores_filter": true }), "main: counts", "warning", "counts 120 logs"),
    ] {
        world.change(&json!({ "quirks": quirks }));
        world.assert_finds(&[], name, verdict, &[words]);
    }
    world.change(&json!({ "quirks": { "without_total_count": true } }));
    world.assert_finds(&[], "main: counts", "warning", &["does not count", "unprovable"]);
}

#[test]
fn clocks_that_are_apart_are_told_of_both_services() {
    let world = world();
    for (ahead, verdict, words) in
        [(60, "warning", "s behind"), (-60, "warning", "s ahead of"), (600, "failed", "s behind")]
    {
        world.change(&json!({ "clock_ahead_seconds": ahead }));
        let (checks, _) = world.checks(&[]);
        for service in ["Cloudflare", "Google"] {
            let name = format!("clock against {service}");
            let check = checks.iter().find(|check| check["check"] == name.as_str()).unwrap();
            assert_eq!(check["verdict"], verdict, "{check}");
            assert!(check["says"].as_str().unwrap().contains(words), "{check}");
        }
    }
}

#[test]
fn google_and_its_table_are_told() {
    let world = world();
    let damaged = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----";
    world.assert_finds(&[("GCP_SA_PRIVATE_KEY_PEM", damaged)], "Google key", "failed", &["as Google Cloud made it"]);
    world.assert_finds(&[("GCP_SA_EMAIL", "nobody@example.com")], "sign-in", "failed", &["GCP_SA_EMAIL"]);
    world.assert_finds(&[("GCP_BQ_TABLE", "nowhere")], "table", "failed", &["GCP_BQ_TABLE", "aig-logs sql --apply"]);
    let table = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/bigquery/1_table.sql")).unwrap();
    let check = |schema: String, name: &str, verdict: &str, parts: &[&str]| {
        world.change(&json!({ "table": { "schema": schema } }));
        world.assert_finds(&[], name, verdict, parts);
    };
    check(table.replace("  cost FLOAT64", "  cost STRING"), "table", "failed", &["cost is STRING, not FLOAT64"]);
    check(table.replace("  gateway STRING", "  other STRING"), "table", "failed", &["gateway is missing: STRING"]);
    check(table.replace("PARTITION BY", "--"), "layout", "warning", &["not partitioned"]);
    check(
        table.replace("CLUSTER BY", "--"),
        "layout",
        "warning",
        &["bq update --clustering_fields=provider,model,success,id"],
    );
}

#[test]
fn namespaces_are_looked_for_where_their_ids_are_known() {
    let world = world();
    let missing = &["npx wrangler kv namespace create IDS_KV", "CF_KV_IDS_ID"];
    world.assert_finds(&[("CF_KV_IDS_ID", "00ff")], "KV", "failed", missing);
    world.assert_finds(&[("CF_KV_IDS_ID", &"5a".repeat(16))], "KV", "warning", &["the same namespace"]);
}

#[test]
fn crons_are_judged_where_a_worker_is() {
    let world = world();
    let vars = fs::read_to_string(world.path(".dev.vars")).unwrap();
    let crons = |crons: &str| fs::write(world.path("wrangler.toml"), format!("[triggers]\ncrons = {crons}\n")).unwrap();
    assert!(vars.contains("CF_API_TOKEN"));
    crons(r#"["*/1 * * * *", "0 * * * *"]"#);
    // Right on Workers Paid, and too often on Workers Free: said, and no fault.
    // 2,976 = 2 * 1,440 + 24 + 3 * 24: passes, ledger and backfill.
    let (checks, code) = world.checks(&[]);
    let check = checks.iter().find(|check| check["check"] == "crons").unwrap();
    assert_eq!((code, &check["verdict"], &check["fix"]), (0, &json!("ok"), &Value::Null));
    for part in [
        "1,440 forward passes",
        "2,976 KV writes",
        "Workers Free allows 1,000",
        r#"there set crons = [\"*/4 * * * *\""#,
    ] {
        assert!(check.to_string().contains(part), "{part}: {check}");
    }
    crons(r#"["*/4 * * * *", "0 * * * *"]"#);
    assert_eq!(world.checks(&[]).1, 0);
    crons(r#"["*/4 * * * *"]"#);
    world.assert_finds(&[], "crons", "failed", &["the history is never copied"]);
    crons(r#"["0 * * * *"]"#);
    world.assert_finds(&[], "crons", "failed", &["new logs are never copied"]);
    crons(r#"["0 * * * *", "hourly"]"#);
    world.assert_finds(&[], "crons", "failed", &["is no schedule"]);
}

#[test]
fn the_table_of_the_statements_is_right_and_another_is_not() {
    let Some(peer) = Peer::bare() else { return };
    let world = world();
    let origin = peer.origin();
    let vars = [&[("BIGQUERY_EMULATOR_HOST", origin.as_str())][..], &Peer::SETTINGS[..]].concat();
    world.assert_finds(&vars, "table", "failed", &["aig-logs sql --apply"]);
    let name = format!("`{PROJECT}.{DATASET}.{TABLE}`");
    peer.query(&format!("CREATE TABLE {name} (id STRING, created_at TIMESTAMP)"));
    let (checks, _) = world.checks(&vars);
    let says = |name: &str| checks.iter().find(|check| check["check"] == name).unwrap()["says"].as_str().unwrap();
    let more = format!(
        "{TABLE}.provider is missing: STRING, {TABLE}.model is missing: STRING, {TABLE}.model_type is missing: STRING, and {} more",
        LOGS.columns.len() - 5
    );
    assert_eq!(says("table"), more);
    assert!(says("layout").contains("not partitioned"));
    peer.query(&format!("DROP TABLE {name}"));
    peer.apply();
    let runs = format!("`{PROJECT}.{DATASET}.aig_runs`");
    peer.query(&format!("DROP TABLE {runs}"));
    world.assert_finds(&vars, "aig_runs", "warning", &["is missing", "aig-logs sql --apply", "RECORD_RUNS"]);
    let without = [&vars[..], &[("RECORD_RUNS", "false")]].concat();
    assert!(!world.checks(&without).0.iter().any(|check| check["check"] == "aig_runs"));
    peer.query(&format!("CREATE TABLE {runs} (run STRING)"));
    world.assert_finds(&vars, "aig_runs", "warning", &["aig_runs.started is missing: TIMESTAMP"]);
    peer.query(&format!("DROP TABLE {runs}"));
    peer.apply();
    let (checks, code) = world.checks(&vars);
    assert!(code == 0 && checks.iter().all(|check| check["verdict"] == "ok"), "{checks:#?}");
}

#[test]
fn a_peak_near_what_can_be_read_is_told_with_the_setting_that_helps() {
    let world = World::start(&["--entries", "120", "--rate", "0", "--days", "0.005"]);
    let few = [("LOGS_PER_PAGE", "3"), ("FORWARD_MAX_PAGES", "1")];
    let parts =
        [" logs in the busiest minute, from ", " UTC: ", " % of the 2 that can be read", "FORWARD_MAX_PAGES=auto"];
    world.assert_finds(&few, "main: headroom", "warning", &parts);
    let plenty = |vars: &[(&str, &str)]| {
        let (checks, code) = world.checks(vars);
        let check = checks.iter().find(|check| check["check"] == "main: headroom").unwrap().clone();
        assert_eq!((code, &check["verdict"]), (0, &json!("ok")), "{check}");
        check["says"].as_str().unwrap().to_owned()
    };
    // 120 in seven minutes: more than nine in one of them, of 20 pages of 49.
    let says = plenty(&[("FORWARD_MAX_PAGES", "20")]);
    assert!(says.ends_with(" % of the 980 that can be read") && !says.contains(" UTC: 1 %"), "{says}");
    // 192 calls a minute, of 49 each.
    let says = plenty(&[]);
    assert_eq!(says, "the busiest minute has at most 1 % of the 9,408 logs that can be read in a minute");
}

#[test]
fn options_that_it_does_not_use_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path()).args(["doctor", "--dry-run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("doctor, sql and estimate do not use --state, --dry-run"));
}
