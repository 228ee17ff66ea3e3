//! The rows that belong to a state, to be looked at.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

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
    config::WarehouseSettings,
    foreign,
    pass::audit::explain::{InTable, Life},
    time,
};

/// Where the rows of a state are.
pub enum Rows {
    /// In SQLite files, opened, each with its path. There is at least one.
    Sqlite(Vec<(Connection, String)>),
    /// In BigQuery's table of this name: the poller's key may insert there, and not read.
    BigQuery(String),
    /// Elsewhere, in words.
    Elsewhere(String),
}

/// The table in BigQuery that the rows of a state go to, and the service that has it. None: they go elsewhere.
pub async fn table(state: &OpenState, vars: &Vars) -> Result<Option<WarehouseSettings>, Failure> {
    if let OpenState::Kv { .. } = state {
        return vars.warehouse().map(Some);
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

/// Where the rows of a state go besides its SQLite files, if it has some: nobody asks there. `is_read` is whether BigQuery's
/// table is asked.
pub async fn unasked(state: &OpenState, is_read: bool) -> Result<Vec<String>, Failure> {
    let target = state.target().await?.unwrap_or_default();
    let is_file = |place: &String| *place == BESIDE || place.starts_with("sqlite:");
    let (files, others): (Vec<_>, Vec<_>) = names::parts(&target).into_iter().partition(is_file);
    let asked = |place: &String| is_read && place.starts_with("bigquery:");
    Ok(if files.is_empty() { Vec::new() } else { others.into_iter().filter(|place| !asked(place)).collect() })
}

impl Rows {
    /// The rows of a state, as it names them.
    pub async fn of(state: &OpenState, vars: &Vars) -> Result<Self, Failure> {
        let path = match state {
            OpenState::Kv { .. } => return Ok(Self::BigQuery(vars.table_or_placeholders())),
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
            Some(table) => Self::BigQuery(table.to_owned()),
            None => Self::Elsewhere(places.join(" and ")),
        })
    }

    /// Looks for the row of a log. Of several files a file decides that lacks the row; its path comes with it.
    pub fn find(&self, gateway: &str, id: &str) -> Result<(InTable, String), Failure> {
        let Self::Sqlite(files) = self else { return Ok((InTable::Unknown, String::new())) };
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
    const SQL: &str = "SELECT created_at, ingested_at, (SELECT count(*) FROM aig_logs AS seen WHERE seen.gateway = ?1 \
                       AND seen.id = ?2) FROM aig_logs_raw WHERE gateway = ?1 AND id = ?2";
    let row = file.query_row(SQL, params![gateway, id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let row: Option<(String, String, u32)> = row.optional().map_err(|error| unusable(Path::new(path), &error))?;
    let Some((created_at, ingested_at, seen)) = row else { return Ok(InTable::Absent) };
    Ok(match (time::parse(&created_at), time::parse(&ingested_at)) {
        (Some(created_at), Some(ingested_at)) => InTable::Row { created_at, ingested_at, seen },
        // Somebody else's row.
        (None, _) | (_, None) => InTable::Unknown,
    })
}
