//! `aig-logs report`: what a month cost, for who pays: the questions of `ask`, put together and beside the month before.

mod costs;
mod html;
mod output;
mod period;
mod questions;
mod terminal;
mod tidy;
mod words;

use tokio::sync::watch;

use self::{
    costs::{Costs, Line},
    period::{Period, periods},
    questions::{Answer, Asking, mark, proof, section},
};
use crate::{
    cli::{
        args::{Format, Options, Report},
        commands::ask::{place::answers, question::field},
        failure::{Exit, Failure},
        show,
    },
    config::Destination,
    foreign,
    host::native::now,
    query::{Table, What},
    time::floor_ms,
};

/// Reports a month.
pub async fn report(arguments: &Report, options: &Options, stop: watch::Receiver<bool>) -> Result<Exit, Failure> {
    let keys: Vec<_> = arguments.by.iter().map(|name| field(name)).collect();
    if keys.iter().any(|key| key == "model") {
        return Err(Failure::denied("reporting a month", "every report is by model", "Leave model out of --by"));
    }
    let now = floor_ms(now());
    let periods = periods(arguments.month, now)?;
    let asking = Asking { org: arguments.place.org.as_deref(), now, keys: &keys };
    let costs = costs(arguments, &asking, periods, options, stop).await?;
    let text = text(&costs, arguments, options)?;
    match &arguments.output {
        Some(path) => output::write(path, &(text + "\n"))?,
        None => show::deliver(&text)?,
    }
    Ok(Exit::Done)
}

/// The report as it is asked for.
fn text(costs: &Costs, arguments: &Report, options: &Options) -> Result<String, Failure> {
    if options.json {
        let text = serde_json::to_string(&tidy::table(costs));
        return text.map_err(|error| Failure::denied("printing", error, "Leave --json out"));
    }
    let ending = arguments.output.as_ref().and_then(|path| path.extension()).and_then(|ending| ending.to_str());
    let usual = match ending {
        Some("csv") => Format::Csv,
        Some("html" | "htm") => Format::Html,
        _ => Format::Table,
    };
    Ok(match arguments.format.unwrap_or(usual) {
        Format::Table => foreign::lines(&terminal::told(costs)),
        Format::Html => html::page(costs)?,
        Format::Csv => String::from_utf8_lossy(&tidy::table(costs).csv()).trim_end_matches("\r\n").to_owned(),
    })
}

/// Asks, and puts the answers together.
async fn costs(
    arguments: &Report,
    asking: &Asking<'_>,
    periods: [Period; 2],
    options: &Options,
    stop: watch::Receiver<bool>,
) -> Result<Costs, Failure> {
    // BigQuery has no ledger.
    let is_proven = !options.sinks.iter().any(Destination::is_bigquery);
    let [mut months, mut old] = [asking.questions(&periods[0])?, asking.questions(&periods[1])?];
    let hours = [months.pop(), old.pop()];
    // The days of the month before are not shown.
    old.pop();
    let numbers = months.iter().chain(&old).map(What::Question);
    let ledger = hours.iter().flatten().filter(|_| is_proven).map(What::Pipeline);
    let questions: Vec<_> = numbers.chain(ledger).collect();
    let mut answers = answers(&questions, &arguments.place, options, stop).await?.into_iter();
    let now: Vec<_> = answers.by_ref().take(months.len()).collect();
    let before: Vec<_> = answers.by_ref().take(old.len()).collect();
    let proofs: Vec<_> = answers.map(|hours| proof(&hours)).collect();
    let mut costs = together(arguments, &now, &before, periods);
    costs.proofs = proofs.try_into().ok();
    costs.place = place(arguments, options);
    Ok(costs)
}

/// The numbers of both months, from the answers in the order of their questions.
fn together(arguments: &Report, now: &[Table], before: &[Table], periods: [Period; 2]) -> Costs {
    let old = Answer::of(&before[0], 0).whole();
    let whole = Line {
        names: Vec::new(),
        now: Answer::of(&now[0], 0).whole(),
        before: Some(old).filter(|old| old.calls() > 0),
    };
    let models = |tables: &[Table]| Answer::of(&tables[1], 1);
    let mut sections = vec![section(vec!["model".into()], models(now), models(before), &whole)];
    for (place, key) in arguments.by.iter().enumerate() {
        let of_key = |tables: &[Table]| {
            let mut values = Answer::of(&tables[2 + 2 * place], 1);
            let mut pairs = Answer::of(&tables[3 + 2 * place], 2);
            mark(&mut values, &mut pairs, &models(tables));
            (values, pairs)
        };
        let ((values, pairs), (old_values, old_pairs)) = (of_key(now), of_key(before));
        let name = key.strip_prefix("metadata.").unwrap_or(key);
        sections.push(section(vec![name.into()], values, old_values, &whole));
        sections.push(section(vec![name.into(), "model".into()], pairs, old_pairs, &whole));
    }
    let days = now.last().map(|days| Answer::of(days, 1).days()).unwrap_or_default();
    let org = arguments.place.org.clone();
    Costs { place: String::new(), org, periods, proofs: None, whole, days, sections }
}

/// What is asked, in a word.
fn place(arguments: &Report, options: &Options) -> String {
    match (&arguments.place.db, options.sinks.first()) {
        (Some(path), _) | (None, Some(Destination::Sqlite(path))) => path.display().to_string(),
        (None, Some(Destination::D1)) => "D1".into(),
        (None, Some(Destination::BigQuery)) => "BigQuery".into(),
        (None, _) => "aig-logs.sqlite".into(),
    }
}
