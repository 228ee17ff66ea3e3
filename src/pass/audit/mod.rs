//! The audit. It counts at the source the stretches that are due in a book. If a count is another than expected, it
//! reads the stretch again, compares it id by id, and writes the missing entries. A book knows what is due, and keeps
//! the results.

mod compare;
mod delivered;
pub mod explain;
mod ids;
mod past;
pub mod prove;
mod prover;
mod recent;

use std::collections::BTreeSet;

use chrono::NaiveDate;

use self::compare::{Compared, Found, Ids, Mode, compare, count, is_honest};
pub(super) use self::{past::audit_past, recent::audit_recent};
use super::{Context, GatewayReport, Platform};
use crate::{
    error::Error,
    host::Host,
    plan::{
        pace::Pace,
        slots::{Slot, Stretch},
    },
    state::{Comparison, History, Ledger, LedgerLine, LedgerPage, Spend},
    time::Timestamp,
};

/// The most counts of one pass for each gateway. More are due only after hours without a pass, and then a few passes
/// catch up.
const MOST_COUNTS: u32 = 12;

/// The next step of an audit.
enum Step {
    /// Count a stretch.
    Count(Stretch),
    /// Begin or continue a comparison.
    Compare(Comparison),
}

/// Results for some hours or days, and the key of their page of the ledger.
enum Findings {
    /// Results for hours.
    Hours(String, Vec<(Timestamp, Slot)>),
    /// Results for days.
    Days(String, Vec<(NaiveDate, Slot)>),
}

/// The book of one gateway: the numbers of delivered entries, and the results of counts at the source.
trait Book {
    /// The next step; none: nothing is due. A step that is not done is due again.
    fn due(&mut self, now: Timestamp) -> Option<Step>;

    /// Notes how many entries of a stretch the source had at an instant; none: it did not tell. The stretch then
    /// agrees, or must be counted in parts, or compared.
    fn count(&mut self, stretch: &Stretch, source: Option<u64>, at: Timestamp);

    /// Keeps a comparison for later.
    fn put_off(&mut self, comparison: Comparison);

    /// Notes how far a comparison has come, whether it is finished or not.
    fn follow(&mut self, comparison: &Comparison);

    /// Notes the end of a comparison. `is_honest` is whether the source's own count agrees with it.
    fn settle(&mut self, comparison: &Comparison, is_honest: bool);

    /// Notes the end of a comparison of long calls alone, and how many of them were missing. Returns the stretch that
    /// must now be counted.
    fn settle_long_calls(&mut self, comparison: Comparison, missing: u64) -> Stretch;

    /// The new results for the ledger.
    fn findings(&self, gateway: &str, now: Timestamp) -> Vec<Findings>;

    /// What the delivered logs have cost.
    fn spend(&mut self) -> &mut Spend;

    /// Restores the book to its state before the audit, so that results that are not in the ledger are counted again.
    fn restore(&mut self);
}

/// Does the due steps of one gateway's book, as far as the budget allows.
async fn audit<P: Platform>(
    context: &Context<'_, P>,
    book: &mut dyn Book,
    report: &mut GatewayReport,
) -> Result<(), Error> {
    let result = Audit { context, book: &mut *book, report, pace: Pace::default() }.run().await;
    let findings = book.findings(&report.gateway, context.host.now());
    let recorded = record(context, findings, &mut report.ledger).await;
    if recorded.is_err() {
        book.restore();
    }
    // It is no failure if no further call is allowed.
    recorded.and(result.or_else(|error| if context.is_out_of_calls(&error) { Ok(()) } else { Err(error) }))
}

/// Saves the new results in the ledger, and notes what it then says.
async fn record<P: Platform>(
    context: &Context<'_, P>,
    findings: Vec<Findings>,
    lines: &mut Vec<LedgerLine>,
) -> Result<(), Error> {
    let now = context.host.now();
    for findings in findings {
        match findings {
            Findings::Hours(key, hours) => {
                let note = |ledger: &mut Ledger| hours.iter().for_each(|(hour, sum)| ledger.note(*hour, sum, now));
                let known = amend(context, &key, note).await?.hours;
                let line = |hour| Some(LedgerLine::Hour(hour, *known.get(&Ledger::name(hour))?));
                lines.extend(hours.iter().filter_map(|(hour, _)| line(*hour)));
            }
            Findings::Days(key, days) => {
                let note = |history: &mut History| days.iter().for_each(|(day, slot)| history.note(*day, slot, now));
                let known = amend(context, &key, note).await?.days;
                lines.extend(days.iter().filter_map(|(day, _)| Some(LedgerLine::Day(*day, *known.get(day)?))));
            }
        }
    }
    Ok(())
}

/// Changes a page of the ledger, and saves it only if it differs. Returns it.
async fn amend<P: Platform, G: LedgerPage>(
    context: &Context<'_, P>,
    key: &str,
    change: impl FnOnce(&mut G),
) -> Result<G, Error> {
    let [stored] = context.load([key]).await?;
    let known = G::read(key, stored.as_deref())?;
    let mut page = known.clone();
    change(&mut page);
    if page != known {
        let value = page.to_json().map_err(|error| Error::unwritable(key, &error))?;
        context.save(key, &value).await?;
    }
    Ok(page)
}

struct Audit<'a, 'c, P: Platform> {
    context: &'a Context<'c, P>,
    book: &'a mut dyn Book,
    report: &'a mut GatewayReport,
    pace: Pace,
}

impl<P: Platform> Audit<'_, '_, P> {
    async fn run(&mut self) -> Result<(), Error> {
        while let Some(step) = self.book.due(self.context.host.now()) {
            let is_enough = self.report.counts >= MOST_COUNTS || !self.context.wait(&mut self.pace).await;
            match step {
                Step::Count(_) if is_enough => return Ok(()),
                Step::Count(stretch) => self.count(&stretch).await?,
                Step::Compare(comparison) if is_enough => {
                    self.book.put_off(comparison);
                    return Ok(());
                }
                Step::Compare(comparison) => {
                    if !self.compare(comparison).await? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    async fn count(&mut self, stretch: &Stretch) -> Result<(), Error> {
        let now = self.context.host.now();
        let source = count(self.context, stretch, self.report, &mut self.pace).await?;
        self.book.count(stretch, source, now);
        Ok(())
    }

    /// Begins or continues a comparison, as far as the budget allows. Returns whether it is finished.
    async fn compare(&mut self, mut comparison: Comparison) -> Result<bool, Error> {
        *comparison.spend = self.book.spend().begin_comparison();
        let compared =
            compare(self.context, &mut comparison, (Mode::Mend, Ids::InStore, &BTreeSet::new()), self.report).await;
        self.book.spend().absorb(&comparison.spend);
        self.book.follow(&comparison);
        let found = match compared {
            Ok(Compared::Finished(found)) => found,
            // The source may refuse the condition on the duration.
            Err(Error::Source { error, .. }) if comparison.long_calls && !error.is_transient() => Found::default(),
            Ok(Compared::Unfinished) => {
                self.book.put_off(comparison);
                return Ok(false);
            }
            Err(error) => {
                self.book.put_off(comparison);
                return Err(error);
            }
        };
        if comparison.long_calls {
            let stretch = self.book.settle_long_calls(comparison, found.missing);
            return self.count(&stretch).await.map(|()| true);
        }
        match self.is_honest(&comparison, &found).await {
            Ok(is_honest) => self.book.settle(&comparison, is_honest),
            Err(error) => {
                self.book.put_off(comparison);
                return Err(error);
            }
        }
        Ok(true)
    }

    async fn is_honest(&mut self, comparison: &Comparison, found: &Found) -> Result<bool, Error> {
        Ok(!found.doubtful && is_honest(self.context, comparison, self.report, &mut self.pace).await?)
    }
}
