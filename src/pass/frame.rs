//! The frame of a pass: its keys are loaded, its work is done, its status is noted, and its line of the table `aig_runs` is
//! written.
//!
//! Each pass that had something to do is a line of `aig_runs`, written after everything was remembered, so that a
//! dashboard of the logs shows the pipeline's health too. It is one insert more for such a pass, and none for one that
//! found nothing; a failure to write it is a warning and fails no pass, since no log depends on it. Counting makes sure of
//! a line an hour.

use chrono::TimeDelta;

use super::{Context, GatewayReport, Job, Platform, Report};
use crate::{
    error::{CallError, Error},
    host::{Clock, Host, Store},
    record::{Cell, Column, Kind, Record, Table, columns},
    sink::Sink,
    state::{self, Status},
};

/// A column, and what it says of a pass with an id.
type Field = (Column, fn(&Report, &str) -> Cell);

const FIELDS: [Field; 18] = [
    field("run", Kind::Text, |_, id| Cell::Text(id.to_owned())),
    field("started", Kind::Instant, |pass, _| Cell::Instant(pass.started)),
    field("finished", Kind::Instant, |pass, _| Cell::Instant(pass.finished)),
    field("job", Kind::Text, |pass, _| Cell::Text(pass.job.to_string())),
    field("verdict", Kind::Text, |pass, _| Cell::Text(pass.verdict().to_string())),
    field("entries", Kind::Integer, |pass, _| sum(pass, |gateway| gateway.entries)),
    field("rows_written", Kind::Integer, |pass, _| sum(pass, |gateway| gateway.rows)),
    field("known", Kind::Integer, |pass, _| sum(pass, |gateway| gateway.known)),
    field("rejected", Kind::Integer, |pass, _| sum(pass, |gateway| gateway.rejected)),
    field("late", Kind::Integer, |pass, _| sum(pass, |gateway| gateway.late)),
    field("pages", Kind::Integer, |pass, _| sum(pass, |gateway| (gateway.pages + gateway.reread).into())),
    field("counts", Kind::Integer, |pass, _| sum(pass, |gateway| gateway.counts.into())),
    field("calls", Kind::Integer, |pass, _| Cell::Integer(pass.calls.into())),
    field("lag_ms", Kind::Integer, |pass, _| length(pass.lag())),
    field("lateness_p50_ms", Kind::Integer, |pass, _| late(pass, 0.5)),
    field("lateness_p95_ms", Kind::Integer, |pass, _| late(pass, 0.95)),
    field("error", Kind::Text, |pass, _| pass.worst().map_or(Cell::Null, |error| Cell::Text(error.chain()))),
    field("version", Kind::Text, |_, _| Cell::Text(env!("CARGO_PKG_VERSION").to_owned())),
];

const fn field(name: &'static str, kind: Kind, cell: fn(&Report, &str) -> Cell) -> Field {
    (Column { name, kind }, cell)
}

const COLUMNS: [Column; FIELDS.len()] = columns(&FIELDS);

/// The table of passes: a pass that had something to do is one line of it.
pub static RUNS: Table =
    Table { name: "aig_runs", columns: &COLUMNS, key: &["run"], id: "run", at: "started", version: None };

impl<P: Platform> Context<'_, P> {
    /// Does a job with the values of its keys, the last of which is the status, and reports what came of it. Without
    /// those values nothing is done, and nothing noted: what the status says of other jobs is not known either.
    pub(super) async fn report<const N: usize>(
        &self,
        job: Job,
        keys: [&str; N],
        work: impl AsyncFnOnce(&mut Report, [Option<String>; N]) -> Result<(), Error>,
    ) -> Report {
        let mut report = Report::begun(job, self.host.now());
        match self.load(keys).await {
            Ok(values) => {
                let status = values.last().cloned().flatten();
                let failed = work(&mut report, values).await.err();
                report.error = failed.or(report.error.take());
                let noted = self.note(&report, status).await;
                report.error = report.error.or(noted.err());
            }
            Err(error) => report.error = Some(error),
        }
        self.expire().await;
        let report = self.counted(report);
        record(self, &report).await;
        // The logs were done before; what that took is a call all the same.
        Report { calls: self.host.meter.calls(), ..report }
    }

    pub(super) fn counted(&self, report: Report) -> Report {
        let meter = self.host.meter;
        let (calls, reads, writes) = (meter.calls(), meter.reads(), meter.writes());
        Report { calls, reads, writes, clock: meter.clock(), finished: self.host.now(), ..report }
    }

    async fn note(&self, report: &Report, status: Option<String>) -> Result<(), Error> {
        let mut status = status.map_or_else(|| Ok(Status::default()), |text| Status::from_json(&text))?;
        if status.note(&report.job.to_string(), report.worst(), self.host.now()) {
            let value = status.to_json().map_err(|error| Error::unwritable(state::STATUS, &error))?;
            self.save(state::STATUS, &value).await?;
        }
        Ok(())
    }

    /// Takes away what is over, by a clock that a server has confirmed in this pass and by no other. Nothing depends on it.
    async fn expire(&self) {
        match self.host.meter.clock() {
            Clock::Unknown | Clock::Wrong => {}
            Clock::Confirmed(at) => {
                for store in [&self.state, &self.ids] {
                    if let Err(error) = store.expire(at).await {
                        log::warn!("expired values stay for now: {error}");
                    }
                }
            }
        }
    }
}

/// Writes the line of a pass that has something to tell. A failure is said and no more: the logs are what counts.
async fn record<P: Platform>(context: &Context<'_, P>, report: &Report) {
    // By a wrong clock the line would stand at a wrong time.
    let is_wrong = context.host.meter.clock() == Clock::Wrong;
    if !context.config.record_runs || is_wrong || !context.sink.keeps(&RUNS) || !has_news(report) {
        return;
    }
    let problem = match context.sink.write(&[line(report, context.host.random())]).await {
        Ok(outcome) => outcome.rejected.into_iter().next().map(|rejected| rejected.reason),
        // The calls were for the logs.
        Err(CallError::Refused(_)) => None,
        Err(error) => Some(error.to_string()),
    };
    if let Some(problem) = problem {
        log::warn!(
            "this {} pass is not in {}: {problem}. `aig-logs sql --apply` makes the table; RECORD_RUNS=false does without it",
            report.job,
            RUNS.name
        );
    }
}

/// A pass that finds nothing new writes nothing. One that counts does, and one does so each hour: where an hour has no
/// line, nothing ran. Where the sink failed, it would again.
fn has_news(report: &Report) -> bool {
    let sink_failed = report.errors().any(|error| matches!(error, Error::Sink { .. }));
    let worked = |gateway: &GatewayReport| gateway.entries > 0 || gateway.counts > 0 || gateway.error.is_some();
    !sink_failed && (report.error.is_some() || report.gateways.iter().any(worked))
}

fn line(report: &Report, random: f64) -> Record {
    // Two passes of one job that begin in one millisecond are rare, and then told apart.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a million")]
    let chance = (random * 1e6) as u32;
    let id = format!("{}-{}-{chance:06}", report.job, report.started.timestamp_millis());
    Record { table: &RUNS, cells: FIELDS.iter().map(|(_, cell)| cell(report, &id)).collect() }
}

fn sum(report: &Report, number: fn(&GatewayReport) -> u64) -> Cell {
    Cell::Integer(i64::try_from(report.sum(number)).unwrap_or(i64::MAX))
}

fn late(report: &Report, share: f64) -> Cell {
    length(report.lateness().and_then(|lateness| lateness.quantile(share)))
}

fn length(length: Option<TimeDelta>) -> Cell {
    length.map_or(Cell::Null, |length| Cell::Integer(length.num_milliseconds()))
}
