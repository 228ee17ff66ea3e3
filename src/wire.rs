//! What all requests and answers have in common.

use std::time::Duration;

use chrono::DateTime;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer};

use crate::{
    foreign,
    host::{Request, Response},
    time::Timestamp,
};

/// A request with the headers that all have.
#[must_use]
pub fn request(method: Method, address: &str, body: Vec<u8>) -> Request {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    // The settings' addresses are checked when they are read, and everything added to them is encoded.
    *request.uri_mut() = address.parse().unwrap_or_default();
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request
}

/// A text as one segment of an address.
#[must_use]
pub fn encoded(text: &str) -> String {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// `retry-after` in whole seconds.
#[must_use]
pub fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The server's clock, UTC, in whole seconds, where it says.
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = DateTime::parse_from_rfc2822(headers.get(header::DATE)?.to_str().ok()?).ok()?;
    Some(date.to_utc())
}

/// Whether a status may pass by itself: the server's own failures, and a request that came too slowly or too early.
#[must_use]
pub fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY)
}

/// Reads a member that may also be null, which means what absent means.
///
/// # Errors
/// Where it is of another type.
pub fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The beginning of a body, masked and in one line, for an error message. A document is not quoted, whole or in part: it may hold
/// what users have sent along with their requests.
#[must_use]
pub fn snippet(body: &[u8]) -> String {
    /// Characters.
    const LONGEST: usize = 200;
    if matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) {
        return format!("a document of {} bytes that cannot be understood", body.len());
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * LONGEST)]);
    let line = foreign::line(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if line.is_empty() { "empty body".into() } else { line.chars().take(LONGEST).collect() }
}
