//! Any question over any history of rows that come late, come again and go: what is counted once and the rows of open hours
//! together answer as the plain loops do over the rows that are there.

use std::cell::Cell;

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use serde_json::Value;

use super::{
    answers::row,
    asked::{by_user, middle, of_keys, of_users, question},
    counted::{History, Step},
    loops, rows,
};
use crate::{events::world::World, properties::number};

/// Histories, each with a question of every kind, where nothing else is asked for.
const HISTORIES: u64 = 10_000;

/// Tests among which they are shared, so that they run side by side.
const SHARES: u64 = 4;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop::collection::vec(row(middle()), 1..30).prop_map(Step::Come),
        1 => (0..40_usize).prop_map(Step::Again),
        1 => (0..3_usize).prop_map(Step::Go),
        1 => (0..3_usize).prop_map(Step::Change),
        3 => (select(vec![1, 7, 1_000]), select(vec![1, 3, 760])).prop_map(|(most, days)| Step::Count(most, days)),
        2 => (1..2_000_i64).prop_map(Step::Pass),
    ]
}

fn answer_as_plain_loops() {
    let cases = number("AIG_LOGS_HISTORIES").unwrap_or(HISTORIES).div_ceil(SHARES);
    let cases = u32::try_from(cases).expect("so many histories take years");
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let history = (prop::collection::vec(step(), 1..12), question(), of_keys(), by_user(), of_users());
    // A share lives in two worlds, one after the other: SQLite reads a statement once.
    let (counted, plain) = (Cell::new(None::<World>), Cell::new(None::<World>));
    let anew = |last: &Cell<Option<World>>| last.take().map_or_else(World::new, World::anew);
    let lived = TestRunner::new(config).run(&history, |(steps, question, of_keys, by_user, (path, of_users))| {
        let mut history = History::of(anew(&counted));
        for step in steps {
            history.act(step);
        }
        let there: Vec<_> = history.there.values().cloned().collect();
        for (question, instants) in [question, of_keys, by_user] {
            let answer = history.ask("/query", &question);
            let expected = loops::answer(&there, &question, instants);
            prop_assert!(loops::agree(&answer, &expected), "{question}\n{answer:#}\n{}", Value::from(expected));
        }
        // Nothing is counted there.
        let raw = anew(&plain);
        rows::write(&raw.host.memory.connection, &there);
        let answer = history.ask(path, &of_users);
        prop_assert_eq!(&answer["rows"], &rows::ask(&raw, path, &of_users), "{} {}", path, of_users);
        counted.set(Some(history.world));
        plain.set(Some(raw));
        Ok(())
    });
    if let Err(failure) = lived {
        panic!("{failure}");
    }
}

#[test]
fn the_first_share_of_histories_answers_as_plain_loops() {
    answer_as_plain_loops();
}

#[test]
fn the_second_share_of_histories_answers_as_plain_loops() {
    answer_as_plain_loops();
}

#[test]
fn the_third_share_of_histories_answers_as_plain_loops() {
    answer_as_plain_loops();
}

#[test]
fn the_fourth_share_of_histories_answers_as_plain_loops() {
    answer_as_plain_loops();
}
