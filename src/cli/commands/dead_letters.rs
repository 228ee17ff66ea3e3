//! `aig-logs dead-letters`: lists the rows that the sink will never take, writes them again, or discards them.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    cli::{
        args::{LettersAction, Options, State},
        failure::{Exit, Failure},
        files::{open::existing, state::OpenState, target::Files},
        jobs::Poller,
        progress::{Screen, log_to},
        show,
        vars::settings::Vars,
    },
    config::Destination,
    error::Error,
    foreign::clean,
    host::{Host, Store, native::NativeHost, rest_kv::RestKv},
    pass::dead::{self, Replayed},
    sink::{
        Sink,
        bigquery::{BigQuerySink, SignIn},
    },
    source::Source,
    state::{Body, DeadLetter, place_of},
    time,
};

/// Does what was asked.
pub async fn dead_letters(
    action: LettersAction,
    options: &Options,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    match action {
        LettersAction::List => list(&OpenState::to_read(options, stop)?.store()?, options.json).await,
        LettersAction::Show { key } => {
            let keys: Vec<_> = key.into_iter().collect();
            show_rows(&OpenState::to_read(options, stop)?.store()?, &keys).await
        }
        LettersAction::Replay { keys } => replay(&keys, options, stop, screen).await,
        LettersAction::Discard { keys, all: _, yes } => {
            discard(&OpenState::to_change(options, stop)?.store()?, &keys, yes, options.json).await
        }
    }
}

async fn list(store: &impl Store, json: bool) -> Result<Exit, Failure> {
    let mut found = Vec::new();
    for (key, _) in dead::keys(store).await? {
        match dead::read(store, &key).await {
            Ok(Some(letters)) => {
                let reason = letters.first().map(reason).unwrap_or_default();
                found.push((key, letters.len(), reason));
            }
            // One that is over, or was taken away a moment ago, may still be listed.
            Ok(None) => {}
            Err(Error::State { problem, .. }) => found.push((key, 0, problem)),
            Err(error) => return Err(error.into()),
        }
    }
    if json {
        let values = found.iter().map(|(key, rows, reason)| {
            let (gateway, at) = place_of(key).unzip();
            json!({ "key": key, "gateway": gateway, "at": at.map(time::text), "rows": rows, "reason": reason })
        });
        show::print(&format!("{:#}", values.collect::<Value>()))?;
    } else if found.is_empty() {
        show::print("No dead letters: the sink took every row")?;
    } else {
        show::print(&table(&found))?;
    }
    Ok(Exit::Done)
}

/// Why the log is a dead letter, or why its row cannot be read.
fn reason(letter: &DeadLetter) -> String {
    match &letter.body {
        Body::Row(_) | Body::Text { .. } => letter.reason.clone(),
        Body::Unknown { problem, .. } => format!("this program cannot read the row: it {problem}"),
    }
}

fn table(found: &[(String, usize, String)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["key", "gateway", "when", "rows", "first reason"]);
    table.set_content_arrangement(ContentArrangement::Disabled);
    for (key, rows, reason) in found {
        let (gateway, at) = place_of(key).unzip();
        let at = at.map(time::text).unwrap_or_default();
        let [key, gateway, reason] = [key, gateway.unwrap_or_default(), reason].map(clean);
        table.add_row([key, gateway, at, rows.to_string(), reason]);
    }
    if let Some(column) = table.column_mut(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

async fn show_rows(store: &impl Store, keys: &[String]) -> Result<Exit, Failure> {
    let mut failed = None;
    for (key, _) in chosen(store, keys).await? {
        match dead::read(store, &key).await {
            Ok(letters) => {
                for letter in letters.into_iter().flatten() {
                    let mut line = letter.to_json();
                    line["key"] = key.as_str().into();
                    show::deliver(&line.to_string())?;
                }
            }
            // It hides none of the others.
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(Exit::Done), |error| Err(error.into()))
}

/// The keys that were named, or all of them, with how many rows each holds.
async fn chosen(store: &impl Store, named: &[String]) -> Result<Vec<(String, u64)>, Failure> {
    let mut kept = dead::keys(store).await?;
    if let Some(unknown) = named.iter().find(|name| !kept.iter().any(|(key, _)| key == *name)) {
        return Err(Failure::denied(
            format!("looking for dead letters under {unknown}"),
            "there are none",
            "`aig-logs dead-letters list` shows the keys",
        ));
    }
    kept.retain(|(key, _)| named.is_empty() || named.contains(key));
    Ok(kept)
}

async fn discard(store: &impl Store, keys: &[String], yes: bool, json: bool) -> Result<Exit, Failure> {
    let chosen = chosen(store, keys).await?;
    let rows = chosen.iter().map(|(_, rows)| rows).sum();
    let what = format!("{} under {}", show::counted(rows, "row"), show::counted(chosen.len() as u64, "key"));
    if !yes && !chosen.is_empty() && !is_confirmed(&what)? {
        show::print("Nothing was discarded")?;
        return Ok(Exit::Done);
    }
    for (key, _) in &chosen {
        dead::discard(store, key).await?;
    }
    if json {
        let keys: Vec<_> = chosen.iter().map(|(key, rows)| json!({ "key": key, "rows": rows })).collect();
        show::print(&format!("{:#}", json!({ "discarded": keys })))?;
    } else {
        show::print(&format!("Discarded {what}"))?;
    }
    Ok(Exit::Done)
}

/// Asks the user at the terminal.
fn is_confirmed(what: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let hint = "Nothing was discarded. Say --yes, or run it on a terminal";
        return Err(Failure::denied(format!("discarding {what}"), "nobody is there to confirm it", hint));
    }
    eprint!("Discard {what}? You cannot undo this. [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::denied("reading the answer", error, "Say --yes"))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Nothing is written before the settings are known to be good.
async fn replay(
    keys: &[String],
    options: &Options,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let vars = Vars::read(options)?;
    let destinations = options.destinations();
    let config = vars.config(&destinations)?;
    let host = NativeHost::new(stop, |_| {}).map_err(|error| Failure::host(&error))?;
    vars.check_key(&host, &config).await?;
    log_to(screen, config.log_level);

    let replay = match options.state() {
        State::File(path) => {
            drop(existing(&path)?);
            let files = Files::open(options, &config).await?;
            let (poller, sign_in) = (Poller::new(&host, &config, &files)?, SignIn::default());
            let (keys, sinks) = (names(chosen(&poller.state, keys).await?), files.sinks(&host, &sign_in));
            Replay::run(&host, &poller.state, &config.source, &sinks, &keys, config.ids_ttl).await
        }
        State::Kv => {
            let Some(table) = config.bigquery.as_ref().filter(|_| destinations.len() == 1) else {
                let problem =
                    "the Worker's rows go to BigQuery, and replay deletes each key once BigQuery has its rows";
                return Err(Failure::denied(
                    "replaying with --state kv",
                    problem,
                    "Give --sink bigquery, and no other sink",
                ));
            };
            let (kv, sign_in) = (vars.kv()?, SignIn::default());
            let (store, sink) = (RestKv::new(&host, &kv, &kv.state), BigQuerySink::new(&host, table, &sign_in));
            Replay::run(&host, &store, &config.source, &sink, &names(chosen(&store, keys).await?), config.ids_ttl).await
        }
    };
    replay.tell(options.json, destinations.contains(&Destination::Ndjson(None)), screen)
}

fn names(chosen: Vec<(String, u64)>) -> Vec<String> {
    chosen.into_iter().map(|(key, _)| key).collect()
}

/// The results of a replay, key by key.
#[derive(Debug, Default)]
pub struct Replay {
    done: Vec<Replayed>,
    /// Whether somebody said stop before all were done.
    stopped: bool,
    /// What ended it early.
    error: Option<Error>,
}

impl Replay {
    /// Writes the rows of some keys again, until all are written, one fails, or the program is asked to stop.
    pub async fn run<H: Host, S: Store, K: Sink>(
        host: &H,
        store: &S,
        source: &dyn Source,
        sink: &K,
        keys: &[String],
        ttl: Duration,
    ) -> Self {
        let mut replay = Self::default();
        for key in keys {
            if host.stopping() {
                replay.stopped = true;
                break;
            }
            match dead::replay(store, source, sink, key, ttl).await {
                Ok(replayed) => replay.done.extend(replayed),
                // What cannot be read stays, and hides none of the others.
                Err(error @ Error::State { .. }) => replay.error = Some(error),
                Err(error) => {
                    replay.error = Some(error);
                    break;
                }
            }
        }
        replay
    }

    fn tell(self, json: bool, rows_on_output: bool, screen: &Screen) -> Result<Exit, Failure> {
        let text = if json { format!("{:#}", self.to_json()) } else { self.in_words() };
        if rows_on_output {
            screen.say(&text);
        } else {
            show::print(&text)?;
        }
        match self.error {
            Some(error) => Err(error.into()),
            None if self.done.iter().any(|replayed| replayed.refused > 0) => Ok(Exit::Person),
            None if self.stopped => Ok(Exit::Later),
            None => Ok(Exit::Done),
        }
    }

    fn sums(&self) -> [u64; 3] {
        let sum = |of: fn(&Replayed) -> u64| self.done.iter().map(of).sum();
        [sum(|replayed| replayed.rows), sum(|replayed| replayed.known), sum(|replayed| replayed.refused)]
    }

    fn in_words(&self) -> String {
        let [rows, known, refused] = self.sums();
        let mut parts = vec![format!("{} brought in", show::counted(rows, "row"))];
        if known > 0 {
            parts.push(format!("{known} of them known"));
        }
        if refused > 0 {
            parts.push(format!("{refused} still refused: `aig-logs dead-letters list` shows why"));
        }
        parts.join(", ")
    }

    fn to_json(&self) -> Value {
        let [rows, known, refused] = self.sums();
        let keys = self.done.iter().map(|Replayed { key, rows, known, refused }| {
            json!({ "key": key, "rows": rows, "known": known, "refused": refused })
        });
        let error = self.error.as_ref().map(Error::chain);
        json!({ "rows": rows, "known": known, "refused": refused, "keys": keys.collect::<Value>(), "error": error })
    }
}
