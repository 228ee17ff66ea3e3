//! What the server has beside its file: this machine's clock and random numbers, and the limit of requests.

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use rand::RngCore;

use crate::{
    api::Api,
    config::EventSettings,
    database::sqlite::SqliteDatabase,
    host::{Server, native::now},
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
    pub fn new(settings: EventSettings, database: SqliteDatabase) -> Self {
        let quota = settings.rate.and_then(std::num::NonZeroU32::new).map(Quota::per_minute);
        let server = LocalServer { database, limiter: quota.map(RateLimiter::keyed) };
        Self { api: Api::new(settings), server }
    }

    /// The file.
    pub fn database(&self) -> &SqliteDatabase {
        &self.server.database
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request) -> Response {
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

    async fn allows(&self, key: &str) -> bool {
        self.limiter.as_ref().is_none_or(|limiter| limiter.check_key(&key.to_owned()).is_ok())
    }
}
