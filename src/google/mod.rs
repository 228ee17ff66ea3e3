//! Signs in to Google with a service account, as values: the text to sign, the request, and its answer. Google
//! exchanges an assertion (RS256, AIP-4112) for a token that allows only to insert rows. To check the table there is a
//! token that allows only to look at it, and for an operator's own key one that allows only to read `BigQuery`.

pub mod key;

use std::ops::RangeInclusive;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use http::{Method, header::CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    config::ServiceAccount,
    error::CallError,
    foreign,
    secret::Secret,
    time::Timestamp,
    wire::{Request, Response, json, may_pass, request, retry_after},
};

/// The purpose of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// To insert rows. It can neither read nor change a table.
    Insert,
    /// To look at tables, to query them, and to see the account's permissions. It cannot change anything.
    Look,
}

impl Scope {
    fn address(self) -> &'static str {
        match self {
            Self::Insert => "https://www.googleapis.com/auth/bigquery.insertdata",
            // The smallest scope that both tables.testIamPermissions and jobs.query name in BigQuery's discovery document.
            Self::Look => "https://www.googleapis.com/auth/cloud-platform.read-only",
        }
    }
}

/// `iat` is this far in the past, so that an assertion from a clock a little fast is not refused.
const BACKDATED: TimeDelta = TimeDelta::seconds(10);

/// The time from `iat` to `exp`. Google takes at most an hour.
const LIFETIME: TimeDelta = TimeDelta::minutes(55);

/// A token is not used in its last minutes. A token that lives less than twice this time is not used in its second
/// half: otherwise it would be useless, and each insert would sign in again.
const EARLY: TimeDelta = TimeDelta::minutes(5);

/// The lifetime of a token, in seconds, if the answer has none, or an impossible one.
const UNTOLD: f64 = 300.0;

/// The error for a key that cannot sign.
#[must_use]
pub fn unusable_key() -> CallError {
    let hint = "Give GCP_SA_KEY_JSON, or GCP_SA_PRIVATE_KEY_PEM, as Google Cloud made it";
    CallError::denied("the private key is not an RSA key that can be used", hint)
}

/// A token for BigQuery. It lives in memory only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token itself.
    pub secret: Secret,
    /// When to ask for another token.
    renewed: Timestamp,
}

impl Token {
    /// Whether the token can still be used at `now`.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.renewed
    }
}

/// The text to sign: header and claims of the assertion.
#[must_use]
pub fn unsigned_assertion(account: &ServiceAccount, scope: Scope, now: Timestamp) -> String {
    let issued = (now - BACKDATED).timestamp();
    let mut header = json!({ "alg": "RS256", "typ": "JWT" });
    if let Some(id) = &account.key_id {
        header["kid"] = Value::from(id.as_str());
    }
    let claims = json!({
        "iss": account.email,
        "scope": scope.address(),
        "aud": account.token_uri,
        "iat": issued,
        "exp": issued + LIFETIME.num_seconds(),
    });
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// The request that exchanges an assertion for a token.
#[must_use]
pub fn token_request(account: &ServiceAccount, unsigned: &str, signature: &[u8]) -> Request {
    let assertion = format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature));
    // Until it expires, it is worth as much as a token.
    foreign::hide(&assertion);
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", &assertion)
        .finish();
    let mut request = request(Method::POST, &account.token_uri, body.into_bytes());
    request.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/x-www-form-urlencoded"));
    request
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    error_description: Option<String>,
}

/// Errors that are the endpoint's own trouble, whatever the status. RFC 6749, section 4.1.2.1, and Google's own errors
const PASSING: [&str; 3] = ["internal_failure", "server_error", "temporarily_unavailable"];

/// Reads the answer to [`token_request`].
///
/// # Errors
/// If the answer has no token. The error of a refusal names the setting to check.
pub fn read_token(response: &Response, now: Timestamp) -> Result<Token, CallError> {
    let status = response.status();
    // The body is not shown: a server at a wrong address might send the assertion back.
    let words = format!("Google's token endpoint answered {status}");
    if status.as_u16() == 429 {
        return Err(CallError::Throttled { message: words, wait: retry_after(response) });
    }
    let answer = json::<Value>(response);
    let refused = answer.as_ref().and_then(|answer| Refused::deserialize(answer).ok());
    if let Some(refused) = refused.as_ref().filter(|refused| PASSING.contains(&refused.error.as_str())) {
        return Err(CallError::Broken(format!("{words}: {}", refused.error)));
    }
    if status.is_success() {
        let answer = answer.ok_or_else(|| CallError::Broken("Google's token answer cannot be read".into()))?;
        return granted(&answer, now).ok_or_else(|| {
            CallError::denied(format!("{words}, without an access_token"), "Check that GCP_TOKEN_URI is Google's own")
        });
    }
    if may_pass(status) || !(status.is_client_error() || status.is_redirection()) {
        return Err(CallError::Broken(words));
    }
    Err(refused.map_or_else(|| CallError::denied(words, "Check GCP_TOKEN_URI"), |refused| denied(&refused)))
}

/// The token in an answer, if it has one.
fn granted(answer: &Value, now: Timestamp) -> Option<Token> {
    let secret = answer.get("access_token")?.as_str().filter(|token| !token.is_empty())?;
    let lifetime = lifetime(answer.get("expires_in").unwrap_or(&Value::Null));
    Some(Token { secret: Secret::new(secret), renewed: now + lifetime - EARLY.min(lifetime / 2) })
}

/// `expires_in`. Some servers send it as a text or as a fraction.
fn lifetime(told: &Value) -> TimeDelta {
    /// The possible lifetimes in seconds. Google allows at most twelve hours, and less than a minute is useless.
    const SENSE: RangeInclusive<f64> = 60.0..=86_400.0;
    let seconds = match told {
        Value::String(text) => serde_json::from_str(text).ok(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => told.as_f64(),
    };
    #[expect(clippy::cast_possible_truncation, reason = "a day at most")]
    TimeDelta::seconds(seconds.filter(|seconds| SENSE.contains(seconds)).unwrap_or(UNTOLD) as i64)
}

fn denied(refused: &Refused) -> CallError {
    let description = refused.error_description.as_deref().unwrap_or("no description").trim_end_matches('.');
    let hint = if description.contains("reasonable timeframe") {
        "The clock of this machine is wrong: set it"
    } else if description.contains("Invalid JWT Signature") {
        "The private key does not belong to the service account, or was revoked: make a new key, and set \
         GCP_SA_KEY_JSON, or GCP_SA_EMAIL and GCP_SA_PRIVATE_KEY_PEM, again"
    } else {
        "Check that the service account of GCP_SA_KEY_JSON or GCP_SA_EMAIL exists and is enabled, and GCP_TOKEN_URI"
    };
    CallError::denied(format!("Google refused to sign in: {}: {description}", refused.error), hint)
}

#[cfg(test)]
mod tests {
    use super::{
        key::{PrivateKey, tests::pem},
        *,
    };
    use crate::time;

    fn account() -> ServiceAccount {
        ServiceAccount {
            email: "poller@p.iam.gserviceaccount.com".into(),
            key: PrivateKey::parse(&pem("PRIVATE KEY")).unwrap(),
            key_id: Some("k1".into()),
            token_uri: "https://oauth2.googleapis.com/token".into(),
        }
    }

    fn at(text: &str) -> Timestamp {
        time::parse(text).unwrap()
    }

    fn answer(status: u16, body: &str) -> Result<Token, CallError> {
        let response = http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap();
        read_token(&response, at("2026-10-06T09:00:00Z"))
    }

    #[test]
    fn secrets_do_not_print() {
        let token = answer(200, include_str!("../../tests/fixtures/token.json")).unwrap();
        let shown = format!("{:?} {token:?}", account());
        assert!(!shown.contains("c2Vj") && !shown.contains("ya29") && !shown.contains("115, 101"), "{shown}");
    }

    #[test]
    fn an_assertion_is_backdated_short_lived_and_of_least_scope() {
        let unsigned = unsigned_assertion(&account(), Scope::Insert, at("2026-10-06T09:00:00Z"));
        let parts: Vec<Value> = unsigned
            .split('.')
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        let issued = at("2026-10-06T08:59:50Z").timestamp();
        assert_eq!(parts[0], json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" }));
        let claims = json!({
            "iss": "poller@p.iam.gserviceaccount.com", "aud": "https://oauth2.googleapis.com/token",
            "scope": "https://www.googleapis.com/auth/bigquery.insertdata", "iat": issued, "exp": issued + 3_300,
        });
        assert_eq!(parts[1], claims);
    }

    #[test]
    fn each_purpose_has_its_own_scope() {
        let check = |scope: Scope, expected: &str| {
            let unsigned = unsigned_assertion(&account(), scope, at("2026-10-06T09:00:00Z"));
            let claims = URL_SAFE_NO_PAD.decode(unsigned.split('.').nth(1).unwrap()).unwrap();
            let claims: Value = serde_json::from_slice(&claims).unwrap();
            assert_eq!(claims["scope"], format!("https://www.googleapis.com/auth/{expected}"));
        };
        check(Scope::Insert, "bigquery.insertdata");
        check(Scope::Look, "cloud-platform.read-only");
    }

    #[test]
    fn a_token_request_is_a_form() {
        let request = token_request(&account(), "head.claims", b"\xff\xfe");
        assert_eq!(request.uri(), "https://oauth2.googleapis.com/token");
        assert_eq!(request.headers()[CONTENT_TYPE], "application/x-www-form-urlencoded");
        let body = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=head.claims.__4";
        assert_eq!(request.into_body(), body.as_bytes());
    }

    #[test]
    fn a_token_is_used_until_shortly_before_it_expires() {
        let token = answer(200, include_str!("../../tests/fixtures/token.json")).unwrap();
        assert!(token.is_fresh(at("2026-10-06T09:54:58Z")));
        assert!(!token.is_fresh(at("2026-10-06T09:54:59Z")));
    }

    #[test]
    fn a_refusal_to_sign_in_names_the_way_out() {
        let check = |status, body: &str, transient, words: &str| {
            let error = answer(status, body).unwrap_err();
            assert_eq!(error.is_transient(), transient, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        };
        check(
            400,
            include_str!("../../tests/fixtures/invalid_grant.json"),
            false,
            "make a new key, and set GCP_SA_KEY_JSON",
        );
        let skewed = r#"{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."}"#;
        check(400, skewed, false, "The clock of this machine is wrong");
        check(400, r#"{"error":"invalid_client"}"#, false, "GCP_SA_EMAIL");
        check(404, "<html>", false, "Check GCP_TOKEN_URI");
        check(429, "", true, "slow down");
        check(408, "", true, "408");
        check(503, "", true, "503");
        check(200, "<html>", true, "cannot be read");
        check(200, "", true, "cannot be read");
        for passing in ["internal_failure", "temporarily_unavailable", "server_error"] {
            for status in [200, 400, 401, 403] {
                check(status, &json!({ "error": passing }).to_string(), true, passing);
            }
        }
        for without in [json!({}), json!([]), json!({ "access_token": null }), json!({ "access_token": "" })] {
            check(200, &without.to_string(), false, "GCP_TOKEN_URI");
        }
    }

    #[test]
    fn a_lifetime_that_says_nothing_is_five_minutes() {
        let check = |given: Value, seconds: i64| {
            let mut body = json!({ "access_token": "a" });
            if given != "absent" {
                body["expires_in"] = given;
            }
            let token = answer(200, &body.to_string()).unwrap();
            let usable = at("2026-10-06T09:00:00Z") + TimeDelta::seconds(seconds);
            assert!(token.is_fresh(usable - TimeDelta::seconds(1)) && !token.is_fresh(usable), "{body}");
        };
        for hour in [json!(3_600), json!(3_600.0), json!("3600"), json!(" 3600 "), json!("3600.0")] {
            check(hour, 3_300);
        }
        let nonsense =
            [json!("absent"), json!(null), json!(0), json!(-3_600), json!(1e300), json!("soon"), json!([3_600])];
        for nonsense in nonsense {
            check(nonsense, 150);
        }
        check(json!(600), 300);
        check(json!(60), 30);
    }
}
