//! The statements of `sql/`: the raw table, its columns, and the views over it, in the order in which they run. A
//! statement that runs again changes nothing.
//!
//! A view exists in both dialects. Both must show the numbers that plain loops in a test compute from the same rows.
//! So percentiles are nearest ranks, counted in whole numbers: BigQuery's own percentiles are approximate, and SQLite
//! has none.
//!
//! In BigQuery every view reads `aig_logs`, `aig_runs` or `events` once. A filter on the day must reach the partitions. It
//! passes a window only if the window is partitioned by the column of the filter. In SQLite it passes one level of groups.
//! A SQLite file gets a view again if its text differs from ours. `METADATA_COLUMNS` puts columns of any name into
//! `aig_logs`: the other views of logs read `aig_requests`, which has none of them.

use crate::{
    config::TableName,
    log::metadata::{MetadataColumn, MetadataKeys},
};

/// The end of the line with the org of a log, whose key a setting names.
const ORG_METADATA: &str = ", -- ORG_METADATA\n";

/// The place of the metadata's columns in a statement. It is a comment, so the file is a valid statement without them.
const METADATA_COLUMNS: &str = "  -- METADATA_COLUMNS\n";

/// A file of `sql/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Script {
    /// The file's name.
    pub name: &'static str,
    /// Its statements. Statements for `BigQuery` name the table by the settings `${GCP_BQ_PROJECT}`,
    /// `${GCP_BQ_DATASET}` and `${GCP_BQ_TABLE}`.
    pub text: &'static str,
}

macro_rules! scripts {
    ($folder:literal: $($name:literal)*) => {
        &[$(Script { name: $name, text: include_str!(concat!("../../sql/", $folder, "/", $name)) }),*]
    };
}

/// The statements for `BigQuery`.
pub const BIGQUERY: &[Script] = scripts![
    "bigquery":
    "1_aig_runs.sql"
    "1_table.sql"
    "2_columns.sql"
    "3_aig_logs.sql"
    "3_aig_requests.sql"
    "4_aig_attempts.sql"
    "4_aig_cache.sql"
    "4_aig_cost_anomalies.sql"
    "4_aig_errors.sql"
    "4_aig_latency_by_hour.sql"
    "4_aig_models.sql"
    "4_aig_pipeline_by_hour.sql"
    "4_aig_spend_by_metadata.sql"
    "4_aig_top_users.sql"
    "4_aig_unpriced.sql"
    "4_aig_usage_by_day.sql"
    "4_aig_usage_by_hour.sql"
];

/// The statements for `BigQuery` of events: their table, and the views over it. They are made where somebody asks for them.
pub const BIGQUERY_EVENTS: &[Script] = scripts![
    "bigquery":
    "1_events_raw.sql"
    "3_events.sql"
    "4_auth_events.sql"
    "4_daily_event_stats.sql"
    "4_recent_auth_failures.sql"
    "4_tool_events.sql"
    "4_tool_performance.sql"
    "4_user_activity_summary.sql"
];

/// The statements for a scheduled query of `BigQuery`, which keep the lines of views in tables: `${DAYS}` is how many days each
/// run makes anew. The last one is of events.
pub const ROLLUPS: &[Script] = scripts![
    "rollups":
    "log_hours.sql"
    "log_metadata_days.sql"
    "event_hours.sql"
];

/// The statements for `SQLite`, with views of the same names and columns. `Uu_sink`, `activity` and `aig_days` are here alone:
/// BigQuery has no triggers, its questions make an `activity` of their own, and it has partitions.
pub const SQLITE: &[Script] = scripts![
    "sqlite":
    "1_aig_ledger.sql"
    "1_aig_runs.sql"
    "1_api_keys.sql"
    "1_events_raw.sql"
    "1_orgs.sql"
    "1_prices.sql"
    "1_table.sql"
    "2_aig_logs.sql"
    "2_rollups.sql"
    "3_Uu_sink.sql"
    "3_activity.sql"
    "3_aig_attempts.sql"
    "3_aig_cache.sql"
    "3_aig_cost_anomalies.sql"
    "3_aig_days.sql"
    "3_aig_errors.sql"
    "3_aig_latency_by_hour.sql"
    "3_aig_models.sql"
    "3_aig_pipeline_by_hour.sql"
    "3_aig_requests.sql"
    "3_aig_spend_by_metadata.sql"
    "3_aig_top_users.sql"
    "3_aig_unpriced.sql"
    "3_aig_usage_by_day.sql"
    "3_aig_usage_by_hour.sql"
    "3_auth_events.sql"
    "3_daily_event_stats.sql"
    "3_recent_auth_failures.sql"
    "3_tool_events.sql"
    "3_tool_performance.sql"
    "3_user_activity_summary.sql"
];

/// The statements for `BigQuery`, and those of events if they are wanted.
pub fn bigquery(with_events: bool) -> impl Iterator<Item = &'static Script> {
    BIGQUERY.iter().chain(with_events.then_some(BIGQUERY_EVENTS).into_iter().flatten())
}

impl Script {
    /// The statements for `BigQuery` with this table's name in place of the settings, and with these columns.
    #[must_use]
    pub fn for_bigquery(&self, name: &TableName, columns: &[MetadataColumn]) -> String {
        let TableName { project, dataset, table } = name;
        let names = [("GCP_BQ_PROJECT", project), ("GCP_BQ_DATASET", dataset), ("GCP_BQ_TABLE", table)];
        let text = with_columns(self.text, columns, MetadataColumn::in_bigquery);
        names.iter().fold(text, |text, (setting, name)| text.replace(&format!("${{{setting}}}"), name))
    }

    /// The name of the view that a script for `BigQuery` makes, and its listed columns; none listed: the view has the
    /// raw table's columns. None if the script makes no view.
    #[must_use]
    pub fn bigquery_view(&self) -> Option<(&'static str, Vec<&'static str>)> {
        let (_, statement) = self.text.split_once("\nCREATE OR REPLACE VIEW `")?;
        let (path, rest) = statement.split_once('`')?;
        let name = path.rsplit('.').next()?;
        let listed = rest.strip_prefix(" (\n").and_then(|list| list.split_once("\n)")).map_or("", |(list, _)| list);
        Some((name, listed.lines().filter_map(|line| line.split_whitespace().next()).collect()))
    }

    /// The statements for `SQLite` with these keys of the metadata.
    #[must_use]
    pub fn for_sqlite(&self, keys: &MetadataKeys) -> String {
        let text = with_columns(self.text, &keys.columns, MetadataColumn::in_sqlite);
        let Some((before, after)) = text.split_once(ORG_METADATA) else { return text };
        let (before, line) = before.split_at(before.rfind('\n').map_or(0, |at| at + 1));
        let indentation = &line[..line.len() - line.trim_start().len()];
        [before, indentation, &keys.org_in_sqlite(), ORG_METADATA, after].concat()
    }
}

fn with_columns(text: &str, columns: &[MetadataColumn], column: impl Fn(&MetadataColumn) -> String) -> String {
    let lines: String = columns.iter().map(|named| ["  , ", &column(named), "\n"].concat()).collect();
    if lines.is_empty() { text.to_owned() } else { text.replace(METADATA_COLUMNS, &lines) }
}

/// The statement that has everything counted anew whose rows are still kept.
pub const COUNT_ANEW: &str = "UPDATE rollup_spans SET state = 0 WHERE state = 1";

/// The statements that give an older table of counts the columns that it lacks. [`COUNT_ANEW`] fills them.
pub fn added_columns(has: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
    let text = SQLITE.iter().find(|script| script.name == "2_rollups.sql").map_or("", |script| script.text);
    let (_, columns) = text.split_once("EXISTS rollups (\n").unwrap_or_default();
    let lines = columns.lines().take_while(|line| !line.trim_start().starts_with("PRIMARY KEY"));
    // A column that is added has no value in the lines that are there.
    let definitions = lines.map(|line| line.trim().trim_end_matches(',').trim_end_matches(" NOT NULL"));
    definitions
        .filter(move |definition| definition.split(' ').next().is_some_and(|name| !has(name)))
        .map(|definition| format!("ALTER TABLE rollups ADD COLUMN {definition}"))
}

/// The name of the view that a text for `SQLite` makes, and its statement, from the first word to the last. None if the
/// text makes no view.
#[must_use]
pub fn view(text: &str) -> Option<(&str, &str)> {
    made(text).next()
}

/// The view that a text for `SQLite` makes, and then its triggers: the name and the statement of each. The database
/// keeps these texts unchanged.
pub fn made(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let text = text.find("CREATE VIEW ").map_or("", |at| &text[at..]);
    // A trigger has semicolons of its own, so a statement ends where the next one begins.
    let mut starts: Vec<_> = text.match_indices("\nCREATE TRIGGER ").map(|(at, _)| at + 1).collect();
    starts.insert(0, 0);
    let ends: Vec<_> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| {
        let statement = text[start..end].trim_end().trim_end_matches(';');
        let name = statement.split(' ').nth(2)?;
        Some((name.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()?, statement))
    })
}
