//! The jobs: read → write → remember. One pass is one tick of the clock, or one command.

mod backfill;
mod compare;
mod copy;
mod cursors;
pub mod dead;
mod delivered;
pub mod explain;
mod forward;
mod history;
mod job;
mod pace;
pub mod prove;
mod record;
mod report;
mod verify;
mod written;

use self::copy::Written;
pub use self::{
    backfill::{backfill, range},
    forward::forward,
    job::Job,
    report::{GatewayReport, Report, Verdict},
};
use crate::{
    config::{Config, Gateways, Source},
    error::{CallError, Error},
    gateway,
    host::{self, Host, Metered, Put, Store, call},
    sink::Sink,
    state::{self, Status},
    time::Timestamp,
};

/// What a pass works with. Hosts and stores are counted, and held to the pass's budget.
#[derive(Debug)]
pub struct Context<'a, H, S, K> {
    /// The platform.
    pub host: Metered<'a, H>,
    /// `STATE_KV`.
    pub state: Metered<'a, S>,
    /// `IDS_KV`.
    pub ids: Metered<'a, S>,
    /// Where rows go.
    pub sink: &'a K,
    /// The settings.
    pub config: &'a Config,
}

impl<H: Host, S: Store, K: Sink> Context<'_, H, S, K> {
    /// The gateways to read, in the order of the settings.
    async fn gateways(&self) -> Result<Vec<String>, Error> {
        gateways(&self.host, &self.config.source).await.map_err(Error::Gateways)
    }

    /// Begins with another gateway in each pass, so that no budget, however small, starves anyone.
    fn rotate(&self, gateways: &mut [String]) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the number of gateways")]
        #[expect(clippy::cast_precision_loss, reason = "an account has a few dozen gateways at most")]
        let first = (self.host.random() * gateways.len() as f64) as usize;
        gateways.rotate_left(first.min(gateways.len()));
    }

    async fn load<const N: usize>(&self, keys: [&str; N]) -> Result<[Option<String>; N], Error> {
        let values = self.state.get_many(&keys).await;
        let values = values.map_err(|error| Error::Store { action: "loading", key: keys.join(", "), error })?;
        let mut values = values.into_iter();
        Ok(std::array::from_fn(|_| values.next().flatten()))
    }

    async fn save(&self, key: &str, value: &str) -> Result<(), Error> {
        self.put(&self.state, key, value, &Put::default()).await
    }

    async fn put(&self, store: &Metered<'_, S>, key: &str, value: &str, options: &Put) -> Result<(), Error> {
        let kept = host::put(&self.host, store, key, value, options).await;
        kept.map_err(|error| Error::Store { action: "saving", key: key.to_owned(), error })
    }

    /// Changes a page of the ledger, and saves it if that says something new.
    async fn amend<P: state::Page>(&self, key: &str, change: impl FnOnce(&mut P)) -> Result<(), Error> {
        let [stored] = self.load([key]).await?;
        let known = P::read(key, stored.as_deref())?;
        let mut page = known.clone();
        change(&mut page);
        if page == known {
            return Ok(());
        }
        let value = page.to_json().map_err(|error| unwritable(key, &error))?;
        self.save(key, &value).await
    }

    /// Keeps the dead letters and the ids of what was written. The cursor comes after them: if we stop in between, the
    /// next pass writes the rows again, and readers see them once.
    async fn keep(&self, gateway: &str, written: Written) -> Result<(), Error> {
        let now = self.host.now();
        let ttl = Some(self.config.ids_ttl);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 65,535")]
        let tag = (self.host.random() * 65_536.0) as u16;
        for letters in state::dead_letters(gateway, now, tag, &written.rejected) {
            let metadata = Some(letters.metadata());
            self.put(&self.state, &letters.key, &letters.value, &Put { ttl, metadata }).await?;
        }
        if let Some(segment) = written.segment {
            let metadata = serde_json::to_value(segment.metadata).ok();
            self.put(&self.ids, &segment.key(gateway, now), segment.text(), &Put { ttl, metadata }).await?;
        }
        Ok(())
    }

    /// Whether the platform allows no further call. Where it refuses the very first one that is a failure all the same: a
    /// poller that may never call must not look healthy.
    fn is_out_of_calls(&self, error: &Error) -> bool {
        let refused = matches!(
            error,
            Error::Source { error: CallError::Refused(_), .. } | Error::Sink { error: CallError::Refused(_), .. }
        );
        refused && self.host.meter.calls() > 1
    }

    /// Does a job with the values of its keys, the last of which is the status, and reports what came of it. Without
    /// those values nothing is done, and nothing noted: what the status says of other jobs is not known either.
    async fn report<const N: usize>(
        &self,
        job: Job,
        keys: [&str; N],
        work: impl AsyncFnOnce(&mut Report, [Option<String>; N]) -> Result<(), Error>,
    ) -> Report {
        let mut report = opened(job, self.host.now());
        match self.load(keys).await {
            Ok(values) => {
                let status = values.last().cloned().flatten();
                report.error = work(&mut report, values).await.err();
                let noted = self.note(&report, status).await;
                report.error = report.error.or(noted.err());
            }
            Err(error) => report.error = Some(error),
        }
        let report = self.counted(report);
        record::record(self, &report).await;
        // The logs were done before; what that took is a call all the same.
        Report { calls: self.host.meter.calls(), ..report }
    }

    fn counted(&self, report: Report) -> Report {
        let meter = self.host.meter;
        let (calls, reads, writes) = (meter.calls(), meter.reads(), meter.writes());
        Report { calls, reads, writes, finished: self.host.now(), ..report }
    }

    async fn note(&self, report: &Report, status: Option<String>) -> Result<(), Error> {
        let mut status = status.map_or_else(|| Ok(Status::default()), |text| Status::from_json(&text))?;
        if status.note(&report.job.to_string(), report.worst(), self.host.now()) {
            let value = status.to_json().map_err(|error| unwritable(state::STATUS, &error))?;
            self.save(state::STATUS, &value).await?;
        }
        Ok(())
    }
}

/// The gateways of the settings, in their order; for `*` all of the account.
///
/// # Errors
/// Where they cannot be listed.
pub async fn gateways<H: Host>(host: &H, source: &Source) -> Result<Vec<String>, CallError> {
    if let Gateways::Named(ids) = &source.gateways {
        return Ok(ids.clone());
    }
    let mut all = Vec::new();
    for page in 1.. {
        let (found, total) = call(host, &gateway::gateways(source, page), gateway::read_gateways).await?;
        let known = all.len();
        for id in found {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        // A short page may be the server's own cap: without a total only one with nothing new is certain to be the last.
        if all.len() == known || total.is_some_and(|total| all.len() as u64 >= total) {
            break;
        }
    }
    Ok(all)
}

fn unwritable(key: &str, error: &serde_json::Error) -> Error {
    Error::State { key: key.into(), problem: format!("cannot be written ({error})") }
}

fn opened(job: Job, started: Timestamp) -> Report {
    Report { job, started, finished: started, gateways: Vec::new(), calls: 0, reads: 0, writes: 0, error: None }
}
