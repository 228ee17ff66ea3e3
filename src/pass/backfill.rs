//! The backfill: from where forward began down to `backfill_stop_at` or the first entry, every hour, and then never
//! again. It owns `(-∞, start)`. And the explicit range, which leaves all cursors alone.

use super::{Context, GatewayReport, Job, Platform, Report, cursors::Cursors, history, opened};
use crate::{
    error::Error,
    host::Host,
    pass::copy::Copy,
    plan::{
        budget::Ended,
        cursor::{Cursor, Scan},
    },
    state::{self, Backfill, Done, Forward, Oldest},
    time::{MILLISECOND, Timestamp},
};

/// Copies the history of every gateway, newest first.
pub async fn backfill<P: Platform>(context: &Context<'_, P>) -> Report {
    let keys = [state::OLDEST, state::FORWARD, state::BACKFILL_STOP_AT, state::STATUS];
    context.report(Job::Backfill, keys, async |report, values| pass(context, report, values).await).await
}

async fn pass<P: Platform>(
    context: &Context<'_, P>,
    report: &mut Report,
    [oldest, forward, stop, _]: [Option<String>; 4],
) -> Result<(), Error> {
    let (mut gateways, strange) = context.gateways().await?;
    report.error = strange;
    let Some(first) = gateways.first().cloned() else { return Ok(()) };
    let oldest = oldest.map(|text| Oldest::read(&text, &gateways)).transpose()?;
    let forward = forward.map(|text| Forward::from_json(state::FORWARD, &text, &gateways)).transpose()?;
    let stop = stop.map(|text| state::read_stop(&text)).transpose()?;
    let mut cursors = Cursors::new(state::OLDEST, &first, oldest);
    context.rotate(&mut gateways);

    for gateway in &gateways {
        let Some(backfill) = known_border(gateway, &cursors, forward.as_ref()) else {
            continue;
        };
        if !count_and_copy(context, gateway, backfill, stop, &mut cursors, report).await {
            break;
        }
    }
    cursors.save(context).await
}

/// Counts what was delivered by earlier passes, copies, and counts again where that came to its end. Whether the pass may go
/// on with the next gateway.
async fn count_and_copy<P: Platform>(
    context: &Context<'_, P>,
    gateway: &str,
    mut backfill: Backfill,
    stop: Option<Timestamp>,
    cursors: &mut Cursors<Backfill>,
    report: &mut Report,
) -> bool {
    backfill.begin_counts();
    let mut counted = GatewayReport::new(gateway, backfill.cursor.ts(), stop);
    // A cursor of the future says nothing of what is delivered, or to be counted: the copying refuses it.
    let is_ahead = context.is_ahead(backfill.cursor.ts());
    if !is_ahead {
        let failed = history::verify(context, &mut backfill, &mut counted).await.err();
        counted.error = failed.or(counted.error.take());
    }
    if backfill.is_done(stop) && !is_ahead {
        cursors.set(gateway, backfill);
        if counted.counts + counted.reread > 0 || counted.error.is_some() {
            report.gateways.push(counted);
        }
        return true;
    }
    backfill.done = None;
    let scan = Scan::descending(backfill.cursor.clone(), stop);
    let go_on = cursors.copy(context, gateway, scan, backfill, report).await;
    if let (Some(copied), Some(backfill)) = (report.gateways.last_mut(), cursors.get_mut(gateway)) {
        copied.add(&counted);
        copied.error = copied.error.take().or(counted.error);
        if copied.ended != Ended::Failed {
            backfill.doubtful = copied.ended == Ended::Doubtful;
        }
        if copied.ended == Ended::Complete {
            backfill.done = Some(Done { stop });
            let verified = history::verify(context, backfill, copied).await;
            copied.error = copied.error.take().or(verified.err());
        }
    }
    go_on
}

/// Where the backfill of a gateway stands. Two passes at once may have lost it, or left its border below the start of the
/// forward pass that won: then it begins at that start, so that nothing between the two is without an owner.
fn known_border(gateway: &str, cursors: &Cursors<Backfill>, forward: Option<&Forward>) -> Option<Backfill> {
    let start = forward.and_then(|forward| forward.by_id.get(gateway)?.start);
    let known = cursors.get(gateway).filter(|backfill| backfill.start.is_none() || backfill.start >= start);
    known.cloned().or_else(|| start.map(Backfill::before))
}

/// Copies `[from, to)` of every gateway, newest first, and leaves both cursors alone.
pub async fn range<P: Platform>(context: &Context<'_, P>, from: Timestamp, to: Timestamp) -> Report {
    let mut report = opened(Job::Range, context.host.now());
    if let Err(error) = copy_range(context, from, to, &mut report).await {
        report.error = Some(error);
    }
    context.counted(report)
}

async fn copy_range<P: Platform>(
    context: &Context<'_, P>,
    from: Timestamp,
    to: Timestamp,
    report: &mut Report,
) -> Result<(), Error> {
    let (gateways, strange) = context.gateways().await?;
    report.error = strange;
    for gateway in gateways {
        let mut cursor = Cursor::at_start_of(to - MILLISECOND);
        let mut copy = Copy::new(context, &gateway, Scan::descending(cursor.clone(), Some(from)));
        copy.run_to_end(&mut cursor).await?;
        report.gateways.push(copy.report);
    }
    Ok(())
}
