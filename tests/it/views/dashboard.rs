//! The dashboard for Grafana: its queries in `BigQuery`'s dialect, over the views.

use std::{collections::BTreeSet, fs};

use aig_logs::{
    pass::RUNS,
    sink::sql::{BIGQUERY, Script},
    time::Timestamp,
};
use chrono::TimeDelta;
use serde_json::Value;

use super::{
    Line, ROUNDING, number_of,
    rows::{Rows, rows},
    runs::{lines_of, runs},
};
use crate::peer::{BigQuery as _, DATASET, PROJECT, Peer, assert_dialect};

/// What Grafana fills in by itself: the time range, in milliseconds.
const RANGE: [&str; 2] = ["__from", "__to"];

/// The days of the time range. `BigQuery` works it out before it reads anything, so that it reads only these.
const DAYS: &str = "WHERE day BETWEEN DATE(TIMESTAMP_MILLIS(${__from})) AND DATE(TIMESTAMP_MILLIS(${__to}))";

/// The only view without days: it has 30 of its own.
const WITHOUT_DAYS: &str = "aig_top_users";

const DAYS_SHOWN: i64 = 30;

/// How wide Grafana's grid is.
const COLUMNS: u64 = 24;

struct Dashboard(Value);

impl Dashboard {
    fn read() -> Self {
        let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/grafana.json")).unwrap();
        Self(serde_json::from_str(&text).unwrap())
    }

    fn panels(&self) -> impl Iterator<Item = &Value> {
        self.0["panels"].as_array().unwrap().iter()
    }

    /// The variables that a user sees, with what they begin with.
    fn variables(&self) -> Vec<(&str, &str)> {
        let list = self.0["templating"]["list"].as_array().unwrap().iter();
        list.map(|variable| (text(&variable["name"]), text(&variable["query"]))).collect()
    }

    /// A query as Grafana sends it, for the last days.
    fn filled(&self, query: &str, now: Timestamp) -> String {
        let [from, to] = [now - TimeDelta::days(DAYS_SHOWN), now].map(|instant| instant.timestamp_millis().to_string());
        let names = [("project", PROJECT), ("dataset", DATASET), (RANGE[0], &from), (RANGE[1], &to)];
        let values = names.into_iter().chain(self.variables());
        values.fold(query.to_owned(), |query, (name, value)| query.replace(&format!("${{{name}}}"), value))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn title(panel: &Value) -> &str {
    text(&panel["title"])
}

/// The one query of a panel.
fn query(panel: &Value) -> &str {
    let [target] = panel["targets"].as_array().unwrap().as_slice() else { panic!("{} asks one thing", title(panel)) };
    text(&target["rawSql"])
}

/// What stands between `start` and `end`, wherever both are.
fn between<'a>(text: &'a str, start: &'a str, end: char) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).map(move |rest| rest.split(end).next().unwrap())
}

#[test]
fn each_view_is_on_the_dashboard_and_only_the_days_shown_are_read() {
    let dashboard = Dashboard::read();
    let mut shown = BTreeSet::new();
    for panel in dashboard.panels() {
        let query = query(panel);
        let views: Vec<_> = between(query, "`${project}.${dataset}.", '`').collect();
        let [view] = views[..] else { panic!("{}: {query}", title(panel)) };
        assert_eq!(query.matches(DAYS).count(), usize::from(view != WITHOUT_DAYS), "{}: {query}", title(panel));
        shown.insert(view);
    }
    let mut views: BTreeSet<_> = BIGQUERY.iter().filter_map(Script::bigquery_view).map(|(name, _)| name).collect();
    views.remove("aig_logs");
    assert_eq!(shown, views);
}

#[test]
fn panels_have_ids_and_places_of_their_own_and_name_only_variables_that_there_are() {
    let dashboard = Dashboard::read();
    let variables: BTreeSet<_> = dashboard.variables().into_iter().map(|(name, _)| name).chain(RANGE).collect();
    let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard.panels() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{} has another panel's id", title(panel));
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        let mut cells = (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y)));
        assert!(x + w <= COLUMNS && cells.all(|cell| places.insert(cell)), "{} has no place", title(panel));
        let source = &panel["targets"][0]["datasource"];
        assert_eq!((source, text(&source["uid"])), (&panel["datasource"], "${datasource}"), "{}", title(panel));
        for name in between(&panel.to_string(), "${", '}').filter(|name| !name.starts_with("__field.")) {
            assert!(variables.contains(name), "{}: {name}", title(panel));
        }
    }
}

#[test]
fn queries_are_in_bigquerys_dialect() {
    let dashboard = Dashboard::read();
    let folder = tempfile::tempdir().unwrap();
    let files = dashboard.panels().map(|panel| {
        let file = folder.path().join(format!("{}.sql", panel["id"]));
        fs::write(&file, dashboard.filled(query(panel), Timestamp::UNIX_EPOCH)).unwrap();
        file
    });
    assert_dialect(&files.collect::<Vec<_>>());
}

#[test]
fn each_panel_shows_what_it_asks_for() {
    let Some(peer) = Peer::start() else { return };
    let Rows { newest, now, .. } = rows();
    let written: Vec<_> = newest.iter().map(|row| serde_json::to_value(row).unwrap()).collect();
    peer.insert(&written);
    peer.insert_into(RUNS.name, &lines_of(&runs(now)));
    let dashboard = Dashboard::read();
    let mut spent = Vec::new();
    for panel in dashboard.panels() {
        let lines = peer.query(&dashboard.filled(query(panel), now));
        assert!(lines.iter().flat_map(Line::values).any(|value| !value.is_null()), "{} is empty", title(panel));
        assert_shape(panel, &lines);
        if ["Cost", "Cost by day and model"].contains(&title(panel)) {
            spent.push(lines.iter().filter_map(|line| number_of(&line["cost"])).sum::<f64>());
        }
    }
    let first = (now - TimeDelta::days(DAYS_SHOWN)).date_naive();
    let within = newest.iter().zip(&written).filter(|(row, _)| row.at().date_naive() >= first);
    let cost: f64 = within.filter_map(|(_, written)| written["cost"].as_f64()).sum();
    let [total, by_model] = spent[..] else { panic!("{spent:?}") };
    for shown in [total, by_model] {
        assert!((shown - cost).abs() <= ROUNDING * cost, "{shown} for {cost}");
    }
}

/// What the plugin needs: a time series (0) has instants in order, and at each of them one line for each name; anything
/// else is a table (1), and a single number is one line.
fn assert_shape(panel: &Value, lines: &[Line]) {
    let (kind, format) = (text(&panel["type"]), panel["targets"][0]["format"].as_u64());
    assert_eq!(format, Some(u64::from(kind != "timeseries")), "{}", title(panel));
    if kind == "stat" {
        assert_eq!((lines.len(), lines[0].len()), (1, 1), "{}", title(panel));
    }
    if kind == "timeseries" {
        let instants: Vec<_> = lines.iter().map(|line| number_of(&line["time"]).unwrap()).collect();
        assert!(instants.is_sorted(), "{}", title(panel));
        let label = panel["fieldConfig"]["defaults"]["displayName"].as_str();
        let label = label.map(|name| between(name, "${__field.labels.", '}').next().unwrap());
        let names = lines.iter().map(|line| (line["time"].to_string(), label.map(|label| text(&line[label]))));
        assert_eq!(names.collect::<BTreeSet<_>>().len(), lines.len(), "{}", title(panel));
    }
}
