//! A report in tables of at most 80 columns.

use unicode_width::UnicodeWidthStr;

use super::{
    costs::{Costs, Line, Measure},
    words,
};
use crate::cli::{commands::ask::told::aligned, terminal::USUAL};

/// The most lines of a section.
const MOST: usize = 20;

/// The columns that a name may have before a column of numbers gives way.
const ROOM: usize = 20;

/// The columns around a cell.
const GAP: usize = 2;

/// A column of numbers: its header, and a cell for each line.
struct Column {
    header: String,
    cells: Vec<String>,
}

impl Column {
    fn width(&self) -> usize {
        self.cells.iter().chain([&self.header]).map(|cell| cell.width()).max().unwrap_or_default()
    }
}

/// The whole report.
pub fn told(costs: &Costs) -> String {
    let mut parts = vec![words::title(costs), words::facts(costs).join("\n")];
    if costs.whole.now.calls() == 0 {
        parts.push(format!("no logs in {}", costs.periods[0].name()));
        return parts.join("\n\n");
    }
    parts.push(whole(costs));
    let divided =
        costs.sections.iter().map(|section| lines(&section.fields, &section.folded(MOST, &costs.whole), true));
    parts.extend(divided);
    parts.push(lines(&["day".into()], &costs.days, false));
    parts.join("\n\n")
}

/// All calls: a line for each number.
fn whole(costs: &Costs) -> String {
    let Costs { whole, periods, .. } = costs;
    let before = |told: Option<String>| told.unwrap_or_else(|| words::UNKNOWN.into());
    let mut rows = vec![vec![
        "cost (USD)".into(),
        words::cost(whole.now.cost()),
        before(whole.before.map(|numbers| words::cost(numbers.cost()))),
        words::change_of_cost(whole),
    ]];
    for measure in Measure::ALL {
        rows.push(vec![
            measure.title().into(),
            words::count(whole.now.count(measure)),
            before(whole.before.map(|numbers| words::count(numbers.count(measure)))),
            words::change_of_count(whole, measure),
        ]);
    }
    aligned(vec![String::new(), periods[0].name(), periods[1].name(), "change".into()], rows, |place| place > 0)
}

/// Lines below the names of their fields. Columns that matter less give way to names, and names that are too long are cut.
fn lines(fields: &[String], lines: &[Line], has_change: bool) -> String {
    let names: Vec<_> = lines.iter().map(|line| words::names(line, fields)).collect();
    let longest = |field: usize| names.iter().chain([&fields.to_vec()]).map(|names| names[field].width()).max();
    let longest: Vec<_> = (0..fields.len()).map(|field| longest(field).unwrap_or_default()).collect();
    let mut numbers = columns(lines, has_change);
    let room =
        |numbers: &[Column]| usize::from(USUAL).saturating_sub(numbers.iter().map(|column| column.width() + GAP).sum());
    for header in ["errors", "tokens out", "tokens in"] {
        if room(&numbers) < longest.iter().map(|longest| ROOM.min(*longest) + GAP).sum() {
            numbers.retain(|column| column.header != header);
        }
    }
    let most = widths(&longest, room(&numbers));
    let cut_all =
        |names: &[String]| -> Vec<_> { names.iter().zip(&most).map(|(name, most)| cut(name, *most)).collect() };
    let rows = names.iter().enumerate().map(|(place, names)| {
        cut_all(names).into_iter().chain(numbers.iter().map(|column| column.cells[place].clone())).collect()
    });
    let header = cut_all(fields).into_iter().chain(numbers.iter().map(|column| column.header.clone()));
    aligned(header.collect(), rows.collect(), |place| place >= fields.len())
}

/// The width of each field: what shorter ones leave is for the longer ones.
fn widths(longest: &[usize], room: usize) -> Vec<usize> {
    let fair = (room / longest.len()).saturating_sub(GAP);
    let spare: usize = longest.iter().map(|longest| fair.saturating_sub(*longest)).sum();
    let long = longest.iter().filter(|longest| **longest > fair).count().max(1);
    longest.iter().map(|longest| if *longest > fair { fair + spare / long } else { *longest }).collect()
}

fn columns(lines: &[Line], has_change: bool) -> Vec<Column> {
    let column = |header: &str, cell: &dyn Fn(&Line) -> String| Column {
        header: header.into(),
        cells: lines.iter().map(cell).collect(),
    };
    let count = |measure: Measure| column(measure.title(), &|line| words::short(line.now.count(measure)));
    let mut columns = [Measure::Calls, Measure::Errors, Measure::TokensIn, Measure::TokensOut]
        .map(count)
        .into_iter()
        .collect::<Vec<_>>();
    columns.push(column("cost (USD)", &|line| words::cost(line.now.cost())));
    if has_change {
        columns.push(column("change", &words::change_of_cost));
    }
    columns
}

/// The beginning of a text that fits into so many columns of a terminal.
fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut letters = text.chars().count();
    loop {
        let shorter = words::shortened(text, letters);
        if shorter.width() <= most || letters == 0 {
            return shorter;
        }
        letters -= 1;
    }
}
