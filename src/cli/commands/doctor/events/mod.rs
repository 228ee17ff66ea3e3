//! `aig-logs doctor --events`: the events half. Settings, database, Worker and server, and a test event that goes in, is
//! seen, and is taken out again.

mod database;
mod trial;
mod worker;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::{
    cli::{
        args::{Doctor, Options},
        commands::doctor::check::Check,
        failure::Failure,
        files::open::read_only,
        show,
        vars::{events_worker::EventsWorker, setting_files::DATABASE, settings::Vars},
    },
    config::{D1, Destination, EventSettings},
    database::{Database, Done, Statement, rest::Rest, sqlite::SqliteDatabase},
    error::{CallError, Error},
    host::{Host, Store, native::SqliteStore, rest_kv::RestKv},
    pass::dead,
    record::Cell,
    state::{OF_EVENTS, place_of},
};

/// The database of events.
enum Place {
    /// A SQLite file, of which `aig-logs serve` is the server.
    File(PathBuf),
    /// D1, of which the Worker is the server, or why its settings cannot be used.
    D1(Result<D1, Failure>),
}

impl Place {
    fn is_d1(&self) -> bool {
        matches!(self, Self::D1(_))
    }
}

/// The database, opened.
enum Opened<'a, H> {
    File(SqliteDatabase),
    D1(Rest<'a, H>),
}

impl<H: Host> Database for Opened<'_, H> {
    async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Done>, CallError> {
        match self {
            Self::File(file) => file.run(statements).await,
            Self::D1(database) => database.run(statements).await,
        }
    }

    async fn query(&self, text: &str, values: Vec<Cell>) -> Result<Vec<Map<String, Value>>, CallError> {
        match self {
            Self::File(file) => file.query(text, values).await,
            Self::D1(database) => database.query(text, values).await,
        }
    }
}

/// The order of the checks: settings, Worker, database, dead letters, server.
pub async fn checks<H: Host>(
    host: &H,
    vars: &Vars,
    arguments: &Doctor,
    options: &Options,
) -> Result<Vec<Check>, Failure> {
    let place = place(arguments, options, vars)?;
    let (check, settings) = settings(vars, &place);
    let mut checks = vec![check];
    let worker = vars.events_worker().filter(|_| place.is_d1());
    if let Place::D1(d1) = &place {
        let id = d1.as_ref().ok().map(|d1| d1.database.as_str());
        checks.extend(worker::checks(worker, id, settings.as_ref()));
    }
    let opened = match &place {
        Place::File(path) => file(path),
        Place::D1(Ok(settings)) => Ok(Opened::D1(Rest::new(host, settings))),
        Place::D1(Err(failure)) => {
            let hint = "Set them in the environment, in .dev.vars or in wrangler.toml; --db FILE checks a file";
            Err(Check::failed(database::NAME, failure.problem(), hint).mended_by("aig-logs help settings"))
        }
    };
    let has_table = match &opened {
        Ok(opened) => database::checks(opened, &place, host.now(), &mut checks).await,
        Err(_) => false,
    };
    let opened = opened.map_err(|check| checks.extend(database::unreached(check))).ok();
    checks.push(dead_letters(host, vars, &place).await);
    let database = opened.as_ref().filter(|_| has_table);
    let has_queue = worker.is_some_and(EventsWorker::has_queue);
    let trial = trial::Trial { host, database, settings: settings.as_ref(), has_queue };
    checks.extend(trial.checks(arguments, vars).await?);
    if let Some(Opened::File(file)) = opened {
        file.close().map_err(|error| Failure::call("closing the file", error))?;
    }
    Ok(checks)
}

/// What is checked: what the options name, or else D1 if the settings name a database there, or else the default file.
fn place(arguments: &Doctor, options: &Options, vars: &Vars) -> Result<Place, Failure> {
    let sinks = arguments.db.iter().map(|path| Destination::Sqlite(path.clone())).chain(options.sinks.clone());
    let sinks: Vec<_> = sinks.collect();
    Ok(match &sinks[..] {
        [Destination::Sqlite(path)] => Place::File(path.clone()),
        [Destination::D1] => Place::D1(vars.d1(None)),
        [] if vars.get(DATABASE.1).is_some() => Place::D1(vars.d1(None)),
        [] => Place::File("aig-logs.sqlite".into()),
        [..] => {
            let hint = "Give --db FILE or --sink d1: events are in one of them";
            return Err(Failure::denied("checking the events half", "no such sink has events", hint));
        }
    })
}

/// The settings of the server: those of the Worker in `wrangler.toml`, or of this machine.
fn settings(vars: &Vars, place: &Place) -> (Check, Option<EventSettings>) {
    let worker = vars.events_worker().filter(|_| place.is_d1());
    let (read, section) = match worker {
        Some(worker) => (vars.events_of_worker(worker), "[env.events.vars] of wrangler.toml"),
        None => (vars.events(), "the environment, in .dev.vars or in [vars] of wrangler.toml"),
    };
    match read {
        Ok(settings) if settings.enabled => (Check::ok("settings", "can be read"), Some(settings)),
        Ok(settings) => {
            let says = "EVENTS_ENABLED is false: every event is answered with 204, and dropped";
            let check = Check::warning("settings", says, format!("Set it in {section}"));
            (check.mended_by("EVENTS_ENABLED=true"), Some(settings))
        }
        Err(failure) => {
            let check = Check::failed("settings", failure.problem(), format!("Set them in {section}"));
            (check.mended_by("aig-logs help settings"), None)
        }
    }
}

fn file<'a, H>(path: &Path) -> Result<Opened<'a, H>, Check> {
    SqliteDatabase::existing(path).map(Opened::File).map_err(|error| {
        let fix = format!("aig-logs keys create --db {} --org ORG --scopes ingest", path.display());
        Check::failed(
            database::NAME,
            format!("{}: {error}", path.display()),
            "Name the file with --db, or make it with its first key",
        )
        .mended_by(fix)
    })
}

/// Events that no table takes. Those of the Worker are in its KV.
async fn dead_letters<H: Host>(host: &H, vars: &Vars, place: &Place) -> Check {
    const NAME: &str = "dead letters";
    let (counted, state) = match place {
        Place::File(path) => {
            let Ok(file) = read_only(path) else { return Check::skipped(NAME, "the file must be there first") };
            let Ok(store) = SqliteStore::new(&file, "state") else {
                return Check::skipped(NAME, "the state in the file cannot be read");
            };
            (events_in(&store).await, path.display().to_string())
        }
        Place::D1(_) => {
            let Ok(kv) = vars.kv() else {
                return Check::skipped(NAME, "the ids of the Worker's KV are not known here: CF_KV_STATE_ID");
            };
            (events_in(&RestKv::new(host, &kv, &kv.state)).await, "kv".to_owned())
        }
    };
    match counted {
        Ok(0) => Check::ok(NAME, "none"),
        Ok(letters) => {
            let says = format!("{} no table takes", show::counted(letters, "event"));
            let hint =
                "They are kept with their reasons. Fix the cause, then write them again with dead-letters replay";
            Check::warning(NAME, says, hint).mended_by(format!("aig-logs dead-letters list --state {state}"))
        }
        Err(error) => {
            let hint = "For the Worker's KV the token needs the permission Workers KV Storage Read";
            Check::warning(NAME, format!("not known: {}", error.chain()), hint).mended_by("CF_API_TOKEN")
        }
    }
}

async fn events_in(store: &impl Store) -> Result<u64, Error> {
    let keys = dead::keys(store).await?;
    let of_events = keys.iter().filter(|(key, _)| place_of(key).is_some_and(|(of, _)| of == OF_EVENTS));
    Ok(of_events.map(|(_, letters)| letters).sum())
}
