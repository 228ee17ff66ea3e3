//! `aig-logs query`: a template of the program, or one of the asker's own.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::{
    place::{answer, wrong},
    told,
};
use crate::{
    cli::{
        args::{Condition, Options, Query, When},
        failure::{Exit, Failure},
        show,
    },
    host::native::now,
    query::{
        Asker, Table, What,
        template::{NAMED, Template},
    },
    time::{self, Timestamp, floor_ms},
};

/// Answers a template, or lists the templates.
pub async fn query(arguments: &Query, options: &Options, stop: watch::Receiver<bool>) -> Result<Exit, Failure> {
    let Some(name) = &arguments.name else {
        list(arguments, options)?;
        return Ok(Exit::Done);
    };
    let text = text(name, arguments.queries.as_deref())?;
    let is_own = NAMED.iter().any(|(_, own)| *own == text);
    let template = read(name, &text)?;
    let mut members = Map::new();
    let asker = Asker { org: None, now: floor_ms(now()) };
    members.insert("parameters".into(), parameters(&template, &arguments.parameters, asker.now)?);
    members.insert("organizationId".into(), json!(arguments.asked.place.org));
    members.insert("limit".into(), arguments.asked.limit.into());
    let filled = template.fill(members, asker).map_err(wrong)?;
    let answered = answer(What::Template(&filled), &arguments.asked.place, options, stop).await;
    let table = answered.map_err(|failure| if is_own { failure } else { of_its_author(name, failure) })?;
    match told::for_programs(&table, options.json, arguments.asked.csv)? {
        Some(text) => show::deliver(&text)?,
        None => show::words(&[told::table(&table), told::facts(&table)].join("\n\n"))?,
    }
    arguments.fail_if.as_ref().map_or(Ok(Exit::Done), |condition| check(condition, &table))
}

/// Fails if a condition holds for any row.
fn check(condition: &Condition, table: &Table) -> Result<Exit, Failure> {
    let all = table.rows.len();
    let column = table.columns.iter().position(|name| *name == condition.column);
    let is_text = |at: usize| table.rows.iter().any(|row| row[at].is_string());
    if let Some(at) = column.filter(|at| is_text(*at)) {
        let problem = format!("{} has texts, and a condition compares numbers", table.columns[at]);
        return Err(Failure::denied("reading --fail-if", problem, "Name a column of numbers, or rows"));
    }
    let held = match column {
        Some(at) => table.rows.iter().filter(|row| row[at].as_f64().is_some_and(|cell| condition.holds(cell))).count(),
        #[expect(clippy::cast_precision_loss, reason = "an answer has 10,000 rows at most")]
        None if condition.column == "rows" => {
            if condition.holds(all as f64) {
                all.max(1)
            } else {
                0
            }
        }
        None => {
            let hint = format!("It has {}; rows is the number of rows", table.columns.join(", "));
            return Err(Failure::denied("reading --fail-if", format!("the answer has no {}", condition.column), hint));
        }
    };
    if held == 0 && table.is_truncated() {
        let hint = "Raise --limit, or let the question count";
        return Err(Failure::denied("checking the answer", "it has more rows than --limit allows", hint));
    }
    if held == 0 {
        return Ok(Exit::Done);
    }
    let problem = match column {
        Some(_) => format!("{condition} holds for {held} of {}", show::counted(all as u64, "row")),
        None => format!("{condition} holds: there are {all}"),
    };
    Err(Failure::denied("checking the answer", problem, "This is what --fail-if asks for"))
}

/// A failure of a statement that somebody else has written: it does not pass by itself.
fn of_its_author(name: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Call { action, error } => {
            // The database repeats the whole statement, most of which its author has not written.
            let problem = error.to_string();
            let problem = problem.split(" in WITH RECURSIVE ").next().unwrap_or_default().to_owned();
            Failure::denied(action, problem, format!("Check the SQL of {name}; docs/query.md says what it may read"))
        }
        failure @ (Failure::Settings(_) | Failure::Denied { .. } | Failure::Core(_) | Failure::Unread) => failure,
    }
}

/// The text of a template: of a folder, of the program, of a file, or of the standard input.
fn text(name: &str, folder: Option<&Path>) -> Result<String, Failure> {
    let failed = |error| Failure::denied(format!("reading {name}"), error, "`aig-logs query` lists the templates");
    if name == "-" {
        let mut text = String::new();
        return io::stdin().read_to_string(&mut text).map(|_| text).map_err(failed);
    }
    let own = folder.map(|folder| folder.join(format!("{name}.sql"))).filter(|file| file.exists());
    match (own, NAMED.iter().find(|(known, _)| *known == name)) {
        (None, Some((_, text))) => Ok((*text).to_owned()),
        (own, _) => fs::read_to_string(own.as_deref().unwrap_or(Path::new(name))).map_err(failed),
    }
}

fn read<'a>(name: &'a str, text: &'a str) -> Result<Template<'a>, Failure> {
    Template::read(name, text).map_err(|problem| {
        Failure::denied(format!("reading {name}"), problem, "docs/query.md says how to write a template")
    })
}

/// The parameters that are typed as `NAME=VALUE`. Instants are typed as options type them.
fn parameters(template: &Template<'_>, typed: &[String], now: Timestamp) -> Result<Value, Failure> {
    let mut parameters = Map::new();
    for text in typed {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Failure::denied("asking", format!("{text} has no ="), "Give a parameter as NAME=VALUE"));
        };
        let value = if template.is_instant(name) {
            let when = When::parse(value);
            let when = when.map_err(|forms| Failure::denied("asking", format!("{text} is no instant"), forms))?;
            time::text(when.at(now)).into()
        } else {
            template.typed(name, value)
        };
        parameters.insert(name.to_owned(), value);
    }
    Ok(parameters.into())
}

/// Lists the templates with their parameters.
fn list(arguments: &Query, options: &Options) -> Result<(), Failure> {
    let mut texts: Vec<_> = NAMED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    if let Some(folder) = &arguments.queries {
        let failed =
            |error: io::Error| Failure::denied(format!("reading {}", folder.display()), error, "Check --queries");
        for file in fs::read_dir(folder).map_err(failed)? {
            let path = file.map_err(failed)?.path();
            if let (Some(name), Some("sql")) =
                (path.file_stem().and_then(|name| name.to_str()), path.extension().and_then(|ending| ending.to_str()))
            {
                texts.retain(|(known, _)| known != name);
                texts.push((name.to_owned(), fs::read_to_string(&path).map_err(failed)?));
            }
        }
        texts.sort();
    }
    let templates = texts.iter().map(|(name, text)| read(name, text)).collect::<Result<Vec<_>, _>>()?;
    if options.json {
        return show::deliver(&json!({ "rows": templates.iter().map(Template::told).collect::<Vec<_>>() }).to_string());
    }
    let lines = templates.iter().map(|template| {
        let parameters = template.parameters().map(|(name, words)| format!("\n    {name}: {words}"));
        format!("{}\n  {}{}", template.name, template.description, parameters.collect::<String>())
    });
    show::words(&lines.collect::<Vec<_>>().join("\n\n"))
}
