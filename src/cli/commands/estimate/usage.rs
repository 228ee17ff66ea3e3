//! What a month takes, by the program's own rules: how often passes come, and what each costs.

use crate::cli::args::Estimate;

/// Days of a month.
pub const DAYS: f64 = 30.0;
/// Minutes of a day.
const MINUTES: f64 = 1_440.0;
/// New entries of a full page: each shows at least one of the page before.
const NEW_A_PAGE: f64 = 49.0;
/// Rows of an insert.
const ROWS: f64 = 500.0;
/// Pages after which an insert is made, however small.
const PAGES: f64 = 15.0;
/// How often a stretch is counted: at ten minutes, an hour and a day.
const AGES: f64 = 3.0;
/// Milliseconds of CPU in workerd, as `scripts/bench` measures them, its local KV included: for each pass, in addition
/// for a pass with new logs, and in addition for each log.
const CPU_A_PASS: f64 = 4.0;
const CPU_WITH_NEW: f64 = 11.0;
const CPU_A_LOG: f64 = 0.027;
/// Bytes of an id, with its line break: a UUID.
const ID: f64 = 37.0;
/// Days for which ids are kept, by default.
const KEPT: f64 = 45.0;
/// Bytes of a row as BigQuery or D1 stores it, and as streaming bills it at least.
const STORED: f64 = 500.0;
const BILLED: f64 = 1_024.0;

/// A month.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Passes of both jobs.
    pub passes: f64,
    /// List calls, counts included.
    pub list_calls: f64,
    /// Inserts.
    pub inserts: f64,
    /// Milliseconds of CPU.
    pub cpu: f64,
    /// Keys of KV that are read.
    pub reads: f64,
    /// Keys of KV that are written.
    pub writes: f64,
    /// Bytes of ids in KV.
    pub ids: f64,
    /// Bytes that streaming bills.
    pub streamed: f64,
    /// Bytes of one month's rows where they are stored.
    pub stored: f64,
    /// Rows written in D1: one for each log, and for each line of a pass.
    pub rows: f64,
}

impl Usage {
    /// The month of so many logs, spread evenly over gateways and time, with the history copied.
    pub fn of(arguments: &Estimate) -> Self {
        let Estimate { logs_per_month, gateways, every, .. } = *arguments;
        let (logs, gateways) = (f64::from(logs_per_month.unwrap_or_default()), f64::from(gateways));
        let (hours, forward) = (DAYS * 24.0, DAYS * MINUTES / f64::from(every));
        // The share of stretches in which anything comes at all, where logs come by chance.
        let busy = |stretches: f64| 1.0 - (-logs / stretches).exp();
        let of_gateways = forward * gateways * busy(forward * gateways);
        let of_all = forward * busy(forward);
        let slots = hours * 6.0 * gateways;
        let counted = slots * busy(slots) + hours * gateways * (1.0 - busy(slots));
        Self {
            passes: forward + hours,
            list_calls: forward * gateways + logs / NEW_A_PAGE + AGES * counted,
            // The rows of all gateways share them; and one tells what the pass did.
            inserts: of_all + (of_gateways - of_all) / PAGES + logs / ROWS + of_all,
            cpu: (forward + hours) * CPU_A_PASS + of_all * CPU_WITH_NEW + logs * CPU_A_LOG,
            // The cursors of the job, and the status.
            reads: 2.0 * (forward + hours),
            // The ids, the cursors, and the ledger of each gateway each hour.
            writes: 2.0 * of_all + hours * gateways,
            ids: logs / DAYS * KEPT * ID,
            streamed: (logs + of_all) * BILLED,
            stored: logs * STORED,
            rows: logs + of_all,
        }
    }
}
