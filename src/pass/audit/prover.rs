//! One hour or day of one gateway, proven.

use std::collections::BTreeSet;

use super::{
    compare::{Compared, Found, Mode, compare, count, is_honest},
    delivered::Delivered,
};
use crate::{
    error::Error,
    host::Host,
    pass::{Context, GatewayReport, Platform, dead, pace::Pace},
    plan::slots::{Stretch, Verdict},
    state::Comparison,
    time::Timestamp,
};

/// What was found of an hour, a day, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Gateway id.
    pub gateway: String,
    /// First instant, UTC.
    pub from: Timestamp,
    /// The instant after the last, UTC.
    pub until: Timestamp,
    /// Entries at the source: counted there, or seen one by one.
    pub source: u64,
    /// Entries delivered, those that are dead letters included.
    pub delivered: u64,
    /// Entries at the source that are not among those that are known to be delivered; with a repair, that were not.
    pub missing: u64,
    /// Of these, rows that the sink will never take: they are dead letters now.
    pub rejected: u64,
    /// Entries that were read one by one to find out.
    pub read: u64,
    /// What follows. Proven with entries missing: these were just delivered. Unprovable with entries missing: their ids may
    /// be gone, or another program has delivered them.
    pub verdict: Verdict,
}

/// Proves one gateway, unit by unit.
pub struct Prover<'a, 'c, P: Platform> {
    context: &'a Context<'c, P>,
    delivered: Delivered<'a>,
    repair: bool,
    report: GatewayReport,
    pace: Pace,
    /// The ids of dead letters, once they were needed.
    dead: Option<BTreeSet<String>>,
}

impl<'a, 'c, P: Platform> Prover<'a, 'c, P> {
    pub fn new(context: &'a Context<'c, P>, delivered: Delivered<'a>, repair: bool) -> Self {
        let report = GatewayReport::new(delivered.gateway, delivered.until(), None);
        Self { context, delivered, repair, report, pace: Pace::default(), dead: None }
    }

    /// The day of the first entry, if the backfill has come to it, `from` lies before it, and the source has nothing there:
    /// one call for what may be years.
    pub async fn first_day(&mut self, from: Timestamp, until: Timestamp) -> Result<Option<Timestamp>, Error> {
        let Some(first) = self.delivered.first_day().map(|first| first.min(until)).filter(|first| from < *first) else {
            return Ok(None);
        };
        let before = Stretch { from, until: first, expected: 0 };
        let source = count(self.context, &before, &mut self.report, &mut self.pace).await?;
        Ok((source == Some(0)).then_some(first))
    }

    /// Proves one unit. `None` where no further call is allowed.
    pub async fn prove(&mut self, unit: &Stretch) -> Result<Option<Proven>, Error> {
        if self.pace.wait(self.context).await.is_some() {
            return Ok(None);
        }
        let begun = self.context.host.now();
        let source = count(self.context, unit, &mut self.report, &mut self.pace).await?;
        let delivered = self.delivered.of(self.context, unit.from, unit.until).await?;
        match source {
            // Where there is nothing, nothing can be missing.
            Some(source) if delivered.unwrap_or(0) == source => Ok(Some(Proven {
                gateway: self.report.gateway.clone(),
                from: unit.from,
                until: unit.until,
                source,
                delivered: source,
                missing: 0,
                rejected: 0,
                read: 0,
                verdict: Verdict::Proven,
            })),
            Some(_) | None => self.compare(Comparison::new(unit, source, begun), delivered.unwrap_or(0)).await,
        }
    }

    /// Compares a unit. If we stop before the ids of a repair are kept, the next one writes the rows again, and readers see
    /// them once. `None` where no further call is allowed.
    async fn compare(&mut self, mut comparison: Comparison, delivered: u64) -> Result<Option<Proven>, Error> {
        let Comparison { from, until, .. } = comparison;
        let forgotten = from < self.delivered.ids_from(self.context);
        let repair = self.repair && !forgotten;
        let how = (if repair { Mode::Mend } else { Mode::Look }, &self.dead_ids().await?.clone());
        let compared = compare(self.context, &mut comparison, how, &mut self.report).await?;
        if let Some(error) = self.report.error.take() {
            return Err(error);
        }
        let Compared::Finished(Found { missing, rejected, doubtful }) = compared else { return Ok(None) };
        let honest = !doubtful && is_honest(self.context, &comparison, &mut self.report, &mut self.pace).await?;
        let seen = comparison.seen.values().sum::<u64>() + comparison.placed;
        let verdict = match (missing > 0, honest) {
            (true, _) if repair => Verdict::Proven,
            (true, _) if forgotten => Verdict::Unprovable,
            (true, _) => Verdict::Short,
            (false, false) => Verdict::Unprovable,
            (false, true) if delivered > seen => Verdict::Over,
            (false, true) => Verdict::Proven,
        };
        let delivered = if missing > 0 && !repair { seen - missing } else { delivered.max(seen) };
        let gateway = self.report.gateway.clone();
        Ok(Some(Proven { gateway, from, until, source: seen, delivered, missing, rejected, read: seen, verdict }))
    }

    /// The ids of this gateway's dead letters: they are delivered as far as that is possible.
    async fn dead_ids(&mut self) -> Result<&BTreeSet<String>, Error> {
        if self.dead.is_none() {
            let letters = dead::letters_of(&self.context.state, &self.report.gateway).await?;
            let ids = letters.iter().map(|(_, letter)| letter.id().to_owned()).collect();
            self.dead = Some(ids);
        }
        Ok(self.dead.get_or_insert_default())
    }
}
