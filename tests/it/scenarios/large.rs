//! Answers that are larger than what is read of one.

use aig_logs::{config::Gateways, time};
use chrono::TimeDelta;
use serde_json::json;

use super::verify::minutes;
use crate::world::{HOUR, MINUTE, SECOND, World};

/// Bytes of metadata with which three logs fill an answer of [`LARGEST`].
const MUCH: usize = 3_000;
const LARGEST: usize = 10_000;

fn world() -> World {
    let mut world = World::new();
    world.largest = Some(LARGEST);
    world
}

fn much(bytes: usize) -> serde_json::Value {
    json!({ "metadata": json!({ "text": "x".repeat(bytes) }).to_string() })
}

#[test]
fn a_page_that_is_too_large_is_asked_for_again_with_fewer_entries() {
    let mut world = world();
    for n in 0..60 {
        world.add_with(HOUR - SECOND * n, much(MUCH));
    }
    for n in 0..60 {
        world.add(MINUTE * 20 - SECOND * n);
    }
    assert!(world.forward().is_complete());
    let report = world.backfill();
    assert!(report.is_complete(), "{}", report.to_json());
    world.assert_once();
    assert_eq!(world.letters().len(), 0);
    // Two large ones a page, one of which is shown again, and now and then a try with more; then ever more small ones.
    assert!(report.calls < 60 + 60 / 4 + 30, "{}", report.to_json());
}

#[test]
fn with_a_budget_of_one_page_a_pass_it_still_goes_on() {
    let mut world = world();
    let ids: Vec<_> = (0..12).map(|n| world.add_with(MINUTE * 8 - SECOND * n, much(MUCH))).collect();
    world.config.forward_pages = Some(1);
    for _ in 0..14 {
        world.forward();
    }
    assert_eq!(world.copies_of(&ids), vec![1; 12]);
}

#[test]
fn a_log_that_alone_is_too_large_is_a_dead_letter_and_the_others_are_delivered() {
    for place in [0, 3, 6] {
        for ties in [false, true] {
            let mut world = world();
            for n in 0..7 {
                let ago = if ties { MINUTE * 8 } else { MINUTE * 8 - SECOND * n };
                let fields = if n == place { much(LARGEST + 1) } else { json!({}) };
                world.add_with(ago, fields);
            }
            let report = world.forward();
            assert!(report.is_complete(), "{place} {ties} {}", report.to_json());
            let letters = world.letters();
            assert_eq!((world.rows().len(), letters.len()), (6, 1), "{place} {ties}");
            let reason = letters[0]["reason"].as_str().unwrap();
            assert!(reason.starts_with("This log alone is larger than 10000 bytes"), "{reason}");
            world.pass_time(MINUTE);
            assert!(world.forward().is_complete());
            assert_eq!((world.rows().len(), world.letters().len()), (6, 1), "{place} {ties}");
        }
    }
}

#[test]
fn where_its_beginning_tells_no_place_it_is_passed_over_by_the_order_of_the_page() {
    for place in [0, 3, 6] {
        let mut world = world();
        for n in 0..7 {
            let id = world.add(MINUTE * 8 - SECOND * n);
            if n == place {
                // Neither id nor instant are among what is read of it.
                let created_at = time::text(world.now());
                let text = format!(r#"{{"path":"{}","id":"{id}","created_at":"{created_at}"}}"#, "x".repeat(LARGEST));
                world.show_as("main", &id, text.into_bytes(), false);
            }
        }
        for _ in 0..3 {
            let report = world.forward();
            assert!(report.is_complete(), "{place} {}", report.to_json());
            assert_eq!((world.rows().len(), world.letters().len()), (6, 1), "{place}");
            world.pass_time(MINUTE);
        }
    }
}

#[test]
fn where_a_stretch_begins_or_ends_with_a_large_one_it_is_still_counted() {
    for (places, verdict) in [(vec![0], "proven"), (vec![1, 4], "proven"), (vec![0, 4], "unprovable")] {
        let mut world = world();
        minutes(&mut world, 1);
        for n in 0..5 {
            world.pass_time(SECOND);
            world.add_with(TimeDelta::zero(), if places.contains(&n) { much(LARGEST + 1) } else { json!({}) });
        }
        for _ in 0..160 {
            world.pass_time(MINUTE * 10);
            let report = world.forward();
            assert!(report.is_complete(), "{places:?} {}", report.to_json());
        }
        assert_eq!((world.rows().len(), world.letters().len()), (5 - places.len(), places.len()), "{places:?}");
        let hour = &world.stored("ledger:main:2026-11-02")["hours"]["12"];
        assert_eq!((&hour["delivered"], &hour["verdict"]), (&json!(5), &json!(verdict)), "{places:?}");
    }
}

#[test]
fn other_answers_that_are_too_large_are_failures_that_may_pass() {
    let mut world = world();
    world.config.source.gateways = Gateways::All;
    world.largest = Some(10);
    let report = world.forward();
    assert!(report.worst().is_some_and(aig_logs::error::Error::is_transient), "{}", report.to_json());
}
