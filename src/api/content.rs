//! What headers say of a body, and the bodies of answers.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use super::{answer::answer, problem::Problem};
use crate::{
    ingest::{Form, Taken},
    wire::Response,
};

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(body);
    let body = body.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written"))?;
    let mut response = answer(status, body);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    answer(status, Vec::new())
}

/// The answer that tells what became of one event, or of a batch.
///
/// # Errors
/// If all are refused.
pub fn told(taken: &Taken, is_single: bool) -> Result<Response, Problem> {
    if !taken.ids.is_empty() && taken.refused.len() == taken.ids.len() {
        let status = if taken.is_foreign { StatusCode::FORBIDDEN } else { StatusCode::UNPROCESSABLE_ENTITY };
        let detail = match &taken.refused[..] {
            [refused] => refused.reason.clone(),
            all => format!("none of the {} events could be taken: each reason is in refused", all.len()),
        };
        let Ok(Value::Object(members)) = serde_json::to_value(taken) else { return Ok(empty(status)) };
        return Err(Problem::new(status, detail).with_members(members));
    }
    let Taken { accepted, duplicates, ids, .. } = taken;
    if is_single {
        return json(StatusCode::ACCEPTED, &One { accepted: *accepted, duplicates: *duplicates, ids });
    }
    json(StatusCode::ACCEPTED, taken)
}

/// The answer to one event, none of which is refused.
#[derive(Serialize)]
struct One<'a> {
    accepted: u64,
    duplicates: u64,
    ids: &'a [Option<String>],
}

/// The token of the header `authorization`.
pub(super) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The text of a header; empty if there is none, or it is no text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The form of a body by its content type. `curl -d` and `sendBeacon` send types of their own, and mean JSON.
pub(super) fn body_form(headers: &HeaderMap, of_route: Form) -> Result<Form, Problem> {
    let mut parts = text(headers, &header::CONTENT_TYPE).split(';').map(|part| part.trim().to_ascii_lowercase());
    let media_type = parts.next().unwrap_or_default();
    let is_utf8 = |part: &str| {
        part.strip_prefix("charset=").is_none_or(|name| matches!(name.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"))
    };
    if !parts.all(|part| is_utf8(&part)) {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send UTF-8").of("content-type"));
    }
    match (media_type.as_str(), of_route) {
        (
            ""
            | "application/json"
            | "text/plain"
            | "application/x-www-form-urlencoded"
            | "application/cloudevents+json",
            form,
        ) => Ok(form),
        ("application/cloudevents-batch+json", Form::Many) => Ok(Form::Many),
        ("application/x-ndjson" | "application/ndjson" | "application/jsonl", Form::Many) => Ok(Form::Lines),
        _ => {
            let way_out = match of_route {
                Form::One => "send application/json, or a batch to /events/batch",
                Form::Many | Form::Lines => {
                    "send application/json, application/x-ndjson or application/cloudevents-batch+json"
                }
            };
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, way_out).of("content-type"))
        }
    }
}

/// Whether a body is packed.
pub(super) fn is_packed(headers: &HeaderMap) -> Result<bool, Problem> {
    match text(headers, &header::CONTENT_ENCODING).trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(false),
        "gzip" | "x-gzip" => Ok(true),
        _ => Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the body as it is, or with gzip")
            .of("content-encoding")),
    }
}
