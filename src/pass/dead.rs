//! The work of operators on dead letters: they list them, write them again, and discard them.
//!
//! A dead letter of a row holds the whole row, as the JSON in which rows are written. `Record::from_json` reads each
//! column back unchanged, or refuses the row: replay never guesses. A key is deleted only after the sink has all its
//! rows. So a replay that dies earlier repeats rows in the raw table, and loses none.

use std::time::Duration;

use crate::{
    error::Error,
    host::{self, Put, Store},
    log::{entry::Entry, privacy::Privacy},
    record::Record,
    sink::Sink,
    source::Source,
    state::{Body, DEAD, DISCARDED, DeadLetter, DeadLetters, OF_EVENTS, place_of, read_dead_letters},
};

/// The result of a replay of the dead letters under one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The key.
    pub key: String,
    /// Rows that the sink has now.
    pub rows: u64,
    /// Of these, rows that the sink had before, if it can tell.
    pub known: u64,
    /// Rows that the sink refused again. They stay under the key.
    pub refused: u64,
}

/// The keys of all dead letters, in order, and how many rows each holds.
///
/// # Errors
/// If the store does not answer.
pub async fn keys<S: Store>(store: &S) -> Result<Vec<(String, u64)>, Error> {
    keys_of(store, DEAD).await
}

/// The keys of all discarded dead letters, in order, and how many rows each held.
///
/// # Errors
/// If the store does not answer.
pub async fn discarded_keys<S: Store>(store: &S) -> Result<Vec<(String, u64)>, Error> {
    keys_of(store, DISCARDED).await
}

async fn keys_of<S: Store>(store: &S, prefix: &str) -> Result<Vec<(String, u64)>, Error> {
    let mut keys = Vec::new();
    let listed = host::list(store, prefix, |key, metadata| {
        let rows = metadata.and_then(|metadata| metadata["n"].as_u64());
        keys.push((key, rows.unwrap_or(0)));
    });
    listed.await.map_err(|error| error.during("listing", prefix))?;
    Ok(keys)
}

/// The dead letters of a gateway, each with its key. A value that cannot be read is skipped with a warning: `aig-logs
/// dead-letters list` names it.
///
/// # Errors
/// If the store does not answer.
pub async fn letters_of<S: Store>(store: &S, gateway: &str) -> Result<Vec<(String, DeadLetter)>, Error> {
    letters_under(store, &format!("{DEAD}{gateway}:"), gateway).await
}

/// The discarded dead letters of a gateway. Only their ids and instants are kept.
///
/// # Errors
/// If the store does not answer.
pub async fn discarded_of<S: Store>(store: &S, gateway: &str) -> Result<Vec<DeadLetter>, Error> {
    let letters = letters_under(store, &format!("{DISCARDED}{gateway}:"), gateway).await?;
    Ok(letters.into_iter().map(|(_, letter)| letter).collect())
}

async fn letters_under<S: Store>(store: &S, prefix: &str, gateway: &str) -> Result<Vec<(String, DeadLetter)>, Error> {
    let mut letters = Vec::new();
    for (key, _) in keys_of(store, prefix).await? {
        if place_of(&key).is_none_or(|(of, _)| of != gateway) {
            continue;
        }
        match read(store, &key).await {
            Ok(found) => letters.extend(found.into_iter().flatten().map(|letter| (key.clone(), letter))),
            Err(Error::State { .. }) => log::warn!(key = key.as_str(); "dead letters that cannot be read"),
            Err(error) => return Err(error),
        }
    }
    Ok(letters)
}

/// The dead letters under a key; `None` if the key has no value.
///
/// # Errors
/// If the store does not answer, or this program does not know the form of the value.
pub async fn read<S: Store>(store: &S, key: &str) -> Result<Option<Vec<DeadLetter>>, Error> {
    let values = store.get_many(&[key]).await;
    let values = values.map_err(|error| error.during("loading", key))?;
    values.into_iter().next().flatten().map(|text| read_dead_letters(key, &text)).transpose()
}

/// Discards a key with all its rows, and keeps their ids, so that a later question about an id gets the answer that it
/// was discarded.
///
/// # Errors
/// If the store does not keep the ids, or does not confirm that the key is deleted.
pub async fn discard<S: Store>(store: &S, key: &str) -> Result<(), Error> {
    let left = match read(store, key).await {
        Ok(letters) => letters.and_then(|letters| DeadLetters::discarded(key, &letters)),
        // A value that cannot be read has no ids to keep.
        Err(Error::State { .. }) => None,
        Err(error) => return Err(error),
    };
    if let Some(left) = left {
        let options = Put { metadata: Some(left.metadata()), ..Put::default() };
        let kept = store.put(&left.key, &left.value, &options).await;
        kept.map_err(|error| error.during("saving", &left.key))?;
    }
    // If we stop here, the dead letters are still there, and can be discarded again.
    store.delete(key).await.map_err(|error| error.during("deleting", key))
}

/// Writes the rows under `key` again, and deletes the key once the sink has all of them. Rows that the sink refuses
/// again stay under the key for `ttl` from now, with the new reasons. `None` if the key has no value.
///
/// # Errors
/// If the sink does not take the batch, or the store fails. The dead letters are then still there.
pub async fn replay<S: Store, K: Sink>(
    store: &S,
    source: &dyn Source,
    sink: &K,
    key: &str,
    ttl: Duration,
) -> Result<Option<Replayed>, Error> {
    let Some(letters) = read(store, key).await? else { return Ok(None) };
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for letter in letters {
        match row(source, key, &letter) {
            Some(row) if sink.keeps(row.table) => rows.push(row),
            Some(row) => {
                let reason = format!("{} has no table {}: replay it into another sink", sink.name(), row.table.name);
                refused.push(DeadLetter { body: Body::Row(row), reason });
            }
            None => refused.push(letter),
        }
    }
    let (mut known, mut written) = (0, 0);
    for batch in rows.chunks(sink.batch()) {
        let outcome = sink.write(batch).await;
        let outcome = outcome.map_err(|error| Error::Sink { sink: sink.name(), error })?;
        known += outcome.known.len() as u64;
        written += (batch.len() - outcome.rejected.len()) as u64;
        let again = outcome.rejected.into_iter();
        refused.extend(again.map(|again| DeadLetter::of_row(batch[again.index].clone(), again.reason)));
    }
    // If we stop here: the rows are written, and still under the key. The next replay writes them again, and readers
    // see them once.
    if refused.is_empty() {
        discard(store, key).await?;
    } else {
        let kept = DeadLetters::under(key, &refused);
        let put = store.put(key, &kept.value, &Put { ttl: Some(ttl), metadata: Some(kept.metadata()) }).await;
        put.map_err(|error| error.during("saving", key))?;
    }
    Ok(Some(Replayed { key: key.to_owned(), rows: written, known, refused: refused.len() as u64 }))
}

/// The row of a dead letter; none if it still cannot be made or read. Its metadata was already filtered for privacy.
fn row(source: &dyn Source, key: &str, letter: &DeadLetter) -> Option<Record> {
    match &letter.body {
        Body::Row(row) => Some(row.clone()),
        Body::Text { text, .. } => {
            let (gateway, read_at) = place_of(key).filter(|(gateway, _)| *gateway != OF_EVENTS)?;
            let entry = Entry::read(text, read_at);
            entry.unread.is_none().then(|| source.record(entry, gateway, read_at, &Privacy::default()))
        }
        Body::Unknown { .. } => None,
    }
}
