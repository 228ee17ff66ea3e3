//! What the TypeScript program did wrong, by symptom. Most have their test among the other stories:
//!
//! | defect | its test |
//! |---|---|
//! | id marked before the insert | `an_id_is_not_kept_as_written_before_its_row_is`, below |
//! | `insertErrors` ignored | `memory::a_row_that_is_refused_becomes_a_dead_letter_and_the_pass_goes_on` |
//! | one bad row loses the batch | `bigquery::held_back_rows_and_a_refused_one_are_told_apart` |
//! | zeros become null | `rows::zero_stays_zero_and_null_stays_null` |
//! | metadata dropped | `metadata_arrives_as_text_or_as_an_object`, below |
//! | backfill stuck on a batch of duplicates | `a_backfill_goes_on_behind_rows_that_are_known`, below |
//! | backfill starting over after its end | `backfill::at_the_first_entry_a_backfill_is_done_for_good` |
//! | forward pinned by known ids | `a_page_of_known_entries_keeps_no_new_one_waiting`, below |
//! | late entry never seen | `an_entry_that_appears_behind_the_cursor_is_there_within_the_hour`, below |
//! | one KV operation per row | `counted::a_thousand_new_entries_cost_21_pages_two_inserts_and_two_writes` |
//! | failure hidden inside `waitUntil` | `worker::failures`: a tick that fails shows as failed |

use aig_logs::simulator::faults::{Endpoint, Fault, Refusal, When};
use chrono::TimeDelta;
use serde_json::json;

use super::verify::minutes;
use crate::world::{DAY, HOUR, MINUTE, SECOND, World};

#[test]
fn an_id_is_not_kept_as_written_before_its_row_is() {
    let mut world = World::new();
    world.add_many(60, MINUTE * 9, MINUTE);
    world.fault(Endpoint::Insert, When::Always, Fault::Refuse(Refusal::Status(503)));
    world.forward();
    assert_eq!((world.rows().len(), world.ids.keys().len(), world.state.value("forward")), (0, 0, None));
    world.end_faults();
    assert!(world.forward().is_complete());
    world.assert_once();
}

#[test]
fn metadata_arrives_as_text_or_as_an_object() {
    let mut world = World::new();
    let metadata = json!({ "team": "search", "user": 7 });
    for given in [metadata.clone(), metadata.to_string().into()] {
        let id = world.add_with(MINUTE * 2, json!({ "metadata": given }));
        world.forward();
        assert_eq!(world.row(&id)["metadata"], metadata);
        world.pass_time(MINUTE);
    }
}

#[test]
fn a_backfill_goes_on_behind_rows_that_are_known() {
    let mut world = World::new();
    world.forward();
    let before = world.state.value("oldest").unwrap();
    world.add_many(120, DAY * 2, HOUR);
    assert!(world.backfill().is_complete());
    let older = world.add_many(60, DAY * 9, DAY * 8);
    // The cursor is where it was: the first pages show nothing but what is in the table.
    world.state.set("oldest", &before);
    world.config.backfill_pages = Some(1);
    let passes = (1..10).find(|_| world.backfill().is_complete());
    assert!(passes.is_some_and(|passes| passes <= 6), "{passes:?}");
    assert!(older.iter().all(|id| world.copies(id) == 1));
}

#[test]
fn a_page_of_known_entries_keeps_no_new_one_waiting() {
    let mut world = World::new();
    (0..120).for_each(|_| _ = world.add(MINUTE));
    world.forward();
    world.config.forward_pages = Some(1);
    // They follow in the next millisecond, behind more than two pages of what the cursor's own instant shows again.
    (0..5).for_each(|_| _ = world.add(MINUTE - TimeDelta::milliseconds(1)));
    world.pass_time(MINUTE);
    assert!((0..3).any(|_| world.forward().is_complete()));
    world.assert_once();
}

#[test]
fn an_entry_that_appears_behind_the_cursor_is_there_within_the_hour() {
    let mut world = World::new();
    minutes(&mut world, 5);
    let late = world.add_late(MINUTE * 20);
    world.pass_time(SECOND);
    world.add(TimeDelta::zero());
    minutes(&mut world, 19);
    assert_eq!((world.rows().len(), world.copies(&late)), (1, 0));
    // It appears behind the newest entry, at which forward stands.
    minutes(&mut world, 61);
    assert_eq!(world.copies(&late), 1);
    world.assert_once();
}
