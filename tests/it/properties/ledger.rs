//! What the ledger may say at the end of a life, and which entries may be missing then.

use std::collections::BTreeSet;

use aig_logs::{
    plan::slots::{self, Verdict},
    state::{self, Forward, Ledger, LedgerPage as _, Position},
    time::Timestamp,
};
use chrono::TimeDelta;

use super::{
    history::{Arrival, Count, Setting},
    life::{GATEWAYS, Life},
    poison::Oddity,
};
use crate::world::{DAY, HOUR, MINUTE};

/// The age of the last count: nobody looks for what appears later.
const LAST_COUNT: TimeDelta = TimeDelta::minutes(24 * 60 + 10);

/// A life at its end.
pub struct End<'a> {
    life: &'a Life<'a>,
    setting: &'a Setting,
    /// Of each gateway, how far forward and the counts have come.
    positions: Vec<Position>,
    /// Entries that the source still has.
    there: Vec<&'a Arrival>,
    /// Entries that were deleted.
    deleted: Vec<&'a Arrival>,
}

impl<'a> End<'a> {
    pub fn of(life: &'a Life<'a>) -> Self {
        let gateways = &GATEWAYS[..life.history.setting.gateways];
        let ids: Vec<_> = gateways.iter().map(|id| (*id).to_owned()).collect();
        let stored = life.world.state.value(state::FORWARD).expect("a forward pass was made");
        let mut forward = Forward::from_json(state::FORWARD, &stored, &ids).unwrap();
        let positions = ids.iter().map(|id| forward.by_id.remove(id).expect("each gateway is begun")).collect();
        let simulator = life.world.simulator.borrow();
        let entries = gateways.iter().flat_map(|id| simulator.gateway(id).unwrap().entries(Timestamp::MAX_UTC));
        let present: BTreeSet<String> = entries.map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
        let entries = life.history.entries.iter().zip(&life.ids);
        let (there, deleted): (Vec<_>, Vec<_>) = entries.partition(|(_, (id, _))| present.contains(id));
        let arrivals = |entries: Vec<(&'a Arrival, _)>| entries.into_iter().map(|(arrival, _)| arrival).collect();
        Self { life, setting: &life.history.setting, positions, there: arrivals(there), deleted: arrivals(deleted) }
    }

    /// Entries that may be missing although the source shows them. All exceptions to "nothing lost" are here.
    pub fn excused(&self) -> BTreeSet<String> {
        let entries = self.life.history.entries.iter().zip(&self.life.ids);
        let late = entries.filter(|(arrival, _)| arrival.late > self.setting.settle);
        let excused = late.filter(|(arrival, _)| {
            // The law ends after a day.
            arrival.late > DAY || self.hides_behind_a_deletion(arrival)
        });
        excused.map(|(_, (id, _))| id.clone()).collect()
    }

    /// Between two counts one entry went and another came: the number is what it was.
    fn hides_behind_a_deletion(&self, arrival: &Arrival) -> bool {
        let start = self.positions[arrival.gateway].start.expect("nothing is taken over");
        let counted_with = |arrival: &Arrival| match self.created_at(arrival) {
            history if history < start => (history.date_naive(), None),
            instant => (instant.date_naive(), Some(slots::floor(instant))),
        };
        let mut others = self.deleted.iter().filter(|other| other.gateway == arrival.gateway);
        others.any(|deleted| counted_with(deleted) == counted_with(arrival))
    }

    /// Each hour's verdict is true, and where nothing prevents it everything is proven up to the present.
    pub fn assert_ledger(&self) {
        for (gateway, position) in self.positions.iter().enumerate() {
            let (Some(from), Some([counted, ..])) = (position.counted_from, position.counted) else {
                panic!("the counts have not begun: {position:?}");
            };
            let hours = std::iter::successors(Some(slots::floor_hour(from)), |hour| Some(*hour + HOUR));
            for hour in hours.take_while(|hour| *hour + HOUR <= counted) {
                self.assert_hour(gateway, hour, from);
            }
            let due = self.life.world.now() - self.setting.settle.max(MINUTE * 10) - MINUTE;
            let is_slow = self.setting.quota.is_some();
            assert!(counted >= slots::floor_hour(due) || is_slow, "counted up to {counted}");
            if self.is_certain(gateway, from, self.life.world.now()) {
                assert_eq!(position.complete_through(), (counted != from).then_some(counted), "{position:?}");
            }
        }
    }

    /// The ledger knows an hour that was counted, and counts nothing less than is there.
    fn assert_hour(&self, gateway: usize, hour: Timestamp, from: Timestamp) {
        let key = Ledger::key(GATEWAYS[gateway], hour.date_naive());
        let ledger = self.life.world.state.value(&key).map(|text| Ledger::read(&key, Some(&text)).unwrap());
        let known = ledger.and_then(|ledger| ledger.hours.get(&hour.format("%H").to_string()).copied());
        let Some(known) = known else { panic!("{hour} of {} is not in the ledger", GATEWAYS[gateway]) };
        // What hides its instant may be counted beside where it lies.
        let hides = |arrival: &Arrival| arrival.oddity.is_some_and(Oddity::hides_its_instant);
        let counts = |arrival: &&&Arrival| arrival.gateway == gateway && arrival.late <= LAST_COUNT && !hides(arrival);
        let there = self.there.iter().filter(counts);
        let within = |arrival: &&&Arrival| (hour.max(from)..hour + HOUR).contains(&self.created_at(arrival));
        let least = there.filter(within).count() as u64;
        let counted = known.source.is_some_and(|source| source >= least) && known.delivered >= least;
        match known.verdict {
            Verdict::Proven => assert!(counted && known.source == Some(known.delivered), "{hour}: {known:?}, {least}"),
            Verdict::Over => assert!(counted, "{hour}: {known:?}, and {least} are there"),
            Verdict::Unprovable | Verdict::Short => {}
        }
        let is_known = matches!(known.verdict, Verdict::Proven | Verdict::Over);
        assert!(is_known || !self.is_certain(gateway, hour, hour + HOUR), "{hour}: {known:?}");
    }

    /// Whether every count of a stretch is true, and stays so.
    fn is_certain(&self, gateway: usize, from: Timestamp, until: Timestamp) -> bool {
        let too_late = self.there.iter().filter(|arrival| arrival.late > DAY);
        let mut doubts = self.deleted.iter().chain(too_late).filter(|arrival| arrival.gateway == gateway);
        self.setting.count == Count::OfTheFilter
            && !doubts.any(|arrival| (from..until).contains(&self.created_at(arrival)))
    }

    fn created_at(&self, arrival: &Arrival) -> Timestamp {
        self.life.world.simulator.borrow().options().start + arrival.at
    }
}
