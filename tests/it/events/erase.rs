//! Users who are erased: their rows are gone, and nobody else's.

use aig_logs::{host::Server, rollup};
use chrono::TimeDelta;
use futures_util::FutureExt;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::world::{ADMIN, Strike, World};

const EVENT: &str = "INSERT INTO events_raw (org, created_at, id, name, user_id, source, ingested_at) \
                     VALUES (?1, '2026-11-01T00:00:00.000Z', ?2, 'x', ?3, 'http', '2026-11-01T00:00:00.000Z')";
const LOG: &str = "INSERT INTO aig_logs_raw (gateway, created_at, id, ingested_at, metadata) \
                   VALUES (?1, '2026-11-01T00:00:00.000Z', ?2, '2026-11-01T00:00:00.000Z', ?3)";

fn event(connection: &Connection, org: &str, id: &str, user: Option<&str>) {
    connection.execute(EVENT, params![org, id, user]).unwrap();
}

fn log(connection: &Connection, gateway: &str, id: &str, metadata: Option<Value>) {
    connection.execute(LOG, params![gateway, id, metadata.map(|metadata| metadata.to_string())]).unwrap();
}

/// The ids of all rows that are left.
fn left(world: &World) -> Vec<String> {
    let lines =
        world.host.memory.lines("SELECT id FROM events_raw UNION ALL SELECT id FROM aig_logs_raw ORDER BY id", &[]);
    lines.into_iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}

fn erase(world: &World, user: &str, org: &str) -> (u16, Value) {
    world.ask("DELETE", &format!("/users/{user}?organizationId={org}"), ADMIN, "")
}

#[test]
fn an_erased_user_is_in_no_row_of_the_org() {
    let world = World::new();
    let connection = &world.host.memory.connection;
    event(connection, "acme", "gone 1", Some("ada"));
    event(connection, "acme", "gone 2", Some("ada"));
    event(connection, "acme", "other user", Some("Ada"));
    event(connection, "acme", "no user", None);
    event(connection, "other", "other org", Some("ada"));
    log(connection, "a", "gone 3", Some(json!({ "org": "acme", "user_id": "ada" })));
    log(connection, "b", "gone 4", Some(json!({ "org": "acme", "user": "ada" })));
    log(connection, "b", "log of another", Some(json!({ "org": "acme", "user": "ada", "user_id": "bob" })));
    log(connection, "b", "log of other org", Some(json!({ "org": "other", "user_id": "ada" })));
    log(connection, "b", "log of default", Some(json!({ "user_id": "ada" })));
    log(connection, "c", "log without", None);
    assert_eq!(erase(&world, "ada", "acme"), (200, json!({ "erased": 4, "archive": null })));
    let mut kept =
        ["other user", "no user", "other org", "log of another", "log of other org", "log of default", "log without"];
    kept.sort_unstable();
    assert_eq!(left(&world), kept);
    assert_eq!(erase(&world, "ada", "acme").1["erased"], 0, "again");
    assert_eq!(erase(&world, "ada", "default").1["erased"], 1, "a log without an org");
    // A key of the org erases there, and says nothing of it.
    let key = world.key("other", &["admin"]);
    assert_eq!(world.ask("DELETE", "/users/ada", &key, "").1["erased"], 2);
}

#[test]
fn an_erased_user_is_in_nothing_that_is_counted() {
    let world = World::new();
    let connection = &world.host.memory.connection;
    event(connection, "acme", "1", Some("ada"));
    log(connection, "a", "2", Some(json!({ "org": "acme", "user": "ada" })));
    let count = rollup::pass(&world.host.memory, "org", TimeDelta::days(760), world.host.now(), 1_000);
    count.now_or_never().unwrap().unwrap();
    let counted = || {
        let lines = "SELECT user_id AS text FROM rollup_users UNION ALL SELECT value FROM rollup_keys";
        let lines = world.host.memory.lines(lines, &[]);
        lines.iter().filter(|line| line["text"].as_str().is_some_and(|text| text.contains("ada"))).count()
    };
    assert_eq!(counted(), 4, "of an event and of a log, and of a key for the org and for all orgs");
    assert_eq!(erase(&world, "ada", "acme").1["erased"], 2);
    assert_eq!(counted(), 0);
}

#[test]
fn what_an_erased_user_did_on_days_without_rows_is_that_of_nobody_known() {
    let world = World::new();
    let connection = &world.host.memory.connection;
    for (id, user) in [("1", Some("ada")), ("2", Some("ada")), ("3", Some("bob")), ("4", None)] {
        event(connection, "acme", id, user);
    }
    event(connection, "other", "5", Some("ada"));
    let count = rollup::pass(&world.host.memory, "org", TimeDelta::days(760), world.host.now(), 1_000);
    count.now_or_never().unwrap().unwrap();
    connection.execute_batch("UPDATE rollup_spans SET state = 2; DELETE FROM events_raw").unwrap();
    let users = || {
        let question = json!({
            "start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z", "groupBy": ["organization", "user"],
            "metrics": ["count"],
        });
        let answer = world.ask("POST", "/query", ADMIN, &question.to_string()).1;
        let rows = answer["rows"].as_array().unwrap().iter();
        rows.map(|row| json!([row["organization"], row["user"], row["count"]])).collect::<Vec<_>>()
    };
    let other = json!(["other", "ada", 1]);
    let before = [json!(["acme", null, 1]), json!(["acme", "ada", 2]), json!(["acme", "bob", 1]), other.clone()];
    assert_eq!(users(), before);
    assert_eq!(erase(&world, "ada", "acme").0, 200);
    assert_eq!(users(), [json!(["acme", null, 3]), json!(["acme", "bob", 1]), other]);
}

#[test]
fn the_id_of_an_erased_user_is_decoded_and_the_org_is_named() {
    let world = World::new();
    let user = "a/b c@ä%";
    event(&world.host.memory.connection, "a&b", "x", Some(user));
    assert_eq!(erase(&world, "a%2Fb%20c@%C3%A4%25", "a%26b").1["erased"], 1);
    let check = |path: &str, status: u16, field: &str| {
        let (got, problem) = world.ask("DELETE", path, ADMIN, "");
        assert_eq!((got, problem["field"].as_str()), (status, Some(field)), "{path}: {problem}");
    };
    check("/users/ada", 400, "organizationId");
    check("/users/ada?organizationId=", 400, "organizationId");
    check("/users/ada?org=acme", 400, "organizationId");
    check("/users/ada?organizationId=a&organizationId=b", 400, "organizationId");
    check("/users/%FF?organizationId=acme", 400, "id");
    assert_eq!(world.ask("DELETE", "/users/", ADMIN, "").0, 404);
    assert_eq!(world.ask("GET", "/users/ada", ADMIN, "").0, 405);
}

#[test]
fn a_user_whose_id_is_hashed_is_erased_by_the_id() {
    let settings = [("HASH_METADATA", "user_id,login"), ("HASH_KEY", "a key of 20 letters."), ("EVENTS_RATE", "0")];
    let world = World::with(&settings);
    let send = |event: Value| assert_eq!(world.ask("POST", "/events", ADMIN, &event.to_string()).0, 202);
    send(json!({ "event": "x", "userId": "ada" }));
    send(json!({ "event": "x", "actor": "ada" }));
    send(json!({ "event": "x", "user_id": { "login": "ada" } }));
    send(json!({ "event": "x", "userId": "bob" }));
    // As the poller writes a log with the same settings.
    let hash = "974e82d3e35e3f42b7589be5ac8a9ecb";
    log(&world.host.memory.connection, "a", "log", Some(json!({ "user_id": hash })));
    // It was written before the setting was.
    event(&world.host.memory.connection, "default", "clear", Some("ada"));
    let users = world
        .host
        .memory
        .lines("SELECT count(*) AS n FROM events_raw WHERE user_id = ?1", &[aig_logs::record::Cell::Text(hash.into())]);
    assert_eq!(users[0]["n"], 3);
    assert_eq!(erase(&world, "ada", "default").1["erased"], 5);
    assert_eq!(world.events(), 1);
}

/// More rows than one transaction deletes, between those of another user.
#[test]
fn many_rows_are_erased_piece_by_piece_and_a_failed_erase_goes_on() {
    let world = World::new();
    let connection = &world.host.memory.connection;
    let fill = "INSERT INTO events_raw (org, created_at, id, name, user_id, source, ingested_at) \
                SELECT 'acme', printf('2026-11-%02dT00:00:00.000Z', value % 20 + 1), value, 'x', iif(value % 5, 'ada', 'bob'), \
                'http', '2026-11-01T00:00:00.000Z' FROM json_each(?1)";
    let numbers = serde_json::to_string(&(0..15_000).collect::<Vec<_>>()).unwrap();
    let refill = || {
        connection.execute("DELETE FROM events_raw", []).unwrap();
        connection.execute(fill, [&numbers]).unwrap();
    };
    refill();
    world.host.memory.calls.set(0);
    assert_eq!(erase(&world, "ada", "acme").1["erased"], 12_000);
    assert_eq!(world.events(), 3_000);
    // Three pieces, the end of the org, no gateway, whether there are counts, and the users of counted days.
    let calls = world.host.memory.calls.get();
    assert_eq!(calls, 3 * 2 + 1 + 1 + 1 + 1);
    for strike in [Strike::Fails, Strike::FailsAfter] {
        for call in 0..calls {
            refill();
            world.host.memory.strike.set(Some((call, strike)));
            let (status, problem) = erase(&world, "ada", "acme");
            assert_eq!(status, 503, "{strike:?} at {call}: {problem}");
            assert!(!problem.to_string().contains("struck"));
            world.host.memory.strike.set(None);
            let gone = 15_000 - world.events();
            let pieces = if strike == Strike::Fails { call / 2 } else { call.div_ceil(2) };
            assert_eq!(gone, (5_000 * pieces as u64).min(12_000), "{strike:?} at {call}");
            assert_eq!(erase(&world, "ada", "acme").1["erased"], 12_000 - gone, "{strike:?} at {call}");
            assert_eq!(world.events(), 3_000);
        }
    }
}
