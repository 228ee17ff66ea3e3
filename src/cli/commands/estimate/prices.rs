//! What things cost: the one table of prices.

/// In what an amount is told.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    /// By number.
    Number,
    /// In bytes.
    Bytes,
}

/// A price, and what of it is free.
#[derive(Debug, Clone, Copy)]
pub struct Price {
    /// What is billed.
    pub what: &'static str,
    /// In what it is told.
    pub unit: Unit,
    /// Units that a month includes, or that are free.
    pub included: f64,
    /// Units that `usd` buys.
    pub per: f64,
    /// USD for so many.
    pub usd: f64,
    /// How it reads.
    pub says: &'static str,
    /// The month in which it was published.
    pub as_of: &'static str,
}

const M: f64 = 1e6;
const MIB: f64 = 1_048_576.0;
const GIB: f64 = 1_024.0 * MIB;

/// Cloudflare's prices are those of Workers Paid, `BigQuery`'s those of the location US.
const CLOUDFLARE: &str = "2026-11";
const BIGQUERY: &str = "2026-08";

/// What Workers Paid costs by itself, USD. developers.cloudflare.com/workers/platform/pricing
pub const WORKERS_PAID: f64 = 5.0;

const fn price(
    what: &'static str,
    unit: Unit,
    [included, per, usd]: [f64; 3],
    says: &'static str,
    as_of: &'static str,
) -> Price {
    Price { what, unit, included, per, usd, says, as_of }
}

/// developers.cloudflare.com/workers/platform/pricing
pub const PASSES: Price =
    price("Workers, passes", Unit::Number, [10.0 * M, M, 0.30], "$0.30 per M, 10 M included", CLOUDFLARE);
/// The same page, milliseconds.
pub const CPU: Price =
    price("Workers, ms of CPU", Unit::Number, [30.0 * M, M, 0.02], "$0.02 per M, 30 M included", CLOUDFLARE);
/// developers.cloudflare.com/kv/platform/pricing
pub const READS: Price =
    price("KV, keys read", Unit::Number, [10.0 * M, M, 0.50], "$0.50 per M, 10 M included", CLOUDFLARE);
/// The same page.
pub const WRITES: Price = price("KV, keys written", Unit::Number, [M, M, 5.0], "$5 per M, 1 M included", CLOUDFLARE);
/// The same page, bytes.
pub const IDS: Price = price("KV, storage", Unit::Bytes, [1e9, 1e9, 0.50], "$0.50 per GB, 1 GB included", CLOUDFLARE);
/// cloud.google.com/bigquery/pricing, bytes; a row counts as 1 KB at least.
pub const STREAMING: Price =
    price("BigQuery, streaming", Unit::Bytes, [0.0, 200.0 * MIB, 0.01], "$0.01 per 200 MiB", BIGQUERY);
/// The same page, bytes.
pub const STORAGE: Price =
    price("BigQuery, storage", Unit::Bytes, [10.0 * GIB, GIB, 0.02], "$0.02 per GiB, 10 GiB free", BIGQUERY);
/// The same page, bytes.
pub const QUERIES: Price = price(
    "BigQuery, one query of it all",
    Unit::Bytes,
    [1_024.0 * GIB, 1_024.0 * GIB, 6.25],
    "$6.25 per TiB, 1 TiB free",
    BIGQUERY,
);

/// developers.cloudflare.com/d1/platform/pricing
pub const ROWS: Price =
    price("D1, rows written", Unit::Number, [50.0 * M, M, 1.0], "$1 per M, 50 M included", CLOUDFLARE);
/// The same page, bytes.
pub const DATABASE: Price =
    price("D1, storage", Unit::Bytes, [5e9, 1e9, 0.75], "$0.75 per GB, 5 GB included", CLOUDFLARE);

/// The same page.
pub const ROWS_READ: Price =
    price("D1, rows read", Unit::Number, [25_000.0 * M, M, 0.001], "$0.001 per M, 25 B included", CLOUDFLARE);
/// The price of [`PASSES`], for a request, a tick, or a batch of a queue.
pub const REQUESTS: Price = Price { what: "Workers, requests", ..PASSES };
/// developers.cloudflare.com/queues/platform/pricing
pub const OPERATIONS: Price =
    price("Queues, operations", Unit::Number, [M, M, 0.40], "$0.40 per M, 1 M included", CLOUDFLARE);

impl Price {
    /// USD for so many units in a month.
    pub fn of(&self, units: f64) -> f64 {
        (units - self.included).max(0.0) / self.per * self.usd
    }
}
