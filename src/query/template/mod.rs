//! Named questions: texts of SQL in `sql/queries/`, or of a person's own. A text reads only `activity`, which the program
//! makes of the asker's rows, or `user_days`, which it makes of what is counted: the text decides what is told, and never
//! whose rows are read.

mod activity;
mod bigquery;
mod named;
mod parameter;

use serde_json::{Map, Value, json};

use self::parameter::{Kind, Parameter};
pub use self::{bigquery::IN_BIGQUERY, named::NAMED};
use super::{
    Asker, Known, NoAnswer, Question, Table, Wrong, closed,
    counted::UserDayPlan,
    dialect::{BigQuery, Sqlite},
    guard, lacks,
    names::Dataset,
    parts::Sql,
    question::read,
    rows_read, shapes,
    table::{About, ROWS, meta, number},
};
use crate::{database::Database, record::Cell, time};

/// The range of a template that does not say.
const START: Parameter<'static> =
    Parameter { name: "start", kind: Kind::Instant, default: Some("-7d"), meaning: "the first instant" };
const END: Parameter<'static> =
    Parameter { name: "end", kind: Kind::Instant, default: Some("now"), meaning: "the instant after the last" };

/// The table that a text reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// `activity`: a line for each event and log.
    Activity,
    /// `user_days`: a line for each user, org and day of UTC.
    UserDays,
}

/// A named question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it tells, as a sentence.
    pub description: &'a str,
    /// The columns of its answer, and the unit of each that has one.
    pub columns: Vec<(&'a str, Option<&'a str>)>,
    dataset: Dataset,
    rows: Rows,
    parameters: Vec<Parameter<'a>>,
    body: &'a str,
}

/// A template with the values of its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Filled<'a> {
    template: &'a Template<'a>,
    question: Question,
    values: Vec<(&'a str, Kind, Cell)>,
}

/// The template of this name among the program's own.
///
/// # Errors
/// If there is none.
pub fn find(name: &str) -> Result<Template<'static>, Wrong> {
    let named = NAMED.iter().find(|(known, _)| *known == name);
    let template = named.and_then(|(name, text)| Template::read(name, text).ok());
    template.ok_or_else(|| {
        Wrong::malformed("template", format!("there is no template {}: GET /templates lists them", quoted(name)))
    })
}

/// The program's own templates, in the order of their names.
pub fn all() -> impl Iterator<Item = Template<'static>> {
    NAMED.iter().filter_map(|(name, text)| Template::read(name, text).ok())
}

impl<'a> Template<'a> {
    /// Reads a template: comments that say what it is, and one `SELECT` without `LIMIT`.
    ///
    /// # Errors
    /// If the text is none: what to change, as a sentence.
    pub fn read(name: &'a str, text: &'a str) -> Result<Self, String> {
        let (comments, body) = comments(text);
        let mut comments = comments.into_iter();
        let description = comments.next().filter(|line| !line.is_empty());
        let description = description.ok_or("the first line is a comment that says what the question tells")?;
        let (mut dataset, mut rows) = (Dataset::All, Rows::Activity);
        let (mut columns, mut parameters) = (Vec::new(), Vec::new());
        for line in comments.filter(|line| !line.is_empty()) {
            let (head, rest) = line.split_once(": ").ok_or_else(|| format!("the comment {line:?} has no colon"))?;
            match head {
                "data" => {
                    let found = Dataset::ALL.into_iter().find(|dataset| dataset.name() == rest.trim());
                    dataset = found.ok_or("data is events, logs or all")?;
                }
                "rows" => {
                    rows = match rest.trim() {
                        "activity" => Rows::Activity,
                        "user_days" => Rows::UserDays,
                        _ => return Err("rows is activity or user_days".into()),
                    }
                }
                "answer" => columns = rest.split(',').map(column).collect(),
                head => parameters.push(Parameter::read(head, rest)?),
            }
        }
        let names_activity = || body.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == "activity");
        if rows == Rows::UserDays && names_activity() {
            return Err("a text with `rows: user_days` reads that table alone, and not activity".into());
        }
        if columns.is_empty() {
            return Err("a comment names the columns, such as `-- answer: day, requests, cost USD`".into());
        }
        let parameters = with_range(parameters);
        let is_known = |name: &str| parameters.iter().any(|parameter| parameter.name == name);
        if let Some((_, name)) = activity::places(body).find(|(_, name)| !is_known(name)) {
            return Err(format!("no comment says what :{name} is"));
        }
        Ok(Self { name, description, columns, dataset, rows, parameters, body })
    }

    /// What is to know about it, as JSON.
    #[must_use]
    pub fn told(&self) -> Value {
        let parameters: Vec<_> = self.parameters.iter().map(Parameter::told).collect();
        json!({ "name": self.name, "description": self.description, "parameters": parameters })
    }

    /// The names of its parameters, and what each is, in words.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a str, String)> {
        self.parameters.iter().map(|parameter| (parameter.name, parameter.words()))
    }

    /// The value of a parameter that was typed as text; a text that does not fit stays a text.
    #[must_use]
    pub fn typed(&self, name: &str, text: &str) -> Value {
        let parameter = self.parameters.iter().find(|parameter| parameter.name == name);
        parameter.map_or_else(|| text.into(), |parameter| parameter.kind.typed(text))
    }

    /// Whether a parameter is an instant.
    #[must_use]
    pub fn is_instant(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.name == name && parameter.kind == Kind::Instant)
    }

    /// Fills in the parameters of a question: its members `parameters`, `organizationId` and `limit`.
    ///
    /// # Errors
    /// If it cannot be read: which member or parameter is wrong, and what to change.
    pub fn fill(&'a self, mut members: Map<String, Value>, asker: Asker<'_>) -> Result<Filled<'a>, Wrong> {
        let given = members.remove("parameters").filter(|given| !given.is_null()).unwrap_or_else(|| json!({}));
        let Value::Object(mut given) = given else {
            return Err(Wrong::malformed("parameters", "send parameters as an object"));
        };
        if let Some(other) = members.keys().find(|name| !["organizationId", "limit"].contains(&name.as_str())) {
            let detail =
                format!("beside a template stand parameters, organizationId and limit, and no {}", quoted(other));
            return Err(Wrong::malformed("", detail));
        }
        members.insert("dataset".into(), self.dataset.name().into());
        let mut values = Vec::new();
        for parameter in &self.parameters {
            let value = parameter.value(given.remove(parameter.name).unwrap_or_default())?;
            if matches!(parameter.name, "start" | "end") {
                members.insert(parameter.name.into(), value);
            } else {
                values.push((parameter.name, parameter.kind, parameter.cell(value, asker.now)?));
            }
        }
        if let Some(other) = given.keys().next() {
            let detail = format!("{} has no parameter {}", self.name, quoted(other));
            return Err(Wrong::malformed("parameters", detail));
        }
        let mut question = read(members, &shapes::QUERY, asker)?;
        question.fields = activity::fields();
        // It has columns of its own, and no percentiles of buckets.
        question.metrics = Vec::new();
        values.push(("start", Kind::Instant, Cell::Text(time::text(question.start))));
        values.push(("end", Kind::Instant, Cell::Text(time::text(question.end))));
        Ok(Filled { template: self, question, values })
    }
}

impl Filled<'_> {
    /// The question that it asks.
    pub(super) fn question(&self) -> &Question {
        &self.question
    }
}

/// The comments at the beginning of a text, and the statement after them.
fn comments(text: &str) -> (Vec<&str>, &str) {
    let (mut comments, mut rest) = (Vec::new(), text.trim());
    while let Some(comment) = rest.strip_prefix("--") {
        let (line, after) = comment.split_once('\n').unwrap_or((comment, ""));
        comments.push(line.trim());
        rest = after.trim_start();
    }
    (comments, rest.trim_end_matches(';'))
}

/// The range, as it is declared or as it usually is, and then the other parameters.
fn with_range(parameters: Vec<Parameter<'_>>) -> Vec<Parameter<'_>> {
    let is_usual = |parameter: &Parameter<'_>| [START.name, END.name].contains(&parameter.name);
    let (declared, others): (Vec<_>, Vec<_>) = parameters.into_iter().partition(is_usual);
    let range = [START, END].map(|usual| declared.iter().find(|own| own.name == usual.name).copied().unwrap_or(usual));
    range.into_iter().chain(others).collect()
}

/// A name of the asker's own, which may be long.
fn quoted(name: &str) -> String {
    name.chars().take(64).collect()
}

/// A column, and its unit after a space.
fn column(text: &str) -> (&str, Option<&str>) {
    text.trim().split_once(' ').map_or((text.trim(), None), |(name, unit)| (name, Some(unit)))
}

/// The statement of a template for SQLite, over rows.
fn in_sqlite(filled: &Filled<'_>, org_metadata: &str) -> Sql {
    let Template { rows, body, .. } = filled.template;
    activity::statement::<Sqlite>(&filled.question, (*rows, body), &filled.values, org_metadata)
}

/// The same for BigQuery, for which some of the program's own templates have another text.
pub(super) fn in_bigquery(filled: &Filled<'_>, org_metadata: &str) -> Sql {
    let Template { name, rows, body, .. } = filled.template;
    let is_own = NAMED.iter().any(|(known, text)| known == name && comments(text).1 == *body);
    let other = bigquery::in_bigquery(name).filter(|_| is_own);
    let text = other.map_or((*rows, *body), |text| (Rows::Activity, comments(text).1));
    activity::statement::<BigQuery>(&filled.question, text, &filled.values, org_metadata)
}

/// Answers a template.
///
/// # Errors
/// If it would read too much, or the database does not answer.
pub(super) async fn ask(database: &impl Database, filled: &Filled<'_>, known: Known<'_>) -> Result<Table, NoAnswer> {
    let question = &filled.question;
    let closed = closed(database, question, false).await?;
    let days = activity::by_user_day(question);
    let plan = UserDayPlan::of(&days, &closed).filter(|_| filled.template.rows == Rows::UserDays);
    let (sql, read) = if let Some(plan) = &plan {
        let read = rows_read(database, plan.parts(&days, known.org_metadata), "parts", None).await?;
        (activity::counted(plan, &days, filled.template.body, &filled.values, known.org_metadata), read)
    } else {
        let read = guard(database, question, false, known).await?;
        (in_sqlite(filled, known.org_metadata), read)
    };
    let lacks = lacks(question, &closed, plan.as_ref().map(|plan| &plan.pieces));
    let lines = database.ask(&sql.text, sql.values).await?;
    let is_truncated = lines.len() as u64 > question.limit;
    Ok(table_of(filled, lines, known, &About { read: (ROWS, read), is_truncated, is_counted: sql.is_counted, lacks })?)
}

/// The answer to a template, from the lines of its statement.
pub(super) fn table_of(
    filled: &Filled<'_>,
    lines: Vec<Map<String, Value>>,
    known: Known<'_>,
    about: &About,
) -> Result<Table, Wrong> {
    let Filled { template, question, .. } = filled;
    let is_missing = |name: &str| lines.first().is_some_and(|line| !line.contains_key(name));
    if let Some((name, _)) = template.columns.iter().find(|(name, _)| is_missing(name)) {
        return Err(Wrong::malformed("template", format!("the statement has no column {name}")));
    }
    let lines = lines.into_iter().take(usize::try_from(question.limit).unwrap_or(usize::MAX));
    let row = |mut line: Map<String, Value>| {
        template.columns.iter().map(|(name, _)| number(line.remove(*name).unwrap_or_default())).collect()
    };
    let rows = lines.map(row).collect();
    let mut meta = meta(question, known, about);
    let units = template.columns.iter().filter_map(|(name, unit)| Some(((*name).to_owned(), (*unit)?.into())));
    meta.insert("units".into(), units.collect::<Map<_, _>>().into());
    Ok(Table { columns: template.columns.iter().map(|(name, _)| (*name).to_owned()).collect(), rows, meta })
}
