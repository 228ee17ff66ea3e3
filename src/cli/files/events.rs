//! A SQLite file of events, for a command that needs some of its tables.

use std::path::Path;

use crate::{
    cli::failure::Failure,
    database::{Database, Statement, sqlite::SqliteDatabase},
    sink::sql::SQLITE,
};

/// The file at a path, with the tables that these scripts make. The views stay as they are: whoever copies logs into the
/// file knows which columns from the metadata they have.
pub async fn existing(path: &Path, scripts: &[&str]) -> Result<SqliteDatabase, Failure> {
    if !path.exists() {
        let hint = "Name the file of `aig-logs serve` with --db";
        return Err(Failure::denied(format!("opening {}", path.display()), "there is no such file", hint));
    }
    let failed = |error| Failure::call(format!("opening {}", path.display()), error);
    let database = SqliteDatabase::existing(path).map_err(failed)?;
    let tables = SQLITE.iter().filter(|script| scripts.contains(&script.name));
    let tables = tables.map(|script| Statement::Sql(script.text.into(), Vec::new()));
    database.run(tables.collect()).await.map_err(failed)?;
    Ok(database)
}

/// Closes the file after everything is committed.
pub fn close(database: SqliteDatabase) -> Result<(), Failure> {
    database.close().map_err(|error| Failure::call("closing the file", error))
}
