//! The backfill: every hour it copies from the start of forward down to `backfill_stop_at` or the first entry. Once it
//! is there, it copies no more. It owns `(-∞, start)`. The module also copies an explicit range, which moves no cursor.

use super::{
    Context, GatewayReport, Job, Platform, Report,
    audit::audit_past,
    copy::{Copy, Memory},
    cursors::Cursors,
};
use crate::{
    error::Error,
    host::Host,
    plan::{
        budget::Ended,
        cursor::{Cursor, Scan},
    },
    state::{self, Backfill, Done, LedgerLine, Position},
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
    if gateways.is_empty() {
        return Ok(());
    }
    let loaded = Cursors::of_backfill(oldest, &gateways)?;
    let forward = Cursors::of_forward(forward, &gateways)?;
    let stop = stop.map(|text| state::read_stop(&text)).transpose()?;
    let mut copy = Copy::new(context, Memory::Backfill(loaded.clone()));
    context.rotate(&mut gateways);

    let (mut counted, mut done) = (Vec::new(), Vec::new());
    for gateway in &gateways {
        let Some(mut backfill) = known_border(gateway, &loaded, &forward) else { continue };
        let before = count(context, gateway, &mut backfill, stop).await;
        counted.push(before);
        // A cursor in the future does not tell what is delivered or due: the copy refuses it.
        if backfill.is_done(stop) && !context.is_ahead(backfill.cursor.ts()) {
            done.push((gateway, backfill));
            continue;
        }
        backfill.done = None;
        let scan = Scan::descending(backfill.cursor.clone(), stop);
        if !copy.read(gateway, scan, Box::new(backfill)).await {
            break;
        }
    }
    copy.finish().await;
    report.error = report.error.take().or(copy.error);
    let Memory::Backfill(mut cursors) = copy.memory else { return Ok(()) };
    for (gateway, backfill) in &done {
        cursors.set(gateway, backfill);
    }
    for mut copied in copy.lanes.into_iter().map(|lane| lane.report) {
        add_counts(&mut copied, &mut counted);
        if let Some(backfill) = cursors.get_mut(&copied.gateway) {
            conclude(context, backfill, stop, &mut copied).await;
        }
        report.gateways.push(copied);
    }
    let has_news = |it: &GatewayReport| it.counts + it.reread > 0 || it.error.is_some();
    report.gateways.extend(counted.into_iter().filter(has_news));
    cursors.values_mut().for_each(Backfill::prune);
    cursors.save(context).await?;
    tell_counted(report, &cursors);
    Ok(())
}

/// Tells back to when the history of each gateway is counted.
fn tell_counted(report: &mut Report, cursors: &Cursors<Backfill>) {
    for gateway in &mut report.gateways {
        let counted = cursors.get(&gateway.gateway).and_then(Backfill::counted_back);
        gateway.ledger.extend(counted.map(|[start, until]| LedgerLine::Backfill([start, until, report.started])));
    }
}

/// Moves what was counted before a gateway's copy into the report of the copy.
fn add_counts(copied: &mut GatewayReport, counted: &mut Vec<GatewayReport>) {
    if let Some(place) = counted.iter().position(|before| before.gateway == copied.gateway) {
        let before = counted.remove(place);
        copied.add(&before);
        copied.error = copied.error.take().or(before.error);
    }
}

/// Audits the days that earlier passes have delivered.
async fn count<P: Platform>(
    context: &Context<'_, P>,
    gateway: &str,
    backfill: &mut Backfill,
    stop: Option<Timestamp>,
) -> GatewayReport {
    backfill.begin_counts();
    let mut counted = GatewayReport::new(gateway, backfill.cursor.ts(), stop);
    if !context.is_ahead(backfill.cursor.ts()) {
        let failed = audit_past(context, backfill, &mut counted).await.err();
        counted.error = failed.or(counted.error.take());
    }
    counted
}

/// Notes how the copy of a gateway ended. If it is complete, audits again.
async fn conclude<P: Platform>(
    context: &Context<'_, P>,
    backfill: &mut Backfill,
    stop: Option<Timestamp>,
    copied: &mut GatewayReport,
) {
    if copied.ended != Ended::Failed {
        backfill.doubtful = copied.ended == Ended::Doubtful;
    }
    if copied.ended == Ended::Complete {
        backfill.done = Some(Done { stop });
        let verified = audit_past(context, backfill, copied).await;
        copied.error = copied.error.take().or(verified.err());
    }
}

/// The state of a gateway's backfill. Two passes at once may have lost it, or left its border below the start of the
/// forward pass that won. Then the backfill begins at that start, so that every stretch has an owner.
fn known_border(gateway: &str, cursors: &Cursors<Backfill>, forward: &Cursors<Position>) -> Option<Backfill> {
    let start = forward.get(gateway).and_then(|position| position.start);
    let known = cursors.get(gateway).filter(|backfill| backfill.start.is_none() || backfill.start >= start);
    known.cloned().or_else(|| start.map(Backfill::before))
}

/// Copies `[from, to)` of every gateway, newest first, and moves no cursor.
pub async fn range<P: Platform>(context: &Context<'_, P>, from: Timestamp, to: Timestamp) -> Report {
    let mut report = Report::begun(Job::Range, context.host.now());
    if let Err(error) = copy_range(context, from, to, &mut report).await {
        report.error = Some(error);
    }
    context.metered(report)
}

async fn copy_range<P: Platform>(
    context: &Context<'_, P>,
    from: Timestamp,
    to: Timestamp,
    report: &mut Report,
) -> Result<(), Error> {
    let (gateways, strange) = context.gateways().await?;
    let mut copy = Copy::new(context, Memory::Nowhere);
    for gateway in gateways {
        let cursor = Cursor::at_start_of(to - MILLISECOND);
        if !copy.read(&gateway, Scan::descending(cursor.clone(), Some(from)), Box::new(cursor)).await {
            break;
        }
    }
    copy.finish().await;
    report.error = strange.or(copy.error);
    report.gateways.extend(copy.lanes.into_iter().map(|lane| lane.report));
    Ok(())
}
