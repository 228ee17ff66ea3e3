//! `aig-logs verify`: any stretch, proven or repaired on demand.

mod told;

use std::cell::Cell;

use indicatif::HumanCount;
use tokio::sync::watch;

use self::told::tell_proof;
use crate::{
    cli::{
        args::{Credential, Options, State, Verify},
        failure::{Exit, Failure},
        files::{
            open::existing,
            rows::{Rows, database, table, unasked},
            state::OpenState,
            target::Files,
        },
        jobs::Poller,
        progress::{Screen, log_to},
        vars::settings::Vars,
        warehouse::{
            beside::{Beside, beside},
            login::Login,
            reader::{ReadAccess, TableReader},
        },
    },
    config::{Config, Destination, WarehouseSettings},
    database::rest::Rest,
    foreign::clean,
    host::{Host, Meter, Metered, native::NativeHost, rest_kv::RestKv},
    pass::{
        Context, Job,
        audit::prove::{self, Proof, Proven, Question},
    },
    sink::{
        all::All,
        any::Any,
        bigquery::{BigQuerySink, SignIn},
        d1::D1Sink,
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

    let now = host.now();
    let [from, until] = [arguments.from, arguments.to].map(|end| end.map(|end| end.at(now)));
    let question = Question { from, until, repair: arguments.repair };
    let (done, read) = (Cell::new(0), Cell::new(0));
    let tell = |proven: &Proven, all: usize| {
        done.set(done.get() + 1);
        read.set(read.get() + proven.read);
        let (gateway, until) = (&proven.gateway, proven.until.format("%F %H:%M"));
        screen.step(done.get(), all, &format!("{} up to {until}, {} read", clean(gateway), HumanCount(read.get())));
    };
    let reader = arguments.reader.as_ref();
    let task =
        Task { question: &question, vars: &vars, host: &host, config: &config, options, reader, screen, tell: &tell };
    let proof = if question.repair { task.repair().await? } else { task.look(stop).await? };
    screen.clear();
    tell_proof(&proof, options.json, destinations.contains(&Destination::Ndjson(None)), screen)
}

/// What is to be done, and with what.
struct Task<'a> {
    question: &'a Question,
    vars: &'a Vars,
    host: &'a NativeHost,
    config: &'a Config,
    options: &'a Options,
    /// Whose credential reads a table in BigQuery, if anybody's.
    reader: Option<&'a Credential>,
    screen: &'a Screen,
    tell: &'a dyn Fn(&Proven, usize),
}

impl Task<'_> {
    /// Nothing is written.
    async fn look(&self, stop: watch::Receiver<bool>) -> Result<Proof, Failure> {
        let Self { question, vars, config, options, tell, .. } = *self;
        let state = OpenState::to_read(options, stop)?;
        state.check_account(&config.source.account).await?;
        let rows = Rows::of(&state, vars).await?;
        let access = match self.reader {
            Some(reader) => Some(access(reader, table(&state, vars).await?)?),
            None => None,
        };
        let database = database(&state, vars).await?;
        let unasked = unasked(&state, self.reader.is_some()).await?;
        if !unasked.is_empty() {
            let places: Vec<_> = unasked.iter().map(|place| clean(place)).collect();
            self.screen.say(&format!("The tables in SQLite and D1 are asked, but not {}", places.join(" and ")));
        }
        let [cursors, ids] = state.stores()?;
        let meter = Meter::new(Job::Range.budget(config), self.host.now());
        let host = Metered { inner: self.host, meter: &meter };
        let stores = [&cursors, &ids];
        let files = rows.files().map(|file| Beside::Sink(Sqlite::of(file)));
        let reader = access.as_ref().map(|access| Beside::Reader(TableReader::new(&host, access)));
        let database = database.as_ref().map(|database| Beside::Database(D1Sink::new(Rest::new(&host, database))));
        let asked: Vec<_> = files.chain(database).chain(reader).collect();
        // Nothing is ever written to either.
        if asked.is_empty() {
            let nowhere = Ndjson::new(std::io::sink());
            return Ok(prove::prove(&Context::new(host, stores, &nowhere, config), question, tell).await);
        }
        let asked = All::new(asked);
        Ok(prove::prove(&Context::new(host, stores, &asked, config), question, tell).await)
    }

    /// Nothing is written before the settings are known to be good.
    async fn repair(&self) -> Result<Proof, Failure> {
        let Self { question, vars, host, config, options, tell, .. } = *self;
        match options.state() {
            State::File(path) => {
                drop(existing(&path)?);
                let access = self.access_of_settings()?;
                let files = Files::open(options, config).await?;
                Ok(Poller::new(host, config, &files)?.prove(question, access.as_ref(), tell).await)
            }
            State::Kv => {
                let access = self.access_of_settings()?;
                let (kv, sign_in) = (vars.kv()?, SignIn::default());
                let [state, ids] = [&kv.state, &kv.ids].map(|id| RestKv::new(host, &kv, id));
                let meter = Meter::new(Job::Range.budget(config), host.now());
                let host = Metered { inner: host, meter: &meter };
                let sink = match (&config.bigquery, &config.d1, options.destinations().len()) {
                    (Some(table), None, 1) => Any::BigQuery(BigQuerySink::new(&host, table, &sign_in)),
                    (None, Some(database), 1) => Any::D1(D1Sink::new(Rest::new(&host, database))),
                    (..) => {
                        let problem =
                            "the Worker's rows go to BigQuery or D1, and verify writes the missing rows there";
                        let hint = "Give --sink bigquery or --sink d1, and no other sink";
                        return Err(Failure::denied("repairing with --state kv", problem, hint));
                    }
                };
                let sink = beside(sink, &host, access.as_ref());
                Ok(prove::prove(&Context::new(host, [&state, &ids], &sink, config), question, tell).await)
            }
        }
    }

    /// Who reads the table that the missing rows go to.
    fn access_of_settings(&self) -> Result<Option<ReadAccess>, Failure> {
        let Some(reader) = self.reader else { return Ok(None) };
        let table = self.config.bigquery.as_ref().map(|_| self.vars.warehouse()).transpose()?;
        access(reader, table).map(Some)
    }
}

/// Signs in to read a table; none: rows go elsewhere.
fn access(reader: &Credential, table: Option<WarehouseSettings>) -> Result<ReadAccess, Failure> {
    let Some(settings) = table else {
        let problem = "the rows of this state are not in BigQuery. A SQLite table is asked without --reader";
        let hint = "Leave --reader out; or name the state of the rows in BigQuery with --sink bigquery, or --state";
        return Err(Failure::denied("reading the table with --reader", problem, hint));
    };
    Ok(ReadAccess { login: Login::new(reader, settings.emulated)?, settings })
}
