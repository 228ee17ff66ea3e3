//! The lives of an event: where it is in a table, and whether it is a dead letter.

use std::{collections::BTreeMap, path::Path};

use rusqlite::params;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Lives;
use crate::{
    cli::{
        args::{Options, State},
        failure::Failure,
        files::{
            open::{read_only, unusable},
            state::OpenState,
        },
        show,
        vars::settings::Vars,
    },
    config::Destination,
    database::{Database, rest::Rest},
    foreign::clean,
    host::native::{NativeHost, now},
    pass::dead,
    record::Cell,
    state::{Body, DeadLetter, OF_EVENTS},
    time,
};

/// The columns that are told.
const COLUMNS: [&str; 5] = ["org", "created_at", "name", "source", "ingested_at"];

/// The events with an id. It reads the whole table: the key begins with the org.
const FIND: &str = "SELECT org, created_at, name, source, ingested_at FROM events_raw WHERE id = ?1 \
                    ORDER BY org, created_at LIMIT 100";

/// Whether there is a table of events.
const HAS_TABLE: &str = "SELECT count(*) FROM sqlite_master WHERE name = 'events_raw'";

/// What is found of an id.
#[derive(Debug, Default)]
pub(super) struct Found {
    id: String,
    /// The events, by org and instant.
    pub events: BTreeMap<[String; 2], Event>,
    /// Where the id was looked for.
    asked: Vec<String>,
    /// What was not asked, and why.
    unasked: Vec<String>,
}

/// One event.
#[derive(Debug)]
pub(super) struct Event {
    /// The values of [`COLUMNS`].
    values: [String; 5],
    /// The tables that have it, in words.
    places: Vec<String>,
    /// The key of its dead letter, and the reason.
    dead: Option<(String, String)>,
}

/// Looks for the events with an id in the tables and the state of the options. What cannot be asked is noted.
pub(super) async fn find(
    host: &NativeHost,
    id: &str,
    options: &Options,
    vars: &Vars,
    stop: watch::Receiver<bool>,
) -> Found {
    let mut found = Found { id: id.to_owned(), ..Found::default() };
    for destination in destinations(options) {
        let (place, rows) = match &destination {
            Destination::Sqlite(path) => (path.display().to_string(), in_file(path, id)),
            Destination::D1 => ("D1".to_owned(), in_d1(host, id, vars).await),
            Destination::BigQuery | Destination::Ndjson(_) => continue,
        };
        found.add_rows(&place, rows);
    }
    let state = OpenState::to_read(options, stop);
    let letters = match &state {
        Ok(state) => letters(state).await,
        Err(failure) => Err(failure.one_line()),
    };
    match letters {
        Ok(letters) => found.add_letters(letters),
        Err(why) => found.unasked.push(format!("dead letters: {why}")),
    }
    found
}

/// Where events are looked for: in the sinks that are named, or else where the state is.
fn destinations(options: &Options) -> Vec<Destination> {
    match options.state() {
        State::File(path) if options.sinks.is_empty() => vec![Destination::Sqlite(path)],
        State::Kv if options.sinks.is_empty() => vec![Destination::D1],
        State::File(_) | State::Kv => options.sinks.clone(),
    }
}

fn in_file(path: &Path, id: &str) -> Result<Vec<[String; 5]>, Failure> {
    let file = read_only(path)?;
    let rows = || {
        if file.query_row(HAS_TABLE, [], |row| row.get::<_, u32>(0))? == 0 {
            return Ok(Vec::new());
        }
        let mut statement = file.prepare(FIND)?;
        let rows = statement
            .query_map(params![id], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]))?;
        rows.collect()
    };
    rows().map_err(|error: rusqlite::Error| unusable(path, &error))
}

async fn in_d1(host: &NativeHost, id: &str, vars: &Vars) -> Result<Vec<[String; 5]>, Failure> {
    let settings = vars.d1(None)?;
    let rows = Rest::new(host, &settings).query(FIND, vec![Cell::Text(id.to_owned())]).await;
    let rows = rows.map_err(|error| Failure::call("looking for the event in D1", error))?;
    Ok(rows.into_iter().map(|row| values(&Value::Object(row))).collect())
}

/// The dead letters of events in a state.
async fn letters(state: &OpenState) -> Result<Vec<(String, DeadLetter)>, String> {
    let store = state.store().map_err(|failure| failure.one_line())?;
    dead::letters_of(&store, OF_EVENTS).await.map_err(|error| error.chain())
}

/// The columns that are told, of a row as JSON.
fn values(row: &Value) -> [String; 5] {
    COLUMNS.map(|column| row[column].as_str().unwrap_or_default().to_owned())
}

impl Found {
    /// The same, with something more that was not asked.
    pub fn with_unasked(mut self, why: String) -> Self {
        self.unasked.push(why);
        self
    }

    /// That no event has the id, and where it was looked for.
    pub fn not_found(&self) -> String {
        let mut lines = Vec::new();
        if !self.asked.is_empty() {
            lines.push(format!("No event has this id in {}", self.asked.join(" and in ")));
        }
        lines.extend(self.unasked.iter().map(|what| format!("Not asked for events: {what}")));
        lines.join("\n")
    }

    fn add_rows(&mut self, place: &str, rows: Result<Vec<[String; 5]>, Failure>) {
        match rows {
            Ok(rows) => {
                self.asked.push(place.to_owned());
                for row in rows {
                    self.event(row).places.push(place.to_owned());
                }
            }
            Err(failure) => self.unasked.push(format!("{place}: {}", failure.one_line())),
        }
    }

    fn add_letters(&mut self, letters: Vec<(String, DeadLetter)>) {
        for (key, letter) in letters {
            // The text of a message that is no list has the id of the message.
            if letter.id() != self.id || matches!(letter.body, Body::Text { .. }) {
                continue;
            }
            let row = values(&letter.to_json()["row"]);
            self.event(row).dead = Some((key, letter.reason));
        }
    }

    fn event(&mut self, values: [String; 5]) -> &mut Event {
        let [org, created_at, ..] = &values;
        let key = [org.clone(), created_at.clone()];
        self.events.entry(key).or_insert(Event { values, places: Vec::new(), dead: None })
    }
}

/// What is told of the events.
pub(super) fn lives(found: Found) -> Lives {
    let Found { id, events, unasked, .. } = found;
    Lives {
        words: events.values().map(|event| event.in_words(&id, &unasked)).collect(),
        json: events.values().map(|event| event.to_json(&id, &unasked)).collect(),
        is_known: !events.is_empty(),
        need_somebody: events.values().any(|event| event.dead.is_some()),
    }
}

impl Event {
    fn in_words(&self, id: &str, unasked: &[String]) -> String {
        let [org, created_at, name, source, ingested_at] = &self.values;
        let mut lines = vec![format!("Event {} of org {}", clean(id), clean(org))];
        let mut say = |name: &str, text: &str| lines.push(format!("  {name:<12}{text}"));
        let ago = time::parse(created_at).map_or_else(String::new, |at| format!(", {}", show::ago(now() - at)));
        say("created", &format!("{}{ago}", clean(created_at)));
        say("name", &clean(name));
        say("way", &clean(source));
        say("received", &clean(ingested_at));
        for place in &self.places {
            say("table", &format!("{}: there", clean(place)));
        }
        if self.places.is_empty() {
            say("table", "in none that was asked");
        }
        if let Some((key, reason)) = &self.dead {
            say("dead letter", &format!("{}: {}", clean(key), clean(reason)));
        }
        for what in unasked {
            say("not asked", &clean(what));
        }
        lines.push(self.follows());
        lines.join("\n")
    }

    fn to_json(&self, id: &str, unasked: &[String]) -> Value {
        let [org, created_at, name, source, ingested_at] = &self.values;
        json!({
            "kind": "event",
            "id": id,
            "org": org,
            "created_at": created_at,
            "name": name,
            "source": source,
            "ingested_at": ingested_at,
            "tables": self.places,
            "dead_letter": self.dead.as_ref().map(|(key, reason)| json!({ "key": key, "reason": reason })),
            "not_asked": unasked,
            "follows": self.follows(),
        })
    }

    /// One sentence: what follows.
    fn follows(&self) -> String {
        let Some((key, reason)) = &self.dead else { return "Kept.".into() };
        let [key, reason] = [key, reason].map(|text| clean(text));
        if self.places.is_empty() {
            let replay = format!("aig-logs dead-letters replay {key}");
            return format!("Kept as a dead letter: {reason}. Fix the cause, then run: {replay}");
        }
        format!("Kept. Its dead letter is left over; to discard it, run: aig-logs dead-letters discard {key}")
    }
}
