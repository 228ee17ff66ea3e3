//! The questions of a report, and what their answers say. Whatever is counted is not read row by row: of the values of a key
//! that leaves out some measures.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    costs::{Line, Measure, Name, Numbers, Proof, Section, rest},
    period::Period,
};
use crate::{
    cli::{commands::ask::place::wrong, failure::Failure},
    query::{Asker, Question, Table, read, shapes},
    time::{self, Timestamp},
};

/// The most lines of an answer.
const MOST: u64 = 10_000;

/// Who asks, and by what.
pub struct Asking<'a> {
    /// The org; none: all orgs.
    pub org: Option<&'a str>,
    /// The present, UTC.
    pub now: Timestamp,
    /// The fields of the keys.
    pub keys: &'a [String],
}

impl Asking<'_> {
    /// The questions about a period: the whole, by model, and for each key by its values, and by its values and model. The last
    /// two are by day, and by hour for the proof.
    pub fn questions(&self, period: &Period) -> Result<Vec<Question>, Failure> {
        let (all, some) = (&Measure::ALL[..], &Measure::ALL[..Measure::OF_KEYS]);
        let mut asked = vec![(vec![], all), (vec!["model"], all)];
        for key in self.keys.iter().map(String::as_str) {
            asked.extend([(vec![key], some), (vec![key, "model"], some)]);
        }
        asked.extend([(vec!["day"], all), (vec!["hour"], &some[..1])]);
        asked.into_iter().map(|(fields, measures)| self.question(period, &fields, measures)).collect()
    }

    fn question(&self, period: &Period, fields: &[&str], measures: &[Measure]) -> Result<Question, Failure> {
        let metrics: Vec<_> = std::iter::once("cost").chain(measures.iter().map(|measure| measure.metric())).collect();
        let is_by_time = ["day", "hour"].iter().any(|step| fields.contains(step));
        let members = json!({
            "start": time::text(period.start),
            "end": time::text(period.end),
            "dataset": "logs",
            "groupBy": fields,
            "metrics": metrics,
            "orderBy": if is_by_time { Value::Null } else { "-cost".into() },
            "organizationId": self.org,
            "limit": MOST,
        });
        let members = if let Value::Object(members) = members { members } else { Map::new() };
        read(members, &shapes::QUERY, Asker { org: None, now: self.now }).map_err(wrong)
    }
}

/// An answer: the numbers of each group.
pub struct Answer {
    /// The values of each group, and its numbers.
    groups: Vec<(Vec<Value>, Numbers)>,
    /// Whether there were more groups than an answer has.
    is_cut: bool,
}

impl Answer {
    /// Reads an answer. `fields` is the number of columns before the cost.
    pub fn of(table: &Table, fields: usize) -> Self {
        let group = |row: &Vec<Value>| {
            let mut counts = [None; Measure::ALL.len()];
            for (count, value) in counts.iter_mut().zip(&row[fields + 1..]) {
                *count = value.as_u64();
            }
            let mut numbers = Numbers { sum: row[fields].as_f64().unwrap_or_default(), may_lack: false, counts };
            numbers.may_lack = numbers.count(Measure::Unpriced).is_some_and(|unpriced| unpriced > 0);
            (row[..fields].to_vec(), numbers)
        };
        Self { groups: table.rows.iter().map(group).collect(), is_cut: table.is_truncated() }
    }

    /// The numbers of an answer without fields.
    pub fn whole(&self) -> Numbers {
        self.groups.first().map_or(Numbers::NONE, |(_, numbers)| *numbers)
    }

    /// The lines of days.
    pub fn days(self) -> Vec<Line> {
        let line = |(names, now): (Vec<Value>, _)| {
            let day = names.first().and_then(Value::as_str).and_then(|day| day.get(..10)).unwrap_or_default();
            Line { names: vec![Name::Value(day.into())], now, before: None }
        };
        self.groups.into_iter().map(line).collect()
    }
}

/// Notes which values of a key may lack costs: those that have called a model of which some calls have no price. What is
/// counted of keys tells no more.
pub fn mark(values: &mut Answer, pairs: &mut Answer, models: &Answer) {
    let is_unpriced = |(_, numbers): &&(Vec<Value>, Numbers)| numbers.may_lack;
    let unpriced: BTreeSet<_> =
        models.groups.iter().filter(is_unpriced).map(|(model, _)| model[0].to_string()).collect();
    for (names, numbers) in &mut pairs.groups {
        numbers.may_lack = unpriced.contains(&names[1].to_string());
    }
    let marked: BTreeSet<_> = pairs.groups.iter().filter(is_unpriced).map(|(names, _)| names[0].to_string()).collect();
    let is_told = !pairs.is_cut && !models.is_cut;
    for (names, numbers) in &mut values.groups {
        numbers.may_lack = if is_told { marked.contains(&names[0].to_string()) } else { !unpriced.is_empty() };
    }
}

/// The lines of a section, of a month and the month before. What was in the month before alone has a line, too.
pub fn section(fields: Vec<String>, now: Answer, before: Answer, whole: &Line) -> Section {
    let key = |names: &Vec<Value>| Value::from(names.clone()).to_string();
    let (is_cut, is_cut_before) = (now.is_cut, before.is_cut);
    let mut olds: BTreeMap<_, _> = before.groups.into_iter().map(|group| (key(&group.0), group)).collect();
    let line = |names: Vec<Value>, now, before: Option<Numbers>| Line {
        names: names.into_iter().map(Name::Value).collect(),
        now,
        before: before.filter(|_| whole.before.is_some()),
    };
    let mut lines = Vec::new();
    for (names, numbers) in now.groups {
        let old = olds.remove(&key(&names)).map(|(_, numbers)| numbers);
        // A group that is not among the first of a month may be among the others.
        lines.push(line(names, numbers, old.or((!is_cut_before).then(|| numbers.nothing()))));
    }
    if !is_cut {
        lines.extend(olds.into_values().map(|(names, numbers)| line(names, numbers.nothing(), Some(numbers))));
    }
    lines.sort_by(Line::order);
    if is_cut || is_cut_before {
        lines.push(rest(&lines, whole, fields.len()));
    }
    Section { fields, lines }
}

/// What the verdicts of the hours say.
pub fn proof(hours: &Table) -> Proof {
    let verdicts = || hours.rows.iter().filter_map(|row| row[1].as_str());
    let count = |names: &[&str]| verdicts().filter(|verdict| names.contains(verdict)).count();
    Proof {
        hours: hours.rows.len(),
        // Of an hour that is over, the table has more than the source still shows.
        proven: count(&["proven", "over"]),
        short: count(&["short"]),
        counting: count(&["counting"]),
    }
}
