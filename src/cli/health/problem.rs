//! What is wrong, in words, and who acts.

use std::fmt;

use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{cli::failure::Exit, wire::Response};

/// A reason why all is not well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is called in a list of facts.
    pub label: &'static str,
    /// What is wrong, for everybody.
    pub words: String,
    /// What a service said of it, for whoever runs the program.
    pub details: Option<String>,
    /// Whether somebody must act. Otherwise it may pass by itself.
    pub needs_person: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.details {
            Some(details) => write!(f, "{}: {details}", self.words),
            None => f.write_str(&self.words),
        }
    }
}

/// Who reads of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Whoever runs the program.
    Operator,
    /// Everybody who reaches the address.
    Everybody,
}

/// What the problems come to.
pub fn exit(problems: &[Problem]) -> Exit {
    if problems.iter().any(|problem| problem.needs_person) {
        Exit::Person
    } else if problems.is_empty() {
        Exit::Done
    } else {
        Exit::Later
    }
}

/// The answer to a question about health: 503 if somebody must act, and otherwise 200, so that nobody is woken by what
/// may pass by itself.
pub fn answer(problems: &[Problem], audience: Audience) -> Response {
    let (status, word) = match exit(problems) {
        Exit::Done => (StatusCode::OK, "ok"),
        Exit::Later => (StatusCode::OK, "warning"),
        Exit::Person | Exit::Checks(_) => (StatusCode::SERVICE_UNAVAILABLE, "failed"),
    };
    let told = |problem: &Problem| match audience {
        Audience::Operator => problem.to_string(),
        Audience::Everybody => problem.words.clone(),
    };
    let reasons: Vec<_> = problems.iter().map(told).collect();
    let body = json!({ "status": word, "reasons": reasons, "version": env!("CARGO_PKG_VERSION") });
    let mut response = Response::new(format!("{body}\n").into_bytes());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(needs_person: bool) -> Problem {
        Problem { label: "Problem", words: "it fails".into(), details: Some("of org acme".into()), needs_person }
    }

    #[test]
    fn only_what_somebody_must_act_on_is_503_and_details_are_for_the_operator() {
        let check = |problems: &[Problem], audience, status: u16, body: &str| {
            let response = answer(problems, audience);
            assert_eq!(response.status().as_u16(), status);
            let told = String::from_utf8_lossy(response.body());
            let version = format!(r#","version":"{}"}}"#, env!("CARGO_PKG_VERSION"));
            assert_eq!(told.trim_end(), format!("{body}{version}"));
        };
        check(&[], Audience::Operator, 200, r#"{"reasons":[],"status":"ok""#);
        check(&[problem(false)], Audience::Everybody, 200, r#"{"reasons":["it fails"],"status":"warning""#);
        let both = [problem(false), problem(true)];
        check(&both[1..], Audience::Everybody, 503, r#"{"reasons":["it fails"],"status":"failed""#);
        let all = r#"{"reasons":["it fails: of org acme","it fails: of org acme"],"status":"failed""#;
        check(&both, Audience::Operator, 503, all);
    }
}
