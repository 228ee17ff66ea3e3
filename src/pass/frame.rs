//! The frame of a pass: it loads the keys, does the work, notes the status, and writes the pass's lines of the tables
//! `aig_runs` and `aig_ledger`.
//!
//! A pass that had something to do writes one line of `aig_runs`, after it has remembered everything. So a dashboard of
//! the logs also shows the health of the pipeline. The line costs one insert; a pass that found nothing writes none. A
//! database also gets what counts have told of hours and days, and up to when all is delivered. If such an insert fails,
//! the pass logs a warning and does not fail, because no log depends on the lines.

use super::{
    Context, GatewayReport, Job, Platform, Report,
    report::runs::{self, RUNS},
};
use crate::{
    error::{CallError, Error},
    host::{Clock, Host, Store},
    log::columns::LEDGER,
    record::Record,
    sink::Sink,
    state::{self, Status},
};

impl<P: Platform> Context<'_, P> {
    /// Does a job with the values of its keys, the last of which is the status, and reports the result. If the values
    /// cannot be loaded, the job is not done and the status stays: without the old status the new one would
    /// forget other jobs.
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
        let report = self.metered(report);
        write_lines(self, &report).await;
        // The lines are calls too, after all calls for the logs.
        Report { calls: self.host.meter.calls(), ..report }
    }

    pub(super) fn metered(&self, report: Report) -> Report {
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

    /// Deletes expired values, but only by a clock that a server has confirmed in this pass. Nothing depends on it.
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

/// Writes the lines of a pass that has news. After the sink has failed, none is written: it would fail again.
async fn write_lines<P: Platform>(context: &Context<'_, P>, report: &Report) {
    // With a wrong clock the lines would have a wrong time.
    let is_wrong = context.host.meter.clock() == Clock::Wrong;
    let sink_failed = report.errors().any(|error| matches!(error, Error::Sink { .. }));
    if !context.config.record_runs || is_wrong || sink_failed {
        return;
    }
    if context.sink.keeps(&LEDGER) {
        let of_gateway = |gateway: &GatewayReport| {
            gateway.ledger.iter().map(|line| line.record(&gateway.gateway)).collect::<Vec<_>>()
        };
        let lines: Vec<_> = report.gateways.iter().flat_map(of_gateway).collect();
        for lines in lines.chunks(context.sink.batch()) {
            write(context, report.job, lines).await;
        }
    }
    if context.sink.keeps(&RUNS) && has_news(report) {
        write(context, report.job, &[runs::line(report, context.host.random())]).await;
    }
}

/// Writes lines of one table. A failure is only a warning, because the logs matter more.
async fn write<P: Platform>(context: &Context<'_, P>, job: Job, lines: &[Record]) {
    let problem = match context.sink.write(lines).await {
        Ok(outcome) => outcome.rejected.into_iter().next().map(|rejected| rejected.reason),
        // No call is left: the logs needed them all.
        Err(CallError::Refused(_)) => None,
        Err(error) => Some(error.to_string()),
    };
    if let (Some(problem), Some(line)) = (problem, lines.first()) {
        log::warn!(
            "this {job} pass is not in {}: {problem}. `aig-logs sql --apply` makes the table; with RECORD_RUNS=false none is \
             needed",
            line.table.name
        );
    }
}

/// A pass has news if it has read new entries, has counted, or has failed. Counts are due each hour, so an hour without a
/// line had no pass, or none that could write its line.
fn has_news(report: &Report) -> bool {
    let worked = |gateway: &GatewayReport| gateway.entries > 0 || gateway.counts > 0 || gateway.error.is_some();
    report.error.is_some() || report.gateways.iter().any(worked)
}
