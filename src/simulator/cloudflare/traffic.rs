//! When calls arrive: by day and night in history, at a steady rate while live, in bursts now and then.

use rand::{Rng, SeedableRng, distributions::WeightedIndex, prelude::Distribution};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Exp1, LogNormal};

use crate::simulator::{
    chance::{real, whole},
    cloudflare::entry,
    options::{Bursts, LatenessRange, SimulatorOptions},
};

const MINUTE: f64 = 60_000.0;
const HOUR: i64 = 3_600_000;
/// Milliseconds from the end of a long call until its entry is visible, at most.
const INGESTION: f64 = 2_000.0;

/// Milliseconds from a failed attempt until its fallback in the history, less than this. Live, it is the next call.
const SOON: i64 = 5_000;

/// Weight of each hour of a working day, UTC: quiet nights, a dip at noon, a late evening tail.
const HOURS: [f64; 24] = [
    1.5, 1.2, 1.0, 1.0, 1.2, 1.8, 3.0, 5.5, 8.5, 10.0, 10.5, 9.5, 8.0, 9.5, 10.5, 10.5, 9.5, 8.0, 6.0, 4.5, 3.8, 3.2,
    2.6, 2.0,
];
/// Share of a working day's traffic, Monday first.
const WEEKDAYS: [f64; 7] = [1.0, 1.05, 1.05, 1.0, 0.9, 0.35, 0.3];

/// One entry to come. Milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Arrival {
    pub created_at: i64,
    pub visible_at: i64,
    pub seed: u64,
    /// Milliseconds for which a long call took; none for a typical one.
    pub long_call: Option<i64>,
    /// The seed of the call whose fallback it is, if it is one.
    pub first_attempt: Option<u64>,
}

/// The arrivals of one gateway. The same seed gives the same arrivals, however often it is asked.
#[derive(Clone)]
pub(in crate::simulator) struct Traffic {
    rng: ChaCha8Rng,
    /// Mean milliseconds between two calls; infinite without traffic.
    gap: f64,
    /// When the next call arrives.
    next: f64,
    bursts: Bursts,
    lateness: Option<LatenessRange>,
    /// A call that failed, whose fallback comes next.
    failed: Option<Arrival>,
}

impl Traffic {
    pub fn new(seed: u64, options: &SimulatorOptions) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let SimulatorOptions { bursts, lateness, .. } = *options;
        let entries_per_call = 1.0 + bursts.chance * f64::from(1 + bursts.most) / 2.0;
        let gap = MINUTE * entries_per_call / options.live_per_minute.max(0.0);
        let next = real(options.start.timestamp_millis()) + gap * rng.sample::<f64, _>(Exp1);
        Self { rng, gap, next, bursts, lateness, failed: None }
    }

    /// `options.entries` arrivals before `options.start`, in no order.
    pub fn history(&mut self, options: &SimulatorOptions) -> Vec<Arrival> {
        let until = options.start.timestamp_millis();
        let from = until - options.history.num_milliseconds().max(1);
        let hours: Vec<i64> = (from.div_euclid(HOUR)..=(until - 1).div_euclid(HOUR)).map(|hour| hour * HOUR).collect();
        let Ok(by_rhythm) = WeightedIndex::new(hours.iter().map(|hour| weight(*hour, from, until))) else {
            return Vec::new();
        };
        let mut arrivals = Vec::with_capacity(options.entries);
        while arrivals.len() < options.entries {
            let hour = hours[by_rhythm.sample(&mut self.rng)];
            let created_at = self.rng.gen_range(hour.max(from)..(hour + HOUR).min(until));
            let soon = |failed: Arrival| failed.created_at + 1 + failed.seed.cast_signed().rem_euclid(SOON);
            let created_at = self.failed.map_or(created_at, |failed| soon(failed).min(until - 1));
            self.call(created_at, None, &mut arrivals);
        }
        arrivals.truncate(options.entries);
        arrivals
    }

    /// Live arrivals since the last call, up to and including `now`.
    pub fn until(&mut self, now: i64) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        while self.next < real(now) + 1.0 {
            self.call(whole(self.next), self.lateness, &mut arrivals);
            self.next += self.gap * self.rng.sample::<f64, _>(Exp1);
        }
        arrivals
    }

    pub fn stop(&mut self) {
        self.next = f64::INFINITY;
    }

    /// One call, and at times a few more in the same millisecond.
    fn call(&mut self, created_at: i64, lateness: Option<LatenessRange>, arrivals: &mut Vec<Arrival>) {
        let Bursts { chance, most } = self.bursts;
        let more = if self.rng.gen_bool(chance.clamp(0.0, 1.0)) { self.rng.gen_range(1..=most.max(1)) } else { 0 };
        for _ in 0..=more {
            let (delay, long_call) = lateness.and_then(|lateness| self.delay(lateness)).unwrap_or_default();
            let seed = self.rng.r#gen();
            let first_attempt = self.failed.take().filter(|_| long_call.is_none()).map(|failed| failed.seed);
            let arrival = Arrival { created_at, visible_at: created_at + delay, seed, long_call, first_attempt };
            self.failed =
                (long_call.is_none() && first_attempt.is_none() && entry::falls_back(seed)).then_some(arrival);
            arrivals.push(arrival);
        }
    }

    /// Milliseconds until a late entry becomes visible, and of these the duration of a long call. None: it is not late.
    fn delay(&mut self, late: LatenessRange) -> Option<(i64, Option<i64>)> {
        let spread = LogNormal::new(late.median_seconds.max(0.001).ln(), 1.0).ok()?;
        let seconds = spread.sample(&mut self.rng).max(late.shortest_seconds).min(late.longest_seconds);
        let [is_late, is_long] = [late.chance, late.long_calls].map(|share| self.rng.gen_bool(share.clamp(0.0, 1.0)));
        let delay = seconds * 1_000.0;
        let duration = delay - self.rng.gen_range(0.0..=INGESTION.min(delay / 10.0));
        is_late.then(|| (whole(delay), is_long.then(|| whole(duration))))
    }
}

/// How much of all traffic falls into the hour, of which only [from, until) counts.
fn weight(hour: i64, from: i64, until: i64) -> f64 {
    let hours = hour.div_euclid(HOUR);
    // 1970 began on a Thursday.
    let weekday = (hours.div_euclid(24) + 3).rem_euclid(7);
    let part = real((hour + HOUR).min(until) - hour.max(from)) / real(HOUR);
    let pick = |shares: &[f64], index: i64| usize::try_from(index).ok().and_then(|index| shares.get(index).copied());
    part * pick(&HOURS, hours.rem_euclid(24)).unwrap_or(0.0) * pick(&WEEKDAYS, weekday).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::simulator::cloudflare::stored::Stored;

    fn history(options: &SimulatorOptions) -> Vec<Arrival> {
        Traffic::new(1, options).history(options)
    }

    #[test]
    fn history_fills_its_span_by_day_rather_than_by_night() {
        let options = SimulatorOptions { entries: 20_000, ..SimulatorOptions::default() };
        let until = options.start.timestamp_millis();
        let from = until - options.history.num_milliseconds();
        let arrivals = history(&options);
        assert_eq!(arrivals.len(), 20_000);
        assert!(arrivals.iter().all(|arrival| (from..until).contains(&arrival.created_at)));
        let at = |hour| arrivals.iter().filter(|a| a.created_at.div_euclid(HOUR) % 24 == hour).count();
        assert!(at(10) > 5 * at(3), "{} {}", at(10), at(3));
        let instants: BTreeSet<i64> = arrivals.iter().map(|arrival| arrival.created_at).collect();
        assert!(instants.len() < arrivals.len(), "some share one millisecond");
        assert!(arrivals.iter().all(|arrival| arrival.visible_at == arrival.created_at));
    }

    #[test]
    fn a_fallback_follows_a_call_that_failed_and_shares_its_event_id() {
        let options = SimulatorOptions { entries: 20_000, ..SimulatorOptions::default() };
        let arrivals = history(&options);
        let attempts = arrivals.windows(2).filter_map(|pair| Some((pair[0], pair[1], pair[1].first_attempt?)));
        let mut rescued = 0;
        for (first, second, seed) in attempts.clone() {
            assert_eq!((first.seed, first.long_call, first.first_attempt), (seed, None, None));
            assert!((0..=5_000).contains(&(second.created_at - first.created_at)));
            let [first, second] = [first, second].map(|arrival| Stored::generated(&arrival).render());
            assert_eq!((&first["success"], &first["step"], &second["step"]), (&json!(false), &json!(0), &json!(1)));
            assert_eq!((&first["event_id"], &first["metadata"]), (&second["event_id"], &second["metadata"]));
            assert!(first["event_id"].is_string() && first["id"] != second["id"]);
            rescued += usize::from(second["success"] == true);
        }
        let attempts = attempts.count();
        assert!((200..400).contains(&attempts) && rescued > attempts * 9 / 10, "{attempts} {rescued}");
    }

    #[test]
    fn nothing_arrives_without_traffic() {
        let options = SimulatorOptions::default();
        let mut traffic = Traffic::new(1, &options);
        assert_eq!(traffic.until(options.start.timestamp_millis() + 1_000 * HOUR), []);
        assert_eq!(history(&options), []);
    }

    #[test]
    fn some_arrivals_are_late() {
        let late = LatenessRange { chance: 0.2, ..LatenessRange::between(0.0, 60.0, 1_800.0) };
        let options =
            SimulatorOptions { live_per_minute: 1_000.0, lateness: Some(late), ..SimulatorOptions::default() };
        let mut traffic = Traffic::new(1, &options);
        let arrivals = traffic.until(options.start.timestamp_millis() + 10 * 60_000);
        let delayed = arrivals.iter().filter(|arrival| arrival.visible_at > arrival.created_at);
        let delays: Vec<(i64, Option<i64>)> =
            delayed.map(|arrival| (arrival.visible_at - arrival.created_at, arrival.long_call)).collect();
        assert!((1_800..2_200).contains(&delays.len()), "{}", delays.len());
        let longer = delays.iter().filter(|(delay, _)| *delay > 328_634).count();
        assert!((900..1_100).contains(&longer), "{longer}");
        assert!(delays.iter().all(|(delay, _)| (60_000..=1_800_000).contains(delay)));
        let long_calls: Vec<_> = delays.iter().filter_map(|(delay, long_call)| Some(delay - (*long_call)?)).collect();
        assert!((1_600..1_980).contains(&long_calls.len()), "{}", long_calls.len());
        assert!(long_calls.iter().all(|rest| (0..=2_000).contains(rest)), "a long call is logged when it ends");
        assert!(arrivals.iter().all(|a| a.long_call.is_none() || a.visible_at > a.created_at));
    }

    #[test]
    fn history_is_there_from_the_start() {
        let options = SimulatorOptions {
            entries: 1_000,
            lateness: Some(LatenessRange::default()),
            ..SimulatorOptions::default()
        };
        assert!(history(&options).iter().all(|arrival| arrival.visible_at == arrival.created_at));
    }

    #[test]
    fn stopped_traffic_has_ended() {
        let options = SimulatorOptions { live_per_minute: 60.0, ..SimulatorOptions::default() };
        let mut traffic = Traffic::new(1, &options);
        let start = options.start.timestamp_millis();
        assert!(!traffic.until(start + HOUR).is_empty());
        traffic.stop();
        assert_eq!(traffic.until(start + 2 * HOUR), []);
    }
}
