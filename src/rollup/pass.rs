//! A pass over what is due.

use super::{Grain, Source, due::due, statements::count};
use crate::{
    database::Database,
    error::CallError,
    log::metadata::path,
    record::Cell,
    time::{self, Timestamp},
};

/// What a pass has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Spans that it has counted.
    pub spans: usize,
    /// Lines written, of all tables.
    pub written: u64,
}

/// Counts at most so many spans that are due, hours before days. Fewer: nothing more is due. `org_metadata` is the metadata
/// key that holds the org of a log.
///
/// # Errors
/// If the database does not confirm a span. The spans before it are counted.
pub async fn pass(
    database: &impl Database,
    org_metadata: &str,
    now: Timestamp,
    most: usize,
) -> Result<Counted, CallError> {
    let mut counted = Counted::default();
    for grain in Grain::ALL {
        for source in Source::ALL {
            for start in due(database, source, grain, now, most - counted.spans).await? {
                let values = [
                    Cell::Text(time::text(start)),
                    Cell::Text(time::text(start + grain.length())),
                    Cell::Text(path(org_metadata)),
                ];
                let done = database.run(count(source, grain, &values)).await?;
                counted.spans += 1;
                counted.written += done.iter().map(|done| done.rows_written).sum::<u64>();
            }
        }
    }
    Ok(counted)
}
