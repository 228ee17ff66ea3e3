//! What the server has beside its file: this machine's clock and random numbers, and the limit of requests.

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use rand::RngCore;

use super::page;
use crate::{
    api::Api,
    cli::files::passes::logs_complete_through,
    config::EventSettings,
    database::sqlite::SqliteDatabase,
    error::CallError,
    host::{Server, folder::Folder, native::now},
    removal::{
        archive_note,
        retention::{Gone, Most, Retention, retain},
    },
    rollup,
    time::Timestamp,
    wire::{Request, Response},
};

/// The API of events over a SQLite file.
pub struct Local {
    api: Api,
    server: LocalServer,
}

impl Local {
    /// The API with these settings.
    pub fn new(settings: EventSettings, database: SqliteDatabase, archive: Option<Folder>) -> Self {
        let quota = settings.rate.and_then(std::num::NonZeroU32::new).map(Quota::per_minute);
        let server = LocalServer { database, archive, limiter: quota.map(RateLimiter::keyed) };
        Self { api: Api::new(settings), server }
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
        const MOST: usize = 100;
        let EventSettings { org_metadata, rollup_retention, .. } = self.api.settings();
        while rollup::pass(self.database(), org_metadata, *rollup_retention, now(), MOST).await?.spans >= MOST {}
        Ok(())
    }

    /// The file.
    pub fn database(&self) -> &SqliteDatabase {
        &self.server.database
    }

    /// Answers a request: with the page, or through the API.
    pub async fn answer(&self, request: Request) -> Response {
        if let Some(page) = page::answer(&request) {
            return page;
        }
        self.api.answer(&self.server, request).await
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
    /// By the first letters of keys; none: nobody is held back. Only keys that exist are counted.
    limiter: Option<DefaultKeyedRateLimiter<String>>,
}

impl Server for LocalServer {
    type Database = SqliteDatabase;

    fn database(&self) -> &SqliteDatabase {
        &self.database
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        rand::thread_rng().fill_bytes(bytes);
    }

    async fn logs_complete_through(&self) -> Option<Timestamp> {
        logs_complete_through(&self.database).await
    }

    fn archive_note(&self, org: &str) -> Option<String> {
        self.archive.as_ref().map(|_| archive_note(org))
    }

    async fn allows(&self, key: &str) -> bool {
        self.limiter.as_ref().is_none_or(|limiter| limiter.check_key(&key.to_owned()).is_ok())
    }
}
