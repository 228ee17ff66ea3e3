//! What a question may name: data sets, fields and metrics, each with its expressions in SQL. No other text of a question
//! becomes SQL.

use super::steps::Unit;

/// The rows that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dataset {
    /// Events.
    Events,
    /// AI Gateway's logs.
    Logs,
    /// Both, in the common columns of the view `activity`.
    All,
}

impl Dataset {
    /// Every data set.
    pub const ALL: [Self; 3] = [Self::Events, Self::Logs, Self::All];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Logs => "logs",
            Self::All => "all",
        }
    }
}

/// The type of a field's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// An integer.
    Integer,
    /// A truth.
    Truth,
    /// Any JSON, kept as text.
    Json,
}

/// A column of the rows that are asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Common {
    /// Its name, in questions and answers.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its expression in SQL for an event `r`.
    pub events: &'static str,
    /// Its expression in SQL for a log `r`. `?3` is the path of the key that holds the org.
    pub logs: &'static str,
}

const fn field(name: &'static str, kind: Kind, events: &'static str, logs: &'static str) -> Common {
    Common { name, kind, events, logs }
}

/// The org of a log.
pub(crate) const ORG_OF_LOG: &str = "COALESCE(CAST(json_extract(r.metadata, ?3) AS TEXT), 'default')";

/// The user of a log.
pub(crate) const USER_OF_LOG: &str =
    "CAST(COALESCE(json_extract(r.metadata, '$.user_id'), json_extract(r.metadata, '$.user')) AS TEXT)";

/// Whether a log is unpriced, as the view `aig_requests` says it: 1, or null. Where there is any, a sum of costs is a floor.
pub(crate) const COSTLESS: &str = "CASE WHEN r.cached IS NOT TRUE AND COALESCE(r.cost, 0) = 0 \
                                   AND CASE WHEN r.tokens_in > 0 OR r.tokens_out > 0 \
                                   THEN r.cost IS NULL OR r.custom_cost IS NOT TRUE \
                                   ELSE r.cost IS NULL AND COALESCE(r.success, 1) = 1 END THEN 1 END";

/// The fields by which a question may group and filter.
pub static FIELDS: [Common; 13] = [
    field("name", Kind::Text, "r.name", "'ai.request'"),
    field("subject", Kind::Text, "r.subject", "r.model"),
    field("user", Kind::Text, "r.user_id", USER_OF_LOG),
    field("session", Kind::Text, "r.session_id", "NULL"),
    field("organization", Kind::Text, "r.org", ORG_OF_LOG),
    field("sku", Kind::Text, "r.sku", "NULL"),
    field("unit", Kind::Text, "r.unit", "NULL"),
    field("status", Kind::Integer, "r.status_code", "r.status_code"),
    field("source", Kind::Text, "r.source", "'logs'"),
    field("success", Kind::Truth, "r.success", "r.success"),
    field("provider", Kind::Text, "NULL", "r.provider"),
    field("model", Kind::Text, "NULL", "r.model"),
    field("gateway", Kind::Text, "NULL", "r.gateway"),
];

/// Fields that only some kinds of questions have.
static FURTHER_FIELDS: [Common; 8] = [
    // The subject and the org, by the names of seed 001.
    field("endpoint", Kind::Text, "r.subject", "r.model"),
    field("organizationId", Kind::Text, "r.org", ORG_OF_LOG),
    field("organizationName", Kind::Text, "(SELECT o.name FROM orgs AS o WHERE o.org = r.org)", "NULL"),
    field("plan", Kind::Text, "(SELECT o.plan FROM orgs AS o WHERE o.org = r.org)", "NULL"),
    field("error", Kind::Text, "r.error", "NULL"),
    field("cost_type", Kind::Text, COST_TYPE, "'ai'"),
    // Numbers, which no question groups by: whether they are there.
    field("quantity", Kind::Integer, "r.quantity", "NULL"),
    field("cost", Kind::Integer, "r.cost", "r.cost"),
];

/// What the cost of an event is for.
const COST_TYPE: &str = "COALESCE(CAST(json_extract(r.metadata, '$.cost_type') AS TEXT), r.subject)";

/// The columns of which metrics are made: name, expression for an event, expression for a log.
pub(super) const MEASURED: [(&str, &str, &str); 12] = [
    ("user_id", "r.user_id", USER_OF_LOG),
    ("session_id", "r.session_id", "NULL"),
    ("success", "r.success", "r.success"),
    ("duration", "r.duration", "r.duration"),
    ("quantity", "r.quantity", "NULL"),
    ("cost", "r.cost", "r.cost"),
    ("tokens_in", "NULL", "r.tokens_in"),
    ("tokens_out", "NULL", "r.tokens_out"),
    ("cached", "NULL", "CASE WHEN r.cached THEN 1 END"),
    ("costless", "NULL", COSTLESS),
    ("tokens_cached", "NULL", "r.input_cached_tokens"),
    ("created_at", "r.created_at", "r.created_at"),
];

/// The longest metadata key that a question may name, in bytes. The database looks for it in every row.
const LONGEST_KEY: usize = 1_024;

/// A field of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// One that every row may have.
    Common(&'static Common),
    /// A key of the metadata.
    Metadata(String),
}

impl Field {
    /// The field of this name, of those that every question may name and of `further` ones.
    pub(super) fn parse(name: &str, further: &[&str]) -> Option<Self> {
        if let Some(key) = name.strip_prefix("metadata.") {
            return (1..=LONGEST_KEY).contains(&key.len()).then(|| Self::Metadata(key.to_owned()));
        }
        let further = FURTHER_FIELDS.iter().filter(|field| further.contains(&field.name));
        FIELDS.iter().chain(further).find(|field| field.name == name).map(Self::Common)
    }

    /// The type of its values.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Common(common) => common.kind,
            Self::Metadata(_) => Kind::Json,
        }
    }
}

/// What the rows must be joined with before a metric is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Rows,
    /// The place of each row among the durations of its group: it is this percentile of them.
    Rank(u8),
    /// The first instant of each user.
    Firsts,
    /// The instant of each row, since prices change, and its org, SKU and unit as the first fields.
    Prices,
}

/// What is computed of a group of rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, in questions and answers.
    pub name: &'static str,
    /// Its expression in SQL over the rows of a group.
    pub sql: &'static str,
    /// The same over lines of what is counted once, if they tell. A percentile is found in the buckets of a group.
    pub counted: Option<&'static str>,
    /// What it needs beside the rows.
    pub needs: Needs,
    /// Whether it is 0 where there is no row. Any other is null.
    pub is_zero: bool,
    /// Its unit, if it has one.
    pub unit: Option<&'static str>,
}

impl Metric {
    /// Which percentile of the durations it is, if it is one.
    pub(super) fn percent(&self) -> Option<u8> {
        match self.needs {
            Needs::Rank(percent) => Some(percent),
            Needs::Rows | Needs::Firsts | Needs::Prices => None,
        }
    }
}

/// One that is 0 where nothing is counted.
const fn sum(
    name: &'static str,
    sql: &'static str,
    counted: Option<&'static str>,
    unit: Option<&'static str>,
) -> Metric {
    Metric { name, sql, counted, needs: Needs::Rows, is_zero: true, unit }
}

/// One of durations.
const fn duration(name: &'static str, sql: &'static str, counted: &'static str, needs: Needs) -> Metric {
    Metric { name, sql, counted: Some(counted), needs, is_zero: false, unit: Some("ms") }
}

/// Every metric that a question may name, in SQL that SQLite and BigQuery understand. Percentiles are nearest ranks, counted
/// in whole numbers.
pub static METRICS: [Metric; 17] = [
    sum("count", "count(*)", Some("sum(events)"), None),
    sum("errors", "count(CASE WHEN success = 0 THEN 1 END)", Some("sum(errors)"), None),
    sum(
        "errorRate",
        "count(CASE WHEN success = 0 THEN 1 END) * 1.0 / count(*)",
        Some("sum(errors) * 1.0 / sum(events)"),
        None,
    ),
    sum("users", "count(DISTINCT user_id)", None, None),
    sum("sessions", "count(DISTINCT session_id)", None, None),
    duration("avg", "avg(duration)", "sum(duration) / sum(timed)", Needs::Rows),
    duration("max", "max(duration)", "max(longest)", Needs::Rows),
    duration("p50", "min(CASE WHEN 100 * place >= 50 * timed THEN duration END)", "NULL", Needs::Rank(50)),
    duration("p95", "min(CASE WHEN 100 * place >= 95 * timed THEN duration END)", "NULL", Needs::Rank(95)),
    duration("p99", "min(CASE WHEN 100 * place >= 99 * timed THEN duration END)", "NULL", Needs::Rank(99)),
    sum("quantity", "COALESCE(sum(quantity), 0)", Some("total(quantity)"), None),
    sum("cost", "COALESCE(sum(cost), 0)", Some("total(cost)"), Some("USD")),
    sum("tokensIn", "COALESCE(sum(tokens_in), 0)", Some("COALESCE(sum(tokens_in), 0)"), Some("tokens")),
    sum("tokensOut", "COALESCE(sum(tokens_out), 0)", Some("COALESCE(sum(tokens_out), 0)"), Some("tokens")),
    sum("tokensCached", "COALESCE(sum(tokens_cached), 0)", Some("COALESCE(sum(tokens_cached), 0)"), Some("tokens")),
    sum("cached", "count(cached)", Some("COALESCE(sum(cached), 0)"), None),
    sum("unpriced", "count(costless)", Some("COALESCE(sum(costless), 0)"), None),
];

/// Metrics that only some kinds of questions have.
static FURTHER_METRICS: [Metric; 5] = [
    sum("share", "count(*) * 1.0 / sum(count(*)) OVER (PARTITION BY step)", None, None),
    Metric {
        name: "newUsers",
        sql: "count(DISTINCT CASE WHEN first >= since AND first < until THEN user_id END)",
        counted: None,
        needs: Needs::Firsts,
        is_zero: true,
        unit: None,
    },
    sum("events", "count(*)", Some("sum(measured)"), None),
    sum("total_cost", "COALESCE(sum(cost), 0)", Some("total(cost)"), Some("USD")),
    Metric { needs: Needs::Prices, ..sum("cost", PRICED, Some(PRICED_LINES), Some("USD")) },
];

/// Whether every question may name a field so.
#[must_use]
pub fn is_field(name: &str) -> bool {
    FIELDS.iter().any(|field| field.name == name)
}

/// The price in force at an instant. A price of the org comes before one of all orgs.
macro_rules! price {
    ($at:literal) => {
        concat!(
            "(SELECT p.price FROM prices AS p WHERE p.org IN (g0, '*') AND p.sku = g1 AND p.unit = g2 AND p.since <= ",
            $at,
            " ORDER BY p.org = '*', p.since DESC LIMIT 1)"
        )
    };
}

/// The cost of events: their own, or the quantity at the price in force at their instant.
const PRICED: &str = concat!("total(COALESCE(cost, quantity * ", price!("raw.created_at"), "))");

/// The same of lines. Of each, the quantity without a cost has one price.
const PRICED_LINES: &str = concat!("total(COALESCE(billed, 0) + COALESCE(unpriced * ", price!("parts.at"), ", 0))");

/// The metric of this name.
pub(super) fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// The metrics of these names, of all that there are: those that only some kinds of questions have come first.
pub(super) fn metrics(names: &[&str]) -> Vec<&'static Metric> {
    let find = |name: &&str| FURTHER_METRICS.iter().chain(&METRICS).find(|metric| metric.name == *name);
    names.iter().filter_map(find).collect()
}

/// The unit of this name.
pub(super) fn unit(name: &str) -> Option<Unit> {
    Unit::ALL.into_iter().find(|unit| unit.name() == name)
}
