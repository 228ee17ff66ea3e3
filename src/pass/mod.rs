//! The jobs: read → write → remember. One pass is one tick of the clock, or one command.

pub mod audit;
mod backfill;
mod context;
mod copy;
mod cursors;
pub mod dead;
mod forward;
mod job;
mod pace;
mod record;
mod report;

pub use self::{
    backfill::{backfill, range},
    context::{Context, Platform},
    forward::forward,
    job::Job,
    record::RUNS,
    report::{Completion, GatewayReport, Report},
};
use crate::{
    error::{CallError, Error},
    host::{Clock, Host, call},
    source::Source,
    time::Timestamp,
};

/// Pages of an account's gateways, 50 on each.
const MOST_PAGES: u32 = 200;

/// The gateways of the settings, in their order; for `*` all of the account. And why there are others that cannot be read:
/// these stop no other.
///
/// # Errors
/// Where they cannot be listed, or not all of them are.
pub async fn gateways<H: Host>(host: &H, source: &dyn Source) -> Result<(Vec<String>, Option<CallError>), CallError> {
    if let Some(ids) = source.named() {
        return Ok((ids.to_vec(), None));
    }
    let (mut all, mut shown) = (Vec::new(), 0);
    for page in 1..=MOST_PAGES {
        let (found, total) = call(host, &source.streams(page), |response| source.read_streams(response)).await?;
        let known = all.len();
        shown += found.len() as u64;
        for id in found {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        // A short page may be the server's own cap: without a total only one with nothing new is certain to be the last.
        match total {
            Some(total) if all.len() as u64 >= total => return Ok(known_by_rule(source, all)),
            // Some were named twice, and all were shown.
            Some(total) if page == 1 && shown == total => return Ok(known_by_rule(source, all)),
            Some(total) if all.len() == known => {
                return Err(CallError::Broken(format!("it lists {known} of {total} gateways")));
            }
            None if all.len() == known => return Ok(known_by_rule(source, all)),
            Some(_) | None => {}
        }
    }
    let hint = "Name those to copy in AIG_GATEWAY_ID";
    Err(CallError::denied("the list of the account's gateways goes on after 10,000 of them", hint))
}

/// Ids that can be those of gateways, and a word about the others: they reach no address and no key.
fn known_by_rule(source: &dyn Source, ids: Vec<String>) -> (Vec<String>, Option<CallError>) {
    let (ids, strange): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| source.is_stream(id));
    let told = (!strange.is_empty()).then(|| {
        let hint = "Nothing was read of these. Name the gateways to copy in AIG_GATEWAY_ID, and please report it";
        CallError::denied(format!("the list names {strange:?}, which no gateway can be called"), hint)
    });
    (ids, told)
}

fn unwritable(key: &str, error: &serde_json::Error) -> Error {
    Error::State { key: key.into(), problem: format!("cannot be written ({error})") }
}

fn opened(job: Job, started: Timestamp) -> Report {
    let (gateways, clock) = (Vec::new(), Clock::Unknown);
    Report { job, started, finished: started, gateways, clock, calls: 0, reads: 0, writes: 0, error: None }
}
