//! A poller over the files of this machine: one pass, or both schedules until somebody stops it.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    cli::{
        args::{Options, State},
        commands::run,
        failure::{Exit, Failure},
        files::{
            hold::{Claim, Hold},
            open::is_file,
            passes::Keeper,
            target::Files,
        },
        health::poller::PollerWatch,
        jobs::{Poller, Teller, Work, native_store},
        progress::{Screen, log_to},
        vars::settings::{self, Vars},
    },
    config::Destination,
    database::sqlite::SqliteDatabase,
    host::native::NativeHost,
    sink::place::Place,
};

/// What to do with a poller.
pub enum Task {
    /// One pass.
    Once(Work),
    /// Passes until somebody stops it.
    Run {
        /// From one forward pass to the next.
        every: Duration,
        /// In place of another poller.
        takeover: bool,
        /// Whether somebody else counts the closed hours of its files.
        is_counted: bool,
        /// Who is told of each pass.
        watched: Option<Arc<PollerWatch>>,
    },
}

impl Task {
    /// Who wants the state; none: no cursor is moved.
    fn claim(&self) -> Option<Claim> {
        match self {
            Self::Once(Work::Forward | Work::Backfill) => Some(Claim::Pass),
            Self::Once(Work::Range { .. }) => None,
            Self::Run { takeover: false, .. } => Some(Claim::Run),
            Self::Run { takeover: true, .. } => Some(Claim::Takeover),
        }
    }
}

/// Nothing is written before the settings are known to be good.
pub async fn poll(
    options: &Options,
    task: Task,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let shown = Destination::Ndjson(None);
    let destinations = if options.dry_run { vec![shown.clone()] } else { options.destinations() };
    let vars = Vars::read(options)?;
    let mut config = vars.config(&destinations)?;
    if options.dry_run {
        // Nothing leaves this machine, and nobody is told.
        config.alerts = None;
    }
    let schedule = settings::schedule(&config)?;
    let host = NativeHost::new(stop, screen.observer()).map_err(|error| Failure::host(&error))?;
    vars.check_key(&host, &config).await?;
    let screen = &if matches!(task, Task::Run { .. }) { screen.timed() } else { screen.clone() };
    log_to(screen, config.log_level);

    let hold = hold(options, &task, &host, screen).await?;
    let files = Files::open(options, &config).await?;
    let poller = Poller::new(&host, &config, &files)?;
    let every = if let Task::Run { every, .. } = &task { Some(*every) } else { None };
    let native = if options.dry_run { None } else { Some(native_store(&files.state)?) };
    let counted = if options.dry_run { Vec::new() } else { counted(&task, &destinations)? };
    let keeper = Keeper { poller: &poller, places: places(&files, hold.as_ref())?, hold, native, every, counted };
    let rows_on_output = destinations.contains(&shown);
    let teller = Teller { screen, json: options.json, rows_on_output, dry_run: options.dry_run };
    let ended = match task {
        Task::Run { every, watched, .. } => run::run(&keeper, &teller, watched.as_deref(), every, &schedule).await,
        Task::Once(work) => keeper.pass(work).await.and_then(|report| {
            screen.clear();
            teller.tell(&report)
        }),
    };
    for file in keeper.counted {
        file.close().map_err(|error| Failure::call("closing the file", error))?;
    }
    ended
}

/// Takes the state for a task that moves its cursors, before it is opened.
async fn hold(options: &Options, task: &Task, host: &NativeHost, screen: &Screen) -> Result<Option<Hold>, Failure> {
    match (task.claim(), options.state()) {
        (Some(claim), State::File(path)) if !options.dry_run && is_file(&path) => {
            let tell = |words: &str| screen.say(&format!("aig-logs: {words}"));
            Ok(Some(Hold::take(&path, claim, host, &tell).await?))
        }
        (Some(_) | None, State::File(_) | State::Kv) => Ok(None),
    }
}

/// The files whose closed hours a task counts.
fn counted(task: &Task, destinations: &[Destination]) -> Result<Vec<SqliteDatabase>, Failure> {
    let opened = destinations.iter().filter_map(|destination| match destination {
        Destination::Sqlite(path) if is_file(path) => Some(
            SqliteDatabase::existing(path).map_err(|error| Failure::call(format!("opening {}", path.display()), error)),
        ),
        Destination::Sqlite(_) | Destination::BigQuery | Destination::D1 | Destination::Ndjson(_) => None,
    });
    if matches!(task, Task::Run { is_counted: true, .. }) { Ok(Vec::new()) } else { opened.collect() }
}

/// Where the files are that must stay in their place while the poller works.
fn places(files: &Files, hold: Option<&Hold>) -> Result<Vec<Place>, Failure> {
    let lock = hold.map(Hold::place).transpose()?;
    Ok(files.places().into_iter().chain(lock).collect())
}
