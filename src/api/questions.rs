//! The routes of questions: each reads its question, and writes its answer as JSON or as CSV.

use chrono::{NaiveTime, TimeDelta};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{
    content::{self, json},
    key::Key,
    problem::{Answer, Problem},
};
use crate::{
    host::Server,
    query::{self, Asker, Known, NoAnswer, Question, Reason, Shape, Table, What, Wrong, shapes, template},
    rollup::Grain,
    time,
    wire::{Request, Response, weight},
};

/// Whether an answer in CSV has left rows out.
const TRUNCATED: HeaderName = HeaderName::from_static("x-truncated");

/// The seconds of the window of `GET /metrics/realtime`.
const WINDOW: i64 = 300;

/// The days of `GET /metrics/costs` if the request does not say, and the most of them.
const DAYS_OF_COSTS: Days = Days { usual: 30, most: 760 };

/// The same of `GET /metrics/pipeline`.
const DAYS_OF_PIPELINE: Days = Days { usual: 7, most: 90 };

/// A kind of question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Any question, or a template.
    Query,
    /// Which templates there are.
    Templates,
    /// How fast, and how often it fails.
    Performance,
    /// What fails.
    Errors,
    /// How many users.
    Users,
    /// How many of them come back.
    Cohorts,
    /// What to invoice.
    Usage,
    /// The last minutes.
    Realtime,
    /// What each kind of thing costs.
    Costs,
    /// How complete the logs of each hour are.
    Pipeline,
}

/// The days of a question that names no range.
#[derive(Debug, Clone, Copy)]
struct Days {
    usual: i64,
    most: i64,
}

/// Answers a question.
pub(super) async fn answer<S: Server>(
    server: &S,
    asked: Asked,
    request: &Request,
    key: &Key,
    org_metadata: &str,
) -> Answer {
    let now = time::floor_ms(server.now());
    let logs = server.logs_complete_through().await;
    let known = Known { org_metadata, logs, events: server.complete_through() };
    let read = |shape: &Shape, members| query::read(members, shape, Asker { org: key.org.as_deref(), now });
    let table = match asked {
        Asked::Templates => return json(StatusCode::OK, &templates()),
        Asked::Query => {
            let mut members = body(request)?;
            match members.remove("template") {
                Some(name) => named(server, name, members, key, known).await?,
                None => ask(server, read(&shapes::QUERY, members), known).await?,
            }
        }
        Asked::Performance => ask(server, read(&shapes::PERFORMANCE, body(request)?), known).await?,
        Asked::Errors => ask(server, read(&shapes::ERRORS, body(request)?), known).await?,
        Asked::Users => ask(server, read(&shapes::USERS, body(request)?), known).await?,
        Asked::Usage => ask(server, read(&shapes::USAGE, body(request)?), known).await?,
        Asked::Cohorts => {
            let question = read(&shapes::COHORTS, by_period(body(request)?)?)?;
            server.ask(What::Cohorts(&question), known).await?
        }
        Asked::Realtime => {
            let members = json!({ "start": time::text(now - TimeDelta::seconds(WINDOW)), "end": time::text(now) });
            let question = read(&shapes::REALTIME, object(members).unwrap_or_default());
            return json(StatusCode::OK, &realtime(ask(server, question, known).await?));
        }
        Asked::Costs => {
            let days = DAYS_OF_COSTS.asked(request.uri().query())?;
            let first = now.date_naive().and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(days - 1);
            let members =
                json!({ "start": time::text(first), "end": time::text(now), "groupBy": "day", "orderBy": "-day" });
            by_date(ask(server, read(&shapes::COSTS, object(members).unwrap_or_default()), known).await?)
        }
        Asked::Pipeline => {
            let days = DAYS_OF_PIPELINE.asked(request.uri().query())?;
            let end = Grain::Hour.floor(now) + Grain::Hour.length();
            let start = end - TimeDelta::days(days);
            let members = json!({ "start": time::text(start), "end": time::text(end), "groupBy": "hour" });
            let question = read(&shapes::QUERY, object(members).unwrap_or_default())?;
            server.ask(What::Pipeline(&question), known).await?
        }
    };
    told(request.headers(), &table)
}

/// The answer to a question that may be at fault.
async fn ask<S: Server>(server: &S, question: Result<Question, Wrong>, known: Known<'_>) -> Result<Table, NoAnswer> {
    server.ask(What::Question(&question?), known).await
}

/// The answer to a template.
async fn named<S: Server>(
    server: &S,
    name: Value,
    members: Map<String, Value>,
    key: &Key,
    known: Known<'_>,
) -> Result<Table, NoAnswer> {
    let wrong = || Wrong::malformed("template", "send the name of a template as text");
    let template = template::find(name.as_str().ok_or_else(wrong)?)?;
    let filled = template.fill(members, Asker { org: key.org.as_deref(), now: time::floor_ms(server.now()) })?;
    server.ask(What::Template(&filled), known).await
}

/// The templates, by name.
fn templates() -> Value {
    json!({ "rows": template::all().map(|template| template.told()).collect::<Vec<_>>() })
}

/// The body of a question: a JSON object.
fn body(request: &Request) -> Result<Map<String, Value>, Problem> {
    let is_packed = content::is_packed(request.headers())?;
    let bytes = crate::ingest::unpacked(request.body(), is_packed)?;
    let value = serde_json::from_slice(&bytes).ok().and_then(object);
    value.ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "send the question as a JSON object"))
}

fn object(value: Value) -> Option<Map<String, Value>> {
    if let Value::Object(members) = value { Some(members) } else { None }
}

/// The question of cohorts: its periods are the steps.
fn by_period(mut members: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    let period = members.remove("period");
    let period = period.filter(|period| *period == "day" || *period == "week");
    let wrong = || Problem::new(StatusCode::BAD_REQUEST, "period is day or week").of("period");
    let period = period.ok_or_else(wrong)?;
    if members.insert("groupBy".into(), period).is_some() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "cohorts have a period, and no groups").of("groupBy"));
    }
    Ok(members)
}

impl Days {
    /// Those that are asked for by `?days=`.
    fn asked(self, query: Option<&str>) -> Result<i64, Problem> {
        let Self { usual, most } = self;
        let wrong = || {
            Problem::new(StatusCode::BAD_REQUEST, format!("send days=N, a number from 1 to {most}, and nothing else"))
                .of("days")
        };
        let mut days = usual;
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let number = value.parse().ok().filter(|days| name == "days" && (1..=most).contains(days));
            days = number.ok_or_else(wrong)?;
        }
        Ok(days)
    }
}

/// The answer about the last minutes, by the names of seed 003.
fn realtime(table: Table) -> Value {
    let row = table.rows.into_iter().next();
    let [count, avg, errors] = row.and_then(|row| row.try_into().ok()).unwrap_or([0.into(), Value::Null, 0.into()]);
    json!({
        "total_requests": count,
        "avg_response_time": avg,
        "error_count": errors,
        "window_seconds": WINDOW,
        "meta": table.meta,
    })
}

/// The answer about costs, in which a day is a date.
fn by_date(mut table: Table) -> Table {
    if let Some(name) = table.columns.first_mut() {
        "date".clone_into(name);
    }
    for row in &mut table.rows {
        if let Some(Value::String(day)) = row.first_mut() {
            day.truncate(10);
        }
    }
    table
}

/// A table as the request wants it.
fn told(headers: &HeaderMap, table: &Table) -> Answer {
    let [csv, own] = ["text/csv", "application/json"].map(|kind| weight(headers, &header::ACCEPT, kind));
    if csv <= 0.0 || csv < own {
        return json(StatusCode::OK, table);
    }
    let mut response = Response::new(table.csv());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if table.is_truncated() {
        headers.insert(TRUNCATED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

impl From<Wrong> for Problem {
    fn from(wrong: Wrong) -> Self {
        let status = match wrong.reason {
            Reason::Malformed => StatusCode::BAD_REQUEST,
            Reason::OtherOrg => StatusCode::FORBIDDEN,
            Reason::TooMuch => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let problem = Self::new(status, wrong.detail);
        if wrong.member.is_empty() { problem } else { problem.of(wrong.member) }
    }
}

impl From<NoAnswer> for Problem {
    fn from(reason: NoAnswer) -> Self {
        match reason {
            NoAnswer::Wrong(wrong) => wrong.into(),
            NoAnswer::Away(error) => error.into(),
        }
    }
}
