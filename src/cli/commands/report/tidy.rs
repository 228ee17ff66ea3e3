//! A report as one table for programs: CSV, or JSON with what is to know about it.

use serde_json::{Map, Value, json};

use super::costs::{Cost, Costs, Line, Measure, Name, Numbers, Proof};
use crate::{query::Table, time};

/// The table: a row for the whole, and one for each line of each section.
pub fn table(costs: &Costs) -> Table {
    let mut rows = vec![row("whole", &[], &costs.whole)];
    for section in &costs.sections {
        let fields: Vec<_> = section.fields.iter().map(String::as_str).collect();
        let name = match fields[..] {
            ["model"] => "model",
            [_, _] => "key and model",
            _ => "key",
        };
        rows.extend(section.lines.iter().map(|line| row(name, &fields, line)));
    }
    rows.extend(costs.days.iter().map(|line| row("day", &["day"], line)));
    Table { columns: columns(), rows, meta: meta(costs) }
}

fn columns() -> Vec<String> {
    let names = ["section", "key", "value", "model", "day"].map(str::to_owned);
    let numbers = ["cost", "costIs"].into_iter().chain(Measure::ALL.map(Measure::name)).map(str::to_owned);
    let before: Vec<_> = numbers.clone().map(|name| format!("{name}Before")).collect();
    names.into_iter().chain(numbers).chain(before).collect()
}

fn row(section: &str, fields: &[&str], line: &Line) -> Vec<Value> {
    let (mut key, mut value, mut model, mut day) = (Value::Null, Value::Null, Value::Null, Value::Null);
    for (field, name) in fields.iter().zip(&line.names) {
        let told = match name {
            Name::Value(value) => value.clone(),
            Name::Other => "(other)".into(),
        };
        match *field {
            "model" => model = told,
            "day" => day = told,
            name => (key, value) = (name.into(), told),
        }
    }
    let mut row = vec![section.into(), key, value, model, day];
    row.extend(numbers(Some(&line.now)));
    row.extend(numbers(line.before.as_ref()));
    row
}

fn numbers(numbers: Option<&Numbers>) -> Vec<Value> {
    let Some(numbers) = numbers else { return vec![Value::Null; 2 + Measure::ALL.len()] };
    let cost = match numbers.cost() {
        Cost::Exact(sum) => [sum.into(), "exact".into()],
        Cost::AtLeast(sum) => [sum.into(), "at least".into()],
        Cost::Unknown => [Value::Null, "unknown".into()],
    };
    cost.into_iter().chain(numbers.counts.map(Value::from)).collect()
}

fn meta(costs: &Costs) -> Map<String, Value> {
    let period = |place: usize| {
        let period = &costs.periods[place];
        let proof = costs.proofs.map(|proofs| {
            let Proof { hours, proven, short, counting } = proofs[place];
            json!({ "hours": hours, "proven": proven, "short": short, "counting": counting })
        });
        json!({
            "month": period.name(),
            "start": time::text(period.start),
            "end": time::text(period.end),
            "isWhole": period.is_whole,
            "isProven": costs.proofs.map(|proofs| proofs[place].proven == proofs[place].hours),
            "proof": proof,
        })
    };
    let members = [
        ("month", period(0)),
        ("before", period(1)),
        ("timeZone", "UTC".into()),
        ("place", costs.place.as_str().into()),
        ("organizationId", json!(costs.org)),
        ("units", json!({ "cost": "USD", "costBefore": "USD" })),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
