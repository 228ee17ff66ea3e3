//! The program's own templates for BigQuery. Most texts of `sql/queries/` are in both dialects; those that reckon with dates
//! or look into the metadata have a second text in `sql/queries/bigquery/`. What they ask and tell is said in the first.

/// A name, and the text of its file.
macro_rules! named {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../sql/queries/bigquery/", $name, ".sql")))),*]
    };
}

/// The files of `sql/queries/bigquery/`: their names without the ending, and their texts.
pub static IN_BIGQUERY: &[(&str, &str)] = named![
    "active-users"
    "auth-failures"
    "brute-force"
    "cost-anomalies"
    "cost-by-project"
    "ingest-by-hour"
    "month-to-date"
    "moving-average"
    "sessions"
    "spend-by-metadata"
    "usage-against-last-month"
    "weekly-retention"
];

/// The text of one of the program's templates for BigQuery, if it is another than that for SQLite.
pub(super) fn in_bigquery(name: &str) -> Option<&'static str> {
    IN_BIGQUERY.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
