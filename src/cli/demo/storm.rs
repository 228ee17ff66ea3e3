//! `aig-logs demo --faults SEED`: a day of the demo in a storm. Every service fails by the seed's plan, logs appear up to
//! half an hour late, the state fails and reads as of before, and the program is killed in mid-flight, again and again.
//! Passes are repeated as a schedule would repeat them, until the verification has counted a day; and then the proof is
//! made.
//!
//! Time passes by a clock of the storm's own ([`Clock`]), so the seed repeats everything: the world, which call of each
//! service fails and how, which read and write of the state fails, after how many calls the program is killed, and what
//! has arrived by then.

use std::{collections::BTreeSet, time::Duration};

use chrono::TimeDelta;
use rusqlite::Connection;

use crate::{
    cli::{
        commands::simulate,
        demo::{
            GATEWAY, Stage,
            clock::{DemoClock, Hurried},
            landed,
            proof::{DemoProof, unreadable},
            stopped,
            survival::{StormPasses, Survival},
            trouble::{Trouble, Troubled},
        },
        failure::Failure,
        files::target::{Files, Opened},
        jobs::{self, Poller, Work},
    },
    config::Config,
    error::StoreError,
    host::{
        Host, Store,
        native::{NativeHost, SqliteStore},
    },
    simulator::{
        Simulator,
        cloudflare::gateway::Gateway,
        google::bigquery::SimulatedTable,
        options::{SimulatorOptions, stormy},
    },
    state::{FORWARD, Forward, OLDEST, Oldest},
    time::{self, Timestamp},
};

/// What differs from the settings of the simulator. Few pages, so that there are many passes to go wrong; and all the
/// account's gateways, so that their list is asked for too.
pub const SETTINGS: [(&str, &str); 4] =
    [("SETTLE_SECONDS", "30"), ("FORWARD_MAX_PAGES", "10"), ("BACKFILL_MAX_PAGES", "10"), ("AIG_GATEWAY_ID", "*")];

/// New entries a minute: some 15,000 in all.
const LIVE: f64 = 10.0;

/// From one tick to the next.
const TICK: Duration = Duration::from_mins(3);

/// What is to be proven: by then the first slots have had their last count, the one at a day.
const DAY: TimeDelta = TimeDelta::hours(25);

/// Which count proves a slot: the one at 70 minutes. No entry is later than half an hour.
const PROVING: usize = 1;

/// Real milliseconds for which a service that says nothing is waited for.
const SILENCE_MS: u64 = 10;

/// A storm that is not over by then, in real time, is given up.
const LONGEST: TimeDelta = TimeDelta::minutes(3);

/// Entries in one millisecond that do not fit on a page.
const TIES: &str =
    "SELECT count(*) FROM (SELECT 1 FROM aig_logs GROUP BY gateway, substr(created_at, 1, 23) HAVING count(*) > 50)";

/// Ids of the entries that were at least ten minutes old when they first landed. The late entries among them were found
/// missing by verification.
const AFTER_COUNTS: &str = "
SELECT id FROM aig_logs_raw GROUP BY id, created_at
HAVING julianday(min(ingested_at)) - julianday(created_at) >= 10.0 / 24 / 60
";

/// Ids of the rows that the table never takes.
const DEAD: &str = "
SELECT DISTINCT json_extract(letter.value, '$.id')
FROM aig_logs_state AS kept, json_each(kept.value, '$.rows') AS letter
WHERE kept.store = 'state' AND kept.key LIKE 'dead:%'
";

/// The world of the demo in a storm. It begins at the same instant each time, so that a seed repeats the storm.
///
/// It deletes only the oldest entries, those of the past. A count cannot see one deleted and one late entry of the same
/// slot, but deletions of the past hide no late entry. An entry that was copied before it was deleted is not missing,
/// because only the entries that the source still has are compared.
pub fn world(seed: u64, options: SimulatorOptions) -> SimulatorOptions {
    let start = SimulatorOptions::default().start;
    SimulatorOptions { start, live_per_minute: LIVE, silence_ms: SILENCE_MS, ..stormy(seed, options) }
}

/// Copies through the storm of a seed, and compares.
pub async fn survive(seed: u64, stage: &Stage<'_>, clock: &DemoClock) -> Result<Survival, Failure> {
    let rows = stage.config.bigquery.clone().map_or(Opened::WithState, Opened::BigQuery);
    let files = Files { state: stage.open().await?, place: None, rows: vec![rows] };
    let stores = jobs::stores(&files.state)?;
    let trouble = Trouble::new(seed);
    let hurried = Hurried { inner: stage.host, clock };
    let host = Troubled { inner: &hurried, trouble: &trouble };
    let mut storm = Storm {
        stage,
        clock,
        files: &files,
        stores: &stores,
        host: &host,
        poller: None,
        passes: StormPasses::default(),
    };
    let started = stage.host.now();
    let until = storm.copy().await?;
    let Storm { passes, .. } = storm;
    let took = stage.host.now() - started;
    let source = stage.source(clock.now());
    let simulator = simulate::lock(stage.simulator);
    keep_landed(&simulator, &files.state).map_err(unreadable)?;
    let dead = ids(&files.state, DEAD).map_err(unreadable)?;
    let count = |sql| files.state.query_row(sql, [], |row| row.get::<_, u32>(0)).map_err(unreadable);
    let after_counts = ids(&files.state, AFTER_COUNTS).map_err(unreadable)?;
    let late = simulator.gateway(GATEWAY).into_iter().flat_map(Gateway::late_ids);
    let brought_in = late.filter(|id| after_counts.contains(id)).count() as u64;
    let mut faults = simulator.faults().struck().clone();
    faults.extend(trouble.struck());
    faults.insert("late_entry", simulator.late() as u64);
    faults.insert("tie_beyond_a_page", count(TIES)?.into());
    faults.insert("poison_row", dead.len() as u64);
    let raw_duplicates = count("SELECT count(*) - count(DISTINCT id) FROM aig_logs_raw")?.into();
    let proof = DemoProof::after_a_storm(source.into_iter(), &files.state, &dead, until, took)?;
    Ok(Survival { seed, proof, brought_in, raw_duplicates, dead_letters: dead.len() as u64, faults, passes })
}

/// Puts what has landed in the simulated BigQuery into the demo's file.
fn keep_landed(simulator: &Simulator, file: &Connection) -> rusqlite::Result<()> {
    let table = simulator.table(&simulator.options().table);
    landed::keep(file, table.into_iter().flat_map(SimulatedTable::rows).map(|landed| &landed.row))
}

fn ids(file: &Connection, sql: &str) -> rusqlite::Result<BTreeSet<String>> {
    file.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

type StormyHost<'a> = Troubled<'a, Hurried<'a, NativeHost>>;
type StormyPoller<'a> = Poller<'a, StormyHost<'a>, Troubled<'a, SqliteStore<'a>>>;

/// The copying in a storm.
struct Storm<'a> {
    stage: &'a Stage<'a>,
    clock: &'a DemoClock,
    files: &'a Files,
    stores: &'a [SqliteStore<'a>; 2],
    host: &'a StormyHost<'a>,
    /// All that the program has in memory. None: it was killed, and begins anew.
    poller: Option<StormyPoller<'a>>,
    passes: StormPasses,
}

impl Storm<'_> {
    /// Repeats both jobs until the history is copied, and a day is counted. Returns the instant up to which every entry
    /// should be there.
    async fn copy(&mut self) -> Result<Timestamp, Failure> {
        let Self { stage: Stage { host, screen, .. }, clock, .. } = *self;
        let (end, started) = (host.now() + LONGEST, clock.now());
        let mut told = started;
        loop {
            if host.stopping() {
                return Err(stopped());
            }
            if host.now() > end {
                let problem = format!("the demo has not copied everything in {} s", LONGEST.num_seconds());
                return Err(Failure::denied("surviving the storm", problem, "Try fewer --entries"));
            }
            self.pass(Work::Forward).await?;
            let is_history_copied = self.is_history_copied().await?;
            if !is_history_copied {
                self.pass(Work::Backfill).await?;
            }
            let proven = self.proven().await?.filter(|proven| *proven >= started + DAY);
            if let (true, Some(proven)) = (is_history_copied, proven) {
                return Ok(proven);
            }
            if clock.now() >= told + TimeDelta::hours(1) {
                told = clock.now();
                screen.say(&format!("{}: {}", time::text(told), self.passes));
            }
            clock.pass(TICK);
        }
    }

    /// One pass, which ends early where the program is killed.
    async fn pass(&mut self, work: Work) -> Result<(), Failure> {
        let poller = match self.poller.take() {
            Some(poller) => poller,
            None => self.begin(self.stage.config)?,
        };
        let report = tokio::select! {
            biased;
            () = self.host.trouble.killed() => None,
            report = poller.pass(work) => Some(report),
        };
        self.passes.count(report.as_ref());
        self.poller = report.map(|_| poller);
        Ok(())
    }

    fn begin<'a>(&self, config: &'a Config) -> Result<StormyPoller<'a>, Failure>
    where
        Self: 'a,
    {
        let stores = self.stores.each_ref().map(|inner| Troubled { inner, trouble: self.host.trouble });
        Poller::over(self.host, config, self.files, stores)
    }

    /// Whether the backfill is finished, by the state that an operator would read.
    async fn is_history_copied(&self) -> Result<bool, Failure> {
        let Some(text) = self.read(OLDEST).await? else { return Ok(false) };
        let oldest = Oldest::read(&text, &[GATEWAY.to_owned()])?;
        Ok(oldest.by_id.get(GATEWAY).is_some_and(|backfill| backfill.is_done(None)))
    }

    /// The instant up to which verification has counted every entry that may be late, by the same state.
    async fn proven(&self) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = self.read(FORWARD).await? else { return Ok(None) };
        let forward = Forward::from_json(FORWARD, &text, &[GATEWAY.to_owned()])?;
        Ok(forward.by_id.get(GATEWAY).and_then(|position| Some(position.counted?[PROVING])))
    }

    async fn read(&self, key: &str) -> Result<Option<String>, Failure> {
        let values = self.stores[0].get_many(&[key]).await;
        let unreadable = |error: StoreError| Failure::denied("reading the state", error, "Start the demo again");
        Ok(values.map_err(unreadable)?.pop().flatten())
    }
}
