//! The statements as the command prints them.

use std::process::Output;

use rusqlite::Connection;
use serde_json::Value;

use super::{with_settings, words};

const VARS: &str = "GCP_BQ_PROJECT=my-project\nGCP_BQ_DATASET=logs\nGCP_BQ_TABLE=raw\n";

/// What `aig-logs sql` says with these settings and options.
fn sql(vars: &str, options: &[&str]) -> Output {
    with_settings(vars, &[&["sql"], options].concat())
}

fn printed(vars: &str, options: &[&str]) -> String {
    let output = sql(vars, options);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn statements_have_the_names_of_the_settings_and_come_in_order() {
    let text = printed(VARS, &[]);
    assert_eq!(text, printed(VARS, &["--print", "--sink", "bigquery"]));
    assert!(!text.contains("${GCP"), "{text}");
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} is not in: {text}"));
    let table = place("CREATE TABLE IF NOT EXISTS `my-project.logs.raw`");
    let columns = place("ALTER TABLE `my-project.logs.raw`");
    let logs = place("CREATE OR REPLACE VIEW `my-project.logs.aig_logs`\n");
    let usage = place("CREATE OR REPLACE VIEW `my-project.logs.aig_usage_by_day`");
    assert!(table < columns && columns < logs && logs < usage);
    assert!(!text.contains("events_raw`"), "{text}");
    let further = printed(VARS, &["--events"]);
    let events = further.strip_prefix(text.trim_end()).unwrap();
    assert!(events.contains("CREATE TABLE IF NOT EXISTS `my-project.logs.events_raw`"), "{events}");
    // The project may be in the key file, and the table has a default.
    let key = r#"GCP_SA_KEY_JSON='{"client_email":"a","private_key":"b","project_id":"my-project"}'"#;
    let text = printed(&format!("{key}\nGCP_BQ_DATASET=logs\n"), &[]);
    assert!(text.contains("`my-project.logs.aig_logs_raw`"), "{text}");
}

#[test]
fn without_a_name_nothing_is_printed_for_a_pipe_to_carry_out() {
    for (vars, missing) in [("GCP_BQ_PROJECT=p", "GCP_BQ_DATASET"), ("GCP_BQ_DATASET=d", "GCP_BQ_PROJECT")] {
        let output = sql(vars, &[]);
        let words = words(&output);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{words}");
        assert!(words.contains(missing) && !words.contains("CF_API_TOKEN"), "{words}");
    }
    assert_eq!(sql(VARS, &["--sink", "ndjson"]).status.code(), Some(2));
    assert_eq!(sql(VARS, &["--dry-run"]).status.code(), Some(2));
}

#[test]
fn sqlite_takes_what_is_printed_for_it_without_a_setting_and_again() {
    let text = printed("", &["--sink", "sqlite"]);
    let file = Connection::open_in_memory().unwrap();
    file.execute_batch(&text).unwrap();
    file.execute_batch(&text).unwrap();
    file.prepare("SELECT day, cost FROM aig_usage_by_day").unwrap();
}

#[test]
fn keys_of_the_metadata_become_columns_in_both_dialects() {
    let vars = format!("{VARS}METADATA_COLUMNS=team,cost_center:int64\n");
    let text = printed(&vars, &[]);
    assert!(text.contains("JSON_VALUE(metadata, '$.team') AS `team`"), "{text}");
    assert!(text.contains(" AS INT64) AS `cost_center`"), "{text}");
    let file = Connection::open_in_memory().unwrap();
    file.execute_batch(&printed(&vars, &["--sink", "sqlite"])).unwrap();
    file.prepare("SELECT team, cost_center FROM aig_logs").unwrap();
    let output = sql("METADATA_COLUMNS=a.b\n", &[]);
    let words = words(&output);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{words}");
    assert!(["METADATA_COLUMNS", "GCP_BQ_PROJECT"].iter().all(|name| words.contains(name)), "{words}");
}

#[test]
fn programs_get_each_file_by_its_name() {
    let files: Vec<Value> = serde_json::from_str(&printed(VARS, &["--json"])).unwrap();
    let file = |name: &str| files.iter().find(|file| file["file"] == name).unwrap()["sql"].as_str().unwrap();
    assert!(file("1_table.sql").contains("CREATE TABLE IF NOT EXISTS `my-project.logs.raw`"));
    assert!(file("3_aig_logs.sql").contains("FROM `my-project.logs.raw`"));
}
