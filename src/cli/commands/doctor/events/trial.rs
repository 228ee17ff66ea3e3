//! A test event: it goes in, is known the second time, is seen in the database, and is taken out again.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use ulid::Ulid;

use super::database::{self, number};
use crate::{
    cli::{
        args::Doctor,
        commands::{doctor::check::Check, send},
        failure::Failure,
        vars::settings::Vars,
    },
    config::EventSettings,
    database::{Database, Statement},
    error::CallError,
    event::names,
    foreign,
    host::Host,
    record::Cell,
    secret::Secret,
    time::{self, Timestamp},
    wire,
};

/// The name of the test event.
const EVENT: &str = "aig-logs.doctor";

/// The names of the checks.
const SERVER: &str = "server";
const TRIAL: &str = "test event";

/// How often the database is asked for an event that has gone into a queue, a second apart.
const ASKED: u32 = 15;

/// What a test event needs.
pub struct Trial<'a, H, D> {
    pub host: &'a H,
    /// The database, if it has the table of events.
    pub database: Option<&'a D>,
    pub settings: Option<&'a EventSettings>,
    /// Whether a queue is in front of the database. Then nobody looks for duplicates before the answer.
    pub has_queue: bool,
}

/// The part of an answer that is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    version: String,
    accepted: u64,
    duplicates: u64,
    detail: String,
}

impl<H: Host, D: Database> Trial<'_, H, D> {
    /// Asks the server, and sends the test event, as far as address and key are given.
    pub async fn checks(&self, arguments: &Doctor, vars: &Vars) -> Result<Vec<Check>, Failure> {
        let Some(to) = &arguments.to else {
            return Ok([SERVER, TRIAL].map(|name| Check::skipped(name, "give --to URL to ask a server")).into());
        };
        let base = send::checked(to)?;
        let server = self.server(&base).await;
        let key = arguments.key.clone().or_else(|| vars.get("AIG_EVENTS_KEY"));
        let skipped = |why: &str| Check::skipped(TRIAL, why);
        let trial = match (key, &server) {
            (_, Err(_)) => skipped("the server must answer first"),
            (None, Ok(_)) => skipped("give --key, or set AIG_EVENTS_KEY, to send a test event"),
            (Some(_), Ok(_)) if self.is_closed() => skipped("EVENTS_ENABLED is false, or EVENTS_NAMES leaves it out"),
            (Some(key), Ok(_)) => {
                foreign::hide(&key);
                self.trial(&base, &Secret::new(key)).await.unwrap_or_else(|check| check)
            }
        };
        Ok(vec![server.unwrap_or_else(|check| check), trial])
    }

    /// Whether the settings say that the event is not taken.
    fn is_closed(&self) -> bool {
        self.settings.is_some_and(|settings| !settings.enabled || !names::is_taken(EVENT, &settings.names))
    }

    async fn server(&self, base: &str) -> Result<Check, Check> {
        let hint = "Check that the server runs: `aig-logs serve`, or `npm run deploy:events`";
        let failed = |says: String| Check::failed(SERVER, says, hint).mended_by("--to");
        let request = wire::request(Method::GET, &format!("{base}/health"), Vec::new());
        let response = self.host.send(request).await.map_err(|error| failed(error.to_string()))?;
        let answer: Option<Answer> = serde_json::from_slice(response.body()).ok();
        match (response.status(), answer) {
            (StatusCode::OK, Some(answer)) if !answer.version.is_empty() => {
                Ok(Check::ok(SERVER, format!("it answers, version {}", answer.version)))
            }
            (StatusCode::SERVICE_UNAVAILABLE, Some(answer)) => Err(Check::failed(
                SERVER,
                format!("its database is away: {}", answer.detail),
                "It takes no event until then; the checks of the database say more",
            )),
            (status, _) => Err(failed(format!("what answers there is no events API: status {}", status.as_u16()))),
        }
    }

    async fn trial(&self, base: &str, key: &Secret) -> Result<Check, Check> {
        let at = time::floor_ms(self.host.now());
        // Two doctors of one moment have different events.
        let random = (self.host.random() * 1e18).to_bits();
        let id = Ulid::from_parts(u64::try_from(at.timestamp_millis()).unwrap_or(0), random.into()).to_string();
        let body = self.event(&id, at).to_string();
        let first = self.send(base, key, &body).await?;
        let second = self.send(base, key, &body).await;
        let seen = match self.database {
            Some(database) => Some(self.taken_out(database, &id, at).await?),
            None => None,
        };
        let second = second?;
        let counts = [first.accepted, first.duplicates, second.accepted, second.duplicates];
        let expected = if self.has_queue { [1, 0, 1, 0] } else { [1, 0, 0, 1] };
        if counts != expected {
            let says = format!(
                "sent twice, it was answered with {} new and {} known, then {} new and {} known",
                counts[0], counts[1], counts[2], counts[3]
            );
            let hint = "The second time it must be known, or go into a queue that wrangler.toml names (EVENTS_QUEUE)";
            return Err(
                Check::failed(TRIAL, says, hint).mended_by("aig-logs doctor --events, in the folder of the server")
            );
        }
        let again = if self.has_queue { "taken twice by the queue" } else { "taken once, and known the second time" };
        match seen {
            Some(1) => Ok(Check::ok(TRIAL, format!("{again}; it was in the database, and is taken out again"))),
            Some(_) => {
                let says = format!("{again}, but the database that is checked here does not have it");
                let hint = "The server has another database: check --db and CF_D1_DATABASE_ID; or its queue is slow";
                Err(Check::failed(TRIAL, says, hint).mended_by("--db FILE, or --sink d1"))
            }
            None => {
                let says = format!("{again}; it stays there, because the database cannot be asked from here");
                Ok(Check::ok(TRIAL, says))
            }
        }
    }

    /// The test event. It fills what `EVENTS_REQUIRED` asks for.
    fn event(&self, id: &str, at: Timestamp) -> Value {
        let mut event = Map::from_iter([
            ("event".to_owned(), json!(EVENT)),
            ("id".to_owned(), json!(id)),
            ("timestamp".to_owned(), json!(time::text(at))),
        ]);
        for name in self.settings.iter().flat_map(|settings| &settings.required) {
            let (field, value) = match name.as_str() {
                "success" => (name.as_str(), json!(true)),
                "status_code" => (name.as_str(), json!(200)),
                "duration" | "cost" => (name.as_str(), json!(0)),
                "metadata" => (name.as_str(), json!({ "doctor": true })),
                "quantity" | "unit" | "sku" => ("usage", json!({ "quantity": 0, "unit": EVENT, "sku": EVENT })),
                other => (other, json!(EVENT)),
            };
            event.insert(field.to_owned(), value);
        }
        event.into()
    }

    async fn send(&self, base: &str, key: &Secret, body: &str) -> Result<Answer, Check> {
        let mut request = wire::post(&format!("{base}/events"), body.as_bytes().to_vec());
        key.authorize(&mut request);
        let response = self.host.send(request).await.map_err(|error| Check::refused(TRIAL, &error))?;
        let answer: Answer = serde_json::from_slice(response.body()).unwrap_or_default();
        let (hint, fix) = match response.status() {
            StatusCode::ACCEPTED => return Ok(answer),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ("The key needs the scope ingest", "AIG_EVENTS_KEY"),
            StatusCode::UNPROCESSABLE_ENTITY => {
                ("The settings of the server leave the test event out", "EVENTS_REQUIRED")
            }
            StatusCode::TOO_MANY_REQUESTS => ("Look again in a minute", "EVENTS_RATE"),
            StatusCode::NO_CONTENT => ("The server drops every event", "EVENTS_ENABLED=true"),
            _ => ("The log of the server says more", "aig-logs serve, or npm run tail:events"),
        };
        let says = format!("status {}: {}", response.status().as_u16(), foreign::clean(&answer.detail));
        Err(Check::failed(TRIAL, says, hint).mended_by(fix))
    }

    /// Takes the test event out of the database. Returns how many there were.
    async fn taken_out(&self, database: &D, id: &str, at: Timestamp) -> Result<u64, Check> {
        let values = || vec![Cell::Instant(at), Cell::Text(id.to_owned()), Cell::Text(EVENT.to_owned())];
        let refused = |error: CallError| Check::refused(TRIAL, &error);
        let mut seen = 0;
        for asked in 0..if self.has_queue { ASKED } else { 1 } {
            if asked > 0 {
                self.host.sleep(Duration::from_secs(1)).await;
            }
            [seen, _] = number(database, database::SEEN, values()).await.map_err(refused)?;
            if seen > 0 {
                break;
            }
        }
        if self.has_queue {
            // The second message may come a moment later than the first.
            self.host.sleep(Duration::from_secs(2)).await;
        }
        let delete = Statement::Sql(database::TAKEN_OUT.into(), values());
        database.run(vec![delete]).await.map_err(refused)?;
        Ok(seen)
    }
}
