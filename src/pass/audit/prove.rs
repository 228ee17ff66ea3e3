//! Proves any stretch on demand. It counts each hour or day at the source. If the count is no proof, it reads the
//! entries, and looks them up among the delivered ids. Cursors, slots and the ledger do not change.
//!
//! A proof covers only the time that the state claims to be delivered: from the backfill's cursor to forward's. If the
//! table can be asked, its rows and the dead letters decide. Otherwise the source's count must be the state's number of
//! delivered entries, or else the kept ids decide. If ids may have expired, nothing is called short. A proof reads the
//! state through a connection that cannot write, or from KV. Only a repair writes: rows, then ids, but neither cursor
//! nor ledger.

use chrono::{DurationRound, TimeDelta};

pub use super::prover::Proven;
use super::{
    delivered::{self, Delivered},
    prover::Prover,
};
use crate::{
    error::Error,
    host::Host,
    pass::{Context, Platform},
    plan::slots::{HOUR, Stretch, floor_hour},
    state::{Backfill, DAY, Position},
    time::Timestamp,
};

/// How far back a proof goes if the question has no start.
const BACK: TimeDelta = TimeDelta::hours(24);

/// The longest time that is proven by the hour. A longer time is proven by the day.
const HOURLY: TimeDelta = TimeDelta::days(3);

/// The question to a proof.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// First instant, UTC; none: a day before the end, at a full hour.
    pub from: Option<Timestamp>,
    /// The instant after the last, UTC; none: up to where forward has come.
    pub until: Option<Timestamp>,
    /// Whether missing entries are written.
    pub repair: bool,
}

/// Why a part of a stretch is left out: the state does not claim that it is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// Forward has not begun with the gateway.
    NotBegun,
    /// Forward has not delivered the time from this instant on, UTC.
    After(Timestamp),
    /// The backfill has not delivered the time before this instant, UTC, or will never do so.
    Before(Timestamp),
    /// The source has nothing before the day of the first entry, UTC.
    Empty(Timestamp),
}

/// The answer to a question.
#[derive(Debug, Default)]
pub struct Proof {
    /// Hours or days, by gateway, oldest first.
    pub units: Vec<Proven>,
    /// The parts that were left out, by gateway.
    pub cuts: Vec<(String, Cut)>,
    /// Whether the proof was cut short, because the program was asked to stop, or no further call was allowed.
    pub stopped: bool,
    /// The errors. The units of a gateway that could not be read are missing.
    pub errors: Vec<Error>,
}

impl Proof {
    /// The most important error: an error that a person must fix, or else any error.
    #[must_use]
    pub fn worst(&self) -> Option<&Error> {
        self.errors.iter().find(|error| !error.is_transient()).or(self.errors.first())
    }
}

/// Answers a question for every gateway. `tell` gets each unit, and the number of all units.
pub async fn prove<P: Platform>(context: &Context<'_, P>, question: &Question, tell: &dyn Fn(&Proven, usize)) -> Proof {
    let mut proof = Proof::default();
    if let Err(error) = prove_all(context, question, &mut proof, tell).await {
        proof.errors.push(error);
    }
    proof
}

/// The time of one gateway that the state claims to be delivered.
struct Claim {
    gateway: String,
    position: Position,
    backfill: Option<Backfill>,
    from: Timestamp,
    until: Timestamp,
}

async fn prove_all<P: Platform>(
    context: &Context<'_, P>,
    question: &Question,
    proof: &mut Proof,
    tell: &dyn Fn(&Proven, usize),
) -> Result<(), Error> {
    let now = context.host.now();
    let until = question.until.unwrap_or(now);
    let from = question.from.unwrap_or_else(|| floor_hour(until - BACK));
    let length = length_of_units(from, until);
    let claims = claims(context, question.until, [from, until], proof).await?;
    let mut gateways = Vec::new();
    for Claim { gateway, position, backfill, from, until } in &claims {
        let delivered = Delivered::new(gateway, position, backfill.as_ref(), now);
        let mut prover = Prover::new(context, delivered, question.repair);
        match prover.first_day(*from, *until).await {
            Ok(first) => {
                proof.cuts.extend(first.map(|first| (gateway.clone(), Cut::Empty(first))));
                let units: Vec<_> = cut(length, first.unwrap_or(*from), *until).collect();
                gateways.push((prover, units));
            }
            // The other gateways may be readable.
            Err(error @ Error::Source { .. }) => proof.errors.push(error),
            Err(error) => return Err(error),
        }
    }
    let all = gateways.iter().map(|(_, units)| units.len()).sum();
    for (mut gateway, units) in gateways {
        for unit in units {
            match gateway.prove(&unit).await {
                Ok(Some(proven)) => {
                    tell(&proven, all);
                    proof.units.push(proven);
                }
                Ok(None) => {
                    proof.stopped = true;
                    return Ok(());
                }
                // The other gateways may be readable.
                Err(error @ Error::Source { .. }) => {
                    proof.errors.push(error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// The claims within the time of the question; `end` is the end that the question names.
async fn claims<P: Platform>(
    context: &Context<'_, P>,
    end: Option<Timestamp>,
    [from, until]: [Timestamp; 2],
    proof: &mut Proof,
) -> Result<Vec<Claim>, Error> {
    let (gateways, _) = context.gateways().await?;
    let (forward, oldest, stop) = delivered::load(context, &gateways).await?;
    let now = context.host.now();
    let mut claims = Vec::new();
    for gateway in gateways {
        let Some(position) = forward.get(&gateway).cloned() else {
            proof.cuts.push((gateway, Cut::NotBegun));
            continue;
        };
        let backfill = oldest.get(&gateway).cloned();
        let delivered = Delivered::new(&gateway, &position, backfill.as_ref(), now);
        let (first, last) = (delivered.from(stop), delivered.until());
        if let Some(first) = first.filter(|first| from < *first) {
            proof.cuts.push((gateway.clone(), Cut::Before(first)));
        }
        if end.is_some_and(|end| last < end) {
            proof.cuts.push((gateway.clone(), Cut::After(last)));
        }
        let (from, until) = (first.map_or(from, |first| first.max(from)), last.min(until));
        claims.push(Claim { gateway, position, backfill, from, until });
    }
    Ok(claims)
}

fn length_of_units(from: Timestamp, until: Timestamp) -> TimeDelta {
    if until - from <= HOURLY { HOUR } else { DAY }
}

/// Cuts `[from, until)` at full hours or midnights, oldest first. The first and the last part may be shorter. No part
/// expects entries.
fn cut(length: TimeDelta, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Stretch> {
    let mut from = from;
    std::iter::from_fn(move || {
        // Rounding fails only for an instant thousands of years away.
        let next = from.duration_trunc(length).unwrap_or(from) + length;
        let stretch = Stretch { from, until: next.min(until), expected: 0 };
        from = stretch.until;
        (stretch.from < stretch.until).then_some(stretch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    fn at(text: &str) -> Timestamp {
        time::parse(text).unwrap()
    }

    fn units(length: TimeDelta, from: &str, until: &str) -> Vec<[String; 2]> {
        cut(length, at(from), at(until)).map(|unit| [unit.from, unit.until].map(time::text)).collect()
    }

    #[test]
    fn up_to_three_days_are_proven_by_the_hour() {
        let check =
            |until, expected| assert_eq!(length_of_units(at("2026-10-06T09:30:00Z"), at(until)), expected, "{until}");
        check("2026-10-06T09:31:00Z", HOUR);
        check("2026-10-09T09:30:00Z", HOUR);
        check("2026-10-09T09:30:00.001Z", DAY);
    }

    #[test]
    fn a_stretch_is_cut_at_full_hours_and_midnights_with_parts_at_its_ends() {
        let [a, b, c, d] = ["09:30:00.000Z", "10:00:00.000Z", "11:00:00.000Z", "11:00:00.001Z"]
            .map(|clock| format!("2026-10-06T{clock}"));
        let expected = [[a.clone(), b.clone()], [b, c.clone()], [c, d.clone()]];
        assert_eq!(units(HOUR, &a, &d), expected);
        let [midnight, noon] = ["00:00:00.000Z", "12:00:00.000Z"].map(|clock| format!("2026-10-07T{clock}"));
        assert_eq!(units(DAY, &a, &noon), [[a.clone(), midnight.clone()], [midnight, noon.clone()]]);
        assert_eq!(units(DAY, &a, &a), [[""; 2]; 0]);
        assert_eq!(units(DAY, &noon, &a), [[""; 2]; 0]);
    }
}
