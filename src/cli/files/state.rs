//! The state that an operator reads or changes: a SQLite file, or a deployed Worker's KV.

use std::path::PathBuf;

use rusqlite::Connection;
use tokio::sync::watch;

use crate::{
    cli::{
        args::{Options, State},
        failure::Failure,
        files::{
            guard,
            open::{existing, read_only, unusable},
            passes::Passes,
        },
        jobs::native_store,
        vars::settings::Vars,
    },
    config::{Destination, Kv},
    error::StoreError,
    host::{
        Listing, Put, Store,
        native::{NativeHost, SqliteStore},
        rest_kv::RestKv,
    },
};

/// A state, opened.
pub enum OpenState {
    /// A SQLite file.
    File {
        /// Where it is.
        path: PathBuf,
        /// The file, opened.
        connection: Connection,
    },
    /// A deployed Worker's.
    Kv {
        /// Who calls.
        host: NativeHost,
        /// What is called.
        kv: Kv,
        /// Where the Worker writes rows, in words.
        rows: String,
    },
}

impl OpenState {
    /// Opens a state to read it. It does not change, and nothing is copied.
    pub fn to_read(options: &Options, stop: watch::Receiver<bool>) -> Result<Self, Failure> {
        match options.state() {
            State::File(path) => Ok(Self::File { connection: read_only(&path)?, path }),
            State::Kv => Self::kv(options, stop),
        }
    }

    /// A state that is there, to change.
    pub fn to_change(options: &Options, stop: watch::Receiver<bool>) -> Result<Self, Failure> {
        match options.state() {
            State::File(path) => Ok(Self::File { connection: existing(&path)?, path }),
            State::Kv => Self::kv(options, stop),
        }
    }

    fn kv(options: &Options, stop: watch::Receiver<bool>) -> Result<Self, Failure> {
        let vars = Vars::read(options)?;
        let kv = vars.kv()?;
        let is_d1 = |sink| if sink == Destination::D1 { "D1" } else { "BigQuery" };
        let rows: Vec<_> = vars.sinks_of_worker()?.into_iter().map(is_d1).collect();
        let rows = format!("{}, by the Worker", rows.join(" and "));
        let host = NativeHost::new(stop, |_| {}).map_err(|error| Failure::host(&error))?;
        Ok(Self::Kv { host, kv, rows })
    }

    /// Its store of cursors, status and dead letters.
    pub fn store(&self) -> Result<OpenStore<'_>, Failure> {
        let [state, _] = self.stores()?;
        Ok(state)
    }

    /// The same, and its store of the ids written.
    pub fn stores(&self) -> Result<[OpenStore<'_>; 2], Failure> {
        match self {
            Self::File { path, connection } => {
                let store = |name| SqliteStore::new(connection, name).map_err(|error| unusable(path, &error));
                Ok([OpenStore::File(store("state")?), OpenStore::File(store("ids")?)])
            }
            Self::Kv { host, kv, .. } => Ok([&kv.state, &kv.ids].map(|id| OpenStore::Kv(RestKv::new(host, kv, id)))),
        }
    }

    /// When its passes were made, where it says.
    pub async fn passes(&self) -> Result<Passes, Failure> {
        match self {
            Self::File { connection, .. } => Ok(Passes::load(&native_store(connection)?).await?),
            Self::Kv { .. } => Ok(Passes::default()),
        }
    }

    /// Checks that it is the state of an account.
    pub async fn check_account(&self, account: &str) -> Result<(), Failure> {
        match self {
            Self::File { path, connection } => guard::check_account(connection, path, account).await,
            // The namespaces are looked for in that account.
            Self::Kv { .. } => Ok(()),
        }
    }

    /// Where it is, in words.
    pub fn place(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Kv { kv, .. } => format!("the Worker's KV namespace {}", kv.state),
        }
    }

    /// Where its rows go, where it says.
    pub async fn target(&self) -> Result<Option<String>, Failure> {
        match self {
            Self::File { path, connection } => guard::target(connection, path).await,
            Self::Kv { rows, .. } => Ok(Some(rows.clone())),
        }
    }
}

/// A store of an open state.
pub enum OpenStore<'a> {
    /// In a SQLite file.
    File(SqliteStore<'a>),
    /// In a deployed Worker's KV.
    Kv(RestKv<'a, NativeHost>),
}

impl Store for OpenStore<'_> {
    async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreError> {
        match self {
            Self::File(store) => store.get_many(keys).await,
            Self::Kv(store) => store.get_many(keys).await,
        }
    }

    async fn put(&self, key: &str, value: &str, options: &Put) -> Result<(), StoreError> {
        match self {
            Self::File(store) => store.put(key, value, options).await,
            Self::Kv(store) => store.put(key, value, options).await,
        }
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match self {
            Self::File(store) => store.delete(key).await,
            Self::Kv(store) => store.delete(key).await,
        }
    }

    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<Listing, StoreError> {
        match self {
            Self::File(store) => store.list(prefix, cursor).await,
            Self::Kv(store) => store.list(prefix, cursor).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_state_that_is_looked_at_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        let file = Connection::open(&path).unwrap();
        let ids = SqliteStore::new(&file, "ids").unwrap();
        for n in 0..40 {
            ids.put(&format!("ids:main:{n}"), &"i".repeat(100_000), &Put::default()).now_or_never().unwrap().unwrap();
        }
        let state = Some(State::File(path));
        let options = Options { sinks: Vec::new(), state, vars: None, json: false, dry_run: false, pages: None };
        let (_stopper, stop) = watch::channel(false);
        let looked_at = OpenState::to_read(&options, stop).unwrap();
        let OpenState::File { connection, .. } = &looked_at else { panic!("it is a file") };
        let [_, ids] = looked_at.stores().unwrap();
        assert_eq!(ids.list("", None).now_or_never().unwrap().unwrap().keys.len(), 40);
        let copied = connection.query_row("SELECT total_changes()", [], |row| row.get::<_, u32>(0));
        assert_eq!(copied.unwrap(), 0);
        assert!(ids.put("a", "1", &Put::default()).now_or_never().unwrap().is_err());
    }
}
