//! What all of Cloudflare's API shares: the envelope, the token, the rate limit; and the list of gateways.

use http::{HeaderValue, Response, header};
use serde_json::{Value, json};

use super::{Timestamp, options::RateLimit};

/// The envelope of an answer that worked.
pub(super) fn success(result: &Value, info: &Value) -> Response<Vec<u8>> {
    let body = json!({ "success": true, "result": result, "result_info": info });
    super::json_response(200, &body)
}

/// The envelope of an answer that did not.
#[expect(clippy::needless_pass_by_value, reason = "callers build both in place")]
pub(super) fn failure(status: u16, errors: Value, result: Value) -> Response<Vec<u8>> {
    let body = json!({ "success": false, "errors": errors, "messages": [], "result": result });
    super::json_response(status, &body)
}

/// No such account, gateway or path.
pub(super) fn no_route(path: &str) -> Response<Vec<u8>> {
    let message = format!("Could not route to {path}, perhaps your object identifier is invalid?");
    let errors = json!([{ "code": 7003, "message": message }, { "code": 7000, "message": "No route for that URI" }]);
    failure(404, errors, Value::Null)
}

/// Refuses a request that does not carry the one token.
pub(super) fn check_token(
    request: &http::Request<Vec<u8>>,
    token: &str,
) -> Result<(), Response<Vec<u8>>> {
    let Some(authorization) = request.headers().get(header::AUTHORIZATION) else {
        let message = "Missing X-Auth-Key, X-Auth-Email or Authorization headers";
        return Err(failure(400, json!([{ "code": 9106, "message": message }]), Value::Null));
    };
    let Some(given) = super::bearer(authorization).filter(|given| !given.is_empty()) else {
        let chain = json!([{ "code": 6103, "message": "Invalid format for Authorization header" }]);
        let error =
            json!({ "code": 6003, "message": "Invalid request headers", "error_chain": chain });
        return Err(failure(400, json!([error]), Value::Null));
    };
    if given != token {
        return Err(failure(
            403,
            json!([{ "code": 10000, "message": "Authentication error" }]),
            Value::Null,
        ));
    }
    Ok(())
}

/// A page of the account's gateways; `search` by a part of the id.
pub(super) fn gateways(ids: &[&str], query: &str) -> Response<Vec<u8>> {
    let find = |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    let number =
        |name, default| find(name).and_then(|(_, text)| text.parse().ok()).unwrap_or(default);
    let search = find("search").map(|(_, text)| text).unwrap_or_default();
    let (page, per_page) = (number("page", 1_usize).max(1), number("per_page", 20).clamp(1, 50));
    let found: Vec<&&str> = ids.iter().filter(|id| id.contains(&*search)).collect();
    let shown: Vec<Value> =
        found.iter().skip((page - 1) * per_page).take(per_page).map(|id| gateway(id)).collect();
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

    /// Counts one call; when it is one too many, answers it.
    pub fn count(&mut self, now: Timestamp) -> Result<(), Response<Vec<u8>>> {
        let Some(limit) = self.limit else { return Ok(()) };
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
            return Ok(());
        }
        let message = "Please wait and consider throttling your request speed";
        let mut response = failure(429, json!([{ "code": 971, "message": message }]), Value::Null);
        response.headers_mut().insert(header::RETRY_AFTER, self.seconds_left(now).into());
        Err(response)
    }

    /// The two headers that every answer carries.
    pub fn mark(&self, now: Timestamp, response: &mut Response<Vec<u8>>) {
        let limit = self.limit.unwrap_or_default();
        let left = limit.quota.saturating_sub(self.used);
        let state = format!("\"default\";r={left};t={}", self.seconds_left(now));
        let policy = format!("\"burst\";q={};w={}", limit.quota, limit.window_seconds);
        for (name, text) in [("ratelimit", state), ("ratelimit-policy", policy)] {
            response.headers_mut().extend(
                HeaderValue::from_str(&text)
                    .map(|value| (http::HeaderName::from_static(name), value)),
            );
        }
    }

    /// Rounded up.
    fn seconds_left(&self, now: Timestamp) -> i64 {
        ((self.until - now).num_milliseconds().max(0) + 999) / 1_000
    }
}
