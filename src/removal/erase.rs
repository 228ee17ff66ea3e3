//! Erases a user of an org: events and AI Gateway's logs, piece by piece, so that no transaction is too long for D1.
//!
//! If we stop anywhere, some pieces are gone and others are not yet. The same erase again goes on with the others.

use serde_json::{Map, Value};

use crate::{
    config::EventSettings,
    database::{Database, Statement},
    error::CallError,
    log::{metadata::path, privacy::Privacy},
    query::names::{ORG_OF_LOG, USER_OF_LOG},
    record::Cell,
};

/// The most rows that one transaction deletes.
const MOST_DELETED: u64 = 5_000;

/// The most rows that one transaction reads. D1 ends a statement after 30 s.
const MOST_READ: u64 = 100_000;

/// The names of the fields that become the user of an event or of a log.
const NAMES: [&str; 10] =
    ["user_id", "userId", "actor", "login", "email", "client_id", "user_login", "user_email", "user_client_id", "user"];

/// A table that holds rows of users, and the beginning of its key. `?1` is a value of the latter, `?2` the list of the
/// user's ids, `?3` the path of the metadata key that holds the org of a log, `?4` the org. Each is named.
struct Holder {
    table: &'static str,
    space: &'static str,
    is_of: String,
}

/// What is counted of a user.
const SUMS: [&str; 6] = ["events", "errors", "quantity", "cost", "tokens_in", "tokens_out"];

/// Deletes the rows of a user of an org. Returns how many there were.
///
/// # Errors
/// If the database does not confirm each deletion. Some rows may be gone.
pub async fn erase(
    database: &impl Database,
    settings: &EventSettings,
    org: &str,
    user: &str,
) -> Result<u64, CallError> {
    let ids = serde_json::to_string(&ids(&settings.privacy, user)).unwrap_or_default();
    let values = |space: &str| [space, &ids, &path(&settings.org_metadata), org].map(|text| Cell::Text(text.into()));
    let of_events = "?3 IS NOT NULL AND r.org = ?4 AND r.user_id IN (SELECT value FROM json_each(?2))";
    let events = Holder { table: "events_raw", space: "org", is_of: of_events.into() };
    let mut erased = of_space(database, &events, &values(org)).await?;

    let of_logs = format!("{ORG_OF_LOG} = ?4 AND {USER_OF_LOG} IN (SELECT value FROM json_each(?2))");
    let logs = Holder { table: "aig_logs_raw", space: "gateway", is_of: of_logs };
    let mut gateway = String::new();
    let next = "SELECT min(gateway) AS gateway FROM aig_logs_raw WHERE gateway > ?1";
    while let Some(found) = text(database.query(next, vec![Cell::Text(gateway)]).await?.first(), "gateway") {
        erased += of_space(database, &logs, &values(&found)).await?;
        gateway = found;
    }
    // A file of an older version has no counts.
    let has_counts = "SELECT 1 AS found FROM sqlite_master WHERE name = 'rollup_spans'";
    if !database.query(has_counts, Vec::new()).await?.is_empty() {
        database.run(of_counts(org, &ids)).await?;
    }
    database.wipe().await?;
    Ok(erased)
}

/// The statements that erase users from what is counted. The spans of their rows are counted anew, and until then nobody reads
/// what was counted of the metadata's keys, which may name a user. Where the rows are no longer kept, what the users did is
/// left, as that of nobody known. `ids` is a list of their ids, as JSON.
fn of_counts(org: &str, ids: &str) -> Vec<Statement> {
    let of_user = "FROM rollup_users WHERE source IN ('events', 'logs') AND org = ?1 AND named = 1 \
                   AND user_id IN (SELECT value FROM json_each(?2))";
    let sums = SUMS.map(|sum| format!("{sum} = COALESCE({sum} + excluded.{sum}, {sum}, excluded.{sum})")).join(", ");
    let (names, of_days) = (SUMS.join(", "), SUMS.map(|sum| format!("sum({sum})")).join(", "));
    let move_sums = format!(
        "INSERT INTO rollup_users (source, org, day, named, user_id, {names}) \
         SELECT source, org, day, 0, '', {of_days} {of_user} GROUP BY source, org, day \
         ON CONFLICT DO UPDATE SET {sums}"
    );
    let of_changed = "DELETE FROM rollup_keys WHERE day IN (SELECT start FROM rollup_spans WHERE source = 'logs' \
                      AND grain = 'day' AND state = 0)";
    let statements = [move_sums, format!("DELETE {of_user}")].map(|text| {
        let values = [org, ids].map(|text| Cell::Text(text.into()));
        Statement::Sql(text.into(), values.into())
    });
    let of_changed = Statement::Sql(of_changed.into(), Vec::new());
    statements.into_iter().chain([of_changed]).collect()
}

/// How rows name a user: by the id itself, and as the settings withhold it under each name of a user.
fn ids(privacy: &Privacy, user: &str) -> Vec<String> {
    let kept = NAMES.iter().filter_map(|name| match privacy.left(&[name], user.into())? {
        Value::String(id) => Some(id),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    });
    kept.chain([user.to_owned()]).collect()
}

/// Deletes the user's rows of a table that begin with one value of its key.
async fn of_space(database: &impl Database, holder: &Holder, values: &[Cell; 4]) -> Result<u64, CallError> {
    let mut erased = 0;
    let mut after = (String::new(), String::new());
    while let Some((until, is_found)) = piece(database, holder, values, &after).await? {
        if is_found {
            erased += delete(database, holder, values, [&after, &until]).await?;
        }
        after = until;
    }
    Ok(erased)
}

/// The instant and the id of a row.
type Place = (String, String);

/// The last row of the piece that follows a row, and whether the user has rows in the piece; none: no row follows.
async fn piece(
    database: &impl Database,
    Holder { table, space, is_of }: &Holder,
    values: &[Cell; 4],
    after: &Place,
) -> Result<Option<(Place, bool)>, CallError> {
    let last = MOST_DELETED - 1;
    let select = format!(
        "WITH piece(created_at, id, is_of) AS MATERIALIZED (
  SELECT r.created_at, r.id, COALESCE({is_of}, 0) FROM {table} AS r
  WHERE r.{space} = ?1 AND (r.created_at, r.id) > (?5, ?6)
  ORDER BY r.created_at, r.id LIMIT {MOST_READ}
), ends(created_at, id) AS (
  SELECT * FROM (SELECT created_at, id FROM piece WHERE is_of ORDER BY created_at, id LIMIT 1 OFFSET {last})
  UNION ALL
  SELECT * FROM (SELECT created_at, id FROM piece ORDER BY created_at DESC, id DESC LIMIT 1)
)
SELECT created_at, id, (SELECT max(is_of) FROM piece) AS is_found FROM ends ORDER BY created_at, id LIMIT 1"
    );
    let lines = database.query(&select, with(values, &[after])).await?;
    let place = |line| Some((text(Some(line), "created_at")?, text(Some(line), "id")?));
    Ok(lines.first().and_then(|line| Some((place(line)?, line.get("is_found")?.as_i64() == Some(1)))))
}

/// Deletes the user's rows of a piece.
async fn delete(
    database: &impl Database,
    Holder { table, space, is_of }: &Holder,
    values: &[Cell; 4],
    [after, until]: [&Place; 2],
) -> Result<u64, CallError> {
    let rows = format!(
        "FROM {table} AS r WHERE r.{space} = ?1 AND (r.created_at, r.id) > (?5, ?6) AND (r.created_at, r.id) <= (?7, ?8) AND {is_of}"
    );
    // What a database says that a statement has changed may hold the work of triggers.
    let statements = [format!("SELECT count(*) AS rows_found {rows}"), format!("DELETE {rows}")];
    let statements = statements.map(|sql| Statement::Sql(sql.into(), with(values, &[after, until])));
    let done = database.run(statements.into()).await?;
    let counted = done.first().and_then(|done| done.rows.first()?.get("rows_found")?.as_u64());
    counted.ok_or_else(|| CallError::Broken("the database does not say how many rows it deletes".into()))
}

fn with(values: &[Cell; 4], places: &[&Place]) -> Vec<Cell> {
    let places = places.iter().flat_map(|(at, id)| [at, id]).map(|text| Cell::Text(text.clone()));
    values.iter().cloned().chain(places).collect()
}

fn text(line: Option<&Map<String, Value>>, name: &str) -> Option<String> {
    line?.get(name)?.as_str().map(str::to_owned)
}
