//! A world in simulated time: the simulator behind a network with latency, stores that take their time, a clock that moves
//! only while everybody waits, and passes of the real program in it. What is written is compared at the end.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aig_logs::{
    config::{Config, Destination},
    error::CallError,
    google::key::PrivateKey,
    host::{Host, Meter, Metered},
    pass::{Job, Report},
    plan::budget::Budget,
    simulator::{Answer, Simulator, google::SimulatedAccount, options::SimulatorOptions},
    sink::bigquery::{BigQuerySink, SignIn},
    time::Timestamp,
    wire::{Request, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey};
use tokio::time::Instant;

use crate::poller::{self, Memories, wait};

/// How old the history is when the world begins: nothing of it has yet to settle.
const SETTLED: TimeDelta = TimeDelta::minutes(1);

/// How long everything takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Latency {
    /// Of a call to the outside.
    pub call: Duration,
    /// Of an operation of a store.
    pub store: Duration,
}

/// One gateway, `main`, and a table in the simulated `BigQuery`.
pub struct World {
    pub simulator: RefCell<Simulator>,
    pub config: Config,
    latency: Latency,
    opened: Instant,
    memories: Memories,
    sign_in: SignIn,
    /// Answers that said that there were too many calls.
    too_many: Cell<u32>,
    landed: RefCell<Landed>,
}

/// What came into the table. Rows are counted and dropped: a world may see more of them than memory holds.
#[derive(Default)]
struct Landed {
    rows: usize,
    ids: BTreeSet<String>,
}

/// What a pass took.
pub struct Spent {
    pub report: Report,
    pub time: Duration,
    /// List calls, counts included.
    lists: u64,
}

#[expect(clippy::cast_precision_loss, reason = "below a million")]
impl Spent {
    /// Rows that were written.
    pub fn rows(&self) -> f64 {
        self.report.sum(|gateway| gateway.rows) as f64
    }

    /// List calls, counts included.
    pub fn lists(&self) -> f64 {
        self.lists as f64
    }

    /// Reads and writes of the stores.
    pub fn operations(&self) -> f64 {
        f64::from(self.report.reads + self.report.writes)
    }
}

impl World {
    /// A world with settings that differ from those of the shipped `wrangler.toml`.
    pub fn new(options: SimulatorOptions, latency: Latency, settings: &[(&str, &str)]) -> Self {
        let account = Some(SimulatedAccount::weak(1));
        let simulator = Simulator::new(SimulatorOptions { dedup: false, service_account: account, ..options });
        Self {
            config: config(&simulator, settings, Destination::BigQuery),
            simulator: RefCell::new(simulator),
            latency,
            opened: Instant::now(),
            memories: Memories::that_take(latency.store),
            sign_in: SignIn::default(),
            too_many: Cell::new(0),
            landed: RefCell::default(),
        }
    }

    /// A pass, which must not fail.
    pub async fn pass(&self, job: Job, budget: Budget) -> Spent {
        let (began, before) = (self.now(), self.lists());
        let meter = Meter::new(budget, began);
        let host = Metered { inner: self, meter: &meter };
        let sink = BigQuerySink::new(&host, self.config.bigquery.as_ref().unwrap(), &self.sign_in);
        let report = poller::pass(job, host, &self.memories, &sink, &self.config).await;
        let time = (self.now() - began).to_std().unwrap();
        Spent { report, time, lists: self.lists() - before }
    }

    /// What a process that has just started does not know: a token.
    pub fn forget_token(&mut self) {
        self.sign_in = SignIn::default();
    }

    /// Lets time pass until it is so long after the beginning.
    pub async fn wait_until(&self, after: Duration) {
        wait(after.saturating_sub(self.opened.elapsed())).await;
    }

    /// Answers so far that said that there were too many calls.
    pub fn too_many(&self) -> f64 {
        self.too_many.get().into()
    }

    /// Nothing that landed is there twice, and nothing of the source is missing.
    pub fn assert_complete_and_once(&self) {
        let source = self.simulator.borrow().gateway("main").unwrap().count(self.now());
        assert_eq!(self.rows_landed_once(), source, "rows, and entries of the source");
    }

    /// How many rows landed, none of them twice.
    pub fn rows_landed_once(&self) -> usize {
        let landed = self.landed.borrow();
        assert_eq!(landed.rows, landed.ids.len(), "rows, and ids among them");
        landed.rows
    }

    fn lists(&self) -> u64 {
        self.simulator.borrow().calls().list
    }

    fn answer(&self, request: &Request) -> Answer {
        let now = self.now();
        let mut simulator = self.simulator.borrow_mut();
        let answer = simulator.answer(now, request);
        let name = simulator.options().table.clone();
        let table = simulator.table(&name).unwrap();
        if !table.rows().is_empty() {
            let mut landed = self.landed.borrow_mut();
            landed.rows += table.rows().len();
            landed.ids.extend(table.rows().iter().map(|row| row.row["id"].as_str().unwrap().to_owned()));
            let schema = table.schema().clone();
            simulator.create_table(&name, schema);
        }
        answer
    }
}

impl Host for World {
    fn now(&self) -> Timestamp {
        self.simulator.borrow().options().start + SETTLED + self.opened.elapsed()
    }

    fn random(&self) -> f64 {
        0.5
    }

    async fn sleep(&self, duration: Duration) {
        wait(duration).await;
    }

    /// A call is with the service after half of its latency.
    async fn send(&self, request: Request) -> Result<Response, CallError> {
        wait(self.latency.call / 2).await;
        let answer = self.answer(&request);
        wait(self.latency.call / 2).await;
        match answer {
            Answer::Response(response) => {
                let is_too_many = response.status() == StatusCode::TOO_MANY_REQUESTS;
                self.too_many.set(self.too_many.get() + u32::from(is_too_many));
                Ok(response)
            }
            Answer::Silence => Err(CallError::Silent("silence".into())),
        }
    }

    async fn sign(&self, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, CallError> {
        let key = EncodingKey::from_rsa_pem(key.pem().reveal().as_bytes()).unwrap();
        let signature = jsonwebtoken::crypto::sign(message, &key, Algorithm::RS256).unwrap();
        Ok(URL_SAFE_NO_PAD.decode(signature).unwrap())
    }
}

/// The settings of a simulator, with those of the shipped `wrangler.toml` that differ from the defaults, and with others.
pub fn config(simulator: &Simulator, settings: &[(&str, &str)], destination: Destination) -> Config {
    let given: BTreeMap<_, _> = simulator.settings("http://127.0.0.1:1").into_iter().collect();
    let asked: BTreeMap<_, _> = settings.iter().copied().collect();
    let lookup = |name: &str| {
        let unlimited = name.ends_with("_MAX_PAGES").then(|| "auto".to_owned());
        asked.get(name).map(|text| (*text).to_owned()).or(unlimited).or_else(|| given.get(name).cloned())
    };
    Config::from_vars(lookup, &[destination]).unwrap()
}
