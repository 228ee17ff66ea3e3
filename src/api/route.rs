//! The routes of the API, as values.

use http::{HeaderValue, Method, StatusCode, header};

use super::{key::Scope, problem::Problem, questions::Asked};
use crate::ingest::Form;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Takes one event, or a batch.
    Ingest(Form),
    /// Answers a question.
    Ask(Asked),
    /// Makes a key.
    CreateKey,
    /// Lists keys.
    ListKeys,
    /// Revokes a key.
    RevokeKey,
    /// Lists prices.
    ListPrices,
    /// Sets prices.
    SetPrices,
    /// Lists names and plans of orgs.
    ListOrgs,
    /// Sets them.
    SetOrgs,
    /// Erases a user.
    Erase,
    /// Says whether the store is there.
    Health,
    /// Describes the API.
    Describe,
}

impl Action {
    /// The scope that a key needs for it; none: it needs no key.
    pub fn scope(self) -> Option<Scope> {
        match self {
            Self::Ingest(_) => Some(Scope::Ingest),
            Self::Ask(_) => Some(Scope::Query),
            Self::CreateKey
            | Self::ListKeys
            | Self::RevokeKey
            | Self::ListPrices
            | Self::SetPrices
            | Self::ListOrgs
            | Self::SetOrgs
            | Self::Erase => Some(Scope::Admin),
            Self::Health | Self::Describe => None,
        }
    }
}

/// The last part of a path that stands for any text.
const ANY: &str = "/{}";

/// A method, a path, and what is asked for.
pub(super) type Route = (Method, &'static str, Action);

/// Every route.
pub(super) static ROUTES: [Route; 23] = [
    (Method::POST, "/events", Action::Ingest(Form::One)),
    (Method::POST, "/events/batch", Action::Ingest(Form::Many)),
    (Method::POST, "/", Action::Ingest(Form::Many)),
    (Method::POST, "/query", Action::Ask(Asked::Query)),
    (Method::GET, "/templates", Action::Ask(Asked::Templates)),
    (Method::POST, "/metrics/performance", Action::Ask(Asked::Performance)),
    (Method::POST, "/metrics/errors", Action::Ask(Asked::Errors)),
    (Method::POST, "/metrics/users", Action::Ask(Asked::Users)),
    (Method::POST, "/metrics/cohorts", Action::Ask(Asked::Cohorts)),
    (Method::POST, "/billing/usage", Action::Ask(Asked::Usage)),
    (Method::GET, "/metrics/realtime", Action::Ask(Asked::Realtime)),
    (Method::GET, "/metrics/costs", Action::Ask(Asked::Costs)),
    (Method::GET, "/metrics/pipeline", Action::Ask(Asked::Pipeline)),
    (Method::GET, "/health", Action::Health),
    (Method::GET, "/openapi.json", Action::Describe),
    (Method::GET, "/keys", Action::ListKeys),
    (Method::POST, "/keys", Action::CreateKey),
    (Method::DELETE, "/keys/{}", Action::RevokeKey),
    (Method::GET, "/prices", Action::ListPrices),
    (Method::PUT, "/prices", Action::SetPrices),
    (Method::GET, "/orgs", Action::ListOrgs),
    (Method::PUT, "/orgs", Action::SetOrgs),
    (Method::DELETE, "/users/{}", Action::Erase),
];

/// The route of a request, and the last part of its path if the route leaves that open. `HEAD` is `GET`.
///
/// # Errors
/// If there is no such path, or no such method for it.
pub fn route<'a>(method: &Method, path: &'a str) -> Result<(&'static Route, &'a str), Problem> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let of_path: Vec<_> = ROUTES.iter().filter_map(|route| Some((route, open_part(route.1, path)?))).collect();
    if let Some((route, part)) = of_path.iter().find(|((allowed, ..), _)| allowed == method) {
        return Ok((route, part));
    }
    let allowed = methods(path).join(", ");
    if allowed.is_empty() {
        return Err(nowhere());
    }
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("the path takes {allowed}"));
    Err(match HeaderValue::try_from(allowed) {
        Ok(allowed) => problem.with_header(header::ALLOW, allowed),
        Err(_) => problem,
    })
}

/// There is no such path.
pub fn nowhere() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such path")
}

/// The methods that a path takes; none if there is no such path.
pub fn methods(path: &str) -> Vec<&'static str> {
    let of_path = ROUTES.iter().filter(|(_, pattern, _)| open_part(pattern, path).is_some());
    of_path.flat_map(|(method, ..)| with_head(method)).collect()
}

fn with_head(method: &Method) -> impl Iterator<Item = &str> {
    [method.as_str()].into_iter().chain((method == Method::GET).then_some("HEAD"))
}

/// The part of a path that a pattern leaves open, or an empty text; none: the path does not fit.
fn open_part<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    match pattern.strip_suffix(ANY) {
        Some(folder) => {
            let part = path.strip_prefix(folder)?.strip_prefix('/')?;
            (!part.is_empty() && !part.contains('/')).then_some(part)
        }
        None => (pattern == path).then_some(""),
    }
}
