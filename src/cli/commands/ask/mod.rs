//! `aig-logs ask` and `aig-logs query`: the questions of the API, asked on this machine of a file, D1 or BigQuery.

pub mod place;
mod query;
pub mod question;
mod sparklines;
pub mod told;

use tokio::sync::watch;

pub use self::query::query;
use self::{
    place::{answer, wrong},
    question::members,
};
use crate::{
    cli::{
        args::{Ask, Options},
        failure::{Exit, Failure},
        show,
    },
    host::native::now,
    query::{Asker, What, read, shapes},
    time::floor_ms,
};

/// Asks a question.
pub async fn ask(arguments: &Ask, options: &Options, stop: watch::Receiver<bool>) -> Result<Exit, Failure> {
    let asker = Asker { org: None, now: floor_ms(now()) };
    let question = read(members(arguments, asker.now)?, &shapes::QUERY, asker).map_err(wrong)?;
    let table = answer(What::Question(&question), &arguments.asked.place, options, stop).await?;
    if let Some(text) = told::for_programs(&table, options.json, arguments.asked.csv)? {
        show::deliver(&text)?;
        return Ok(Exit::Done);
    }
    let mut parts = Vec::new();
    // Steps of many groups are too many lines for a person.
    if question.unit.is_none() || question.fields.is_empty() {
        parts.push(told::table(&table));
    }
    parts.extend(question.unit.map(|_| sparklines::told(&question, &table)));
    parts.push(told::facts(&table));
    show::words(&parts.join("\n\n"))?;
    Ok(Exit::Done)
}
