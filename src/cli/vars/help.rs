//! Every setting, for `--help`.

use comfy_table::{ContentArrangement, Table, presets};

use crate::{
    cli::vars::setting_files::{FILE, WORKER},
    config::{Need, SETTINGS},
};

/// Width of the table of settings, in characters.
const WIDTH: u16 = 80;

/// Every setting, for `--help`.
pub fn table() -> String {
    let groups = [
        (Need::Always, "Settings that must be there to copy logs"),
        (Need::BigQuery, "Settings for --sink bigquery: one of the two ways to give a key is enough"),
        (Need::Never, "Settings that may be there"),
    ];
    let groups = groups.map(|(need, title)| format!("{title}:\n{}", group(need)));
    format!(
        "{}\n\nThey are read from the environment, then from the file of --vars; where none is\nnamed, from {FILE} and \
         the [vars] of {WORKER} in this folder.\n(secret): never printed.",
        groups.join("\n\n")
    )
}

fn group(need: Need) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_width(WIDTH);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    for setting in SETTINGS.iter().filter(|setting| setting.need == need) {
        let secret = if setting.secret { " (secret)" } else { "" };
        let default = setting.default.map_or(String::new(), |default| format!(" [default: {default}]"));
        table.add_row([format!(" {}", setting.name), format!("{}{secret}{default}", setting.meaning)]);
    }
    table.trim_fmt()
}
