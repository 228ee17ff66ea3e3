//! Where a question is asked: a SQLite file, D1 over Cloudflare's API, or BigQuery with a reader's credential.

use std::path::Path;

use tokio::sync::watch;

use crate::{
    cli::{
        args::{Credential, Options, Place},
        failure::Failure,
        vars::settings::Vars,
        warehouse::{
            login::Login,
            reader::{ReadAccess, TableReader},
        },
    },
    config::Destination,
    database::{Database, rest::Rest, sqlite::SqliteDatabase},
    host::{
        Host,
        native::{NativeHost, now},
    },
    query::{self, Known, NoAnswer, Table, What, Wrong, bigquery, pipeline::complete_through},
    time::floor_ms,
};

/// The answer of the database that the options name.
pub async fn answer(
    what: What<'_>,
    place: &Place,
    options: &Options,
    stop: watch::Receiver<bool>,
) -> Result<Table, Failure> {
    let mut answers = answers(&[what], place, options, stop).await?;
    answers.pop().ok_or_else(|| Failure::denied("asking", "there is no answer", "Ask again"))
}

/// An answer for each of several questions, of the same database.
pub async fn answers(
    questions: &[What<'_>],
    place: &Place,
    options: &Options,
    stop: watch::Receiver<bool>,
) -> Result<Vec<Table>, Failure> {
    let vars = Vars::read(options)?;
    let org_metadata = vars.events()?.org_metadata;
    let known = Known { org_metadata: &org_metadata, logs: None, events: None };
    match (&place.db, options.sinks.as_slice()) {
        (None, [Destination::D1]) => {
            let settings = vars.d1(None)?;
            let host = NativeHost::new(stop, |_| {}).map_err(|error| Failure::host(&error))?;
            let database = Rest::new(&host, &settings);
            let known = Known { logs: complete_through(&database).await, ..known };
            in_database(&database, questions, known, "D1").await
        }
        (None, [Destination::BigQuery]) => {
            let (settings, reader) = (vars.warehouse()?, place.reader.clone().unwrap_or(Credential::Gcloud));
            let access = ReadAccess { login: Login::new(&reader, settings.emulated)?, settings };
            let host = NativeHost::new(stop, |_| {}).map_err(|error| Failure::host(&error))?;
            in_bigquery(&TableReader::new(&host, &access), questions, known).await
        }
        _ if place.reader.is_some() => Err(Failure::denied(
            "asking",
            "--reader is for BigQuery",
            "Give --sink bigquery too, or leave --reader out",
        )),
        (Some(path), []) | (None, [Destination::Sqlite(path)]) => in_file(path, questions, known).await,
        (None, []) => in_file(Path::new("aig-logs.sqlite"), questions, known).await,
        _ => Err(Failure::denied(
            "asking",
            "a question is for one database",
            "Give --db FILE, --sink d1 or --sink bigquery",
        )),
    }
}

async fn in_file(path: &Path, questions: &[What<'_>], known: Known<'_>) -> Result<Vec<Table>, Failure> {
    let file = path.display().to_string();
    if !path.exists() {
        let hint = "Name the file with --db; `aig-logs serve`, `aig-logs run` and `aig-logs demo` make one";
        return Err(Failure::denied(format!("asking {file}"), "there is no such file", hint));
    }
    let database = SqliteDatabase::existing(path);
    let database = database.map_err(|error| Failure::call(format!("opening {file}"), error))?;
    // Whatever was accepted is in the file.
    let known = Known { logs: complete_through(&database).await, events: Some(floor_ms(now())), ..known };
    let tables = in_database(&database, questions, known, &file).await;
    database.close().map_err(|error| Failure::call(format!("closing {file}"), error))?;
    tables
}

async fn in_database(
    database: &impl Database,
    questions: &[What<'_>],
    known: Known<'_>,
    place: &str,
) -> Result<Vec<Table>, Failure> {
    let mut tables = Vec::new();
    for what in questions {
        tables.push(query::answer(database, *what, known).await.map_err(|reason| match reason {
            NoAnswer::Wrong(reason) => wrong(reason),
            NoAnswer::Away(error) => Failure::call(format!("asking {place}"), error),
        })?);
    }
    Ok(tables)
}

async fn in_bigquery<H: Host>(
    reader: &TableReader<'_, H>,
    questions: &[What<'_>],
    known: Known<'_>,
) -> Result<Vec<Table>, Failure> {
    let mut tables = Vec::new();
    for what in questions {
        let sql = bigquery::statement(*what, known.org_metadata).map_err(wrong)?;
        let lines = reader.lines(&sql).await;
        let (lines, bytes) = lines.map_err(|error| Failure::call("asking BigQuery", error))?;
        tables.push(bigquery::answer(*what, lines, known, bytes).map_err(wrong)?);
    }
    Ok(tables)
}

/// A question that is at fault.
pub fn wrong(wrong: Wrong) -> Failure {
    Failure::denied("asking", wrong.detail, "`aig-logs ask --help` and `aig-logs query --help` have examples")
}
