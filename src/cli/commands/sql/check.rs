//! `aig-logs sql --check`: what is missing or different in the live table and its views, by name and type.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    cli::{
        failure::Failure,
        terminal,
        warehouse::{LiveField, LiveTable, Partitioning, Warehouse},
    },
    config::TableName,
    event::EVENTS,
    foreign::clean,
    host::Host,
    log::{columns::LOGS, metadata::MetadataColumn},
    pass::RUNS,
    record::{Kind, Table},
    sink::sql::{Script, bigquery},
};

/// What is wrong with one thing in the dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// A table or view, or one of their columns: `aig_logs_raw.cost`.
    pub what: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Mismatch {
    /// What is wrong with a thing.
    pub fn new(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { what: clean(&what.into()), problem: clean(&problem.into()) }
    }

    fn to_json(&self) -> Value {
        json!({ "what": self.what, "problem": self.problem })
    }
}

/// Looks at the table and the views of the settings, and at those of events if they are wanted.
pub async fn check<H: Host>(
    warehouse: &Warehouse<'_, H>,
    name: &TableName,
    metadata: &[MetadataColumn],
    with_events: bool,
) -> Result<Vec<Mismatch>, Failure> {
    let TableName { project, dataset, table } = name;
    let looking = |thing: &str| format!("looking at {project}.{dataset}.{thing}");
    let mut findings = Vec::new();
    let live = async |thing: &str| warehouse.table(thing).await.map_err(|error| Failure::call(looking(thing), error));
    let found = live(table).await?;
    let mut tables = vec![(table.as_str(), found.clone(), &LOGS), (RUNS.name, live(RUNS.name).await?, &RUNS)];
    if with_events {
        tables.push((EVENTS.name, live(EVENTS.name).await?, &EVENTS));
    }
    for (name, found, expected) in &tables {
        match found {
            None => findings.push(Mismatch::new(*name, "is missing")),
            Some(found) => findings.extend(of_table(name, found, expected)),
        }
    }
    let columns = found.iter().flat_map(|found| &found.schema.fields).map(|field| field.name.as_str());
    let columns: Vec<_> = columns.chain(metadata.iter().map(|column| column.key.as_str())).collect();
    let of_events: Vec<_> = EVENTS.columns.iter().map(|column| column.name).collect();
    for (view, listed) in bigquery(with_events).filter_map(Script::bigquery_view) {
        // Those without a list show the columns of their table, and `aig_logs` also those of the metadata.
        let expected = match (view, listed.is_empty()) {
            (_, false) => &listed,
            ("events", true) => &of_events,
            (_, true) => &columns,
        };
        match live(view).await? {
            None => findings.push(Mismatch::new(view, "is missing")),
            Some(found) => findings.extend(of_view(view, &found, expected)),
        }
    }
    Ok(findings)
}

/// Checks the columns by name and type, and the partitions, which make queries cheap: the table must be partitioned by
/// the day of its instants. A finding about partitions names the whole table.
pub fn of_table(name: &str, table: &LiveTable, expected: &Table) -> Vec<Mismatch> {
    let day_of = expected.at;
    let live: BTreeMap<_, _> = table.schema.fields.iter().map(|field| (field.name.as_str(), field)).collect();
    let columns = expected.columns.iter().filter_map(|column| {
        let what = format!("{name}.{}", column.name);
        let expected = sql_type(column.kind);
        match live.get(column.name) {
            None => Some(Mismatch::new(what, format!("is missing: {expected}"))),
            Some(LiveField { kind, .. }) if standard(kind) == expected => None,
            Some(LiveField { kind, .. }) => Some(Mismatch::new(what, format!("is {}, not {expected}", standard(kind)))),
        }
    });
    let mut findings: Vec<_> = columns.collect();
    let by_day = |partitions: &Partitioning| partitions.kind == "DAY" && partitions.field.as_deref() == Some(day_of);
    if !table.time_partitioning.as_ref().is_some_and(by_day) {
        findings.push(Mismatch::new(
            name,
            format!("is not partitioned by the day of {day_of}: each query reads, and bills, all days"),
        ));
    }
    findings
}

fn of_view(name: &str, view: &LiveTable, columns: &[&str]) -> Vec<Mismatch> {
    let live: Vec<_> = view.schema.fields.iter().map(|field| field.name.as_str()).collect();
    let missing = columns.iter().filter(|column| !live.contains(column));
    missing.map(|column| Mismatch::new(format!("{name}.{column}"), "is missing")).collect()
}

fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "STRING",
        Kind::Integer => "INT64",
        Kind::Float => "FLOAT64",
        Kind::Bool => "BOOL",
        Kind::Instant => "TIMESTAMP",
        Kind::Json => "JSON",
    }
}

/// A type by its name in SQL: the API uses older names for some.
fn standard(kind: &str) -> &str {
    match kind {
        "INTEGER" => "INT64",
        "FLOAT" => "FLOAT64",
        "BOOLEAN" => "BOOL",
        other => other,
    }
}

/// What was found, for a person or for a program.
pub fn told(findings: &[Mismatch], json: bool) -> String {
    if json {
        return format!("{:#}", findings.iter().map(Mismatch::to_json).collect::<Value>());
    }
    if findings.is_empty() {
        return "Table and views are as they must be".to_owned();
    }
    let mut table = terminal::table();
    for Mismatch { what, problem } in findings {
        table.add_row([what, problem]);
    }
    table.trim_fmt()
}
