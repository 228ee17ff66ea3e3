//! The link that opens Looker Studio with a view as its data source.
//!
//! The dashboard names its days by `${__from}` and `${__to}`, Grafana's own milliseconds, and not by the plugin's macros:
//! `$__timeFilter(day)` compares with a text that holds a time, which is no DATE, and a filter on `TIMESTAMP(day)` reaches
//! no partition. What stands there is worked out before anything is read. `aig-logs looker` brings one view a link,
//! without an alias: a report made without a template has one data source, and refuses `ds.ds0`.

use serde_json::json;

use crate::{
    cli::{
        args::Options,
        failure::{Exit, Failure},
        show,
        vars::settings::Vars,
    },
    config::TableName,
};

/// Looker Studio's address since it is called Data Studio again; the old one leads here.
const CREATE: &str = "https://datastudio.google.com/reporting/create";

/// Prints the link, with the names of the settings.
pub fn looker(view: &str, options: &Options) -> Result<Exit, Failure> {
    let TableName { project, dataset, table: _ } = Vars::read(options)?.table()?;
    let link = link(&project, &dataset, view);
    let text = if options.json { json!({ "view": view, "link": link }).to_string() } else { link };
    show::print(&text).map(|()| Exit::Done)
}

/// A report made without a template has one data source, and knows none by an alias such as `ds.ds0`.
/// developers.google.com/looker-studio/integrate/linking-api
fn link(project: &str, dataset: &str, view: &str) -> String {
    let parameters = form_urlencoded::Serializer::new(String::new())
        .append_pair("c.mode", "edit")
        .append_pair("r.reportName", "AI Gateway")
        .append_pair("ds.connector", "bigQuery")
        .append_pair("ds.datasourceName", view)
        .append_pair("ds.type", "TABLE")
        .append_pair("ds.projectId", project)
        .append_pair("ds.datasetId", dataset)
        .append_pair("ds.tableId", view)
        .finish();
    format!("{CREATE}?{parameters}")
}
