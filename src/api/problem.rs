//! A problem: an answer that says what to change (RFC 9457).

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use super::answer::answer;
use crate::{error::CallError, ingest::Unreadable, wire::Response};

/// How long a sender should wait for a database that is away, in seconds.
const AWAY: &str = "5";

/// How long until a key may make a request again at the latest, in seconds: the limit is of a minute.
const NEXT_MINUTE: &str = "60";

/// An answer that says what to change.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    /// The field, setting or header that the problem is about.
    field: Option<&'static str>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Further members of the answer.
    members: Map<String, Value>,
}

impl Problem {
    /// A problem, and one sentence that says what to change.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), field: None, headers: Vec::new(), members: Map::new() }
    }

    /// The same problem, of this field.
    #[must_use]
    pub fn of(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// The same problem, with a header in its answer.
    #[must_use]
    pub fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { headers: vec![(name, value)], ..self }
    }

    /// The same problem, with further members in its answer.
    #[must_use]
    pub fn with_members(self, members: Map<String, Value>) -> Self {
        Self { members, ..self }
    }

    /// No key, or none that is known.
    #[must_use]
    pub fn unauthorized(detail: &str) -> Self {
        let bearer = HeaderValue::from_static("Bearer");
        Self::new(StatusCode::UNAUTHORIZED, detail).with_header(header::WWW_AUTHENTICATE, bearer)
    }

    /// Too many requests of a key.
    #[must_use]
    pub fn too_fast(rate: u32) -> Self {
        let detail =
            format!("the key has made more than {rate} requests in a minute (EVENTS_RATE): send larger batches");
        let wait = HeaderValue::from_static(NEXT_MINUTE);
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail).with_header(header::RETRY_AFTER, wait)
    }

    /// The sentence that says what to change.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The answer.
    #[must_use]
    pub fn response(self) -> Response {
        let mut members = Map::new();
        members.insert("status".into(), self.status.as_u16().into());
        members.insert("title".into(), self.status.canonical_reason().unwrap_or_default().into());
        members.insert("detail".into(), self.detail.into());
        members.extend(self.field.map(|field| ("field".into(), field.into())));
        members.extend(self.members);
        let mut response = answer(self.status, Value::Object(members).to_string().into_bytes());
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response.headers_mut().extend(self.headers);
        response
    }
}

/// An answer that has no problem, or a problem.
pub type Answer = Result<Response, Problem>;

impl From<Unreadable> for Problem {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::TooLarge(detail) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
            Unreadable::Malformed(detail) => Self::new(StatusCode::BAD_REQUEST, detail),
        }
    }
}

/// The database's own words stay in the log: they may hold SQL, or the name of a file.
impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        log::error!("the database of events: {error}");
        // What SQLite says where an update of this program has brought a table or a column.
        let lacks = ["no such table", "no such column", "has no column named"];
        let words = error.to_string();
        let detail = if lacks.iter().any(|lack| words.contains(lack)) {
            "the database lacks what this version of the program needs: run `aig-logs sql --sink d1 --apply`, and send the \
             same again"
        } else {
            "the database is away: send the same again"
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static(AWAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_an_older_version_is_told_apart_from_one_that_is_away() {
        let detail = |error| Problem::from(error).detail().to_owned();
        let older = CallError::denied("no such table: aig_ledger: SQLITE_ERROR", "");
        assert!(detail(older).contains("aig-logs sql --sink d1 --apply"));
        assert_eq!(detail(CallError::Silent("nothing came".into())), "the database is away: send the same again");
    }
}
