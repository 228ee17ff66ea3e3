//! A poller that runs in this program: what its state says, and what its passes have reported since it began.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::TimeDelta;
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{
    cost,
    problem::Problem,
    text::{Family, Sample, counter, gauge, single},
};
use crate::{
    cli::{
        args::{Options, State},
        commands::status::Standing,
        failure::Failure,
        files::{open::is_file, passes::Passes},
        vars::settings::Vars,
    },
    config::Destination,
    database::sqlite::SqliteDatabase,
    host::native::now,
    pass::{Completion, Report},
    time::{self, Timestamp},
};

/// A poller that somebody watches.
pub struct PollerWatch {
    options: Options,
    /// When it began, UTC.
    started: Timestamp,
    tally: Mutex<Tally>,
}

/// What passes have reported.
#[derive(Debug, Default)]
struct Tally {
    /// By job.
    jobs: BTreeMap<String, JobTally>,
    /// The instant before which forward had delivered everything at the end of its last pass, UTC.
    delivered_before: Option<Timestamp>,
}

/// What the passes of a job have reported.
#[derive(Debug, Default, Clone, Copy)]
struct JobTally {
    passes: u64,
    failures: u64,
    entries: u64,
    rows: u64,
}

impl PollerWatch {
    /// A poller with these options, which begins now.
    pub fn new(options: Options) -> Self {
        Self { options, started: now(), tally: Mutex::default() }
    }

    /// Adds a pass.
    pub fn note(&self, report: &Report) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let of_job = tally.jobs.entry(report.job.to_string()).or_default();
        of_job.passes += 1;
        of_job.failures += u64::from(report.verdict() == Completion::Failed);
        of_job.entries += report.sum(|gateway| gateway.entries);
        of_job.rows += report.sum(|gateway| gateway.rows);
        let delivered_before = report.lag().map(|lag| report.finished - lag);
        tally.delivered_before = delivered_before.or(tally.delivered_before);
    }

    /// What is wrong.
    pub async fn problems(self: &Arc<Self>) -> Vec<Problem> {
        match self.standing().await {
            Ok(Some(standing)) => standing.problems(Some(self.started)),
            Ok(None) if now() - self.started > Passes::patience(None) => vec![Problem {
                label: "Stalled",
                words: format!("no pass has ended since {}", time::text(self.started)),
                details: None,
                needs_person: true,
            }],
            Ok(None) => Vec::new(),
            Err(failure) => vec![Problem {
                label: "Problem",
                words: "the state cannot be read".into(),
                details: Some(failure.one_line()),
                needs_person: true,
            }],
        }
    }

    /// Its numbers, without the cost.
    pub async fn families(self: &Arc<Self>) -> Vec<Family> {
        let standing = self.standing().await.ok().flatten();
        let through = standing.iter().flat_map(Standing::complete_through);
        let through = through.map(|(gateway, at)| (Some(("gateway", gateway)), seconds(at)));
        let ended = standing.iter().flat_map(|standing| &standing.passes.last);
        let ended = ended.map(|(job, pass)| (Some(("job", job.clone())), seconds(pass.ended)));
        let refused = standing.as_ref().map(|standing| number(standing.rows_refused()));
        let mut families = vec![
            gauge("aig_logs_lag_seconds", "How far delivery is behind the present.", single(self.lag())),
            gauge("aig_logs_complete_through_timestamp_seconds", "Every hour up to here is proven.", through.collect()),
            gauge("aig_logs_last_pass_timestamp_seconds", "When the last pass ended.", ended.collect()),
            gauge("aig_logs_dead_letters", "Rows that no sink takes.", single(refused)),
        ];
        families.extend(self.counters());
        families
    }

    /// What today costs, of its SQLite file; none: it has none.
    pub async fn cost(&self) -> Option<f64> {
        let destinations = self.options.destinations();
        let file = destinations.iter().filter_map(Destination::sqlite_file).find(|path| is_file(path))?;
        let org_metadata = Vars::read(&self.options).ok()?.events().ok()?.org_metadata;
        let database = SqliteDatabase::existing(file).ok()?;
        let cost = cost::today(&database, &org_metadata, now()).await;
        database.close().ok()?;
        cost
    }

    fn counters(&self) -> [Family; 4] {
        let jobs = self.tally.lock().unwrap_or_else(PoisonError::into_inner).jobs.clone();
        let of = |count: fn(&JobTally) -> u64| -> Vec<Sample> {
            jobs.iter().map(|(job, tally)| (Some(("job", job.clone())), number(count(tally)))).collect()
        };
        [
            counter("aig_logs_passes_total", "Passes that have ended.", of(|tally| tally.passes)),
            counter("aig_logs_failures_total", "Passes that failed.", of(|tally| tally.failures)),
            counter("aig_logs_entries_total", "New entries read.", of(|tally| tally.entries)),
            counter("aig_logs_rows_total", "Rows delivered.", of(|tally| tally.rows)),
        ]
    }

    fn lag(&self) -> Option<f64> {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.delivered_before.map(|before| (now() - before).max(TimeDelta::zero()).as_seconds_f64())
    }

    /// What `aig-logs status` would say. A connection of SQLite stays on its thread.
    async fn standing(self: &Arc<Self>) -> Result<Option<Standing>, Failure> {
        let State::File(path) = self.options.state() else { return Ok(None) };
        let watch = Arc::clone(self);
        let read = move || Handle::current().block_on(Standing::of_file(&watch.options, &path));
        let read = spawn_blocking(read).await;
        read.unwrap_or_else(|error| Err(Failure::denied("reading the state", error, "Start it again")))
    }
}

/// An instant as Prometheus has it.
pub fn seconds(at: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let milliseconds = at.timestamp_millis() as f64;
    milliseconds / 1_000.0
}

/// A number as Prometheus has it.
pub fn number(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 it is only less exact")]
    let count = count as f64;
    count
}
