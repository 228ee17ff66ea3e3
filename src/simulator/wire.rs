//! The parts of HTTP that all simulated services share: answers of any kind, and the token of a request.

use http::{HeaderValue, Response, header};
use serde_json::Value;

/// The token of an `Authorization: Bearer` header.
pub(in crate::simulator) fn bearer(authorization: &HeaderValue) -> Option<&str> {
    authorization.to_str().ok()?.strip_prefix("Bearer ")
}

/// A parameter of a query; none: it is not given.
pub(in crate::simulator) fn parameter(query: &str, name: &str) -> Option<String> {
    let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

/// An answer in JSON.
pub(in crate::simulator) fn json_response(status: u16, body: &Value) -> Response<Vec<u8>> {
    response(status, "application/json", body.to_string().into_bytes())
}

/// An answer of any kind.
pub(in crate::simulator) fn response(status: u16, media_type: &'static str, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
