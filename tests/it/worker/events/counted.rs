//! What the cron counts in D1 is what is counted elsewhere, and the same answers are made of it.

use std::{fmt::Write as _, fs};

use aig_logs::{
    host::native::now,
    rollup::{self, Grain},
    time,
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use serde_json::json;

use super::{
    retention::{fire, sql, tables},
    runtime::{ADMIN, configuration, exchange},
};
use crate::{
    events::world::{self, World, request},
    worker::runtime::{built, dev},
};

/// Events and logs of the two days before a day, as statements.
fn rows(end: time::Timestamp) -> String {
    let mut sql = String::new();
    for n in 0..60_u32 {
        let at = time::text(end - TimeDelta::minutes(i64::from(n) * 47 + 3));
        let (org, name, user) =
            (if n.is_multiple_of(2) { "acme" } else { "b" }, if n % 3 == 2 { "y" } else { "x" }, n % 7);
        let duration = 0.25 * (1.0 + f64::from(n * n % 31));
        write!(
            sql,
            "INSERT INTO events_raw (org, created_at, id, name, user_id, session_id, subject, success, duration, quantity, \
             unit, sku, cost, source, ingested_at) VALUES ('{org}', '{at}', 'e{n}', '{name}', 'u{user}', 's{}', 'GET /{}', \
             {}, {duration}, {n}, 'b', 's', 0.1, 'http', '{at}');\n\
             INSERT INTO aig_logs_raw (gateway, created_at, id, model, provider, status_code, success, duration, cost, \
             tokens_in, ingested_at, metadata) VALUES ('main', '{at}', 'l{n}', 'm{}', 'p', 200, 1, {duration}, 0.1, {n}, \
             '{at}', '{{\"org\":\"{org}\",\"user\":\"u{user}\",\"team\":\"t{}\"}}');\n",
            n / 3,
            n % 4,
            n % 5,
            n % 3,
            n % 2
        )
        .unwrap();
    }
    sql
}

#[test]
fn what_the_cron_counts_answers_as_elsewhere() {
    let Some(built) = built("AIG_LOGS_EVENTS_WORKER") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut configuration = configuration(&built);
    configuration.insert("name".into(), "aig-events".into());
    fs::write(folder.path().join("wrangler.json"), serde_json::to_string(&configuration).unwrap()).unwrap();
    fs::write(folder.path().join(".dev.vars"), format!("EVENTS_ADMIN_KEY=\"{ADMIN}\"\n")).unwrap();
    let present = now();
    let end = Grain::Day.floor(present) - TimeDelta::days(1);
    let rows = rows(end);
    sql(folder.path(), &(tables() + &rows));
    let world = World::new();
    world.host.now.set(present);
    world.host.memory.connection.execute_batch(&rows).unwrap();
    let counted =
        rollup::pass(&world.host.memory, "org", TimeDelta::days(760), present, 1_000).now_or_never().unwrap().unwrap();
    assert!(counted.spans > 40, "{counted:?}");

    let (_group, _output, address) = dev(folder.path(), &[]);
    // One invocation counts a hundred spans.
    for _ in 0..3 {
        fire(address);
    }
    let (start, end) = (time::text(end - TimeDelta::minutes(2_500)), time::text(end));
    let first = ["count", "errors", "errorRate", "avg", "max", "p50", "p95", "p99"];
    let metrics = [&first[..], &["quantity", "cost", "tokensIn", "unpriced", "cached"]].concat();
    let asks = [
        ("/query", json!({ "dataset": "all", "metrics": metrics, "groupBy": "hour" })),
        (
            "/query",
            json!({ "dataset": "all", "metrics": metrics, "groupBy": ["day", "name"], "timeZone": "Europe/Berlin" }),
        ),
        ("/query", json!({ "metrics": metrics, "groupBy": ["subject", "sku"], "organizationId": "acme" })),
        ("/query", json!({ "dataset": "logs", "metrics": ["cost", "count"], "groupBy": ["metadata.team", "model"] })),
        ("/query", json!({ "dataset": "logs", "metrics": ["p95"], "groupBy": ["provider", "status", "gateway"] })),
        ("/metrics/users", json!({ "groupBy": "day" })),
        ("/metrics/cohorts", json!({ "period": "day" })),
    ];
    for (path, mut question) in asks {
        question["start"] = start.as_str().into();
        question["end"] = end.as_str().into();
        let told = |text: &[u8]| {
            let mut answer: serde_json::Value = serde_json::from_slice(text).unwrap();
            // The present is not the same.
            answer["meta"]["completeThrough"] = json!(null);
            answer.to_string()
        };
        let body = question.to_string();
        let bearer = |key: &str| format!("Bearer {key}");
        let deployed = exchange(address, "POST", path, &[("authorization", &bearer(ADMIN))], body.as_bytes());
        let asked = request("POST", path, &[("authorization", &bearer(world::ADMIN))], body.clone());
        let answer = told(world.send(asked).body());
        assert!(answer.contains(r#""from":"rollup""#), "{body}: {answer}");
        assert_eq!(told(deployed.text.as_bytes()), answer, "{body}");
    }
}
