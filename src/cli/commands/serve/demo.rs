//! `aig-logs serve --demo`: a simulated application that sends events, and a simulated AI Gateway whose logs are copied
//! into the same file, for as long as the server runs.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use http::{Request, header};
use rand::{RngCore, rngs::OsRng};
use serde_json::Value;
use tokio::sync::watch;

use super::{browser, local::Local};
use crate::{
    api::{
        key::{ALL_ORGS, Scope},
        keys,
    },
    cli::{
        args::PastOptions,
        commands::simulate,
        failure::{Exit, Failure},
        files::{
            guard, names,
            open::connect_in_place,
            target::{Files, Opened},
        },
        jobs::{Poller, Work},
        progress::Screen,
    },
    config::{Config, Destination},
    host::{
        Host,
        native::{NativeHost, now},
    },
    ingest::MOST_EVENTS,
    simulator::{Simulator, application, options::SimulatorOptions},
    time::Timestamp,
};

/// The past of the application, and its events a second there and live.
const PAST: TimeDelta = TimeDelta::days(3);
const PAST_RATE: f64 = 0.04;
const LIVE_RATE: f64 = 4.0;

/// The past of the gateway, and its live logs a minute.
const LOGS: PastOptions = PastOptions { entries: 3_000, days: 3.0, seed: 1 };
const LIVE_LOGS: f64 = 60.0;

/// From one batch of the application to the next, and from one forward pass to the next.
const BATCH: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_secs(2);

/// What differs from the settings of the simulator.
const SETTINGS: [(&str, &str); 3] =
    [("SETTLE_SECONDS", "2"), ("FORWARD_MAX_PAGES", "auto"), ("BACKFILL_MAX_PAGES", "auto")];

/// Lets events and logs arrive until stopped.
pub async fn run(
    local: &Local,
    path: &Path,
    address: SocketAddr,
    opens: bool,
    (stop, screen): (watch::Receiver<bool>, &Screen),
) -> Result<Exit, Failure> {
    let key = key(local, &Scope::ALL).await?;
    screen.say(&told(&key, address));
    if opens {
        browser::open(&page(&key, address));
    }
    let host = NativeHost::new(stop, |_| {}).map_err(|error| Failure::host(&error))?;
    let start = now();
    let past = application::events(LOGS.seed, start - PAST, start, PAST_RATE);
    send(local, &key, &past).await?;
    let options = SimulatorOptions { live_per_minute: LIVE_LOGS, rate_limit: None, ..simulate::past(LOGS) };
    let simulator = Arc::new(Mutex::new(Simulator::new(options)));
    let listener = simulate::listen(0).await?;
    let base = simulate::address(&listener)?;
    let config = simulate::config(&simulator, &base, &SETTINGS, Destination::Sqlite(path.to_owned()))?;
    tokio::select! {
        ended = simulate::serve(simulator, listener, now, std::future::pending()) => ended?,
        ended = async { tokio::try_join!(arrive(local, &key, start, &host), copy(path, &host, &config)) } => {
            ended?;
        }
    }
    Ok(Exit::Done)
}

/// Shows the page over logs that are there already, with the past of the application beside them and its events as they
/// happen, until stopped.
pub async fn show(
    local: &Local,
    address: SocketAddr,
    opens: bool,
    (stop, screen): (watch::Receiver<bool>, &Screen),
) -> Result<Exit, Failure> {
    let key = key(local, &Scope::ALL).await?;
    let host = NativeHost::new(stop, |_| {}).map_err(|error| Failure::host(&error))?;
    let start = now();
    send(local, &key, &application::events(LOGS.seed, start - PAST, start, PAST_RATE)).await?;
    local.count().await.map_err(|error| Failure::call("counting closed hours", error))?;
    screen.say("");
    look(&key, address, opens, screen);
    arrive(local, &key, start, &host).await.map(|()| Exit::Done)
}

/// Tells the address of the page, and opens it.
pub(super) fn look(key: &str, address: SocketAddr, opens: bool, screen: &Screen) {
    let page = page(key, address);
    screen.say(&format!("Look at it, until Ctrl-C: {page}"));
    if opens {
        browser::open(&page);
    }
}

/// The address of the page, with a key in the part that no browser sends.
fn page(key: &str, address: SocketAddr) -> String {
    format!("http://{address}/#key={key}")
}

/// A new key of all orgs.
pub(super) async fn key(local: &Local, scopes: &[Scope]) -> Result<String, Failure> {
    let scopes: Vec<_> = scopes.iter().map(|scope| scope.name().to_owned()).collect();
    let key = keys::checked(ALL_ORGS, &scopes, Vec::new());
    let key = key.map_err(|(_, problem)| Failure::denied("making a key", problem, "Start it again"))?;
    let made = keys::made(local.database(), key, |bytes| OsRng.fill_bytes(bytes), now()).await;
    let made = made.map_err(|error| Failure::call("making a key", error))?;
    Ok(made["key"].as_str().unwrap_or_default().to_owned())
}

fn told(key: &str, address: SocketAddr) -> String {
    let page = page(key, address);
    format!(
        r#"Simulated events and logs arrive while it runs. This key is of all orgs and has all scopes:

  {key}

Look at them: {page}

Send an event, or a batch:

curl -X POST http://{address}/events \
  -H "Authorization: Bearer {key}" \
  -H "Content-Type: application/json" \
  -d '{{
    "event": "api.request",
    "userId": "user_123",
    "properties": {{
      "method": "GET",
      "path": "/api/users"
    }},
    "performance": {{
      "duration": 45.5,
      "statusCode": 200
    }}
  }}'

curl -X POST http://{address}/ \
  -H "Authorization: Bearer {key}" \
  -H "Content-Type: application/json" \
  -d '[{{"user_id": {{"example": "test"}}, "event_name": "test_event"}}]'
"#
    )
}

/// Events of the application, as they happen.
async fn arrive(local: &Local, key: &str, start: Timestamp, host: &NativeHost) -> Result<(), Failure> {
    let mut from = start;
    while !host.stopping() {
        let until = host.now();
        send(local, key, &application::events(LOGS.seed, from, until, LIVE_RATE)).await?;
        from = until;
        host.sleep(BATCH).await;
    }
    Ok(())
}

/// Sends events through the API. If the file cannot be written just now, they are lost, as those of a sender that gives
/// up.
async fn send(local: &Local, key: &str, events: &[Value]) -> Result<(), Failure> {
    for batch in events.chunks(MOST_EVENTS) {
        let request = Request::post("/events/batch").header(header::AUTHORIZATION, format!("Bearer {key}"));
        let request = request.body(Value::from(batch).to_string().into_bytes());
        let request = request.map_err(|error| Failure::denied("sending an event", error, "Start it again"))?;
        let answer = local.answer(request).await;
        if !answer.status().is_success() {
            log::warn!("the simulated application was answered with {}", answer.status());
        }
    }
    Ok(())
}

/// Copies the logs of the gateway: the history once, and then what arrives.
async fn copy(path: &Path, host: &NativeHost, config: &Config) -> Result<(), Failure> {
    let (state, place) = connect_in_place(path)?;
    guard::check(&state, path, names::BESIDE, &config.source.account).await?;
    let files = Files { state, place, rows: vec![Opened::WithState] };
    let poller = Poller::new(host, config, &files)?;
    for work in [Work::Forward, Work::Backfill].into_iter().chain(std::iter::repeat(Work::Forward)) {
        if host.stopping() {
            break;
        }
        for error in poller.pass(work).await.errors() {
            log::warn!("copying simulated logs: {}", error.chain());
        }
        host.sleep(TICK).await;
    }
    Ok(())
}
