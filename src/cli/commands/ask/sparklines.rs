//! Steps as lines of marks: one for each group and metric.

use std::collections::BTreeMap;

use serde_json::Value;

use super::told::{aligned, cell};
use crate::query::{Question, Table, Unit, label};

const MARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The most marks of a line. More steps share marks, and each shows the largest of its steps.
const MOST: usize = 36;

/// The numbers of a group.
struct Group {
    /// The values of its fields.
    names: Vec<String>,
    /// The numbers of each metric, one for each step; none: there is no number.
    metrics: Vec<Vec<Option<f64>>>,
}

/// The lines, with the least, the largest and the last number of each.
pub(super) fn told(question: &Question, table: &Table) -> String {
    let mut lines = Vec::new();
    for Group { names, metrics } in groups(question, table) {
        for (metric, numbers) in question.metrics.iter().zip(metrics) {
            let there = || numbers.iter().copied().flatten();
            let last = numbers.last().copied().flatten();
            let ends = [there().reduce(f64::min), there().reduce(f64::max), last].map(number);
            lines.push([names.clone(), vec![metric.name.to_owned(), marks(&numbers)], ends.into()].concat());
        }
    }
    if lines.is_empty() {
        return "no rows".into();
    }
    let unit = question.unit.map_or("step", Unit::name);
    let scale = match together(question.spans.len()) {
        1 if question.unit == Some(Unit::Hour) => "an hour each".to_owned(),
        1 => format!("a {unit} each"),
        many => format!("{many} {unit}s each"),
    };
    let fields = question.fields.iter().map(|(name, _)| name.clone());
    let header = fields.chain(["metric", &scale, "least", "most", "last"].map(str::to_owned)).collect();
    aligned(header, lines, |place| place > question.fields.len() + 1)
}

/// The groups in the order in which they first appear.
fn groups(question: &Question, table: &Table) -> Vec<Group> {
    let places: BTreeMap<_, _> =
        question.spans.iter().enumerate().map(|(place, span)| (label(span, &question.zone), place)).collect();
    let fields = question.fields.len();
    let mut groups: Vec<Group> = Vec::new();
    for row in &table.rows {
        let Some(place) = row[0].as_str().and_then(|label| places.get(label)) else { continue };
        let names: Vec<_> = row[1..=fields].iter().map(cell).collect();
        let known = groups.iter().position(|group| group.names == names);
        let at = known.unwrap_or_else(|| {
            // What is counted is 0 where there is no row.
            let empty = question.metrics.iter().map(|metric| vec![metric.is_zero.then_some(0.0); places.len()]);
            groups.push(Group { names, metrics: empty.collect() });
            groups.len() - 1
        });
        for (metric, value) in row[fields + 1..].iter().enumerate() {
            groups[at].metrics[metric][*place] = value.as_f64();
        }
    }
    groups
}

fn number(number: Option<f64>) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let value = number.map_or(Value::Null, |number| {
        if number.fract() == 0.0 && number >= 0.0 { (number as u64).into() } else { number.into() }
    });
    cell(&value)
}

/// The steps that share a mark.
fn together(steps: usize) -> usize {
    steps.div_ceil(MOST).max(1)
}

/// A mark for each step, or for several; a space where there is no number.
fn marks(numbers: &[Option<f64>]) -> String {
    let largest = numbers.iter().copied().flatten().fold(0.0, f64::max);
    let mark = |numbers: &[Option<f64>]| {
        numbers.iter().copied().flatten().reduce(f64::max).map_or(' ', |number| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 7")]
            let place = if largest > 0.0 { (number.max(0.0) / largest * 7.0).round() as usize } else { 0 };
            MARKS[place.min(7)]
        })
    };
    numbers.chunks(together(numbers.len())).map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::marks;

    #[test]
    fn the_highest_mark_is_the_largest_number() {
        assert_eq!(marks(&[Some(0.0), Some(1.0), Some(7.0), None, Some(3.5)]), "▁▂█ ▅");
        assert_eq!(marks(&[Some(0.0), Some(0.0)]), "▁▁");
        // Of 72 steps two share a mark.
        let many: Vec<_> = (0..72).map(|step| Some(f64::from(step))).collect();
        let line = marks(&many);
        assert_eq!((line.chars().count(), line.chars().last()), (36, Some('█')));
    }
}
