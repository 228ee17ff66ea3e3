//! What passes cost, as the world sees it.

use std::ops::Sub;

/// Calls by kind, and operations on the stores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub sends: u32,
    pub gateways: u32,
    pub list: u32,
    pub token: u32,
    pub insert: u32,
    pub refused: u32,
    pub state_reads: u32,
    pub state_writes: u32,
    pub ids_reads: u32,
    pub ids_writes: u32,
}

impl Counts {
    pub fn writes(&self) -> u32 {
        self.state_writes + self.ids_writes
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            sends: self.sends - before.sends,
            gateways: self.gateways - before.gateways,
            list: self.list - before.list,
            token: self.token - before.token,
            insert: self.insert - before.insert,
            refused: self.refused - before.refused,
            state_reads: self.state_reads - before.state_reads,
            state_writes: self.state_writes - before.state_writes,
            ids_reads: self.ids_reads - before.ids_reads,
            ids_writes: self.ids_writes - before.ids_writes,
        }
    }
}
