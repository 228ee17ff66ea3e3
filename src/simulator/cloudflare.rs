//! What all of Cloudflare's API shares: the envelope, the token, the rate limit; and the list of gateways.

use http::{HeaderValue, Response, header};
use serde_json::{Value, json};

use super::{Timestamp, options::RateLimit, respond};

/// The envelope of an answer that worked.
pub(super) fn success(result: &Value, info: &Value) -> Response<Vec<u8>> {
    let body = json!({ "success": true, "result": result, "result_info": info });
    respond::json_response(200, &body)
}

/// The envelope of an answer that did not.
#[expect(clippy::needless_pass_by_value, reason = "callers build both in place")]
pub(super) fn failure(status: u16, errors: Value, result: Value) -> Response<Vec<u8>> {
    let body = json!({ "success": false, "errors": errors, "messages": [], "result": result });
    respond::json_response(status, &body)
}

/// No such account, gateway or path.
pub(super) fn no_route(path: &str) -> Response<Vec<u8>> {
    let message = format!("Could not route to {path}, perhaps your object identifier is invalid?");
    let errors = json!([{ "code": 7003, "message": message }, { "code": 7000, "message": "No route for that URI" }]);
    failure(404, errors, Value::Null)
}

/// The refusal of a request that does not carry the one token.
pub(super) fn refuse_token(request: &http::Request<Vec<u8>>, token: &str) -> Option<Response<Vec<u8>>> {
    let Some(authorization) = request.headers().get(header::AUTHORIZATION) else {
        let message = "Missing X-Auth-Key, X-Auth-Email or Authorization headers";
        return Some(failure(400, json!([{ "code": 9106, "message": message }]), Value::Null));
    };
    let Some(given) = respond::bearer(authorization).filter(|given| !given.is_empty()) else {
        let chain = json!([{ "code": 6103, "message": "Invalid format for Authorization header" }]);
        let message = "Invalid request headers";
        let errors = json!([{ "code": 6003, "message": message, "error_chain": chain }]);
        return Some(failure(400, errors, Value::Null));
    };
    let errors = json!([{ "code": 10000, "message": "Authentication error" }]);
    (given != token).then(|| failure(403, errors, Value::Null))
}

/// A page of the account's gateways; `search` by a part of the id.
pub(super) fn gateways(ids: &[&str], query: &str) -> Response<Vec<u8>> {
    let find = |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    let number = |name, default| find(name).and_then(|(_, text)| text.parse().ok()).unwrap_or(default);
    let search = find("search").map(|(_, text)| text).unwrap_or_default();
    let (page, per_page) = (number("page", 1_usize).max(1), number("per_page", 20).clamp(1, 50));
    let found: Vec<&&str> = ids.iter().filter(|id| id.contains(&*search)).collect();
    let shown: Vec<Value> = found.iter().skip((page - 1) * per_page).take(per_page).map(|id| gateway(id)).collect();
    let info = json!({ "page": page, "per_page": per_page, "count": shown.len(), "total_count": found.len() });
    success(&shown.into(), &info)
}

fn gateway(id: &str) -> Value {
    json!({
        "id": id,
        "collect_logs": true,
        "cache_ttl": 300,
        "log_management": 10_000_000,
        "log_management_strategy": "DELETE_OLDEST",
        "logpush": false,
        "is_default": id == "default",
        "created_at": "2025-01-15T08:00:00.000Z",
        "modified_at": "2025-01-15T08:00:00.000Z",
    })
}

/// Counts calls against the limit of a fixed window.
pub(super) struct Limiter {
    limit: Option<RateLimit>,
    used: u32,
    /// When the window, or the block, ends.
    until: Timestamp,
}

impl Limiter {
    pub fn new(limit: Option<RateLimit>) -> Self {
        Self { limit, used: 0, until: Timestamp::UNIX_EPOCH }
    }

    /// Counts one call; its refusal when it is one too many.
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

    fn code(authorization: Option<&str>) -> Option<(u16, i64)> {
        let mut request = http::Request::new(Vec::new());
        if let Some(text) = authorization {
            request.headers_mut().insert(header::AUTHORIZATION, text.parse().unwrap());
        }
        let response = refuse_token(&request, "right")?;
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        Some((response.status().as_u16(), body["errors"][0]["code"].as_i64().unwrap()))
    }

    #[test]
    fn only_the_right_token_is_let_in() {
        assert_eq!(code(None), Some((400, 9106)));
        assert_eq!(code(Some("right")), Some((400, 6003)));
        assert_eq!(code(Some("Bearer wrong")), Some((403, 10000)));
        assert_eq!(code(Some("Bearer right")), None);
    }

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
    fn gateways_are_listed_by_page() {
        let response = gateways(&["a", "ab", "b"], "per_page=1&page=2&search=a");
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["result"][0]["id"], "ab");
        assert_eq!(body["result_info"], json!({ "page": 2, "per_page": 1, "count": 1, "total_count": 2 }));
    }
}
