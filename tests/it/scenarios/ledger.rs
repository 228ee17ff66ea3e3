//! What passes leave in `aig_ledger`: what the state says of hours and days, for who reads the database alone.

use std::collections::BTreeMap;

use aig_logs::{
    log::columns::LEDGER,
    state::{FORWARD, Forward},
    time::{self, floor_ms},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::world::{DAY, HOUR, MINUTE, Table, World, table::select};

/// A world that records what its passes do, and writes into a file or into D1.
fn world(table: Table) -> World {
    let mut world = World::new();
    world.config.record_runs = true;
    world.table = table;
    if let Table::D1(_) = world.table {
        world.apply_to_d1();
    }
    world
}

/// A pass of forward each ten minutes, and one of the backfill each hour, while entries arrive.
fn hours(world: &mut World, hours: i32) {
    for ten_minutes in 0..hours * 6 {
        world.pass_time(MINUTE * 10);
        world.add(MINUTE);
        world.forward();
        if ten_minutes % 6 == 0 {
            world.backfill();
        }
    }
}

fn with_file<T>(world: &World, look: impl FnOnce(&Connection) -> T) -> T {
    match &world.table {
        Table::Sqlite(file) => look(file),
        Table::D1(settings) => look(world.simulator.borrow().database(&settings.database).unwrap().connection()),
        Table::BigQuery | Table::Ndjson(_) => panic!("no table that these tests look at"),
    }
}

/// The lines of a grain: start, source, delivered, verdict and the instant since when it is known.
fn lines(world: &World, grain: &str) -> BTreeMap<String, Value> {
    let lines = with_file(world, |file| select(file, LEDGER.name)).into_iter().filter(|line| line["grain"] == grain);
    let of_line = |line: Value| json!([line["source"], line["delivered"], line["verdict"], line["at"]]);
    lines.map(|line| (line["start"].as_str().unwrap().to_owned(), of_line(line))).collect()
}

/// The same, as the state has them.
fn findings(world: &World, is_hour: bool) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for key in world.state.keys() {
        let Some(name) = key.strip_prefix("ledger:main:").filter(|name| (name.len() == 10) == is_hour) else {
            continue;
        };
        let member = if is_hour { "hours" } else { "days" };
        for (part, finding) in world.stored(&key)[member].as_object().unwrap() {
            let start = if is_hour { format!("{name}T{part}:00:00.000Z") } else { format!("{part}T00:00:00.000Z") };
            let at = time::text(floor_ms(time::parse(finding["at"].as_str().unwrap()).unwrap()));
            found.insert(start, json!([finding["source"], finding["delivered"], finding["verdict"], at]));
        }
    }
    found
}

fn complete_through(world: &World) -> Value {
    let forward = Forward::from_json(FORWARD, &world.stored(FORWARD).to_string(), &["main".to_owned()]).unwrap();
    time::text(forward.complete_through().unwrap()).into()
}

#[test]
fn a_database_has_what_the_state_says_of_each_hour_and_day() {
    for table in [Table::sqlite(), Table::d1()] {
        let mut world = world(table);
        world.add_many(200, DAY * 3, HOUR);
        hours(&mut world, 30);
        let (of_hours, of_days) = (findings(&world, true), findings(&world, false));
        assert!(of_hours.len() > 24 && of_days.len() > 1, "{of_hours:?} {of_days:?}");
        assert_eq!(lines(&world, "hour"), of_hours);
        assert_eq!(lines(&world, "day"), of_days);
        let forward = with_file(&world, |file| select(file, LEDGER.name));
        let forward: Vec<_> = forward.into_iter().filter(|line| line["grain"] == "forward").collect();
        let [line] = &forward[..] else { panic!("{forward:?}") };
        assert_eq!(line["until"], complete_through(&world));
    }
}

#[test]
fn a_gateway_is_told_before_anything_of_it_is_counted_and_its_history_as_far_as_it_is() {
    let mut world = world(Table::sqlite());
    world.add_many(50, DAY * 5, DAY * 3);
    world.forward();
    let spans = |world: &World, grain: &str| -> Vec<Value> {
        let lines =
            with_file(world, |file| select(file, LEDGER.name)).into_iter().filter(|line| line["grain"] == grain);
        lines.map(|line| json!([line["start"], line["until"]])).collect()
    };
    let begun = world.stored(FORWARD)["start"].clone();
    let begun = time::text(time::parse(begun.as_str().unwrap()).unwrap());
    assert_eq!(spans(&world, "forward"), [json!([begun, "1970-01-01T00:00:00.000Z"])]);
    hours(&mut world, 2);
    // The day before forward began is counted when nothing can appear in it any more.
    let head = spans(&world, "backfill");
    assert_eq!(head[0][1], "1970-01-01T00:00:00.000Z", "{head:?}");
    assert!(head[0][0].as_str().unwrap() < begun.as_str());
    hours(&mut world, 30);
    let counted = spans(&world, "backfill");
    assert!(counted.contains(&json!([begun, "1970-01-01T00:00:00.000Z"])), "{counted:?}");
}

#[test]
fn an_hour_that_is_found_short_takes_back_up_to_when_all_is_delivered() {
    let mut world = world(Table::sqlite());
    hours(&mut world, 3);
    let before = complete_through(&world);
    // It appears after the second count of its slot, and the third one finds it a day later.
    let now = world.now();
    world.add_at("main", now - MINUTE * 95, now + MINUTE, json!({}));
    hours(&mut world, 26);
    assert!(before.as_str().unwrap() < complete_through(&world).as_str().unwrap());
    assert_eq!(lines(&world, "hour"), findings(&world, true));
    assert!(lines(&world, "hour").values().all(|line| line[2] == "proven"));
}

#[test]
fn a_line_that_was_lost_comes_back_and_a_quiet_hour_writes_none() {
    let mut world = world(Table::sqlite());
    hours(&mut world, 5);
    let before = lines(&world, "hour");
    with_file(&world, |file| file.execute("DELETE FROM aig_ledger WHERE grain = 'hour'", []).unwrap());
    hours(&mut world, 1);
    let after = lines(&world, "hour");
    assert!(before.iter().all(|(hour, line)| after.get(hour) == Some(line)), "{before:?} {after:?}");

    world.config.record_runs = false;
    hours(&mut world, 2);
    assert_eq!(lines(&world, "hour"), after, "RECORD_RUNS is false");
}
