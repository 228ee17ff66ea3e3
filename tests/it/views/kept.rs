//! What a scheduled query keeps in tables is what the views show.

use aig_logs::{
    config::TableName,
    event::EVENTS,
    record::Record,
    sink::sql::{ROLLUPS, Script},
};
use chrono::TimeDelta;

use super::{
    Line,
    activity::events,
    number_of,
    rows::{Rows, rows},
};
use crate::peer::{BigQuery, DATASET, PROJECT, Peer, TABLE, googlesql::GoogleSql};

/// A kept table, what it is kept of, and numbers of which the sums are compared.
const KEPT: [(&str, &str, &str); 3] = [
    ("log_hours", "aig_usage_by_hour", "requests, unpriced, tokens_in, cost"),
    ("log_metadata_days", "aig_spend_by_metadata", "requests, unpriced, tokens_in, cost"),
    ("event_hours", "events", "cost"),
];

fn statements(days: u32) -> impl Iterator<Item = String> {
    let [project, dataset, table] = [PROJECT, DATASET, TABLE].map(str::to_owned);
    let name = TableName { project, dataset, table };
    let text = move |script: &Script| script.for_bigquery(&name, &[]).replace("${DAYS}", &days.to_string());
    let texts: Vec<_> = ROLLUPS.iter().map(text).collect();
    let split = |text: &String| text.split_inclusive(";\n").map(str::to_owned).collect::<Vec<_>>();
    texts.iter().flat_map(split).collect::<Vec<_>>().into_iter()
}

fn sums(peer: &impl BigQuery, table: &str, numbers: &str, filter: &str) -> Vec<f64> {
    let sums: Vec<_> = numbers.split(", ").map(|number| format!("SUM({number}) AS {number}")).collect();
    let lines = peer.query(&format!("SELECT {} FROM `{PROJECT}.{DATASET}.{table}`{filter}", sums.join(", ")));
    lines.iter().flat_map(Line::values).map(|value| number_of(value).unwrap_or_default()).collect()
}

#[track_caller]
fn assert_kept(peer: &impl BigQuery) {
    for (kept, view, numbers) in KEPT {
        let [found, shown] = [kept, view].map(|table| sums(peer, table, numbers, ""));
        assert!(shown.iter().all(|sum| *sum > 0.0), "{view}: {shown:?}");
        for (found, shown) in found.iter().zip(&shown) {
            assert!((found - shown).abs() <= 1e-9 * shown, "{kept}: {found} for {shown}");
        }
    }
}

#[test]
fn tables_of_a_scheduled_query_have_the_numbers_of_the_views() {
    let Some(peer) = Peer::bare() else { return };
    peer.apply();
    let Rows { newest, now, .. } = rows();
    let (late, early): (Vec<&Record>, Vec<&Record>) =
        newest.iter().partition(|row| row.at() > now - TimeDelta::days(2));
    let insert = |rows: &[&Record]| {
        let rows: Vec<_> = rows.iter().map(|row| serde_json::to_value(row).unwrap()).collect();
        peer.insert(&rows);
    };
    insert(&early);
    let events: Vec<_> = events(now).iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    peer.insert_into(EVENTS.name, &events);
    let run = |days| statements(days).for_each(|statement| drop(peer.query(&statement)));
    run(3);
    assert_kept(&peer);
    // What comes later is taken in by the next run, once, and what is there stays.
    insert(&late);
    assert!(sums(&peer, "log_hours", "requests", "") < sums(&peer, "aig_usage_by_hour", "requests", ""));
    run(3);
    assert_kept(&peer);
    run(3);
    assert_kept(&peer);
}

#[test]
fn the_scheduled_query_is_in_googlesql() {
    let Some(peer) = GoogleSql::start() else { return };
    statements(3).for_each(|statement| drop(peer.query(&statement)));
}
