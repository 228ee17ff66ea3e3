//! The parts that all requests and answers share.

use std::time::{Duration, UNIX_EPOCH};

use chrono::DateTime;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use httpdate::parse_http_date;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::{foreign, plan::budget::Rate, time::Timestamp};

/// A request, body included.
pub type Request = http::Request<Vec<u8>>;

/// A whole answer; any status is an answer.
pub type Response = http::Response<Vec<u8>>;

/// A request with the headers that all requests have.
#[must_use]
pub fn request(method: Method, address: &str, body: Vec<u8>) -> Request {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    // Addresses in the settings are checked when they are read, and everything added to them is encoded.
    *request.uri_mut() = address.parse().unwrap_or_default();
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request
}

/// A `POST` request with a body in JSON.
#[must_use]
pub fn post(address: &str, body: Vec<u8>) -> Request {
    let mut request = request(Method::POST, address, body);
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request
}

/// The weight (`q`) that a header gives a value which a client takes: 1 unless it says so, and 0 if it does not name it.
#[must_use]
pub fn weight(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> f64 {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let mut parts = values.flat_map(|value| value.split(',')).map(|part| part.split(';').map(str::trim));
    let Some(mut parameters) = parts.find_map(|mut part| part.next()?.eq_ignore_ascii_case(wanted).then_some(part))
    else {
        return 0.0;
    };
    let weight = |parameter: &str| parameter.strip_prefix(['q', 'Q'])?.strip_prefix('=')?.parse().ok();
    parameters.find_map(weight).unwrap_or(1.0)
}

/// A text as one segment of an address.
#[must_use]
pub fn encoded(text: &str) -> String {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The wait that `retry-after` asks for. It holds seconds, or a date, which is compared with the answer's own `date`,
/// because our clock may be wrong. A wait of more than a day makes no sense, and is treated as absent.
#[must_use]
pub fn retry_after(response: &Response) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_hours(24);
    let headers = response.headers();
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse();
    let wait = match seconds {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (instant(headers, &header::RETRY_AFTER)? - date(headers)?).to_std().ok()?,
    };
    (wait <= LONGEST).then_some(wait)
}

/// The server's clock, UTC, in whole seconds, if the answer has it.
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    instant(headers, &header::DATE)
}

fn instant(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    let date = parse_http_date(headers.get(name)?.to_str().ok()?).ok()?;
    let since_1970 = date.duration_since(UNIX_EPOCH).ok()?;
    DateTime::from_timestamp(since_1970.as_secs().try_into().ok()?, 0)
}

/// The longest window of a rate limit. Cloudflare's windows have five minutes. A longer window is treated as absent.
const LONGEST_WINDOW: u64 = 24 * 60 * 60;

/// The names are values: a name given as text would be parsed first, which takes 4 KB of the Worker.
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// `Ratelimit: "default";r=50;t=30` and `Ratelimit-Policy: "burst";q=100;w=60`.
#[must_use]
pub fn rate(headers: &HeaderMap) -> Option<Rate> {
    let number = |header: &HeaderName, name: &str| -> Option<u32> {
        let parameters = headers.get(header)?.to_str().ok()?.split(';');
        parameters.filter_map(|part| part.trim().split_once('=')).find(|(key, _)| *key == name)?.1.parse().ok()
    };
    let reset = u64::from(number(&LIMIT, "t")?);
    (reset <= LONGEST_WINDOW).then_some(Rate {
        remaining: number(&LIMIT, "r")?.into(),
        reset: Duration::from_secs(reset),
        quota: number(&POLICY, "q")?.into(),
    })
}

/// Whether a failure with this status may pass by itself: the server's own failures, and a request that came too slowly
/// or too early.
#[must_use]
pub fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY)
}

/// The body of an answer, read as JSON. None: it is no JSON, or of another shape. All answers are read here: the whole
/// text is checked for UTF-8 once, and not string by string, and the Worker holds one reader, of texts, and none of bytes.
#[must_use]
pub fn json<T: DeserializeOwned>(response: &Response) -> Option<T> {
    serde_json::from_str(str::from_utf8(response.body()).ok()?).ok()
}

/// Reads a member that may also be null. Null means the same as absent.
///
/// # Errors
/// If the member has another type.
pub fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The beginning of a body, masked and in one line, for an error message. A document is never quoted: it may hold texts
/// that users have sent with their requests.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_from_seconds_and_from_dates_and_is_never_beyond_a_day() {
        let check = |asked: &str, seconds: Option<u64>| {
            let mut response = Response::new(Vec::new());
            let headers = response.headers_mut();
            headers.insert(header::DATE, HeaderValue::from_static("Tue, 06 Oct 2026 09:15:22 GMT"));
            headers.insert(header::RETRY_AFTER, HeaderValue::from_str(asked).unwrap());
            assert_eq!(retry_after(&response), seconds.map(Duration::from_secs), "{asked}");
        };
        check("0", Some(0));
        check(" 7 ", Some(7));
        check("86400", Some(86_400));
        check("86401", None);
        check("18446744073709551615", None);
        check("99999999999999999999999999", None);
        check("-1", None);
        check("soon", None);
        check("", None);
        check("Tue, 06 Oct 2026 09:16:02 GMT", Some(40));
        // HTTP has no zone but GMT.
        check("Tue, 06 Oct 2026 11:16:02 +0200", None);
        check("Tue, 06 Oct 2026 09:15:22 GMT", Some(0));
        check("Tue, 06 Oct 2026 09:15:21 GMT", None);
        check("Thu, 08 Oct 2026 09:15:22 GMT", None);
        check("Fri, 31 Dec 9999 23:59:59 GMT", None);
        check("Tue, 32 Oct 2026 09:15:22 GMT", None);
    }

    #[test]
    fn a_date_to_wait_for_says_nothing_without_the_servers_clock() {
        let mut response = Response::new(Vec::new());
        let asked = HeaderValue::from_static("Tue, 06 Oct 2026 09:16:02 GMT");
        response.headers_mut().insert(header::RETRY_AFTER, asked);
        assert_eq!(retry_after(&response), None);
    }
}
