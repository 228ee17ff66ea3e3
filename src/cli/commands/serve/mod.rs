//! `aig-logs serve`: the API of events on this machine, over a SQLite file.

mod browser;
mod connections;
mod demo;
mod keep;
pub mod local;
mod page;
mod warehouse;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    runtime::{Builder, Runtime},
    sync::{oneshot, watch},
};

use self::{local::Local, warehouse::WarehouseQuestions};
use crate::{
    api::key::{self, Scope},
    cli::{
        args::{Credential, Options, Serve},
        failure::{Exit, Failure},
        health::{
            listener::{Watched, beside, listen},
            poller::PollerWatch,
        },
        poll::{Task, poll},
        progress::{Screen, log_to},
        vars::settings::Vars,
        warehouse::{
            login::Login,
            reader::{ReadAccess, TableReader},
        },
    },
    config::{Destination, EventSettings},
    database::sqlite::SqliteDatabase,
    host::{folder::Folder, native::NativeHost},
    log::metadata::MetadataKeys,
};

/// Seconds from one forward pass to the next, as of `run`.
const TICK: Duration = Duration::from_mins(1);

/// By how much nicer the threads are that read requests and answer questions.
#[cfg(target_os = "linux")]
const NICER: i32 = 5;

/// Serves until stopped.
pub async fn serve(
    arguments: &Serve,
    options: &Options,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    if arguments.from.is_some() {
        return serve_bigquery(arguments, options, stop, screen).await;
    }
    let (db, _folder) = file(arguments)?;
    let file = Destination::Sqlite(db.clone());
    let vars = Vars::read(options)?;
    let (settings, schema) = (vars.events()?, vars.schema(&file)?);
    if arguments.poll {
        vars.config(std::slice::from_ref(&file))?;
    }
    log_to(screen, settings.log_level);
    let has_admin = settings.admin_key.is_some();
    let listener = listen(arguments.listen, "--listen")?;
    let metrics = arguments.metrics.map(|address| listen(address, "--metrics")).transpose()?;
    let address = listener.local_addr().map_err(|error| unserved(&error))?;
    let database = SqliteDatabase::open(&db, &schema.metadata)
        .map_err(|error| Failure::call(format!("opening {}", db.display()), error))?;
    tell(&format!("the events in {}", db.display()), address, screen);
    tell_of_keys(&db, arguments.demo || has_admin || has_key(&database).await?, screen);
    tell_metrics(metrics.as_ref(), screen);

    let archive = arguments.archive.as_deref().map(Folder::at).transpose().map_err(|error| {
        Failure::denied("opening the archive", error, "Name a folder that can be written with --archive")
    })?;
    let copying = copying(options, file);
    let poller = arguments.poll.then(|| Arc::new(PollerWatch::new(copying.clone())));
    let local = Local::new(settings, database, archive, poller.clone(), None);
    let work = async |local: &Arc<Local>| {
        let work = async {
            if arguments.demo {
                demo::run(local, &db, address, !arguments.no_open, (stop, screen)).await
            } else {
                until_stopped(poller, &copying, stop, screen).await
            }
        };
        beside(metrics, Watched::Server(Arc::clone(local)), work).await
    };
    Box::pin(running(listener, local, work)).await
}

/// Answers questions from BigQuery until stopped.
async fn serve_bigquery(
    arguments: &Serve,
    options: &Options,
    mut stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let vars = Vars::read(options)?;
    let (events, settings) = (vars.events()?, vars.warehouse()?);
    let credential = arguments.reader.clone().unwrap_or(Credential::Gcloud);
    let access = ReadAccess { login: Login::new(&credential, settings.emulated)?, settings };
    let host = NativeHost::new(stop.clone(), |_| {}).map_err(|error| Failure::host(&error))?;
    log_to(screen, events.log_level);
    if events.access_log {
        let hint = "Leave it out here; jobs of BigQuery are in its own audit log";
        return Err(Failure::denied("serving", "EVENTS_ACCESS_LOG is set, and nothing is kept here", hint));
    }
    let reader = TableReader::new(&host, &access);
    reader.try_views().await.map_err(|error| Failure::call("asking BigQuery", error))?;
    let (db, _folder) = passing_file()?;
    let listener = listen(arguments.listen, "--listen")?;
    let address = listener.local_addr().map_err(|error| unserved(&error))?;
    let database = SqliteDatabase::open(&db, &MetadataKeys::default());
    let database = database.map_err(|error| Failure::call(format!("opening {}", db.display()), error))?;
    let table = &access.settings.table;
    tell(&format!("{}.{} of BigQuery", table.project, table.dataset), address, screen);
    let (bigquery, questions) = WarehouseQuestions::new();
    let local = Local::new(events, database, None, None, Some(bigquery));
    let work = async |local: &Arc<Local>| {
        demo::look(&demo::key(local, &[Scope::Query]).await?, address, !arguments.no_open, screen);
        tokio::select! {
            () = warehouse::answer(&reader, questions) => {}
            // Nobody left to say stop is as good as stop.
            _ = stop.wait_for(|stop| *stop) => {}
        }
        Ok(Exit::Done)
    };
    Box::pin(running(listener, local, work)).await
}

/// Shows the page over the file of a demo until stopped.
pub async fn page_of(db: &Path, opens: bool, stop: watch::Receiver<bool>, screen: &Screen) -> Result<Exit, Failure> {
    let settings = EventSettings::from_vars(|_| None)?;
    let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), "serve --listen")?;
    let address = listener.local_addr().map_err(|error| unserved(&error))?;
    let database = SqliteDatabase::open(db, &MetadataKeys::default());
    let database = database.map_err(|error| Failure::call(format!("opening {}", db.display()), error))?;
    let local = Local::new(settings, database, None, None, None);
    let work = async |local: &Arc<Local>| demo::show(local, address, opens, (stop, screen)).await;
    Box::pin(running(listener, local, work)).await
}

/// Answers requests, and keeps the file counted and young, for as long as the work takes.
async fn running(
    listener: TcpListener,
    local: Local,
    work: impl AsyncFnOnce(&Arc<Local>) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let local = Arc::new(local);
    let (running, end) = oneshot::channel::<()>();
    let end = async {
        // The other side is dropped when it is time.
        let _ = end.await;
    };
    // It must not be dropped here before its end, and so nothing fails until then.
    let runtime = runtime()?;
    let serving = runtime.spawn(connections::serve(listener, Arc::clone(&local), end));
    let keeping = runtime.spawn(keep::keep(Arc::clone(&local)));
    let ended = work(&local).await;
    // It may end between any two calls.
    keeping.abort();
    let _ = keeping.await;
    drop(running);
    let served = serving.await;
    runtime.shutdown_background();
    served.map_err(io::Error::from).flatten().map_err(|error| unserved(&error))?;
    if let Some(local) = Arc::into_inner(local) {
        local.into_database().close().map_err(|error| Failure::call("closing the file", error))?;
    }
    ended
}

/// The file to serve, and a folder that goes with the demo if nobody names a file. The demo adds nothing to a file that
/// is there.
fn file(arguments: &Serve) -> Result<(PathBuf, Option<TempDir>), Failure> {
    match (&arguments.db, arguments.demo) {
        (Some(db), true) if db.exists() => Err(Failure::denied(
            format!("filling {}", db.display()),
            "the file is there already",
            "The demo fills a new file: name another with --db, or none",
        )),
        (Some(db), _) => Ok((db.clone(), None)),
        (None, false) => Ok(("aig-logs.sqlite".into(), None)),
        (None, true) => passing_file().map(|(db, folder)| (db, Some(folder))),
    }
}

/// A new file, and its folder, with which it goes.
fn passing_file() -> Result<(PathBuf, TempDir), Failure> {
    let folder = tempfile::tempdir();
    let folder = folder.map_err(|error| Failure::denied("making a folder", error, "Make room, or set TMPDIR"))?;
    Ok((folder.path().join("aig-logs.sqlite"), folder))
}

/// The options of a poller that copies into the file that is served.
fn copying(Options { vars, json, .. }: &Options, file: Destination) -> Options {
    Options { sinks: vec![file], state: None, vars: vars.clone(), json: *json, dry_run: false, pages: None }
}

/// Waits for the end: of the poller, where there is one, which ends when it is asked to.
async fn until_stopped(
    poller: Option<Arc<PollerWatch>>,
    options: &Options,
    mut stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    if poller.is_none() {
        // Nobody left to say stop is as good as stop.
        let _ = stop.wait_for(|stop| *stop).await;
        return Ok(Exit::Done);
    }
    poll(options, Task::Run { every: TICK, takeover: false, is_counted: true, watched: poller }, stop, screen).await
}

/// Requests are read and answered on all cores but one, which the thread that writes has: all requests wait for it. The
/// poller stays on the thread of the command.
fn runtime() -> Result<Runtime, Failure> {
    let others = thread::available_parallelism().map_or(1, |cores| (cores.get() - 1).max(1));
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(others).enable_all().thread_name("server").on_thread_start(behind()).build();
    runtime.map_err(|error| Failure::denied("starting the server", error, "Nothing was changed"))
}

/// Lets the thread that writes go first where there are fewer cores than threads: all requests wait for it. Where a system
/// has no niceness of a thread, nothing is done.
#[cfg(target_os = "linux")]
fn behind() -> impl Fn() {
    let own = rustix::process::getpriority_process(None).unwrap_or_default();
    move || {
        let _ = rustix::process::setpriority_process(None, own + NICER);
    }
}

#[cfg(not(target_os = "linux"))]
fn behind() -> impl Fn() {
    || {}
}

fn unserved(error: &io::Error) -> Failure {
    Failure::denied("serving", error, "Start it again")
}

async fn has_key(database: &SqliteDatabase) -> Result<bool, Failure> {
    let keys = key::list(database, None).await.map_err(|error| Failure::call("reading the keys", error))?;
    Ok(keys.iter().any(|key| key["revokedAt"].is_null()))
}

fn tell(what: &str, address: SocketAddr, screen: &Screen) {
    screen.say(&format!("Serving {what} at http://{address} until Ctrl-C."));
    if !address.ip().is_loopback() {
        screen.say(
            "Other machines reach this address, and keys and events travel there in clear. Put a server with TLS in front.",
        );
    }
}

fn tell_of_keys(db: &Path, has_key: bool, screen: &Screen) {
    if !has_key {
        let db = db.display();
        screen.say(&format!(
            "There is no key yet. This makes one: aig-logs keys create --db {db} --org ORG --scopes ingest,query"
        ));
    }
}

fn tell_metrics(listener: Option<&TcpListener>, screen: &Screen) {
    if let Some(address) = listener.and_then(|listener| listener.local_addr().ok()) {
        screen.say(&format!("How it goes: http://{address}/healthz and http://{address}/metrics"));
    }
}
