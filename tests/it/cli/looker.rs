//! The link to Looker Studio as the command prints it.

use std::{collections::BTreeMap, fs, process::Output};

use aig_logs::sink::sql::{BIGQUERY, Script};
use serde_json::Value;

use super::{with_settings, words};

const VARS: &str = "GCP_BQ_PROJECT=example.com:my-project\nGCP_BQ_DATASET=logs\n";

/// What `aig-logs looker` says with these settings and options.
fn looker(vars: &str, options: &[&str]) -> Output {
    with_settings(vars, &[&["looker"], options].concat())
}

fn printed(options: &[&str]) -> String {
    let output = looker(VARS, options);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The address of a link, and its parameters as Looker Studio reads them.
fn parts(link: &str) -> (&str, BTreeMap<String, String>) {
    let (address, parameters) = link.trim_end().split_once('?').unwrap();
    (address, form_urlencoded::parse(parameters.as_bytes()).into_owned().collect())
}

#[test]
fn link_opens_a_report_over_the_view_of_the_settings() {
    let link = printed(&[]);
    let (address, parameters) = parts(&link);
    assert_eq!(address, "https://datastudio.google.com/reporting/create");
    let expected = [
        ("c.mode", "edit"),
        ("ds.connector", "bigQuery"),
        ("ds.datasetId", "logs"),
        ("ds.datasourceName", "aig_usage_by_day"),
        ("ds.projectId", "example.com:my-project"),
        ("ds.tableId", "aig_usage_by_day"),
        ("ds.type", "TABLE"),
        ("r.reportName", "AI Gateway"),
    ];
    assert_eq!(parameters, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(link.lines().count(), 1, "a shell can open it as it is: {link}");
}

#[test]
fn the_page_on_looker_studio_shows_the_link() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/looker-studio.md")).unwrap();
    let link = String::from_utf8(looker("GCP_BQ_PROJECT=PROJECT\nGCP_BQ_DATASET=DATASET\n", &[]).stdout).unwrap();
    assert!(page.contains(&format!("\n{link}```")), "{link}");
}

#[test]
fn each_view_has_its_link_and_programs_get_both() {
    for (view, _) in BIGQUERY.iter().filter_map(Script::bigquery_view) {
        let link = printed(&["--view", view]);
        assert_eq!(parts(&link).1["ds.tableId"], view);
        let answer: Value = serde_json::from_str(&printed(&["--view", view, "--json"])).unwrap();
        assert_eq!((&answer["view"], &answer["link"]), (&view.into(), &link.trim_end().into()));
    }
}

#[test]
fn what_has_no_link_is_refused_and_nothing_is_printed_to_be_opened() {
    let refused = |vars, options: &[&str], reason: &str| {
        let output = looker(vars, options);
        let words = words(&output);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{options:?}: {words}");
        assert!(words.contains(reason), "{options:?}: {words}");
    };
    refused("GCP_BQ_PROJECT=p", &[], "GCP_BQ_DATASET");
    refused("GCP_BQ_DATASET=d", &[], "GCP_BQ_PROJECT");
    refused(VARS, &["--view", "aig_usage"], "aig_usage_by_day");
    refused(VARS, &["--sink", "sqlite"], "looker do not use --sink");
}
