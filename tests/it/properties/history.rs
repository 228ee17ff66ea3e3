//! A history as a value: which entries appear when, which passes run, and what goes wrong in each.

use aig_logs::simulator::faults::{Endpoint, Fault, When};
use chrono::TimeDelta;

use super::poison::Oddity;
use crate::world::outside::Plan;

/// Everything that happens in one world.
#[derive(Debug, Clone)]
pub struct History {
    pub setting: Setting,
    pub entries: Vec<Arrival>,
    pub steps: Vec<Step>,
}

/// What stays as it is for a whole history.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Setting {
    pub gateways: usize,
    /// `AIG_GATEWAY_ID` is `*`.
    pub star: bool,
    pub sqlite: bool,
    pub per_page: u32,
    /// The server's own cap.
    pub page_cap: Option<usize>,
    pub count: Count,
    /// Rows that one write holds.
    pub batch: usize,
    /// `SETTLE_SECONDS`.
    pub settle: TimeDelta,
    /// Calls of the list that the API allows in five minutes.
    pub quota: Option<u32>,
    /// The stores refuse a second write to a key within a second.
    pub slow_stores: bool,
    /// The list shows ties in another order in each answer.
    pub shuffled: bool,
    /// Whoever fails sends back what it has heard, secrets and all.
    pub echoes: bool,
    /// Calls that are made at once overlap.
    pub overlapping: bool,
    /// Pages that each of the last passes, in which nothing goes wrong, may read.
    pub last_pages: Option<u32>,
    /// The time between the last passes, until no entry may be late any more.
    pub patience: TimeDelta,
    /// Somebody is told of budgets and failures.
    pub alerts: bool,
}

/// What `total_count` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    OfTheFilter,
    OfTheGateway,
    Missing,
}

/// One entry.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub gateway: usize,
    /// `created_at`, from the world's beginning.
    pub at: TimeDelta,
    /// How long after that the list shows it.
    pub late: TimeDelta,
    /// How long its call took, as it says itself. A call is logged when it ends, so most tell how late they are.
    pub duration: TimeDelta,
    /// `BigQuery` never takes its row.
    pub poison: bool,
    /// What stands in it that no reader expects.
    pub oddity: Option<Oddity>,
}

#[derive(Debug, Clone)]
pub enum Step {
    Wait(TimeDelta),
    /// These entries are deleted.
    Delete(Vec<usize>),
    /// An operator puts `backfill_stop_at` to the instant of an entry, or takes it away.
    StopAt(Option<usize>),
    /// This machine's clock is set, so far ahead of the true time.
    Clock(TimeDelta),
    /// Google forgets its tokens.
    Revoke,
    Pass(Pass),
}

/// One pass, and what goes wrong in it.
#[derive(Debug, Clone)]
pub struct Pass {
    pub forward: bool,
    pub pages: Option<u32>,
    pub seconds: Option<u64>,
    /// Calls in the pass's own budget.
    pub calls: Option<u32>,
    /// Calls after which the platform refuses.
    pub allowed: Option<u32>,
    /// Calls after which somebody asks the program to stop.
    pub stop_after: Option<u32>,
    /// How old the stores' answers are.
    pub stale: TimeDelta,
    /// What the host answers where somebody asks for chance.
    pub random: f64,
    pub strike: Option<Plan>,
    pub faults: Vec<(Endpoint, When, Fault)>,
    /// Entries that are deleted before the nth list call is answered.
    pub deletion: Option<(u64, Vec<usize>)>,
}

impl Pass {
    /// A pass in which nothing goes wrong, and that may use all it likes.
    pub fn calm(forward: bool) -> Self {
        Self {
            forward,
            pages: None,
            seconds: None,
            calls: None,
            allowed: None,
            stop_after: None,
            stale: TimeDelta::zero(),
            random: 0.5,
            strike: None,
            faults: Vec::new(),
            deletion: None,
        }
    }

    /// Whether a row may be in the table twice because of it: something was done that looked as if it was not, or
    /// something was not remembered.
    fn may_repeat_rows(&self) -> bool {
        let lost = |fault: &Fault| matches!(fault, Fault::SilenceAfter | Fault::RefuseAfter(_) | Fault::Truncate);
        let insert = |(endpoint, _, fault): &(Endpoint, When, Fault)| *endpoint == Endpoint::Insert && lost(fault);
        self.strike.is_some() || self.stale > TimeDelta::zero() || self.faults.iter().any(insert)
    }

    fn deletes(&self) -> bool {
        let fault = |(.., fault): &(Endpoint, When, Fault)| matches!(fault, Fault::DeleteOldest(_) | Fault::Delete(_));
        self.deletion.is_some() || self.faults.iter().any(fault)
    }

    /// Whether it needs no more calls than a pass without any trouble.
    pub fn is_calm(&self) -> bool {
        self.strike.is_none() && self.stale.is_zero() && self.faults.is_empty() && self.deletion.is_none()
    }
}

impl History {
    /// Whether a row may be in the table twice although nobody loses a row: see [`Pass::may_repeat_rows`]. Whoever is asked
    /// to stop does not wait for a store that refuses a second write within a second.
    pub fn may_repeat_rows(&self) -> bool {
        let stops = |pass: &Pass| pass.stop_after.is_some() && self.setting.slow_stores;
        self.passes().any(|pass| pass.may_repeat_rows() || stops(pass))
    }

    /// Whether no count can ever be another than expected: entries only ever come, and in time; the counts are true; and
    /// nothing is written that is not counted.
    pub fn never_looks_short(&self) -> bool {
        // What hides its instant may be counted beside where it lies.
        let comes_and_stays = !self.has_late_entries() && !self.hides_instants() && !self.deletes();
        comes_and_stays && self.setting.count == Count::OfTheFilter && !self.may_repeat_rows()
    }

    /// Whether entries are deleted at the source.
    pub fn deletes(&self) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Delete(entries) => !entries.is_empty(),
            Step::Pass(pass) => pass.deletes(),
            Step::Wait(_) | Step::StopAt(_) | Step::Clock(_) | Step::Revoke => false,
        })
    }

    /// Whether a dead letter may be kept twice: a log whose instant nobody can read lies beside another one by now, once a log
    /// has appeared before it.
    pub fn may_repeat_letters(&self) -> bool {
        let appears = self.entries.iter().any(|entry| !entry.late.is_zero());
        self.may_repeat_rows() || appears && self.hides_instants()
    }

    /// Whether the instant of some logs cannot be read.
    pub fn hides_instants(&self) -> bool {
        self.entries.iter().any(|entry| entry.oddity.is_some_and(Oddity::hides_its_instant))
    }

    /// Whether entries appear behind the forward pass.
    pub fn has_late_entries(&self) -> bool {
        self.entries.iter().any(|entry| entry.late > self.setting.settle)
    }

    fn passes(&self) -> impl Iterator<Item = &Pass> {
        self.steps.iter().filter_map(|step| match step {
            Step::Pass(pass) => Some(pass),
            Step::Wait(_) | Step::Delete(_) | Step::StopAt(_) | Step::Clock(_) | Step::Revoke => None,
        })
    }
}

impl Step {
    pub fn length(&self) -> TimeDelta {
        match self {
            Self::Wait(time) => *time,
            Self::Delete(_) | Self::StopAt(_) | Self::Clock(_) | Self::Revoke | Self::Pass(_) => TimeDelta::zero(),
        }
    }
}
