//! The program's own templates: a file in `sql/queries/`, a line here, and its loop in `tests/it/templates/`.

/// A name, and the text of its file.
macro_rules! named {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../sql/queries/", $name, ".sql")))),*]
    };
}

/// The files of `sql/queries/`: their names without the ending, and their texts.
pub static NAMED: &[(&str, &str)] = named![
    "active-users"
    "apdex"
    "auth-failures"
    "brute-force"
    "cost-anomalies"
    "cost-by-model"
    "cost-by-project"
    "endpoint-performance"
    "error-rate"
    "errors-by-type"
    "ingest-by-hour"
    "month-to-date"
    "moving-average"
    "new-errors"
    "requests-by-day"
    "requests-by-hour"
    "requests-by-minute"
    "requests-by-path"
    "resource-usage"
    "sessions"
    "slow-tools"
    "slowest-endpoints"
    "spend-by-metadata"
    "stickiness"
    "top-errors"
    "top-users"
    "usage-against-last-month"
    "usage-by-org"
    "usage-by-sku"
    "weekly-retention"
];
