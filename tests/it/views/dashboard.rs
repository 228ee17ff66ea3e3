//! The dashboard for Grafana: its queries in `BigQuery`'s dialect, over the views.

use std::{collections::BTreeSet, fs};

use aig_logs::{
    pass::RUNS,
    record::Record,
    sink::sql::{BIGQUERY, Script},
    time::Timestamp,
};
use chrono::{NaiveDate, TimeDelta};
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

/// Of these there is no panel: they are what others are made of, read every day, or are usage by the hour as well.
const WITHOUT_PANEL: [&str; 4] = ["aig_logs", "aig_requests", "aig_models", "aig_usage_by_day"];

/// What a variable stands for if everything is chosen.
const ALL: &str = "'*'";

/// The data source of a panel that shows what another one has asked for.
const DASHBOARD: &str = "-- Dashboard --";

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

    /// The panels that ask a question of their own, with it.
    fn asking(&self) -> impl Iterator<Item = (&Value, &str)> {
        self.panels().filter(|panel| !is_shared(panel)).map(|panel| (panel, query(panel)))
    }

    /// The variables that a user sees, with what they begin with.
    fn variables(&self) -> Vec<(&str, &str)> {
        let list = self.0["templating"]["list"].as_array().unwrap().iter();
        list.map(|variable| {
            let begin = variable["query"].as_str().unwrap_or_else(|| text(&variable["allValue"]));
            // Of choices it is the first one.
            (text(&variable["name"]), begin.split(',').next().unwrap())
        })
        .collect()
    }

    /// What a variable with choices begins with.
    fn first_choice(&self, name: &str) -> &str {
        let begin = self.variables().into_iter().find(|(variable, _)| *variable == name);
        begin.unwrap_or_else(|| panic!("{name} is no variable")).1
    }

    /// The questions whose answers are the values of variables.
    fn choices(&self) -> impl Iterator<Item = &str> {
        let list = self.0["templating"]["list"].as_array().unwrap().iter();
        list.filter_map(|variable| variable["query"]["rawSql"].as_str())
    }

    /// A query as Grafana sends it, for the last days, with other values of some variables.
    fn filled_with(&self, query: &str, now: Timestamp, chosen: &[(&str, &str)]) -> String {
        let [from, to] = [now - TimeDelta::days(DAYS_SHOWN), now].map(|instant| instant.timestamp_millis().to_string());
        let names = [("project", PROJECT), ("dataset", DATASET), (RANGE[0], &from), (RANGE[1], &to)];
        let values = chosen.iter().copied().chain(names).chain(self.variables());
        values.fold(query.to_owned(), |query, (name, value)| {
            let quoted = if value == ALL { ALL.to_owned() } else { format!("'{value}'") };
            query.replace(&format!("${{{name}}}"), value).replace(&format!("${{{name}:sqlstring}}"), &quoted)
        })
    }

    fn filled(&self, query: &str, now: Timestamp) -> String {
        self.filled_with(query, now, &[])
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn title(panel: &Value) -> &str {
    text(&panel["title"])
}

fn is_shared(panel: &Value) -> bool {
    panel["datasource"]["uid"] == DASHBOARD
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
    for (panel, query) in dashboard.asking() {
        let views: Vec<_> = between(query, "`${project}.${dataset}.", '`').collect();
        let [view] = views[..] else { panic!("{}: {query}", title(panel)) };
        let chosen = between(view, "${", '}').next().map(|name| dashboard.first_choice(name));
        let view = chosen.unwrap_or(view);
        assert_eq!(query.matches(DAYS).count(), usize::from(view != WITHOUT_DAYS), "{}: {query}", title(panel));
        shown.insert(view);
    }
    assert!(dashboard.choices().all(|query| query.contains(DAYS)));
    let mut views: BTreeSet<_> = BIGQUERY.iter().filter_map(Script::bigquery_view).map(|(name, _)| name).collect();
    views.retain(|view| !WITHOUT_PANEL.contains(view));
    assert_eq!(shown, views);
}

/// Percentiles of a model are asked for once, and each panel keeps a column.
#[test]
fn panels_that_share_an_answer_show_a_column_of_it() {
    let dashboard = Dashboard::read();
    let mut shared = 0;
    for panel in dashboard.panels().filter(|panel| is_shared(panel)) {
        let asking = dashboard.asking().find(|(other, _)| other["id"] == panel["targets"][0]["panelId"]);
        let (asking, query) = asking.unwrap_or_else(|| panic!("{} shares nothing", title(panel)));
        for panel in [asking, panel] {
            let pattern = text(&panel["transformations"][0]["options"]["include"]["pattern"]);
            let column = between(pattern, "^(time|", '(').next().unwrap();
            assert!(query.contains(&format!("\n  {column}")), "{}: {column}", title(panel));
        }
        shared += 1;
    }
    assert_eq!(shared, 4);
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
        let expected = if is_shared(panel) { DASHBOARD } else { "${datasource}" };
        assert_eq!((source, text(&source["uid"])), (&panel["datasource"], expected), "{}", title(panel));
        for name in between(&panel.to_string(), "${", '}') {
            let name = name.split(':').next().unwrap();
            let is_grafanas = name.starts_with("__field.") || name == "__url_time_range";
            assert!(is_grafanas || variables.contains(name), "{}: {name}", title(panel));
        }
    }
}

#[test]
fn queries_are_in_bigquerys_dialect() {
    let dashboard = Dashboard::read();
    let folder = tempfile::tempdir().unwrap();
    let queries = dashboard.asking().map(|(_, query)| query).chain(dashboard.choices());
    let files = queries.enumerate().map(|(place, query)| {
        let file = folder.path().join(format!("{place}.sql"));
        fs::write(&file, dashboard.filled(query, Timestamp::UNIX_EPOCH)).unwrap();
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
    for (panel, query) in dashboard.asking() {
        let lines = peer.query(&dashboard.filled(query, now));
        assert!(lines.iter().flat_map(Line::values).any(|value| !value.is_null()), "{} is empty", title(panel));
        assert_shape(panel, &lines);
        if ["Cost", "Cost by day and model"].contains(&title(panel)) {
            spent.push(lines.iter().filter_map(|line| number_of(&line["cost"])).sum::<f64>());
        }
    }
    let first = (now - TimeDelta::days(DAYS_SHOWN)).date_naive();
    let cost: f64 = within_of(&newest, first).filter_map(|row| row["cost"].as_f64()).sum();
    let [total, by_model] = spent[..] else { panic!("{spent:?}") };
    for shown in [total, by_model] {
        assert!((shown - cost).abs() <= ROUNDING * cost, "{shown} for {cost}");
    }
    let (panel, query) = dashboard.asking().next().unwrap();
    let one = peer.query(&dashboard.filled_with(query, now, &[("gateway", "batch")]));
    let of_one =
        within_of(&newest, first).filter(|row| row["gateway"] == "batch").filter_map(|row| row["cost"].as_f64());
    let (shown, cost) = (number_of(&one[0]["cost"]).unwrap(), of_one.sum::<f64>());
    assert!((shown - cost).abs() <= ROUNDING * cost, "{}: {shown} for {cost}", title(panel));
    for choice in dashboard.choices() {
        assert!(!peer.query(&dashboard.filled(choice, now)).is_empty(), "{choice}");
    }
}

/// The rows from a day on, as they are written.
fn within_of(rows: &[Record], first: NaiveDate) -> impl Iterator<Item = Value> {
    let within = rows.iter().filter(move |row| row.at().date_naive() >= first);
    within.map(|row| serde_json::to_value(row).unwrap())
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
