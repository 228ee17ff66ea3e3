//! The paths under `/simulator/`, by which an operator sees and changes the world of a running simulator. Lists are
//! NDJSON.

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::simulator::{
    Simulator,
    cloudflare::{
        access::{Owner, Permission, TokenStatus},
        gateway::Gateway,
        settings::SimulatedSettings,
    },
    google::schema::SimulatedSchema,
    options::Quirks,
    time::Timestamp,
    wire::{self, json_response, response},
};

/// - `GET entries?gateway=ID`: every entry visible now, by (`created_at`, `id`)
/// - `POST entries?gateway=ID`: puts entries in, visible from their `created_at` on
/// - `POST delete?gateway=ID&id=ID`: deletes an entry
/// - `POST stop`: ends live traffic
/// - `POST calm`: ends all faults; the counts stay
/// - `GET rows?table=NAME`: rows as they landed, copies included
/// - `GET kv?namespace=ID`: every value of a namespace of KV that has not expired
/// - `POST kv?namespace=ID&key=KEY`: puts a value, with the JSON in `metadata` if given
/// - `POST d1`: runs a statement in the database of D1, and shows the lines that it returns
/// - `POST show?gateway=ID&id=ID`: the list shows these bytes in place of an entry
/// - `POST change`: changes account, token, gateways, list API, clock or table: [`Change`]
/// - `GET calls`: calls by kind, faults by kind, and how many live entries were late
pub(in crate::simulator) fn answer(
    simulator: &mut Simulator,
    now: Timestamp,
    request: &Request<Vec<u8>>,
) -> Response<Vec<u8>> {
    let query = request.uri().query().unwrap_or_default();
    let parameter = |name| wire::parameter(query, name).unwrap_or_default();
    let gateway = parameter("gateway");
    let found = match (request.method(), request.uri().path()) {
        (&Method::GET, "/simulator/calls") => Some(json_response(200, &calls(simulator))),
        (&Method::GET, "/simulator/entries") => simulator.gateway(&gateway).map(|gateway| ndjson(gateway.entries(now))),
        (&Method::POST, "/simulator/entries") => Some(insert(simulator, &gateway, request.body())),
        (&Method::POST, "/simulator/delete") => {
            let gateway = simulator.gateway_mut(&gateway);
            gateway.map(|gateway| json_response(200, &json!({ "deleted": gateway.delete(&parameter("id")) })))
        }
        (&Method::POST, "/simulator/show") => {
            let shown = |gateway: &mut Gateway| gateway.show_as(&parameter("id"), request.body().clone());
            simulator.gateway_mut(&gateway).map(|gateway| json_response(200, &json!({ "shown": shown(gateway) })))
        }
        (&Method::POST, "/simulator/stop") => {
            simulator.stop_traffic();
            Some(json_response(200, &json!({})))
        }
        (&Method::POST, "/simulator/calm") => {
            simulator.faults_mut().clear();
            Some(json_response(200, &json!({})))
        }
        (&Method::POST, "/simulator/change") => Some(change(simulator, request.body())),
        (&Method::GET, "/simulator/rows") => {
            let table = simulator.table(&parameter("table"));
            table.map(|table| ndjson(table.rows().iter().map(|landed| landed.row.clone())))
        }
        (&Method::GET, "/simulator/kv") => {
            simulator.namespace(&parameter("namespace")).map(|namespace| ndjson(namespace.values(now)))
        }
        (&Method::POST, "/simulator/kv") => simulator.namespace_mut(&parameter("namespace")).map(|namespace| {
            let metadata = serde_json::from_str(&parameter("metadata")).ok();
            namespace.put(&parameter("key"), &String::from_utf8_lossy(request.body()), metadata, None);
            json_response(200, &json!({}))
        }),
        (&Method::POST, "/simulator/d1") => Some(in_d1(simulator, request.body())),
        _ => None,
    };
    found.unwrap_or_else(|| json_response(404, &json!({ "error": "no such thing in the simulator" })))
}

fn in_d1(simulator: &Simulator, statement: &[u8]) -> Response<Vec<u8>> {
    let database = simulator.database(&simulator.options().database);
    let lines = database.map(|database| database.lines(&String::from_utf8_lossy(statement)));
    match lines {
        Some(Ok(lines)) => ndjson(lines.into_iter()),
        Some(Err(error)) => json_response(400, &json!({ "error": error })),
        None => json_response(404, &json!({ "error": "no such database" })),
    }
}

fn calls(simulator: &Simulator) -> Value {
    let calls = simulator.calls();
    json!({
        "gateways": calls.gateways,
        "list": calls.list,
        "token": calls.token,
        "insert": calls.insert,
        "database": calls.database,
        "refused": calls.refused,
        "faults": simulator.faults().struck(),
        "late": simulator.late(),
    })
}

fn change(simulator: &mut Simulator, body: &[u8]) -> Response<Vec<u8>> {
    let change = serde_json::from_slice::<Change>(body).map_err(|error| error.to_string());
    match change.and_then(|change| change.apply(simulator)) {
        Ok(()) => json_response(200, &json!({})),
        Err(error) => json_response(400, &json!({ "error": error })),
    }
}

fn insert(simulator: &mut Simulator, gateway: &str, body: &[u8]) -> Response<Vec<u8>> {
    let Some(gateway) = simulator.gateway_mut(gateway) else {
        return json_response(404, &json!({ "error": "no such gateway" }));
    };
    let lines = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
    let mut inserted = 0;
    for line in lines {
        let result = line.map_err(|error| error.to_string());
        if let Err(error) = result.and_then(|entry| gateway.insert(entry, None).map_err(|error| error.to_string())) {
            return json_response(400, &json!({ "error": error, "inserted": inserted }));
        }
        inserted += 1;
    }
    json_response(200, &json!({ "inserted": inserted }))
}

fn ndjson(values: impl Iterator<Item = Value>) -> Response<Vec<u8>> {
    let mut body = Vec::new();
    for value in values {
        body.extend_from_slice(value.to_string().as_bytes());
        body.push(b'\n');
    }
    response(200, "application/x-ndjson", body)
}

/// The changes that an operator can make to the world while the simulator runs. They can provoke each finding of the
/// doctor. An absent field stays as it is. Inside `gateways` and `quirks`, an absent field gets its first value again.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Change {
    token: Token,
    /// Settings of gateways, by id. Null deletes the gateway.
    gateways: BTreeMap<String, Option<SimulatedSettings>>,
    /// Departures of the list API.
    quirks: Option<Quirks>,
    /// Seconds by which the clock in answers is ahead.
    clock_ahead_seconds: Option<i64>,
    table: Table,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Token {
    status: Option<TokenStatus>,
    owner: Option<Owner>,
    /// Its permissions from now on.
    permissions: Option<BTreeSet<Permission>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Table {
    /// Columns, partitioning and clustering of a new, empty table in its place, as [`SimulatedSchema::parse`] reads them.
    schema: Option<String>,
    /// The permissions of the service account from now on.
    permissions: Option<Vec<String>>,
}

impl Change {
    /// Changes the world, or nothing at all if it has no such gateway.
    fn apply(self, simulator: &mut Simulator) -> Result<(), String> {
        let Self { token, gateways, quirks, clock_ahead_seconds, table } = self;
        if let Some(unknown) = gateways.keys().find(|id| simulator.gateway(id).is_none()) {
            return Err(format!("there is no gateway {unknown}"));
        }
        for (id, settings) in gateways {
            match (settings, simulator.gateway_mut(&id)) {
                (Some(settings), Some(gateway)) => gateway.settings = settings,
                (None, _) => simulator.gateways.retain(|gateway| gateway.id() != id),
                (Some(_), None) => {}
            }
        }
        let options = &mut simulator.options;
        let access = &mut options.access;
        access.status = token.status.unwrap_or(access.status);
        access.owner = token.owner.unwrap_or(access.owner);
        if let Some(permissions) = token.permissions {
            access.permissions = permissions;
        }
        options.quirks = quirks.unwrap_or(options.quirks);
        options.clock_ahead_seconds = clock_ahead_seconds.unwrap_or(options.clock_ahead_seconds);
        if let Some(permissions) = table.permissions {
            options.table_permissions = permissions;
        }
        if let Some(text) = table.schema {
            let name = options.table.clone();
            simulator.create_table(&name, SimulatedSchema::parse(&text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::{Answer, tests::options};

    fn send(simulator: &mut Simulator, method: Method, path: &str, body: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
        let now = simulator.options().start;
        let Answer::Response(response) = simulator.answer(now, &request) else { panic!("silence") };
        (response.status().as_u16(), String::from_utf8(response.into_body()).unwrap())
    }

    #[test]
    fn entries_can_be_read_added_and_deleted() {
        let mut simulator = Simulator::new(options());
        let line = "{\"id\":\"new\",\"created_at\":\"2026-11-02T12:00:00Z\"}\n";
        let (status, _) = send(&mut simulator, Method::POST, "/simulator/entries?gateway=main", line);
        assert_eq!(status, 200);
        let (_, entries) = send(&mut simulator, Method::GET, "/simulator/entries?gateway=main", "");
        assert_eq!(entries.lines().count(), 201);
        assert!(entries.ends_with("\"id\":\"new\"}\n"));
        let deletion = "/simulator/delete?gateway=main&id=new";
        assert_eq!(send(&mut simulator, Method::POST, deletion, "").1, "{\"deleted\":true}");
        assert_eq!(send(&mut simulator, Method::POST, "/simulator/entries?gateway=main", "{}").0, 400);
        assert_eq!(send(&mut simulator, Method::GET, "/simulator/entries?gateway=other", "").0, 404);
    }

    #[test]
    fn the_world_can_be_changed_and_says_what_it_does_not_know() {
        let mut simulator = Simulator::new(options());
        let mut change = |body: &str| send(&mut simulator, Method::POST, "/simulator/change", body);
        assert_eq!(change(r#"{"token":{"status":"disabled"},"gateways":{"main":{"collect_logs":false}}}"#).0, 200);
        assert_eq!(change(r#"{"table":{"schema":"id STRING"},"clock_ahead_seconds":90}"#).0, 200);
        for wrong in [r#"{"tokens":{}}"#, r#"{"gateways":{"other":{}}}"#, r#"{"token":{"permissions":["All"]}}"#] {
            assert_eq!(change(wrong).0, 400, "{wrong}");
        }
        assert_eq!(simulator.options().access.status, crate::simulator::cloudflare::access::TokenStatus::Disabled);
        assert!(!simulator.gateway("main").unwrap().settings.collect_logs);
        assert_eq!(simulator.options().clock_ahead_seconds, 90);
        assert!(simulator.table("aig_logs_raw").unwrap().schema().columns().eq(["id"]));
    }

    #[test]
    fn a_storm_can_be_ended() {
        let mut simulator = Simulator::new(crate::simulator::options::stormy(7, options()));
        assert_eq!(send(&mut simulator, Method::POST, "/simulator/calm", "").0, 200);
        for _ in 0..100 {
            assert_ne!(send(&mut simulator, Method::POST, "/token", "").0, 500);
        }
        assert!(simulator.faults().struck().is_empty());
    }

    #[test]
    fn rows_and_calls_can_be_read() {
        let mut simulator = Simulator::new(options());
        let rows = send(&mut simulator, Method::GET, "/simulator/rows?table=aig_logs_raw", "");
        assert_eq!(rows, (200, String::new()));
        assert_eq!(send(&mut simulator, Method::POST, "/simulator/stop", "").0, 200);
        let (_, calls) = send(&mut simulator, Method::GET, "/simulator/calls", "");
        let calls: Value = serde_json::from_str(&calls).unwrap();
        assert_eq!((&calls["list"], &calls["faults"], &calls["late"]), (&json!(0), &json!({}), &json!(0)));
    }
}
