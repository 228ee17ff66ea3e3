//! The host of the `aig-logs` command: this machine's clock, an HTTP client, signatures, and a store in a SQLite file.

use std::{
    env,
    error::Error as _,
    fmt,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use rusqlite::{Connection, OptionalExtension, named_params, params};
use tokio::sync::watch;

use super::{BEGINNING, Host, LARGEST_ANSWER, Listing, Progress, Put, Store};
use crate::{
    error::{CallError, StoreError},
    google::{key::PrivateKey, unusable_key},
    time::{self, Timestamp},
    wire::{Request, Response},
};

/// The time until a connection is made.
const CONNECT: Duration = Duration::from_secs(10);

/// The time until the whole answer is read. An insert of 9 MB is answered within a few seconds.
const ANSWER: Duration = Duration::from_secs(30);

/// This machine.
pub struct NativeHost {
    client: reqwest::Client,
    stop: watch::Receiver<bool>,
    observer: Box<dyn Fn(Progress<'_>)>,
}

impl fmt::Debug for NativeHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeHost").finish_non_exhaustive()
    }
}

impl NativeHost {
    /// A host that ends its passes once `stop` is true, and tells `observer` the progress.
    ///
    /// # Errors
    /// If this machine's certificates cannot be loaded.
    pub fn new(stop: watch::Receiver<bool>, observer: impl Fn(Progress<'_>) + 'static) -> Result<Self, CallError> {
        // A second host in the same process finds the provider already in place.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy();
        // Plain http goes only to this machine, and no proxy may read the tokens in it. Other calls go through a
        // tunnel.
        let client = match proxy() {
            Some(address) => client.proxy(tunnel(&address)?),
            None => client,
        };
        let client = client
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("aig-logs/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| CallError::denied(causes(&error), "Check this machine's certificates"))?;
        Ok(Self { client, stop, observer: Box::new(observer) })
    }
}

/// The proxy that the environment names for https, as curl reads it.
fn proxy() -> Option<String> {
    let names = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    names.iter().filter_map(|name| env::var(name).ok()).find(|address| !address.trim().is_empty())
}

/// A tunnel through the proxy at an address, except for this machine and for the names in `NO_PROXY`. The address may
/// hold a password.
fn tunnel(address: &str) -> Result<reqwest::Proxy, CallError> {
    let proxy = reqwest::Proxy::https(address.trim())
        .map_err(|_| CallError::denied("the proxy is not an address", "Check HTTPS_PROXY and ALL_PROXY"))?;
    let excepted = ["no_proxy", "NO_PROXY"].iter().find_map(|name| env::var(name).ok()).unwrap_or_default();
    Ok(proxy.no_proxy(reqwest::NoProxy::from_string(&format!("localhost,127.0.0.0/8,::1,{excepted}"))))
}

/// The present by this machine's clock, UTC.
#[expect(clippy::disallowed_methods, reason = "a host reads the clock")]
#[must_use]
pub fn now() -> Timestamp {
    time::held(SystemTime::now().into())
}

impl Host for NativeHost {
    fn now(&self) -> Timestamp {
        now()
    }

    fn random(&self) -> f64 {
        rand::random()
    }

    #[expect(clippy::disallowed_methods, reason = "a host sleeps")]
    async fn sleep(&self, duration: Duration) {
        let mut stop = self.stop.clone();
        let stopped = async {
            // Nobody can ask for a stop any more: wait the whole time.
            if stop.wait_for(|stop| *stop).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(duration) => {}
            () = stopped => {}
        }
    }

    async fn send(&self, request: Request) -> Result<Response, CallError> {
        let silent = |error: reqwest::Error| CallError::Silent(causes(&error.without_url()));
        let request = reqwest::Request::try_from(request).map_err(silent)?;
        let response = self.client.execute(request).await.map_err(silent)?;
        let (parts, body) = http::Response::from(response).into_parts();
        let mut body = reqwest::Response::from(http::Response::new(body));
        let mut bytes = Vec::new();
        while let Some(chunk) = body.chunk().await.map_err(silent)? {
            if bytes.len() + chunk.len() > LARGEST_ANSWER {
                bytes.extend_from_slice(&chunk);
                bytes.truncate(BEGINNING);
                return Err(CallError::TooLarge { most: LARGEST_ANSWER, beginning: bytes });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Response::from_parts(parts, bytes))
    }

    async fn sign(&self, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, CallError> {
        // The libraries' own messages could quote the key.
        let key = EncodingKey::from_rsa_pem(key.pem().reveal().as_bytes()).map_err(|_| unusable_key())?;
        let signature = jsonwebtoken::crypto::sign(message, &key, Algorithm::RS256).map_err(|_| unusable_key())?;
        URL_SAFE_NO_PAD.decode(signature).map_err(|_| unusable_key())
    }

    fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    fn progress(&self, progress: Progress<'_>) {
        (self.observer)(progress);
    }
}

/// An error and its causes, in one line.
fn causes(error: &reqwest::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line = format!("{line}: {cause}");
        source = cause.source();
    }
    line
}

/// Two stores share a file. The store's name tells their keys apart.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS aig_logs_state (
  store TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  metadata TEXT,
  expires_at TEXT,
  PRIMARY KEY (store, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS main.aig_logs_state_expiry ON aig_logs_state (store, expires_at) WHERE expires_at IS NOT NULL;
";

/// The keys of one listing page, as many as in KV.
const LISTED: u32 = 1_000;

/// A store in a SQLite file.
#[derive(Debug)]
pub struct SqliteStore<'a> {
    connection: &'a Connection,
    name: &'static str,
    now: fn() -> Timestamp,
}

impl<'a> SqliteStore<'a> {
    /// The store with this name in the file. Its table is made if it is missing, unless the connection may not write.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn new(connection: &'a Connection, name: &'static str) -> Result<Self, StoreError> {
        let make = || {
            let is_closed: bool = connection.pragma_query_value(None, "query_only", |row| row.get(0))?;
            if is_closed { Ok(()) } else { connection.execute_batch(SCHEMA) }
        };
        make().map_err(|error| failed(&error))?;
        Ok(Self { connection, name, now })
    }

    fn get(&self, key: &str) -> rusqlite::Result<Option<String>> {
        let get = "SELECT value FROM aig_logs_state WHERE store = ? AND key = ?";
        self.connection.prepare_cached(get)?.query_row([self.name, key], |row| row.get(0)).optional()
    }
}

/// Expired values stay until a caller confirms the time, because this machine's clock may be wrong.
impl Store for SqliteStore<'_> {
    async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreError> {
        keys.iter().map(|key| self.get(key)).collect::<Result<_, _>>().map_err(|error| failed(&error))
    }

    /// A value that is put again never expires earlier than before, even if the clock is behind.
    async fn put(&self, key: &str, value: &str, options: &Put) -> Result<(), StoreError> {
        let put = "INSERT OR REPLACE INTO aig_logs_state (store, key, value, metadata, expires_at) VALUES (\
                   :store, :key, :value, :metadata, max(:expires_at, coalesce(\
                   (SELECT expires_at FROM aig_logs_state WHERE store = :store AND key = :key), :expires_at)))";
        let parameters = named_params! {
            ":store": self.name,
            ":key": key,
            ":value": value,
            ":metadata": options.metadata.as_ref().map(ToString::to_string),
            ":expires_at": options.ttl.map(|ttl| time::text((self.now)() + ttl)),
        };
        let kept = self.connection.prepare_cached(put).and_then(|mut put| put.execute(parameters));
        kept.map(|_| ()).map_err(|error| failed(&error))
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let delete = "DELETE FROM aig_logs_state WHERE store = ? AND key = ?";
        let deleted = self.connection.prepare_cached(delete).and_then(|mut delete| delete.execute([self.name, key]));
        deleted.map(|_| ()).map_err(|error| failed(&error))
    }

    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<Listing, StoreError> {
        let list = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT key, metadata FROM aig_logs_state \
                 WHERE store = ? AND key > ? AND key >= ? AND substr(key, 1, length(?3)) = ?3 ORDER BY key LIMIT ?",
            )?;
            let parameters = params![self.name, cursor.unwrap_or(""), prefix, LISTED];
            let rows = statement.query_map(parameters, |row| {
                let metadata: Option<String> = row.get(1)?;
                Ok((row.get::<_, String>(0)?, metadata.and_then(|text| serde_json::from_str(&text).ok())))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let keys = list().map_err(|error| failed(&error))?;
        let cursor = keys.last().filter(|_| keys.len() == LISTED as usize).map(|(key, _)| key.clone());
        Ok(Listing { keys, cursor })
    }

    async fn expire(&self, now: Timestamp) -> Result<(), StoreError> {
        let expire = "DELETE FROM aig_logs_state WHERE store = ? AND expires_at <= ?";
        let expired = self.connection.prepare_cached(expire);
        let expired = expired.and_then(|mut expire| expire.execute([self.name, &time::text(now)]));
        expired.map(|_| ()).map_err(|error| failed(&error))
    }
}

fn failed(error: &rusqlite::Error) -> StoreError {
    StoreError::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use futures_util::FutureExt;
    use serde_json::json;

    use super::*;

    fn store<'a>(connection: &'a Connection, name: &'static str, now: fn() -> Timestamp) -> SqliteStore<'a> {
        SqliteStore { now, ..SqliteStore::new(connection, name).unwrap() }
    }

    fn put(store: &SqliteStore<'_>, key: &str, value: &str, options: &Put) {
        store.put(key, value, options).now_or_never().unwrap().unwrap();
    }

    #[test]
    fn stores_in_one_file_keep_their_keys_apart() {
        let file = Connection::open_in_memory().unwrap();
        let (state, ids) = (store(&file, "state", now), store(&file, "ids", now));
        put(&state, "a", "1", &Put::default());
        put(&ids, "a", "2", &Put::default());
        put(&state, "a", "3", &Put::default());
        assert_eq!(state.get_many(&["a", "b"]).now_or_never().unwrap().unwrap(), [Some("3".into()), None]);
        assert_eq!(ids.get_many(&["a"]).now_or_never().unwrap().unwrap(), [Some("2".into())]);
        for _ in 0..2 {
            state.delete("a").now_or_never().unwrap().unwrap();
            assert_eq!(state.get_many(&["a"]).now_or_never().unwrap().unwrap(), [None]);
        }
        assert_eq!(ids.get_many(&["a"]).now_or_never().unwrap().unwrap(), [Some("2".into())]);
    }

    #[test]
    fn what_is_over_is_there_until_a_confirmed_time_is_told() {
        let file = Connection::open_in_memory().unwrap();
        let (state, ids) =
            (store(&file, "state", || Timestamp::UNIX_EPOCH), store(&file, "ids", || Timestamp::UNIX_EPOCH));
        let late = store(&file, "state", || Timestamp::UNIX_EPOCH + TimeDelta::days(50));
        let ttl = Put { ttl: Some(Duration::from_mins(1)), metadata: None };
        put(&state, "a", "1", &ttl);
        put(&ids, "a", "1", &ttl);
        put(&state, "b", "2", &Put::default());
        // The clock of the reader or the writer does not matter.
        put(&late, "c", "3", &Put::default());
        assert_eq!(late.get_many(&["a"]).now_or_never().unwrap().unwrap(), [Some("1".into())]);
        assert_eq!(late.list("", None).now_or_never().unwrap().unwrap().keys.len(), 3);
        state.expire(Timestamp::UNIX_EPOCH + TimeDelta::seconds(59)).now_or_never().unwrap().unwrap();
        assert_eq!(state.get_many(&["a"]).now_or_never().unwrap().unwrap(), [Some("1".into())]);
        state.expire(Timestamp::UNIX_EPOCH + TimeDelta::seconds(60)).now_or_never().unwrap().unwrap();
        assert_eq!(state.get_many(&["a", "b"]).now_or_never().unwrap().unwrap(), [None, Some("2".into())]);
        assert_eq!(ids.get_many(&["a"]).now_or_never().unwrap().unwrap(), [Some("1".into())]);
    }

    #[test]
    fn a_value_that_is_put_again_goes_no_earlier_whatever_the_clock() {
        let file = Connection::open_in_memory().unwrap();
        let ttl = Put { ttl: Some(Duration::from_mins(1)), metadata: None };
        put(&store(&file, "state", || Timestamp::UNIX_EPOCH + TimeDelta::days(50)), "a", "1", &ttl);
        let behind = store(&file, "state", || Timestamp::UNIX_EPOCH);
        put(&behind, "a", "2", &ttl);
        behind.expire(Timestamp::UNIX_EPOCH + TimeDelta::days(50)).now_or_never().unwrap().unwrap();
        assert_eq!(behind.get_many(&["a"]).now_or_never().unwrap().unwrap(), [Some("2".into())]);
    }

    #[test]
    fn keys_are_listed_by_prefix_with_their_metadata_page_by_page() {
        let file = Connection::open_in_memory().unwrap();
        let ids = store(&file, "ids", now);
        let metadata = Some(json!({ "n": 1 }));
        for n in 0..1_001 {
            put(&ids, &format!("ids:{n:04}"), "", &Put { ttl: None, metadata: metadata.clone() });
        }
        put(&ids, "ids", "", &Put::default());
        put(&ids, "idz", "", &Put::default());
        let first = ids.list("ids:", None).now_or_never().unwrap().unwrap();
        assert_eq!((first.keys.len(), &first.keys[0]), (1_000, &("ids:0000".to_owned(), metadata.clone())));
        let second = ids.list("ids:", first.cursor.as_deref()).now_or_never().unwrap().unwrap();
        assert_eq!(second, Listing { keys: vec![("ids:1000".to_owned(), metadata)], cursor: None });
    }
}
