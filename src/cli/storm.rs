//! `aig-logs demo --faults SEED`: the demo in a storm. Every service fails by the seed's plan, the state fails and reads
//! as of before, and the program is killed in mid-flight, again and again. Passes are repeated as a schedule would repeat
//! them, until the copying says that it is done; and then the proof is made.
//!
//! Repeated by the seed: the world, which call of each service fails and how, which read and write of the state fails,
//! after how many calls the program is killed. Not repeated: how much live traffic has arrived by each call, since that
//! is this machine's clock; so how many passes there are, and which entries a fault hits, differ a little.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use chrono::TimeDelta;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    args::{Demo, History},
    demo::{GATEWAY, PAUSE, ROUNDS, Stage, stopped},
    failure::Failure,
    jobs::{self, Poller, Work},
    landed,
    proof::{Ending, Proof, program, two_columns, unreadable},
    show, simulate,
    target::{Files, Rows},
    trouble::{Trouble, Troubled},
};
use crate::{
    config::Config,
    error::{Error, StoreError},
    host::{
        Host, Store,
        native::{NativeHost, SqliteStore},
    },
    pass::Report,
    simulator::{
        Simulator,
        bigquery::Table,
        options::{Lateness, Options},
        plan,
    },
    state::{OLDEST, Oldest},
    time::Timestamp,
};

/// How late entries appear at most, in seconds: what [`SETTLE`] covers.
const LATEST: f64 = 3.0;

/// `SETTLE_SECONDS` that covers [`LATEST`].
const SETTLE: &str = "3";

/// What differs from the settings of the simulator. Few pages, so that there are many passes to go wrong; and all the
/// account's gateways, so that their list is asked for too.
pub const SETTINGS: [(&str, &str); 4] =
    [("SETTLE_SECONDS", SETTLE), ("FORWARD_MAX_PAGES", "10"), ("BACKFILL_MAX_PAGES", "10"), ("AIG_GATEWAY_ID", "*")];

/// The copying that has not come to its end by then is given up.
const LONGEST: TimeDelta = TimeDelta::minutes(3);

/// Entries in one millisecond that do not fit on a page.
const TIES: &str =
    "SELECT count(*) FROM (SELECT 1 FROM aig_logs GROUP BY gateway, substr(created_at, 1, 23) HAVING count(*) > 50)";

/// Ids of the rows that the table never takes.
const DEAD: &str = "
SELECT DISTINCT json_extract(letter.value, '$.id')
FROM aig_logs_state AS kept, json_each(kept.value, '$.rows') AS letter
WHERE kept.store = 'state' AND kept.key LIKE 'dead:%'
";

/// The world of the demo in a storm.
pub fn world(seed: u64, options: Options) -> Options {
    let lateness = Lateness::between(0.05, LATEST / 9.0, LATEST);
    Options { lateness: Some(lateness), ..plan::stormy(seed, options) }
}

/// Copies through the storm of a seed, and compares.
pub async fn survive(seed: u64, stage: &Stage<'_>) -> Result<Survival, Failure> {
    let rows = stage.config.bigquery.clone().map_or(Rows::WithState, Rows::BigQuery);
    let files = Files { state: stage.open().await?, rows };
    let stores = jobs::stores(&files.state)?;
    let trouble = Trouble::new(seed);
    let host = Troubled { inner: stage.host, trouble: &trouble };
    let mut storm =
        Storm { stage, files: &files, stores: &stores, host: &host, poller: None, passes: Passes::default() };
    let started = stage.host.now();
    let until = storm.copy().await?;
    let Storm { passes, .. } = storm;
    let took = stage.host.now() - started;
    let source = stage.source();
    let simulator = simulate::lock(stage.simulator);
    keep_landed(&simulator, &files.state).map_err(unreadable)?;
    let dead = dead_letters(&files.state).map_err(unreadable)?;
    let count = |sql| files.state.query_row(sql, [], |row| row.get::<_, u32>(0)).map_err(unreadable);
    let mut faults = simulator.faults().struck().clone();
    faults.extend(trouble.struck());
    faults.insert("late_entry", simulator.late() as u64);
    faults.insert("tie_beyond_a_page", count(TIES)?.into());
    faults.insert("poison_row", dead.len() as u64);
    let raw_duplicates = count("SELECT count(*) - count(DISTINCT id) FROM aig_logs_raw")?.into();
    let proof = Proof::after_a_storm(source.into_iter(), &files.state, &dead, until, took)?;
    Ok(Survival { seed, proof, raw_duplicates, dead_letters: dead.len() as u64, faults, passes })
}

/// Puts what has landed in the simulated BigQuery into the demo's file.
fn keep_landed(simulator: &Simulator, file: &Connection) -> rusqlite::Result<()> {
    let table = simulator.table(&simulator.options().table);
    landed::keep(file, table.into_iter().flat_map(Table::rows).map(|landed| &landed.row))
}

fn dead_letters(state: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    state.prepare(DEAD)?.query_map([], |row| row.get(0))?.collect()
}

type StormyPoller<'a> = Poller<'a, Troubled<'a, NativeHost>, Troubled<'a, SqliteStore<'a>>>;

/// The copying in a storm.
struct Storm<'a> {
    stage: &'a Stage<'a>,
    files: &'a Files,
    stores: &'a [SqliteStore<'a>; 2],
    host: &'a Troubled<'a, NativeHost>,
    /// All that the program has in memory. None: it was killed, and begins anew.
    poller: Option<StormyPoller<'a>>,
    passes: Passes,
}

/// What came of the passes.
#[derive(Debug, Default)]
struct Passes {
    made: usize,
    failed: usize,
    killed: usize,
}

impl Storm<'_> {
    /// Repeats both jobs until the history is copied and forward has come to its end a few times after that. Up to where
    /// everything should be there.
    async fn copy(&mut self) -> Result<Timestamp, Failure> {
        let host = self.stage.host;
        let (end, mut until, mut rounds) = (host.now() + LONGEST, host.now(), 0);
        while rounds < ROUNDS {
            if host.stopping() {
                return Err(stopped());
            }
            if host.now() > end {
                let problem = format!("the copying has not come to its end in {} s", LONGEST.num_seconds());
                return Err(Failure::denied("surviving the storm", problem, "Try fewer --entries"));
            }
            let report = self.pass(Work::Forward).await?;
            let complete = report.filter(|report| report.is_complete() && !report.gateways.is_empty());
            if let Some(report) = &complete {
                until = self.stage.delivered_before(report);
            }
            if self.is_history_copied().await? {
                rounds += u32::from(complete.is_some());
                host.sleep(PAUSE).await;
            } else {
                self.pass(Work::Backfill).await?;
            }
        }
        Ok(until)
    }

    /// One pass: its report, or none where it was killed.
    async fn pass(&mut self, work: Work) -> Result<Option<Report>, Failure> {
        let Stage { config, screen, .. } = *self.stage;
        let poller = match self.poller.take() {
            Some(poller) => poller,
            None => self.begin(config)?,
        };
        self.passes.made += 1;
        let report = tokio::select! {
            biased;
            () = self.host.trouble.killed() => None,
            report = poller.pass(work) => Some(report),
        };
        screen.clear();
        match &report {
            None => {
                self.passes.killed += 1;
                screen.say(&format!("{}: killed in mid-flight", work.job()));
            }
            Some(report) => {
                self.poller = Some(poller);
                self.passes.failed += usize::from(report.worst().is_some());
                screen.say(&report.worst().map_or_else(|| show::report(report), |error| failed(report, error)));
            }
        }
        Ok(report)
    }

    fn begin<'a>(&self, config: &'a Config) -> Result<StormyPoller<'a>, Failure>
    where
        Self: 'a,
    {
        let stores = self.stores.each_ref().map(|inner| Troubled { inner, trouble: self.host.trouble });
        Poller::over(self.host, config, self.files, stores)
    }

    /// What an operator would read: whether the backfill has come to its end.
    async fn is_history_copied(&self) -> Result<bool, Failure> {
        let values = self.stores[0].get_many(&[OLDEST]).await;
        let unreadable = |error: StoreError| Failure::denied("reading the state", error, "Start the demo again");
        let Some(text) = values.map_err(unreadable)?.pop().flatten() else { return Ok(false) };
        let oldest = Oldest::read(&text, &[GATEWAY.to_owned()])?;
        Ok(oldest.by_id.get(GATEWAY).is_some_and(|backfill| backfill.is_done(None)))
    }
}

/// A failure in one short line.
fn failed(report: &Report, error: &Error) -> String {
    /// Characters.
    const LONGEST: usize = 110;
    let line = format!("{}: {}", report.job, error.chain());
    if line.chars().count() <= LONGEST { line } else { line.chars().take(LONGEST).chain(['…']).collect() }
}

/// What is left after a storm.
#[derive(Debug)]
pub struct Survival {
    seed: u64,
    proof: Proof,
    /// Rows in the raw table beyond one for each id.
    raw_duplicates: u64,
    /// Rows that the table never takes, kept with their reasons.
    dead_letters: u64,
    /// How often each kind of fault has struck.
    faults: BTreeMap<&'static str, u64>,
    passes: Passes,
}

impl Survival {
    /// What the demo ends with.
    pub fn ending(&self, arguments: &Demo) -> Ending {
        let (words, json) = (self.in_words(arguments), self.to_json(&arguments.file));
        Ending { words, json, holds: self.proof.holds() }
    }

    fn in_words(&self, arguments: &Demo) -> String {
        let Self { proof, passes, .. } = self;
        let counts = two_columns(&[
            ("Entries at the source", proof.source as u64),
            ("Rows for readers", proof.rows as u64),
            ("Missing", proof.missing as u64),
            ("Duplicated for readers", proof.duplicated as u64),
            ("Raw duplicates", self.raw_duplicates),
            ("Dead letters", self.dead_letters),
        ]);
        let kinds: Vec<_> = self.faults.iter().map(|(kind, times)| (kind.replace('_', " "), *times)).collect();
        let kinds: Vec<_> = kinds.iter().map(|(kind, times)| (kind.as_str(), *times)).collect();
        let survived: u64 = self.faults.values().sum();
        let file = arguments.file.display();
        format!(
            "\n{counts}\n\nA dead letter is a row that BigQuery never takes, kept with its reason. Entries that were deleted at \
             the source after\nthey were copied stay in the table.\n\n{}\n\nSurvived {}, by kind:\n\n{}\n\nPasses made: {}; \
             failed: {}; killed in mid-flight: {}.\n\nThe table is in {file}: aig_logs_raw with every copy, aig_logs as readers see it.\n\
             Repeat it with: {}",
            proof.traffic(),
            show::counted(survived, "fault"),
            two_columns(&kinds),
            passes.made,
            passes.failed,
            passes.killed,
            self.command(&arguments.history),
        )
    }

    /// What to type for the same storm over the same world.
    fn command(&self, history: &History) -> String {
        let History { entries, days, seed } = history;
        format!("{} demo --faults {} --entries {entries} --days {days} --seed {seed}", program(), self.seed)
    }

    fn to_json(&self, file: &Path) -> Value {
        let mut json = self.proof.to_json();
        json["raw_duplicates"] = self.raw_duplicates.into();
        json["dead_letters"] = self.dead_letters.into();
        json["faults"] = json!(self.faults);
        json["passes"] =
            json!({ "made": self.passes.made, "failed": self.passes.failed, "killed": self.passes.killed });
        json["seed"] = self.seed.into();
        json["file"] = file.display().to_string().into();
        json
    }
}
