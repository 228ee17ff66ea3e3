//! Proves one hour or day of one gateway.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    compare::{Compared, Found, Ids, Mode, compare, count, ids_in_table, is_honest},
    delivered::Delivered,
};
use crate::{
    error::Error,
    host::Host,
    pass::{Context, GatewayReport, Platform, dead},
    plan::pace::Pace,
    plan::slots::{Stretch, Verdict},
    sink::Sink,
    state::{Comparison, DeadLetter},
    time::Timestamp,
};

/// The findings for an hour, a day, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Gateway id.
    pub gateway: String,
    /// First instant, UTC.
    pub from: Timestamp,
    /// The instant after the last, UTC.
    pub until: Timestamp,
    /// Entries at the source: counted, or read one by one.
    pub source: u64,
    /// Entries delivered, as far as the state knows, including entries that the sink will never take.
    pub delivered: u64,
    /// Logs in the table, after the repair if there was one; none: the table cannot be asked.
    pub in_table: Option<u64>,
    /// Entries at the source that are neither delivered nor dead letters nor discarded. The table tells what is
    /// delivered, or the state if the table cannot be asked. With a repair: entries that were missing before it.
    pub missing: u64,
    /// Entries that are dead letters: the sink will never take them.
    pub rejected: u64,
    /// Entries whose dead letters an operator has discarded.
    pub discarded: u64,
    /// Entries that had to be read one by one.
    pub read: u64,
    /// The verdict. Proven with entries missing: the repair has just delivered them. Unprovable with entries missing:
    /// their ids may have expired, or another program has delivered them.
    pub verdict: Verdict,
}

/// Proves one gateway, unit by unit.
pub struct Prover<'a, 'c, P: Platform> {
    context: &'a Context<'c, P>,
    delivered: Delivered<'a>,
    repair: bool,
    report: GatewayReport,
    pace: Pace,
    /// None until they are needed.
    letters: Option<Letters>,
}

/// Entries of one gateway that no table has, by id, with their instants if known.
#[derive(Debug, Default)]
struct Letters {
    rejected: BTreeMap<String, Option<Timestamp>>,
    discarded: BTreeMap<String, Option<Timestamp>>,
}

impl Letters {
    async fn of<P: Platform>(context: &Context<'_, P>, gateway: &str) -> Result<Self, Error> {
        let place = |letter: DeadLetter| (letter.id().to_owned(), letter.created_at());
        let letters = dead::letters_of(&context.state, gateway).await?;
        let rejected: BTreeMap<_, _> = letters.into_iter().map(|(_, letter)| place(letter)).collect();
        let discarded = dead::discarded_of(&context.state, gateway).await?.into_iter().map(place);
        let discarded = discarded.filter(|(id, _)| !rejected.contains_key(id)).collect();
        Ok(Self { rejected, discarded })
    }

    /// The numbers of rejected and of discarded entries within a stretch.
    fn within(&self, from: Timestamp, until: Timestamp) -> [u64; 2] {
        [&self.rejected, &self.discarded].map(|letters| {
            let instants = letters.values().flatten();
            instants.filter(|instant| (from..until).contains(*instant)).count() as u64
        })
    }

    /// The ids of both within a stretch.
    fn all_within(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = &String> {
        let all = self.rejected.iter().chain(&self.discarded);
        all.filter(move |(_, instant)| instant.is_some_and(|instant| (from..until).contains(&instant)))
            .map(|(id, _)| id)
    }

    fn ids(&self) -> BTreeSet<String> {
        self.rejected.keys().chain(self.discarded.keys()).cloned().collect()
    }
}

impl<'a, 'c, P: Platform> Prover<'a, 'c, P> {
    pub fn new(context: &'a Context<'c, P>, delivered: Delivered<'a>, repair: bool) -> Self {
        let report = GatewayReport::new(delivered.gateway, delivered.until(), None);
        Self { context, delivered, repair, report, pace: Pace::default(), letters: None }
    }

    /// The day of the first entry, if the backfill has reached it, `from` is before it, and the source has no entries
    /// in between. One call may cover years.
    pub async fn first_day(&mut self, from: Timestamp, until: Timestamp) -> Result<Option<Timestamp>, Error> {
        let Some(first) = self.delivered.first_day().map(|first| first.min(until)).filter(|first| from < *first) else {
            return Ok(None);
        };
        let before = Stretch { from, until: first, expected: 0 };
        let source = count(self.context, &before, &mut self.report, &mut self.pace).await?;
        Ok((source == Some(0)).then_some(first))
    }

    /// Proves one unit. `None` if no further call is allowed.
    pub async fn prove(&mut self, unit: &Stretch) -> Result<Option<Proven>, Error> {
        if !self.context.wait(&mut self.pace).await {
            return Ok(None);
        }
        let begun = self.context.host.now();
        let source = count(self.context, unit, &mut self.report, &mut self.pace).await?;
        let known = self.delivered.of(self.context, unit.from, unit.until).await?;
        let in_table = self.in_table(unit).await?;
        // Without any entries, none can be missing.
        if source == Some(0) && known.unwrap_or(0) == 0 && in_table.unwrap_or(0) == 0 {
            return Ok(Some(self.proven(unit, 0, in_table)));
        }
        let letters = match self.letters.take() {
            Some(letters) => letters,
            None => Letters::of(self.context, &self.report.gateway).await?,
        };
        let [rejected, discarded] = letters.within(unit.from, unit.until);
        // The table's own answer is better than the state's number.
        let there = match in_table {
            Some(rows) if rejected + discarded > 0 => rows + self.letters_outside(unit, &letters).await?,
            Some(rows) => rows,
            None => known.unwrap_or(0),
        };
        if source == Some(there) {
            self.letters = Some(letters);
            let proven = self.proven(unit, there, in_table);
            return Ok(Some(Proven { delivered: known.unwrap_or(there), rejected, discarded, ..proven }));
        }
        let comparison = Comparison::new(unit, source, begun);
        let compared = self.compare(comparison, (known, there, in_table), &letters).await?;
        // A repair may have made more dead letters.
        self.letters = Some(letters).filter(|_| !self.repair);
        Ok(compared)
    }

    fn proven(&self, unit: &Stretch, source: u64, in_table: Option<u64>) -> Proven {
        let Stretch { from, until, .. } = *unit;
        Proven {
            gateway: self.report.gateway.clone(),
            from,
            until,
            source,
            delivered: source,
            in_table,
            missing: 0,
            rejected: 0,
            discarded: 0,
            read: 0,
            verdict: Verdict::Proven,
        }
    }

    async fn in_table(&self, unit: &Stretch) -> Result<Option<u64>, Error> {
        let counted = self.context.sink.count(&self.report.gateway, &(unit.from..unit.until)).await;
        counted.map_err(|error| Error::Table { sink: self.context.sink.name(), error })
    }

    /// The number of dead and discarded letters of a unit that the table does not have. Of several sinks one may have taken
    /// the row that another refused.
    async fn letters_outside(&self, unit: &Stretch, letters: &Letters) -> Result<u64, Error> {
        let ids = ids_in_table(self.context, &self.report.gateway, unit.from, unit.until).await?;
        Ok(letters.all_within(unit.from, unit.until).filter(|id| !ids.contains(*id)).count() as u64)
    }

    /// Compares a unit: `known` entries are delivered as far as the state knows, and `there` entries are in the table
    /// or are dead letters. If we stop before the ids of a repair are kept, the next repair writes the rows again, and
    /// readers see them once. `None` if no further call is allowed.
    async fn compare(
        &mut self,
        mut comparison: Comparison,
        (known, there, in_table): (Option<u64>, u64, Option<u64>),
        letters: &Letters,
    ) -> Result<Option<Proven>, Error> {
        let unit = comparison.stretch();
        let kept = if in_table.is_some() { Ids::InTable } else { Ids::InStore };
        let forgotten = kept == Ids::InStore && unit.from < self.delivered.ids_from(self.context);
        let repair = self.repair && !forgotten;
        let mode = if repair { Mode::Mend } else { Mode::Look };
        let compared = compare(self.context, &mut comparison, (mode, kept, &letters.ids()), &mut self.report).await?;
        if let Some(error) = self.report.error.take() {
            return Err(error);
        }
        let Compared::Finished(Found { missing, rejected: refused, doubtful }) = compared else { return Ok(None) };
        let honest = !doubtful && is_honest(self.context, &comparison, &mut self.report, &mut self.pace).await?;
        let seen = comparison.seen.values().sum::<u64>() + comparison.placed;
        let verdict = match (missing > 0, honest) {
            (true, _) if repair => Verdict::Proven,
            (true, _) if forgotten => Verdict::Unprovable,
            (true, _) => Verdict::Short,
            (false, false) => Verdict::Unprovable,
            (false, true) if there > seen => Verdict::Over,
            (false, true) => Verdict::Proven,
        };
        let delivered = match kept {
            Ids::InTable if !repair => known.unwrap_or(there),
            Ids::InStore if missing > 0 && !repair => seen - missing,
            Ids::InTable | Ids::InStore => known.unwrap_or(0).max(seen),
        };
        let [rejected, discarded] = letters.within(unit.from, unit.until);
        let in_table = if repair && in_table.is_some() { self.in_table(&unit).await? } else { in_table };
        let proven = self.proven(&unit, seen, in_table);
        Ok(Some(Proven { delivered, missing, rejected: rejected + refused, discarded, read: seen, verdict, ..proven }))
    }
}
