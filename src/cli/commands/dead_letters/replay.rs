//! `aig-logs dead-letters replay`: writes the rows of dead letters again.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::chosen;
use crate::{
    cli::{
        args::{Options, State},
        failure::{Exit, Failure},
        files::{
            open::{connect_in_place, existing},
            target::Files,
        },
        jobs::Poller,
        progress::{Screen, log_to},
        show,
        vars::settings::Vars,
    },
    config::{Config, Destination},
    database::rest::Rest,
    error::Error,
    host::{Host, Store, native::NativeHost, rest_kv::RestKv},
    pass::dead::{self, Replayed},
    sink::{
        Sink,
        bigquery::{BigQuerySink, SignIn},
        d1::D1Sink,
        sqlite::Sqlite,
    },
    source::Source,
    state::{OF_EVENTS, place_of},
};

/// Nothing is written before the settings are known to be good.
pub async fn replay(
    keys: &[String],
    options: &Options,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let vars = Vars::read(options)?;
    let destinations = options.destinations();
    let config = vars.config_without_gateways(&destinations)?;
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
        State::Kv => of_the_worker(&host, &vars, &config, options, keys).await?,
    };
    replay.tell(options.json, destinations.contains(&Destination::Ndjson(None)), screen)
}

/// Replays what the Workers keep. Their logs go to BigQuery or D1. Their events go to D1, or into a file.
async fn of_the_worker(
    host: &NativeHost,
    vars: &Vars,
    config: &Config,
    options: &Options,
    keys: &[String],
) -> Result<Replay, Failure> {
    let (kv, sign_in) = (vars.kv()?, SignIn::default());
    let store = RestKv::new(host, &kv, &kv.state);
    let keys = names(chosen(&store, keys).await?);
    match (&config.bigquery, &options.sinks[..]) {
        (Some(table), [Destination::BigQuery]) => {
            let sink = BigQuerySink::new(host, table, &sign_in);
            Ok(Replay::run(host, &store, &config.source, &sink, &keys, config.ids_ttl).await)
        }
        (_, [Destination::D1]) => {
            let database = vars.d1(None)?;
            let sink = D1Sink::new(Rest::new(host, &database));
            Ok(Replay::run(host, &store, &config.source, &sink, &keys, config.ids_ttl).await)
        }
        (_, [Destination::Sqlite(path)]) if keys.iter().all(|key| is_of_events(key)) => {
            let (file, place) = connect_in_place(path)?;
            let sink = Sqlite::new(&file, &config.metadata);
            let sink =
                sink.map_err(|error| Failure::denied("opening the SQLite file", error, "Nothing was written"))?;
            let sink = sink.in_place(place);
            Ok(Replay::run(host, &store, &config.source, &sink, &keys, config.ids_ttl).await)
        }
        (..) => {
            let problem =
                "replay deletes each key once the sink has its rows, and the Worker's rows go to BigQuery or D1";
            let hint = "Give --sink bigquery or --sink d1, and no other sink; for keys of events, --sink sqlite:FILE";
            Err(Failure::denied("replaying with --state kv", problem, hint))
        }
    }
}

/// Whether the dead letters under a key are events.
fn is_of_events(key: &str) -> bool {
    place_of(key).is_some_and(|(of, _)| of == OF_EVENTS)
}

fn names(chosen: Vec<(String, u64)>) -> Vec<String> {
    chosen.into_iter().map(|(key, _)| key).collect()
}

/// The results of a replay, key by key.
#[derive(Debug, Default)]
struct Replay {
    done: Vec<Replayed>,
    /// Whether somebody said stop before all were done.
    stopped: bool,
    /// What ended it early.
    error: Option<Error>,
}

impl Replay {
    /// Writes the rows of some keys again, until all are written, one fails, or the program is asked to stop.
    async fn run<H: Host, S: Store, K: Sink>(
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
        screen.tell(&text, rows_on_output)?;
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
