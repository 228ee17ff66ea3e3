//! A state belongs to one target and one account. Its cursors say which logs of this account are in this target. With
//! another target or account, they would leave a hole there.

use std::path::Path;

use rusqlite::Connection;

use crate::{
    cli::{failure::Failure, files::open::unusable},
    error::Error,
    host::{Put, Store, native::SqliteStore},
    state::{FORWARD, OLDEST},
};

/// The key of the target in a state, and the settings that name the target.
const TARGET: (&str, &str) = ("target", "--sink, GCP_BQ_PROJECT, GCP_BQ_DATASET, GCP_BQ_TABLE and CF_D1_DATABASE_ID");

/// The same for the account.
const ACCOUNT: (&str, &str) = ("account", "CF_ACCOUNT_ID");

/// Checks that the state belongs to both. A state without a cursor belongs to nobody yet: it is given to both.
pub async fn check(state: &Connection, path: &Path, target: &str, account: &str) -> Result<(), Failure> {
    let store = |name| SqliteStore::new(state, name).map_err(|error| unusable(path, &error));
    let (state, native) = (store("state")?, store("native")?);
    let begun = state.get_many(&[FORWARD, OLDEST]).await.map_err(|error| error.during("loading", FORWARD))?;
    // Ids say too what is in the target: those of `backfill --from --to`, which moves no cursor.
    let ids = store("ids")?.list("ids:", None).await.map_err(|error| error.during("listing", "ids:"))?;
    let begun = begun.iter().any(Option::is_some) || !ids.keys.is_empty();
    for ((key, settings), given) in [(TARGET, target), (ACCOUNT, account)] {
        match read(&native, key).await? {
            Some(known) if known == given => {}
            Some(known) if begun => return Err(foreign(path, (key, settings), &known, given)),
            Some(_) | None => {
                let saved = native.put(key, given, &Put::default()).await;
                saved.map_err(|error| error.during("saving", key))?;
            }
        }
    }
    Ok(())
}

/// Checks that the state belongs to the account, and leaves it as it is.
pub async fn check_account(state: &Connection, path: &Path, account: &str) -> Result<(), Failure> {
    let native = SqliteStore::new(state, "native").map_err(|error| unusable(path, &error))?;
    let known = read(&native, ACCOUNT.0).await?.filter(|known| known != account);
    known.map_or(Ok(()), |known| Err(foreign(path, ACCOUNT, &known, account)))
}

fn foreign(path: &Path, (key, settings): (&str, &str), known: &str, given: &str) -> Failure {
    Failure::denied(
        format!("opening the state in {}", path.display()),
        format!("it belongs to the {key} {known:?}, but this is the {key} {given:?}"),
        format!(
            "Nothing was changed. Check {settings}; or give the new {key} a state of its own with --state PATH, and with \
             sqlite a file of its own with --sink sqlite:PATH"
        ),
    )
}

/// The target that a state remembers.
pub async fn target(state: &Connection, path: &Path) -> Result<Option<String>, Failure> {
    let native = SqliteStore::new(state, "native").map_err(|error| unusable(path, &error))?;
    Ok(read(&native, TARGET.0).await?)
}

async fn read(native: &SqliteStore<'_>, key: &str) -> Result<Option<String>, Error> {
    let values = native.get_many(&[key]).await;
    Ok(values.map_err(|error| error.during("loading", key))?.pop().flatten())
}
