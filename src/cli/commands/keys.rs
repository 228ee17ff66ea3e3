//! `aig-logs keys`: the keys of the events API, in a SQLite file.

use std::path::Path;

use rand::{RngCore, rngs::OsRng};
use serde_json::{Value, json};

use crate::{
    api::{key, keys},
    cli::{
        args::KeysAction,
        failure::{Exit, Failure},
        show, terminal,
    },
    database::{Database, Statement, sqlite::SqliteDatabase},
    host::native::now,
    log::metadata::MetadataKeys,
    sink::sql::SQLITE,
};

/// The script that makes the table of keys.
const TABLE: &str = "1_api_keys.sql";

/// Makes, lists or revokes keys.
pub async fn keys(action: KeysAction, json: bool) -> Result<Exit, Failure> {
    match action {
        KeysAction::Create { db, org, scopes, origins } => {
            let key = keys::checked(&org, &scopes, origins).map_err(|(field, problem)| {
                Failure::denied("making a key", problem, format!("Nothing was made. Check --{}", option(field)))
            })?;
            let database = open(&db).await?;
            let made = keys::made(&database, key, |bytes| OsRng.fill_bytes(bytes), now()).await;
            let made = made.map_err(|error| Failure::call("making a key", error))?;
            close(database)?;
            // A program that reads the key gets nothing else.
            let text = if json { made.to_string() } else { made["key"].as_str().unwrap_or_default().to_owned() };
            show::deliver(&text)?;
        }
        KeysAction::List { db } => {
            let database = existing(&db).await?;
            let rows = key::list(&database, None).await.map_err(|error| Failure::call("reading the keys", error))?;
            close(database)?;
            show::print(&if json { json!({ "rows": rows }).to_string() } else { table(&rows) })?;
        }
        KeysAction::Revoke { db, prefix } => {
            let database = existing(&db).await?;
            let done = database.run(vec![key::revoke(&prefix, None, now())]).await;
            let done = done.map_err(|error| Failure::call("revoking a key", error))?;
            close(database)?;
            if done.iter().all(|done| done.changed == 0) {
                return Err(Failure::denied(
                    "revoking a key",
                    "no key that is not revoked has this prefix",
                    format!("`aig-logs keys list --db {}` shows the prefixes", db.display()),
                ));
            }
            if !json {
                show::print("Revoked. A server that runs notices it within 60 s.")?;
            }
        }
    }
    Ok(Exit::Done)
}

/// The option that gives a field of a key.
fn option(field: &str) -> &str {
    if field == "origins" { "origin" } else { field }
}

/// The file at a path. It is made if it is missing. The views of a file that is there stay as they are: whoever copies
/// logs into it knows which columns from the metadata they have.
async fn open(path: &Path) -> Result<SqliteDatabase, Failure> {
    let failed = |error| Failure::call(format!("opening {}", path.display()), error);
    if !path.exists() {
        return SqliteDatabase::open(path, &MetadataKeys::default()).map_err(failed);
    }
    let database = SqliteDatabase::existing(path).map_err(failed)?;
    let table =
        SQLITE.iter().find(|script| script.name == TABLE).map(|script| Statement::Sql(script.text.into(), Vec::new()));
    database.run(table.into_iter().collect()).await.map_err(failed)?;
    Ok(database)
}

async fn existing(path: &Path) -> Result<SqliteDatabase, Failure> {
    if path.exists() {
        return open(path).await;
    }
    let hint = "Name the file with --db, or make it with its first key: aig-logs keys create";
    Err(Failure::denied(format!("reading the keys in {}", path.display()), "there is no such file", hint))
}

fn close(database: SqliteDatabase) -> Result<(), Failure> {
    database.close().map_err(|error| Failure::call("closing the file", error))
}

fn table(rows: &[Value]) -> String {
    if rows.is_empty() {
        return "no key".into();
    }
    let words = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    };
    let mut table = terminal::table();
    table.set_header(["prefix", "org", "scopes", "origins", "created", "revoked"]);
    let columns = ["prefix", "org", "scopes", "origins", "createdAt", "revokedAt"];
    table.add_rows(rows.iter().map(|row| columns.map(|column| words(&row[column]))));
    table.trim_fmt()
}
