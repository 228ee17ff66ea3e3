//! What D1 says of a failure, and who acts. D1 tells its failures apart only by their words.

use crate::error::CallError;

/// What SQLite says of values that it never takes.
const NEVER: [&str; 4] = ["SQLITE_CONSTRAINT", "SQLITE_TOOBIG", "SQLITE_MISMATCH", "malformed JSON"];

/// What SQLite says of a database that lacks a table or a column.
const LACKS: [&str; 3] = ["no such table", "no such column", "has no column named"];

/// The failure that D1 tells in these words. [`CallError::Denied`] means that the values are never taken; after any other
/// failure the same statements may succeed later.
#[must_use]
pub fn told(words: &str) -> CallError {
    let has = |known: &[&str]| known.iter().any(|known| words.contains(known));
    if has(&NEVER) {
        return CallError::denied(words, "D1 never takes these values");
    }
    if has(&LACKS) {
        let way_out = "give the database its tables: npx wrangler d1 migrations apply EVENTS_DB --remote --env events";
        return CallError::Broken(format!("{words}; {way_out}"));
    }
    CallError::thrown(words)
}

/// Whether the values are to blame for a failure that [`told`] has made: without them the statement succeeds.
#[must_use]
pub fn is_of_values(error: &CallError) -> bool {
    matches!(error, CallError::Denied { message, .. } if NEVER.iter().any(|known| message.contains(known)))
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn only_values_that_are_never_taken_are_refused_for_good() {
        let check = |words: &str, is_transient: bool, part: &str| {
            let error = told(words);
            assert_eq!(error.is_transient(), is_transient, "{words}");
            assert!(error.to_string().contains(part), "{error}");
        };
        check("D1_ERROR: NOT NULL constraint failed: events_raw.name: SQLITE_CONSTRAINT", false, "events_raw.name");
        check("D1_ERROR: string or blob too big: SQLITE_TOOBIG", false, "too big");
        check("D1_ERROR: malformed JSON: SQLITE_ERROR", false, "malformed");
        check("D1_ERROR: no such table: events_raw: SQLITE_ERROR", true, "migrations apply");
        check("D1_ERROR: table events_raw has no column named sku: SQLITE_ERROR", true, "migrations apply");
        check("D1_ERROR: Network connection lost.", true, "Network");
        check("D1_ERROR: D1 DB is overloaded. Requests queued for too long.", true, "overloaded");
        check("Error: Too many API requests by single worker invocation.", true, "no further call");
    }
}
