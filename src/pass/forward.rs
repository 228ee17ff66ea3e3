//! The forward pass: every minute it copies from the cursor up to `now - SETTLE_SECONDS`. It owns `[start, ∞)`.

use std::time::Duration;

use super::{
    Context, GatewayReport, Job, Platform, Report,
    audit::audit_recent,
    copy::{Copy, Memory},
    cursors::Cursors,
};
use crate::{
    error::Error,
    plan::{budget::Ended, cursor::Scan, slots::AGES},
    state::{self, Backfill, LedgerLine, Position},
    time::{Timestamp, floor_ms},
};

/// The very first pass starts this far back, or `SETTLE_SECONDS` back if that is more. The backfill owns everything
/// before the start, so no entry may still appear there.
const FIRST: Duration = Duration::from_mins(10);

/// Copies the new entries of every gateway.
pub async fn forward<P: Platform>(context: &Context<'_, P>) -> Report {
    let keys = [state::FORWARD, state::STATUS];
    let mut saved = None;
    let work = async |report: &mut Report, [stored, _]: [Option<String>; 2]| {
        saved = pass(context, report, stored).await?;
        Ok(())
    };
    let report = context.report(Job::Forward, keys, work).await;
    if context.config.alerts.is_none() {
        return report;
    }
    context.tell(&report, saved.as_ref()).await;
    context.metered(report)
}

/// Returns the cursors, as they are saved. None: there is no gateway.
async fn pass<P: Platform>(
    context: &Context<'_, P>,
    report: &mut Report,
    stored: Option<String>,
) -> Result<Option<Cursors<Position>>, Error> {
    let (mut gateways, strange) = context.gateways().await?;
    report.error = strange;
    if gateways.is_empty() {
        return Ok(None);
    }
    let loaded = Cursors::of_forward(stored, &gateways)?;
    let mut borders = load_borders(context, &gateways, &loaded).await?;
    let mut copy = Copy::new(context, Memory::Forward(loaded.clone()));
    context.rotate(&mut gateways);

    let until = floor_ms(report.started - context.config.settle);
    let first_start = floor_ms(report.started - context.config.settle.max(FIRST));
    let mut keeping_up = Vec::new();
    for gateway in &gateways {
        let known = loaded.get(gateway).cloned();
        // If the cursor is old, the lateness of the entries depends on this program, and not on the source.
        if known.as_ref().is_some_and(|position| until - position.cursor.ts() <= AGES[0]) {
            keeping_up.push(gateway);
        }
        let mut position =
            known.unwrap_or_else(|| Position::starting(start(gateway, borders.as_ref()).unwrap_or(first_start)));
        position.begin_counts(report.started);
        let scan = Scan::ascending(position.cursor.clone(), until);
        if !copy.read(gateway, scan, Box::new(position)).await {
            break;
        }
    }
    copy.finish().await;
    report.error = report.error.take().or(copy.error);
    let Memory::Forward(mut cursors) = copy.memory else { return Ok(None) };
    report.gateways.extend(copy.lanes.into_iter().map(|lane| lane.report));
    remember_lateness(&report.gateways, &keeping_up, &mut cursors);
    verify_all(context, until, &mut cursors, report).await;
    // If we stop before `forward` is saved, the next pass finds the border here, and starts at it again. A long pass
    // has already saved `forward`; then the backfill finds the border there.
    if let Some(borders) = &mut borders {
        save_borders(context, borders, &cursors).await?;
    }
    cursors.values_mut().for_each(|position| position.prune(report.started));
    cursors.save(context).await?;
    tell_complete(report, [&loaded, &cursors]);
    Ok(Some(cursors))
}

/// Tells up to when each gateway is complete, if that is new, and with each count: a line may have been lost.
fn tell_complete(report: &mut Report, before_and_now: [&Cursors<Position>; 2]) {
    for gateway in &mut report.gateways {
        let [before, now] = before_and_now.map(|cursors| complete(cursors.get(&gateway.gateway)));
        if before != now || gateway.counts > 0 || gateway.error.is_some() {
            let [start, until] = now;
            gateway.ledger.push(LedgerLine::Forward([start, until, report.started]));
        }
    }
}

/// From when on and up to when a gateway is complete: 1970 if nothing is counted yet, or it was never read.
fn complete(position: Option<&Position>) -> [Timestamp; 2] {
    let start = position.and_then(|position| position.counted_from.or(position.start));
    [start, position.and_then(Position::complete_through)].map(|at| at.unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Remembers how late the new entries of the gateways were that keep up.
fn remember_lateness(copied: &[GatewayReport], keeping_up: &[&String], cursors: &mut Cursors<Position>) {
    for copied in copied.iter().filter(|copied| copied.rows > 0 && keeping_up.contains(&&copied.gateway)) {
        if let Some(position) = cursors.get_mut(&copied.gateway) {
            position.lateness.remember(&copied.lateness);
        }
    }
}

/// Audits each gateway that was read to its end. New entries come first, so all gateways are copied before the first
/// audit.
async fn verify_all<P: Platform>(
    context: &Context<'_, P>,
    until: Timestamp,
    cursors: &mut Cursors<Position>,
    report: &mut Report,
) {
    let read = report.gateways.iter_mut().filter(|it| matches!(it.ended, Ended::Complete | Ended::Doubtful));
    for gateway in read {
        if let Some(position) = cursors.get_mut(&gateway.gateway) {
            let copied = std::mem::take(&mut gateway.lateness);
            let failed = audit_recent(context, position, until, gateway).await.err();
            gateway.error = failed.or(gateway.error.take());
            position.lateness.remember(&gateway.lateness);
            gateway.lateness.merge(&copied);
        }
    }
}

/// The backfill's cursors, if forward reads a gateway for the first time: they know the border between both.
async fn load_borders<P: Platform>(
    context: &Context<'_, P>,
    gateways: &[String],
    cursors: &Cursors<Position>,
) -> Result<Option<Cursors<Backfill>>, Error> {
    if gateways.iter().all(|gateway| cursors.get(gateway).is_some()) {
        return Ok(None);
    }
    let [stored] = context.load([state::OLDEST]).await?;
    Cursors::of_backfill(stored, gateways).map(Some)
}

/// If the backfill knows a gateway that forward does not know, a pass has died, or an operator has deleted `forward`.
/// Nobody else owns the entries above that border, so forward starts there.
fn start(gateway: &str, borders: Option<&Cursors<Backfill>>) -> Option<Timestamp> {
    let backfill = borders?.get(gateway)?;
    Some(backfill.start.unwrap_or(backfill.cursor.ts()))
}

/// Gives the backfill everything before the start of each gateway that forward has begun.
async fn save_borders<P: Platform>(
    context: &Context<'_, P>,
    borders: &mut Cursors<Backfill>,
    cursors: &Cursors<Position>,
) -> Result<(), Error> {
    for (gateway, position) in cursors.iter() {
        if let (None, Some(start)) = (borders.get(gateway), position.start) {
            borders.set(gateway, &Backfill::before(start));
        }
    }
    borders.save(context).await
}
