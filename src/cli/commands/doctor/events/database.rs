//! The database of events: whether it answers, and what is in it.

use chrono::TimeDelta;
use indicatif::HumanCount;
use serde_json::Value;

use super::Place;
use crate::{
    cli::commands::{doctor::check::Check, sql},
    database::Database,
    error::CallError,
    plan::peak::percent,
    record::Cell,
    time::Timestamp,
};

/// The names of the checks.
pub const NAME: &str = "database";
const TABLES: &str = "tables";
const KEYS: &str = "keys";
const ROWS: &str = "large events";

/// The tables of the events half.
const EVENTS: &str = "events_raw";
const API_KEYS: &str = "api_keys";

const VALID_KEYS: &str = "SELECT count(*) AS number FROM api_keys WHERE revoked_at IS NULL";

/// The bytes of a page of D1.
const PAGE: u64 = 4_096;

/// The share of large rows, in percent, above which somebody should know.
const MANY: u64 = 20;

/// How far back, and how many rows at most, are looked at: D1 bills each row that is read.
const DAYS: i64 = 7;
const MOST: u64 = 20_000;

/// Every org, found in the key without reading its events.
macro_rules! orgs {
    () => {
        "WITH RECURSIVE orgs(name) AS (SELECT min(org) FROM events_raw UNION ALL SELECT (SELECT min(event.org) \
         FROM events_raw AS event WHERE event.org > orgs.name) FROM orgs WHERE orgs.name IS NOT NULL) "
    };
}

/// The events since `?1`, at most `?3`, and how many of them have more bytes than `?2`.
const LARGE: &str = concat!(
    orgs!(),
    "SELECT count(*) AS number, coalesce(sum(bytes > ?2), 0) AS large FROM (SELECT length(CAST(event.org || \
     event.created_at || event.id || event.name || ifnull(user_id, '') || ifnull(session_id, '') || \
     ifnull(subject, '') || ifnull(success, '') || ifnull(status_code, '') || ifnull(duration, '') || \
     ifnull(quantity, '') || ifnull(unit, '') || ifnull(sku, '') || ifnull(cost, '') || ifnull(error, '') || \
     source || ingested_at || ifnull(metadata, '') || ifnull(extra, '') AS BLOB)) AS bytes FROM orgs \
     CROSS JOIN events_raw AS event ON event.org = orgs.name AND event.created_at >= ?1 LIMIT ?3)"
);

/// The events with the instant `?1`, the id `?2` and the name `?3`, in any org.
pub const SEEN: &str = concat!(
    orgs!(),
    "SELECT count(*) AS number FROM orgs CROSS JOIN events_raw AS event ON event.org = orgs.name AND \
     event.created_at = ?1 AND event.id = ?2 WHERE event.name = ?3"
);

/// The same, taken out.
pub const TAKEN_OUT: &str = concat!(
    orgs!(),
    "DELETE FROM events_raw WHERE org IN (SELECT name FROM orgs) AND created_at = ?1 AND id = ?2 AND name = ?3"
);

/// The check of a database that cannot be opened, and the others that wait for it.
pub fn unreached(check: Check) -> Vec<Check> {
    let others = [TABLES, KEYS, ROWS].map(|name| Check::skipped(name, "the database must answer first"));
    [vec![check], others.into()].concat()
}

/// Looks at a database. Returns whether it has the table of events.
pub async fn checks(database: &impl Database, place: &Place, now: Timestamp, checks: &mut Vec<Check>) -> bool {
    if let Err(error) = database.query("SELECT 1", Vec::new()).await {
        let check = Check::refused(NAME, &error);
        let fix = if place.is_d1() { "CF_D1_DATABASE_ID" } else { "--db" };
        checks.extend(unreached(check.mended_by(fix)));
        return false;
    }
    checks.push(Check::ok(NAME, "it answers"));
    let findings = sql::d1::check_tables(database, |table| table == EVENTS || table == API_KEYS).await;
    let findings = match findings {
        Ok(findings) => findings,
        Err(error) => {
            checks.push(Check::refused(TABLES, &error));
            checks.extend([KEYS, ROWS].map(|name| Check::skipped(name, "the tables must be known first")));
            return false;
        }
    };
    checks.push(tables(&findings, place));
    let is_whole = |table: &str| !findings.iter().any(|finding| finding.what.split('.').next() == Some(table));
    checks.push(if is_whole(API_KEYS) { keys(database, place).await } else { skipped(KEYS, API_KEYS) });
    checks.push(if is_whole(EVENTS) { rows(database, place, now).await } else { skipped(ROWS, EVENTS) });
    is_whole(EVENTS)
}

fn skipped(name: &str, table: &str) -> Check {
    Check::skipped(name, format!("the table {table} must be right first"))
}

fn tables(findings: &[sql::check::Mismatch], place: &Place) -> Check {
    let Some(first) = findings.first() else {
        return Check::ok(TABLES, format!("{EVENTS} and {API_KEYS} have every column"));
    };
    let all: Vec<_> = findings.iter().map(|finding| format!("{} {}", finding.what, finding.problem)).collect();
    let missing_column = first.what.split_once('.').zip(first.problem.strip_prefix("is missing: "));
    let (hint, fix) = match (missing_column, place) {
        (Some(((table, column), kind)), place) => {
            let statement = format!("ALTER TABLE {table} ADD COLUMN {column} {kind}");
            let fix = match place {
                Place::File(path) => format!("sqlite3 {} \"{statement}\"", path.display()),
                Place::D1(_) => {
                    format!("npx wrangler d1 execute EVENTS_DB --env events --remote --command \"{statement}\"")
                }
            };
            ("A table that is there keeps its columns: give it the missing ones", fix)
        }
        (None, Place::File(path)) => (
            "Every command that writes into the file makes them",
            format!("aig-logs keys list --db {}", path.display()),
        ),
        (None, Place::D1(_)) => (
            "Make them with this, or with `npx wrangler d1 migrations apply EVENTS_DB --env events --remote`",
            "aig-logs sql --sink d1 --apply".to_owned(),
        ),
    };
    Check::failed(TABLES, all.join("\n"), hint).mended_by(fix)
}

/// Whether anybody can send.
async fn keys(database: &impl Database, place: &Place) -> Check {
    match number(database, VALID_KEYS, Vec::new()).await {
        Ok([0, _]) => {
            let says = "there is no key that is not revoked";
            match place {
                Place::File(path) => {
                    let fix = format!("aig-logs keys create --db {} --org ORG --scopes ingest", path.display());
                    Check::failed(KEYS, says, "Nobody can send: make a key").mended_by(fix)
                }
                // A caller over a service binding has none, and the Worker knows EVENTS_ADMIN_KEY by itself.
                Place::D1(_) => {
                    let hint = "Only service bindings and EVENTS_ADMIN_KEY can send: make a key with EVENTS_ADMIN_KEY";
                    Check::warning(KEYS, says, hint).mended_by("POST /keys {\"org\": …, \"scopes\": [\"ingest\"]}")
                }
            }
        }
        Ok([keys, _]) => Check::ok(KEYS, format!("{} not revoked", HumanCount(keys))),
        Err(error) => Check::refused(KEYS, &error),
    }
}

/// The share of rows that do not fit beside others in a page.
async fn rows(database: &impl Database, place: &Place, now: Timestamp) -> Check {
    let page = match place {
        Place::D1(_) => Ok(PAGE),
        Place::File(_) => {
            let asked = number(database, "SELECT page_size AS number FROM pragma_page_size", Vec::new()).await;
            asked.map(|[page, _]| page.max(512))
        }
    };
    // A row of a table WITHOUT ROWID stays in its page up to a quarter of it. sqlite.org/fileformat2.html
    let limit = page.as_ref().map_or(0, |page| page * 1_000 / PAGE);
    let cell = |number: u64| Cell::Integer(number.try_into().unwrap_or(i64::MAX));
    let values = vec![Cell::Instant(now - TimeDelta::days(DAYS)), cell(limit), cell(MOST)];
    let counted = match &page {
        Ok(_) => number(database, LARGE, values).await,
        Err(error) => Err(error.clone()),
    };
    let (events, large, page) = match (counted, page) {
        (Ok([0, _]), _) => return Check::ok(ROWS, format!("there is no event of the last {DAYS} days")),
        (Ok([events, large]), Ok(page)) => (events, large, page),
        (Err(error), _) | (_, Err(error)) => return Check::refused(ROWS, &error),
    };
    let (share, [events, limit, page]) = (percent(large, events), [events, limit, page].map(HumanCount));
    let says = format!("{share} % of {events} events of the last {DAYS} days have more than {limit} bytes");
    if share <= MANY {
        return Check::ok(ROWS, says);
    }
    let says = format!("{says}: each of them spills into a page of its own, of {page} bytes");
    let hint = "The database grows faster, and questions read more: send less in metadata, or drop its largest fields";
    Check::warning(ROWS, says, hint).mended_by("DROP_METADATA")
}

/// The numbers `number` and `large` of the one line that a statement shows.
pub async fn number(database: &impl Database, text: &'static str, values: Vec<Cell>) -> Result<[u64; 2], CallError> {
    let lines = database.query(text, values).await?;
    let line = lines.into_iter().next().unwrap_or_default();
    Ok(["number", "large"].map(|name| line.get(name).and_then(Value::as_u64).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event;

    #[test]
    fn every_column_of_an_event_has_its_bytes_counted() {
        let words: Vec<_> = LARGE.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
        for column in event::EVENTS.columns {
            assert!(words.contains(&column.name), "{}", column.name);
        }
    }
}
