//! `aig-logs ask` and `aig-logs query`: the questions of the API over a file, for a person and for programs.

use std::{fs, io::Write, path::Path};

use aig_logs::{
    log::metadata::MetadataKeys,
    sink::sqlite::Sqlite,
    time::{self, Timestamp},
};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{World, command, words};
use crate::{
    events::world::ADMIN,
    templates::rows::{NOW, Row, random, world, write},
};

/// A folder with `aig-logs.sqlite`, which has these rows.
pub fn folder(rows: &[Row]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = Connection::open(folder.path().join("aig-logs.sqlite")).unwrap();
    Sqlite::new(&file, &MetadataKeys::default()).unwrap();
    write(&file, rows);
    folder
}

/// The output of a command that must end well.
fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = command(folder).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", words(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Why a command is refused.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = command(folder).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", words(&output));
    words(&output)
}

/// Two models and a request, on the first two days of November.
pub fn few() -> Vec<Row> {
    let rows = random(1, 40);
    let (log, event) = (rows.iter().find(|row| row.is_log).unwrap(), rows.iter().find(|row| !row.is_log).unwrap());
    let log = |at: &str, id: &str, model: &str, cost: f64, duration: f64| Row {
        at: time::parse(at).unwrap(),
        id: id.into(),
        subject: Some(model.into()),
        cost: Some(cost),
        duration: Some(duration),
        success: Some(true),
        metadata: [("team".to_owned(), json!("search"))].into_iter().collect(),
        ..log.clone()
    };
    let event = Row {
        at: time::parse("2026-11-01T10:00:00Z").unwrap(),
        subject: Some("GET /a".into()),
        cost: None,
        duration: Some(20.0),
        success: Some(false),
        metadata: serde_json::Map::new(),
        ..event.clone()
    };
    vec![
        log("2026-11-01T10:00:00Z", "1", "small", 0.25, 1_500.0),
        log("2026-11-01T12:00:00Z", "2", "large", 1.5, 12_345.5),
        log("2026-11-02T12:00:00Z", "3", "small", 0.5, 250.0),
        event,
    ]
}

const RANGE: [&str; 4] = ["--since", "2026-11-01", "--until", "2026-11-03"];

#[test]
fn a_question_by_model_is_told_in_a_table() {
    let folder = folder(&few());
    let told = run(folder.path(), &[&["ask", "--by", "model", "cost", "count", "p95"][..], &RANGE].concat());
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(
        lines[..4],
        [
            " model  cost (USD)  count  p95 (ms)",
            " large        1.50      1    12,346",
            " small      0.7500      2     1,500",
            ""
        ]
    );
    assert!(
        lines[4].starts_with("2026-11-01T00:00Z to 2026-11-03T00:00Z; 3 rows read; exact; events complete through "),
        "{told}"
    );
    // A key of the metadata, and rows of both tables.
    let told = run(folder.path(), &[&["ask", "--by", "team", "count"][..], &RANGE].concat());
    assert_eq!(
        told.lines().take(3).collect::<Vec<_>>(),
        [" metadata.team  count", " search             3", " –                  1"]
    );
    let told = run(folder.path(), &[&["ask", "--by", "model", "--limit", "1", "cost"][..], &RANGE].concat());
    assert!(told.contains("more than these 1 row"), "{told}");
}

#[test]
fn a_question_with_steps_is_told_in_lines_of_marks() {
    let folder = folder(&few());
    let told = run(folder.path(), &[&["ask", "--step", "day", "count", "cost"][..], &RANGE].concat());
    let expected = [
        " day                count  cost (USD)",
        " 2026-11-01T00:00Z      3        1.75",
        " 2026-11-02T00:00Z      1      0.5000",
        "",
        " metric  a day each   least  most    last",
        " count   █▃               1     3       1",
        " cost    █▃          0.5000  1.75  0.5000",
    ];
    assert_eq!(told.lines().take(7).collect::<Vec<_>>(), expected);
    let told = run(folder.path(), &[&["ask", "--step", "hour", "--by", "model", "count"][..], &RANGE].concat());
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines[0], " model  metric  2 hours each              least  most  last");
    assert_eq!(lines[1], " small  count   ▁▁▁▁▁█▁▁▁▁▁▁▁▁▁▁▁▁█▁▁▁▁▁      0     1     0");
    assert_eq!(lines[2], " large  count   ▁▁▁▁▁▁█▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁      0     1     0");
    assert!(told.lines().all(|line| line.chars().count() <= 80 || line.contains("rows read")), "{told}");
}

#[test]
fn programs_get_what_the_api_answers() {
    let rows = few();
    let folder = folder(&rows);
    let world = world(&rows);
    let range = json!({ "start": "2026-11-01T00:00:00Z", "end": "2026-11-03T00:00:00Z" });
    let mut question = range.clone();
    question.as_object_mut().unwrap().extend([
        ("dataset".to_owned(), json!("all")),
        ("groupBy".to_owned(), json!(["day", "user"])),
        ("metrics".to_owned(), json!(["count", "avg"])),
        ("filters".to_owned(), json!([{ "field": "success", "op": "eq", "values": [true] }])),
        ("timeZone".to_owned(), json!("Europe/Berlin")),
    ]);
    let asked = ["ask", "--step", "day", "--by", "user", "--where", "success=true", "--tz", "Europe/Berlin"];
    let told = run(folder.path(), &[&asked[..], &["--json", "count", "avg"], &RANGE].concat());
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["rows"], world.ask("POST", "/query", ADMIN, &question.to_string()).1["rows"]);
    assert_eq!(told["meta"]["rowsRead"], 4);
    let template = json!({ "template": "cost-by-model", "parameters": range });
    let named = ["query", "cost-by-model", "start=2026-11-01T00:00:00Z", "end=2026-11-03T00:00:00Z"];
    let told: Value = serde_json::from_str(&run(folder.path(), &[&named[..], &["--json"]].concat())).unwrap();
    assert_eq!(told["rows"], world.ask("POST", "/query", ADMIN, &template.to_string()).1["rows"]);
    let csv = run(folder.path(), &[&named[..], &["--csv"]].concat());
    assert_eq!(csv.lines().count(), 1 + told["rows"].as_array().unwrap().len());
    assert!(csv.starts_with("provider,model,requests,"), "{csv}");
    let listed: Value = serde_json::from_str(&run(folder.path(), &["query", "--json"])).unwrap();
    assert_eq!(listed, world.ask("GET", "/templates", ADMIN, "").1);
}

#[test]
fn a_mistake_in_a_question_is_named() {
    let folder = folder(&[]);
    let check = |arguments: &[&str], named: &str| {
        let words = refused(folder.path(), arguments);
        assert!(words.contains(named), "{named} is not in: {words}");
    };
    check(&["ask", "speed"], "metrics are count");
    check(&["ask", "--since", "soon"], "--since");
    check(&["ask", "--tz", "Mars"], "timeZone");
    check(&["ask", "--where", "user"], "compares nothing");
    check(&["ask", "--db", "other.sqlite"], "no such file");
    check(&["ask", "--csv", "--json"], "--csv");
    check(&["ask", "--sink", "ndjson"], "--sink d1");
    check(&["ask", "--state", "x"], "do not use --state");
    check(&["ask", "--since", "now", "--until", "-7d"], "--since must lie before --until");
    check(&["query", "no-such"], "no-such");
    check(&["query", "apdex", "start=soon"], "yesterday");
    check(&["query", "apdex", "satisfied=much"], "satisfied is a number");
    check(&["query", "apdex", "satisfied"], "no =");
    // One row, so that an answer has a line.
    let folder = self::folder(&few());
    let check = |text: &str, named: &str| {
        fs::write(folder.path().join("bad.sql"), text).unwrap();
        let words = refused(folder.path(), &["query", "bad.sql", "start=2026-11-01T00:00:00Z"]);
        assert!(words.contains(named), "{named} is not in: {words}");
    };
    check("-- What is bad.\n-- answer: a\nSELECT :b AS a FROM activity\n", ":b");
    check(
        "-- What is bad.\n-- answer: a\nSELECT nowhere AS a FROM activity;\n",
        "no such column: nowhere. Check the SQL",
    );
    check("-- What is bad.\n-- answer: b\nSELECT 1 AS a FROM activity\n", "no column b");
    check("-- What is bad.\n-- b word: what\n-- answer: a\nSELECT 1 AS a FROM activity\n", "b word");
    check("-- What is bad.\nSELECT 1 AS a FROM activity\n", "-- answer:");
    check("SELECT 1 AS a FROM activity\n", "first line");
}

#[test]
fn d1_answers_as_a_file_does() {
    let world = World::start(&["--entries", "200", "--days", "0.02", "--rate", "0"]);
    world.run(&["sql", "--sink", "d1", "--apply"]);
    for sink in ["d1", "sqlite:copy.sqlite"] {
        world.run(&["forward", "--sink", sink]);
        world.run(&["backfill", "--sink", sink]);
    }
    // Nobody counts the hours of D1 here. The file answers from its rows too, even if an hour has just ended.
    let file = Connection::open(world.path("copy.sqlite")).unwrap();
    file.execute("DELETE FROM rollup_spans", []).unwrap();
    let rows = |arguments: &[&str]| -> Value {
        let told: Value = serde_json::from_str(&world.run(&[arguments, &["--json"]].concat())).unwrap();
        assert_eq!(told["meta"]["rowsRead"], 200);
        told["rows"].clone()
    };
    for asked in [&["ask", "--by", "model", "--step", "day", "cost", "count", "p95"][..], &["query", "cost-by-model"]] {
        let of_file = rows(&[asked, &["--db", "copy.sqlite"]].concat());
        assert!(of_file.as_array().is_some_and(|rows| rows.len() > 3), "{of_file}");
        assert_eq!(rows(&[asked, &["--sink", "d1"]].concat()), of_file);
    }
}

/// The instants of made-up rows, moved to the present.
pub fn recent(rows: Vec<Row>) -> Vec<Row> {
    let late: Timestamp = aig_logs::host::native::now();
    let later = late - time::parse(NOW).unwrap();
    rows.into_iter().map(|row| Row { at: time::floor_ms(row.at + later), ..row }).collect()
}

#[test]
fn every_example_of_the_page_on_questions_is_answered() {
    let folder = folder(&recent(random(1, 2_000)));
    let world = world(&random(1, 2_000));
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/query.md")).unwrap();
    let blocks: Vec<_> = page.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect();
    let own = blocks.iter().find(|(language, _)| *language == "sql").unwrap().1;
    fs::write(folder.path().join("my-question.sql"), own).unwrap();
    let lines = blocks.iter().filter(|(language, _)| *language == "sh").flat_map(|(_, text)| text.lines());
    // Those are asked of BigQuery's peer.
    let lines = lines.filter(|line| !line.contains("--sink bigquery"));
    let mut examples = 0;
    for line in lines {
        examples += 1;
        if let Some(arguments) = line.strip_prefix("aig-logs ") {
            let told = run(folder.path(), &arguments.split(' ').collect::<Vec<_>>());
            assert!(told.lines().count() > 1 || line.contains("--json"), "{line}: {told}");
            assert!(!told.contains("no rows") && !told.contains(r#""rows":[]"#), "{line}: {told}");
        } else if let Some((_, body)) = line.split_once(" -d '") {
            let (status, answer) = world.ask("POST", "/query", ADMIN, body.trim_end_matches('\''));
            assert!(status == 200 && answer["rows"] != json!([]), "{line}: {answer}");
        } else {
            assert!(line.starts_with("curl http://localhost:8790/templates "), "{line}");
        }
    }
    assert_eq!(examples, 27);
    let mut child = command(folder.path()).args(["query", "-"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(own.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().next(), Some(" subject    requests  avg (ms)"));
}
