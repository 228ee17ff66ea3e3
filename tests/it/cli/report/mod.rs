//! `aig-logs report`: what a month cost, for a person and for programs.

mod calls;
mod page;
mod places;

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use self::calls::{Call, count, floats, folder, numbers, open, random};
use super::{command, words};
use crate::terminal::Terminal;

const FEBRUARY: [&str; 3] = ["report", "--month", "2020-02"];

/// The output of a report that must end well.
fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = command(folder).args(FEBRUARY).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", words(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn in_json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(folder, &[arguments, &["--json"]].concat())).unwrap()
}

/// The calls of a month.
fn month<'a>(calls: &'a [Call], name: &str) -> Vec<&'a Call> {
    calls.iter().filter(|call| call.at.format("%Y-%m").to_string() == name).collect()
}

/// What a row of the report divides by: the section, the value of the key, the model and the day.
type Place = (String, Value, Value, Value);

/// The rows that a report must have, each with its numbers and those of the month before.
fn expected(calls: &[Call]) -> BTreeMap<String, Vec<Value>> {
    let (now, before) = (month(calls, "2020-02"), month(calls, "2020-01"));
    let team = |call: &Call| call.team.clone().unwrap_or_default();
    let model = |call: &Call| json!(call.model);
    let places = |call: &Call| -> [Place; 5] {
        let day = call.at.format("%Y-%m-%d").to_string();
        [
            ("whole".into(), Value::Null, Value::Null, Value::Null),
            ("model".into(), Value::Null, model(call), Value::Null),
            ("key".into(), team(call), Value::Null, Value::Null),
            ("key and model".into(), team(call), model(call), Value::Null),
            ("day".into(), Value::Null, Value::Null, day.into()),
        ]
    };
    let of_place = |calls: &[&Call], place: &Place| {
        let group: Vec<_> = calls.iter().filter(|call| places(call).contains(place)).copied().collect();
        let has_price = |call: &Call| !calls.iter().any(|other| other.model == call.model && other.is_unpriced());
        let is_of_key = place.0.starts_with("key");
        numbers(&group, is_of_key.then(|| !group.iter().all(|call| has_price(call))))
    };
    let of_now = now.iter().flat_map(|call| places(call));
    let of_both = of_now.chain(before.iter().flat_map(|call| places(call)).filter(|place| place.0 != "day"));
    let row = |place: Place| {
        let old = if place.0 == "day" { vec![Value::Null; 9] } else { of_place(&before, &place) };
        (format!("{place:?}"), [of_place(&now, &place), old].concat())
    };
    of_both.map(row).collect()
}

/// The rows of a report, in the same form.
fn told(report: &Value) -> BTreeMap<String, Vec<Value>> {
    let row = |row: &Value| {
        let (key, is_of_key) = (&row["key"], row["section"].as_str().unwrap().starts_with("key"));
        assert_eq!(*key, if is_of_key { "team".into() } else { Value::Null });
        let [section, value, model, day] = ["section", "value", "model", "day"].map(|name| row[name].clone());
        let place: Place = (section.as_str().unwrap().to_owned(), value, model, day);
        let names =
            ["cost", "costIs", "calls", "errors", "tokensIn", "tokensOut", "tokensCached", "cached", "unpriced"];
        let now = names.iter().map(|name| row[*name].clone());
        let numbers = floats(now.chain(names.iter().map(|name| row[format!("{name}Before")].clone())));
        // Days without a call are there, too.
        (place.0 != "day" || numbers[2] != 0.0).then(|| (format!("{place:?}"), numbers))
    };
    report["rows"].as_array().unwrap().iter().filter_map(row).collect()
}

#[track_caller]
fn assert_same(report: &Value, expected: &BTreeMap<String, Vec<Value>>) {
    let told = told(report);
    for (place, numbers) in expected {
        assert_eq!(told.get(place), Some(numbers), "{place}");
    }
    assert_eq!(told.len(), expected.len());
}

#[test]
fn every_line_says_what_plain_loops_say() {
    let calls = random(1, 600);
    let folder = folder(&calls);
    let expected = expected(&calls);
    assert!(expected.len() > 70, "{}", expected.len());
    let check = || {
        let report = in_json(folder.path(), &["--by", "team"]);
        assert_same(&report, &expected);
        assert_eq!(report["meta"]["month"]["end"], "2020-03-01T00:00:00.000Z");
        assert_eq!(report["rows"].as_array().unwrap().iter().filter(|row| row["section"] == "day").count(), 29);
    };
    check();
    let of_acme: Vec<_> = calls.iter().filter(|call| call.org == "acme").cloned().collect();
    let report = in_json(folder.path(), &["--by", "team", "--org", "acme"]);
    assert_same(&report, &self::expected(&of_acme));
    // What is counted says the same, and reads no row.
    count(folder.path());
    let behind_its_back = "DROP TRIGGER rollups_logs_deleted; DELETE FROM aig_logs_raw";
    open(folder.path()).execute_batch(behind_its_back).unwrap();
    check();
}

#[test]
fn the_lines_of_each_section_add_up_to_the_whole() {
    let folder = folder(&random(2, 600));
    let report = in_json(folder.path(), &["--by", "team,org"]);
    let rows = report["rows"].as_array().unwrap();
    let whole = rows.iter().find(|row| row["section"] == "whole").unwrap();
    let mut sections: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row["section"] != "whole") {
        sections.entry(format!("{} of {}", row["section"], row["key"])).or_default().push(row);
    }
    assert_eq!(sections.len(), 6);
    for (section, rows) in sections {
        for name in ["cost", "calls", "errors", "tokensIn", "tokensOut"] {
            let sum = |name: &str| rows.iter().filter_map(|row| row[name].as_f64()).sum::<f64>();
            assert_eq!(Some(sum(name)), whole[name].as_f64(), "{name} of {section}");
            if !section.contains("day") {
                let name = format!("{name}Before");
                assert_eq!(Some(sum(&name)), whole[&name].as_f64(), "{name} of {section}");
            }
        }
    }
}

/// Two models of two teams in two months, and a call without a price.
fn few() -> Vec<Call> {
    vec![
        Call::new("2020-01-31T23:59:59.999Z", "small", "search", 1.0),
        Call::new("2020-01-10T12:00:00Z", "gone", "search", 2.0),
        Call::new("2020-02-01T00:00:00Z", "small", "search", 0.75),
        Call { success: Some(false), ..Call::new("2020-02-29T23:59:59.999Z", "large", "billing", 1234.5) },
        Call { team: None, ..Call::new("2020-02-10T12:00:00Z", "large", "", 0.004) },
        Call { cost: None, ..Call::new("2020-02-10T12:00:00Z", "free", "billing", 0.0) },
        Call { cost: Some(9.0), ..Call::new("2020-03-01T00:00:00Z", "large", "billing", 9.0) },
    ]
}

/// The ledger of a gateway that has counted these hours, from the beginning of January on.
fn prove(folder: &Path, hours: &[(u32, &str)]) {
    let mut file = open(folder);
    let file = file.transaction().unwrap();
    let line = "INSERT INTO aig_ledger VALUES (?1, 'g', ?2, ?3, 1, 1, ?4, '2020-03-02T00:00:00.000Z')";
    let (first, end) = ("2020-01-01T00:00:00.000Z", "2020-03-01T00:00:00.000Z");
    file.execute(line, rusqlite::params!["forward", first, end, None::<&str>]).unwrap();
    let start = aig_logs::time::parse(first).unwrap();
    let mut at = start;
    for (count, verdict) in hours {
        for _ in 0..*count {
            let text = aig_logs::time::text(at);
            file.execute(line, rusqlite::params!["hour", text, "", verdict]).unwrap();
            at += chrono::TimeDelta::hours(1);
        }
    }
    file.commit().unwrap();
}

#[test]
fn a_person_gets_tables() {
    let folder = folder(&few());
    prove(folder.path(), &[(31 * 24, "proven"), (29 * 24 - 1, "proven"), (1, "over")]);
    assert_eq!(run(folder.path(), &["--by", "team"]), include_str!("table.txt"));
}

#[test]
fn who_pays_is_told_what_is_not_proven() {
    let folder = folder(&few());
    let check = |words: &str| {
        let told = run(folder.path(), &[]);
        assert!(told.contains(words), "{words} is not in: {told}");
    };
    check("2020-02 is not proven complete: no hour is counted at the source.");
    prove(folder.path(), &[(31 * 24 - 3, "proven"), (3, "unprovable"), (24, "proven"), (2, "short"), (3, "counting")]);
    check("2020-02 is not proven complete: 24 of 696 hours are, 2 lack logs, 3 are being counted, 667 are unknown.");
    check("2020-01 is not proven complete: 741 of 744 hours are, 3 are unknown.");
}

#[test]
fn a_table_has_at_most_80_columns_whatever_it_tells() {
    let long = ["漢".repeat(70), "x".repeat(200), "a\tb\nc\u{1b}[31m\u{202e}".repeat(20), "<script>".into()];
    let huge = |at: &str, name: &String| Call {
        cost: Some(987_654_321.125),
        tokens_in: Some(9_000_000_000_000),
        tokens_out: Some(9_000_000_000_000),
        ..Call::new(at, name, name, 0.0)
    };
    let calls = long.iter().flat_map(|name| [huge("2020-02-02", name), huge("2020-01-02", name)]);
    let calls: Vec<_> =
        calls.chain((0..60).map(|n| Call::new("2020-02-03", &format!("m{n}"), &format!("t{n}"), 0.5))).collect();
    let folder = folder(&calls);
    let long_key = "k".repeat(100);
    let told = run(folder.path(), &["--by", &format!("team,{long_key}"), "--org", "acme"]);
    let mut terminal = command(folder.path());
    terminal.args(FEBRUARY).args(["--by", &format!("team,{long_key}"), "--org", "acme"]).env("TERM", "xterm-256color");
    let shown = Terminal::of(&mut terminal);
    assert!(terminal.status().unwrap().success());
    drop(terminal);
    assert_eq!(shown.text().replace("\r\n", "\n"), told);
    for line in told.lines() {
        let width = line.chars().map(|letter| if letter > '\u{2fff}' { 2 } else { 1 }).sum::<usize>();
        assert!(width <= 80, "{width}: {line}");
        assert!(!line.contains(['\u{1b}', '\u{202e}', '\t']), "{line}");
    }
    // 64 models are 19 and others.
    assert!(
        told.contains("xxx…") && told.contains("漢…") && told.contains("<script>") && told.contains("(other)"),
        "{told}"
    );
    assert_eq!(told.lines().filter(|line| line.starts_with(" (other)") && line.contains(" 45 ")).count(), 4, "{told}");
}

#[test]
fn a_spreadsheet_takes_no_value_for_a_formula() {
    let names = ["=1+1", "+1", "@SUM(A1)", "-2+3", "a,\"b\"\nc", "é漢", "(other)"];
    let calls: Vec<_> = names.iter().map(|name| Call::new("2020-02-02", name, name, 0.5)).collect();
    let folder = folder(&calls);
    let csv = run(folder.path(), &["--by", "team", "--format", "csv"]);
    assert!(csv.starts_with("section,key,value,model,day,cost,costIs,calls,errors,"), "{csv}");
    assert!(csv.contains("\r\nwhole,,,,,3.5,exact,7,0,7000,700,2800,0,0,"), "{csv}");
    for told in ["'=1+1", "'@SUM(A1)", "'-2+3", "\"a,\"\"b\"\"\nc\"", "é漢"] {
        let line = format!("\r\nkey and model,team,{told},{told},,0.5,exact,1,0,1000,100,,,,");
        assert!(csv.contains(&line), "{told} is not in: {csv}");
    }
    // The whole, seven models, seven values, seven of both, and 29 days, below a line of names. One name has a break.
    assert_eq!(csv.trim_end().split("\r\n").count(), 1 + 1 + 7 + 7 + 7 + 29);
}

#[test]
fn a_month_without_logs_says_so() {
    let folder = folder(&few());
    let report = |month: &str, more: &[&str]| {
        let output = command(folder.path()).args(["report", "--month", month]).args(more).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap(), words(&output))
    };
    let (code, told, _) = report("2019-12", &["--by", "team"]);
    assert_eq!((code, told.contains("no logs in 2019-12")), (Some(0), true), "{told}");
    let (code, told, _) = report("2019-12", &["--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["rows"][0]["calls"], &told["rows"][0]["costBefore"]), (Some(0), &json!(0), &Value::Null));
    // Nothing is left of what the month before had.
    let (_, told, _) = report("2020-04", &[]);
    assert!(told.contains("no logs in 2020-04") && told.contains("Compared with 2020-03."), "{told}");
    let check = |month: &str, more: &[&str], hint: &str| {
        let (code, told, words) = report(month, more);
        assert_eq!((code, told.as_str(), words.contains(hint)), (Some(2), "", true), "{words}");
    };
    check("2199-12", &[], "2199-12 has not begun. Give an earlier month");
    check("November", &[], "give a month such as 2026-11, or this, or last");
    check("2020-02", &["--by", "model"], "Leave model out of --by");
    check("2020-02", &["--db", "other.sqlite"], "no such file");
    check("2020-02", &["--json", "--format", "csv"], "--format");
    check("2020-02", &["--dry-run"], "do not use --state, --dry-run");
}

#[test]
fn a_file_gets_the_whole_report_or_nothing() {
    let folder = folder(&few());
    let path = folder.path().join("report.csv");
    fs::write(&path, "old").unwrap();
    assert_eq!(run(folder.path(), &["--output", "report.csv"]), "");
    // The name says how it looks.
    assert_eq!(fs::read_to_string(&path).unwrap().trim_end(), run(folder.path(), &["--format", "csv"]).trim_end());
    let refused = command(folder.path()).args(FEBRUARY).args(["--output", "no/such/report.csv"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(words(&refused).contains("writing no/such/report.csv: "), "{}", words(&refused));
}
