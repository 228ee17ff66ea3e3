//! A line of the table: what, how much, and what it should be.

use std::{fs, io, path::Path};

use comfy_table::{CellAlignment, Table, presets};
use indicatif::HumanCount;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One measured value.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    what: String,
    measured: f64,
    /// What it is counted in; empty for a count.
    unit: String,
    /// None: it is there to explain another line.
    goal: Option<Goal>,
}

/// What a value should be.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn is_met(self, measured: f64) -> bool {
        match self {
            Self::AtLeast(least) => measured >= least,
            Self::AtMost(most) => measured <= most,
        }
    }
}

impl Line {
    /// A value with a goal.
    pub fn new(what: impl Into<String>, measured: f64, unit: &str, goal: Goal) -> Self {
        Self { what: what.into(), measured, unit: unit.into(), goal: Some(goal) }
    }

    /// A value that nothing is asked of.
    pub fn without_goal(what: impl Into<String>, measured: f64, unit: &str) -> Self {
        Self { what: what.into(), measured, unit: unit.into(), goal: None }
    }

    fn amount(&self, amount: f64) -> String {
        format!("{} {}", number(amount), self.unit).trim_end().to_owned()
    }

    fn verdict(&self) -> &'static str {
        match self.goal.map(|goal| goal.is_met(self.measured)) {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        }
    }

    fn cells(&self) -> [String; 4] {
        let goal = self.goal.map(|goal| match goal {
            Goal::AtLeast(least) => format!("≥ {}", self.amount(least)),
            Goal::AtMost(most) => format!("≤ {}", self.amount(most)),
        });
        [self.what.clone(), self.amount(self.measured), goal.unwrap_or_default(), self.verdict().into()]
    }

    fn to_json(&self) -> Value {
        let mut line = json!(self);
        line["verdict"] = self.verdict().into();
        line
    }
}

/// Two digits behind the point where there is anything to say, and commas in what is large.
fn number(number: f64) -> String {
    let rounded = number.round();
    if (number - rounded).abs() < 0.005 || number >= 1_000.0 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number, shown as one")]
        let whole = rounded.max(0.0) as u64;
        HumanCount(whole).to_string()
    } else {
        format!("{number:.2}")
    }
}

/// The lines as a table, which is Markdown too.
pub fn table(lines: &[Line]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(["what", "measured", "goal", ""]);
    table.add_rows(lines.iter().map(Line::cells));
    for column in table.column_iter_mut().skip(1).take(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Lines that another program measured: an array of them.
pub fn read(path: &Path) -> io::Result<Vec<Line>> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Writes the lines as an array, each with its verdict.
pub fn write(path: &Path, lines: &[Line]) -> io::Result<()> {
    let lines: Value = lines.iter().map(Line::to_json).collect();
    fs::write(path, format!("{lines:#}\n"))
}
