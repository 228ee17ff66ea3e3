//! Answers of BigQuery and of Google's sign-in that were seen in the wild, and what becomes of the rows.

use std::{cell::Cell, collections::BTreeSet, fs};

use aig_logs::wire::Response;
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Instead, MINUTE, World};

/// What is right where one of the answers is given.
#[derive(Clone, Copy)]
enum Right {
    /// Everything is sent again, and if the answer stays, the next pass goes on.
    Again,
    /// A person must act, by these words. The cursor stays.
    Person(&'static str),
    /// These rows, by their place, become dead letters with these words. All others are delivered.
    Dead(&'static [usize], &'static str),
    /// Fewer rows are sent at once, and one that is refused alone is a dead letter.
    Halved,
}

/// Each answer, the rows of the insert that it is given to, and what is right.
const CASES: [(&str, usize, Right); 10] = [
    (
        "api_not_enabled",
        4,
        Right::Person("`gcloud services enable bigquery.googleapis.com --project simulated-project`"),
    ),
    ("free_tier", 4, Right::Person("billing")),
    ("html_400_malformed", 4, Right::Halved),
    ("internal_reason_under_400", 4, Right::Again),
    ("invalid_named_others_unnamed", 4, Right::Dead(&[2], "invalid in tokens_in: Cannot convert")),
    ("quota_without_errors_list", 4, Right::Again),
    ("row_too_large_every_row", 2, Right::Dead(&[0, 1], "Maximum allowed row size exceeded")),
    ("timeout_all_rows", 4, Right::Again),
    ("timeout_some_rows", 4, Right::Again),
    ("token_internal_failure", 4, Right::Again),
];

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/insert_answers");

/// Entries that make one batch of `rows`, and a smaller one behind it. Their ids, in order.
fn world(rows: usize) -> (World, Vec<String>) {
    let mut world = World::new();
    world.batch = Some(rows);
    let ids = world.add_many(i32::try_from(rows).unwrap() + 1, MINUTE * 9, MINUTE);
    (world, ids)
}

/// A recorded answer.
fn answer(name: &str) -> Response {
    let recorded: Value = serde_json::from_str(&fs::read_to_string(format!("{FOLDER}/{name}.json")).unwrap()).unwrap();
    let body = recorded["body"].as_str().map_or_else(|| recorded["body"].to_string(), str::to_owned);
    let status = u16::try_from(recorded["status"].as_u64().unwrap()).unwrap();
    let mut response = Response::new(body.into_bytes());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// Gives a recorded answer to so many of the requests that it is for, where they have at least some rows.
fn given(name: &str, times: u32, least: usize) -> Instead {
    let response = answer(name);
    let place = if name.starts_with("token_") { "/token" } else { "/aig_logs_raw/insertAll" };
    let left = Cell::new(times);
    Box::new(move |request| {
        let rows = String::from_utf8_lossy(request.body()).matches("\"insertId\"").count();
        let is_it = left.get() > 0 && request.uri().path().ends_with(place) && (place == "/token" || rows >= least);
        is_it.then(|| {
            left.set(left.get() - 1);
            response.clone()
        })
    })
}

/// The reasons of all dead letters.
fn reasons(world: &World) -> Vec<String> {
    let keys = world.state.keys().into_iter().filter(|key| key.starts_with("dead:"));
    let letters = keys.flat_map(|key| world.stored(&key)["rows"].as_array().unwrap().clone());
    letters.map(|letter| letter["reason"].as_str().unwrap().to_owned()).collect()
}

/// Nothing is remembered, nothing is thrown away, and the next pass delivers everything once.
fn assert_left_to_the_next_pass(mut world: World, name: &str) {
    assert_eq!((world.rows().len(), world.dead_letters().len()), (0, 0), "{name}");
    assert_eq!((world.state.value("forward"), world.ids.keys().len()), (None, 0), "{name}");
    world.instead = None;
    assert!(world.forward().is_complete(), "{name}");
    assert_eq!(world.dead_letters().len(), 0, "{name}");
    world.assert_once();
}

fn assert_is_sent_again(name: &str, rows: usize) {
    let (mut world, _) = self::world(rows);
    world.instead = Some(given(name, 1, rows));
    let began = world.now();
    assert!(world.forward().is_complete(), "{name}");
    assert!(world.now() - began > chrono::TimeDelta::milliseconds(500), "{name}: no pause");
    assert_eq!(world.dead_letters().len(), 0, "{name}");
    world.assert_once();

    let (mut world, _) = self::world(rows);
    world.instead = Some(given(name, u32::MAX, rows));
    let report = world.forward();
    let error = report.worst().expect(name);
    assert!(error.is_transient(), "{name}: {}", error.chain());
    assert!(report.calls < 10, "{name}: {} calls", report.calls);
    assert_left_to_the_next_pass(world, name);
}

fn assert_a_person_acts(name: &str, rows: usize, words: &str) {
    let (mut world, _) = self::world(rows);
    world.instead = Some(given(name, u32::MAX, rows));
    let report = world.forward();
    let error = report.worst().expect(name);
    assert!(!error.is_transient() && error.chain().contains(words), "{name}: {}", error.chain());
    assert_left_to_the_next_pass(world, name);
}

fn assert_dead_letters(name: &str, rows: usize, dead: &[usize], words: &str) {
    let (mut world, ids) = self::world(rows);
    world.instead = Some(given(name, 1, rows));
    let report = world.forward();
    assert!(report.is_complete(), "{name}");
    assert_eq!(world.dead_letters(), dead.iter().map(|index| ids[*index].clone()).collect(), "{name}");
    assert!(reasons(&world).iter().all(|reason| reason.contains(words)), "{name}: {:?}", reasons(&world));
    assert_eq!(report.sum(|gateway| gateway.rows), world.rows().len() as u64, "{name}: rows as reported and as landed");
    assert_eq!(world.rows().len(), ids.len() - dead.len(), "{name}");
    world.assert_once();
}

fn assert_is_halved(name: &str, rows: usize) {
    let (mut world, _) = self::world(rows);
    world.instead = Some(given(name, u32::MAX, 2));
    assert!(world.forward().is_complete(), "{name}");
    assert_eq!(world.dead_letters().len(), 0, "{name}");
    world.assert_once();

    let (mut world, ids) = self::world(rows);
    world.instead = Some(given(name, u32::MAX, 1));
    assert!(world.forward().is_complete(), "{name}");
    assert_eq!(world.dead_letters(), ids.into_iter().collect(), "{name}");
    assert!(reasons(&world).iter().all(|reason| reason.contains("400 Bad Request")), "{name}: {:?}", reasons(&world));
}

#[test]
fn every_recorded_answer_has_its_consequence() {
    for (name, rows, right) in CASES {
        match right {
            Right::Again => assert_is_sent_again(name, rows),
            Right::Person(words) => assert_a_person_acts(name, rows, words),
            Right::Dead(dead, words) => assert_dead_letters(name, rows, dead, words),
            Right::Halved => assert_is_halved(name, rows),
        }
    }
    let names = fs::read_dir(FOLDER).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let expected: BTreeSet<_> = CASES.iter().map(|(name, ..)| format!("{name}.json")).collect();
    assert_eq!(names.collect::<BTreeSet<_>>(), expected);
}

/// Gives an answer to every insert that has one of some texts in it.
fn given_for(response: Response, texts: Vec<String>) -> Instead {
    Box::new(move |request| {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let is_it = request.uri().path().ends_with("/aig_logs_raw/insertAll");
        (is_it && texts.iter().any(|text| body.contains(text))).then(|| response.clone())
    })
}

/// An answer of a server that is not Google's.
fn foreign() -> Response {
    let mut response = Response::new(b"<html><body>400 Bad Request<hr>nginx</body></html>".to_vec());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

#[test]
fn where_not_one_row_gets_in_it_is_the_address_that_is_wrong() {
    let google = "html_400_malformed";
    for (rows, response) in [(20, answer(google)), (1, foreign()), (2, foreign()), (9, foreign()), (20, foreign())] {
        let mut world = World::new();
        let ids = world.add_many(rows, MINUTE * 9, MINUTE);
        world.instead = Some(given_for(response, vec![String::new()]));
        let report = world.forward();
        let error = report.worst().expect("a person must act");
        let words = if rows == 1 { "refuses the only row" } else { &format!("refuses {} rows, each", rows.min(10)) };
        assert!(!error.is_transient() && error.chain().contains(words), "{}", error.chain());
        assert_eq!((world.letters().len(), world.rows().len()), (0, 0));
        world.instead = None;
        assert!(world.forward().is_complete());
        assert_eq!(world.copies_of(&ids), vec![1; usize::try_from(rows).unwrap()]);
    }
}

#[test]
fn where_other_rows_get_in_it_is_the_row_that_is_wrong_whoever_says_so() {
    for poison in [vec![0], vec![3], vec![0, 1, 2]] {
        let mut world = World::new();
        let ids = world.add_many(4, MINUTE * 9, MINUTE);
        let refused: Vec<_> = poison.iter().map(|index| ids[*index].clone()).collect();
        world.instead = Some(given_for(foreign(), refused.clone()));
        assert!(world.forward().is_complete());
        assert_eq!(world.dead_letters(), refused.into_iter().collect());
        world.assert_once();
    }
}

#[test]
fn one_row_of_each_gateway_that_is_refused_stops_nobody() {
    let mut world = World::of(&["main", "second"]);
    let ids: Vec<_> = ["main", "second"].map(|gateway| world.add_to(gateway, MINUTE, json!({}))).into();
    for id in &ids {
        world.simulator.get_mut().faults_mut().poison(id);
    }
    assert!(world.forward().is_complete());
    assert_eq!(world.dead_letters(), ids.into_iter().collect());
}
