//! The command: arguments → settings → host → pass → exit code.

mod args;
mod commands;
mod demo;
mod failure;
mod files;
mod jobs;
mod progress;
mod show;
mod stop;
pub mod vars;
mod warehouse;

use std::{process::ExitCode, time::Duration};

use clap::{CommandFactory, Parser};
use tokio::sync::watch;

use crate::{
    cli::{
        args::{Arguments, Command, FromTo, Options, State},
        failure::{Exit, Failure},
        files::{
            hold::{Claim, Hold},
            open::is_file,
            passes::Keeper,
            target::Files,
        },
        jobs::{Poller, Teller, Work, native_store},
        progress::{Screen, log_to},
        vars::settings::Vars,
    },
    config::Destination,
    host::native::NativeHost,
    sink::place::Place,
};

/// Carries out the command that was typed, until it is done or stopped.
pub async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.refuse_idle_options();
    let screen = Screen::new(!matches!(arguments.command, Command::Run { .. }));
    let (stopper, stop) = watch::channel(false);
    let outcome = tokio::select! {
        // First, so that the signals are caught before anything is said.
        biased;
        never = stop::listen(stopper, screen.clone()) => match never {},
        outcome = dispatch(arguments, stop, &screen) => outcome,
    };
    screen.clear();
    let exit = outcome.unwrap_or_else(|failure| {
        if !matches!(failure, Failure::Unread) {
            screen.say(&format!("aig-logs: {failure}"));
        }
        failure.exit()
    });
    exit.into()
}

async fn dispatch(
    Arguments { command, options }: Arguments,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    match command {
        Command::Demo(arguments) => demo::demo(arguments, options.json, stop, screen).await,
        Command::Setup(arguments) => commands::setup::setup(&arguments, &options, stop).await,
        Command::Run { every, takeover } => {
            poll(&options, Task::Run { every: Duration::from_secs(every), takeover }, stop, screen).await
        }
        Command::Forward => poll(&options, Task::Once(Work::Forward), stop, screen).await,
        Command::Backfill(FromTo { from: Some(from), to: Some(to) }) => {
            poll(&options, Task::Once(Work::Range { from, to }), stop, screen).await
        }
        Command::Backfill(_) => poll(&options, Task::Once(Work::Backfill), stop, screen).await,
        Command::Status => commands::status::status(&options, stop).await,
        Command::Verify(arguments) => commands::verify::verify(&arguments, &options, stop, screen).await,
        Command::Explain(arguments) => commands::explain::explain(&arguments, &options, stop, screen).await,
        Command::Doctor => commands::doctor::doctor(&options, stop).await,
        Command::DeadLetters { action } => commands::dead_letters::dead_letters(action, &options, stop, screen).await,
        Command::Simulate(arguments) => {
            commands::simulate::simulate(arguments, options.vars.as_deref(), stop, screen).await
        }
        Command::Sql(arguments) => commands::sql::sql(&arguments, &options, stop, screen).await,
        Command::Estimate(arguments) => commands::estimate::estimate(&arguments, &options),
        Command::Looker { view } => commands::looker::looker(&view, &options),
        Command::Settings => show::print(&vars::help::table()).map(|()| Exit::Done),
        Command::Completions { shell } => completions(shell),
    }
}

/// What to do with a poller.
enum Task {
    Once(Work),
    Run { every: Duration, takeover: bool },
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
async fn poll(options: &Options, task: Task, stop: watch::Receiver<bool>, screen: &Screen) -> Result<Exit, Failure> {
    let shown = Destination::Ndjson(None);
    let destinations = if options.dry_run { vec![shown.clone()] } else { options.destinations() };
    let vars = Vars::read(options)?;
    let config = vars.config(&destinations)?;
    let schedule = vars::settings::schedule(&config)?;
    let host = NativeHost::new(stop, screen.observer()).map_err(|error| Failure::host(&error))?;
    vars.check_key(&host, &config).await?;
    log_to(screen, config.log_level);

    let hold = hold(options, &task, &host, screen).await?;
    let files = Files::open(options, &config).await?;
    let poller = Poller::new(&host, &config, &files)?;
    let every = if let Task::Run { every, .. } = &task { Some(*every) } else { None };
    let native = if options.dry_run { None } else { Some(native_store(&files.state)?) };
    let keeper = Keeper { poller: &poller, places: places(&files, hold.as_ref())?, hold, native, every };
    let rows_on_output = destinations.contains(&shown);
    let teller = Teller { screen, json: options.json, rows_on_output, dry_run: options.dry_run };
    match task {
        Task::Run { every, .. } => commands::run::run(&keeper, &teller, every, &schedule).await,
        Task::Once(work) => {
            let report = keeper.pass(work).await?;
            screen.clear();
            teller.tell(&report)
        }
    }
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

/// Where the files are that must stay in their place while the poller works.
fn places(files: &Files, hold: Option<&Hold>) -> Result<Vec<Place>, Failure> {
    let lock = hold.map(Hold::place).transpose()?;
    Ok(files.places().into_iter().chain(lock).collect())
}

fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "aig-logs", &mut script);
    show::deliver(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Done)
}
