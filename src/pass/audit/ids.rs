//! Reads the remembered ids of written rows, in segments.

use crate::{
    error::Error,
    host::{self, Store},
    pass::{Context, Platform},
    plan::segments::Metadata,
};

/// Segments whose ids are read at once. Each has at most 10,000 ids of some 30 bytes, and KV returns 25 MiB.
const AT_ONCE: usize = 50;

/// Shows the key, the metadata and the value of each segment under some prefixes, if `may_hold` accepts its metadata. A segment whose
/// metadata cannot be read may hold anything, and is shown.
pub async fn segments<P: Platform>(
    context: &Context<'_, P>,
    prefixes: &[String],
    may_hold: impl Fn(&Metadata) -> bool,
    mut show: impl FnMut(&str, Option<Metadata>, &str),
) -> Result<(), Error> {
    let mut keys = Vec::new();
    for prefix in prefixes {
        let listed = host::list(&context.ids, prefix, |key, metadata| {
            let metadata = metadata.and_then(|value| serde_json::from_value::<Metadata>(value).ok());
            if metadata.as_ref().is_none_or(&may_hold) {
                keys.push((key, metadata));
            }
        });
        listed.await.map_err(|error| error.during("listing", prefix.as_str()))?;
    }
    for keys in keys.chunks(AT_ONCE) {
        let (keys, metadata): (Vec<_>, Vec<_>) = keys.iter().map(|(key, metadata)| (key.as_str(), *metadata)).unzip();
        let values = context.ids.get_many(&keys).await;
        let values = values.map_err(|error| error.during("loading", keys.join(", ")))?;
        for ((key, metadata), ids) in keys.into_iter().zip(metadata).zip(values) {
            // A store may list a key before it shows the value.
            if let Some(ids) = ids {
                show(key, metadata, &ids);
            }
        }
    }
    Ok(())
}
