//! The command: arguments → settings → host → pass → exit code.

mod args;
mod commands;
mod confirm;
mod demo;
mod failure;
mod files;
mod health;
mod jobs;
mod poll;
mod progress;
mod show;
mod stop;
mod terminal;
pub mod vars;
mod warehouse;

use std::{process::ExitCode, sync::Arc};

use tokio::sync::watch;

use crate::{
    cli::{
        args::{Arguments, Command, FromTo, Options, Run},
        failure::{Exit, Failure},
        health::{
            listener::{Watched, beside, listen},
            poller::PollerWatch,
        },
        jobs::Work,
        poll::{Task, poll},
        progress::Screen,
    },
    host::native::now,
};

/// Carries out the command that was typed, until it is done or stopped.
pub async fn main() -> ExitCode {
    let arguments = Arguments::read(now());
    let is_endless = matches!(arguments.command, Command::Run(_));
    let screen = Screen::new(!is_endless);
    let screen = if is_endless { screen.timed() } else { screen };
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
        Command::Run(arguments) => run(arguments, &options, stop, screen).await,
        Command::Forward => poll(&options, Task::Once(Work::Forward), stop, screen).await,
        Command::Backfill(FromTo { from: Some(from), to: Some(to) }) => {
            let now = now();
            let [from, to] = [from, to].map(|end| end.at(now));
            poll(&options, Task::Once(Work::Range { from, to }), stop, screen).await
        }
        Command::Backfill(_) => poll(&options, Task::Once(Work::Backfill), stop, screen).await,
        Command::Status => commands::status::status(&options, stop).await,
        Command::Verify(arguments) => commands::verify::verify(&arguments, &options, stop, screen).await,
        Command::Explain(arguments) => commands::explain::explain(&arguments, &options, stop, screen).await,
        Command::Doctor(arguments) => commands::doctor::doctor(&arguments, &options, stop).await,
        Command::DeadLetters { action } => commands::dead_letters::dead_letters(action, &options, stop, screen).await,
        Command::Alerts { action } => commands::alerts::alerts(action, &options, stop).await,
        Command::Serve(arguments) => Box::pin(commands::serve::serve(&arguments, &options, stop, screen)).await,
        Command::Send(arguments) => commands::send::send(arguments, &options, stop, screen).await,
        Command::Ask(arguments) => commands::ask::ask(&arguments, &options, stop).await,
        Command::Query(arguments) => commands::ask::query(&arguments, &options, stop).await,
        Command::Report(arguments) => commands::report::report(&arguments, &options, stop).await,
        Command::Keys { action } => commands::keys::keys(action, options.json).await,
        Command::Prices { action } => commands::prices::prices(action, options.json).await,
        Command::Erase(arguments) => commands::erase::erase(&arguments, &options).await,
        Command::Simulate(arguments) => {
            commands::simulate::simulate(arguments, options.vars.as_deref(), stop, screen).await
        }
        Command::Sql(arguments) => commands::sql::sql(&arguments, &options, stop, screen).await,
        Command::Estimate(arguments) => commands::estimate::estimate(&arguments, &options),
        Command::Looker { view } => commands::looker::looker(&view, &options),
        Command::Settings => commands::settings::settings(&options),
        Command::Help { words } => commands::manual::help(&words),
        Command::Man { dir } => commands::manual::man(dir.as_deref()),
        Command::Completions { shell } => commands::manual::completions(shell),
    }
}

/// Copies until stopped, and says how that goes where somebody asks.
async fn run(
    Run { every, takeover, listen: address }: Run,
    options: &Options,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let listener = address.map(|address| listen(address, "--listen")).transpose()?;
    if let Some(address) = listener.as_ref().and_then(|listener| listener.local_addr().ok()) {
        screen.say(&format!("How it goes: http://{address}/healthz and http://{address}/metrics"));
    }
    let watched = Arc::new(PollerWatch::new(options.clone()));
    let task = Task::Run { every, takeover, is_counted: false, watched: Some(Arc::clone(&watched)) };
    beside(listener, Watched::Poller(watched), poll(options, task, stop, screen)).await
}
