//! `aig-logs verify`: any stretch, proven or repaired on demand.

mod told;

use std::cell::Cell;

use indicatif::HumanCount;
use tokio::sync::watch;

use self::told::tell_proof;
use crate::{
    cli::{
        args::{Options, State, Verify},
        failure::{Exit, Failure},
        files::{open::existing, rows::Rows, state::OpenState, target::Files},
        jobs::Poller,
        progress::{Screen, log_to},
        vars::settings::Vars,
    },
    config::{Config, Destination},
    foreign::clean,
    host::{Host, Meter, Metered, native::NativeHost, rest_kv::RestKv},
    pass::{
        Context, Job,
        audit::prove::{self, Proof, Proven, Question},
    },
    sink::{
        bigquery::{BigQuerySink, SignIn},
        ndjson::Ndjson,
        sqlite::Sqlite,
    },
};

/// Proves what was asked, and with `--repair` writes what is missing.
pub async fn verify(
    arguments: &Verify,
    options: &Options,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let vars = Vars::read(options)?;
    let destinations = if arguments.repair { options.destinations() } else { vec![Destination::default()] };
    let config = vars.config(&destinations)?;
    let host = NativeHost::new(stop.clone(), |_| {}).map_err(|error| Failure::host(&error))?;
    vars.check_key(&host, &config).await?;
    log_to(screen, config.log_level);

    let question = Question { from: arguments.from, until: arguments.to, repair: arguments.repair };
    let (done, read) = (Cell::new(0), Cell::new(0));
    let tell = |proven: &Proven, all: usize| {
        done.set(done.get() + 1);
        read.set(read.get() + proven.read);
        let (gateway, until) = (&proven.gateway, proven.until.format("%F %H:%M"));
        screen.step(done.get(), all, &format!("{} up to {until}, {} read", clean(gateway), HumanCount(read.get())));
    };
    let proof = if question.repair {
        repair(&question, &vars, &host, &config, options, &tell).await?
    } else {
        let state = OpenState::to_read(options, stop)?;
        state.check_account(&config.source.account).await?;
        let [cursors, ids] = state.stores()?;
        let meter = Meter::new(Job::Range.budget(&config), host.now());
        let host = Metered { inner: &host, meter: &meter };
        let rows = Rows::of(&state, &vars).await?;
        let stores = [&cursors, &ids];
        // Nothing is ever written to either.
        if let Some(file) = rows.file() {
            let table = Sqlite::of(file);
            prove::prove(&Context::new(host, stores, &table, &config), &question, &tell).await
        } else {
            let nowhere = Ndjson::new(std::io::sink());
            prove::prove(&Context::new(host, stores, &nowhere, &config), &question, &tell).await
        }
    };
    screen.clear();
    tell_proof(&proof, options.json, destinations.contains(&Destination::Ndjson(None)), screen)
}

/// Nothing is written before the settings are known to be good.
async fn repair(
    question: &Question,
    vars: &Vars,
    host: &NativeHost,
    config: &Config,
    options: &Options,
    tell: &dyn Fn(&Proven, usize),
) -> Result<Proof, Failure> {
    match options.state() {
        State::File(path) => {
            drop(existing(&path)?);
            let files = Files::open(options, config).await?;
            Ok(Poller::new(host, config, &files)?.prove(question, tell).await)
        }
        State::Kv => {
            let Some(table) = &config.bigquery else {
                let problem = "the Worker's rows go to BigQuery, and verify writes the missing rows there";
                return Err(Failure::denied("repairing with --state kv", problem, "Add --sink bigquery"));
            };
            let (kv, sign_in) = (vars.kv()?, SignIn::default());
            let [state, ids] = [&kv.state, &kv.ids].map(|id| RestKv::new(host, &kv, id));
            let meter = Meter::new(Job::Range.budget(config), host.now());
            let host = Metered { inner: host, meter: &meter };
            let sink = BigQuerySink::new(&host, table, &sign_in);
            Ok(prove::prove(&Context::new(host, [&state, &ids], &sink, config), question, tell).await)
        }
    }
}
