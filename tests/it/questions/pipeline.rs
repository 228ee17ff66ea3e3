//! `GET /metrics/pipeline`: how complete the logs of each hour are.

use serde_json::{Value, json};

use super::rows::world;
use crate::events::world::{ADMIN, World};

/// A world at noon, in which two gateways have said what they know. `main`: forward from half past 8 of the 28th on, and the
/// history before back to the 27th. `other`: forward since 10 o'clock of the 29th, and the history back to the first entry,
/// but for the day before.
fn told() -> World {
    let world = world(&[]);
    let lines = [
        ("day", "main", "2026-11-27", Some((50, 50)), "proven"),
        ("day", "main", "2026-11-28", Some((9, 8)), "short"),
        ("hour", "main", "2026-11-28T08", Some((7, 7)), "proven"),
        ("hour", "main", "2026-11-28T09", Some((5, 6)), "over"),
        ("hour", "main", "2026-11-28T10", None, "unprovable"),
        ("hour", "main", "2026-11-28T12", Some((3, 3)), "proven"),
        ("hour", "main", "2026-11-29T09", Some((1, 1)), "proven"),
        ("hour", "main", "2026-11-29T10", Some((4, 4)), "proven"),
        ("hour", "other", "2026-11-29T10", Some((8, 6)), "short"),
        ("day", "other", "2026-11-26", Some((2, 1)), "over"),
    ];
    let instant = |text: &str| format!("{text}{}", &"T00:00:00.000Z"[text.len() - 10..]);
    for (grain, gateway, start, numbers, verdict) in lines {
        let (source, delivered) = numbers.map_or((None, 2), |(source, delivered)| (Some(source), delivered));
        let values = rusqlite::params![grain, gateway, instant(start), source, delivered, verdict];
        let text = "INSERT INTO aig_ledger VALUES (?1, ?2, ?3, '', ?4, ?5, ?6, '2026-11-29T12:00:00.000Z')";
        world.host.memory.connection.execute(text, values).unwrap();
    }
    for (grain, gateway, start, until, at) in [
        ("forward", "main", "2026-11-28T08:30", "2026-11-29T11", "2026-11-29T11"),
        ("backfill", "main", "2026-11-28T08:30", "2026-11-27", "2026-11-29T11"),
        // The later line tells: an hour was found short.
        ("forward", "other", "2026-11-01T00", "2026-11-29T11", "2026-11-29T11"),
        ("forward", "other", "2026-11-29T10", "2026-11-29T10", "2026-11-29T12"),
        ("backfill", "other", "2026-11-28", "1970-01-01", "2026-11-29T12"),
    ] {
        let [start, until, at] = [start, until, at].map(instant);
        let text = "INSERT INTO aig_ledger VALUES (?1, ?2, ?3, ?4, NULL, NULL, NULL, ?5)";
        world.host.memory.connection.execute(text, [grain, gateway, &start, &until, &at]).unwrap();
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
        // The history of main is not counted back to here.
        ("26T13", json!(null), json!([null, null])),
        ("27T00", json!("proven"), json!([null, null])),
        // That of other is not counted yet on this day, and main's is short.
        ("28T07", json!("short"), json!([null, null])),
        // Half an hour of it is main's history.
        ("28T08", json!("short"), json!([null, null])),
        ("28T09", json!(null), json!([null, null])),
        ("29T09", json!(null), json!([null, null])),
        ("29T10", json!("short"), json!([12, 10])),
        ("29T11", json!("counting"), json!([null, null])),
        ("29T12", json!("counting"), json!([null, null])),
    ] {
        let row = row(hour);
        assert_eq!((&row["verdict"], json!([row["source"], row["delivered"]])), (&verdict, numbers), "{row}");
    }
    let told = |hour| ["passes", "failed", "rejected", "lag"].map(|name| row(hour)[name].clone());
    assert_eq!(told("29T10"), [json!(3), json!(1), json!(3), json!(90_000)]);
    assert_eq!(told("29T09"), [json!(0), json!(0), json!(0), json!(null)]);
}

#[test]
fn a_gateway_alone_tells_each_verdict() {
    let world = told();
    world.host.memory.connection.execute("DELETE FROM aig_ledger WHERE gateway = 'other'", []).unwrap();
    let rows = rows(&world, ADMIN, "/metrics/pipeline?days=3");
    let row = |hour: &str| rows.iter().find(|row| row["hour"] == format!("2026-11-{hour}:00:00.000Z")).unwrap();
    for (hour, verdict, numbers) in [
        ("26T23", json!(null), json!([null, null])),
        ("27T10", json!("proven"), json!([null, null])),
        ("28T09", json!("over"), json!([5, 6])),
        ("28T10", json!("unprovable"), json!([null, null])),
        ("28T11", json!("unknown"), json!([null, null])),
        ("28T12", json!("proven"), json!([3, 3])),
        ("29T10", json!("proven"), json!([4, 4])),
        ("29T11", json!("counting"), json!([null, null])),
    ] {
        let row = row(hour);
        assert_eq!((&row["verdict"], json!([row["source"], row["delivered"]])), (&verdict, numbers), "{row}");
    }
}

#[test]
fn a_day_of_counted_history_without_a_line_is_empty() {
    let world = told();
    let ask = |hour: &str| {
        let rows = rows(&world, ADMIN, "/metrics/pipeline?days=7");
        rows.iter().find(|row| row["hour"] == format!("2026-11-{hour}:00:00.000Z")).unwrap()["verdict"].clone()
    };
    world.host.memory.connection.execute("DELETE FROM aig_ledger WHERE gateway = 'main'", []).unwrap();
    assert_eq!(
        [ask("25T00"), ask("26T00"), ask("27T23"), ask("28T00")],
        [json!("proven"), json!("over"), json!("proven"), json!(null)]
    );
    // A gateway of which nothing is counted makes every hour uncertain.
    let nothing = "INSERT INTO aig_ledger VALUES ('forward', 'new', '1970-01-01T00:00:00.000Z', \
                   '1970-01-01T00:00:00.000Z', NULL, NULL, NULL, '2026-11-29T12:00:00.000Z')";
    world.host.memory.connection.execute(nothing, []).unwrap();
    assert_eq!(ask("25T00"), "counting");
    let (_, answer) = world.ask("GET", "/metrics/pipeline", ADMIN, "");
    assert_eq!(answer["meta"]["completeThrough"]["logs"], json!(null));
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
