//! What `wrangler` makes of the project's own configuration: its bindings, and the tables of the database.

use std::{fs, path::Path};

use aig_logs::sink::sql::SQLITE;
use serde_json::Value;
use tempfile::TempDir;

use crate::worker::runtime::{WORKER, built, wrangler};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A folder with the project's own configuration, its SQL, its page, and both Workers, built; none where they are left out on
/// purpose.
fn project() -> Option<TempDir> {
    let folder = tempfile::tempdir().unwrap();
    for (variable, place) in [(WORKER, "build"), ("AIG_LOGS_EVENTS_WORKER", "build/events")] {
        let built = built(variable)?;
        fs::create_dir(folder.path().join(place)).unwrap();
        for name in ["index.js", "index_bg.wasm"] {
            fs::copy(built.with_file_name(name), folder.path().join(place).join(name)).unwrap();
        }
    }
    let text = fs::read_to_string(Path::new(ROOT).join("wrangler.toml")).unwrap();
    let is_build = |part: &&str| !part.starts_with("[build]") && !part.starts_with("[env.events.build]");
    let text: Vec<_> = text.split("\n\n").filter(is_build).collect();
    fs::write(folder.path().join("wrangler.toml"), text.join("\n\n")).unwrap();
    for part in ["sql/sqlite", "src/dashboard/built"] {
        fs::create_dir_all(folder.path().join(part)).unwrap();
        for file in fs::read_dir(Path::new(ROOT).join(part)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.path().join(part).join(file.file_name())).unwrap();
        }
    }
    Some(folder)
}

fn told(folder: &Path, arguments: &[&str]) -> String {
    let mut command = wrangler(folder, arguments);
    let output = command.output().unwrap();
    let [words, errors] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{arguments:?}: {words}{errors}");
    words
}

#[test]
fn each_worker_is_deployed_with_its_own_bindings_alone() {
    let Some(project) = project() else { return };
    let bindings = |environment: &str| {
        let words = told(project.path(), &["deploy", "--dry-run", environment]);
        let names = words.lines().filter_map(|line| line.strip_prefix("env.")?.split([' ', '(']).next());
        let (vars, bindings): (Vec<_>, Vec<_>) = names
            .map(str::to_owned)
            .partition(|name| !name.ends_with("_KV") && !name.starts_with("EVENTS_DB") && name != "EVENTS_RATE_LIMIT");
        (bindings, vars)
    };
    let (poller, events) = (bindings("--env="), bindings("--env=events"));
    assert_eq!(poller.0, ["STATE_KV", "IDS_KV"]);
    assert_eq!(events.0, ["STATE_KV", "EVENTS_DB", "EVENTS_RATE_LIMIT"]);
    assert!(poller.1.contains(&"AIG_GATEWAY_ID".to_owned()) && !poller.1.iter().any(|name| name.starts_with("EVENT")));
    assert!(events.1.contains(&"EVENTS_RATE".to_owned()) && !events.1.contains(&"AIG_GATEWAY_ID".to_owned()));
}

#[test]
fn the_schema_is_applied_twice_and_changes_nothing() {
    const SCHEMA: &str = "SELECT type, name, sql FROM sqlite_master \
                          WHERE name NOT LIKE 'd1_%' AND name NOT LIKE '_cf_%' ORDER BY name;";
    let Some(project) = project() else { return };
    let apply = || told(project.path(), &["d1", "migrations", "apply", "EVENTS_DB", "--local", "--env=events"]);
    // The rows of the last statement of a file.
    let execute = |text: &str| {
        fs::write(project.path().join("given.sql"), text).unwrap();
        let arguments = ["d1", "execute", "EVENTS_DB", "--local", "--env=events", "--json", "--file=given.sql"];
        let told = told(project.path(), &arguments);
        let results: Vec<Value> = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
        results.last().unwrap()["results"].as_array().unwrap().clone()
    };
    apply();
    let first = execute(SCHEMA);
    let names: Vec<_> = first.iter().filter_map(|part| part["name"].as_str()).collect();
    assert!(
        ["events_raw", "api_keys", "aig_logs_raw", "aig_logs"].iter().all(|name| names.contains(name)),
        "{names:?}"
    );
    let again = apply();
    assert!(again.contains("No migrations to apply"), "{again}");
    // Each statement again, whatever was noted as applied.
    let texts: Vec<_> = SQLITE.iter().map(|script| script.text).chain([SCHEMA]).collect();
    assert_eq!(execute(&texts.join("\n")), first);
}
