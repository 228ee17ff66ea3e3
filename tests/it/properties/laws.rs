//! What holds of each pass of a life, and at its end.

use std::collections::BTreeSet;

use aig_logs::pass::Report;
use chrono::TimeDelta;

use super::{
    history::{Count, Pass},
    ledger::End,
    life::Life,
};
use crate::world::Counts;

impl Life<'_> {
    /// What holds once nothing goes wrong any more, and everything that is due is counted. How many entries are missing, and
    /// may be.
    pub fn assert_laws(&mut self) -> u64 {
        self.world.letters_may_repeat = self.history.may_repeat_letters();
        let end = End::of(self);
        let excused = end.excused();
        let once = self.history.setting.sqlite || !self.history.may_repeat_rows();
        self.world.assert_all_but(&excused, |copies| if once { copies == 1 } else { copies > 0 });
        end.assert_ledger();
        let missing = self.world.copies_of(&excused.into_iter().collect::<Vec<_>>());
        let missing = missing.into_iter().filter(|copies| *copies == 0).count() as u64;
        if self.history.never_looks_short() {
            assert_eq!(self.reread, 0, "nothing is missing, and pages are read again");
        }
        self.assert_idle();
        self.assert_sums();
        self.assert_told_once();
        if let Some(heard) = &self.world.heard {
            heard.borrow().assert_hidden_in(self.world.kept().as_bytes(), "at the end");
        }
        missing
    }

    /// No good row is refused, and passes that find nothing new do nothing.
    fn assert_idle(&mut self) {
        let letters = self.world.letters().into_iter().filter(|letter| !self.world.is_of_shown(letter));
        let dead: BTreeSet<_> = letters.map(|letter| letter["id"].as_str().unwrap().to_owned()).collect();
        let is_poison =
            |id: &String| self.history.entries.iter().zip(&self.ids).any(|(e, (own, _))| e.poison && own == id);
        assert!(dead.iter().all(is_poison), "a good row is a dead letter: {dead:?}");
        let jobs = [true, false];
        let idle = jobs.map(|forward| {
            let before = self.world.counts();
            let report = self.pass(&Pass::calm(forward)).unwrap();
            // A count of the whole gateway never lets a pass that finds nothing be certain of the end.
            let is_certain = self.history.setting.count != Count::OfTheGateway;
            assert!(report.is_complete() || !is_certain, "more to read: {}", report.to_json());
            // Calls take time, and with time more is to be counted.
            let counted = report.sum(|gateway| (gateway.counts + gateway.reread).into()) > 0;
            (self.world.counts() - before, counted)
        });
        let [(forward, counted), (backfill, history_counted)] = idle;
        if !counted {
            // What was told is read at the end of each pass, and written where there is news.
            let told = u32::from(self.received.is_some());
            assert_eq!(
                (forward.insert, forward.ids_writes, forward.state_reads),
                (0, 0, 1 + told),
                "an idle pass writes"
            );
            assert!(forward.state_writes <= told, "an idle pass writes");
        }
        if self.history.setting.count != Count::OfTheGateway && !history_counted {
            assert_eq!((backfill.list, backfill.writes()), (0, 0), "a backfill that was done goes on");
        }
        if self.pages_are_plain() && !counted {
            assert!(
                forward.list as usize <= self.history.setting.gateways * (1 + usize::from(self.received.is_some())),
                "an idle pass reads {} pages",
                forward.list
            );
        }
    }

    /// What a pass in which nothing goes wrong may cost.
    pub fn assert_cost(&self, pass: &Pass, report: &Report, cost: Counts) {
        let setting = &self.history.setting;
        let gateways = u32::try_from(setting.gateways).unwrap();
        let shown = u64::from(setting.per_page);
        let jobs = u32::from(!pass.forward);
        // Each gateway's ledgers of a few days, where something was counted, and the ids where something was compared.
        let [counts, reread] =
            [report.sum(|gateway| gateway.counts.into()), report.sum(|gateway| gateway.reread.into())];
        // A comparison that the pass before has brought to its last page is only concluded.
        let verified = u32::from(counts + reread > 0 || cost.ids_reads > 0);
        let ledgers = verified * 3 * gateways;
        let told = u32::from(self.received.is_some());
        assert!(
            cost.state_reads <= 2 + told + ledgers
                && (cost.ids_reads == 0 || self.reread > 0 || pass.allowed.is_some()),
            "{cost:?}"
        );
        // A store that is slow to take a second write is asked up to three times.
        let writes = if setting.slow_stores { 3 } else { 1 };
        // Each in a stretch of its own at worst.
        let letters = u32::try_from(report.sum(|gateway| gateway.rejected)).unwrap();
        assert!(
            cost.state_writes <= writes * (3 + told + letters + ledgers)
                && u64::from(cost.ids_writes) <= u64::from(writes * gateways) * (1 + 12 * u64::from(verified) + reread),
            "{cost:?}"
        );
        if let Some(most) = pass.pages.filter(|_| self.pages_are_plain()) {
            assert!(report.gateways.iter().all(|gateway| gateway.pages <= most), "{}", report.to_json());
        }
        if self.pages_are_plain() && pass.allowed.is_none() && pass.calls.is_none() {
            let pages = report.sum(|gateway| gateway.entries.div_ceil(shown - 1) + 1);
            assert!(
                // A count of all logs, where the room of gateways is looked at.
                u64::from(cost.list) <= pages + u64::from((jobs + told) * gateways) + counts + reread,
                "{} pages, {}",
                cost.list,
                report.to_json()
            );
        }
        if pass.allowed.is_none() && pass.calls.is_none() {
            // What was read is written after eleven pages at the latest, and what was missing with its own stretch.
            let inserts = report.sum(|gateway| {
                let full = gateway.entries.div_ceil(setting.batch as u64);
                full + u64::from((gateway.pages + gateway.reread) / 11) + gateway.late.min(gateway.reread.into())
            });
            // Rows beside a refused one are sent again, and a token that was revoked is asked for.
            assert!(u64::from(cost.insert) <= inserts + u64::from(letters) + 1, "{cost:?}, {}", report.to_json());
        }
    }

    /// No two entries in one millisecond, counts that are true, pages as long as asked for, and calls enough: what the cost
    /// is promised for.
    fn pages_are_plain(&self) -> bool {
        let setting = &self.history.setting;
        let mut instants = BTreeSet::new();
        let mut entries = self.history.entries.iter();
        let millisecond = |at: TimeDelta| at.num_microseconds().unwrap().div_euclid(1_000);
        let ties = !entries.all(|entry| instants.insert((entry.gateway, millisecond(entry.at))));
        let full = setting.per_page > 1 && setting.page_cap.is_none() && !self.history.hides_instants();
        !ties && full && setting.count == Count::OfTheFilter && setting.quota.is_none()
    }
}
