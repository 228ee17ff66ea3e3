//! The built Worker in the Workers runtime, against the simulator over real HTTP: few tests, to prove the wiring.

mod copies;
mod d1;
mod events;
mod failures;
mod log;
mod output;
mod runtime;
mod sign_in;

use std::collections::BTreeMap;

use aig_logs::{host::native::now, time};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    cli::World,
    world::expected::{Plain, expected, of_sink},
};

/// The crons of `wrangler.toml`.
const FORWARD: &str = "*/1 * * * *";
const BACKFILL: &str = "0 * * * *";

/// A world for the Worker; none where the Worker is left out on purpose.
fn world(arguments: &[&str]) -> Option<World> {
    runtime::built(runtime::WORKER).map(|_| World::start(arguments))
}

/// Adds entries to the gateway, the last of them now, the others so far apart.
fn add(world: &World, count: i32, apart: TimeDelta) {
    let now = now();
    let entry = |n: i32| {
        let created_at = time::text(now - apart * (count - n));
        json!({
            "id": format!("added {n} at {created_at}"), "created_at": created_at, "provider": "openai", "success": true,
            "tokens_in": n, "cost": 0.000_123, "metadata": r#"{"team":"search"}"#,
        })
    };
    let lines: String = (1..=count).map(|n| entry(n).to_string() + "\n").collect();
    world.tell("POST", "/simulator/entries?gateway=main", &lines);
}

/// Every entry is in the table, value by value, once.
#[track_caller]
fn assert_copied_once(world: &World) {
    assert_eq!(world.landed().len(), world.entries().len());
    assert_copied(world);
}

/// Every entry is in the table, value by value, at least once.
#[track_caller]
fn assert_copied(world: &World) {
    let entries = world.entries().into_iter().map(|(id, entry)| (id, expected(&Value::from(entry), "main")));
    let entries: BTreeMap<_, _> = entries.collect();
    let rows = rows(world);
    assert!(!entries.is_empty() && entries.keys().eq(rows.keys()), "{} entries, {} rows", entries.len(), rows.len());
    for (id, entry) in entries {
        assert_eq!(rows[&id], entry, "{id}");
    }
}

/// The rows of the table by id.
fn rows(world: &World) -> BTreeMap<String, Plain> {
    let rows = world.landed().into_iter().map(|row| of_sink(&Value::from(row)));
    rows.map(|row| (row["id"].as_str().unwrap().to_owned(), row)).collect()
}
