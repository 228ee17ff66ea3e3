//! `aig-logs explain`: what became of one log, or of one event. An id may be both.

mod event;
mod log;

use serde_json::Value;
use tokio::sync::watch;

use crate::{
    cli::{
        args::{Explain, Options},
        failure::{Exit, Failure},
        progress::Screen,
        show,
        vars::settings::Vars,
    },
    host::native::NativeHost,
};

/// What is told of an id as a log, or as an event.
#[derive(Debug, Default)]
struct Lives {
    /// For people, a text for each.
    words: Vec<String>,
    /// For programs.
    json: Vec<Value>,
    /// Whether the id is known.
    is_known: bool,
    /// Whether somebody must act.
    need_somebody: bool,
}

/// Tells the life of a log or an event. What fails on the way to one of them does not hide the other.
pub async fn explain(
    arguments: &Explain,
    options: &Options,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let vars = Vars::read(options)?;
    let host = NativeHost::new(stop.clone(), |_| {}).map_err(|error| Failure::host(&error))?;
    let found = event::find(&host, &arguments.id, options, &vars, stop.clone()).await;
    let logs = match log::lives(arguments, options, &vars, stop, screen).await {
        Ok(logs) => logs,
        Err(failure) if found.events.is_empty() => return Err(failure),
        Err(failure) => {
            let why = format!("AI Gateway's logs: {}", failure.one_line());
            return tell(Lives::default(), event::lives(found.with_unasked(why)), options);
        }
    };
    let nobody_knows = !logs.is_known && found.events.is_empty();
    let not_found = nobody_knows.then(|| found.not_found());
    let code = tell(logs, event::lives(found), options)?;
    if let Some(words) = not_found.filter(|_| !options.json) {
        show::words(&words)?;
    }
    Ok(code)
}

/// Prints what is known. Where the id is an event's, gateways that do not know it say nothing.
fn tell(logs: Lives, events: Lives, options: &Options) -> Result<Exit, Failure> {
    let told: Vec<_> = [logs, events].into_iter().collect();
    let is_known = told.iter().any(|lives| lives.is_known);
    let told: Vec<_> = told.into_iter().filter(|lives| lives.is_known || !is_known).collect();
    if options.json {
        show::print(&format!("{:#}", told.iter().flat_map(|lives| lives.json.clone()).collect::<Value>()))?;
    } else {
        let words: Vec<_> = told.iter().flat_map(|lives| lives.words.clone()).collect();
        show::words(&words.join("\n\n"))?;
    }
    Ok(if told.iter().any(|lives| lives.need_somebody) { Exit::Person } else { Exit::Done })
}
