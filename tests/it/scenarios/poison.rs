//! Logs in which anything may stand, because callers choose what stands in them. Each is delivered, or kept as a dead letter
//! with its text; and whatever it is, the logs beside it are delivered.

use aig_logs::{
    log::privacy::Privacy,
    pass::dead,
    plan::budget::Budget,
    simulator::faults::{Endpoint, Fault, Refusal, When},
    sink::bigquery::{BigQuerySink, SignIn},
    time,
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::world::{HOUR, MINUTE, SECOND, Table, World, expected::Plain};

/// What becomes of a log.
enum Fate {
    /// A row, in which this column is that value.
    Row(&'static str, Value),
    /// A dead letter, with this in its reason.
    Letter(&'static str),
}

/// Logs as they were seen in real life, with the id and instant that stand in them, and what is right.
fn cases() -> Vec<(&'static str, Vec<u8>, Fate)> {
    let deep: Value = {
        let text = include_str!("../../fixtures/logs/nested-200-deep.txt");
        let from = text.find("\"guardrails\":").unwrap() + "\"guardrails\":".len();
        json!({ "guardrails": text.trim_end()[from..].strip_suffix('}').unwrap() })
    };
    let instant = "must be an instant with a time zone";
    macro_rules! case {
        ($name:literal, $fate:expr) => {
            ($name, include_bytes!(concat!("../../fixtures/logs/", $name, ".txt")).trim_ascii_end().to_vec(), $fate)
        };
    }
    vec![
        case!("half-emoji-in-user-agent", Fate::Row("user_agent", json!("agent \u{fffd}"))),
        case!("low-half-first", Fate::Row("model_type", json!("\u{fffd}\u{fffd} x"))),
        case!("half-emoji-in-metadata-object", Fate::Row("metadata", json!({ "user_id": "caf\u{fffd}" }))),
        case!("half-emoji-in-metadata-text", Fate::Row("metadata", json!({ "user_id": "caf\u{fffd}" }))),
        case!("bad-utf8", Fate::Row("user_agent", json!("caf\u{fffd}"))),
        case!("raw-control-letter", Fate::Row("user_agent", json!("a\u{1}b"))),
        case!("number-beyond-double", Fate::Row("extra", json!({ "score": "1e400" }))),
        case!("nested-200-deep", Fate::Row("extra", deep)),
        case!("metadata-integer-above-2-64", Fate::Row("metadata", json!({ "order": "12345678901234567890123" }))),
        case!("escape-sequence-in-model", Fate::Row("model", json!("\u{1b}]0;title\u{7}gpt"))),
        case!("newline-in-id", Fate::Row("id", json!("JD\n0000000000000000000001"))),
        case!("id-missing", Fate::Letter("It has no id.")),
        case!("id-numeric", Fate::Letter("Its id is 42, but an id is a text.")),
        case!("time-without-zone", Fate::Letter(instant)),
        case!("time-go-zero", Fate::Letter(instant)),
        case!("time-as-number", Fate::Letter(instant)),
    ]
}

/// A world with so many entries a minute apart, of which the one at `place` is shown as `log`, at the instant that stands in it.
fn world_with(log: &[u8], places: &[usize], of: usize, ties: bool) -> World {
    let mut world = World::new();
    for n in 0..of {
        let ago = if ties { HOUR } else { HOUR - MINUTE * i32::try_from(n).unwrap() };
        let id = world.add(ago);
        if places.contains(&n) {
            let created_at = time::text(time::floor_ms(world.now() - ago));
            let own = b"2026-11-20T10:05:02.123";
            let at = log.windows(own.len()).position(|bytes| bytes == own);
            let mut shown = log.to_vec();
            if let Some(at) = at {
                shown.splice(at..at + own.len(), created_at.trim_end_matches('Z').bytes());
            }
            // Several logs of one kind are several logs.
            if let Some(at) = shown.windows(4).position(|bytes| bytes == b"01JD") {
                shown.splice(at..at + 2, format!("{n:02}").bytes());
            }
            shown.splice(0..1, format!("{{\"number\":{n},").bytes());
            assert!(world.simulator.get_mut().gateway_mut("main").unwrap().show_as(&id, shown));
        }
    }
    world
}

/// Brings everything in, by forward passes of the next hours and by backfill.
fn settle(world: &mut World) {
    for _ in 0..3 {
        let (forward, backfill) = (world.forward(), world.backfill());
        assert!(forward.is_complete() && backfill.is_complete(), "{} {}", forward.to_json(), backfill.to_json());
        world.pass_time(MINUTE);
    }
}

/// Whether a row has a value in a column: a text that ends so, or an object that has these members.
fn holds(row: &Plain, column: &str, value: &Value) -> bool {
    match (row.get(column), value) {
        (Some(Value::Object(found)), Value::Object(members)) => {
            members.iter().all(|(name, value)| found.get(name) == Some(value))
        }
        (Some(Value::String(found)), Value::String(text)) => found.ends_with(text),
        (found, value) => found == Some(value),
    }
}

fn check(world: &World, name: &str, fate: &Fate, poisoned: usize, of: usize) {
    let rows = world.rows();
    let letters = world.letters();
    let copies: usize = rows.values().map(Vec::len).sum();
    match fate {
        Fate::Row(column, value) => {
            let found = rows.values().flatten().filter(|row| holds(row, column, value)).count();
            assert_eq!((found, copies, letters.len()), (poisoned, of, 0), "{name}: {rows:?}");
        }
        Fate::Letter(reason) => {
            assert_eq!((copies, letters.len()), (of - poisoned, poisoned), "{name}: {letters:?}");
            for letter in &letters {
                assert!(letter["reason"].as_str().unwrap().contains(reason), "{letter}");
                let text = letter["text"].as_str().unwrap();
                assert!(text.contains("\"gpt-4.1-mini\""), "{text}");
            }
        }
    }
}

#[test]
fn a_poisoned_log_at_every_place_spoils_nothing_and_comes_once() {
    for (name, log, fate) in cases() {
        for place in 0..5 {
            let mut world = world_with(&log, &[place], 5, false);
            settle(&mut world);
            check(&world, name, &fate, 1, 5);
        }
    }
}

#[test]
fn alone_and_among_ties_it_comes_once_too() {
    for (name, log, fate) in cases() {
        for (places, of, ties) in [(&[0][..], 1, false), (&[2], 5, true)] {
            let mut world = world_with(&log, places, of, ties);
            settle(&mut world);
            check(&world, name, &fate, places.len(), of);
        }
    }
}

#[test]
fn pages_of_nothing_else_are_passed_over() {
    let all: Vec<usize> = (0..12).collect();
    for (name, log, fate) in cases() {
        for per_page in [1, 2, 3, 50] {
            for places in [&all[..], &all[..11], &all[1..], &all[3..9]] {
                let mut world = world_with(&log, places, 12, false);
                world.config.source.per_page = per_page;
                settle(&mut world);
                check(&world, name, &fate, places.len(), 12);
            }
        }
    }
}

#[test]
fn forward_passes_over_them_too_one_page_a_pass() {
    for (name, log, fate) in cases() {
        let mut world = World::new();
        world.config.source.per_page = 2;
        assert!(world.forward().is_complete());
        let ids: Vec<_> = (0..6)
            .map(|_| {
                world.pass_time(SECOND);
                world.add(TimeDelta::zero())
            })
            .collect();
        let text = log.iter().map(|byte| if *byte == b'J' { b'K' } else { *byte });
        world.simulator.get_mut().gateway_mut("main").unwrap().show_as(&ids[3], text.collect());
        let has_own_instant = log.windows(4).any(|bytes| bytes == b"123Z");
        if has_own_instant {
            // It would lie outside of what was asked for.
            continue;
        }
        world.pass_time(MINUTE * 2);
        world.budget = Budget { pages: Some(1), ..world.budget };
        world.config.forward_pages = Some(1);
        for _ in 0..12 {
            world.forward();
        }
        assert!(matches!(fate, Fate::Letter(_)), "{name}");
        assert_eq!((world.rows().len(), world.letters().len()), (5, 1), "{name}");
        assert!(world.forward().is_complete());
    }
}

#[test]
fn each_sink_has_what_was_delivered_to_the_letter() {
    for (name, log, fate) in cases() {
        let Fate::Row(column, value) = &fate else { continue };
        let tables = [Table::sqlite(), Table::ndjson()];
        for table in tables {
            let mut world = world_with(&log, &[1], 3, false);
            world.table = table;
            settle(&mut world);
            let rows = world.rows();
            let found = rows.values().flatten().filter(|row| holds(row, column, value)).count();
            assert_eq!((rows.len(), found), (3, 1), "{name} {rows:?}");
        }
    }
}

#[test]
fn what_is_withheld_is_withheld_of_a_dead_letter_too() {
    let log = br#"{"id":42,"metadata":"{\"email\":\"ada@example.com\",\"team\":\"x\"}","model":"gpt-4.1-mini"}"#;
    let broken = br#"{"id":42,"metadata":"{\"email\":\"ada@example.com\"}" 7}"#;
    for log in [&log[..], &broken[..]] {
        let mut world = world_with(log, &[1], 3, false);
        world.config.privacy = Privacy { dropped: ["email".to_owned()].into(), hashed: None };
        settle(&mut world);
        let letters = world.letters();
        assert_eq!(letters.len(), 1);
        assert!(!letters[0].to_string().contains("ada@"), "{letters:?}");
    }
}

#[test]
fn a_replay_makes_a_row_where_one_can_be_made_by_now_and_keeps_the_others() {
    let mut world = world_with(br#"{"id":42,"model":"gpt-4.1-mini"}"#, &[1, 2], 3, false);
    settle(&mut world);
    let key = world.state.keys().into_iter().find(|key| key.starts_with("dead:")).unwrap();
    // As if the program had learned to read what it could not.
    let stored = world.state.value(&key).unwrap();
    let learned = stored.replacen(r#"\"id\":42"#, r#"\"id\":\"b\",\"created_at\":\"2026-11-02T11:00:00Z\""#, 1);
    assert_ne!(learned, stored);
    world.state.set(&key, &learned);
    let sign_in = SignIn::default();
    let sink = BigQuerySink::new(&world, world.config.bigquery.as_ref().unwrap(), &sign_in);
    let replayed = dead::replay(&world.state, &world.config.source, &sink, &key, world.config.ids_ttl)
        .now_or_never()
        .unwrap()
        .unwrap();
    let replayed = replayed.unwrap();
    assert_eq!((replayed.rows, replayed.refused), (1, 1));
    assert_eq!((world.rows().len(), world.letters().len()), (2, 1));
}

#[test]
fn a_log_without_an_instant_is_kept_once_wherever_counts_look_for_it() {
    for per_page in [1, 2, 50] {
        let mut world = World::new();
        world.config.source.per_page = per_page;
        let id = world.add(TimeDelta::zero());
        world.show_as("main", &id, b"[7]".to_vec(), true);
        world.pass_time(MINUTE);
        for n in 0..40 {
            let report = world.forward();
            assert!(report.worst().is_none(), "{}", report.to_json());
            world.backfill();
            assert_eq!(world.letters().len(), 1, "{per_page} {n} {}", report.to_json());
            world.pass_time(MINUTE * 45);
        }
    }
}

#[test]
fn a_log_without_an_instant_stands_for_no_other_that_appears_late() {
    let mut world = World::new();
    let odd = world.add(HOUR * 15);
    world.show_as("main", &odd, b"[7]".to_vec(), true);
    let start = world.now();
    let late = world.add_at("main", start, start + HOUR * 9, json!({}));
    // The backfill begins behind it, on its day, and finds the odd one of the day before.
    world.pass_time(HOUR * 7);
    for _ in 0..6 {
        world.forward();
        world.backfill();
        world.pass_time(HOUR * 13);
    }
    assert_eq!((world.letters().len(), world.copies(&late)), (1, 1));
}

#[test]
fn a_comparison_that_passes_logs_without_an_instant_leaves_forward_nothing_to_keep_again() {
    let mut world = World::new();
    world.forward();
    for hours in [9, 19] {
        let at = world.now() + HOUR * hours;
        let id = world.add_at("main", at, at, json!({}));
        world.show_as("main", &id, format!("[{hours}]").into_bytes(), true);
    }
    world.pass_time(HOUR * 19 + MINUTE * 2);
    for _ in 0..20 {
        world.forward();
        assert_eq!(world.letters().len(), 2);
    }
}

#[test]
fn a_log_that_a_comparison_finds_without_an_instant_stands_for_no_late_one() {
    let mut world = World::new();
    world.forward();
    let start = world.now();
    // Its hour holds nothing else at first: it is found at the hour's begin, and the late one lies in that slot.
    let at = start + MINUTE * 60 + MINUTE * 46;
    let odd = world.add_at("main", at, at, json!({}));
    world.show_as("main", &odd, b"[7]".to_vec(), true);
    let at = start + MINUTE * 63;
    let late = world.add_at("main", at, at + HOUR * 4, json!({}));
    for _ in 0..40 {
        world.pass_time(HOUR);
        world.forward();
    }
    assert_eq!((world.letters().len(), world.copies(&late)), (1, 1));
}

#[test]
fn a_cursor_holds_no_more_than_what_the_next_page_may_show() {
    let mut world = World::new();
    for n in 0..1_000 {
        let id = world.add(MINUTE * 9 - SECOND * n / 5);
        if n % 2 == 0 {
            world.show_as("main", &id, format!("[{n}]").into_bytes(), true);
        }
    }
    // In the midst of them, where the writing is behind the reading.
    world.fault(Endpoint::Insert, When::Among((12..100).collect()), Fault::Refuse(Refusal::Status(503)));
    world.batch = Some(20);
    assert!(world.forward().worst().is_some());
    assert!((100..400).contains(&world.letters().len()));
    let stored = world.stored("forward");
    assert!(stored["at"].as_array().unwrap().len() <= 3, "{stored}");
}
