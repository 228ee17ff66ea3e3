//! `GET /metrics/pipeline`: how complete the logs of each hour are.

use serde_json::{Value, json};

use super::rows::world;
use crate::events::world::{ADMIN, World};

/// A world at noon, in which two gateways have said what they know: `main` from 8 o'clock of the day before on, and its
/// history before; `other` since 10 o'clock.
fn told() -> World {
    let world = world(&[]);
    let lines = [
        ("day", "main", "2026-11-27", Some((50, 50)), "proven"),
        ("day", "main", "2026-11-28", Some((9, 9)), "proven"),
        ("hour", "main", "2026-11-28T08", Some((7, 7)), "proven"),
        ("hour", "main", "2026-11-28T09", Some((5, 6)), "over"),
        ("hour", "main", "2026-11-28T10", None, "unprovable"),
        ("hour", "main", "2026-11-28T12", Some((3, 3)), "proven"),
        ("hour", "main", "2026-11-29T09", Some((1, 1)), "proven"),
        ("hour", "main", "2026-11-29T10", Some((4, 4)), "proven"),
        ("hour", "other", "2026-11-29T10", Some((8, 6)), "short"),
    ];
    let instant = |text: &str| format!("{text}{}", &"T00:00:00.000Z"[text.len() - 10..]);
    for (grain, gateway, start, numbers, verdict) in lines {
        let (source, delivered) = numbers.map_or((None, 2), |(source, delivered)| (Some(source), delivered));
        world
            .host
            .memory
            .connection
            .execute(
                "INSERT INTO aig_ledger VALUES (?1, ?2, ?3, '', ?4, ?5, ?6, '2026-11-29T12:00:00.000Z')",
                rusqlite::params![grain, gateway, instant(start), source, delivered, verdict],
            )
            .unwrap();
    }
    // The later line tells: an hour was found short.
    for (gateway, start, until, at) in [
        ("main", "2026-11-28T08", "2026-11-29T11", "2026-11-29T11"),
        ("other", "2026-11-01T00", "2026-11-29T11", "2026-11-29T11"),
        ("other", "2026-11-29T10", "2026-11-29T10", "2026-11-29T12"),
    ] {
        let [start, until, at] = [start, until, at].map(instant);
        world
            .host
            .memory
            .connection
            .execute(
                "INSERT INTO aig_ledger VALUES ('forward', ?1, ?2, ?3, NULL, NULL, NULL, ?4)",
                [gateway, &start, &until, &at],
            )
            .unwrap();
    }
    for (run, started, verdict, rejected, lag) in [
        ("forward-1795946400000-1", "2026-11-29T10:00:00.000Z", "complete", 0, Some(31_000)),
        ("forward-1795949940000-1", "2026-11-29T10:59:00.000Z", "failed", 2, Some(90_000)),
        ("backfill-1795946400000-1", "2026-11-29T10:00:00.000Z", "complete", 1, None),
        ("forward-1790000000000-1", "2026-09-21T14:13:20.000Z", "complete", 9, Some(1)),
    ] {
        world.host.memory.connection.execute(
            "INSERT INTO aig_runs (run, started, finished, job, verdict, rejected, lag_ms) VALUES (?1, ?2, ?2, 'x', ?3, ?4, ?5)",
            rusqlite::params![run, started, verdict, rejected, lag],
        )
        .unwrap();
    }
    world
}

fn rows(world: &World, key: &str, path: &str) -> Vec<Value> {
    let (status, answer) = world.ask("GET", path, key, "");
    assert_eq!(status, 200, "{answer}");
    answer["rows"].as_array().unwrap().clone()
}

#[test]
fn each_hour_has_the_worst_verdict_of_its_gateways() {
    let world = told();
    let rows = rows(&world, ADMIN, "/metrics/pipeline?days=3");
    assert_eq!(rows.len(), 72);
    let row = |hour: &str| rows.iter().find(|row| row["hour"] == format!("2026-11-{hour}:00:00.000Z")).unwrap();
    for (hour, verdict, numbers) in [
        ("26T13", json!(null), [json!(null), json!(null)]),
        ("27T00", json!("proven"), [json!(null), json!(null)]),
        ("28T07", json!("proven"), [json!(null), json!(null)]),
        ("28T08", json!("proven"), [json!(7), json!(7)]),
        ("28T09", json!("over"), [json!(5), json!(6)]),
        ("28T10", json!("unprovable"), [json!(null), json!(2)]),
        // Its day is proven only up to where forward begins.
        ("28T11", json!("unknown"), [json!(null), json!(null)]),
        ("29T08", json!("unknown"), [json!(null), json!(null)]),
        ("29T09", json!("proven"), [json!(1), json!(1)]),
        ("29T10", json!("short"), [json!(12), json!(10)]),
        ("29T11", json!("counting"), [json!(null), json!(null)]),
        ("29T12", json!("counting"), [json!(null), json!(null)]),
    ] {
        let row = row(hour);
        assert_eq!(row["verdict"], verdict, "{row}");
        assert_eq!([&row["source"], &row["delivered"]], [&numbers[0], &numbers[1]], "{row}");
    }
    let told = |hour| ["passes", "failed", "rejected", "lag"].map(|name| row(hour)[name].clone());
    assert_eq!(told("29T10"), [json!(3), json!(1), json!(3), json!(90_000)]);
    assert_eq!(told("29T09"), [json!(0), json!(0), json!(0), json!(null)]);
}

#[test]
fn logs_are_complete_to_where_the_last_line_of_each_gateway_says() {
    let world = told();
    let (_, answer) = world.ask("GET", "/metrics/pipeline", ADMIN, "");
    assert_eq!(answer["meta"]["completeThrough"]["logs"], "2026-11-29T10:00:00.000Z");
    assert_eq!(answer["meta"]["units"], json!({ "lag": "ms" }));
    assert_eq!(answer["rows"].as_array().unwrap().len(), 7 * 24);
    assert_eq!(world.ask("GET", "/metrics/pipeline?days=91", ADMIN, "").0, 400);
}

#[test]
fn who_asks_for_one_org_learns_no_number_of_all_orgs() {
    let world = told();
    let key = world.key("acme", &["query"]);
    let row = rows(&world, &key, "/metrics/pipeline?days=1").into_iter().find(|row| row["verdict"] == "short").unwrap();
    for name in ["source", "delivered", "passes", "failed", "rejected", "lag"] {
        assert_eq!(row[name], json!(null), "{row}");
    }
}
