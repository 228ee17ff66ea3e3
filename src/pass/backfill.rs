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
    let oldest = oldest.map(|text| Oldest::read(&text, &first)).transpose()?;
    let forward = forward.map(|text| Forward::from_json(state::FORWARD, &text, &first)).transpose()?;
    let stop = stop.map(|text| state::read_stop(&text)).transpose()?;
    let mut cursors = Cursors::new(state::OLDEST, &first, oldest);
    // The newest comes first: it has the longest way to go.
    gateways
        .sort_by_key(|gateway| cursors.get(gateway).map(|backfill: &Backfill| std::cmp::Reverse(backfill.cursor.ts)));

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

/// Where the backfill of a gateway stands; forward's own start where two passes at once have lost it.
fn known_border(gateway: &str, cursors: &Cursors<Backfill>, forward: Option<&Forward>) -> Option<Backfill> {
    cursors.get(gateway).cloned().or_else(|| Some(Backfill::before(forward?.by_id.get(gateway)?.start?)))
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
