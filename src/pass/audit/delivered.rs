//! The delivered entries of one gateway, by hour and by day, as the state has them, and whether their ids are still
//! kept.

use chrono::NaiveDate;

use crate::{
    error::Error,
    pass::{Context, Platform, cursors::Cursors},
    plan::slots::{self, HOUR, KEPT},
    state::{
        BACKFILL_STOP_AT, Backfill, DAY, FORWARD, Finding, History, Ledger, LedgerPage, OLDEST, Position, midnight_of,
        read_stop,
    },
    time::{MILLISECOND, Timestamp},
};

/// The delivered entries of one gateway. The last page of the ledger is kept, so a caller that goes through time reads
/// each page once.
pub struct Delivered<'a> {
    /// Gateway id.
    pub gateway: &'a str,
    /// How far forward has come.
    pub position: &'a Position,
    /// How far the backfill has come.
    pub backfill: Option<&'a Backfill>,
    now: Timestamp,
    ledger: Option<(String, Ledger)>,
    history: Option<(String, History)>,
}

impl<'a> Delivered<'a> {
    pub fn new(gateway: &'a str, position: &'a Position, backfill: Option<&'a Backfill>, now: Timestamp) -> Self {
        Self { gateway, position, backfill, now, ledger: None, history: None }
    }

    /// The end of the delivered time, UTC: forward has delivered everything before it.
    pub fn until(&self) -> Timestamp {
        let Position { cursor, counted, .. } = self.position;
        // If the cursor has ids at its millisecond, every entry of that millisecond that existed is delivered.
        let read = if cursor.at.is_empty() { cursor.ts() } else { cursor.ts() + MILLISECOND };
        counted.map_or(read, |[counted, ..]| counted.max(read))
    }

    /// The start of the delivered time, UTC: the backfill has delivered everything from it on. `stop` is the operator's
    /// end of the backfill. None: everything from the first entry on is delivered.
    pub fn from(&self, stop: Option<Timestamp>) -> Option<Timestamp> {
        let Some(backfill) = self.backfill else { return self.position.start };
        let from = match (&backfill.done, stop) {
            (Some(done), _) if done.stop.is_none() => return None,
            (Some(done), Some(_)) if backfill.is_done(stop) => done.stop,
            (Some(_) | None, _) => Some(backfill.cursor.ts() + MILLISECOND),
        };
        // An operator may have the history end after the start of forward, which owns everything from there on.
        from.map(|from| self.position.start.map_or(from, |start| from.min(start)))
    }

    /// The midnight before the first entry, UTC, if the backfill has reached that entry.
    pub fn first_day(&self) -> Option<Timestamp> {
        let backfill = self.backfill.filter(|backfill| backfill.done.is_some_and(|done| done.stop.is_none()))?;
        Some(midnight_of(backfill.cursor.ts().date_naive()))
    }

    /// The ids of all entries delivered from this instant on are kept, UTC. Before it some ids may have expired, or
    /// another program has delivered the entries.
    pub fn ids_from<P: Platform>(&self, context: &Context<'_, P>) -> Timestamp {
        let kept = self.now - context.config.ids_ttl;
        match self.position.start {
            Some(_) => kept,
            None => self.position.counted_from.map_or(self.now, |from| from.max(kept)),
        }
    }

    /// The number of entries delivered of `[from, until)`, if it is known of exactly this stretch.
    pub async fn of<P: Platform>(
        &mut self,
        context: &Context<'_, P>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Option<u64>, Error> {
        if let Some(delivered) = self.in_slots(from, until) {
            return Ok(Some(delivered));
        }
        let whole = |length, start| until - from == length && from == start;
        let day = from.date_naive();
        if self.position.counted_from.is_some_and(|counted_from| counted_from <= from) {
            if whole(HOUR, slots::floor_hour(from)) {
                return Ok(self.hour(context, from).await?.map(|hour| hour.delivered));
            }
            return if whole(DAY, midnight_of(day)) { self.by_hours(context, day).await } else { Ok(None) };
        }
        if !whole(DAY, midnight_of(day)) {
            return Ok(None);
        }
        let uncounted = self.backfill.and_then(|backfill| backfill.delivered_of(day));
        Ok(uncounted.or(self.day(context, day).await?.map(|day| day.delivered)))
    }

    /// The ledger's finding for an hour.
    pub async fn hour<P: Platform>(
        &mut self,
        context: &Context<'_, P>,
        hour: Timestamp,
    ) -> Result<Option<Finding>, Error> {
        let key = Ledger::key(self.gateway, hour.date_naive());
        let ledger = page(context, &mut self.ledger, key).await?;
        Ok(ledger.hours.get(&Ledger::name(hour)).copied())
    }

    /// The ledger's finding for a day of which the backfill has delivered everything.
    pub async fn day<P: Platform>(
        &mut self,
        context: &Context<'_, P>,
        day: NaiveDate,
    ) -> Result<Option<Finding>, Error> {
        let Some(backfill) = self.backfill else { return Ok(None) };
        if backfill.start.is_some_and(|start| start < midnight_of(day) + DAY) {
            return Ok(None);
        }
        let key = History::key(self.gateway, day);
        Ok(page(context, &mut self.history, key).await?.days.get(&day).copied())
    }

    /// The sum of all hours of a day, if each hour is known.
    async fn by_hours<P: Platform>(&mut self, context: &Context<'_, P>, day: NaiveDate) -> Result<Option<u64>, Error> {
        let mut sum = 0;
        for n in 0..24 {
            let hour = midnight_of(day) + HOUR * n;
            let in_slots = self.in_slots(hour, hour + HOUR);
            let in_ledger = self.hour(context, hour).await?.map(|hour| hour.delivered);
            let Some(delivered) = in_slots.or(in_ledger) else { return Ok(None) };
            sum += delivered;
        }
        Ok(Some(sum))
    }

    /// Slots hold all recent entries. Returns their sum for a stretch of whole slots, or for a stretch up to the end of
    /// forward.
    fn in_slots(&self, from: Timestamp, until: Timestamp) -> Option<u64> {
        let Position { counted_from, slots, .. } = self.position;
        let first = (*counted_from)?.max(self.now - KEPT);
        let is_border = |instant| slots::floor(instant) == instant;
        let begins = first <= from && (is_border(from) || Some(from) == *counted_from);
        let ends = is_border(until) || self.until() <= until;
        (begins && ends).then(|| slots.sum(slots::floor(from), until).delivered)
    }
}

/// The cursors of forward and of the backfill, and the operator's end of the backfill.
pub async fn load<P: Platform>(
    context: &Context<'_, P>,
    gateways: &[String],
) -> Result<(Cursors<Position>, Cursors<Backfill>, Option<Timestamp>), Error> {
    let [forward, oldest, stop] = context.load([FORWARD, OLDEST, BACKFILL_STOP_AT]).await?;
    let stop = stop.map(|text| read_stop(&text)).transpose()?;
    Ok((Cursors::of_forward(forward, gateways)?, Cursors::of_backfill(oldest, gateways)?, stop))
}

/// The page under `key`. It is read from the store unless it is at hand.
async fn page<'p, P: Platform, G: LedgerPage>(
    context: &Context<'_, P>,
    at_hand: &'p mut Option<(String, G)>,
    key: String,
) -> Result<&'p G, Error> {
    if at_hand.as_ref().is_none_or(|(known, _)| *known != key) {
        let [stored] = context.load([key.as_str()]).await?;
        let page = G::read(&key, stored.as_deref())?;
        *at_hand = Some((key, page));
    }
    Ok(&at_hand.get_or_insert_default().1)
}
