//! What the server has beside its file: this machine's clock and random numbers, and the limit of requests.

use std::sync::Arc;

use chrono::TimeDelta;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::Method;
use rand::RngCore;

use super::{
    page,
    warehouse::{self, WarehouseQuestions},
};
use crate::{
    api::Api,
    cli::health::{
        cost,
        poller::PollerWatch,
        problem::{self, Audience, Problem},
        server::ServerWatch,
    },
    config::EventSettings,
    database::{Database as _, sqlite::SqliteDatabase},
    error::CallError,
    host::{Server, folder::Folder, native::now},
    query::{self, Known, NoAnswer, Table, What, pipeline::complete_through},
    removal::{
        archive_note,
        retention::{Gone, Most, Retention, retain},
    },
    rollup,
    time::{Timestamp, floor_ms},
    wire::{Request, Response},
};

/// Where events are sent.
const SENT: [&str; 3] = ["/events", "/events/batch", "/"];

/// The API of events over a SQLite file.
pub struct Local {
    /// What is known of its health beside the file.
    pub watch: ServerWatch,
    api: Api,
    server: LocalServer,
}

impl Local {
    /// The API with these settings.
    pub fn new(
        settings: EventSettings,
        database: SqliteDatabase,
        archive: Option<Folder>,
        poller: Option<Arc<PollerWatch>>,
        warehouse: Option<WarehouseQuestions>,
    ) -> Self {
        let quota = settings.rate.and_then(std::num::NonZeroU32::new).map(Quota::per_minute);
        let server = LocalServer { database, archive, warehouse, limiter: quota.map(RateLimiter::keyed) };
        let watch = ServerWatch::new(poller);
        Self { watch, api: Api::new(settings), server }
    }

    /// Deletes the events that are too old, after they are archived where there is an archive.
    pub async fn retain(&self) -> Result<Gone, CallError> {
        let LocalServer { database, archive, .. } = &self.server;
        let all = Most { rows: u64::MAX, hours: u64::MAX };
        let EventSettings { retention: events, rollup_retention: counts, .. } = *self.api.settings();
        retain(database, archive.as_ref(), now(), Retention { events, counts }, all).await
    }

    /// Counts the closed hours and days that are not counted yet. After every hundred it looks anew at what is due, so that
    /// the present does not wait for a long past.
    pub async fn count(&self) -> Result<(), CallError> {
        let counted = self.counted().await;
        self.watch.note_count(&counted, now());
        counted
    }

    async fn counted(&self) -> Result<(), CallError> {
        const MOST: usize = 100;
        let EventSettings { org_metadata, rollup_retention, .. } = self.api.settings();
        while rollup::pass(self.database(), org_metadata, *rollup_retention, now(), MOST).await?.spans >= MOST {}
        Ok(())
    }

    /// What is wrong.
    pub async fn problems(&self) -> Vec<Problem> {
        let asked = self.database().query("SELECT 1", Vec::new()).await;
        let away = asked.err().map(|error| Problem {
            label: "Database",
            words: "the database does not answer".into(),
            details: Some(error.to_string()),
            needs_person: true,
        });
        away.into_iter().chain(self.watch.problems().await).collect()
    }

    /// What the present day costs, USD.
    pub async fn cost(&self) -> Option<f64> {
        cost::today(self.database(), &self.api.settings().org_metadata, now()).await
    }

    /// The file.
    pub fn database(&self) -> &SqliteDatabase {
        &self.server.database
    }

    /// Answers a request: with the page, with how it goes, or through the API.
    pub async fn answer(&self, request: Request) -> Response {
        if let Some(page) = page::answer(&request) {
            return page;
        }
        let is_sent = request.method() == Method::POST && SENT.contains(&request.uri().path());
        let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
        if is_read && request.uri().path() == "/healthz" {
            return problem::answer(&self.problems().await, Audience::Everybody);
        }
        if self.server.warehouse.is_some() && warehouse::is_change(&request) {
            return warehouse::changes_nothing();
        }
        let response = self.api.answer(&self.server, request).await;
        if is_sent {
            self.watch.note(&response);
        }
        response
    }

    /// The file, when nobody is answered any more.
    pub fn into_database(self) -> SqliteDatabase {
        self.server.database
    }
}

/// This machine as a server of events.
struct LocalServer {
    database: SqliteDatabase,
    archive: Option<Folder>,
    /// Who answers questions; none: the file.
    warehouse: Option<WarehouseQuestions>,
    /// By the first letters of keys; none: nobody is held back. Only keys that exist are counted.
    limiter: Option<DefaultKeyedRateLimiter<String>>,
}

impl Server for LocalServer {
    type Database = SqliteDatabase;

    fn database(&self) -> &SqliteDatabase {
        &self.database
    }

    /// A warehouse is asked about whole minutes, so that an answer can be given again.
    fn now(&self) -> Timestamp {
        let now = now();
        let since_minute = TimeDelta::milliseconds(now.timestamp_millis().rem_euclid(60_000));
        if self.warehouse.is_some() { floor_ms(now) - since_minute } else { now }
    }

    fn fill(&self, bytes: &mut [u8]) {
        rand::thread_rng().fill_bytes(bytes);
    }

    fn complete_through(&self) -> Option<Timestamp> {
        self.warehouse.is_none().then(|| floor_ms(now()))
    }

    async fn logs_complete_through(&self) -> Option<Timestamp> {
        if self.warehouse.is_some() { None } else { complete_through(&self.database).await }
    }

    fn archive_note(&self, org: &str) -> Option<String> {
        self.archive.as_ref().map(|_| archive_note(org))
    }

    async fn ask(&self, what: What<'_>, known: Known<'_>) -> Result<Table, NoAnswer> {
        match &self.warehouse {
            Some(warehouse) => warehouse.answer(what, known).await,
            None => query::answer(&self.database, what, known).await,
        }
    }

    async fn allows(&self, key: &str) -> bool {
        self.limiter.as_ref().is_none_or(|limiter| limiter.check_key(&key.to_owned()).is_ok())
    }
}
