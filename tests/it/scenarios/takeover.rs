//! State that others wrote: the TypeScript program, a newer version, an operator.

use aig_logs::time;
use serde_json::{Value, json};

use crate::world::{DAY, HOUR, MINUTE, World};

#[test]
fn the_typescript_programs_cursor_is_taken_over_and_stays_readable_for_it() {
    let mut world = World::new();
    let done = world.add(HOUR * 2);
    let tied = world.add(HOUR * 2);
    let ts = time::text(world.now() - HOUR * 2);
    world.add_many(60, HOUR, MINUTE);
    world.state.set("forward", &json!({ "ts": ts, "id": done }).to_string());
    assert!(world.forward().is_complete());
    assert_eq!((world.copies(&done), world.copies(&tied), world.rows().len()), (0, 1, 1 + 60));

    let stored = world.stored("forward");
    let last = world.simulator.borrow().gateway("main").unwrap().entries(world.now()).last().unwrap();
    assert_eq!((&stored["ts"], &stored["id"]), (&last["created_at"], &last["id"]));
}

#[test]
fn the_typescript_programs_bare_oldest_goes_on_in_any_spelling() {
    for quotes in ["", "\"", " "] {
        let mut world = World::new();
        let [newer, tied, older] = [DAY, DAY * 2, DAY * 3].map(|ago| world.add(ago));
        let oldest = time::text(world.now() - DAY * 2);
        world.state.set("forward", &json!({ "ts": time::text(world.now() - MINUTE), "id": "a" }).to_string());
        world.state.set("oldest", &format!("{quotes}{oldest}{quotes}"));
        assert!(world.backfill().is_complete());
        // The old program skipped what shared its instant, so that is read again.
        assert_eq!([newer, tied, older].map(|id| world.copies(&id)), [0, 1, 1]);
        assert!(world.stored("oldest")["done"].is_object());
    }
}

#[test]
fn after_a_takeover_forward_and_backfill_leave_no_gap() {
    let mut world = World::new();
    let ids = world.add_many(300, DAY * 5, HOUR);
    let [oldest, newest] = [100, 200].map(|n| entry(&world, &ids[n]));
    world.state.set("oldest", oldest["created_at"].as_str().unwrap());
    let forward = json!({ "ts": newest["created_at"], "id": newest["id"] });
    world.state.set("forward", &forward.to_string());
    world.forward();
    world.backfill();
    let copies = world.copies_of(&ids);
    assert!(copies[..=100].iter().all(|copies| *copies == 1));
    assert!(copies[101..=200].iter().all(|copies| *copies == 0));
    assert!(copies[201..].iter().all(|copies| *copies == 1));
}

#[test]
fn without_forward_but_with_oldest_nothing_between_them_is_skipped() {
    let mut world = World::new();
    world.add_many(60, DAY * 2, MINUTE);
    world.state.set("oldest", &time::text(world.now() - DAY));
    world.forward();
    world.backfill();
    world.assert_complete();
}

#[test]
fn without_its_cursor_forward_begins_where_it_once_began() {
    let mut world = World::new();
    let ids = world.add_many(120, DAY * 2, HOUR);
    world.forward();
    world.config.backfill_pages = Some(1);
    world.backfill();
    world.state.remove("forward");
    world.forward();
    world.config.backfill_pages = None;
    world.backfill();
    assert_eq!(world.copies_of(&ids), [1; 120]);
}

#[test]
fn a_value_of_another_version_is_an_error_and_stays_as_it_is() {
    for (key, value) in [
        ("forward", json!({ "v": 2, "ts": "2026-11-01T00:00:00Z" }).to_string()),
        ("forward", "{".to_owned()),
        ("forward", "[]".to_owned()),
        ("forward", json!({ "v": 1 }).to_string()),
        ("oldest", json!({ "v": "1", "ts": "2026-11-01T00:00:00Z" }).to_string()),
        ("oldest", "once".to_owned()),
        ("status", json!({ "v": 7 }).to_string()),
    ] {
        let mut world = World::new();
        world.add(MINUTE);
        world.state.set(key, &value);
        for report in [world.forward(), world.backfill()] {
            let error = report.worst().expect("an error");
            assert!(!error.is_transient() && error.chain().contains(key), "{}", error.chain());
        }
        assert_eq!(world.state.value(key).as_deref(), Some(value.as_str()), "{key}");
    }
}

fn entry(world: &World, id: &str) -> Value {
    let simulator = world.simulator.borrow();
    simulator.gateway("main").unwrap().entries(world.now()).find(|entry| entry["id"] == id).unwrap()
}
