//! The parts that all of Cloudflare's API shares: the envelope, pages and the rate limit.

pub mod access;
pub mod d1;
pub(in crate::simulator) mod entry;
pub(in crate::simulator) mod filter;
pub mod gateway;
pub mod kv;
pub(in crate::simulator) mod list;
pub(in crate::simulator) mod namespaces;
pub(in crate::simulator) mod queues;
pub mod settings;
pub(in crate::simulator) mod stored;
pub(in crate::simulator) mod traffic;

use http::{HeaderValue, Response, header};
use serde_json::{Value, json};

use crate::simulator::{time::Timestamp, wire};

/// The envelope of a call that worked.
pub(in crate::simulator) fn success(result: &Value, info: &Value) -> Response<Vec<u8>> {
    let body = json!({ "success": true, "result": result, "result_info": info });
    wire::json_response(200, &body)
}

/// The envelope of a call that failed.
#[expect(clippy::needless_pass_by_value, reason = "callers build both in place")]
pub(in crate::simulator) fn failure(status: u16, errors: Value, result: Value) -> Response<Vec<u8>> {
    let body = json!({ "success": false, "errors": errors, "messages": [], "result": result });
    wire::json_response(status, &body)
}

/// No such account, gateway or path.
pub(in crate::simulator) fn no_route(path: &str) -> Response<Vec<u8>> {
    let message = format!("Could not route to {path}, perhaps your object identifier is invalid?");
    let errors = json!([{ "code": 7003, "message": message }, { "code": 7000, "message": "No route for that URI" }]);
    failure(404, errors, Value::Null)
}

/// A page of a list, as `page` and `per_page` ask for it.
pub(in crate::simulator) fn page(all: &[Value], query: &str, most: usize) -> Response<Vec<u8>> {
    let number = |name, default| wire::parameter(query, name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (page, per_page) = (number("page", 1_usize).max(1), number("per_page", 20).clamp(1, most));
    let shown: Vec<Value> = all.iter().skip((page - 1) * per_page).take(per_page).cloned().collect();
    let info = json!({
        "page": page,
        "per_page": per_page,
        "count": shown.len(),
        "total_count": all.len(),
        "total_pages": all.len().div_ceil(per_page),
    });
    success(&shown.into(), &info)
}

/// Calls allowed in a window. One call more blocks all calls for the length of a window.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    /// Calls in a window.
    pub quota: u32,
    /// Length of a window, seconds.
    pub window_seconds: u32,
}

impl Default for RateLimit {
    /// Cloudflare's client API: developers.cloudflare.com/fundamentals/api/reference/limits
    fn default() -> Self {
        Self { quota: 1_200, window_seconds: 300 }
    }
}

/// Counts calls against the limit of a fixed window.
pub(in crate::simulator) struct Limiter {
    limit: Option<RateLimit>,
    used: u32,
    /// When the window, or the block, ends.
    until: Timestamp,
}

impl Limiter {
    pub fn new(limit: Option<RateLimit>) -> Self {
        Self { limit, used: 0, until: Timestamp::UNIX_EPOCH }
    }

    /// Counts one call. Returns a refusal if it is one too many.
    pub fn count(&mut self, now: Timestamp) -> Option<Response<Vec<u8>>> {
        let limit = self.limit?;
        let window = chrono::TimeDelta::seconds(limit.window_seconds.into());
        if now >= self.until {
            self.used = 0;
            self.until = now + window;
        }
        if self.used == limit.quota {
            // The first call too many blocks for a whole window; those that follow do not lengthen it.
            self.until = now + window;
        }
        self.used = self.used.saturating_add(1);
        if self.used <= limit.quota {
            return None;
        }
        let message = "Please wait and consider throttling your request speed";
        let mut response = failure(429, json!([{ "code": 971, "message": message }]), Value::Null);
        response.headers_mut().insert(header::RETRY_AFTER, self.seconds_left(now).into());
        Some(response)
    }

    /// The two headers that every answer carries.
    pub fn mark(&self, now: Timestamp, response: &mut Response<Vec<u8>>) {
        let limit = self.limit.unwrap_or_default();
        let left = limit.quota.saturating_sub(self.used);
        let state = format!("\"default\";r={left};t={}", self.seconds_left(now));
        let policy = format!("\"burst\";q={};w={}", limit.quota, limit.window_seconds);
        for (name, text) in [("ratelimit", state), ("ratelimit-policy", policy)] {
            response
                .headers_mut()
                .extend(HeaderValue::from_str(&text).map(|value| (http::HeaderName::from_static(name), value)));
        }
    }

    /// Rounded up.
    fn seconds_left(&self, now: Timestamp) -> i64 {
        ((self.until - now).num_milliseconds().max(0) + 999) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn one_call_too_many_blocks_for_a_window() {
        let mut limiter = Limiter::new(Some(RateLimit { quota: 2, window_seconds: 10 }));
        let start = Timestamp::UNIX_EPOCH + TimeDelta::days(1);
        let at = |ms| start + TimeDelta::milliseconds(ms);
        assert!(limiter.count(at(0)).is_none());
        assert!(limiter.count(at(1)).is_none());
        let refused = limiter.count(at(9_000)).unwrap();
        assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &HeaderValue::from(10)));
        assert_eq!(limiter.count(at(18_500)).unwrap().headers()["retry-after"], "1");
        assert!(limiter.count(at(19_000)).is_none());
        let mut response = Response::new(Vec::new());
        limiter.mark(at(19_500), &mut response);
        assert_eq!(response.headers()["ratelimit"], "\"default\";r=1;t=10");
        assert_eq!(response.headers()["ratelimit-policy"], "\"burst\";q=2;w=10");
    }

    #[test]
    fn lists_come_page_by_page() {
        let response = page(&["a", "b", "c"].map(Value::from), "per_page=2&page=2", 50);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["result"], json!(["c"]));
        let info = json!({ "page": 2, "per_page": 2, "count": 1, "total_count": 3, "total_pages": 2 });
        assert_eq!(body["result_info"], info);
    }
}
