//! The endpoints of keys. A key of one org manages the keys of that org.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    content::{empty, json as answer},
    key::{self, ALL_ORGS, Key, LONGEST_ORIGIN, Scope},
    problem::Problem,
};
use crate::{database::Database, error::CallError, host::Server, time::Timestamp, wire::Response};

/// The longest name of an org, in bytes.
pub(super) const LONGEST_ORG: usize = 128;

/// A key to make.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    org: String,
    scopes: Vec<String>,
    #[serde(default)]
    origins: Vec<String>,
}

/// `POST /keys`: makes a key, and shows it once.
pub(super) async fn create<S: Server>(server: &S, manager: &Key, body: &[u8]) -> Result<Response, Problem> {
    let wanted: Wanted = serde_json::from_slice(body).map_err(|error| {
        // Other words of the parser quote values.
        let unknown = Some(error.to_string()).filter(|words| words.starts_with("unknown field"));
        let unknown = unknown.map_or_else(String::new, |words| format!(": {words}"));
        Problem::new(StatusCode::BAD_REQUEST, format!("send org, scopes and perhaps origins as JSON{unknown}"))
    })?;
    let key = checked(&wanted.org, &wanted.scopes, wanted.origins)
        .map_err(|(field, problem)| Problem::new(StatusCode::BAD_REQUEST, problem).of(field))?;
    if manager.org.is_some() && manager.org != key.org {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the key is of another org").of("org"));
    }
    answer(StatusCode::CREATED, &made(server.database(), key, |bytes| server.fill(bytes), server.now()).await?)
}

/// Makes a key. Returns it with what everybody may know of it.
///
/// # Errors
/// If the database did not confirm that it has the key.
pub async fn made(
    database: &impl Database,
    key: Key,
    fill: impl FnOnce(&mut [u8]),
    now: Timestamp,
) -> Result<Value, CallError> {
    let mut random = [0; 32];
    fill(&mut random);
    let text = key::new_key(random);
    let key = Key { prefix: key::prefix(&text), ..key };
    database.run(vec![key::create(&text, &key, now)]).await?;
    let mut shown = key::shown(&key);
    shown.insert("key".into(), text.into());
    Ok(Value::Object(shown))
}

/// A key to make, without its text, or the field that is wrong and why.
///
/// # Errors
/// If an org, a scope or an origin cannot be.
pub fn checked(org: &str, scopes: &[String], origins: Vec<String>) -> Result<Key, (&'static str, String)> {
    if org.trim().is_empty() || org.len() > LONGEST_ORG || org.contains(char::is_control) {
        return Err(("org", format!("org must be a name of 1 to {LONGEST_ORG} bytes; * stands for all orgs")));
    }
    let known: Option<Vec<_>> = scopes.iter().map(|scope| Scope::parse(scope)).collect();
    let Some(mut known) = known.filter(|scopes| !scopes.is_empty()) else {
        return Err(("scopes", "scopes must be some of ingest, query, admin".into()));
    };
    known.sort_unstable();
    known.dedup();
    if let Some(origin) = origins.iter().find(|origin| !is_origin(origin)) {
        return Err(("origins", format!("{origin:?} is no origin such as https://app.example")));
    }
    let org = Some(org.to_owned()).filter(|org| org != ALL_ORGS);
    Ok(Key { prefix: String::new(), org, scopes: known, origins })
}

/// Whether a text is an origin as browsers send it: scheme, host, and perhaps a port.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    let usual = match uri.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        Some(_) | None => return false,
    };
    // A browser sends no user, no usual port, and no letters that need another form in an address.
    let (authority, host) = (uri.authority().map_or("", http::uri::Authority::as_str), uri.host().unwrap_or_default());
    let is_port = match authority.strip_prefix(host) {
        Some("") => true,
        Some(rest) => {
            rest.strip_prefix(':').and_then(|port| port.parse::<u16>().ok()).is_some_and(|port| port != usual)
        }
        None => false,
    };
    let is_plain = text
        .bytes()
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || b":/.-_[]".contains(&letter));
    is_plain && is_port && uri.path() == "/" && !text.ends_with('/') && text.len() <= LONGEST_ORIGIN
}

/// `GET /keys`.
pub(super) async fn list<S: Server>(server: &S, manager: &Key) -> Result<Response, Problem> {
    let rows = key::list(server.database(), manager.org.as_deref()).await?;
    answer(StatusCode::OK, &json!({ "rows": rows }))
}

/// `DELETE /keys/{prefix}`.
pub(super) async fn revoke<S: Server>(server: &S, manager: &Key, prefix: &str) -> Result<Response, Problem> {
    let done = server.database().run(vec![key::revoke(prefix, manager.org.as_deref(), server.now())]).await?;
    if done.iter().all(|done| done.changed == 0) {
        return Err(Problem::new(StatusCode::NOT_FOUND, "no key that is not revoked has this prefix"));
    }
    Ok(empty(StatusCode::NO_CONTENT))
}
