//! The plan of faults. Rules say which calls fail, and how. In a storm all calls fail now and then. Both depend on a
//! seed, so a run can be repeated.
//!
//! In a storm, how a call fails depends only on the seed, the endpoint and the number of the call, and not on the hour
//! or on other calls. The question of a failing call depends on the caller, and on the caller's clock.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::simulator::{
    chance::{hash, mix},
    faults::{Endpoint, Fault, Refusal, When},
};

/// Calls of an endpoint that an outage strikes one after another: more than a patient caller tries at once.
const OUTAGE: u64 = 5;
/// BigQuery never takes one row in so many.
const POISON: u64 = 400;

/// The plan, and how often each kind of fault has struck so far.
pub struct Faults {
    rules: Vec<Rule>,
    storm: Option<Storm>,
    poisoned: BTreeSet<String>,
    struck: BTreeMap<&'static str, u64>,
    rng: ChaCha8Rng,
}

/// Strikes a call that no rule strikes.
struct Storm {
    seed: u64,
    calls: BTreeMap<Endpoint, u64>,
}

struct Rule {
    endpoint: Endpoint,
    when: When,
    fault: Fault,
    calls: u64,
}

impl Faults {
    pub(in crate::simulator) fn new(seed: u64, storm: Option<u64>) -> Self {
        Self {
            rules: Vec::new(),
            storm: storm.map(|seed| Storm { seed, calls: BTreeMap::new() }),
            poisoned: BTreeSet::new(),
            struck: BTreeMap::new(),
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Adds a rule. Where several apply to a call, the one added first wins.
    pub fn add(&mut self, endpoint: Endpoint, when: When, fault: Fault) {
        self.rules.push(Rule { endpoint, when, fault, calls: 0 });
    }

    /// From now on BigQuery never takes the row of this entry.
    pub fn poison(&mut self, id: &str) {
        self.poisoned.insert(id.to_owned());
    }

    /// Ends all faults. The counts stay.
    pub fn clear(&mut self) {
        self.rules.clear();
        self.storm = None;
        self.poisoned.clear();
    }

    /// How often each kind of fault has struck.
    #[must_use]
    pub fn struck(&self) -> &BTreeMap<&'static str, u64> {
        &self.struck
    }

    /// Whether BigQuery never takes the row of this entry.
    pub(in crate::simulator) fn is_poison(&self, id: &str) -> bool {
        self.poisoned.contains(id) || self.storm.as_ref().is_some_and(|storm| is_poison(storm.seed, id))
    }

    /// The fault that strikes this call, if any.
    pub(in crate::simulator) fn strike(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let mut strikes = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.endpoint == endpoint) {
            rule.calls += 1;
            if rule.when.holds(rule.calls, &mut self.rng) && strikes.is_none() {
                strikes = Some(rule.fault.clone());
            }
        }
        let stormed = self.storm.as_mut().and_then(|storm| storm.strike(endpoint));
        let strikes = strikes.or(stormed);
        if let Some(fault) = &strikes {
            *self.struck.entry(fault.kind()).or_default() += 1;
        }
        strikes
    }
}

impl Storm {
    fn strike(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let calls = self.calls.entry(endpoint).or_default();
        *calls += 1;
        fault(self.seed, endpoint, *calls)
    }
}

/// The fault of the `nth` call of an endpoint, if any. Mostly single calls fail, and now and then several in a row.
#[must_use]
pub fn fault(seed: u64, endpoint: Endpoint, nth: u64) -> Option<Fault> {
    let rng = |part: &str, number| ChaCha8Rng::seed_from_u64(mix(seed ^ hash(part)) ^ mix(number));
    let mut outage = rng(&format!("outage {endpoint:?}"), nth / OUTAGE);
    let [alone, in_a_row] = shares(endpoint);
    if outage.gen_bool(in_a_row) {
        return Some(down(&mut outage));
    }
    let mut call = rng(&format!("call {endpoint:?}"), nth);
    call.gen_bool(alone).then(|| single(endpoint, &mut call))
}

/// Whether BigQuery never takes the row of this entry.
#[must_use]
pub fn is_poison(seed: u64, id: &str) -> bool {
    mix(seed ^ hash(id)).is_multiple_of(POISON)
}

/// The share of an endpoint's calls that fail alone, and the share of its runs of [`OUTAGE`] calls that fail together.
/// Rare calls fail more often, or a storm would have no such fault.
fn shares(endpoint: Endpoint) -> [f64; 2] {
    match endpoint {
        Endpoint::List => [0.12, 0.04],
        Endpoint::Gateways | Endpoint::Token | Endpoint::Insert | Endpoint::Database => [0.2, 0.12],
    }
}

fn single(endpoint: Endpoint, rng: &mut ChaCha8Rng) -> Fault {
    let status = choose(&[500, 503], rng);
    let mut own = match endpoint {
        Endpoint::Gateways => vec![Fault::Truncate, Fault::Refuse(Refusal::Unsuccessful)],
        Endpoint::List => vec![
            Fault::Truncate,
            Fault::Refuse(Refusal::Unsuccessful),
            Fault::RepeatEntry,
            Fault::DeleteOldest(rng.gen_range(1..=5)),
        ],
        Endpoint::Token => vec![Fault::Truncate, Fault::SilenceAfter],
        Endpoint::Database => vec![
            Fault::Truncate,
            Fault::SilenceAfter,
            Fault::RefuseAfter(Refusal::Status(status)),
            Fault::Refuse(Refusal::Unsuccessful),
        ],
        Endpoint::Insert => vec![
            Fault::Truncate,
            Fault::SilenceAfter,
            Fault::RefuseAfter(Refusal::Status(status)),
            Fault::Refuse(Refusal::Forbidden("quotaExceeded")),
            Fault::Refuse(Refusal::OneRow("timeout")),
        ],
    };
    // As often something of the endpoint's own as something that can happen anywhere.
    if rng.r#gen() { own.swap_remove(rng.gen_range(0..own.len())) } else { down(rng) }
}

/// A fault that every endpoint can have.
fn down(rng: &mut ChaCha8Rng) -> Fault {
    match rng.gen_range(0..5) {
        0 => Fault::Silence,
        1 => Fault::Refuse(Refusal::TooManyRequests(choose(&[0, 1], rng))),
        2 => Fault::Refuse(Refusal::Status(choose(&[500, 502, 503, 504], rng))),
        3 => Fault::Refuse(Refusal::Html(choose(&[502, 503, 520], rng))),
        _ => Fault::Refuse(Refusal::Empty(choose(&[200, 502], rng))),
    }
}

/// One of some numbers.
fn choose<T: Copy + Default>(numbers: &[T], rng: &mut ChaCha8Rng) -> T {
    numbers.choose(rng).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINTS: [Endpoint; 5] =
        [Endpoint::Gateways, Endpoint::List, Endpoint::Token, Endpoint::Insert, Endpoint::Database];

    /// Which of the first ten list calls a rule strikes.
    fn struck(when: When) -> Vec<u64> {
        let mut faults = Faults::new(7, None);
        faults.add(Endpoint::List, when, Fault::Silence);
        assert!(faults.strike(Endpoint::Insert).is_none());
        (1..=10).filter(|_| faults.strike(Endpoint::List).is_some()).collect()
    }

    #[test]
    fn rules_choose_their_calls() {
        assert_eq!(struck(When::Nth(3)), [3]);
        assert_eq!(struck(When::Among(BTreeSet::from([1, 4]))), [1, 4]);
        assert_eq!(struck(When::Every(4)), [4, 8]);
        assert_eq!(struck(When::Always).len(), 10);
        assert_eq!(struck(When::Chance(0.0)), [0; 0]);
        assert_eq!(struck(When::Chance(0.4)), struck(When::Chance(0.4)));
    }

    #[test]
    fn the_first_rule_wins_and_is_counted() {
        let mut faults = Faults::new(7, None);
        faults.add(Endpoint::Token, When::Nth(1), Fault::Truncate);
        faults.add(Endpoint::Token, When::Always, Fault::Refuse(Refusal::Status(500)));
        faults.strike(Endpoint::Token);
        faults.strike(Endpoint::Token);
        assert_eq!(faults.struck(), &BTreeMap::from([("server_error", 1), ("truncated_answer", 1)]));
    }

    /// How the first `calls` calls of an endpoint fail.
    fn storm(seed: u64, endpoint: Endpoint, calls: u64) -> Vec<Option<Fault>> {
        (1..=calls).map(|nth| fault(seed, endpoint, nth)).collect()
    }

    fn kinds(seed: u64, endpoint: Endpoint, calls: u64) -> BTreeMap<&'static str, usize> {
        let mut kinds = BTreeMap::new();
        for fault in storm(seed, endpoint, calls).into_iter().flatten() {
            *kinds.entry(fault.kind()).or_default() += 1;
        }
        kinds
    }

    #[test]
    fn a_seed_is_a_storm_and_each_has_its_own() {
        for endpoint in ENDPOINTS {
            let told = |seed| format!("{:?}", storm(seed, endpoint, 300));
            assert_eq!(told(7), told(7));
            assert_ne!(told(7), told(8));
        }
        assert_ne!(format!("{:?}", storm(7, Endpoint::List, 300)), format!("{:?}", storm(7, Endpoint::Insert, 300)));
    }

    #[test]
    fn every_kind_strikes_soon_in_nearly_every_storm() {
        let anywhere =
            ["silence", "too_many_requests", "server_error", "html_page", "empty_answer", "truncated_answer"];
        let check = |endpoint, calls, own: &[&'static str]| {
            let expected: BTreeSet<_> = anywhere.iter().chain(own).copied().collect();
            let has_all = |seed: &u64| kinds(*seed, endpoint, calls).into_keys().collect::<BTreeSet<_>>() == expected;
            let whole = (1..=100).filter(has_all).count();
            assert!(whole >= 95, "{endpoint:?}: {whole} of 100 storms have every kind within {calls} calls");
        };
        check(Endpoint::List, 500, &["repeated_entry", "deleted_entries", "unsuccessful"]);
        check(
            Endpoint::Insert,
            300,
            &["silence_after_doing", "refused_after_doing", "quota_exceeded", "rows_not_taken"],
        );
        check(Endpoint::Database, 300, &["silence_after_doing", "refused_after_doing", "unsuccessful"]);
        check(Endpoint::Token, 200, &["silence_after_doing"]);
        check(Endpoint::Gateways, 300, &["unsuccessful"]);
    }

    #[test]
    fn most_calls_get_through_and_some_fail_three_times_in_a_row() {
        for endpoint in ENDPOINTS {
            let storms: Vec<_> = (1..=50).map(|seed| storm(seed, endpoint, 500)).collect();
            let failed = storms.iter().flatten().flatten().count();
            assert!((2_500..=9_000).contains(&failed), "{endpoint:?}: {failed} of 25,000 calls fail");
            let has_outage =
                |storm: &&Vec<Option<Fault>>| storm.windows(3).any(|calls| calls.iter().all(Option::is_some));
            assert!(storms.iter().filter(has_outage).count() >= 49, "{endpoint:?}");
        }
    }

    #[test]
    fn some_rows_are_poison_and_stay_so() {
        let poisoned = |seed| (0..40_000).filter(|n| is_poison(seed, &format!("id-{n}"))).collect::<Vec<_>>();
        assert!((60..=140).contains(&poisoned(7).len()), "{}", poisoned(7).len());
        assert_eq!(poisoned(7), poisoned(7));
        assert_ne!(poisoned(7), poisoned(8));
    }
}
