//! What operators do with dead letters: see them, have them written once more, throw them away.

use std::time::Duration;

use crate::{
    error::Error,
    host::{self, Put, Store},
    sink::Sink,
    state::{DEAD, DeadLetter, DeadLetters, read_dead_letters},
};

/// What came of one value of dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Its key.
    pub key: String,
    /// Rows that the sink has now.
    pub rows: u64,
    /// Of these, rows that it had before, where it can tell.
    pub known: u64,
    /// Rows refused once more, which stay under the key.
    pub refused: u64,
}

/// The keys of all dead letters, in order, and how many rows each holds.
///
/// # Errors
/// Where the store does not answer.
pub async fn keys<S: Store>(store: &S) -> Result<Vec<(String, u64)>, Error> {
    let mut keys = Vec::new();
    let listed = host::list(store, DEAD, |key, metadata| {
        let rows = metadata.and_then(|metadata| metadata["n"].as_u64());
        keys.push((key, rows.unwrap_or(0)));
    });
    listed.await.map_err(|error| Error::Store { action: "listing", key: DEAD.into(), error })?;
    Ok(keys)
}

/// The rows under a key; `None` where nothing is kept there.
///
/// # Errors
/// Where the store does not answer, or the value is not one this program knows.
pub async fn read<S: Store>(store: &S, key: &str) -> Result<Option<Vec<DeadLetter>>, Error> {
    let values = store.get_many(&[key]).await;
    let values = values.map_err(|error| Error::Store { action: "loading", key: key.into(), error })?;
    values.into_iter().next().flatten().map(|text| read_dead_letters(key, &text)).transpose()
}

/// Takes a key away with all its rows.
///
/// # Errors
/// Where the store does not say that it is gone.
pub async fn discard<S: Store>(store: &S, key: &str) -> Result<(), Error> {
    store.delete(key).await.map_err(|error| Error::Store { action: "deleting", key: key.into(), error })
}

/// Writes the rows under `key` once more, and takes the key away once the sink has them all. Those that it refuses again
/// stay under the key for `ttl` from now, with the new reasons. `None` where nothing is kept there.
///
/// # Errors
/// Where the sink does not take the batch, or the store does not keep up. What was there is still there then.
pub async fn replay<S: Store, K: Sink>(
    store: &S,
    sink: &K,
    key: &str,
    ttl: Duration,
) -> Result<Option<Replayed>, Error> {
    let Some(letters) = read(store, key).await? else { return Ok(None) };
    let rows: Vec<_> = letters.into_iter().map(|letter| letter.row).collect();
    let (mut known, mut refused) = (0, Vec::new());
    for batch in rows.chunks(sink.batch()) {
        let outcome = sink.write(batch).await;
        let outcome = outcome.map_err(|error| Error::Sink { sink: sink.name(), error })?;
        known += outcome.known;
        let again = outcome.rejected.into_iter();
        refused.extend(again.map(|again| DeadLetter { row: batch[again.index].clone(), reason: again.reason }));
    }
    // If we stop here: the rows are in and still under the key. A further replay writes them again, and readers see
    // them once.
    if refused.is_empty() {
        discard(store, key).await?;
    } else {
        let kept = DeadLetters::under(key, &refused);
        let put = store.put(key, &kept.value, &Put { ttl: Some(ttl), metadata: Some(kept.metadata()) }).await;
        put.map_err(|error| Error::Store { action: "saving", key: key.into(), error })?;
    }
    let written = rows.len() - refused.len();
    Ok(Some(Replayed { key: key.to_owned(), rows: written as u64, known, refused: refused.len() as u64 }))
}
