//! The rows that belong to a state, to be looked at.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::{
    cli::{
        failure::Failure,
        files::{
            names::{self, BESIDE},
            open::{read_only, unusable},
            state::OpenState,
        },
        vars::settings::Vars,
    },
    config::{D1, Destination, WarehouseSettings},
    database::{Database, rest::Rest},
    error::CallError,
    foreign,
    host::Host,
    pass::audit::explain::{InTable, Life},
    record::Cell,
    time,
};

/// A log's row, and how often readers see it. It reads all rows of the gateway: their key begins with an instant.
const FIND: &str = "SELECT created_at, ingested_at, (SELECT count(*) FROM aig_logs AS seen WHERE seen.gateway = ?1 \
                    AND seen.id = ?2) AS seen FROM aig_logs_raw WHERE gateway = ?1 AND id = ?2";

/// Where the rows of a state are.
pub enum Rows {
    /// In SQLite files, opened, each with its path. There is at least one.
    Sqlite(Vec<(Connection, String)>),
    /// In a database of D1.
    D1(D1),
    /// In BigQuery's table of this name: the poller's key may insert there, and not read.
    BigQuery(String),
    /// Elsewhere, in words.
    Elsewhere(String),
}

/// The table in BigQuery that the rows of a state go to, and the service that has it. None: they go elsewhere.
pub async fn table(state: &OpenState, vars: &Vars) -> Result<Option<WarehouseSettings>, Failure> {
    if let OpenState::Kv { .. } = state {
        let is_there = vars.sinks_of_worker()?.contains(&Destination::BigQuery);
        return is_there.then(|| vars.warehouse()).transpose();
    }
    let target = state.target().await?.unwrap_or_default();
    let name = names::parts(&target).iter().find_map(|place| place.strip_prefix("bigquery:").map(str::to_owned));
    // The name of a project may have dots.
    let parts = name.as_ref().and_then(|name| {
        let (rest, table) = name.rsplit_once('.')?;
        let (project, dataset) = rest.rsplit_once('.')?;
        Some([("GCP_BQ_PROJECT", project), ("GCP_BQ_DATASET", dataset), ("GCP_BQ_TABLE", table)])
    });
    parts.map(|parts| vars.warehouse_of(parts)).transpose()
}

/// The database in D1 that the rows of a state go to, if any.
pub async fn database(state: &OpenState, vars: &Vars) -> Result<Option<D1>, Failure> {
    if let OpenState::Kv { .. } = state {
        let is_there = vars.sinks_of_worker()?.contains(&Destination::D1);
        return is_there.then(|| vars.d1(None)).transpose();
    }
    let target = state.target().await?.unwrap_or_default();
    let id = names::parts(&target).iter().find_map(|place| place.strip_prefix("d1:").map(str::to_owned));
    id.map(|id| vars.d1(Some(&id))).transpose()
}

/// Where the rows of a state go besides what is asked, its SQLite files and D1, if it has some: nobody asks there.
/// `is_read` is whether BigQuery's table is asked.
pub async fn unasked(state: &OpenState, is_read: bool) -> Result<Vec<String>, Failure> {
    let target = state.target().await?.unwrap_or_default();
    let is_file = |place: &String| *place == BESIDE || place.starts_with("sqlite:") || place.starts_with("d1:");
    let (files, others): (Vec<_>, Vec<_>) = names::parts(&target).into_iter().partition(is_file);
    let asked = |place: &String| is_read && place.starts_with("bigquery:");
    Ok(if files.is_empty() { Vec::new() } else { others.into_iter().filter(|place| !asked(place)).collect() })
}

impl Rows {
    /// The rows of a state, as it names them.
    pub async fn of(state: &OpenState, vars: &Vars) -> Result<Self, Failure> {
        let path = match state {
            OpenState::Kv { .. } => {
                let database = database(state, vars).await?;
                return Ok(database.map_or_else(|| Self::BigQuery(vars.table_or_placeholders()), Self::D1));
            }
            OpenState::File { path, .. } => path,
        };
        let target = state.target().await?.unwrap_or_else(|| "a place that the state does not name".to_owned());
        let places = names::parts(&target);
        let paths = places.iter().filter_map(|place| match place.split_once(':') {
            _ if *place == BESIDE => Some(path.as_path()),
            Some(("sqlite", path)) => Some(Path::new(path)),
            Some(_) | None => None,
        });
        let files: Vec<_> =
            paths.map(|path| Ok((read_only(path)?, path.display().to_string()))).collect::<Result<_, Failure>>()?;
        let table = places.iter().find_map(|place| place.strip_prefix("bigquery:"));
        Ok(match table {
            _ if !files.is_empty() => Self::Sqlite(files),
            _ if places.iter().any(|place| place.starts_with("d1:")) => {
                let database = database(state, vars).await?;
                database.map_or_else(|| Self::Elsewhere(places.join(" and ")), Self::D1)
            }
            Some(table) => Self::BigQuery(table.to_owned()),
            None => Self::Elsewhere(places.join(" and ")),
        })
    }

    /// Looks for the row of a log. Of several files a file decides that lacks the row; its path comes with it.
    pub async fn find<H: Host>(&self, host: &H, gateway: &str, id: &str) -> Result<(InTable, String), Failure> {
        let files = match self {
            Self::Sqlite(files) => files,
            Self::D1(database) => {
                let found = find_in_d1(&Rest::new(host, database), gateway, id).await;
                let found = found.map_err(|error| Failure::call("looking for the log in D1", error))?;
                return Ok((found, format!("D1 database {}", database.database)));
            }
            Self::BigQuery(_) | Self::Elsewhere(_) => return Ok((InTable::Unknown, String::new())),
        };
        let mut found = Vec::new();
        for (file, path) in files {
            found.push((find(file, path, gateway, id)?, path.clone()));
        }
        let place = found.iter().position(|(table, _)| !matches!(table, InTable::Row { .. }));
        Ok(found.swap_remove(place.unwrap_or(0)))
    }

    /// The query for BigQuery's table. It needs an account that can read the table.
    pub fn query(&self, life: &Life, id: &str) -> Option<String> {
        let Self::BigQuery(table) = self else { return None };
        // What makes a letter visible is also how SQL writes it.
        let quoted = |text: &str| foreign::line(&text.replace('\\', "\\\\").replace('\'', "\\'"));
        // The table is cut by it: without it all of it is read.
        let at = life.created_at.map(|at| format!(" AND created_at = TIMESTAMP '{}'", time::text(at)));
        Some(format!(
            "SELECT COUNT(*) AS copies, MIN(ingested_at) AS first, MAX(ingested_at) AS last FROM `{table}` WHERE id = \
             '{}'{}",
            quoted(id),
            at.unwrap_or_default()
        ))
    }

    /// The files that can be asked.
    pub fn files(&self) -> impl Iterator<Item = &Connection> {
        let files = if let Self::Sqlite(files) = self { &files[..] } else { &[] };
        files.iter().map(|(file, _)| file)
    }
}

/// Looks for the row of a log in a file.
fn find(file: &Connection, path: &str, gateway: &str, id: &str) -> Result<InTable, Failure> {
    let row = file.query_row(FIND, params![gateway, id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let row: Option<(String, String, u32)> = row.optional().map_err(|error| unusable(Path::new(path), &error))?;
    let Some((created_at, ingested_at, seen)) = row else { return Ok(InTable::Absent) };
    Ok(in_table(&created_at, &ingested_at, seen))
}

async fn find_in_d1(database: &impl Database, gateway: &str, id: &str) -> Result<InTable, CallError> {
    let rows = database.query(FIND, vec![Cell::Text(gateway.to_owned()), Cell::Text(id.to_owned())]).await?;
    let Some(row) = rows.first() else { return Ok(InTable::Absent) };
    let text = |column: &str| row.get(column).and_then(Value::as_str).unwrap_or_default();
    let seen = row.get("seen").and_then(Value::as_u64).and_then(|seen| seen.try_into().ok()).unwrap_or_default();
    Ok(in_table(text("created_at"), text("ingested_at"), seen))
}

fn in_table(created_at: &str, ingested_at: &str, seen: u32) -> InTable {
    match (time::parse(created_at), time::parse(ingested_at)) {
        (Some(created_at), Some(ingested_at)) => InTable::Row { created_at, ingested_at, seen },
        // Somebody else's row.
        (None, _) | (_, None) => InTable::Unknown,
    }
}
