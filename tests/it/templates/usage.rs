//! What is used, and what it costs.
#![expect(clippy::cast_precision_loss, reason = "a test has few rows")]

use aig_logs::time::{self, Timestamp};
use serde_json::{Value, json};

use super::{
    loops::{Check, Key, Line, check, cost, distinct, failures, groups, largest, now, number, quantity, users},
    rows::Row,
};

const USED: &str = "organization sku unit quantity events cost";
const BY_ORG: &str = "organization unit quantity skus events cost";
const AGAINST: &str = "organization sku unit quantity lastMonthToDate lastMonth change";
const RESOURCES: &str = "resource unit events quantity average peak users cost";
const MODELS: &str = "provider model requests errors tokensIn tokensOut cost costPerRequest";
const SPEND: &str = "value events users tokensIn tokensOut cost";

pub fn checks() -> Vec<Check> {
    vec![
        check("usage-by-sku", "events", 720, USED, used),
        check("usage-by-org", "events", 720, BY_ORG, by_org),
        check("month-to-date", "events", 31 * 24, USED, |rows| used(&since(rows, "2026-11-01T00:00:00Z"))),
        check("usage-against-last-month", "events", 62 * 24, AGAINST, against),
        check("cost-by-project", "all", 168, "project costType events cost", |rows| by_project(rows, "project_id")),
        check("cost-by-project", "all", 168, "project costType events cost", |rows| by_project(rows, "team"))
            .with(json!({ "key": "team" })),
        check("resource-usage", "events", 168, RESOURCES, resources),
        check("cost-by-model", "logs", 720, MODELS, models),
        check("spend-by-metadata", "all", 168, SPEND, spend).with(json!({ "key": "team" })),
    ]
}

fn instant(text: &str) -> Timestamp {
    time::parse(text).unwrap()
}

fn since<'a>(rows: &[&'a Row], at: &str) -> Vec<&'a Row> {
    rows.iter().filter(|row| row.at >= instant(at)).copied().collect()
}

fn counted<'a>(rows: &[&'a Row]) -> Vec<&'a Row> {
    rows.iter().filter(|row| row.quantity.is_some()).copied().collect()
}

fn by_sku<'a>(rows: &[&'a Row]) -> Vec<(Key, Vec<&'a Row>)> {
    groups(&counted(rows), |row| vec![Some(row.org.clone()), row.sku.clone(), row.unit.clone()])
}

fn used(rows: &[&Row]) -> Vec<Line> {
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let numbers = vec![number(quantity(&rows)), json!(rows.len()), number(cost(&rows))];
        [key.iter().map(|text| json!(text)).collect(), numbers].concat()
    };
    by_sku(rows).into_iter().map(line).collect()
}

fn by_org(rows: &[&Row]) -> Vec<Line> {
    let mut groups = groups(&counted(rows), |row| vec![Some(row.org.clone()), row.unit.clone()]);
    largest(&mut groups, |(_, rows)| cost(rows));
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let skus = json!(distinct(&rows, |row| row.sku.clone()));
        vec![json!(key[0]), json!(key[1]), number(quantity(&rows)), skus, json!(rows.len()), number(cost(&rows))]
    };
    groups.into_iter().map(line).collect()
}

fn against(rows: &[&Row]) -> Vec<Line> {
    let [october, november] = ["2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"].map(instant);
    let to_date = october + (now() - november);
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let of = |from: Timestamp, until: Timestamp| {
            quantity(&rows.iter().filter(|row| row.at >= from && row.at < until).copied().collect::<Vec<_>>())
        };
        let (this, same, last) = (of(november, now()), of(october, to_date), of(october, november));
        let change = if same == 0.0 { Value::Null } else { number(this / same - 1.0) };
        [key.iter().map(|text| json!(text)).collect(), vec![number(this), number(same), number(last), change]].concat()
    };
    by_sku(&since(rows, "2026-10-01T00:00:00Z")).into_iter().map(line).collect()
}

fn by_project(rows: &[&Row], name: &str) -> Vec<Line> {
    let paid: Vec<_> = rows.iter().filter(|row| row.cost.is_some()).copied().collect();
    let kind = |row: &Row| {
        if row.is_log { Some("ai".into()) } else { row.text("cost_type").or_else(|| row.subject.clone()) }
    };
    let mut groups = groups(&paid, |row| vec![row.text(name), kind(row)]);
    largest(&mut groups, |(_, rows)| cost(rows));
    let line =
        |(key, rows): (Key, Vec<&Row>)| vec![json!(key[0]), json!(key[1]), json!(rows.len()), number(cost(&rows))];
    groups.into_iter().map(line).collect()
}

fn resources(rows: &[&Row]) -> Vec<Line> {
    let with: Vec<_> = counted(rows).into_iter().filter(|row| row.sku.is_some()).collect();
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let peak = rows.iter().filter_map(|row| row.quantity).fold(0.0, f64::max);
        let average = number(quantity(&rows) / rows.len() as f64);
        let numbers = vec![json!(rows.len()), number(quantity(&rows)), average, number(peak), json!(users(&rows))];
        [vec![json!(key[0]), json!(key[1])], numbers, vec![number(cost(&rows))]].concat()
    };
    groups(&with, |row| vec![row.sku.clone(), row.unit.clone()]).into_iter().map(line).collect()
}

fn tokens(rows: &[&Row]) -> Line {
    let [into, out] = [|row: &Row| row.tokens_in, |row: &Row| row.tokens_out];
    vec![
        json!(rows.iter().filter_map(|row| into(row)).sum::<i64>()),
        json!(rows.iter().filter_map(|row| out(row)).sum::<i64>()),
    ]
}

fn models(rows: &[&Row]) -> Vec<Line> {
    let mut groups = groups(rows, |row| vec![row.provider.clone(), row.subject.clone()]);
    largest(&mut groups, |(_, rows)| cost(rows));
    let line = |(key, rows): (Key, Vec<&Row>)| {
        let begin = vec![json!(key[0]), json!(key[1]), json!(rows.len()), json!(failures(&rows))];
        [begin, tokens(&rows), vec![number(cost(&rows)), number(cost(&rows) / rows.len() as f64)]].concat()
    };
    groups.into_iter().map(line).collect()
}

fn spend(rows: &[&Row]) -> Vec<Line> {
    let mut groups = groups(rows, |row| vec![row.text("team")]);
    largest(&mut groups, |(_, rows)| cost(rows));
    let line = |(key, rows): (Key, Vec<&Row>)| {
        [vec![json!(key[0]), json!(rows.len()), json!(users(&rows))], tokens(&rows), vec![number(cost(&rows))]].concat()
    };
    groups.into_iter().map(line).collect()
}
