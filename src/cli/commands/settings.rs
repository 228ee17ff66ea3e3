//! `aig-logs settings`: the value of every setting that holds here, and where it comes from.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use crate::{
    cli::{
        args::Options,
        failure::{Exit, Failure},
        show,
        vars::settings::{Found, Vars},
    },
    config::{Need, SETTINGS, Setting},
    foreign::clean,
};

/// Width of the table, in characters.
const WIDTH: u16 = 80;

/// What stands for a secret.
const SECRET: &str = "[set]";

/// Where a value comes from that nobody has set.
const DEFAULT: &str = "default";

/// Lists all settings.
pub fn settings(options: &Options) -> Result<Exit, Failure> {
    let vars = Vars::read(options)?;
    let lines: Vec<_> = SETTINGS.iter().map(|setting| (setting, shown(setting, vars.found(setting.name)))).collect();
    if options.json {
        let rows: Vec<_> = lines.iter().map(|(setting, found)| row(setting, found.as_ref())).collect();
        show::deliver(&format!("{:#}", json!({ "settings": rows })))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_width(WIDTH);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    for (setting, found) in &lines {
        table.add_row([setting.name.to_owned(), format!("{}\n{}", in_words(setting, found.as_ref()), setting.meaning)]);
    }
    show::print(&table.trim_fmt())?;
    Ok(Exit::Done)
}

/// A value that may be shown, of whoever has set it or of the default.
fn shown(setting: &Setting, found: Option<Found>) -> Option<Found> {
    let default = || setting.default.map(|text| Found { text: text.to_owned(), from: DEFAULT.to_owned() });
    let Found { text, from } = found.or_else(default)?;
    let text = if setting.secret { SECRET.to_owned() } else { clean(text.trim()) };
    Some(Found { text, from: clean(&from) })
}

fn in_words(setting: &Setting, found: Option<&Found>) -> String {
    match (found, setting.need) {
        (Some(Found { text, from }), _) => format!("{text} ({from})"),
        (None, Need::Always) => "not set, and needed to copy logs".to_owned(),
        (None, Need::BigQuery) => "not set, and needed for BigQuery".to_owned(),
        (None, Need::Never) => "not set".to_owned(),
    }
}

fn row(setting: &Setting, found: Option<&Found>) -> Value {
    json!({
        "name": setting.name,
        "value": found.map(|found| &found.text),
        "from": found.map(|found| &found.from),
        "secret": setting.secret,
        "meaning": setting.meaning,
    })
}
