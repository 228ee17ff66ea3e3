//! How the world answers a call, and what faults make of the answer.

use http::{HeaderValue, Request, Response, header};
use serde_json::{Value, json};

use crate::simulator::{
    Answer, Simulator,
    cloudflare::{self, gateway::Gateway},
    faults::{Endpoint, Fault, Refusal},
    google::bigquery,
    route::Route,
    time::Timestamp,
    wire,
};

impl Simulator {
    /// Answers one request at `now`.
    pub fn answer(&mut self, now: Timestamp, request: &Request<Vec<u8>>) -> Answer {
        self.advance(now);
        let Some(route) = Route::of(request) else {
            return Answer::Response(cloudflare::no_route(request.uri().path()));
        };
        let Some(endpoint) = route.endpoint() else {
            return Answer::Response(self.respond(now, request, &route));
        };
        *self.calls.of(endpoint) += 1;
        let answer = self.answer_or_fail(now, request, &route, endpoint);
        let worked = matches!(&answer, Answer::Response(response) if response.status().is_success());
        self.calls.refused += u64::from(!worked);
        answer
    }

    /// Answers, unless a fault strikes. A fault may strike before or after the call is carried out.
    fn answer_or_fail(
        &mut self,
        now: Timestamp,
        request: &Request<Vec<u8>>,
        route: &Route,
        endpoint: Endpoint,
    ) -> Answer {
        let fault = self.faults.strike(endpoint);
        match &fault {
            Some(Fault::Silence) => return Answer::Silence,
            Some(Fault::Refuse(refusal)) => return Answer::Response(refusal.response(endpoint)),
            Some(Fault::DeleteOldest(count)) => {
                self.delete(route, |gateway| gateway.delete_oldest(*count));
            }
            Some(Fault::Delete(ids)) => self.delete(route, |gateway| {
                for id in ids {
                    gateway.delete(id);
                }
            }),
            Some(
                Fault::SilenceAfter | Fault::RefuseAfter(_) | Fault::Truncate | Fault::Replace(..) | Fault::RepeatEntry,
            )
            | None => {}
        }
        let response = self.respond(now, request, route);
        match fault {
            Some(Fault::SilenceAfter) => Answer::Silence,
            Some(Fault::RefuseAfter(refusal)) => Answer::Response(refusal.response(endpoint)),
            Some(Fault::Truncate) => Answer::Response(response.map(|body| body[..body.len() / 2].to_vec())),
            Some(Fault::Replace(member, value)) => Answer::Response(response.map(|body| replace(&body, member, value))),
            Some(Fault::RepeatEntry) => Answer::Response(response.map(|body| repeat_entry(&body))),
            Some(Fault::Silence | Fault::Refuse(_) | Fault::DeleteOldest(_) | Fault::Delete(_)) | None => {
                Answer::Response(response)
            }
        }
    }

    fn delete(&mut self, route: &Route, delete: impl FnOnce(&mut Gateway)) {
        if let Route::List { gateway, .. } = route
            && let Some(gateway) = self.gateway_mut(gateway)
        {
            delete(gateway);
        }
    }
}

/// Replaces the value of a member.
fn replace(body: &[u8], member: &str, value: Value) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    body[member] = value;
    body.to_string().into_bytes()
}

/// The list with its first entry twice. The entry is copied as bytes, for it may be invalid JSON.
fn repeat_entry(body: &[u8]) -> Vec<u8> {
    let list = br#""result":["#;
    let begin = body.windows(list.len()).position(|bytes| bytes == list).map(|at| at + list.len());
    let first = begin.map(|begin| (begin, begin + element(&body[begin..])));
    match first.filter(|(begin, end)| begin < end) {
        Some((begin, end)) => [&body[..end], b",", &body[begin..end], &body[end..]].concat(),
        None => body.to_vec(),
    }
}

/// The length of the first element of a list.
fn element(list: &[u8]) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let ends = |byte: &u8| {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') if depth > 0 => depth -= 1,
            (false, b',' | b']') if depth == 0 => return true,
            _ => {}
        }
        false
    };
    list.iter().position(ends).unwrap_or(0)
}

impl Refusal {
    /// The answer by which the endpoint refuses a call.
    fn response(&self, endpoint: Endpoint) -> Response<Vec<u8>> {
        match self {
            Self::TooManyRequests(seconds) => {
                let mut response = native(endpoint, 429);
                response.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
                response
            }
            Self::Status(status) => native(endpoint, *status),
            Self::Html(status) => html(*status),
            Self::Empty(status) => wire::response(*status, "text/plain", Vec::new()),
            Self::Unsuccessful => cloudflare::failure(200, failed(Some(1_000)), Value::Null),
            Self::Codeless => cloudflare::failure(400, failed(None), json!({})),
            Self::Forbidden(reason) => bigquery::failure(403, reason, "The request was refused."),
            Self::OneRow(reason) => bigquery::first_row(reason),
        }
    }
}

/// An error in the form that the endpoint's vendor uses.
fn native(endpoint: Endpoint, status: u16) -> Response<Vec<u8>> {
    match (endpoint, status) {
        (Endpoint::Gateways | Endpoint::List | Endpoint::Database, _) => {
            cloudflare::failure(status, failed(Some(1_000)), Value::Null)
        }
        (Endpoint::Token | Endpoint::Insert, _) => bigquery::failure(status, reason(status), "Error encountered."),
    }
}

/// Google's reason for a status. cloud.google.com/bigquery/docs/error-messages
fn reason(status: u16) -> &'static str {
    match status {
        401 => "authError",
        403 => "accessDenied",
        404 => "notFound",
        429 => "rateLimitExceeded",
        400..500 => "invalid",
        _ => "backendError",
    }
}

fn failed(code: Option<u16>) -> Value {
    let mut error = json!({ "message": "The request failed." });
    if let Some(code) = code {
        error["code"] = code.into();
    }
    json!([error])
}

fn html(status: u16) -> Response<Vec<u8>> {
    let page =
        format!("<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>Error {status}</h1></body></html>");
    let mut response = wire::response(status, "text/html; charset=UTF-8", page.into_bytes());
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_speak_as_their_vendor() {
        let body = |refusal: Refusal, endpoint| {
            let response = refusal.response(endpoint);
            let status = response.status().as_u16();
            (status, serde_json::from_slice::<Value>(response.body()).unwrap_or_default())
        };
        let (status, answer) = body(Refusal::Status(500), Endpoint::List);
        assert_eq!((status, &answer["success"]), (500, &json!(false)));
        let (_, answer) = body(Refusal::Status(503), Endpoint::Insert);
        assert_eq!(answer["error"]["errors"][0]["reason"], "backendError");
        let (status, answer) = body(Refusal::Forbidden("quotaExceeded"), Endpoint::Insert);
        assert_eq!((status, &answer["error"]["errors"][0]["reason"]), (403, &json!("quotaExceeded")));
        let (_, answer) = body(Refusal::Status(404), Endpoint::Insert);
        assert_eq!(answer["error"]["errors"][0]["reason"], "notFound");
        let (status, answer) = body(Refusal::OneRow("timeout"), Endpoint::Insert);
        assert_eq!((status, answer["insertErrors"].as_array().map(Vec::len)), (200, Some(1)));
        assert_eq!(body(Refusal::Html(413), Endpoint::Insert), (413, Value::Null));
        assert_eq!(body(Refusal::Empty(400), Endpoint::Insert), (400, Value::Null));
        assert_eq!(body(Refusal::Unsuccessful, Endpoint::List).0, 200);
        assert_eq!(body(Refusal::Codeless, Endpoint::List).1["errors"][0].get("code"), None);
        let limited = Refusal::TooManyRequests(7).response(Endpoint::List);
        assert_eq!(limited.headers()["retry-after"], "7");
    }
}
