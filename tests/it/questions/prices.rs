//! Usage that is priced by the price list, and the invoice that comes of it.

use std::cell::Cell;

use aig_logs::{
    rollup,
    time::{self, Timestamp},
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::loops;
use crate::events::world::{ADMIN, World, request};

/// An event with a quantity.
struct Usage {
    org: &'static str,
    at: &'static str,
    sku: Option<&'static str>,
    unit: Option<&'static str>,
    quantity: f64,
    cost: Option<f64>,
}

fn usage(org: &'static str, at: &'static str, quantity: f64) -> Usage {
    Usage { org, at, sku: Some("tokens"), unit: Some("1k"), quantity, cost: None }
}

fn write(connection: &Connection, events: &[Usage]) {
    let insert = "INSERT INTO events_raw (org, created_at, id, name, sku, unit, quantity, cost, source, ingested_at) \
                  VALUES (?1, ?2, ?3, 'usage.tracked', ?4, ?5, ?6, ?7, 'http', ?2)";
    for (id, event) in (0_i64..).zip(events) {
        let at = format!("2026-11-{}Z", event.at);
        connection
            .execute(insert, params![event.org, at, id, event.sku, event.unit, event.quantity, event.cost])
            .unwrap();
    }
}

fn price(org: &str, since: &str, price: f64) -> Value {
    json!({ "organizationId": org, "sku": "tokens", "unit": "1k", "since": since, "price": price })
}

fn put(world: &World, path: &str, rows: &Value) {
    let (status, problem) = world.ask("PUT", path, ADMIN, &json!({ "rows": rows }).to_string());
    assert_eq!(status, 204, "{problem}");
}

const NOVEMBER: &str = r#""start":"2026-11-01T00:00:00Z","end":"2026-12-01T00:00:00Z""#;

/// The rows of the answer about usage.
fn bill(world: &World, key: &str, further: &str) -> Value {
    let (status, mut answer) = world.ask("POST", "/billing/usage", key, &format!("{{{NOVEMBER}{further}}}"));
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["meta"]["exact"], true);
    answer["rows"].take()
}

#[test]
fn usage_is_priced_by_the_price_list() {
    let world = World::new();
    let prices = json!([
        price("*", "2026-01-01", 2.0),
        price("*", "2026-11-10T00:00:00+01:00", 4.0),
        price("acme", "2026-11-20T00:00:00Z", 0.5),
        price("other", "2026-01-01", 100.0),
    ]);
    put(&world, "/prices", &prices);
    let unit = Usage { unit: Some("request"), ..usage("acme", "21T00:00:00.000", 1_000.0) };
    let sku = Usage { sku: None, ..usage("acme", "21T00:00:00.000", 1_000.0) };
    write(
        &world.host.memory.connection,
        &[
            usage("acme", "01T00:00:00.000", 1.0),
            // The last millisecond of a price, and the first one of the next.
            usage("acme", "09T22:59:59.999", 10.0),
            usage("acme", "09T23:00:00.000", 10.0),
            // From here on the org has a price of its own.
            usage("acme", "20T00:00:00.000", 100.0),
            // An event's own cost counts, also where it is 0.
            Usage { cost: Some(7.0), ..usage("acme", "21T00:00:00.000", 1_000.0) },
            Usage { cost: Some(0.0), ..usage("acme", "21T00:00:00.000", 1_000.0) },
            unit,
            sku,
            usage("small", "21T00:00:00.000", 1.0),
        ],
    );
    let row = |org: &str, sku: Value, unit: &str, quantity: u32, events: u32, cost: u32| json!({ "organizationId": org, "sku": sku, "unit": unit, "quantity": quantity, "events": events, "cost": cost });
    let expected = json!([
        row("acme", Value::Null, "1k", 1_000, 1, 0),
        row("acme", "tokens".into(), "1k", 2_121, 6, 2 + 20 + 40 + 50 + 7),
        row("acme", "tokens".into(), "request", 1_000, 1, 0),
        row("small", "tokens".into(), "1k", 1, 1, 4),
    ]);
    assert_eq!(bill(&world, ADMIN, ""), expected);

    // A key of one org sees what holds for it, and changes nothing.
    let key = world.key("acme", &["admin", "query"]);
    assert_eq!(bill(&world, &key, "").as_array().unwrap().len(), 3);
    let (_, listed) = world.ask("GET", "/prices", &key, "");
    let since = "2026-11-09T23:00:00.000Z";
    let of_all = json!([price("*", "2026-01-01T00:00:00.000Z", 2.0), price("*", since, 4.0)]);
    assert_eq!(listed["rows"][2]["organizationId"], "acme");
    assert_eq!(listed["rows"].as_array().unwrap().len(), 3, "{listed}");
    assert_eq!(listed["rows"][1]["since"], of_all[1]["since"]);
    assert_eq!(listed["rows"][1]["price"], 4, "a whole number has no fraction");
    let (status, _) = world.ask("PUT", "/prices", &key, &json!({ "rows": prices }).to_string());
    assert_eq!(status, 403);
    // What is listed can be sent back, and a price of the same instant replaces the other.
    let (_, all) = world.ask("GET", "/prices", ADMIN, "");
    put(&world, "/prices", &all["rows"]);
    assert_eq!(world.ask("GET", "/prices", ADMIN, "").1, all);
    put(&world, "/prices", &json!([price("acme", "2026-11-20", 1.5)]));
    assert_eq!(bill(&world, &key, "")[1]["cost"], 2 + 20 + 40 + 150 + 7);
}

/// Whatever comes late or twice, and in whichever order: the invoice is the sum of each event once.
#[test]
fn an_invoice_is_exact_after_late_and_repeated_events() {
    let event = |n: u32| {
        let quantity = f64::from(n) * 0.1 + 1e-7;
        let sku = if n.is_multiple_of(2) { "tokens" } else { "images" };
        let mut event = json!({ "id": n.to_string(), "timestamp": format!("2026-11-{:02}T10:00:00Z", n % 28 + 1), "event": "usage.tracked",
               "usage": { "quantity": quantity, "unit": "1k", "sku": sku } });
        if n.is_multiple_of(7) {
            event["cost"] = (f64::from(n) * 0.01).into();
        }
        event
    };
    let prices = json!([price("*", "2026-01-01", 0.1), price("acme", "2026-11-15", 0.07)]);
    let invoice = |order: &mut dyn Iterator<Item = u32>| {
        let world = World::new();
        put(&world, "/prices", &prices);
        let key = world.key("acme", &["ingest", "query"]);
        let order: Vec<_> = order.collect();
        for batch in order.chunks(50) {
            let batch: Value = batch.iter().map(|n| event(*n)).collect();
            assert_eq!(world.ask("POST", "/events/batch", &key, &batch.to_string()).0, 202);
        }
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("accept", "text/csv")];
        let response = world.send(request("POST", "/billing/usage", &headers, format!("{{{NOVEMBER}}}")));
        String::from_utf8(response.into_body()).unwrap()
    };
    let once = invoice(&mut (0..200));
    let lines: Vec<Vec<&str>> = once.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines[0], ["organizationId", "sku", "unit", "quantity", "events", "cost"]);
    for (line, sku) in lines[1..].iter().zip([1, 0]) {
        let of_sku = (0..200_u32).filter(|n| n % 2 == sku);
        // In whole parts, so that nothing is rounded: a quantity in 1e-7, a cost in 1e-9.
        let quantity: u64 = of_sku.clone().map(|n| u64::from(n) * 1_000_000 + 1).sum();
        let cost: u64 = of_sku
            .map(|n| match n {
                n if n.is_multiple_of(7) => u64::from(n) * 10_000_000,
                _ if sku == 1 => 0,
                n => (u64::from(n) * 1_000_000 + 1) * if n % 28 + 1 >= 15 { 7 } else { 10 },
            })
            .sum();
        #[expect(clippy::cast_precision_loss, reason = "both are below 2^53")]
        let expected = [quantity as f64 / 1e7, cost as f64 / 1e9];
        let told: [f64; 2] = [line[3].parse().unwrap(), line[5].parse().unwrap()];
        for (told, expected) in told.iter().zip(expected) {
            assert!((told - expected).abs() < 1e-9, "{line:?}: {told} is not {expected}");
        }
        assert_eq!(line[4], "100");
    }
    assert_eq!(invoice(&mut (0..200).rev()), once);
    assert_eq!(invoice(&mut (0..200).map(|n| n * 77 % 200).chain(100..200).chain(0..150)), once);
}

/// An instant of three days, to the minute; many of them are whole hours.
fn minute() -> impl Strategy<Value = Timestamp> {
    let begin = time::parse("2026-11-20T00:00:00Z").unwrap();
    prop_oneof![0..4_320_i64, (0..72_i64).prop_map(|hour| hour * 60)]
        .prop_map(move |minutes| begin + TimeDelta::minutes(minutes))
}

/// An event, and a price, by the instant from which on it holds.
type Event = (Timestamp, (&'static str, Option<&'static str>, &'static str), Option<f64>, Option<f64>);
type Price = (Timestamp, &'static str, &'static str, f64);

fn events() -> impl Strategy<Value = Vec<Event>> {
    let names =
        (select(vec!["acme", "small"]), select(vec![Some("tokens"), Some("images"), None]), select(vec!["1k", "one"]));
    let quantity = select(vec![None, Some(0.5), Some(3.0), Some(1_000.0)]);
    prop::collection::vec((minute(), names, quantity, select(vec![None, None, Some(0.0), Some(0.25)])), 1..60)
}

fn prices() -> impl Strategy<Value = Vec<Price>> {
    let price = (minute(), select(vec!["*", "acme"]), select(vec!["tokens", "images"]), select(vec![0.1, 2.0, 7.5]));
    prop::collection::vec(price, 0..6)
}

/// Whenever prices change: what is counted of hours and days costs what its rows cost one by one.
#[test]
fn usage_that_is_counted_costs_what_its_rows_cost() {
    let config = Config { cases: 200, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let (plain, counted) = (Cell::new(None::<World>), Cell::new(None::<World>));
    let of_lines = Cell::new(0);
    let fields = select(vec![json!([]), json!(["hour"]), json!(["organizationName", "plan"]), json!(["day", "name"])]);
    let range = (minute(), minute()).prop_filter("a range", |(start, end)| start < end);
    let tried = TestRunner::new(config).run(&(events(), prices(), range, fields), |(events, prices, (start, end), fields)| {
        let worlds = [&plain, &counted].map(|world| world.take().map_or_else(World::new, World::anew));
        for world in &worlds {
            let prices = prices.iter().map(|(since, org, sku, price)| {
                json!({ "organizationId": org, "sku": sku, "unit": "1k", "since": time::text(*since), "price": price })
            });
            put(world, "/prices", &prices.collect());
            put(world, "/orgs", &json!([{ "organizationId": "acme", "name": "Acme", "plan": "large" }]));
            let insert = "INSERT INTO events_raw (org, created_at, id, name, sku, unit, quantity, cost, source, ingested_at) \
                          VALUES (?1, ?2, ?3, 'usage.tracked', ?4, ?5, ?6, ?7, 'http', ?2)";
            for (id, (at, (org, sku, unit), quantity, cost)) in (0_i64..).zip(&events) {
                let values = params![org, time::text(*at), id, sku, unit, quantity, cost];
                world.host.memory.connection.execute(insert, values).unwrap();
            }
        }
        let host = &worlds[1].host;
        rollup::pass(&host.memory, "org", TimeDelta::days(30), host.now.get(), 1_000).now_or_never().unwrap().unwrap();
        let question = json!({ "start": time::text(start), "end": time::text(end), "groupBy": fields });
        let [expected, answer] =
            [0, 1].map(|world| worlds[world].ask("POST", "/billing/usage", ADMIN, &question.to_string()).1);
        prop_assert_eq!(&expected["meta"]["from"], "raw", "{}", expected);
        of_lines.set(of_lines.get() + u32::from(answer["meta"]["from"] == "rollup"));
        let expected = expected["rows"].as_array().unwrap();
        prop_assert!(loops::agree(&answer, expected), "{question}\n{answer:#}\n{}", Value::from(expected.clone()));
        let [first, second] = worlds;
        plain.set(Some(first));
        counted.set(Some(second));
        Ok(())
    });
    if let Err(failure) = tried {
        panic!("{failure}");
    }
    assert!(of_lines.get() > 130, "{} of 200 were answered from lines", of_lines.get());
}

#[test]
fn usage_whose_rows_are_gone_is_priced_as_its_hour_begins() {
    let world = World::new();
    let at = ["19T10:00:00.000", "20T08:10:00.000", "20T08:20:00.000", "20T09:00:00.000"];
    write(&world.host.memory.connection, &at.map(|at| usage("acme", at, 1.0)));
    let host = &world.host;
    rollup::pass(&host.memory, "org", TimeDelta::days(30), host.now.get(), 1_000).now_or_never().unwrap().unwrap();
    let gone = "UPDATE rollup_spans SET state = 2; DELETE FROM events_raw";
    host.memory.connection.execute_batch(gone).unwrap();
    let change = "2026-11-20T08:15:00Z";
    let prices = json!([price("acme", "2026-01-01", 2.0), price("acme", change, 5.0), price("*", change, 7.0)]);
    put(&world, "/prices", &prices);
    // The day is not one: its hours have prices of their own.
    assert_eq!(bill(&world, ADMIN, "")[0]["cost"], 2 + 4 + 5);
    let rows = bill(&world, ADMIN, r#","groupBy":["hour"]"#);
    let told: Vec<_> = rows.as_array().unwrap().iter().map(|row| (&row["quantity"], &row["cost"])).collect();
    assert_eq!(told, [(&json!(1), &json!(2)), (&json!(2), &json!(4)), (&json!(1), &json!(5))], "{rows}");
}

#[test]
fn usage_is_grouped_by_the_name_and_the_plan_of_its_org() {
    let world = World::new();
    put(
        &world,
        "/orgs",
        &json!([
            { "organizationId": "acme", "name": "Acme, Inc.", "plan": "free" },
            { "organizationId": "small", "plan": "free" },
        ]),
    );
    put(&world, "/orgs", &json!([{ "organizationId": "acme", "name": "Acme, Inc.", "plan": "large" }]));
    let orgs = ["acme", "small", "unknown"].map(|org| usage(org, "01T00:00:00.000", 1.0));
    write(&world.host.memory.connection, &orgs);
    let rows = bill(&world, ADMIN, r#","groupBy":["organizationName","plan"]"#);
    let told: Vec<_> = rows.as_array().unwrap().iter().map(|row| (&row["organizationName"], &row["plan"])).collect();
    let null = Value::Null;
    assert_eq!(told, [(&json!("Acme, Inc."), &json!("large")), (&null, &json!("free")), (&null, &null)]);
    let key = world.key("small", &["admin"]);
    let own = json!({ "rows": [{ "organizationId": "small", "name": null, "plan": "free" }] });
    assert_eq!(world.ask("GET", "/orgs", &key, ""), (200, own.clone()));
    assert_eq!(world.ask("PUT", "/orgs", &key, &own.to_string()).0, 403);
}

#[test]
fn prices_that_cannot_be_are_refused_by_member_and_change_nothing() {
    let world = World::new();
    let check = |rows: Value, member: Option<&str>| {
        let (status, problem) = world.ask("PUT", "/prices", ADMIN, &json!({ "rows": rows }).to_string());
        assert_eq!((status, problem["field"].as_str()), (400, member), "{problem}");
    };
    let wrong = |member: &str, value: Value| {
        let mut wrong = price("acme", "2026-11-01", 1.0);
        wrong[member] = value;
        json!([price("acme", "2026-11-01", 1.0), wrong])
    };
    check(wrong("price", json!(-1)), Some("price"));
    check(wrong("since", json!("yesterday")), Some("since"));
    check(wrong("sku", json!("")), Some("sku"));
    check(wrong("unit", json!("x".repeat(129))), Some("unit"));
    check(wrong("organizationId", json!("a\nb")), Some("organizationId"));
    check(wrong("price", json!("1")), Some("price"));
    check(wrong("sku", Value::Null), Some("sku"));
    check(wrong("currency", json!("EUR")), Some("rows"));
    check(json!([7]), Some("rows"));
    check(json!({}), Some("rows"));
    assert_eq!(world.ask("GET", "/prices", ADMIN, "").1, json!({ "rows": [] }));
}
