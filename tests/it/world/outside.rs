//! The clock, and the one gate through which every call to the outside goes: there it is counted, and there it fails.

use std::{cell::Cell, future::pending};

use aig_logs::time::Timestamp;
use chrono::TimeDelta;

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// Nothing is done, and the answer says so.
    Fails,
    /// It is done, and the answer says it is not.
    FailsAfter,
    /// Nothing is done, and no answer comes.
    Silence,
    /// It is done, and no answer comes.
    SilenceAfter,
    /// The process ends just before the call.
    DiesBefore,
    /// The process ends just after it.
    DiesAfter,
}

/// Which calls go wrong, counted from 1.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub strike: Strike,
    pub nth: u32,
    /// How many calls in a row.
    pub length: u32,
}

/// Everything that happens outside a pass happens through this.
pub struct Outside {
    now: Cell<Timestamp>,
    calls: Cell<u32>,
    plan: Cell<Option<Plan>>,
    /// The process has ended.
    dead: Cell<bool>,
}

impl Outside {
    pub fn new(now: Timestamp) -> Self {
        Self { now: Cell::new(now), calls: Cell::new(0), plan: Cell::new(None), dead: Cell::new(false) }
    }

    pub fn now(&self) -> Timestamp {
        self.now.get()
    }

    pub fn pass_time(&self, time: TimeDelta) {
        self.now.set(self.now.get() + time);
    }

    /// Starts to count anew, and to go wrong by `plan`.
    pub fn plan(&self, plan: Option<Plan>) {
        self.calls.set(0);
        self.plan.set(plan);
        self.revive();
    }

    /// A new process begins.
    pub fn revive(&self) {
        self.dead.set(false);
    }

    /// Whether the process has ended.
    pub fn is_dead(&self) -> bool {
        self.dead.get()
    }

    /// Calls since the last plan.
    pub fn calls(&self) -> u32 {
        self.calls.get()
    }

    /// Does something, unless the plan has it go wrong. Of a process that has ended no call is answered, nor made.
    pub async fn call<T>(&self, act: impl FnOnce() -> T, fail: impl FnOnce(Strike) -> T) -> T {
        if self.dead.get() {
            return pending().await;
        }
        let nth = self.calls.get() + 1;
        self.calls.set(nth);
        let struck = |plan: &Plan| nth >= plan.nth && nth - plan.nth < plan.length;
        let Some(Plan { strike, .. }) = self.plan.get().filter(struck) else { return act() };
        match strike {
            Strike::Fails | Strike::Silence => fail(strike),
            Strike::FailsAfter | Strike::SilenceAfter => {
                act();
                fail(strike)
            }
            Strike::DiesBefore => {
                self.dead.set(true);
                pending().await
            }
            Strike::DiesAfter => {
                act();
                self.dead.set(true);
                pending().await
            }
        }
    }
}
