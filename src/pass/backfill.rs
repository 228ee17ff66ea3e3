//! The backfill: from where forward began down to `backfill_stop_at` or the first entry, every hour, and then never
//! again. It owns `(-∞, start)`. And the explicit range, which leaves all cursors alone.

use super::{Context, Job, Report, cursors::Cursors, opened};
use crate::{
    error::Error,
    host::{Host, Store},
    pass::copy::Copy,
    plan::{
        budget::Ended,
        cursor::{Cursor, Scan},
    },
    sink::Sink,
    state::{self, Backfill, Done, Forward, Oldest},
    time::{MILLISECOND, Timestamp},
};

/// Copies the history of every gateway, newest first.
pub async fn backfill<H: Host, S: Store, K: Sink>(context: &Context<'_, H, S, K>) -> Report {
    let keys = [state::OLDEST, state::FORWARD, state::BACKFILL_STOP_AT, state::STATUS];
    context.report(Job::Backfill, keys, async |report, values| pass(context, report, values).await).await
}

async fn pass<H: Host, S: Store, K: Sink>(
    context: &Context<'_, H, S, K>,
    report: &mut Report,
    [oldest, forward, stop, _]: [Option<String>; 4],
) -> Result<(), Error> {
    let mut gateways = context.gateways().await?;
    let Some(first) = gateways.first().cloned() else { return Ok(()) };
    let oldest = oldest.map(|text| Oldest::read(&text, &gateways)).transpose()?;
    let forward = forward.map(|text| Forward::from_json(state::FORWARD, &text, &gateways)).transpose()?;
    let stop = stop.map(|text| state::read_stop(&text)).transpose()?;
    let mut cursors = Cursors::new(state::OLDEST, &first, oldest);
    context.rotate(&mut gateways);

    for gateway in &gateways {
        let Some(mut backfill) = known_border(gateway, &cursors, forward.as_ref()) else {
            continue;
        };
        if backfill.is_done(stop) {
            continue;
        }
        backfill.done = None;
        let scan = Scan::descending(backfill.cursor.clone(), stop);
        let go_on = cursors.copy(context, gateway, scan, backfill, report).await;
        let complete = report.gateways.last().is_some_and(|gateway| gateway.ended == Ended::Complete);
        if let Some(backfill) = cursors.get(gateway).filter(|_| complete).cloned() {
            cursors.set(gateway, Backfill { done: Some(Done { stop }), ..backfill });
        }
        if !go_on {
            break;
        }
    }
    cursors.save(context).await
}

/// Where the backfill of a gateway stands. Two passes at once may have lost it, or left its border below the start of the
/// forward pass that won: then it begins at that start, so that nothing between the two is without an owner.
fn known_border(gateway: &str, cursors: &Cursors<Backfill>, forward: Option<&Forward>) -> Option<Backfill> {
    let start = forward.and_then(|forward| forward.by_id.get(gateway)?.start);
    let known = cursors.get(gateway).filter(|backfill| backfill.start.is_none() || backfill.start >= start);
    known.cloned().or_else(|| start.map(Backfill::before))
}

/// Copies `[from, to)` of every gateway, newest first, and leaves both cursors alone.
pub async fn range<H: Host, S: Store, K: Sink>(
    context: &Context<'_, H, S, K>,
    from: Timestamp,
    to: Timestamp,
) -> Report {
    let mut report = opened(Job::Range, context.host.now());
    if let Err(error) = copy_range(context, from, to, &mut report).await {
        report.error = Some(error);
    }
    context.counted(report)
}

async fn copy_range<H: Host, S: Store, K: Sink>(
    context: &Context<'_, H, S, K>,
    from: Timestamp,
    to: Timestamp,
    report: &mut Report,
) -> Result<(), Error> {
    for gateway in context.gateways().await? {
        let cursor = Cursor::at_start_of(to - MILLISECOND);
        let mut copy = Copy::new(context, &gateway, Scan::descending(cursor.clone(), Some(from)), cursor);
        loop {
            let ended = copy.run().await;
            context.keep(&gateway, std::mem::take(&mut copy.written)).await?;
            if ended.is_some() {
                break;
            }
        }
        report.gateways.push(copy.report);
    }
    Ok(())
}
